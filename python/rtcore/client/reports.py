"""What a client measured, said to a server that asks for it: `report`."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .words import Said

if TYPE_CHECKING:
    from .machine import Machine

SHORTEST: Final = 5.0
"""Seconds between two, whatever a server asks for."""
LONGEST: Final = 3600.0
"""Seconds for which a server's advice is followed, whatever it says."""
KEPT: Final = 1024
"""Measurements that percentiles are made of."""


@dataclass(slots=True)
class Seen:
    """What only a monitor wants to know: the last round trips, each with its time (both in seconds)."""

    trips: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=KEPT))


class Advice(NamedTuple):
    """What the server advised last: why, to move to what transport, how long to wait with what can wait."""

    why: str
    transport: str | None
    until: float


class Reports:
    """When the next is due. Nothing is said unless `welcome.limits.report` asks for it."""

    def __init__(self) -> None:
        self.due = math.inf
        self.advice: Advice | None = None
        self._every = 0.0
        self._welcomes = 1

    def begin(self, every: float, now: float) -> None:
        """A new connection, and what its server wants."""
        self._every = max(every, SHORTEST) if every > 0 else math.inf
        self.due = now + self._every

    def advised(self, said: Said, now: float) -> Advice:
        """A hint of the server's: kept for who asks, and what can wait waits as long as it says."""
        hold: Any = said.get("hold")
        known = type(hold) in (int, float) and 0 < hold <= LONGEST
        why, transport = said.get("why"), said.get("transport")
        self.advice = Advice(
            why if isinstance(why, str) else "",
            transport if isinstance(transport, str) else None,
            now + (hold if known else 0.0),
        )
        self.due = max(self.due, self.advice.until)
        return self.advice

    def next(self, now: float, machine: Machine) -> Said:
        """The report that goes out now: since the one before it."""
        self.due = now + self._every
        said: Said = {"type": "report", "transport": machine.transport}
        if machine.pulse is not None:
            if machine.pulse.smoothed is not None:
                said["rtt"] = round(machine.pulse.smoothed * 1000)
            said["loss"] = round(machine.pulse.loss, 3)
        said["reconnects"] = machine.who.welcomes - self._welcomes
        self._welcomes = machine.who.welcomes
        if failed := machine.choice.failed_above(machine.transport):
            said["why"] = f"{' and '.join(failed)} failed"
        return said
