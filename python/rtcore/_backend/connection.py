"""One connection of Hypercorn's Trio server, for one request: its repairs, each of which was needed.

`hypercorn` says what went wrong without them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any, Protocol, cast

import h11
import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol import ProtocolWrapper
from hypercorn.protocol.events import Response, StreamClosed
from hypercorn.protocol.h11 import STREAM_ID, H11Protocol, H11WSConnection
from hypercorn.protocol.ws_stream import WSStream
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from wsproto.events import CloseConnection, Ping

from rtcore._turn.budget import checkpoint

from .places import Patience

# What is read, and written, at a time (bytes): the kernel must take so much within `Patience.silence`.
SLICE = 64 * 1024
# RFC 6455 §7.4.1: the server is going down.
GOING_AWAY = 1001


class Backend(Protocol):
    """What a connection has of its server."""

    config: Config
    context: WorkerContext
    state: dict[str, Any]
    patience: Patience

    async def application(self, scope: Any, receive: Any, send: Any, *_threads: Any) -> None:
        """The ASGI application as Hypercorn calls it."""


class HypercornStream:
    """The stream as Hypercorn sees it.

    What was already read comes first, writes must make progress, and closing it only says that Hypercorn is
    done with it (`HypercornBackend.serve` does the parting).
    """

    def __init__(self, stream: trio.abc.Stream, already: bytes, silence: float) -> None:
        self._stream = stream
        self._silence = silence
        self._already = already
        self._waits: set[trio.CancelScope] = set()
        self.done = False
        self.returned = False  # it is to be used no more, and not to be closed
        self.passed_on = False  # somebody else has it
        self.ended = trio.Event()  # done, and nothing waits in the stream any more

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if self._already:
            await checkpoint()
            already, self._already = self._already, b""
            return already
        with self._wait():
            return bytes(await self._stream.receive_some(max_bytes))
        raise trio.ClosedResourceError("the request is over")

    async def send_all(self, data: bytes) -> None:
        view = memoryview(data)
        for start in range(0, len(view), SLICE):
            with self._wait() as waiting:
                waiting.deadline = trio.current_time() + self._silence
                await self._stream.send_all(view[start : start + SLICE])
            if waiting.cancelled_caught:
                self.end()  # half a message may have left: nothing can follow it
                raise trio.BrokenResourceError(
                    f"no bytes were taken for {self._silence:g} s, or the server ends"
                )

    @contextlib.contextmanager
    def _wait(self) -> Iterator[trio.CancelScope]:
        """A wait for the client that `end` ends, shielded or not."""
        if self.done:
            raise trio.ClosedResourceError("the request is over")
        with trio.CancelScope() as scope:
            self._waits.add(scope)
            try:
                yield scope
            finally:
                self._waits.discard(scope)
                over: bool = self.done  # `end` may have been called while this waited
                if over and not self._waits:
                    self.ended.set()

    async def send_eof(self) -> None:
        """Nothing: `aclose` comes next.

        No checkpoint: an application that hears that its answer is complete may cancel the very task that
        closes (Starlette's does), and the connection would stay open.
        """

    async def aclose(self) -> None:
        self.end()
        await checkpoint()

    def give_back(self) -> None:
        """The request is over, and the stream is somebody else's from now on."""
        if not self.done:
            self.returned = True
            self.end()

    def end(self) -> None:
        self.done = True
        for scope in self._waits:
            scope.cancel()
        if not self._waits:
            self.ended.set()


class _OneRequest(h11.Connection):
    """An HTTP/1.1 connection that looks at nothing after the first request."""

    def next_event(self) -> Any:
        if self.their_state in (h11.MUST_CLOSE, h11.DONE, h11.CLOSED):
            return h11.NEED_DATA
        return super().next_event()

    def to_come(self) -> int:
        """Bytes that were announced and have not come: of the body, or of its present chunk.

        h11 keeps both to itself; where it calls them otherwise one day, nothing is known to come.
        """
        reader = getattr(self, "_reader", None)
        found = getattr(reader, "_bytes_in_chunk", None) or getattr(reader, "_remaining", None) or 0
        return int(found)


class _Http1(H11Protocol):
    """Hypercorn's HTTP/1.1, without its ways out of it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        longest = self.config.h11_max_incomplete_size
        self.connection = _OneRequest(h11.SERVER, max_incomplete_event_size=longest)
        self.boundary: Callable[[], None]
        self.patience: float  # seconds that the application has to answer a WebSocket's request
        self._answered = trio.Event()
        self._early = bytearray()

    async def _check_protocol(self, event: h11.Request) -> None:
        """No upgrade to HTTP/2 in the clear, whatever the head asks for."""

    async def _create_stream(self, request: h11.Request) -> None:
        """No permessage-deflate: its inflated size would be checked only after inflating.

        What a client sends before its upgrade is answered waits for the answer (see `settle`). Hypercorn
        would answer 400 then, and never tell the application, which would wait for ever.
        """
        kept = [(name, value) for name, value in request.headers if name != b"sec-websocket-extensions"]
        method, target, version = request.method, request.target, request.http_version
        plain = h11.Request(method=method, target=target, headers=kept, http_version=version)
        await super()._create_stream(plain)
        if isinstance(self.connection, H11WSConnection):
            self._early, self.connection.buffer = self.connection.buffer, bytearray()

    async def stream_send(self, event: Any) -> None:
        if isinstance(event, Response) and self._is_last():
            event = dataclasses.replace(event, headers=[*event.headers, (b"connection", b"close")])
        await super().stream_send(event)
        if isinstance(event, Response):
            self._answered.set()

    def _is_last(self) -> bool:
        """Whether nothing after this answer will be served here, of which the client is told.

        Either the server goes down, or more of the request may come, and nobody will have read it.
        """
        if not isinstance(self.connection, h11.Connection):
            return False
        return self.context.terminated.is_set() or self.connection.their_state is h11.SEND_BODY

    async def _maybe_recycle(self) -> None:
        """The answer is complete, or the application will not complete it.

        The connection goes back if both sides have said all that belongs to this request, and neither that
        it is the last one (then h11's states are others), RFC 9112 §9.3.
        """
        await self._close_stream()
        connection = self.connection
        stays = not self.context.terminated.is_set()
        if stays and connection.our_state is h11.DONE and connection.their_state is h11.DONE:
            self.boundary()
        else:
            await self.send(Closed())

    async def _close_stream(self) -> None:
        """Tell the application that it is over, without waiting for it to listen: it may never do so."""
        stream, self.stream = self.stream, None
        channel = getattr(getattr(stream, "app_put", None), "__self__", None)
        if stream is None:
            return
        if isinstance(channel, trio.MemorySendChannel):

            async def last_word(message: Any) -> None:
                with contextlib.suppress(trio.WouldBlock, trio.BrokenResourceError, trio.ClosedResourceError):
                    channel.send_nowait(message)
                # A task that waits to put in more of the body is woken, and one that asks on is answered. No
                # checkpoint: the application that hears this may cancel the very task that says it.
                channel.close()

            stream.app_put = last_word
        await stream.handle(StreamClosed(stream_id=STREAM_ID))

    async def settle(self) -> None:
        """For a WebSocket: wait until the application has answered, then go on with what came early."""
        if not isinstance(self.connection, H11WSConnection) or self._answered.is_set():
            return
        with trio.move_on_after(self.patience):
            await self._answered.wait()
        if self._early and self.stream is not None:
            self.connection.receive_data(bytes(self._early))
            await self._handle_events()


class Connection(TCPServer):
    """One connection of Hypercorn's, for one request."""

    def __init__(
        self,
        backend: Backend,
        link: HypercornStream,
        client: tuple[str, int],
        secure: bool,
        server: tuple[str, int] | None,
    ) -> None:
        app, stream = cast("Any", backend.application), cast("Any", link)
        super().__init__(app, backend.config, backend.context, backend.state, stream)
        self.link = link
        self.client = client
        self.secure = secure
        self.server = server
        self.http: _Http1 | None = None
        self._bounds = backend.patience
        self._began = trio.current_time()
        self._received = 0
        self._beyond = bytearray()

    async def run(self) -> None:
        """Serve the request, to its end."""
        async with TaskGroup() as tasks:
            self._task_group = tasks
            state = ConnectionState(dict(self.state))
            about: tuple[Any, ...] = (self.app, self.config, self.context, tasks, state, self.secure)
            about += (self.client, self.server, self.protocol_send)
            self.protocol = ProtocolWrapper(*about)
            self.http = self.protocol.protocol = _Http1(*about)
            self.http.boundary = self.link.give_back
            self.http.patience = self._bounds.seconds
            async with trio.open_nursery() as beside:
                beside.start_soon(self._ping)
                await self._read_data()
                beside.cancel_scope.cancel()
            self.link.end()  # the application may go on: it has its background tasks

    async def _ping(self) -> None:
        """Ask a WebSocket for a sign of life. Hypercorn's own task sleeps on when the WebSocket is closed."""
        while True:
            await trio.sleep(self._bounds.ping)
            stream = self.http.stream if self.http is not None else None
            if isinstance(stream, WSStream) and hasattr(stream, "connection"):
                await stream._send_wsproto_event(Ping())  # noqa: SLF001 - it knows the WebSocket's state

    async def protocol_send(self, event: Event) -> None:
        """As Hypercorn's, without the timer between requests: there is no second request."""
        if not isinstance(event, Updated):
            await super().protocol_send(event)

    async def _read_data(self) -> None:
        while True:
            try:
                with trio.fail_after(self._patience()):
                    data = await self.link.receive_some(SLICE)
            except (trio.ClosedResourceError, trio.BrokenResourceError, trio.TooSlowError):
                break
            self._received += len(data)
            if data and self._complete():
                self._beyond += data
                if len(self._beyond) >= SLICE:  # a client that pipelines much is read again after its answer
                    await self.link.ended.wait()
                continue
            try:
                await self.protocol.handle(RawData(data))
            except trio.ClosedResourceError:
                break  # the application has answered without reading all of the body
            if not data or self.http is None:
                break
            await self.http.settle()
        await self.protocol.handle(Closed())

    def beyond(self) -> bytes:
        """What was read after the request, once the connection has been given back."""
        connection = self.http.connection if self.http is not None else None
        inside = connection.trailing_data[0] if connection is not None else b""
        return bytes(inside) + bytes(self._beyond)

    def to_come(self) -> int:
        """Bytes of the request that its client has announced and not sent."""
        connection = self.http.connection if self.http is not None else None
        return connection.to_come() if isinstance(connection, _OneRequest) else 0

    def _complete(self) -> bool:
        return self._their_state() in (h11.MUST_CLOSE, h11.DONE)

    def _patience(self) -> float:
        """How long the client may say nothing, now. While it waits for its answer: as long as it likes."""
        their_state = self._their_state()
        if their_state is None:
            return self._bounds.ping + self._bounds.silence
        if their_state not in (h11.IDLE, h11.SEND_BODY):
            return math.inf
        left = self._bounds.until(self._began, self._received) - trio.current_time()
        return min(self._bounds.seconds, max(0.0, left))

    def _their_state(self) -> Any:
        """What h11 says of the client; None for a WebSocket."""
        connection = self.http.connection if self.http is not None else None
        return connection.their_state if isinstance(connection, h11.Connection) else None

    async def go_away(self) -> None:
        """End a WebSocket of the mounted application in good order; let a request go on."""
        stream = self.http.stream if self.http is not None else None
        if isinstance(stream, WSStream):
            if hasattr(stream, "connection"):
                goodbye = CloseConnection(code=GOING_AWAY, reason="the server is going down")
                await stream._send_wsproto_event(goodbye)  # noqa: SLF001 - it knows the WebSocket's state
            await self.protocol.handle(Closed())
            self.link.end()
