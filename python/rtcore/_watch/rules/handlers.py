"""Handlers are slow, by name."""

from __future__ import annotations

from rtcore._watch.findings import Finding, over, worst
from rtcore._watch.view import View

HIGH, LOW, VERY = 500.0, 400.0, 5_000.0
"""Of 95 in a hundred (ms)."""
ENOUGH = 5
"""Requests in a minute; fewer say little."""


def rule(view: View, raised: bool) -> Finding | None:
    """A handler takes more than 500 ms for one in twenty requests."""
    rows = [row for row in view.of("handler") if row.count >= ENOUGH]
    slow = sorted(
        (row for row in rows if over(row.p95, HIGH, LOW, raised=raised)),
        key=lambda row: row.p95,
        reverse=True,
    )
    if not slow:
        return None
    first = slow[0]
    examples = {each["event"]: each for each in view.measured.get("slowest_handlers", ())}
    return Finding(
        worst(first.p95, VERY),
        f"the handler of {first.of!r} takes {first.mean:.0f} ms on average and {first.p95:.0f} ms at p95 "
        f"({first.count} requests in a minute; {HIGH:.0f} ms is much)",
        "look at what it waits for; requests of one session run one after the other, unless the event is "
        "registered with `concurrency`",
        {
            "handlers": [
                {"event": row.of, "mean": row.mean, "p95": row.p95, "count": row.count} for row in slow
            ],
            "example": examples.get(first.of),
        },
    )
