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
from _thread import get_ident
from collections import deque
from collections.abc import Coroutine, Generator, Sequence
from types import coroutine
from typing import Any, Final

import trio

from ._engine import DONE, NORMAL_CLOSE, Engine
from ._ground.sayable import sayable
from ._turn.budget import CALLS, checkpoint, due
from ._turn.step import Stepped, adopt
from .errors import SocketClosed, UsageError

log = logging.getLogger("rtcore.app")

_CLOSED: Final = None
"""Given instead of a message."""


class RawSocket(Stepped):
    """A WebSocket without envelope, session or log.

    `path`, `query` (without `?`), `headers` (names in lower case, as sent) and `address` are those of the
    handshake; `close_code` and `close_reason` say how it was closed, None while it is open. Messages are
    `str` (text) or `bytes` (binary). Iteration ends when the socket is closed, after the last message.
    """

    __slots__ = (
        "_conn",
        "_engine",
        "_held",
        "_say",
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
        self._say = engine.core.raw_link(conn, engine.high).send
        self._unsent = 0  # bytes, where they are more than `session_high`
        self._held = False  # messages wait, or it is closed: the next message is not waited for
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
        if get_ident() != self._engine.thread:
            raise self._engine.elsewhere("receive")
        if self._held or not self.driven:
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
                    adopt(self, task)
        self.idle = True
        got = yield self.trap
        if got is not None:
            got.unwrap()  # from Trio: rescheduled, or cancelled
        message: str | bytes | None = self.item
        self.item = None
        if message is None:  # `_CLOSED`
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
        self._held = bool(waiting) or self.close_code is not None
        self._engine.core.raw_waiting(self._conn, len(waiting), self._size)
        if not self._engine.turning:
            self._engine.wake()
        return message

    # -- saying

    def send(self, message: str | bytes) -> Coroutine[Any, Any, None]:
        """Say a message, `str` as text and bytes as binary: whole, or not at all.

        To be awaited, like a coroutine. A cancel point. It waits while more than `session_high` bytes are
        unsent, until `session_low` are; else it is a schedule point after each 64 calls of a task.

        Raises:
            SocketClosed: the socket is closed.
            TypeError: the message is neither text nor bytes.

        """
        engine = self._engine
        if get_ident() != engine.thread:
            raise engine.elsewhere("send", "send_nowait")
        # What need not wait is done when it is called: a coroutine less for each message.
        if self._unsent:
            return self._send_later(message)
        if self.driven:  # the same as `due`, whose task is known here
            task: Any = self.task
            used = task.custom_sleep_data
            if used >= CALLS or task._cancel_status.effectively_cancelled:  # noqa: SLF001 - as there
                return self._send_later(message)
            task.custom_sleep_data = used + 1
            if status := self._say(message):
                self._sent(status, message)
            return DONE
        if due():
            return self._send_later(message)
        self._send(message)
        return DONE

    async def _send_later(self, message: str | bytes) -> None:
        if due():
            await checkpoint()
        if self._unsent:
            await self._drained()
        self._send(message)

    def send_nowait(self, message: str | bytes) -> None:
        """Say a message, now. For plain functions; see `send` for the argument.

        Raises:
            SocketClosed: the socket is closed.
            TypeError: the message is neither text nor bytes.
            trio.WouldBlock: more than `session_high` bytes are unsent.

        """
        engine = self._engine
        if get_ident() != engine.thread:
            engine.hand_over(self.send_nowait, message)
            return
        if self._unsent:
            if engine.core.want_raw_drained(self._conn):
                raise trio.WouldBlock(f"{self._unsent} bytes are unsent, and {engine.high} may be")
            self._unsent = 0
        if status := self._say(message):
            self._sent(status, message)
        if not engine.turning:
            engine.wake()

    def _send(self, message: str | bytes) -> None:
        if status := self._say(message):
            self._sent(status, message)
        if not self._engine.turning:
            self._engine.wake()

    def _sent(self, status: int, message: Any) -> None:
        if status == _FOREIGN:
            status = self._say(_message(message))
        if status < 0:
            raise self._closed_error()
        self._unsent = status

    async def _drained(self) -> None:
        engine = self._engine
        while self._unsent:
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
        if self.close_code is None:
            self._engine.here("close", "close_nowait")
            if due():
                await checkpoint()
        self.close_nowait(code, reason)

    def close_nowait(self, code: int = NORMAL_CLOSE, reason: str = "") -> None:
        """Close the socket, now. For plain functions; see `close`.

        Raises:
            UsageError: the code is none that may be sent.

        """
        given: object = code
        if not isinstance(given, int) or (given not in _CODES and not 3000 <= given <= 4999):
            raise UsageError(f"a close code is 1000 to 1003, 1007 to 1014, or 3000 to 4999; not {given!r}")
        engine = self._engine
        if self.close_code is not None or not engine.thread:  # with the serving every socket ends
            return
        if get_ident() != engine.thread:
            engine.hand_over(self.close_nowait, code, sayable(reason))
            return
        engine.core.raw_close(self._conn, code, sayable(reason))
        if not engine.turning:
            engine.wake()

    def _closed_error(self) -> SocketClosed:
        return SocketClosed(1006 if self.close_code is None else self.close_code, self.close_reason)

    def __repr__(self) -> str:
        return f"<RawSocket {self.path} of {self.address}>"


_FOREIGN: Final = -2
"""`RawLink.send`: of a class that it does not take."""
_CODES: Final = frozenset({*range(1000, 1004), *range(1007, 1015)})


def _message(message: Any) -> str | bytes:
    if isinstance(message, str):
        return str.__str__(str(message))
    if isinstance(message, bytes | bytearray | memoryview):
        return bytes(message)
    raise TypeError(f"a message is str or bytes, not {type(message).__name__}")


RawSocket.__module__ = "rtcore"
