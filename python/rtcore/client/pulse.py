"""Is the server there, how far away is it, and how fast may be spoken."""

from __future__ import annotations

import math
from typing import Final

from .words import Said

WINDOW: Final = 20
"""How many of the last pings loss is reckoned from."""
SMOOTH: Final = 0.125
"""The weight of a new round trip, as RFC 6298 section 2 has it."""


class Pulse:
    """Pings of one connection; begins anew with each, for figures are of the transport in use."""

    def __init__(self, now: float, ping: float, silence: float) -> None:
        self.heard = self._asked_at = now
        self._since = math.inf
        """When the first ping was said since the last answer."""
        self.ping, self.silence = ping, silence
        self.smoothed: float | None = None
        self.last: float | None = None
        self._outcomes: list[bool] = []
        """Of the last pings, whether they had their answer."""
        self.asked: float | None = None
        self.answered = 0
        """How many pings had their answer."""
        self._name = 0

    def any_byte(self, now: float) -> None:
        """Something was heard."""
        self.heard = max(self.heard, now)

    def question(self, now: float, wall: int, acked: int) -> Said:
        """The `ping` that goes out now, at `wall` (ms since 1970); one without an answer is lost."""
        if self.asked is not None:
            self._outcome(False)
        self.asked, self._name, self._asked_at = now, wall, now
        self._since = min(self._since, now)
        said: Said = {"type": "ping", "time": self._name}
        if acked:
            said["acked"] = acked
        if self.last is not None:
            said["rtt"] = round(self.last * 1000)
        return said

    def ponged(self, now: float, name: object) -> float | None:
        """Its answer: the round trip in seconds, unless it is of an earlier one, which says only that what
        goes up arrives.
        """
        self._since = math.inf
        if self.asked is None or name != self._name:
            return None
        trip = max(0.0, now - self.asked)
        self.asked = None
        self.answered += 1
        self.last = trip
        self.smoothed = trip if self.smoothed is None else (1 - SMOOTH) * self.smoothed + SMOOTH * trip
        self._outcome(True)
        return trip

    def _outcome(self, answered: bool) -> None:
        self._outcomes.append(answered)
        del self._outcomes[:-WINDOW]

    @property
    def loss(self) -> float:
        """The part of the last pings that had no answer."""
        return self._outcomes.count(False) / len(self._outcomes) if self._outcomes else 0.0

    @property
    def ping_due(self) -> float:
        """When to ask: so long after the last time, also while something is heard, since it is measured."""
        return self._asked_at + self.ping

    @property
    def dead_at(self) -> float:
        """When the server counts as gone: nothing is heard, or what goes up has no answer though something
        comes down.
        """
        return min(self.heard, self._since) + self.ping + self.silence
