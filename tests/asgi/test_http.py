"""HTTP below another server: heads, bodies and paths as the core sees them, in HTTP/1.1 and in HTTP/2."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

import rtcore
from rtcore.testing import WireClient, connect_tcp

from .conftest import Outer, below_hypercorn, chat
from .http1 import Http1
from .http2 import Http2, connect_h2


async def page(request: Request) -> Response:
    made = getattr(request.state, "made", "nowhere")
    return PlainTextResponse(f"{request.url.path}, made {made}, with {len(await request.body())}")


beside = Starlette(routes=[Route("/page", page, methods=["GET", "POST"])])


@asynccontextmanager
async def h1(server: Outer) -> AsyncIterator[Http1]:
    async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
        yield Http1(stream)


@asynccontextmanager
async def asking(server: Outer, version: str) -> AsyncIterator[Http1 | Http2]:
    """A connection of this version of HTTP."""
    async with h1(server) if version == "1.1" else connect_h2(server.port) as client:
        yield client


versions = pytest.mark.parametrize("version", ["1.1", "2"])


@versions
async def test_answers_of_the_core_of_our_pages_and_of_what_is_beside(version: str) -> None:
    async with (
        below_hypercorn(rtcore.asgi(chat(), mount=beside)) as server,
        asking(server, version) as client,
    ):
        for _ in range(2):
            answer = await client.ask("GET", "/rt/unheard-of")
            assert (answer.status, json.loads(answer.body)["code"]) == (404, "NOT_FOUND")
            assert answer.headers["cache-control"] == "no-store"
            answer = await client.ask("GET", "/rt/ws")
            assert (answer.status, json.loads(answer.body)["code"]) == (426, "UPGRADE_REQUIRED")
            assert (await client.ask("GET", "/raw")).status == 426
            assert (await client.ask("GET", "/healthz")).body == b"ok\n"
            assert b"rtcore_requests_total" in (await client.ask("GET", "/metrics")).body
            assert (await client.ask("POST", "/page", body=b"x" * 100_000)).body.endswith(b"with 100000")


@versions
async def test_origins_are_judged_and_preflights_answered_by_the_core(version: str) -> None:
    site = rtcore.asgi(chat(), origins=["https://app.example"])
    async with below_hypercorn(site) as server, asking(server, version) as client:
        asked = {"access_control_request_method": "POST"}
        answer = await client.ask("OPTIONS", "/rt/session", origin="https://app.example", **asked)
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, "https://app.example")
        answer = await client.ask("GET", "/rt/unheard-of", origin="https://evil.example")
        assert (answer.status, json.loads(answer.body)["code"]) == (403, "FORBIDDEN_ORIGIN")


async def test_a_websocket_within_http_2() -> None:
    async with below_hypercorn(rtcore.asgi(chat())) as server, connect_h2(server.port) as connection:
        streams = [
            await connection.websocket("/rt/ws", sec_websocket_protocol="rtcore.v1.json") for _ in range(2)
        ]
        async with trio.open_nursery() as nursery:
            clients = []
            for stream in streams:
                assert await stream.head() == 200
                assert stream.headers["sec-websocket-protocol"] == "rtcore.v1.json"
                client = WireClient(stream)
                clients.append(client)
                nursery.start_soon(client.read)
                await client.hello()
                await client.ask("join", room="tea")
            await clients[0].ask("publish", room="tea", event="say", data="x" * 300_000)
            assert len((await clients[1].until("event"))["data"]) == 300_000
            nursery.cancel_scope.cancel()


@versions
async def test_where_it_is_mounted_under_a_path(version: str) -> None:
    """The outer application has the other paths; the core sees its own."""
    live = rtcore.asgi(chat())
    site = Starlette(
        routes=[Route("/page", page, methods=["POST"]), Mount("/live", live)], lifespan=live.lifespan
    )
    async with below_hypercorn(site) as server, asking(server, version) as client:
        assert (await client.ask("POST", "/page")).status == 200
        answer = await client.ask("GET", "/live/rt/unheard-of")
        assert (answer.status, json.loads(answer.body)["code"]) == (404, "NOT_FOUND")
        assert (await client.ask("GET", "/live/rt/ws?x=%20y")).status == 426
        assert (await client.ask("GET", "/live/healthz")).body == b"ok\n"
        assert (await client.ask("GET", "/rt/ws")).status == 404
        async with connect_tcp("127.0.0.1", server.port, path="/live/rt/ws") as socket:
            await socket.hello()
            assert await socket.ask("emit", event="echo", data=1) == 1


async def test_where_it_is_mounted_at_the_root_behind_other_routes() -> None:
    live = rtcore.asgi(chat())
    site = Starlette(
        routes=[Route("/page", page, methods=["POST"]), Mount("/", live)], lifespan=live.lifespan
    )
    async with below_hypercorn(site) as server, connect_tcp("127.0.0.1", server.port) as client:
        await client.hello()
        assert (await server.get("/page", method="POST", headers="Content-Length: 0\r\n"))[0] == 200


async def test_behind_a_proxy_that_takes_a_prefix_away() -> None:
    async with (
        below_hypercorn(rtcore.asgi(chat()), root_path="/app") as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello()


@versions
@pytest.mark.parametrize("above", ["", "/live"])
async def test_the_publish_api_which_the_core_hands_over(version: str, above: str) -> None:
    """The core judges the head, and says that the request is another's; what was read of it is not lost."""
    app = chat()
    live = rtcore.asgi(app, api_keys=["secret-of-a-backend"])
    site = Starlette(routes=[Mount("/live", live)], lifespan=live.lifespan) if above else live
    key = {"authorization": "Bearer secret-of-a-backend", "content_type": "application/json"}
    async with (
        below_hypercorn(site) as server,
        asking(server, version) as client,
        connect_tcp("127.0.0.1", server.port, path=f"{above}/rt/ws") as ada,
    ):
        await ada.hello()
        await ada.ask("join", room="tea")
        for said in ("milk?", "x" * 100_000):
            body = json.dumps({"room": "tea", "event": "say", "data": said}).encode()
            for length in ({}, {"content_length": str(len(body))} if version == "2" else {}):
                answer = await client.ask("POST", f"{above}/rt/api/publish", body=body, **key, **length)
                heard = await ada.until("event")
                assert heard["data"] == said
                assert json.loads(answer.body)["seq"] == heard["seq"]
        refused = await client.ask("POST", f"{above}/rt/api/publish", body=body)
        assert refused.status == 401
        foreign = {**key, "origin": "https://evil.example"}
        assert (await client.ask("POST", f"{above}/rt/api/publish", body=body, **foreign)).status == 403
        assert (await client.ask("POST", f"{above}/%72t/api/publish", body=body, **foreign)).status == 400


