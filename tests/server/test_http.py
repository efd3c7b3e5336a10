"""The HTTP side door by itself: what Hypercorn does with one connection, and what it must not do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from rtcore._backend.hypercorn import HypercornBackend
from rtcore._backend.interface import Peer
from rtcore._backend.places import Bounds, Patience
from rtcore._ground.failures import Failures
from tests.patience import PATIENCE

gone = trio.Event()


async def about(request: Request) -> Response:
    assert request.client is not None
    body = await request.body()
    return JSONResponse({"client": request.client.host, "body": len(body), "path": request.url.path})


async def endless(_request: Request) -> Response:
    return PlainTextResponse("x" * 50_000_000)


async def until_gone(request: Request) -> Response:
    while not await request.is_disconnected():  # noqa: ASYNC110 - how an application asks
        await trio.sleep(0.01)
    gone.set()
    return PlainTextResponse("too late")


class Listening(Response):
    """It hears at its end that it is over, and cancels what says it, as Starlette's streams do."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async with trio.open_nursery() as nursery:

            async def listen() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                nursery.cancel_scope.cancel()

            nursery.start_soon(listen)
            await trio.testing.wait_all_tasks_blocked()
            await super().__call__(scope, receive, send)


async def listening(_request: Request) -> Response:
    return Listening("all of it")


async def failing(_request: Request) -> Response:
    raise ZeroDivisionError("of the application")


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    while True:
        await socket.send_text(await socket.receive_text())


app = Starlette(
    routes=[
        Route("/about", about, methods=["GET", "POST"]),
        Route("/endless", endless),
        Route("/until-gone", until_gone),
        Route("/failing", failing),
        Route("/listening", listening),
        WebSocketRoute("/echo", echo),
    ]
)


class Server:
    def __init__(self, nursery: trio.Nursery, **options: Any) -> None:
        bounds = Bounds(100, 8, 50)
        settings = {"state": {}, "max_message": 1 << 20, "bounds": bounds, "log_access": False, **options}
        settings["failures"] = Failures()
        self.backend = HypercornBackend(app, **settings)
        self.nursery = nursery
        self.beyond: list[bytes | None] = []

    def open(self, head: bytes, *, lockstep: bool = False) -> trio.abc.Stream:
        make: Any = trio.testing.lockstep_stream_pair if lockstep else trio.testing.memory_stream_pair
        ours, theirs = make()
        self.nursery.start_soon(self.serve, theirs, head)
        return ours

    async def serve(self, stream: trio.abc.Stream, head: bytes) -> None:
        beyond = await self.nursery.start(self.backend.serve, stream, head, Peer("192.0.2.7", 4321))
        self.beyond.append(beyond)
        if beyond is not None:
            await stream.aclose()


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Server]:
    async with trio.open_nursery() as nursery:
        server = Server(nursery, **options)
        yield server
        server.backend.abort()
        nursery.cancel_scope.cancel()
    assert not server.backend._open


async def everything(stream: trio.abc.Stream) -> bytes:
    with trio.fail_after(PATIENCE):
        received = b"".join([chunk async for chunk in stream])
    await stream.aclose()
    return received


GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
UPGRADE = (
    b"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)


async def test_one_request_one_answer_and_the_end() -> None:
    async with serving() as server:
        answer = await everything(server.open(GET % b"/about"))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in answer.lower()
    assert b"hypercorn" not in answer.lower()
    assert b'"client":"192.0.2.7"' in answer


async def test_a_body_that_comes_later_is_read() -> None:
    head = b"POST /about HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n"
    async with serving() as server:
        stream = server.open(head + b"x" * 10)
        await stream.send_all(b"x" * 299_990)
        assert b'"body":300000' in await everything(stream)


async def test_a_pipelined_second_request_is_not_served_and_harms_nothing() -> None:
    """A client that pipelines would get a 400 into the midst of its first answer."""
    async with serving() as server:
        stream = server.open(GET % b"/about" + GET % b"/about")
        await stream.send_all(GET % b"/about")
        answer = await everything(stream)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"HTTP/1.1") == 1


async def test_no_upgrade_to_http2() -> None:
    head = b"GET /about HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
    async with serving() as server:
        assert (await everything(server.open(head))).startswith(b"HTTP/1.1 200")


