"""Memory is nearly used up: of the process, or a budget of the settings."""

from __future__ import annotations

from rtcore._watch.findings import Finding, over, worst
from rtcore._watch.view import View

MACHINE = "the memory of the machine or container"
HIGH, LOW, VERY = 0.85, 0.75, 0.95
_BUDGETS = (("ring_bytes", "ring_memory"), ("key_bytes", "key_memory"))


def rule(view: View, raised: bool) -> Finding | None:
    """More than 85 % of a budget is used."""
    used = [(limit, view.size(size), view.limit(limit)) for size, limit in _BUDGETS]
    if view.process.resident is not None and view.process.memory is not None:
        used.append((MACHINE, view.process.resident, view.process.memory))
    full = [
        (name, size, most)
        for name, size, most in used
        if most and over(size / most, HIGH, LOW, raised=raised)
    ]
    if not full:
        return None
    name, size, most = max(full, key=lambda each: each[1] / each[2])
    return Finding(
        worst(size / most, VERY),
        f"{_mib(size)} of {_mib(most)} are used of {name}, {100 * size / most:.0f} %",
        "shorter histories or fewer rooms need less; or give it more. When ring_memory is used up the oldest "
        "entries of all go first, and who had yet to hear them is told a gap",
        {"budgets": [{"of": name, "used": size, "limit": most} for name, size, most in full]},
    )


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"
