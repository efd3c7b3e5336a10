"""The application's own subscription to a room: a cursor, which reads when there is something to read."""

# ruff: noqa: SLF001 - parts of the package know each other; applications do not see this

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Self

from rtcore.entry import Heard, Position

from .budget import checkpoint, due

if TYPE_CHECKING:
    from collections.abc import Callable

    from rtcore._engine import Engine
    from rtcore.client import Gap
    from rtcore.room import Room

PAGE: Final = 100
"""Entries that are read at a time."""


class Listening:
    """An async iterator over what is said in a room: `Heard`, and `Gap` where something is missing.

    It keeps its place and at most a page of entries, and nothing is kept for it: one that is slow is told the
    gap when the room has let go of what it had yet to hear. It never ends by itself; leave the loop, or
    cancel it. One task at a time asks for its next.
    """

    __slots__ = ("_after", "_ready", "_room")

    def __init__(self, room: Room, after: str) -> None:
        self._room = room
        self._after = after
        self._ready: deque[Heard | Gap] = deque()

    @property
    def position(self) -> Position:
        """Up to where it was heard: what was given, and what was passed over. `listen` goes on from there."""
        if not self._ready:
            return Position(self._after)
        first = self._ready[0]
        seq = first.seq if isinstance(first, Heard) else first.first
        return Position(f"{self._room._engine.epoch}.{max(0, seq - 1)}")

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Heard | Gap:
        """The next, as soon as it is said. A cancel point: who is cancelled has missed nothing.

        Who waits when the server ends gets `NotServing`.
        """
        self._room._engine.here("listen")
        if due():
            await checkpoint()
        while not self._ready:
            await self._read()
        return self._ready.popleft()

    async def _read(self) -> None:
        room, engine = self._room, self._room._engine
        past = await room.history(self._after, PAGE)
        if past or not past.complete:
            upto = past[-1].seq if past else engine.call(engine.core.readable, room.name)
            if not past.complete:
                self._ready.append(self._gap(past[0].seq - 1 if past else upto))
            self._ready += past
            self._after = f"{engine.epoch}.{upto}"
            return
        await wait_said(
            engine, room.name, lambda: not engine.call(engine.core.history, room.name, self._after, 1)[0]
        )

    def _gap(self, last: int) -> Gap:
        return gap_after(self._after, Position(f"{self._room._engine.epoch}.{last}"), self._room.name)


async def wait_said(engine: Engine, room: str, is_nothing: Callable[[], bool]) -> None:
    """Until something is said in a room, unless there is something already.

    That is looked at once more, with no wait before the next one: it may have come while a disk was read.
    """
    engine.core.want_said(room)
    if is_nothing():
        await engine.wait_drained(engine.listening, room)


def gap_after(after: str, last: Position, room: str) -> Gap:
    """What is missing from behind a position up to another: all there was, where it is of another epoch."""
    from rtcore.client import Gap

    epoch, _, seq = after.partition(".")
    known = epoch == last.epoch
    return Gap(int(seq) + 1 if known else 1, last.seq, "ring" if known else "epoch", room)


Listening.__module__ = "rtcore"
