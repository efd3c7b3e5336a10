"""As fast as the server takes it: how many messages may go now, and what waits for its turn."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

_NEAR: Final = 1e-6
"""Of one message: a time that is reckoned and reached falls short of it by the rounding of floats."""


class Pace:
    """As many messages a second as the server takes; a second's worth may go at once.

    The server counts by session: a new connection of the same goes on with what is left.
    """

    def __init__(self) -> None:
        self._rate = 0.0
        self._left = 0.0
        self._then = 0.0

    def begin(self, rate: float, now: float, *, resumed: bool) -> None:
        """A new connection: `rate` messages a second, 0 for no limit."""
        if not resumed or rate != self._rate:
            self._rate, self._left, self._then = rate, rate, now

    def _reckon(self, now: float) -> None:
        self._left = min(self._rate, self._left + (now - self._then) * self._rate)
        self._then = now

    def may(self, now: float) -> bool:
        """Whether one more may go now; it counts."""
        if self._rate <= 0:
            return True
        self._reckon(now)
        if self._left < 1 - _NEAR:
            return False
        self._left -= 1
        return True

    def count(self, now: float) -> None:
        """One goes that does not wait, as a ping or a reply: what follows waits for it."""
        if self._rate > 0:
            self._reckon(now)
            self._left -= 1

    @property
    def next(self) -> float:
        """When one more may go."""
        return math.inf if self._rate <= 0 else self._then + max(0.0, 1 - self._left) / self._rate


class Ends(Protocol):
    """What a message is about: a request, or a stream."""

    @property
    def over(self) -> bool:
        """Whether nobody wants to know of it any more."""
        ...


# An empty queue has 0.7 KB: one that was never used is everybody's. Nothing is put into it.
_NONE: Final[deque[tuple[bytes, Ends]]] = deque(maxlen=0)


class Turn:
    """What goes before anything new, as the pace allows: what is said again after a return, and items of
    streams. What is over when its turn comes is left out.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._waits = _NONE
        self._free: list[Callable[[], None]] = []

    def __bool__(self) -> bool:
        return bool(self._waits)

    def add(self, said: bytes, about: Ends) -> None:
        """Behind what waits."""
        if self._waits is _NONE:
            self._waits = deque()
        self._waits.append((said, about))

    def take(self, now: float) -> list[bytes]:
        """What may go now, in its order."""
        batch: list[bytes] = []
        while self._waits:
            said, about = self._waits[0]
            if not about.over:
                if not self._pace.may(now):
                    return batch
                batch.append(said)
            self._waits.popleft()
        self._tell()
        return batch

    def clear(self) -> None:
        """The connection is gone: whoever said it says it again on the next."""
        self._waits.clear()
        self._tell()

    def when_free(self, tell: Callable[[], None]) -> None:
        """Call this once, as soon as nothing waits."""
        self._free.append(tell)

    def _tell(self) -> None:
        free, self._free = self._free, []
        for tell in free:
            tell()
