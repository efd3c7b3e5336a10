"""Presence is too large to be told by name."""

from __future__ import annotations

from rtcore._watch.findings import Finding, Severity, over
from rtcore._watch.view import View


def rule(view: View, raised: bool) -> Finding | None:
    """A room that tells who is in it has more members than are named."""
    most = view.limit("presence_names")
    largest = view.measured.get("largest_room") or {}
    members = largest.get("members", 0)
    if not most or not over(members, most, most * 0.9, raised=raised):
        return None
    return Finding(
        Severity.WARNING,
        f"{members} are in {largest['room']!r}, and above {most} (presence_names) their number alone is told",
        "rooms of so many do better with `presence=False`, or one room for each group of people",
        dict(largest),
    )
