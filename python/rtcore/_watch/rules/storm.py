"""Many come back at once."""

from __future__ import annotations

from rtcore._watch.findings import Finding, Severity, over
from rtcore._watch.view import View

FEW = 50
"""So many in ten seconds are no storm, whoever they are."""


def rule(view: View, raised: bool) -> Finding | None:
    """More than a fifth of all sessions came back in ten seconds."""
    came = view.rise("resumed", "10s")
    all_of_them = max(1, view.size("sessions"))
    part = came / all_of_them
    if not over(came, FEW, FEW / 2, raised=raised) or not over(part, 0.2, 0.1, raised=raised):
        return None
    return Finding(
        Severity.WARNING,
        f"{came} of {all_of_them} sessions came back in 10 s: something cut their connections",
        "look at the proxy in front (a reload, an idle time-out), and at the network; clients spread their "
        "returns, and it passes by itself",
        {"resumed": came, "sessions": all_of_them, "opened": view.rise("connections", "10s")},
    )
