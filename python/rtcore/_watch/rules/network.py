"""The way to the clients is long: pings take long to come back."""

from __future__ import annotations

from rtcore._watch.findings import Finding, over, worst
from rtcore._watch.view import View

HIGH, LOW, VERY = 500.0, 400.0, 2_000.0
"""The mean round trip (ms)."""
ENOUGH = 3


def rule(view: View, raised: bool) -> Finding | None:
    """A round trip takes more than 500 ms on average."""
    rows = [row for row in view.trips() if row.count >= ENOUGH]
    slow = max(rows, key=lambda row: row.mean, default=None)
    if slow is None or not over(slow.mean, HIGH, LOW, raised=raised):
        return None
    return Finding(
        worst(slow.mean, VERY),
        f"a round trip by {slow.of} takes {slow.mean:.0f} ms on average and {slow.p95:.0f} ms at p95 "
        f"({slow.count} pings in a minute)",
        "the network is slow, or the clients are busy: `rtcore doctor URL` at a client says which",
        {"transport": slow.of, "mean": slow.mean, "p95": slow.p95, "count": slow.count},
    )
