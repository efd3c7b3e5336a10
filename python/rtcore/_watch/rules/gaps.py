"""Listeners miss something: a ring had let go of it before they came to it."""

from __future__ import annotations

from rtcore._watch.findings import Finding, over, worst
from rtcore._watch.view import View


def rule(view: View, raised: bool) -> Finding | None:
    """A gap was told in the last minute."""
    gaps, shed = view.rise("gaps"), view.rise("shed")
    if not over(gaps, 2, 0, raised=raised):
        return None
    rooms = list(view.measured.get("slowest_rooms", ()))[:5]
    where = f"; listeners of {rooms[0]['room']!r} fall behind most" if rooms else ""
    return Finding(
        worst(gaps, 1_000),
        f"{gaps} gaps were told in a minute: what listeners had yet to hear was gone{where}",
        "give ring_memory more: all rings together are over it"
        if shed
        else "give the room a longer history, make it durable, or let it say less",
        {"gaps": gaps, "shed": shed, "rooms": rooms},
    )
