"""The HTTP side door: one request at a time on one connection, served by a real HTTP server.

The core reads the head of every request on the port. What is not ours it hands over, the socket and the
bytes that it has read. When the request is answered and both sides mean to go on, the connection goes back to
the core with what was read beyond it; so each head on the port passes our own parser, whosever the request
before was. What serves the request stands behind `HttpBackend`, so that another server could take
Hypercorn's place.

Hypercorn is used one connection at a time, and with care. Each of these was seen to happen, and each has a
remedy here:

- An exception of one connection ends its nursery, and with that the server (a bad upgrade was enough, and a
  `SystemExit` of the application): every connection has its own `except`, and so has the application's call.
- Writes are shielded, so that a client which stops reading blocks shutdown for ever: writes must make
  progress, and all open connections are in a registry that can end them, shielded or not.
- `is_disconnected()` never turns true on Trio: `receive` tries without waiting first.
- Its timers serve keep-alive connections, which wait in the core here. The request body has a deadline
  instead, as a whole, and a WebSocket must be heard.
- It has no bound on what is open: `Places` has one, with shares, and keeps some for probes and backends.
- It waits for room in the application's queue to say that all is over; an application that answers without
  reading the body, or is gone, never makes any: that word does not wait (`_Http1._close_stream`).
- It upgrades to HTTP/2 in the clear and offers permessage-deflate without a bound on the inflated size: this
  connection speaks HTTP/1.1 and knows neither.
- What a client sends after its request (HTTP pipelining, or a client that is faster than we are) is not its
  business: it is kept for the core.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import trio
from hypercorn.config import Config as HypercornConfig
from hypercorn.trio.worker_context import WorkerContext

from rtcore._ground.asgi import ASGI, Message, Scope, Send
from rtcore._ground.failures import Failures, Guard, write
from rtcore.http_api.keys import ApiKey

from .connection import Connection, HypercornStream
from .ends import Parting, part
from .interface import Peer
from .places import PATIENCE, Bounds, Patience, Places

if TYPE_CHECKING:
    from rtcore.config import Config

# RFC 6455 §7.1.5: the link broke; what an application hears that asks on after the end.
ABNORMAL = 1006
log = logging.getLogger("rtcore.http")
access = logging.getLogger("rtcore.access")


class HypercornBackend:
    """Serves requests by Hypercorn's per-connection Trio server."""

    @classmethod
    def of(cls, config: Config, app: ASGI, state: Mapping[str, Any], failures: Failures) -> HypercornBackend:
        """As a configuration has it."""
        return cls(
            app,
            state=state,
            max_message=config.limit("max_message"),
            bounds=Bounds.of(config),
            keys=config.api_keys,
            patience=Patience.of(config),
            log_access=config.access_log,
            failures=failures,
            parting=Parting.of(config),
        )

    def __init__(
        self,
        app: ASGI,
        *,
        state: Mapping[str, Any],
        max_message: int,
        bounds: Bounds,
        keys: Sequence[ApiKey] = (),
        patience: Patience = PATIENCE,
        log_access: bool,
        failures: Failures,
        parting: Parting = Parting(),  # noqa: B008 - a tuple of numbers
    ) -> None:
        self.app = app
        self.failures = failures
        self.state = dict(state)
        self.bounds = bounds
        self.places = Places(bounds, keys)
        self.patience = patience
        self.log_access = log_access
        self.parting = parting
        self.config = HypercornConfig()
        self.config.include_server_header = False
        self.config.accesslog = None
        self.config.keep_alive_max_requests = sys.maxsize  # the core decides
        self.config.websocket_max_message_size = max_message
        self.config.logger_class = cast("Any", lambda _config: _Log(failures))
        self.context = WorkerContext(None)
        self._open: dict[HypercornStream, Connection | None] = {}
        self._idle = trio.Event()
        self._idle.set()

    async def serve(
        self,
        stream: trio.abc.Stream,
        already: bytes,
        peer: Peer,
        task_status: trio.TaskStatus[bytes | None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """See `HttpBackend.serve`."""
        link = HypercornStream(stream, already, self.patience.silence)
        self._idle = trio.Event() if not self._open else self._idle
        place = self.places.take(already, peer.address)
        full = place is None
        connection = None if full else Connection(self, link, peer[:2], peer.secure, _own_address(stream))
        # Beyond this there are too many even to say so.
        told = len(self._open) < 2 * (self.bounds.limit + self.bounds.kept)
        self._open[link] = connection
        try:
            async with trio.open_nursery() as nursery:
                if connection is not None:
                    nursery.start_soon(_part, link, connection, stream, self.parting, task_status)
                    await connection.run()
                elif told:
                    nursery.start_soon(_part, link, connection, stream, self.parting, task_status)
                    await link.send_all(_full(self.bounds, head_only=already.startswith(b"HEAD ")))
                    link.end()
        except* OSError:
            pass
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        except* Exception as errors:  # noqa: BLE001 - whatever it is
            text = "an HTTP connection of %s failed"
            self.failures.log(log, "HTTP connection", text, peer.address, error=errors)
        finally:
            del self._open[link]
            if place is not None:
                place()
            if not self._open:
                self._idle.set()
            if not link.passed_on:
                await trio.aclose_forcefully(stream)
                task_status.started(None)

    async def drain(self) -> None:
        """See `HttpBackend.drain`."""
        await self.context.terminated.set()
        async with trio.open_nursery() as nursery:
            for connection in list(self._open.values()):
                if connection is not None:
                    nursery.start_soon(_quietly, connection.go_away)

    def abort(self) -> None:
        """See `HttpBackend.abort`. Its own cancel scopes end the writes that Hypercorn shields."""
        for link in list(self._open):
            link.end()

    async def wait_idle(self) -> None:
        """See `HttpBackend.wait_idle`."""
        await self._idle.wait()

    async def application(self, scope: Any, receive: Any, send: Any, *_threads: Any) -> None:
        """The ASGI application as Hypercorn calls it."""
        channel: Any = getattr(receive, "__self__", None)

        async def receive_now() -> Any:
            # In a cancelled scope `receive` checkpoints first and never answers, which is how Starlette asks
            # whether the client is gone.
            try:
                try:
                    return channel.receive_nowait()
                except trio.WouldBlock:
                    return await channel.receive()
            except trio.EndOfChannel:
                return {"type": f"{scope['type']}.disconnect", "code": ABNORMAL}

        listen = receive_now if isinstance(channel, trio.MemoryReceiveChannel) else receive
        # What it raises is the failure of this request: Hypercorn goes on as if it had returned, with 500
        # where nothing was said yet, and a broken answer where something was.
        with Guard(self._failed):
            if self.log_access:
                with _access(scope, send) as noting:
                    await self.app(scope, listen, noting)
            else:
                await self.app(scope, listen, send)

    def _failed(self, error: BaseException) -> None:
        self.failures.log(log, "mounted application", "the mounted application failed", error=error)


@contextlib.contextmanager
def _access(scope: Scope, send: Send) -> Iterator[Send]:
    """One line a request: Hypercorn's own log has two for a client that leaves early."""
    began = time.monotonic()
    status = "-"

    async def noting(message: Message) -> None:
        nonlocal status
        kind = message["type"]
        if kind in ("http.response.start", "websocket.http.response.start"):
            status = str(message["status"])
        elif kind == "websocket.accept":
            status = "101"
        await send(message)

    try:
        yield noting
    finally:
        client = scope.get("client") or ("-",)
        taken = (time.monotonic() - began) * 1000
        method = scope.get("method", "WEBSOCKET")
        said = (str(client[0]), str(method), str(scope["path"]), status, taken)
        write(access, logging.INFO, "%s %s %s %s %.1f ms", *said)


class _Log:
    """Hypercorn's log, in ours: what an application raises belongs to the operator's log."""

    def __init__(self, failures: Failures) -> None:
        self._failures = failures

    async def access(self, *_: Any) -> None:
        pass

    async def exception(self, message: str, *args: Any, **_: Any) -> None:
        self._failures.log(log, f"HTTP: {message}", message, *args, error=sys.exception())

    async def warning(self, message: str, *args: Any, **_: Any) -> None:
        self._failures.log(log, f"HTTP: {message}", message, *args, error=None, level=logging.WARNING)

    error = critical = warning

    async def info(self, message: str, *args: Any, **_: Any) -> None:
        self._failures.log(log, f"HTTP: {message}", message, *args, error=None, level=logging.DEBUG)

    debug = info


async def _part(
    link: HypercornStream,
    connection: Connection | None,
    stream: trio.abc.Stream,
    parting: Parting,
    task_status: trio.TaskStatus[bytes | None],
) -> None:
    """When the request is over: give the connection back, or close it as `Parting` says."""
    await link.ended.wait()
    if link.returned and connection is not None:
        link.passed_on = True
        task_status.started(connection.beyond())
        return
    hopeless = connection is not None and connection.to_come() > parting.most
    await part(stream, parting.cut_short() if hopeless else parting)


async def _quietly(function: Callable[[], Awaitable[None]]) -> None:
    try:
        await function()
    except Exception:
        log.debug("a WebSocket did not end in good order", exc_info=True)


def _socket_of(stream: trio.abc.Stream) -> trio.socket.SocketType | None:
    inner = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
    return inner.socket if isinstance(inner, trio.SocketStream) else None


def _own_address(stream: trio.abc.Stream) -> tuple[str, int] | None:
    socket = _socket_of(stream)
    if socket is None:
        return None
    try:
        return cast("tuple[str, int]", socket.getsockname()[:2])
    except OSError:
        return None


def _full(bounds: Bounds, *, head_only: bool) -> bytes:
    body = (
        b'{"code":"OVERLOADED","message":"the server has %d HTTP requests open, or %d of this address, which '
        b'is its limit: try again in a second"}' % (bounds.limit, bounds.share(bounds.limit))
    )
    return (
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
        b"Retry-After: 1\r\nConnection: close\r\nCache-Control: no-store\r\n\r\n%b"
        % (len(body), b"" if head_only else body)
    )
