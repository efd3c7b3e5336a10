"""The disk of what is durable is nearly full."""

from __future__ import annotations

from rtcore._watch.findings import Finding, over, worst
from rtcore._watch.view import View

HIGH, LOW, VERY = 0.9, 0.85, 0.97
PLENTY = 20 * 2**30
"""Free bytes that are enough, whatever part of the disk they are."""


def rule(view: View, raised: bool) -> Finding | None:
    """More than 90 % of it is used."""
    free, size = view.process.disk_free, view.process.disk_size
    if free is None or not size or free > PLENTY or not over(1 - free / size, HIGH, LOW, raised=raised):
        return None
    used = 1 - free / size
    return Finding(
        worst(used, VERY),
        f"the disk of the store is {100 * used:.0f} % full: {free / 2**30:.1f} GiB are free",
        "shorter histories of durable rooms free what is old; when it is full durable rooms are refused",
        {"free": free, "size": size},
    )
