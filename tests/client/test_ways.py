"""Ways to the server that are not TCP to a name: Unix sockets, IPv6; headers; what goes past a proxy."""

from __future__ import annotations

import socket
from functools import partial

import pytest
import trio

import rtcore
from rtcore.client import NotConnected, WrongURL, connect
from rtcore.client.links.dial import proxy_for
from rtcore.client.links.target import target_of
from tests.client.conftest import make_app
from tests.patience import PATIENCE

TRANSPORTS = ["websocket", "trio-websocket", "sse", "polling"]


def six() -> bool:
    """Whether this machine has IPv6 on loopback."""
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
    except OSError:
        return False
    return True


async def talks(url: str, transport: str, **options: object) -> None:
    """It says and hears."""
    with trio.fail_after(PATIENCE):
        async with connect(url, transport=transport, **options) as client:
            tea = await client.join("tea")
            assert await client.emit("count", 1, timeout=PATIENCE) >= 1
            await client.emit("chat:message", {"room": "tea", "text": "hello"}, timeout=PATIENCE)
            assert (await anext(aiter(tea))).data["text"] == "hello"
            assert client.transport == transport


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_over_a_unix_socket(transport, nursery, tmp_path) -> None:
    path = str(tmp_path / "app.sock")
    await nursery.start(partial(rtcore.serve, make_app(), uds=path))
    await talks(f"unix:{path}", transport)
    await talks(f"unix:{path}:/rt", transport)


async def test_a_unix_socket_that_is_not_there_is_not_connected(tmp_path) -> None:
    with pytest.raises(NotConnected):
        async with connect(f"unix:{tmp_path}/none.sock", connect_timeout=1):
            pass


@pytest.mark.skipif(not six(), reason="no IPv6 on this machine")
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_over_ipv6(transport, nursery) -> None:
    addresses = await nursery.start(partial(rtcore.serve, make_app(), host="::1", port=0))
    await talks(f"http://[::1]:{addresses[0].port}/rt", transport)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_headers_of_ones_own_go_with_each_request(transport, nursery) -> None:
    """What a gateway before the server wants: each connection that is opened says it."""
    addresses = await nursery.start(partial(rtcore.serve, make_app(), port=0))
    heads: list[bytes] = []

    async def relay(client: trio.SocketStream) -> None:
        server = await trio.open_tcp_stream("127.0.0.1", addresses[0].port)

        async def pump(source: trio.SocketStream, sink: trio.SocketStream, kept: list[bytes] | None) -> None:
            try:
                async for data in source:
                    if kept is not None:
                        kept.append(bytes(data))
                    await sink.send_all(data)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass
            pumps.cancel_scope.cancel()

        async with client, server, trio.open_nursery() as pumps:
            pumps.start_soon(pump, client, server, heads)
            pumps.start_soon(pump, server, client, None)

    listeners = await nursery.start(partial(trio.serve_tcp, relay, 0, host="127.0.0.1"))
    port = listeners[0].socket.getsockname()[1]
    await talks(f"http://127.0.0.1:{port}/rt", transport, headers={"X-Gate": "let me in", "x-other": "é"})
    requests = [head for head in heads if head.startswith((b"GET ", b"POST "))]
    assert requests
    assert all(b"x-gate: let me in" in head.lower() for head in requests)
    assert all("x-other: é".encode("latin-1") in head.lower() for head in requests)


@pytest.mark.parametrize("name", ["Host", "connection", "Upgrade", "content-length", "Transfer-Encoding"])
def test_a_header_that_is_the_clients_own_is_refused(name) -> None:
    with pytest.raises(WrongURL, match="itself"):
        target_of("http://localhost/rt", headers={name: "x"})


@pytest.mark.parametrize(
    ("name", "value"), [("a b", "x"), ("", "x"), ("a", "x\r\ny: z"), ("a", " x"), ("a", "ў")]
)
def test_a_header_that_would_be_another_is_refused(name, value) -> None:
    """The attack: a value with a line break in it becomes a header of its own, or a second request."""
    with pytest.raises(WrongURL, match="cannot be sent"):
        target_of("http://localhost/rt", headers={name: value})


@pytest.mark.parametrize(
    ("names", "straight", "not_straight"),
    [
        ("*", ["a.example", "10.0.0.1"], []),
        ("", ["localhost", "127.0.0.1", "[::1]", "127.9.9.9"], ["a.example"]),
        (
            "example.org",
            ["example.org", "a.example.org", "EXAMPLE.ORG"],
            ["badexample.org", "example.org.bad"],
        ),
        (".example.org", ["a.example.org", "example.org"], ["badexample.org"]),
        ("*.example.org", ["a.example.org"], ["b.example.com"]),
        ("a.example , b.example", ["a.example", "b.example"], ["c.example"]),
        ("10.0.0.1", ["10.0.0.1"], ["10.0.0.11", "10.0.0.2"]),
    ],
)
def test_no_proxy_names_what_goes_straight(monkeypatch, names, straight, not_straight) -> None:
    for known in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "HTTP_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
    ):
        monkeypatch.delenv(known, raising=False)
    monkeypatch.setenv("all_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", names)
    for host in straight:
        assert proxy_for(target_of(f"https://{host}/rt")) is None, host
    for host in not_straight:
        assert proxy_for(target_of(f"https://{host}/rt")) == "http://proxy.example:3128", host


def test_a_proxy_that_is_said_counts_whatever_the_environment_says(monkeypatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    assert target_of("https://a.example/rt", proxy="").proxy == ""
    assert target_of("https://a.example/rt", proxy="socks5://other").proxy == "socks5://other"


def test_a_header_of_a_cgi_program_is_no_proxy(monkeypatch) -> None:
    """httpoxy: a peer's header `Proxy:` is `HTTP_PROXY` in a CGI program."""
    monkeypatch.setenv("HTTP_PROXY", "http://evil.example")
    monkeypatch.setenv("REQUEST_METHOD", "GET")
    assert proxy_for(target_of("http://a.example/rt")) is None
