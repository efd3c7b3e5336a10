"""What rules look at: what the core measured, how the process is, how the clock went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .process import Process


@dataclass(frozen=True, slots=True)
class Row:
    """Durations of one stage, by one word, in a window; times in milliseconds."""

    stage: str
    by: str
    of: str
    count: int
    mean: float
    p95: float
    most: float


class Held(NamedTuple):
    """Something that ran for long without a wait."""

    what: str
    times: int
    ms: float
    """The longest."""


@dataclass(frozen=True, slots=True)
class View:
    """A moment of a server. `measured` is what the core says (`/rt/api/stats`)."""

    measured: Mapping[str, Any]
    process: Process = field(default_factory=Process)
    before: Process = field(default_factory=Process)
    """The same a minute ago."""
    limits: Mapping[str, int] = field(default_factory=dict)
    store: Mapping[str, Any] | None = None
    held: tuple[Held, ...] = ()
    """In the last minute."""
    jump: float = 0.0
    """By how much the wall's clock jumped in the last minute (s)."""
    version: str = ""

    def rise(self, name: str, window: str = "1m", group: str = "counters") -> int:
        """By how much a counter rose."""
        return int(self.measured.get(group, {}).get(name, {}).get(window, 0))

    def size(self, name: str) -> int:
        """A size of now."""
        return int(self.measured.get("sizes", {}).get(name, 0))

    def limit(self, name: str) -> int:
        """A limit that may be set; 0: none."""
        return self.limits.get(name, 0)

    def rows(self, window: str = "1m") -> Iterator[Row]:
        """What each stage took in a window."""
        for each in self.measured.get("stages", ()):
            yield _row(each, each["stage"], each["by"], each["of"], window)

    def trips(self, window: str = "1m") -> Iterator[Row]:
        """Round trips, by transport."""
        for each in self.measured.get("latency", ()):
            yield _row(each, "latency", "transport", each["transport"], window)

    def of(self, stage: str, window: str = "1m") -> list[Row]:
        """What one stage took: only what happened."""
        return [row for row in self.rows(window) if row.stage == stage and row.count]


def _row(said: Mapping[str, Any], stage: str, by: str, of: str, window: str) -> Row:
    spread = said[window]
    ms = [spread[name] or 0.0 for name in ("mean", "p95", "max")]
    return Row(stage, by, of, spread["count"], *ms)
