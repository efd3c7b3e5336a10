"""The way to the server, over real sockets: TLS, proxies, Unix sockets, and the faults of a network."""

from __future__ import annotations

import ssl
from contextlib import aclosing
from functools import partial

import pytest
import trio
import trustme

import rtcore
from rtcore.client import BadCertificate, NotConnected, connect
from rtcore.client.links.dial import proxy_for
from rtcore.client.links.target import target_of
from tests.client.conftest import make_app
from tests.patience import PATIENCE
from tests.proxy import Buffering, Proxy, Reset


class Http:
    """A proxy that knows CONNECT."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    async def serve(self, client: trio.SocketStream) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += await client.receive_some(1024)
        self.asked.append(head)
        if b"Proxy-Authorization: Basic YW5uOnNlY3JldA==" not in head:
            await client.send_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        host, _, port = head.split()[1].decode().rpartition(":")
        await client.send_all(b"HTTP/1.1 200 Connected\r\n\r\n")
        await relay(client, await trio.open_tcp_stream(host, int(port)))


class Socks:
    """A proxy that speaks SOCKS5, with a login."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    async def serve(self, client: trio.SocketStream) -> None:
        assert await client.receive_some(4) == b"\x05\x02\x00\x02"
        await client.send_all(b"\x05\x02")
        login = await client.receive_some(64)
        await client.send_all(b"\x01\x00" if login == b"\x01\x03ann\x06secret" else b"\x01\x01")
        if login != b"\x01\x03ann\x06secret":
            return
        asked = await client.receive_some(300)
        self.asked.append(asked)
        assert asked[:4] == b"\x05\x01\x00\x03", "the proxy resolves the name"
        host, port = asked[5 : 5 + asked[4]].decode(), int.from_bytes(asked[-2:], "big")
        await client.send_all(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        await relay(client, await trio.open_tcp_stream(host, port))


async def relay(one: trio.SocketStream, other: trio.SocketStream) -> None:
    async def pump(source: trio.SocketStream, sink: trio.SocketStream) -> None:
        try:
            async for data in source:
                await sink.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        nursery.cancel_scope.cancel()

    async with one, other, trio.open_nursery() as nursery:
        nursery.start_soon(pump, one, other)
        nursery.start_soon(pump, other, one)


@pytest.fixture
async def port(nursery):
    addresses = await nursery.start(partial(rtcore.serve, make_app(), port=0))
    return addresses[0].port


@pytest.mark.parametrize(("kind", "scheme"), [(Http, "http"), (Socks, "socks5")])
@pytest.mark.parametrize("transport", ["websocket", "sse", "polling"])
async def test_it_goes_through_a_proxy_with_a_login(kind, scheme, transport, port, nursery) -> None:
    """Lessons 4, row 9: SOCKS, corporate proxies."""
    proxy = kind()
    listeners = await nursery.start(partial(trio.serve_tcp, proxy.serve, 0, host="127.0.0.1"))
    at = listeners[0].socket.getsockname()[1]
    through = f"{scheme}://ann:secret@127.0.0.1:{at}"
    with trio.fail_after(PATIENCE):
        async with connect(f"http://localhost:{port}/rt", proxy=through, transport=transport) as client:
            assert await client.emit("count", 1, timeout=PATIENCE) == 1
    assert proxy.asked


@pytest.mark.parametrize(("kind", "scheme"), [(Http, "http"), (Socks, "socks5")])
async def test_a_proxy_that_refuses_is_told(kind, scheme, port, nursery) -> None:
    listeners = await nursery.start(partial(trio.serve_tcp, kind().serve, 0, host="127.0.0.1"))
    at = listeners[0].socket.getsockname()[1]
    nowhere = connect(
        f"http://localhost:{port}/rt", proxy=f"{scheme}://ann:wrong@127.0.0.1:{at}", connect_timeout=2
    )
    with pytest.raises(NotConnected, match="the proxy"):
        async with nowhere:
            pass


def test_the_environment_names_proxies_and_what_goes_straight(monkeypatch) -> None:
    monkeypatch.setenv("https_proxy", "proxy.example:3128")
    monkeypatch.setenv("ALL_PROXY", "socks5://proxy.example")
    monkeypatch.setenv("NO_PROXY", "inside.example, .corp")
    assert proxy_for(target_of("https://outside.example/rt")) == "http://proxy.example:3128"
    assert proxy_for(target_of("http://outside.example/rt")) == "socks5://proxy.example"
    for host in ("inside.example", "a.inside.example", "b.corp", "localhost", "127.0.0.1", "[::1]"):
        assert proxy_for(target_of(f"https://{host}/rt")) is None
    assert proxy_for(target_of("https://notinside.example/rt")) == "http://proxy.example:3128"


async def test_tls_and_a_certificate_that_does_not_fit(nursery, tmp_path) -> None:
    authority = trustme.CA()
    good = authority.issue_cert("localhost")
    good.private_key_pem.write_to_path(tmp_path / "key.pem")
    for number, pem in enumerate(good.cert_chain_pems):
        pem.write_to_path(tmp_path / "cert.pem", append=number > 0)
    addresses = await nursery.start(
        partial(
            rtcore.serve,
            make_app(),
            port=0,
            certificate=str(tmp_path / "cert.pem"),
            key=str(tmp_path / "key.pem"),
        )
    )
    url = f"https://localhost:{addresses[0].port}/rt"
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    for transport in ("websocket", "sse", "polling"):
        async with connect(url, tls=trusting, transport=transport) as client:
            assert await client.emit("count", 1, timeout=PATIENCE) >= 1
    with pytest.raises(BadCertificate, match="does not fit"):
        async with connect(url):
            pass


@pytest.mark.parametrize("transport", ["websocket", "sse", "polling"])
async def test_connections_that_are_reset_in_mid_sentence_lose_nothing(transport, port) -> None:
    with trio.fail_after(PATIENCE):
        async with (
            Proxy(("127.0.0.1", port), Reset(after=3000, times=4)) as proxy,
            connect(f"http://127.0.0.1:{proxy.address[1]}/rt", transport=transport) as client,
            connect(f"http://127.0.0.1:{port}/rt") as other,
        ):
            hers = await other.join("tea")
            tea = aiter(await client.join("tea"))
            for number in range(60):
                await hers.publish("say", [number, "x" * 100])
            assert [(await anext(tea)).data[0] for _ in range(60)] == list(range(60))
            sent = [client.send("count", number) for number in range(40)]
            assert sorted([await each.applied for each in sent]) == list(range(1, 41))


async def test_an_event_stream_that_is_gathered_on_the_way_gives_way_to_polling(port) -> None:
    with trio.fail_after(PATIENCE):
        async with (
            Proxy(("127.0.0.1", port), Buffering()) as proxy,
            connect(
                f"http://127.0.0.1:{proxy.address[1]}/rt", transport=["sse", "polling"], timeout=PATIENCE
            ) as client,
        ):
            async with aclosing(client.changes()) as changes:
                async for status in changes:
                    if status.live and status.transport == "polling":
                        break
            assert await client.emit("count", 1) == 1
