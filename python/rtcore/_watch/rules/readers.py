"""Listeners do not read what they are owed, by room."""

from __future__ import annotations

from rtcore._watch.findings import Finding, over, worst
from rtcore._watch.view import View


def rule(view: View, raised: bool) -> Finding | None:
    """At least three times in a minute a listener fell behind."""
    times = view.rise("lagged")
    if not over(times, 2, 0, raised=raised):
        return None
    rooms = list(view.measured.get("slowest_rooms", ()))[:5]
    sessions = list(view.measured.get("slowest_sessions", ()))[:5]
    name = f" most in {rooms[0]['room']!r}" if rooms else ""
    who = f", for one of them {sessions[0]['blocked']:.0f} ms" if sessions and sessions[0]["blocked"] else ""
    return Finding(
        worst(times, 1_000),
        f"{times} times in a minute a listener did not read what it was owed and fell behind"
        f"{',' if name else ''}{name}{who}",
        "their network is slow, or much is said in that room: the policy `latest` with a `key` sends the "
        "newest alone, and a longer history bridges longer waits",
        {"times": times, "rooms": rooms, "sessions": sessions},
    )