async def test_a_websocket_of_the_application_without_compression() -> None:
    """Compression would be bounded only after inflating: 100 KB would become 100 MB of memory."""
    async with serving() as server:
        stream = server.open(UPGRADE)
        answer = await stream.receive_some()
        assert answer.startswith(b"HTTP/1.1 101")
        assert b"permessage-deflate" not in answer
        await stream.send_all(b"\x81\x82\0\0\0\0hi")
        heard = b""
        with trio.fail_after(PATIENCE):
            while not heard.endswith(b"hi"):
                heard += await stream.receive_some()


async def test_an_upgrade_with_early_bytes_ends_its_connection_alone() -> None:
    """One packet that anybody could send ended the whole server."""
    async with serving() as server:
        early = server.open(UPGRADE + b"\x81\x82\0\0\0\0hi")
        with trio.fail_after(PATIENCE):
            heard = b""
            while not heard.endswith(b"\x81\x02hi"):
                heard += await early.receive_some()
        await everything(server.open(b"\x00\xff nonsense \r\n\r\n"))
        assert b"200" in await everything(server.open(GET % b"/about"))


async def test_what_the_application_raises_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as server:
        assert (await everything(server.open(GET % b"/failing"))).startswith(b"HTTP/1.1 500")
    assert "of the application" in caplog.text


async def test_the_application_hears_that_the_client_left() -> None:
    """On Trio, Starlette's `is_disconnected` never turned true."""
    async with serving() as server:
        stream = server.open(GET % b"/until-gone")
        await trio.testing.wait_all_tasks_blocked()
        await stream.aclose()
        with trio.fail_after(PATIENCE):
            await gone.wait()


async def test_an_answer_that_cancels_its_own_end_ends_the_connection() -> None:
    """It stayed open until the client left, about every second time: a client that waits for the end hung."""
    async with serving() as server:
        for _ in range(8):
            assert (await everything(server.open(GET % b"/listening"))).endswith(b"all of it")


async def test_a_client_that_never_reads_ends_with_the_server() -> None:
    """Writes are shielded from cancellation: such a client held the shutdown up for ever."""
    async with serving() as server:
        server.open(GET % b"/endless", lockstep=True)
        await trio.testing.wait_all_tasks_blocked()
    # leaving the block waits for the connection: it would for ever


async def test_a_client_that_never_reads_ends_after_the_silence(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with serving() as server:
        server.open(GET % b"/endless", lockstep=True)
        await trio.testing.wait_all_tasks_blocked()
        await server.backend.wait_idle()
    assert trio.current_time() >= Patience().silence


async def test_a_body_that_never_comes_ends_the_connection(autojump_clock: trio.testing.MockClock) -> None:
    head = b"POST /about HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"
    async with serving() as server:
        server.open(head)
        await trio.testing.wait_all_tasks_blocked()
        await server.backend.wait_idle()
    assert Patience().seconds <= trio.current_time() < 2 * Patience().seconds


async def test_over_the_limit_there_is_a_503_with_a_delay() -> None:
    async with serving(bounds=Bounds(1, 1, 50)) as server:
        server.open(GET % b"/until-gone")
        await trio.testing.wait_all_tasks_blocked()
        answer = await everything(server.open(GET % b"/about"))
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"Retry-After: 1" in answer
    assert b"OVERLOADED" in answer


async def test_draining_says_goodbye_to_websockets_and_lets_requests_end() -> None:
    async with serving() as server:
        socket = server.open(UPGRADE)
        await socket.receive_some()
        request = server.open(b"POST /about HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n1")
        await trio.testing.wait_all_tasks_blocked()
        await server.backend.drain()
        said = await everything(socket)
        assert b"\x88" in said
        assert (1001).to_bytes(2) in said
        await request.send_all(b"2")
        assert (await everything(request)).startswith(b"HTTP/1.1 200")


async def test_one_line_a_request_in_the_access_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "rtcore.access")
    async with serving(log_access=True) as server:
        await everything(server.open(GET % b"/about"))
    lines = [record.getMessage() for record in caplog.records if record.name == "rtcore.access"]
    assert len(lines) == 1
    assert lines[0].startswith("192.0.2.7 GET /about 200 ")
