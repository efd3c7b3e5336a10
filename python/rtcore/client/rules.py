"""What can be wrong with a connection, and what to do about it: one small function for each.

A rule looks at what was measured and gives an issue, or None. `raised`: whether it said so the last time;
then a lower threshold holds, so that it does not come and go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from .states import State

if TYPE_CHECKING:
    from .monitor import Figures


class Severity(StrEnum):
    """How bad it is."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found: `severity`, a sentence, what to do, and the figures that it goes by."""

    severity: Severity
    message: str
    suggestion: str
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """What rules look at: the last minute, the last hour, and how things are now."""

    minute: Figures
    hour: Figures
    state: State
    away: float
    """Seconds since the client was live; 0: it is."""
    error: str | None
    transport: str
    failed_above: tuple[str, ...]
    queued: int
    room_for: int
    foreign: int
    holes: tuple[str, ...]
    clock_offset: float | None


Rule = Callable[[View, bool], Found | None]
W, C = Severity.WARNING, Severity.CRITICAL


def _when(high: float, low: float, *, raised: bool) -> float:
    return low if raised else high


def away(view: View, raised: bool) -> Found | None:
    """The client is not live."""
    if view.away < _when(10, 0.001, raised=raised):
        return None
    return Found(
        C if view.away >= 60 else W,
        f"not connected for {view.away:.0f} s: {view.error or 'no answer'}",
        "see what `rtcore doctor URL` finds; what is said meanwhile waits in the outbox",
        {"away": round(view.away, 1), "state": view.state.value, "error": view.error},
    )


def latency(view: View, raised: bool) -> Found | None:
    """A round trip takes long."""
    trip = view.minute.latency
    if trip.count < 3 or trip.mean <= _when(0.5, 0.4, raised=raised):
        return None
    return Found(
        C if trip.mean > 2 else W,
        f"a round trip takes {trip.mean * 1000:.0f} ms on average, {trip.p95 * 1000:.0f} ms at p95",
        "the way or the server is slow: compare with `ping`, and with what the server's own diagnosis says",
        {"mean": trip.mean, "p95": trip.p95, "count": trip.count},
    )


def answers(view: View, raised: bool) -> Found | None:
    """Answers come late although the way is short."""
    answer, trip = view.minute.answers, view.minute.latency
    slow = _when(2, 1.5, raised=raised)
    if answer.count < 5 or answer.p95 <= slow or (trip.count and trip.mean > answer.mean / 2):
        return None
    return Found(
        W,
        f"answers take {answer.p95:.1f} s at p95, and the way alone {trip.mean * 1000:.0f} ms",
        "the application's handlers are slow, or one session asks for much at once: they run one at a time",
        {"p95": answer.p95, "mean": answer.mean, "count": answer.count, "latency": trip.mean},
    )


def failures(view: View, raised: bool) -> Found | None:
    """Requests fail."""
    ended = view.minute.applied + view.minute.failed
    part = view.minute.failed / ended if ended else 0.0
    if view.minute.failed < 2 or part <= _when(0.05, 0.03, raised=raised):
        return None
    return Found(
        C if part > 0.25 else W,
        f"{view.minute.failed} of {ended} requests failed in the last minute",
        "look at the codes of the errors that were raised; `maybe_done` says which may have been done",
        {"failed": view.minute.failed, "ended": ended, "maybe_done": view.minute.maybe_done},
    )


def reconnects(view: View, raised: bool) -> Found | None:
    """It comes back again and again."""
    minute, hour = view.minute.reconnects, view.hour.reconnects
    if minute < 3 and hour < _when(6, 4, raised=raised):
        return None
    return Found(
        C if minute >= 3 else W,
        f"the connection was lost {hour} times in the last hour, {minute} of them in the last minute",
        "something on the way cuts it: `rtcore doctor --idle 120 URL` finds out whether it cuts what is idle",
        {"minute": minute, "hour": hour, "error": view.error},
    )


def loss(view: View, raised: bool) -> Found | None:
    """Pings have no answer."""
    if view.minute.loss <= _when(0.05, 0.01, raised=raised):
        return None
    return Found(
        W,
        f"{view.minute.loss:.0%} of the last pings had no answer in time",
        "the network stalls: messages wait behind what is lost",
        {"loss": view.minute.loss},
    )


def transport(view: View, raised: bool) -> Found | None:
    """A worse transport than wanted is in use."""
    del raised
    if not view.failed_above or view.state is not State.LIVE:
        return None
    return Found(
        W,
        f"connected by {view.transport}, because {' and '.join(view.failed_above)} failed",
        "a proxy on the way may not pass `Upgrade`, or gathers streams: `rtcore doctor URL` tells which",
        {"transport": view.transport, "failed": list(view.failed_above)},
    )


def queue(view: View, raised: bool) -> Found | None:
    """The outbox is nearly full."""
    if not view.room_for or view.queued < _when(0.8, 0.6, raised=raised) * view.room_for:
        return None
    return Found(
        C if view.queued >= view.room_for else W,
        f"{view.queued} messages wait to be sent, and there is room for {view.room_for}",
        "say less, give the outbox more room, or choose what may be dropped with overflow=",
        {"queued": view.queued, "room": view.room_for},
    )


def foreign(view: View, raised: bool) -> Found | None:
    """Messages of another user wait."""
    del raised
    if not view.foreign:
        return None
    return Found(
        W,
        f"{view.foreign} messages wait for another user than the one who is connected",
        "they go out when that user is connected again, and under no other",
        {"foreign": view.foreign},
    )


def slow_consumer(view: View, raised: bool) -> Found | None:
    """A loop over a room does not keep up."""
    del raised
    if not view.holes:
        return None
    rooms = ", ".join(repr(name) for name in view.holes[:5])
    return Found(
        W,
        f"more is said than is taken in {rooms}: it is had from the history, or is a gap",
        "do less in the loop, or hand its items to other tasks",
        {"rooms": list(view.holes[:20])},
    )


def clock(view: View, raised: bool) -> Found | None:
    """The clocks differ."""
    offset = view.clock_offset
    if offset is None or abs(offset) < _when(30, 20, raised=raised):
        return None
    return Found(
        W,
        f"this machine's clock is {abs(offset):.0f} s {'behind' if offset > 0 else 'ahead of'} the server's",
        "set the clock (NTP): tokens and times of events are judged by it",
        {"offset": round(offset, 1)},
    )


def handlers(view: View, raised: bool) -> Found | None:
    """Functions of the program raise."""
    del raised
    if not view.minute.handler_failures:
        return None
    return Found(
        W,
        f"handlers of this program raised {view.minute.handler_failures} times in the last minute",
        "each is in the log of `rtcore.client`, with its traceback",
        {"count": view.minute.handler_failures},
    )


RULES: Final[dict[str, Rule]] = {
    "away": away,
    "reconnects": reconnects,
    "failures": failures,
    "queue_full": queue,
    "latency": latency,
    "slow_answers": answers,
    "loss": loss,
    "slow_consumer": slow_consumer,
    "worse_transport": transport,
    "foreign_messages": foreign,
    "handler_failures": handlers,
    "clock_skew": clock,
}
