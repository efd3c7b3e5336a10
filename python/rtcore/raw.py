"""Raw sockets: a WebSocket on a path of the application's own, messages as they come.

    @app.websocket("/echo")
    async def echo(socket):
        async for message in socket:
            await socket.send(message)

The task that iterates is stepped directly, as sessions' tasks are. Messages that come while it does something
else wait here, and the core is told how much waits, so that it stops reading at its bounds.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Generator, Sequence
from types import coroutine
from typing import Any, Final

import trio

from ._budget import checkpoint, due
from ._engine import INTERNAL_CLOSE, NORMAL_CLOSE, Engine
from ._step import Stepped
from .errors import SocketClosed, UsageError

log = logging.getLogger("rtcore.app")

_CLOSED: Final[Any] = object()


class RawSocket(Stepped):
    """A WebSocket without envelope, session or log.

    `path`, `query` (without `?`), `headers` (names in lower case, as sent) and `address` are those of the
    handshake; `close_code` and `close_reason` say how it was closed, None while it is open. Messages are
    `str` (text) or `bytes` (binary). Iteration ends when the socket is closed, after the last message.
    """

    __slots__ = (
        "_conn",
        "_engine",
        "_size",
        "_unsent",
        "_waiting",
        "address",
        "close_code",
        "close_reason",
        "headers",
        "path",
        "query",
        "scope",
        "state",
    )

    def __init__(
        self, engine: Engine, conn: int, target: str, headers: Sequence[tuple[bytes, bytes]], address: str
    ) -> None:
        super().__init__()
        self._engine = engine
        self._conn = conn
        self._unsent = 0
        self._waiting: deque[str | bytes] | None = None
        self._size = 0
        self.path, _, self.query = target.partition("?")
        self.headers = tuple(headers)
        self.address = address
        self.close_code: int | None = None
        self.close_reason = ""
        self.scope: trio.CancelScope | None = None
        self.state: Any = None  # for the application

    # -- hearing

    def __aiter__(self) -> RawSocket:
        return self

    @coroutine
    def __anext__(self) -> Generator[Any, Any, str | bytes]:
        """The next message. A cancel point, and a schedule point unless a message waits.

        Raises:
            StopAsyncIteration: the socket is closed.
            trio.BusyResourceError: another task waits for the next message.

        """
        if self._waiting:
            if due():
                yield from checkpoint().__await__()
            if self._waiting:
                return self._take(self._waiting)
        if self.close_code is not None:
            raise StopAsyncIteration
        if self.idle:
            raise trio.BusyResourceError("another task waits for this socket's next message")
        if not self.driven:  # in a step the task is the one that waited here last
            task = trio.lowlevel.current_task()
            if task is not self.task:
                self.adopt(task)
        self.idle = True
        got = yield self.trap
        if got is not None:
            got.unwrap()  # from Trio: rescheduled, or cancelled
        message: str | bytes = self.item
        self.item = None
        if message is _CLOSED:
            raise StopAsyncIteration
        return message

    async def receive(self) -> str | bytes:
        """The next message. A cancel point, and a schedule point unless a message waits.

        Raises:
            SocketClosed: the socket is closed, and there is no message any more.
            trio.BusyResourceError: another task waits for the next message.

        """
        try:
            return await self.__anext__()
        except StopAsyncIteration:
            raise self._closed_error() from None

    def _take(self, waiting: deque[str | bytes]) -> str | bytes:
        message = waiting.popleft()
        self._size -= len(message)
        self._engine.core.raw_waiting(self._conn, len(waiting), self._size)
        if not self._engine.turning:
            self._engine.wake()
        return message

    # -- saying

    async def send(self, message: str | bytes) -> None:
        """Say a message, `str` as text and bytes as binary: whole, or not at all.

        A cancel point. It waits while more than `session_high` bytes are unsent, until `session_low` are;
        else it is a schedule point after each 64 calls of a task.

        Raises:
            SocketClosed: the socket is closed.
            TypeError: the message is neither text nor bytes.

        """
        if due():
            await checkpoint()
        engine = self._engine
        if self._unsent > engine.high:
            await self._drained()
        unsent = engine.core.raw_send(
            self._conn, message if type(message) in _MESSAGES else _message(message)
        )
        if unsent < 0:
            raise self._closed_error()
        self._unsent = unsent
        if not engine.turning:
            engine.wake()

    def send_nowait(self, message: str | bytes) -> None:
        """Say a message, now. For plain functions; see `send` for arguments and errors.

        Raises:
            trio.WouldBlock: more than `session_high` bytes are unsent.

        """
        engine = self._engine
        if self._unsent > engine.high and engine.core.want_raw_drained(self._conn):
            raise trio.WouldBlock(f"{self._unsent} bytes are unsent, and {engine.high} may be")
        unsent = engine.core.raw_send(
            self._conn, message if type(message) in _MESSAGES else _message(message)
        )
        if unsent < 0:
            raise self._closed_error()
        self._unsent = unsent
        if not engine.turning:
            engine.wake()

    async def _drained(self) -> None:
        engine = self._engine
        while self._unsent > engine.high:
            if not engine.core.want_raw_drained(self._conn):
                self._unsent = 0  # there is room; the next send measures again
                return
            await engine.wait_drained(engine.raw_drained, self._conn)
            if self.close_code is not None:
                raise self._closed_error()

    async def close(self, code: int = NORMAL_CLOSE, reason: str = "") -> None:
        """Close the socket: the close frame goes out, and no message is taken any more. Twice is once.

        A cancel point.

        Raises:
            UsageError: the code is none that may be sent.

        """
        if due():
            await checkpoint()
        self.close_nowait(code, reason)

    def close_nowait(self, code: int = NORMAL_CLOSE, reason: str = "") -> None:
        """Close the socket, now. For plain functions; see `close`."""
        if code not in _CODES and not 3000 <= code <= 4999:
            raise UsageError(f"a close code is 1000 to 1003, 1007 to 1014, or 3000 to 4999; not {code}")
        if self.close_code is None:
            self._engine.core.raw_close(self._conn, code, reason)
            if not self._engine.turning:
                self._engine.wake()

    def _closed_error(self) -> SocketClosed:
        return SocketClosed(1006 if self.close_code is None else self.close_code, self.close_reason)

    # -- what a turn brings

    def heard(self, message: str | bytes) -> None:
        """A message that came while the task did something else."""
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(message)
        self._size += len(message)
        self._engine.core.raw_waiting(self._conn, len(self._waiting), self._size)

    def closed(self, code: int, reason: str, direct: bool) -> None:
        """It is closed: the iteration ends, and who waits to send is told."""
        self.close_code, self.close_reason = code, reason
        self._engine.wake_drained(self._engine.raw_drained, self._conn)
        if self.idle:
            self.give(_CLOSED, direct)

    async def run(self, function: Any) -> None:
        """The socket's own task."""
        try:
            with trio.CancelScope() as self.scope:
                await guarded(self, function(self))
        finally:
            if self.close_code is None:
                self.close_nowait()

    def __repr__(self) -> str:
        return f"<RawSocket {self.path} of {self.address}>"


