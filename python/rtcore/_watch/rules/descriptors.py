"""Descriptors run out: soon nobody can connect."""

from __future__ import annotations

from rtcore._watch.findings import Finding, over, worst
from rtcore._watch.view import View

HIGH, LOW, VERY = 0.8, 0.7, 0.95


def rule(view: View, raised: bool) -> Finding | None:
    """More than 80 % of what the system allows is open; or accepting had to rest."""
    used, limit = view.process.descriptors, view.process.descriptor_limit
    if used is None or not limit or not over(used / limit, HIGH, LOW, raised=raised):
        return None
    return Finding(
        worst(used / limit, VERY),
        f"{used} of {limit} descriptors are open, {100 * used / limit:.0f} %",
        "raise the limit (`ulimit -n`, LimitNOFILE= of systemd), or set `connections` below it",
        {"open": used, "limit": limit},
    )
