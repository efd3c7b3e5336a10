"""Messages that were followed through their stages: the last of them, for whoever asks.

The core follows what carries a sampled `trace`, and the next messages of an event that somebody asks for. It
is looked at while somebody waits, and costs nothing else.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import orjson
import trio

from rtcore._ground.numbers import FIXED

if TYPE_CHECKING:
    from rtcore._engine import Engine

EVENTS: Final = FIXED["FOLLOWED"]
"""Events that somebody may wait for at once."""
MOST: Final = FIXED["TRAILS_TOLD"]
"""Trails that are kept for who asks."""
LOOK: Final = 0.05
"""Seconds between two looks, while somebody waits."""

Trail = dict[str, Any]


def _offset() -> int:
    return time.time_ns() - time.perf_counter_ns()


class Trails:
    """The last of them. `offset`: nanoseconds since 1970 less the clock by which they are measured."""

    def __init__(self, engine: Engine, offset: Callable[[], int] = _offset) -> None:
        self._engine, self._offset = engine, offset
        self._kept: deque[Trail] = deque(maxlen=MOST)
        self._followers = 0
        self._awaited: Counter[str] = Counter()

    def follow(self) -> None:
        """From now on what a handler says is part of its request's trail, until `rest`."""
        self._followers += 1
        self._engine.books = True

    def rest(self) -> None:
        """One follower less."""
        self._followers -= 1
        self._engine.books = self._engine.durable or self._followers > 0
        if not self._engine.books:
            self._engine.requests.clear()  # from here on nobody notes which request a task has

    def since(self, number: int) -> list[Trail]:
        """Those that are over, with a higher number, as they ended. Times: ns since 1970."""
        offset = self._offset()
        for trail in orjson.loads(self._engine.core.trails())["trails"]:
            for timed in (trail, *trail["legs"]):
                timed["from"] += offset
            for leg in trail["legs"]:
                leg["to"] += offset
            self._kept.append(trail)
        return [each for each in self._kept if each["number"] > number]

    def of(self, trace: str) -> list[Trail]:
        """Those of a trace, by its id or a traceparent."""
        wanted = trace[3:35] if len(trace) >= 55 else trace
        return [each for each in self.since(0) if each["trace"][3:35] == wanted]

    def is_full(self, event: str) -> bool:
        """Whether so many other events are waited for that this one cannot be."""
        return event not in self._awaited and len(self._awaited) >= EVENTS

    async def next_of(self, event: str, times: int, seconds: float) -> list[Trail]:
        """The next so many messages of an event, or fewer when the time is over."""
        newest = max((each["number"] for each in self.since(0)), default=0)
        found: list[Trail] = []
        self.follow()
        self._awaited[event] += 1
        self._engine.core.follow_event(event, times)
        try:
            with trio.move_on_after(seconds):
                while True:
                    found = [each for each in self.since(newest) if each["event"] == event]
                    if len(found) >= times:
                        break
                    await trio.sleep(LOOK)
        finally:
            self._awaited[event] -= 1
            if not self._awaited[event]:  # else another operator waits for it still
                del self._awaited[event]
                self._engine.core.follow_event(event, 0)
            self.rest()
        return found[:times]
