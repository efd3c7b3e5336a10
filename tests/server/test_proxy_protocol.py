"""The PROXY protocol by real sockets: whose a connection is, says the header before its first byte."""

from __future__ import annotations

import logging
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from rtcore import ConfigError
from rtcore.config import Config
from tests.contract.http1 import Connection, Ended

from .conftest import Running, certified, serving
from .test_proxies import app, seen_as, shown, site

BEHIND = {"proxies": ("127.0.0.0/8",), "proxy_protocol": True}
FIRST = b"PROXY TCP4 203.0.113.1 198.51.100.1 4321 443\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def second(address: str, port: int, *more: bytes, tls: bool = False) -> bytes:
    """A header of version 2."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    one = socket.inet_pton(family, address)
    body = one + one + struct.pack(">HH", port, 443) + b"".join(more)
    if tls:
        body += bytes([0x20, 0, 5, 1, 0, 0, 0, 0])
    kind = 0x21 if family == socket.AF_INET6 else 0x11
    return SIGNATURE + bytes([0x21, kind]) + struct.pack(">H", len(body)) + body


@asynccontextmanager
async def behind(
    server: Running, header: bytes, trust: ssl.SSLContext | None = None
) -> AsyncIterator[Connection]:
    """A connection that begins with this."""
    stream: trio.abc.Stream = await trio.open_tcp_stream("127.0.0.1", server.port)
    await stream.send_all(header)
    if trust is not None:
        stream = trio.SSLStream(stream, trust, server_hostname="127.0.0.1", https_compatible=True)
    try:
        yield Connection(stream, f"127.0.0.1:{server.port}")
    finally:
        await trio.aclose_forcefully(stream)


@pytest.mark.parametrize(
    ("header", "address", "user"),
    [
        (FIRST, "203.0.113.1", "clear"),
        (second("203.0.113.1", 4321), "203.0.113.1", "clear"),
        (second("2001:db8::7", 4321, b"\x04\x00\x02\x00\x00", tls=True), "2001:db8::7", "secure"),
        (SIGNATURE + b"\x20\x00\x00\x00", "127.0.0.1", "clear"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1", "clear"),
    ],
)
async def test_all_that_comes_by_a_connection_is_of_whom_its_header_names(
    header: bytes, address: str, user: str
) -> None:
    """By turns a request of ours and one of the site's: the socket goes to the backend and comes back."""
    async with serving(app(), mount=site, **BEHIND) as server, behind(server, header) as proxy:
        for _ in range(3):
            assert await seen_as(proxy, []) == [address, user]
            about = await shown(proxy, [])
            assert about["client"][0] == address
            assert about["scheme"] == ("https" if user == "secure" else "http")


async def test_behind_a_header_that_names_nobody_nobody_is_believed(tmp_path: Path) -> None:
    """*The proxy does not know its client, who writes `X-Forwarded-For`: it came from a proxy's address.*"""
    fields = [("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-Proto", "https")]
    settings, trust = certified(tmp_path)
    for more, tls, user in (({}, None, "clear"), (settings, trust, "secure")):
        async with serving(app(), mount=site, **more, **BEHIND) as server:
            for header in (
                b"PROXY UNKNOWN\r\n",
                SIGNATURE + b"\x20\x00\x00\x00",
                SIGNATURE + b"\x21\x31\x00\xd8" + bytes(216),
            ):
                async with behind(server, header, tls) as proxy:
                    for _ in range(2):  # before and after a request of the site's on the same connection
                        assert await seen_as(proxy, fields) == ["127.0.0.1", user]
                        await shown(proxy, fields)
            # A proxy of HTTP that stands before this one is configured, and its word counts.
            named = FIRST.replace(b"203.0.113.1", b"127.0.0.9")
            async with behind(server, named, tls) as proxy:
                for _ in range(2):
                    assert (await seen_as(proxy, fields))[0] == "198.51.100.1"
                    await shown(proxy, fields)


async def test_behind_tls_too(tmp_path: Path) -> None:
    settings, trust = certified(tmp_path)
    async with serving(app(), mount=site, **settings, **BEHIND) as server:
        for header, address in (
            (FIRST, "203.0.113.1"),
            (second("2001:db8::7", 9, bytes([3, 0, 200]) + bytes(200)), "2001:db8::7"),
            (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        ):
            async with behind(server, header, trust) as proxy:
                for _ in range(2):
                    assert await seen_as(proxy, []) == [address, "secure"]
                    assert (await shown(proxy, []))["client"][0] == address


@pytest.mark.parametrize("header", [b"", b"PROXY TCP4 nobody\r\n", SIGNATURE + b"\x21\x11\xff\xff"])
async def test_what_must_begin_with_a_header_and_does_not_is_refused_before_tls(
    header: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    settings, trust = certified(tmp_path)
    async with serving(app(), **settings, **BEHIND) as server, behind(server, header, trust) as proxy:
        with pytest.raises((trio.BrokenResourceError, Ended)):
            await seen_as(proxy, [])
    assert "PROXY" in caplog.text


async def test_a_header_from_elsewhere_is_refused_and_the_log_says_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Anybody who reaches the port could else say that he is somebody else."""
    caplog.set_level(logging.INFO)
    settings: dict[str, Any] = {**BEHIND, "proxies": ("10.0.0.0/8",)}
    async with serving(app(), **settings) as server:
        async with behind(server, FIRST) as proxy:
            answer = await proxy.request("POST", "/rt/session", [], b'{"type":"hello"}')
            assert answer.status == 400
            assert "none of the configured proxies" in answer.json()["message"]
        async with behind(server, b"") as direct:
            assert await seen_as(direct, []) == ["127.0.0.1", "clear"]
    assert "a PROXY header came from 127.0.0.1" in caplog.text


async def test_limits_by_address_see_the_client() -> None:
    another = FIRST.replace(b"113.1", b"113.2")
    async with (
        serving(app(), limits={"connections_per_address": 1}, **BEHIND) as server,
        behind(server, FIRST) as one,
        behind(server, another) as other,
        behind(server, FIRST) as again,
    ):
        assert (await seen_as(one, []))[0] == "203.0.113.1"
        assert (await seen_as(other, []))[0] == "203.0.113.2"
        answer = await again.request("POST", "/rt/session", [], b'{"type":"hello"}')
        assert (answer.status, answer.json()["code"]) == (503, "OVERLOADED")


def test_without_a_proxy_from_which_it_would_be_taken_the_setting_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"proxy_protocol is on, and no proxy is named.*--proxy"):
        Config.of(proxy_protocol=True)
    assert Config.of(proxy_protocol=True, proxies=["10.0.0.0/8"]).proxy_protocol
    assert not Config.of().proxy_protocol
