"""The wall's clock jumped."""

from __future__ import annotations

from rtcore._watch.findings import Finding, over, worst
from rtcore._watch.view import View


def rule(view: View, raised: bool) -> Finding | None:
    """By more than a second in the last minute: tokens end earlier or later, and times of events jump."""
    if not over(abs(view.jump), 1.0, 0.5, raised=raised):
        return None
    way = "forward" if view.jump > 0 else "back"
    return Finding(
        worst(abs(view.jump), 60),
        f"the clock of the machine jumped {way} by {abs(view.jump):.1f} s",
        "see to its time service (chrony, systemd-timesyncd), which should slew; new tokens may seem too old "
        "or too young, and the times of events jump; deadlines do not",
        {"seconds": round(view.jump, 3)},
    )