async def test_what_is_beside_sees_the_path_and_the_state_that_it_would_see_alone() -> None:
    @asynccontextmanager
    async def life(_app: Starlette) -> AsyncIterator[dict[str, str]]:
        yield {"made": "in its lifespan"}

    inner = Starlette(routes=[Route("/page", page)], lifespan=life)
    live = rtcore.asgi(chat(), mount=inner)
    async with below_hypercorn(live) as server:
        assert (await server.get("/page"))[2] == "/page, made in its lifespan, with 0"
    site = Starlette(routes=[Mount("/live", live)], lifespan=live.lifespan)
    async with below_hypercorn(site) as server:
        assert (await server.get("/live/page"))[2] == "/live/page, made in its lifespan, with 0"


async def test_a_request_without_a_started_lifespan_says_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    site = Starlette(routes=[Mount("/", rtcore.asgi(chat()))])
    async with below_hypercorn(site) as server:
        assert (await server.get("/rt/ws"))[0] == 500
    with pytest.raises(rtcore.NotServing, match=r"FastAPI\(lifespan=live\.lifespan\)"):
        await rtcore.asgi(chat())({"type": "http", "path": "/rt/ws"}, trio.sleep_forever, trio.sleep_forever)


def test_a_server_on_asyncio_is_told_what_rtcore_needs() -> None:
    import asyncio

    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    asyncio.run(rtcore.asgi(chat())({"type": "lifespan"}, receive, send))
    assert said[0]["type"] == "lifespan.startup.failed"
    assert "hypercorn -k trio" in said[0]["message"]
    with pytest.raises(rtcore.NotServing, match="hypercorn -k trio"):
        asyncio.run(rtcore.asgi(chat())({"type": "http", "path": "/"}, receive, send))


async def test_an_application_that_does_not_start_says_so_to_the_server() -> None:
    app = chat()

    @app.lifespan
    @asynccontextmanager
    async def database(_app: rtcore.App) -> AsyncIterator[None]:
        raise ZeroDivisionError("no database")
        yield

    with pytest.RaisesGroup(pytest.RaisesExc(Exception, match="no database"), flatten_subgroups=True):
        async with below_hypercorn(rtcore.asgi(app)):
            pass


