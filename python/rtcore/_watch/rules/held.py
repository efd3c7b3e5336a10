"""Something holds the turn: while it runs without a wait, nobody else is served."""

from __future__ import annotations

from rtcore._watch.findings import Finding, over, worst
from rtcore._watch.view import View


def rule(view: View, raised: bool) -> Finding | None:
    """At least twice a minute, or once for a second."""
    all_ms = sum(held.ms * held.times for held in view.held)
    longest = max((held.ms for held in view.held), default=0.0)
    times = sum(held.times for held in view.held)
    if not over(times, 1, 0, raised=raised) and longest < 1000:
        return None
    slowest = max(view.held, key=lambda held: held.ms)
    return Finding(
        worst(longest, 1000),
        f"{slowest.what} held the turn for {longest:.0f} ms, and nobody else was served meanwhile "
        f"({times} times in a minute)",
        "give what takes long without a wait to a thread: `await trio.to_thread.run_sync(function, ...)`",
        {
            "by": [{"what": each.what, "times": each.times, "ms": round(each.ms, 1)} for each in view.held],
            "ms": round(all_ms, 1),
        },
    )
