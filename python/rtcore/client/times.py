"""When requests are looked at again: those whose time ends, and those that go once more after a wait."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator

from .request import Request


class Times:
    """Two heaps by time. What has ended meanwhile is passed over when its time comes."""

    def __init__(self) -> None:
        self._ends: list[tuple[float, int, Request]] = []
        self._later: list[tuple[float, int, Request]] = []
        self._count = 0

    def watch(self, request: Request, now: float, wall: int) -> None:
        """Its caller's patience, or its time to live, ends some time."""
        times = [time for time in (request.dies, request.patience) if time is not None]
        if request.dies_wall is not None:
            times.append(now + max(0.0, (request.dies_wall - wall) / 1000))
        if times:
            self._count += 1
            heapq.heappush(self._ends, (min(times), self._count, request))

    def put_off(self, request: Request, until: float) -> None:
        """It goes once more then."""
        self._count += 1
        heapq.heappush(self._later, (until, self._count, request))

    def ended(self, now: float) -> Iterator[Request]:
        """Whose time has ended."""
        yield from _due(self._ends, now)

    def again(self, now: float) -> Iterator[Request]:
        """Who goes once more."""
        yield from _due(self._later, now)

    def waiting(self) -> list[Request]:
        """All that go once more later."""
        return [request for *_, request in self._later]

    def forget(self) -> None:
        """None of them goes again."""
        self._later.clear()

    @property
    def next(self) -> float:
        """When somebody is due."""
        ends, later = self._ends, self._later
        while ends and ends[0][2].ended:
            heapq.heappop(ends)
        until = later[0][0] if later else math.inf
        return min(until, ends[0][0]) if ends else until


def _due(heap: list[tuple[float, int, Request]], now: float) -> Iterator[Request]:
    while heap and heap[0][0] <= now:
        request = heapq.heappop(heap)[2]
        if not request.ended:
            yield request
