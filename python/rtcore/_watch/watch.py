"""The watch of a server: it looks now and then, judges by rules, and remembers since when.

It costs a look each `EVERY` seconds. Nothing here waits, but for `run`.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NamedTuple, Protocol

import orjson
import trio

from rtcore._ground.numbers import FIXED

from .acts import Acts
from .findings import Finding, Severity
from .process import Process, look
from .rules import FOLLOWS, RULES, Rule
from .trails import Trails
from .view import Held, View

log = logging.getLogger("rtcore.watch")

EVERY: Final = 5.0
"""Seconds between two looks."""
MINUTE: Final = 60.0
JUMP: Final = 1.0
"""Seconds by which the wall's clock was set, and did not only run a little fast or slow."""
LINES: Final = FIXED["WATCH_LINES"]
"""Beginnings and ends of issues that are remembered."""
RULES_MOST: Final = FIXED["KINDS"]


class Core(Protocol):
    """What is looked at."""

    def measured(self) -> str:
        """What was measured, as JSON."""
        ...

    def store_health(self) -> dict[str, Any] | None:
        """How the store does."""
        ...


@dataclass(frozen=True, slots=True)
class Sample:
    """The process and the clocks at a moment."""

    at: float
    wall: float
    process: Process


class Raised(NamedTuple):
    """An issue that there is. It began `at` by the clock that never jumps, and at `wall` by the other."""

    at: float
    wall: float
    found: Finding

    def since(self, at: float, wall: float) -> int:
        """When it began (ms since 1970), as the wall's clock has it now, if that was set meanwhile."""
        ago = wall - (at - self.at)
        return int(1000 * (ago if abs(ago - self.wall) > JUMP else self.wall))


