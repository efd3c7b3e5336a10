"""Which transport is tried next: the best that works here, remembered for the server; what failed, again
after a while; and whether to move while the connection is there.
"""

from __future__ import annotations

import math
from typing import Final

from .errors import WrongURL

ORDER: Final = ("websocket", "sse", "polling")
SOCKETS: Final = ("websocket", "trio-websocket")
"""Those of them that are a WebSocket: ours, and that of a library, which nobody gets who does not ask."""
NAMES: Final = (*ORDER, "trio-websocket", "hybrid")
AGAIN: Final = 5.0
"""Seconds after which a better transport that failed is tried again; doubled at each further failure."""
LONGEST: Final = 300.0
SLOW: Final = 1.0
LOSSY: Final = 0.05
"""Down, where the smoothed round trip (seconds) or the part of pings without an answer is above this."""
STEADY: Final = 3
"""So many pings in a row, so that one slow answer moves nobody."""
DWELL: Final = 60.0
"""Seconds between two moves, or tries, at least, since each asks the application again; and before the way up
is tried, which is doubled at each fall.
"""
LONGEST_DWELL: Final = 3600.0
KEPT: Final = 256
"""Servers of which it is remembered what worked."""


class Worked:
    """What worked last, by server: what is remembered longest makes room."""

    def __init__(self) -> None:
        self._by: dict[str, str] = {}

    def get(self, server: str) -> str | None:
        """The transport; None: not known."""
        return self._by.get(server)

    def put(self, server: str, name: str) -> None:
        """It worked."""
        self._by.pop(server, None)
        self._by[server] = name
        if len(self._by) > KEPT:
            del self._by[next(iter(self._by))]


REMEMBERED: Final = Worked()
"""Of this process."""


class Choice:
    """The transports that may be used, best first, and which of them failed lately.

    `server` and `memory`: under which name it is remembered, and where, which of them worked.
    """

    def __init__(
        self,
        wanted: str | tuple[str, ...] = "hybrid",
        *,
        server: str = "",
        memory: Worked | None = None,
    ) -> None:
        names = (wanted,) if isinstance(wanted, str) else tuple(wanted)
        unknown = [name for name in names if name not in NAMES]
        if unknown or not names:
            raise WrongURL(f"there is no transport {unknown[0] if unknown else ''!r}: {', '.join(NAMES)}")
        self.names = ORDER if "hybrid" in names else names
        self.last: str = self.names[0]
        self._server, self._memory = server, memory or Worked()
        self._first: str | None = self._memory.get(server)
        self._failed: dict[str, int] = {}
        self._again_at: dict[str, float] = {}
        self._since, self._tried = math.inf, -math.inf
        self._dwell = DWELL
        self._bad = 0
        self._advised: str | None = None

    # -- the next attempt

    def next(self, now: float) -> str:
        """The one to open."""
        first, self._first = self._first, None
        self._since, self._advised = math.inf, None
        if first is not None and first in self.names:
            self.last = first
            return first
        for name in self.names:
            if self._again_at.get(name, now) <= now:
                self.last = name
                return name
        # All have failed lately: the one whose turn comes first.
        self.last = min(self.names, key=lambda name: self._again_at[name])
        return self.last

    def failed(self, name: str, now: float) -> bool:
        """It could not be opened, or had no welcome; whether another one is to be tried at once."""
        count = self._failed[name] = self._failed.get(name, 0) + 1
        self._again_at[name] = now + min(LONGEST, AGAIN * 2 ** (count - 1))
        return any(self._again_at.get(other, now) <= now for other in self.names)

    def failed_above(self, name: str) -> tuple[str, ...]:
        """Those that would have been better than this one, and failed."""
        return tuple(each for each in self._above(name) if each in self._failed)

    def worked(self, name: str, now: float) -> None:
        """It had its welcome: what is measured begins anew."""
        self._failed.pop(name, None)
        self._again_at.pop(name, None)
        self.last = name
        self._memory.put(self._server, name)
        self._since, self._bad, self._advised = now, 0, None

    # -- while the connection is there

    def _above(self, name: str) -> tuple[str, ...]:
        return self.names[: self.names.index(name)] if name in self.names else ()

    def measured(self, trip: float | None, loss: float, now: float) -> str | None:
        """A ping of the transport in use has its answer, or has none: the smoothed round trip in seconds, and
        the part of the last pings without one. The transport to move to, if this one is too bad.

        Only the best is left so: below it one way over plain HTTP is as slow as the other.
        """
        self._bad = self._bad + 1 if loss > LOSSY or (trip is not None and trip > SLOW) else 0
        if self.last != self.names[0] or len(self.names) == 1 or self._again_at.get(self.names[1], now) > now:
            return None
        if self._bad < STEADY or now - max(self._since, self._tried) < DWELL:
            return None
        self._tried = now
        self._fall(self.names[1], now)
        return self.names[1]

    def _fall(self, name: str, now: float) -> None:
        """Down to this one: those above count as failed until the way up is tried."""
        self._dwell = min(LONGEST_DWELL, self._dwell * 2)
        for better in self._above(name):
            self._again_at[better] = now + self._dwell

    def advised(self, name: str | None) -> None:
        """The server would have this one used: a hint, followed when a move may be."""
        self._advised = name if name in self.names and name != self.last else None
        if self._advised not in self._failed:
            # It was only left: the time for which it would have been is the client's own.
            self._again_at.pop(self._advised or "", None)

    def _turns(self) -> dict[str, float]:
        """When each of those that are to be tried may be."""
        quiet = max(self._since, self._tried) + DWELL
        up = max(quiet, self._since + self._dwell)
        turns = dict.fromkeys(self._above(self.last), up)
        if (hint := self._advised) is not None:
            turns.pop(hint, None)
            turns = {hint: quiet, **turns}
        return {name: max(at, self._again_at.get(name, at)) for name, at in turns.items()}

    @property
    def try_at(self) -> float:
        """When another transport than the one in use may be tried."""
        if self.last == self.names[0] and self._advised is None:
            return math.inf
        return min(self._turns().values(), default=math.inf)

    def to_try(self, now: float) -> str | None:
        """What the server advised, or else the best that may be tried now of those above the one in use."""
        name = next((name for name, at in self._turns().items() if at <= now), None)
        if name is not None:
            self._tried, self._advised = now, None
            if self.last in self._above(name):
                self._fall(name, now)
        return name
