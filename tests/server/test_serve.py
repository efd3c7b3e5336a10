"""One port: rtcore's own, the few pages of the server, and any ASGI application beside it."""

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

import rtcore
from rtcore import Config, StartError, Stop
from rtcore.testing import HandshakeRefused, WireClient, connect_tcp
from tests.patience import PATIENCE

from .conftest import serving


def chat() -> rtcore.App:
    app = rtcore.App()
    app.rooms("tea", relay=True)

    @app.on("echo")
    def echo(session: rtcore.Session, data: Any) -> Any:
        return data

    return app


async def state_of(request: Request) -> Response:
    return PlainTextResponse(f"{request.state.made} for {request.url.path}")


async def whisper(websocket: WebSocket) -> None:
    await websocket.accept(subprotocol="whisper")
    await websocket.send_text(f"you said {await websocket.receive_text()}")
    await websocket.close(4321)


life: list[str] = []


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, str]]:
    life.append("begins")
    yield {"made": "in the lifespan"}
    life.append("ends")


site = Starlette(
    routes=[Route("/page", state_of), WebSocketRoute("/whisper", whisper)],
    lifespan=lifespan,
)


async def test_rooms_and_events_over_tcp() -> None:
    async with (
        serving(chat()) as server,
        connect_tcp("127.0.0.1", server.port) as ada,
        connect_tcp("127.0.0.1", server.port, msgpack=True) as bob,
    ):
        assert ada.subprotocol == "rtcore.v1.json"
        assert bob.subprotocol == "rtcore.v1.msgpack"
        await ada.hello()
        await bob.hello()
        await ada.ask("join", room="tea")
        await bob.ask("join", room="tea")
        await bob.ask("publish", room="tea", event="say", data="milk?")
        assert (await ada.until("event"))["data"] == "milk?"
        assert await ada.ask("emit", event="echo", data=[1, {"a": None}]) == [1, {"a": None}]


async def test_an_asgi_application_beside_it_with_its_lifespan_and_websockets() -> None:
    life.clear()
    async with serving(chat(), mount=site) as server:
        status, head, body = await server.get("/page?x=1")
        assert (status, body) == (200, "in the lifespan for /page")
        assert "connection: close" in head
        assert (await server.get("/nothing"))[0] == 404
        stream = await trio.open_tcp_stream("127.0.0.1", server.port)
        client = WireClient(stream)
        await client.open(path="/whisper", headers={"Sec-WebSocket-Protocol": "whisper"})
        assert client.subprotocol == "whisper"
        await client.raw(b"\x81\x84\0\0\0\0psst")
        async with aclosing(client._reader.messages()) as frames:
            assert await anext(frames) == (1, b"you said psst")
            assert (await anext(frames))[1][:2] == (4321).to_bytes(2)
        await stream.aclose()
        assert life == ["begins"]
    assert life == ["begins", "ends"]


async def test_health_and_metrics() -> None:
    async with serving(chat(), mount=site) as server:
        status, head, body = await server.get("/healthz")
        assert (status, body) == (200, "ok\n")
        assert "cache-control: no-store" in head
        async with connect_tcp("127.0.0.1", server.port) as client:
            await client.hello()
            status, head, body = await server.get("/metrics")
        assert status == 200
        assert "content-type: text/plain; version=0.0.4" in head
        assert "# TYPE rtcore_" in body
        assert (await server.get("/healthz", method="HEAD"))[2] == ""
        assert (await server.get("/healthz", method="POST", headers="Content-Length: 0\r\n"))[0] == 405
    async with serving(chat(), metrics=False) as server:
        assert (await server.get("/metrics"))[0] == 404


async def test_where_nothing_is_mounted_a_friendly_404() -> None:
    async with serving(chat()) as server:
        status, head, body = await server.get("/somewhere")
        assert status == 404
        assert "application/json" in head
        assert "nothing is served at /somewhere" in body
        with pytest.raises(HandshakeRefused) as refused:
            async with connect_tcp("127.0.0.1", server.port, path="/somewhere"):
                pass
        assert refused.value.status == 404


