"""What the server's thread does: a look at its stack some hundred times a second, for as long as asked.

It costs nothing while nobody asks, and one profile is made at a time. The core shows as what called it.
"""

from __future__ import annotations

import math
import sys
import threading
import time
from collections import Counter
from pathlib import PurePath
from types import FrameType
from typing import Any, Final

import trio

from rtcore._ground.numbers import FIXED

EVERY_S: Final = FIXED["PROFILE_EVERY_US"] / 1e6
DEPTH: Final = FIXED["PROFILE_DEPTH"]
ROWS: Final = FIXED["PROFILE_ROWS"]


class Profiler:
    """Makes one profile at a time."""

    def __init__(self) -> None:
        self._busy = trio.CapacityLimiter(1)
        self._until = -math.inf

    @property
    def left(self) -> float:
        """Seconds that the profile still takes that is being made; 0: none is."""
        return max(1.0, self._until - time.monotonic()) if self._busy.borrowed_tokens else 0.0

    async def profile(self, seconds: float) -> dict[str, Any]:
        """Where the thread that calls this spends the next so many seconds.

        Cancelled, it ends at once. `functions` have what part of the looks found them at work themselves
        (`self`) and below them (`all`); `stacks` are the most frequent, the outermost function first.
        """
        thread = threading.get_ident()
        over = threading.Event()
        self._until = time.monotonic() + seconds
        try:
            return await trio.to_thread.run_sync(
                _look, thread, seconds, over, abandon_on_cancel=True, limiter=self._busy
            )
        finally:
            over.set()


def _look(thread: int, seconds: float, over: threading.Event) -> dict[str, Any]:
    own: Counter[str] = Counter()
    below: Counter[str] = Counter()
    stacks: Counter[tuple[str, ...]] = Counter()
    looks = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end and not over.wait(EVERY_S):
        frame = sys._current_frames().get(thread)  # noqa: SLF001 - the way to look at another thread
        if frame is None:
            break
        stack = _names(frame)
        looks += 1
        own[stack[-1]] += 1
        below.update(set(stack))
        if stack in stacks or len(stacks) < 100 * ROWS:
            stacks[stack] += 1
    functions = [
        {"function": name, "self": own[name] / looks, "all": count / looks}
        for name, count in sorted(below.items(), key=lambda row: (-own[row[0]], -row[1]))[:ROWS]
    ]
    return {
        "seconds": seconds,
        "looks": looks,
        "functions": functions,
        "stacks": [{"stack": list(stack), "part": n / looks} for stack, n in stacks.most_common(ROWS)],
    }


def _names(frame: FrameType) -> tuple[str, ...]:
    """The innermost functions, from the outermost of them on."""
    names: list[str] = []
    inner: FrameType | None = frame
    while inner is not None and len(names) < DEPTH:
        code = inner.f_code
        file = "/".join(PurePath(code.co_filename).parts[-2:])
        names.append(f"{code.co_qualname} ({file}:{code.co_firstlineno})")
        inner = inner.f_back
    return tuple(reversed(names))
