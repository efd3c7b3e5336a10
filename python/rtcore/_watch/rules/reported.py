"""What clients say that they measured: they lose their connections, or much of what they send."""

from __future__ import annotations

from rtcore._watch.findings import Finding, Severity, over
from rtcore._watch.view import View

ENOUGH = 5
"""Reports in an hour; fewer say little."""
HIGH, LOW = 1.0, 0.5
"""Times that a client came back between two reports."""
LOSS, LESS = 0.05, 0.02


def rule(view: View, raised: bool) -> Finding | None:
    """By some transport they come back between two reports, or lose 5 of a hundred pings."""
    bad = []
    for row in view.measured.get("reports", ()):
        count = row["reports"]["1h"]
        if count < ENOUGH:
            continue
        back, loss = row["reconnects"]["1h"] / count, row["loss"]["1h"] / count / 1000
        if over(back, HIGH, LOW, raised=raised) or over(loss, LOSS, LESS, raised=raised):
            bad.append({"transport": row["transport"], "reports": count, "reconnects": back, "loss": loss})
    if not bad:
        return None
    first = max(bad, key=lambda each: each["reconnects"] + each["loss"])
    whys = list(view.measured.get("whys", ()))[:5]
    return Finding(
        Severity.WARNING,
        f"clients by {first['transport']} say that they come back {first['reconnects']:.1f} times between "
        f"two reports, and that {100 * first['loss']:.0f} % of their pings are lost "
        f"({first['reports']} reports)",
        "something between cuts or delays them: `rtcore doctor URL --idle 120` at such a client says what",
        {"transports": bad, "whys": whys},
    )
