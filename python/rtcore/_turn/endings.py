"""Sessions that ended in the core, on their way to the application: so many in a pass of Trio.

What a session has in the application is cancelled when it ends, and each cancelled task costs the loop some
0.2 ms. Thousands may end at once: because the application closes them, or their resume windows are over. So
the first ones are ended at once, and then the flusher ends some in each pass of Trio: between them what was
cancelled runs, and others are served.

Invariants: sessions are ended in the order in which the core told it. While some wait, each pass ends at
least a part of them: so at most `SHARE` times as many wait as end in a pass.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from rtcore._ground.numbers import FIXED

AT_ONCE: Final = FIXED["ENDINGS"]
"""Sessions that are ended together: some 7 ms, with what their tasks do."""
SHARE: Final = 16
"""The part of those that wait that is ended together, if that is more."""


class Endings:
    """The ends that wait, and how many more may be done before the flusher comes."""

    def __init__(self, end: Callable[[int, str], None]) -> None:
        self._end = end
        self._left = AT_ONCE
        self._waiting: deque[tuple[int, str]] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def some(self) -> None:
        """The flusher comes, once in a pass: those that wait come first."""
        waiting = self._waiting
        self._left = max(AT_ONCE, len(waiting) // SHARE)
        while waiting and self._left:
            self._left -= 1
            self._end(*waiting.popleft())

    def heard(self, handle: int, reason: str) -> None:
        """A session has ended: the application hears of it now, or in a later pass."""
        if self._left and not self._waiting:
            self._left -= 1
            self._end(handle, reason)
        else:
            self._waiting.append((handle, reason))

    def rest(self) -> None:
        """No pass follows: all that wait."""
        while self._waiting:
            self._end(*self._waiting.popleft())
