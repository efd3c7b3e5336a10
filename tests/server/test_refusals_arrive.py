"""A refusal is read, however much of the request is still on its way when it is said."""

import ssl
from pathlib import Path
from typing import Any

import pytest
import trio

import rtcore
from tests.contract.http1 import Answer

from .conftest import certified, reached, serving

MUCH = 8 << 20
KEY = ("Authorization", "Bearer " + "k" * 32)


async def site(scope: Any, _receive: Any, send: Any) -> None:
    """A backend that answers 404 and reads nothing."""
    if scope["type"] == "http":
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"4")]
        await send({"type": "http.response.start", "status": 404, "headers": headers})
        await send({"type": "http.response.body", "body": b"none"})


def app() -> rtcore.App:
    made = rtcore.App()
    made.rooms("tea", relay=True)
    return made


@pytest.fixture(params=["plain", "tls"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[dict[str, Any], ssl.SSLContext | None]:
    """Settings of the server, and what its clients trust."""
    if request.param == "plain":
        return {}, None
    return certified(tmp_path)


@pytest.mark.parametrize(
    ("method", "path", "status", "chunks"),
    [
        ("POST", "/rt/api/publish", 413, 0),
        ("POST", "/rt/api/publish", 413, 65536),
        ("POST", "/rt/api/nothing", 404, 0),
        ("POST", "/elsewhere", 404, 0),
        ("PUT", "/elsewhere", 404, 65536),
        ("POST", "/rt/session", 413, 0),
        ("POST", "/rt/session", 413, 65536),
        ("POST", "/rt/send", 401, 0),
        ("POST", "/rt/poll", 405, 0),
        ("POST", "/rt/nothing", 404, 65536),
        ("POST", "/%6detrics", 400, 0),
    ],
)
async def test_it_is_read_after_a_large_body(
    kind: tuple[dict[str, Any], ssl.SSLContext | None], method: str, path: str, status: int, chunks: int
) -> None:
    """Closed with bytes unread, the socket was reset, and that was all that the client saw."""
    settings, trust = kind
    async with (
        serving(app(), mount=site, api_keys=["k" * 32], **settings) as server,
        reached(server, trust) as one,
    ):
        # As most clients do: all of it is sent before anything is read.
        said = one.written(method, path, [KEY] if "/api/" in path else (), bytes(MUCH), chunks)
        one.expecting.append(method)
        await one.raw(said)
        answer: Answer = await one.answer()
        assert (answer.status, answer.get("connection")) == (status, "close")
        await one.ends()


async def test_what_never_ends_is_not_read_for_ever() -> None:
    """Bounded in bytes: a peer that takes no notice is cut off."""
    async with serving(app(), mount=site, limits={"parting_bytes": 1 << 20}) as server:
        for path in ("/rt/session", "/elsewhere"):
            async with reached(server, None) as one:
                one.expecting.append("POST")
                await one.raw(one.written("POST", path, [("Content-Length", str(1 << 40))], b""))
                await one.answer()
                with pytest.raises(trio.BrokenResourceError):
                    await one.raw(bytes(64 << 20))


@pytest.mark.parametrize(
    "path", ["/rt/ws", "/rt/poll?after=0", "/rt/nothing", "/healthz", "/nothing", "/%6d", "/rt/api/x"]
)
async def test_head_is_answered_by_a_head_alone(path: str) -> None:
    """What stands behind it would be read as the next answer, by a proxy as that of somebody else."""
    async with serving(app(), api_keys=["k" * 32]) as server, reached(server, None) as one:
        answer = await one.request("HEAD", path)
        assert answer.status in (200, 400, 404, 405, 426)
        if answer.get("connection") is None:
            # The next answer begins where it should.
            assert (await one.request("GET", "/healthz")).body == b"ok\n"
        else:
            assert await one.ends() == b""


@pytest.mark.parametrize(
    "head", ["HEAD / HTTP/1.1\r\n\r\n", "HEAD /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD / HTTP/3.0\r\n"]
)
async def test_a_head_that_is_broken_is_refused_without_a_body(head: str) -> None:
    async with serving(app()) as server, reached(server, None) as one:
        one.expecting.append("HEAD")
        await one.raw(head.encode())
        assert (await one.answer()).status in (400, 505)
        assert await one.ends() == b""
