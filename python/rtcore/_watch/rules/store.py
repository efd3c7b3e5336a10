"""The store takes nothing, or is slow: what is durable waits for it."""

from __future__ import annotations

from rtcore._watch.findings import Finding, Severity, over, worst
from rtcore._watch.view import View

HIGH, LOW, VERY = 250.0, 150.0, 2_000.0
"""From a publish to the disk, of 95 in a hundred (ms)."""


def rule(view: View, raised: bool) -> Finding | None:
    """It says that it has trouble; or 250 ms are not enough for one in twenty."""
    if view.store is None:
        return None
    if view.store["trouble"]:
        return Finding(
            Severity.CRITICAL,
            f"the store takes nothing: {view.store['trouble']}; durable rooms are refused, others go on",
            "see to the disk; it is tried again by itself, and `rtcore log FOLDER verify` says what is there",
            {"trouble": view.store["trouble"]},
        )
    rows = view.of("commit")
    slow = max(rows, key=lambda row: row.p95, default=None)
    if slow is None or not over(slow.p95, HIGH, LOW, raised=raised):
        return None
    passed = view.rise("passed")
    return Finding(
        Severity.CRITICAL if passed else worst(slow.p95, VERY),
        f"the disk is slow: it takes {slow.mean:.0f} ms on average and {slow.p95:.0f} ms at p95 until what "
        f"is said in {slow.of!r} is on it",
        'what else writes to that disk? A disk of its own, or `durable="normal"`, which waits for no sync',
        {"rooms": slow.of, "mean": slow.mean, "p95": slow.p95, "count": slow.count, "passed": passed},
    )