class Watch:
    """What is wrong with a server, and since when."""

    def __init__(
        self,
        core: Core,
        limits: Mapping[str, int],
        *,
        data: str | None = None,
        version: str = "",
        trails: Any = None,
        acts: Acts | None = None,
        streams: Callable[[], dict[str, Any]] = lambda: {"found": 0, "streams": []},
        rules: Mapping[str, Rule] = RULES,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._core, self._limits, self._data, self._version = core, limits, data, version
        self._rules = dict(rules)
        self._clock, self._wall = clock, wall
        self._began = clock()
        self.trails: Trails = trails
        self._acts = acts
        self.streams = streams
        """Those that are open."""
        self._raised: dict[str, Raised] = {}
        self._lines: deque[dict[str, Any]] = deque(maxlen=LINES)
        self._samples: deque[Sample] = deque(maxlen=int(MINUTE / EVERY) + 1)
        self._held: deque[tuple[float, str, float]] = deque(maxlen=LINES)
        self._failed: set[str] = set()
        self._sample()

    # -- what it hears

    def held(self, what: str, ms: float) -> None:
        """Something ran for so long without a wait."""
        self._held.append((self._clock(), what, ms))

    def rule(self, name: str, rule: Rule | None) -> None:
        """Add a rule of the application's, or take one away (None)."""
        if rule is None:
            self._rules.pop(name, None)
            self._raised.pop(name, None)
        else:
            self._rules[name] = rule

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            await trio.sleep(EVERY)
            self._sample()
            self.judge()
            await self.act()

    async def act(self) -> None:
        """Do what the issues want that there are."""
        if self._acts is not None:
            raised = {name: each.found for name, each in self._raised.items()}
            self._acts.follow(raised)
            await self._acts.tell(raised)

    # -- what it says

    def stats(self) -> dict[str, Any]:
        """What was measured: the core's figures, the process, the store. Durations in milliseconds."""
        return self._stats(self._view())

    def figures(self) -> dict[str, Any]:
        """`stats` and `diagnosis`, as of one look."""
        view = self.judge()
        return {"stats": self._stats(view), "diagnosis": self._diagnosis(view)}

    def _stats(self, view: View) -> dict[str, Any]:
        process = view.process
        return {
            "version": self._version,
            "time": round(self._wall(), 3),
            "uptime": round(self._clock() - self._began, 3),
            **view.measured,
            "process": {name: getattr(process, name) for name in Process.__slots__},
            "store": None if view.store is None else dict(view.store),
            "status": self.status,
            "acts": {} if self._acts is None else self._acts.done,
        }

    def diagnose(self) -> dict[str, Any]:
        """What is wrong and what to try: `{status, issues, metrics, recommendations, timeline, acts}`.

        `status` is `healthy`, `degraded` or `critical`. An issue has `severity`, `type`, `message`,
        `suggestion`, `since` (ms since 1970) and `evidence`; the worst come first, and of those that are as
        bad what may be the cause of others. `acts`: what the server does about it by itself, by name, and for
        which issue.
        """
        return self._diagnosis(self.judge())

    def _diagnosis(self, view: View) -> dict[str, Any]:
        issues = [self._told(name) for name in self._in_order()]
        return {
            "status": self.status,
            "issues": issues,
            "metrics": {
                "sizes": view.measured.get("sizes", {}),
                "links": view.measured.get("links", {}),
                "stages": {
                    f"{row.stage} {row.of}": {"count": row.count, "mean": row.mean, "p95": row.p95}
                    for row in view.rows()
                    if row.count
                },
            },
            "recommendations": list(dict.fromkeys(issue["suggestion"] for issue in issues)),
            "timeline": list(self._lines),
            "acts": {} if self._acts is None else self._acts.done,
        }

    @property
    def status(self) -> str:
        """In a word, as of the last look."""
        if any(each.found.severity is Severity.CRITICAL for each in self._raised.values()):
            return "critical"
        return "degraded" if self._raised else "healthy"

    # -- judging

    def judge(self) -> View:
        """Look, and let each rule say what it finds."""
        view = self._view()
        for name, rule in self._rules.items():
            before = self._raised.get(name)
            try:
                found = rule(view, before is not None)
            except Exception:
                if name not in self._failed:  # once: it will do so each time
                    self._failed.add(name)
                    log.exception("the rule %r failed, and says nothing", name)
                continue
            self._is_now(name, before, found)
        return view

    def _is_now(self, name: str, before: Raised | None, found: Finding | None) -> None:
        at, wall = self._clock(), self._wall()
        now = int(wall * 1000)
        if found is not None:
            self._raised[name] = before._replace(found=found) if before else Raised(at, wall, found)
            if before is None:
                self._lines.append({"time": now, "type": name, "begins": True, "message": found.message})
                log.warning("%s: %s; %s", name, found.message, found.suggestion)
        elif before is not None:
            del self._raised[name]
            self._lines.append({"time": now, "type": name, "begins": False, "message": before.found.message})
            log.info("%s: it is over, after %.0f s", name, at - before.at)

    def _in_order(self) -> Iterator[str]:
        rank = {name: place for place, name in enumerate(self._rules)}
        severe = {name for name, each in self._raised.items() if each.found.severity is Severity.CRITICAL}
        # What a critical issue follows from is as pressing as that.
        pressing = severe | {cause for name in severe for cause in FOLLOWS.get(name, ())}
        causes = {
            name: sum(cause in self._raised for cause in FOLLOWS.get(name, ())) for name in self._raised
        }
        yield from sorted(self._raised, key=lambda name: (name not in pressing, causes[name] > 0, rank[name]))

    def _told(self, name: str) -> dict[str, Any]:
        found = self._raised[name].found
        return {
            "severity": found.severity.value,
            "type": name,
            "message": found.message,
            "suggestion": found.suggestion,
            "since": self._raised[name].since(self._clock(), self._wall()),
            "evidence": found.evidence,
        }

    # -- looking

    def _sample(self) -> None:
        self._samples.append(Sample(self._clock(), self._wall(), look(self._data)))

    def _view(self) -> View:
        return View(
            measured=orjson.loads(self._core.measured()),
            process=look(self._data),
            before=self._samples[0].process,
            limits=self._limits,
            store=self._core.store_health(),
            held=tuple(self._held_lately()),
            jump=self._jump(),
            version=self._version,
        )

    def _held_lately(self) -> Iterator[Held]:
        after = self._clock() - MINUTE
        by: dict[str, list[float]] = {}
        for at, what, ms in self._held:
            if at >= after:
                by.setdefault(what, []).append(ms)
        for what, all_ms in by.items():
            yield Held(what, len(all_ms), max(all_ms))

    def _jump(self) -> float:
        """By how much the wall went another way than time: the most between two looks of a minute."""
        now = Sample(self._clock(), self._wall(), Process())
        samples = [*self._samples, now]
        jumps = [(b.wall - a.wall) - (b.at - a.at) for a, b in pairwise(samples)]
        return max(jumps, key=abs, default=0.0)
