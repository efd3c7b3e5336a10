"""`rtcore doctor` at a port where no rtcore is, and no HTTP either: it names what is there."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Awaitable, Callable

import pytest
import trio
import trustme

from rtcore.client import stranger
from rtcore.client.doctor import Doctor, Finding, Verdict
from rtcore.client.links.target import target_of

HTTP = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
Speaks = Callable[[trio.abc.Stream], Awaitable[None]]


def says(words: bytes, *, unasked: bool = True) -> Speaks:
    """A server that says this to everybody and closes when its peer does."""

    async def speak(stream: trio.abc.Stream) -> None:
        try:
            if unasked:
                await stream.send_all(words)
            while await stream.receive_some():
                if not unasked:
                    await stream.send_all(words)
        except trio.BrokenResourceError:
            pass

    return speak


async def closes(stream: trio.abc.Stream) -> None:
    """A server that reads, and closes."""
    await stream.receive_some(1)


@pytest.fixture
async def at(nursery):
    """Has a server speak at a port, and gives the port."""

    async def serve(speak: Speaks, tls: ssl.SSLContext | None = None) -> int:
        async def handle(stream: trio.SocketStream) -> None:
            carried = trio.SSLStream(stream, tls, server_side=True) if tls is not None else stream
            try:
                await speak(carried)
            except trio.BrokenResourceError:
                pass  # no TLS
            finally:
                await trio.aclose_forcefully(stream)

        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, handle, [listener])
        return listener.socket.getsockname()[1]

    return serve


async def worst(url: str) -> tuple[list[str], Finding]:
    """What was looked at, and the finding that ends it: the only one that is bad."""
    found = [finding async for finding in Doctor(target_of(url)).findings()]
    assert [each.verdict for each in found[:-1]] == [Verdict.GOOD] * (len(found) - 1)
    assert found[-1].verdict is Verdict.BAD
    return [each.check for each in found], found[-1]


@pytest.mark.parametrize(
    ("words", "unasked", "named"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", True, "an SSH server answers there: 'SSH-2.0-OpenSSH_9.6'"),
        (b"220 mail.example.org ESMTP\r\n", True, "a server of mail or of files"),
        (b"-ERR wrong number of arguments for 'get' command\r\n", False, "a server like Redis"),
        (b"\x4a\x00\x00\x00\x0a8.0.36\x00", True, "no server of HTTP answers there: 'J\\x00"),
    ],
    ids=["ssh", "smtp", "redis", "binary"],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_what_speaks_no_http_is_named_by_its_first_words(at, scheme, words, unasked, named) -> None:
    port = await at(says(words, unasked=unasked))
    checks, finding = await worst(f"{scheme}://127.0.0.1:{port}/rt")
    assert checks == (["name", "connection", "server"] if scheme == "http" else ["name", "TLS"])
    assert named in finding.found
    assert "is the port right" in finding.advice


async def test_a_port_at_which_nothing_listens() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # not listening, and nobody else can
        port = bound.getsockname()[1]
        for scheme, what in (("http", "connection"), ("https", "TLS")):
            checks, finding = await worst(f"{scheme}://127.0.0.1:{port}/rt")
            assert checks == ["name", what]
            assert finding.found == f"nothing listens at {scheme}://127.0.0.1:{port}/rt"
            assert f"is {port} its port" in finding.advice


async def test_a_port_of_tls_that_is_asked_without(at) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    port = await at(says(HTTP, unasked=False), context)
    checks, finding = await worst(f"http://127.0.0.1:{port}/rt")
    assert checks == ["name", "connection", "server"]
    assert finding.found == "it speaks TLS, and was asked without"
    assert finding.advice == f"write https://127.0.0.1:{port}/rt"


async def test_a_port_without_tls_that_is_asked_by_it(at) -> None:
    port = await at(says(HTTP, unasked=False))
    checks, finding = await worst(f"https://127.0.0.1:{port}/rt")
    assert checks == ["name", "TLS"]
    assert "it speaks HTTP without TLS, and was asked by TLS" in finding.found
    assert finding.advice == f"write http://127.0.0.1:{port}/rt"


async def test_a_port_that_closes_without_a_word(at) -> None:
    checks, finding = await worst(f"http://127.0.0.1:{await at(closes)}/rt")
    assert checks == ["name", "connection", "server"]
    assert "closes it without a word" in finding.found


async def test_a_port_that_takes_connections_and_says_nothing(at, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stranger, "PATIENCE", 0.3)
    checks, finding = await worst(f"http://127.0.0.1:{await at(says(b'', unasked=False))}/rt")
    assert checks == ["name", "connection", "server"]
    assert finding.found == "it takes connections, and says nothing within 0.3 s"
    assert "does that server hang" in finding.advice
