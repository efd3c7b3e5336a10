"""What a turn brings to raw sockets, and the task of each."""

# ruff: noqa: SLF001 - parts of the package know each other; applications do not see this

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable
from typing import Any, Final

import trio

from rtcore._engine import INTERNAL_CLOSE
from rtcore._ground.failures import part
from rtcore._ground.groups import leaves
from rtcore.errors import SocketClosed
from rtcore.raw import RawSocket

from .step import give, inside

log = logging.getLogger("rtcore.app")

_CLOSED: Final = None
"""Given instead of a message."""


def heard(socket: RawSocket, message: str | bytes) -> None:
    """A message that came while the task did something else."""
    if socket._waiting is None:
        socket._waiting = deque()
    socket._waiting.append(message)
    socket._held = True
    socket._size += len(message)
    socket._engine.core.raw_waiting(socket._conn, len(socket._waiting), socket._size)


def closed(socket: RawSocket, code: int, reason: str, *, direct: bool) -> None:
    """The socket is closed: the iteration ends, and who waits to send is told."""
    socket.close_code, socket.close_reason = code, reason
    socket._held = True
    socket._engine.wake_drained(socket._engine.raw_drained, socket._conn)
    if socket.idle:
        give(socket, _CLOSED, direct=direct)


async def run(socket: RawSocket, function: Any) -> None:
    """The socket's own task."""
    try:
        with trio.CancelScope() as socket.scope:
            work = guarded(socket, inside(socket, function(socket)))
            await socket._engine.held.watch(repr(socket.path), work)
    finally:
        if socket.close_code is None:
            socket.close_nowait()


async def guarded(socket: RawSocket, work: Awaitable[Any]) -> None:
    """Do the application's work; what it raises closes this socket, and harms no other."""
    try:
        await work
    except BaseException as error:  # noqa: BLE001 - the application's, whatever it is
        ours, rest = part(error)
        if ours is not None and not _is_farewell(ours):
            failed(socket, ours)
        if rest is not None:
            raise rest from None


def _is_farewell(error: BaseException) -> bool:
    """Whether it says only that the peer went away: not a fault."""
    return all(isinstance(each, SocketClosed) for each in leaves(error))


def failed(socket: RawSocket, error: BaseException) -> None:
    """An error of the application: to the log, and the socket is closed with 1011."""
    kind, text = f"raw socket {socket.path}", "the raw socket %s of %s failed"
    socket._engine.failures.log(log, kind, text, socket.path, socket.address, error=error)
    socket.close_nowait(INTERNAL_CLOSE, "the application failed")