async def test_the_demonstration_pages() -> None:
    async with serving(chat(), demo=True) as server:
        status, head, body = await server.get("/")
        assert status == 200
        assert "content-type: text/html; charset=utf-8" in head
        assert "content-security-policy: default-src 'none'" in head
        assert '<script type="module" src="/index.js">' in body
        tag = next(line.partition(": ")[2] for line in head.split("\r\n") if line.startswith("etag"))
        status, _, body = await server.get("/", headers=f"If-None-Match: {tag}\r\n")
        assert (status, body) == (304, "")
        for path, kind in (
            ("/chat", "text/html"),
            ("/dashboard", "text/html"),
            ("/tokens", "text/html"),
            ("/cursors", "text/html"),
            ("/notes", "text/html"),
            ("/board", "text/html"),
            ("/chat.js", "text/javascript"),
            ("/shared.js", "text/javascript"),
            ("/frame.js", "text/javascript"),
            ("/style.css", "text/css"),
            ("/data.css", "text/css"),
        ):
            status, head, _ = await server.get(path)
            assert (status, f"content-type: {kind}" in head) == (200, True)
    async with serving(chat()) as server:
        assert (await server.get("/"))[0] == 404


async def test_the_browsers_client_is_given_to_whoever_asks() -> None:
    """Beside the transports, on every server, and to pages of other origins: it holds no secret."""
    async with serving(chat()) as server:
        status, head, body = await server.get(
            "/rt/client.js", headers="Origin: https://elsewhere.example\r\n"
        )
        assert status == 200
        assert "content-type: text/javascript; charset=utf-8" in head
        assert "access-control-allow-origin: *" in head
        assert "connect" in body
        tag = next(line.partition(": ")[2] for line in head.split("\r\n") if line.startswith("etag"))
        status, _, body = await server.get("/rt/client.js", headers=f"If-None-Match: {tag}\r\n")
        assert (status, body) == (304, "")
        assert (await server.get("/rt/client.js.map"))[0] == 200
        assert (await server.get("/rt/client.jsx"))[0] == 404


async def test_smuggling_is_refused_before_any_application_sees_it() -> None:
    async with serving(chat(), mount=site) as server:
        both = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
        assert (await server.get("/page", method="POST", headers=both))[0] == 400
        assert (await server.get("/page", method="CONNECT"))[0] in (400, 405, 501)


