"""It takes long until a request is answered, and which stage takes most of it."""

from __future__ import annotations

from rtcore._watch.findings import Finding, over, worst
from rtcore._watch.view import Row, View

HIGH, LOW, VERY = 500.0, 400.0, 2_000.0
"""The mean (ms)."""
MUCH, LESS = 1_000.0, 800.0
"""Of 95 in a hundred, in one stage, of one event, class of rooms or transport (ms)."""
ENOUGH = 5
_ADVICE = {
    "read": "more comes in a turn than is read quickly: look at `rates`, and at what holds the turn",
    "wait": "requests wait for their turn: a session's run one after the other (`concurrency`), and whatever "
    "holds the turn holds all",
    "handler": "look at what the handlers wait for",
    "commit": "the disk is slow: see `rtcore doctor`, and how durable the rooms have to be",
    "fan-out": "handlers run between a publish and its listeners: they hold the turn",
    "write": "peers do not read what they are owed: rooms with much traffic may want the policy `latest`",
}


def rule(view: View, raised: bool) -> Finding | None:
    """All stages of a request together take more than 500 ms on average; or one of them, of one event, class
    of rooms or transport, takes over 1 s for one in twenty. Handlers have a rule of their own.
    """
    stages: dict[str, Row] = {}
    for stage in _ADVICE:
        rows = [row for row in view.of(stage) if row.count >= ENOUGH]
        if rows:
            count = sum(row.count for row in rows)
            mean = sum(row.mean * row.count for row in rows) / count
            slowest = max(rows, key=lambda row: row.mean * row.count)
            most = max(row.p95 for row in rows), max(row.most for row in rows)
            stages[stage] = Row(stage, slowest.by, slowest.of, count, mean, *most)
    mean = sum(row.mean for row in stages.values())
    if not over(mean, HIGH, LOW, raised=raised):
        return _one(view, raised)
    first = max(stages.values(), key=lambda row: row.mean)
    return Finding(
        worst(mean, VERY),
        f"a message takes {mean:.0f} ms on average, {first.mean:.0f} ms of it in {first.stage} "
        f"(p95 {first.p95:.0f} ms, mostly {first.by} {first.of}; {HIGH:.0f} ms is much)",
        _ADVICE[first.stage],
        {
            "stages": {
                row.stage: {"mean": row.mean, "p95": row.p95, "count": row.count} for row in stages.values()
            }
        },
    )


def _one(view: View, raised: bool) -> Finding | None:
    """What is slow for some, and is lost in the mean of all that is quick."""
    rows = [row for row in view.rows() if row.stage in _ADVICE and row.count >= ENOUGH]
    slow = max((row for row in rows if row.stage != "handler"), key=lambda row: row.p95, default=None)
    if slow is None or not over(slow.p95, MUCH, LESS, raised=raised):
        return None
    return Finding(
        worst(slow.p95, VERY),
        f"one in twenty of {slow.of!r} takes {slow.p95:.0f} ms in {slow.stage} ({slow.mean:.0f} ms on "
        f"average, {slow.count} in a minute; {MUCH:.0f} ms is much)",
        _ADVICE[slow.stage],
        {"stages": {slow.stage: {"of": slow.of, "mean": slow.mean, "p95": slow.p95, "count": slow.count}}},
    )
