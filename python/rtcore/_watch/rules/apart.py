"""Clocks of clients differ from the server's."""

from __future__ import annotations

from rtcore._watch.findings import Finding, Severity, over
from rtcore._watch.view import View

ENOUGH = 10
"""Pings that told a clock in an hour; fewer say little."""
HIGH, LOW, MOST = 0.1, 0.05, 0.5
"""What part of them."""


def rule(view: View, raised: bool) -> Finding | None:
    """In the last hour a tenth of the pings told a clock that is 30 s off; where most did, it is ours."""
    clocks = view.measured.get("clocks", {})
    told, ahead, behind = (clocks.get(name, {}).get("1h", 0) for name in ("told", "ahead", "behind"))
    part = (ahead + behind) / told if told else 0.0
    if told < ENOUGH or not over(part, HIGH, LOW, raised=raised):
        return None
    ours = max(ahead, behind) / told > MOST
    way = "behind" if ahead > behind else "ahead of"
    return Finding(
        Severity.CRITICAL if ours else Severity.WARNING,
        f"this server's clock is more than 30 s {way} that of {100 * max(ahead, behind) / told:.0f} % of the "
        f"clients ({told} pings in an hour)"
        if ours
        else f"the clocks of {100 * part:.0f} % of the clients are over 30 s off ({told} pings in an hour)",
        "set this machine's clock (NTP): tokens end early or late, and times of events are wrong"
        if ours
        else "to them tokens end early or late: let them go by `welcome.time`, and not by their own clocks",
        {"told": told, "ahead": ahead, "behind": behind},
    )