async def test_wss_and_https_with_a_certificate(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    async with serving(chat(), mount=site, certificate=str(tmp_path / "server.pem")) as server:
        assert str(server.addresses[0]).startswith("https://127.0.0.1:")

        # `localhost` is what the certificate says; the connection goes to 127.0.0.1.
        async def secure() -> trio.SSLStream[trio.SocketStream]:
            tcp = await trio.open_tcp_stream("127.0.0.1", server.port)
            return trio.SSLStream(tcp, context, server_hostname="localhost", https_compatible=True)

        async with trio.open_nursery() as nursery:
            ada, bob = WireClient(await secure()), WireClient(await secure(), msgpack=True)
            for client in (ada, bob):
                await client.open()
                nursery.start_soon(client.read)
                await client.hello()
                await client.ask("join", room="tea")
            await ada.ask("publish", room="tea", event="say", data="x" * 300_000)
            assert len((await bob.until("event"))["data"]) == 300_000
            assert await bob.ask("emit", event="echo", data=b"\x00\xff") == b"\x00\xff"
            assert (await ada.close()).code == 1000
            await ada.cut()
            await bob.cut()
            nursery.cancel_scope.cancel()

        page = await secure()
        await page.send_all(b"GET /page HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        with trio.fail_after(PATIENCE):
            answer = b"".join([chunk async for chunk in page])
        await trio.aclose_forcefully(page)
        assert b"200" in answer
        assert b"in the lifespan for /page" in answer
        async with await trio.open_tcp_stream("127.0.0.1", server.port) as tcp:
            stranger = trio.SSLStream(tcp, ssl.create_default_context(), server_hostname="localhost")
            with pytest.raises(trio.BrokenResourceError):  # it does not know the authority
                await stranger.do_handshake()


async def test_a_client_that_opens_and_never_shakes_hands_over_tls_is_closed(tmp_path: Path) -> None:
    certificate = trustme.CA().issue_cert("localhost")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    limits = {"hello_ms": 100}
    async with serving(chat(), certificate=str(tmp_path / "server.pem"), limits=limits) as server:
        silent = await trio.open_tcp_stream("127.0.0.1", server.port)
        async with silent:
            with trio.fail_after(PATIENCE):
                assert await silent.receive_some() == b""


async def test_several_addresses_on_one_port() -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 on this machine")
    async with serving(chat(), host=["127.0.0.1", "::1"]) as server:
        assert [address.host for address in server.addresses] == ["127.0.0.1", "::1"]
        assert server.addresses[0].port == server.addresses[1].port
        assert str(server.addresses[1]) == f"http://[::1]:{server.port}"
        for address in server.addresses:
            async with connect_tcp(address.host, address.port) as client:
                await client.hello()


async def test_an_address_in_use_is_said() -> None:
    async with serving(chat()) as server:
        with pytest.raises(StartError, match=f"port {server.port} of 127.0.0.1 is in use"):
            await rtcore.serve(chat(), port=server.port, signals=False)


async def test_a_host_that_does_not_exist_is_said() -> None:
    with pytest.raises(rtcore.ConfigError, match=r"no address '300\.1\.1\.1'"):
        await rtcore.serve(chat(), host="300.1.1.1", port=0, signals=False)


async def test_a_certificate_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("nothing")
    with pytest.raises(rtcore.ConfigError, match=r"certificate .* cannot be used"):
        await rtcore.serve(chat(), certificate=str(tmp_path / "cert.pem"), signals=False)
    with pytest.raises(rtcore.ConfigError, match="cannot be read"):
        await rtcore.serve(chat(), certificate=str(tmp_path / "none.pem"), signals=False)


async def test_settings_are_given_in_one_way() -> None:
    with pytest.raises(rtcore.UsageError, match="not both"):
        await rtcore.serve(chat(), Config.of(), port=1, signals=False)


async def test_a_mounted_application_that_does_not_start_ends_the_server() -> None:
    @asynccontextmanager
    async def broken(_app: Starlette) -> AsyncIterator[None]:
        raise ZeroDivisionError("no database")
        yield

    with pytest.RaisesGroup(
        pytest.RaisesExc(StartError, match=r"(?s)did not start.*no database"), flatten_subgroups=True
    ):
        await rtcore.serve(chat(), mount=Starlette(lifespan=broken), port=0, signals=False, stop=Stop())


async def test_an_application_without_a_lifespan_is_served() -> None:
    async def bare(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async with serving(chat(), mount=bare) as server:
        assert (await server.get("/"))[2] == "ok"


async def test_requests_of_many_at_once_are_all_answered() -> None:
    """A connection that was handed over in the very turn in which another one came was lost: the newcomer had
    its slot, and the socket in it was closed without an answer.
    """
    async with serving(rtcore.App(), patience=60) as running:
        answered = 0

        async def ask_on(request: bytes, times: int) -> None:
            nonlocal answered
            stream = await trio.open_tcp_stream("127.0.0.1", running.port)
            async with stream:
                for _ in range(times):
                    await stream.send_all(request)
                    answer = b""
                    while not answer.endswith(b"ok\n"):
                        more = await stream.receive_some(4096)
                        assert more, f"closed after {answer!r}"
                        answer += bytes(more)
                    answered += 1

        for _ in range(5):
            with trio.fail_after(PATIENCE):
                async with trio.open_nursery() as nursery:
                    for _ in range(40):
                        nursery.start_soon(ask_on, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 3)
        assert answered == 5 * 40 * 3


async def test_who_serves_may_ask_for_the_end_and_hears_where_it_was() -> None:
    """As the guide says it."""
    stop = rtcore.Stop()
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            addresses = await nursery.start(
                partial(rtcore.serve, rtcore.App(), stop=stop, port=0, signals=False)
            )
            assert not stop.is_asked
            stop.ask()
            await stop.asked()
    [address] = addresses
    assert isinstance(address, rtcore.Address)
    assert str(address) == f"http://127.0.0.1:{address.port}"
