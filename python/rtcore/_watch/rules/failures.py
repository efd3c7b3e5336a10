"""Requests fail."""

from __future__ import annotations

from rtcore._watch.findings import Finding, over, worst
from rtcore._watch.view import View

HIGH, LOW, VERY = 0.05, 0.03, 0.25
"""What part of the requests."""
ENOUGH = 5
"""So many that failed in a minute; fewer say little."""


def rule(view: View, raised: bool) -> Finding | None:
    """More than 5 of a hundred requests of the last minute failed."""
    rows = [
        (each["event"], each["answered"]["1m"], each["failed"]["1m"])
        for each in view.measured.get("events", ())
    ]
    answered, failed = sum(row[1] for row in rows), sum(row[2] for row in rows)
    part = failed / answered if answered else 0.0
    if failed < ENOUGH or not over(part, HIGH, LOW, raised=raised):
        return None
    by = sorted((row for row in rows if row[2]), key=lambda row: row[2], reverse=True)
    return Finding(
        worst(part, VERY),
        f"{failed} of {answered} requests in a minute failed, {100 * part:.0f} % ({100 * HIGH:.0f} % is "
        f"much), most of them {by[0][0]!r}",
        "the log has what the handlers raised; what they refuse on purpose counts too",
        {
            "answered": answered,
            "failed": failed,
            "events": [{"event": name, "failed": n} for name, _, n in by],
        },
    )
