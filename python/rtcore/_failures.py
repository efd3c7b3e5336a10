"""Failures of the application, in the log: each kind with its traceback, but not each time.

A traceback costs half a millisecond, and a peer can make a handler fail as often as it likes: 64 requests
that wait would hold everybody up for 30 ms. So a kind of failure is written a few times a second; how often
it came beyond that is said with the next one that is written, and `rtcore_failed_total` counts all of them.
"""

from __future__ import annotations

import logging
import time
from typing import Final

PER_SECOND: Final = 4
"""Tracebacks of one kind in a second."""

KINDS: Final = 1000
"""Kinds that are told apart. They are named by the application, so there are few; more are forgotten."""


class Failures:
    """What has failed lately: the second, how often it was written in it, and how often not since."""

    def __init__(self) -> None:
        self._kinds: dict[str, list[int]] = {}

    def log(self, log: logging.Logger, kind: str, text: str, *args: object, error: BaseException) -> None:
        """Write an error record with its traceback, unless enough of this kind were written this second."""
        left = self._left_out(kind, time.monotonic())
        if left is None:
            return
        if left:
            text += f" (and {left:,} times more that were not written)"
        log.error(text, *args, exc_info=error)

    def _left_out(self, kind: str, now: float) -> int | None:
        """How many of this kind were not written since the last one; None: nor is this one."""
        second = int(now)
        known = self._kinds.get(kind)
        if known is None:
            if len(self._kinds) >= KINDS:
                self._kinds.clear()
            known = self._kinds[kind] = [second, 0, 0]
        if known[0] != second:
            known[0], known[1] = second, 0
        if known[1] >= PER_SECOND:
            known[2] += 1
            return None
        known[1] += 1
        left, known[2] = known[2], 0
        return left
