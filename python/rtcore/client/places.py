"""Who may have a connection of a pool next: at most so many to a server, in the order of asking.

Plain bookkeeping, no task of its own. A *slot* is one connection, or the right to open one; it counts from
the moment
it is given to somebody until its connection is closed. Invariants, for each server:
- There are never more slots than `size`.
- An asker that was given something is in no queue; one that is in a queue has been given nothing.
- An idle slot is lent to the first asker that it fits, if that is the first of all; else the slot that was
  idle for
  longest makes room.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import trio


class Slot(Protocol):
    """What the queue knows of a connection."""

    key: Hashable

    def make_room(self) -> None:
        """Close: somebody else needs the place. `Place.freed` is called when it is closed."""
        ...


S = TypeVar("S", bound=Slot)


@dataclass(eq=False, slots=True)
class Ask(Generic[S]):
    """Somebody waits. `slot`: the connection that was lent to him; None and `ready`: he may open one."""

    key: Hashable
    ready: trio.Event
    slot: S | None = None


class Place(Generic[S]):
    """One server's slots, and who waits for one."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.count = 0
        self.idle: deque[S] = deque()
        """Longest idle first."""
        self.waiting: deque[Ask[S]] = deque()
        self._leaving = 0

    def ask(self, key: Hashable, *, first: bool = False) -> Ask[S]:
        """Get in line. `first`: one that was served, and whose connection turned out to be dead."""
        ask: Ask[S] = Ask(key, trio.Event())
        (self.waiting.appendleft if first else self.waiting.append)(ask)
        self.turn()
        return ask

    def take_back(self, ask: Ask[S]) -> None:
        """The asker does not wait any more: what he was given goes to the next."""
        if not ask.ready.is_set():
            self.waiting.remove(ask)
        elif ask.slot is None:
            self.count -= 1
        else:
            self.idle.appendleft(ask.slot)
        self.turn()

    def rest(self, slot: S) -> None:
        """A connection that was lent is clean, and free."""
        self.idle.append(slot)
        self.turn()

    def gone(self, slot: S) -> bool:
        """It closes by itself: nobody may have it any more. False: it is lent."""
        if slot not in self.idle:
            return False
        self.idle.remove(slot)
        self._leaving += 1
        return True

    def freed(self, *, left: bool = False) -> None:
        """A connection is closed, or was never opened. `left`: `gone` was said of it, or room was made."""
        self.count -= 1
        self._leaving -= left
        self.turn()

    def turn(self) -> None:
        """Serve those who can be served, strictly in the order of asking."""
        while self.waiting:
            first = self.waiting[0]
            fitting = next((slot for slot in reversed(self.idle) if slot.key == first.key), None)
            if fitting is not None:
                self.idle.remove(fitting)
                first.slot = fitting
            elif self.count < self.size:
                self.count += 1
            else:
                if self.idle and self._leaving < len(self.waiting):
                    slot = self.idle.popleft()
                    self._leaving += 1
                    slot.make_room()
                return
            self.waiting.popleft().ready.set()