async def test_the_lifespan_has_a_beginning_and_an_end_and_a_handler_that_runs_may_finish() -> None:
    heard: list[str] = []
    app = chat()

    @app.lifespan
    @asynccontextmanager
    async def life(_app: rtcore.App) -> AsyncIterator[None]:
        heard.append("begins")
        yield
        heard.append("ends")

    @app.background
    async def beat(_app: rtcore.App) -> None:
        heard.append("beats")
        await trio.sleep_forever()

    live = rtcore.asgi(app)
    for _ in range(2):  # and may be served again
        heard.clear()
        async with live.lifespan():
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(rtcore.UsageError, match="served already"):
                async with live.lifespan():
                    pass
            assert heard == ["begins", "beats"]
        assert heard == ["begins", "beats", "ends"]


async def test_a_critical_background_task_that_fails_ends_the_server_with_its_error() -> None:
    app = chat()
    fail = trio.Event()

    @app.background(critical=True)
    async def broken(_app: rtcore.App) -> None:
        await fail.wait()
        raise ZeroDivisionError("of the application")

    with pytest.RaisesGroup(pytest.RaisesExc(Exception, match="of the application"), flatten_subgroups=True):
        async with below_hypercorn(rtcore.asgi(app)):
            fail.set()
            await trio.sleep_forever()


async def test_what_is_no_request_harms_nobody() -> None:
    """Scopes that no good server makes: the core's own head parser sees nothing of them."""
    live = rtcore.asgi(chat())
    said: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    asked = 0

    async def receive() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        if asked > 1:
            await trio.sleep_forever()
        return {"type": "http.request", "body": b"", "more_body": False}

    good = {"type": "http", "path": "/rt/x", "method": "GET", "headers": [(b"host", b"localhost")]}
    async with live.lifespan():
        for wrong in (
            {"headers": [(b"host", b"localhost"), (b"x", b"a\r\nb: c")]},
            {"method": "GET /rt/ws HTTP/1.1\r\nX:"},
            {"query_string": b"a b\r\n"},
            {"headers": [(b"host", b"localhost"), (b"host", b"evil.example")]},
        ):
            asked = 0
            said.clear()
            await live({**good, **wrong}, receive, send)
            assert said[0]["status"] == 400
        for client in (None, ("testclient", 5), ("fe80::1%eth0", 5), ("192.0.2.1", None)):
            asked = 0
            said.clear()
            await live({**good, "client": client}, receive, send)
            assert said[0]["status"] == 404
    with pytest.raises(rtcore.UsageError):
        await live({"type": "mystery"}, receive, send)


@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_a_server_that_fails_in_one_connection_fails_there_alone(kind: str) -> None:
    """The client is gone: nothing. Anything else is the server's, and goes back to it; the core goes on."""
    live = rtcore.asgi(chat())
    scope = {"path": "/rt/ws", "method": "GET", "headers": [(b"host", b"localhost")], "type": kind}

    first = {"type": "websocket.connect" if kind == "websocket" else "http.request", "body": b""}

    async with live.lifespan():
        running = live._running
        assert running is not None
        for error in (OSError, trio.BrokenResourceError, ZeroDivisionError):
            coming = [first]

            async def receive(coming: list[dict[str, Any]] = coming) -> dict[str, Any]:
                if not coming:
                    await trio.sleep_forever()
                return coming.pop()

            async def send(_message: dict[str, Any], error: type[Exception] = error) -> None:
                raise error

            if error is ZeroDivisionError:
                with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True, allow_unwrapped=True):
                    await live(scope, receive, send)
            else:
                await live(scope, receive, send)
            assert not running._assembly.shell._links
            assert running._assembly.core.idle()


async def test_cancelling_a_request_leaves_nothing_of_it() -> None:
    live = rtcore.asgi(chat())
    path = {"path": "/rt/sse", "query_string": b"room=tea", "raw_path": b"/rt/sse"}
    scope = {**path, "type": "http", "method": "GET", "headers": [(b"host", b"localhost")]}
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if said:
            await trio.sleep_forever()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    async with live.lifespan():
        running = live._running
        assert running is not None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(live, scope, receive, send)
            await trio.testing.wait_all_tasks_blocked()
            assert said[0]["status"] == 200
            assert b'"welcome"' in said[1]["body"]
            assert said[1]["more_body"]
            nursery.cancel_scope.cancel()
        assert not running._assembly.shell._links
        assert running._assembly.core.idle()
