"""How a client is doing, in figures and in words."""

from __future__ import annotations

import inspect
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import trio

from rtcore.errors import UsageError

from .machine import Machine
from .reports import KEPT, Seen
from .rules import RULES, Found, Rule, Severity, View
from .states import State

if TYPE_CHECKING:
    from .runner import Runner

log = logging.getLogger("rtcore.client.monitor")
SAMPLE: Final = 10.0
"""Seconds between two samples of the counters, and between two pings while somebody watches."""
MINUTE: Final = 60.0
HOUR: Final = 3600.0
Diagnosis = dict[str, Any]
Report = Callable[[Diagnosis], object] | Callable[[Diagnosis], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took, in seconds: the last, the mean, and the 95th and 99th of a hundred."""

    count: int = 0
    now: float = 0.0
    mean: float = 0.0
    p95: float = 0.0
    p99: float = 0.0

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of these, the last of them last."""
        if not values:
            return cls()
        ordered = sorted(values)

        def at(part: float) -> float:
            return ordered[max(0, math.ceil(part * len(ordered)) - 1)]

        return cls(len(values), values[-1], sum(values) / len(values), at(0.95), at(0.99))


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened in `seconds`. Requests of the program's are `sent`, and end `applied` or `failed`;
    events are
    `received`. `latency` is of round trips, `answers` of requests; `loss` of the last 20 pings.
    """

    seconds: float
    sent: int = 0
    received: int = 0
    applied: int = 0
    failed: int = 0
    maybe_done: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    reconnects: int = 0
    handler_failures: int = 0
    latency: Spread = Spread()
    answers: Spread = Spread()
    loss: float = 0.0


_COUNTED: Final = [field.name for field in fields(Figures) if field.type == "int"]


class Monitor:
    """`client.monitor`. It begins to watch when it is first looked at, and asks for a pong each 10 s then.

    Nothing here waits.
    """

    def __init__(self, machine: Machine, runner: Runner) -> None:
        self._machine, self._runner = machine, runner
        self._rules: dict[str, Rule] = dict(RULES)
        self._raised: dict[str, tuple[int, Found]] = {}
        self._seen = machine.seen = Seen()
        self._answers = machine.sending.answers = deque(maxlen=KEPT)
        self._live_until = machine.clock.now()
        self._samples: dict[float, deque[tuple[float, tuple[int, ...]]]] = {
            SAMPLE: deque(maxlen=int(MINUTE / SAMPLE) + 1),
            MINUTE: deque(maxlen=int(HOUR / MINUTE) + 1),
        }
        self._begun = machine.clock.now()
        self._reporting: trio.CancelScope | None = None
        self._sample()
        runner.start_soon(self._watch)

    # -- figures

    def window(self, seconds: float = MINUTE) -> Figures:
        """The last so many seconds, up to an hour.

        Counts go back to a sample, so up to 10 s further (60 s, in a window of more than a minute).

        Raises:
            UsageError: there is no such window.

        """
        if not 0 < seconds <= HOUR:
            raise UsageError(f"a window has 1 to 3600 seconds, not {seconds:g}")
        now = self._machine.clock.now()
        samples = self._samples[SAMPLE if seconds <= MINUTE else MINUTE]
        # The newest that lies before the window; else the oldest there is.
        before = next((each for each in reversed(samples) if each[0] <= now - seconds), samples[0])
        counts = [a - b for a, b in zip(self._counts(), before[1], strict=True)]
        return self._figures(min(seconds, now - self._begun), now - seconds, counts)

    @property
    def total(self) -> Figures:
        """All since the client began."""
        now = self._machine.clock.now()
        return self._figures(now - self._begun, -math.inf, list(self._counts()))

    def _figures(self, seconds: float, since: float, counts: list[int]) -> Figures:
        pulse = self._machine.pulse
        return Figures(
            seconds,
            **dict(zip(_COUNTED, counts, strict=True)),
            latency=Spread.of([took for at, took in self._seen.trips if at >= since]),
            answers=Spread.of([took for at, took in self._answers if at >= since]),
            loss=pulse.loss if pulse is not None else 0.0,
        )

    def _counts(self) -> tuple[int, ...]:
        machine = self._machine
        counts, (came, went) = machine.sending.box.counts, self._runner.bytes()
        return (
            counts.sent,
            machine.hearing.received,
            counts.applied,
            counts.failed,
            counts.maybe_done,
            came,
            went,
            max(0, machine.who.welcomes - 1),
            self._runner.handler_failures,
        )

    # -- diagnosis

    def rule(self, name: str, rule: Rule | None) -> None:
        """Add a rule of the program's own, or take one away (None)."""
        if rule is None:
            self._rules.pop(name, None)
            self._raised.pop(name, None)
        else:
            self._rules[name] = rule

    def diagnose(self) -> Diagnosis:
        """What is wrong, and what to do about it: `{status, metrics, issues, recommendations}`, plain data.

        `status` is `healthy`, `degraded` or `critical`. An issue has `severity`, `type`, `message`,
        `suggestion`, `since` (ms since 1970) and `evidence`; the worst come first.
        """
        view = self._view()
        for name, rule in self._rules.items():
            self._judge(name, rule, view)
        worst = sorted(self._raised.items(), key=lambda item: item[1][1].severity is not Severity.CRITICAL)
        issues = [
            {
                "severity": found.severity.value,
                "type": name,
                "message": found.message,
                "suggestion": found.suggestion,
                "since": since,
                "evidence": found.evidence,
            }
            for name, (since, found) in worst
        ]
        critical = any(issue["severity"] == Severity.CRITICAL for issue in issues)
        metrics = {
            "state": view.state.value,
            "transport": view.transport,
            "queued": view.queued,
            "unanswered": len(self._machine.sending.box.written),
            "advised": self._advised(),
            "windows": {"60": asdict(view.minute), "3600": asdict(view.hour)},
            "total": asdict(self.total),
        }
        return {
            "status": "critical" if critical else "degraded" if issues else "healthy",
            "metrics": metrics,
            "issues": issues,
            "recommendations": list(dict.fromkeys(issue["suggestion"] for issue in issues)),
        }

    def _advised(self) -> dict[str, Any] | None:
        """What the server advised last, while it holds."""
        advice = self._machine.reports.advice
        left = 0.0 if advice is None else advice.until - self._machine.clock.now()
        if advice is None or left <= 0:
            return None
        return {"why": advice.why, "transport": advice.transport, "hold": round(left, 1)}

    def _judge(self, name: str, rule: Rule, view: View) -> None:
        before = self._raised.get(name)
        try:
            found = rule(view, before is not None)
        except Exception:
            log.exception("the rule %r failed", name)
            return
        if found is None:
            self._raised.pop(name, None)
        else:
            self._raised[name] = (before[0] if before else self._machine.clock.wall(), found)

    def _view(self) -> View:
        machine = self._machine
        box, now, live = machine.sending.box, machine.clock.now(), machine.state is State.LIVE
        if live:
            self._live_until = now
        return View(
            minute=self.window(MINUTE),
            hour=self.window(HOUR),
            state=machine.state,
            away=now - self._live_until,
            error=str(machine.error or machine.last_failure or "") or None,
            transport=machine.transport,
            failed_above=machine.choice.failed_above(machine.transport),
            queued=sum(not each.ours for each in box.queue),
            room_for=box.messages,
            foreign=box.foreign(machine.who.user) if machine.sending.owner[0] else 0,
            holes=tuple(r.name for r in machine.hearing.rooms if any(each.hole for each in r.readers)),
            clock_offset=machine.who.clock_offset,
        )

    # -- time

    def _sample(self) -> None:
        now, counts = self._machine.clock.now(), self._counts()
        for every, samples in self._samples.items():
            if not samples or now - samples[-1][0] >= every:
                samples.append((now, counts))

    async def _watch(self) -> None:
        machine = self._machine
        while machine.state is not State.ENDED:
            if machine.pulse is not None and machine.pulse.asked is None:
                machine.ping()
                self._runner.pump()
            with trio.move_on_after(SAMPLE):
                await trio.sleep_forever()
            self._sample()
            view = self._view()
            for name in list(self._raised):
                self._judge(name, self._rules[name], view)

    def report(self, to: Report | None = None, *, every: float | None = 60.0) -> None:
        """Diagnose each so many seconds, and give it to a function (plain or coroutine), or to the log.

        Called again, it is done so instead; `every=None` ends it. What the function raises is logged.

        Raises:
            UsageError: `every` is not above 0.

        """
        if every is not None and not every > 0:
            raise UsageError(f"a report comes each so many seconds, not each {every:g}")
        if self._reporting is not None:
            self._reporting.cancel()
            self._reporting = None
        if every is not None:
            self._reporting = trio.CancelScope()
            self._runner.start_soon(self._tell, self._reporting, to or _to_log, every)

    async def _tell(self, scope: trio.CancelScope, to: Report, every: float) -> None:
        with scope:
            while self._machine.state is not State.ENDED:
                with trio.move_on_after(every):
                    await trio.sleep_forever()
                try:
                    told = to(self.diagnose())
                    if inspect.isawaitable(told):
                        await told
                except Exception:
                    log.exception("the function that gets the client's reports failed")


def _to_log(diagnosis: Diagnosis) -> None:
    minute = diagnosis["metrics"]["windows"]["60"]
    level = logging.INFO if diagnosis["status"] == "healthy" else logging.WARNING
    log.log(
        level,
        "%s by %s: %d sent, %d received, %d failed in a minute, %.0f ms%s",
        diagnosis["status"],
        diagnosis["metrics"]["transport"],
        minute["sent"],
        minute["received"],
        minute["failed"],
        minute["latency"]["mean"] * 1000,
        "".join(f"; {issue['message']}" for issue in diagnosis["issues"]),
    )
