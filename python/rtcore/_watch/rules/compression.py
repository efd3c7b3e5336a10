"""Compression does not pay."""

from __future__ import annotations

from rtcore._watch.findings import Finding, Severity, over
from rtcore._watch.view import View

ENOUGH = 10 * 2**20
"""Of so few bytes in an hour nothing is said."""


def rule(view: View, raised: bool) -> Finding | None:
    """What is compressed becomes hardly smaller."""
    came, left = view.rise("compressed_from", "1h"), view.rise("compressed_to", "1h")
    if came < ENOUGH or not over(left / came, 0.9, 0.85, raised=raised):
        return None
    return Finding(
        Severity.WARNING,
        f"compressed messages are {100 * left / came:.0f} % of what they were ({came / 2**20:.0f} MiB in an "
        "hour): it costs a processor and saves nothing",
        "data that is compressed or encrypted already cannot be compressed again: set compress_from higher",
        {"came": came, "left": left},
    )
