"""Idempotency keys are refused."""

from __future__ import annotations

from rtcore._watch.findings import Finding, Severity, over
from rtcore._watch.view import View


def rule(view: View, raised: bool) -> Finding | None:
    """In the last minute keys came again with other content; or there is no place for more."""
    conflicts = view.rise("KEY_CONFLICT", group="faults_by_code")
    used, budget = view.size("key_bytes"), view.limit("key_memory")
    full = bool(budget) and over(used / budget, 0.98, 0.9, raised=raised)
    if not full and not over(conflicts, 4, 0, raised=raised):
        return None
    return Finding(
        Severity.WARNING,
        f"{conflicts} requests in a minute used an idempotency key again for something else"
        if not full
        else f"all {budget:,} bytes of key_memory are used: new idempotency keys are refused",
        "a key is for one act: a new act needs a new one, as `crypto.randomUUID()` gives it"
        if not full
        else "keep keys for less long (key_ms), give them more memory (key_memory), or send them only where "
        "a request must not be done twice",
        {"conflicts": conflicts, "keys": view.size("keys"), "bytes": used, "limit": budget},
    )