_MESSAGES: Final = frozenset({str, bytes})
_CODES: Final = frozenset({*range(1000, 1004), *range(1007, 1015)})


def _message(message: Any) -> str | bytes:
    if isinstance(message, str):
        return str(message)
    if isinstance(message, bytes | bytearray | memoryview):
        return bytes(message)
    raise TypeError(f"a message is str or bytes, not {type(message).__name__}")


async def guarded(socket: RawSocket, work: Awaitable[Any]) -> None:
    """Do the application's work; what it raises closes this socket, and harms no other."""
    try:
        await work
    except SocketClosed:
        pass  # the peer went away: not a fault
    except Exception as error:  # noqa: BLE001 - the application's, whatever it is
        failed(socket, error)
    except BaseExceptionGroup as errors:
        ours, rest = errors.split(Exception)
        if ours is not None and ours.split(SocketClosed)[1] is not None:
            failed(socket, ours)
        if rest is not None:
            raise rest from None


def failed(socket: RawSocket, error: BaseException) -> None:
    """An error of the application: to the log, and the socket is closed with 1011."""
    kind, text = f"raw socket {socket.path}", "the raw socket %s of %s failed"
    engine = socket._engine  # noqa: SLF001
    engine.failures.log(log, kind, text, socket.path, socket.address, error=error)
    socket.close_nowait(INTERNAL_CLOSE, "the application failed")


RawSocket.__module__ = "rtcore"
