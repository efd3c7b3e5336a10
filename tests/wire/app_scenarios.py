"""The same application, with what only scenarios (`vectors/scenarios/`) ask for."""

from __future__ import annotations

import app as plain
from app import COUNTS, GATES, LOGS

import rtcore

app = plain.app
app.rooms("turns:*", relay=True)


@app.authorize("turns:*")
async def turns(session: rtcore.Session, join: rtcore.Join) -> object:
    """Wait at a gate of its own for each question."""
    LOGS[join.room].append("asked")
    await GATES[f"{join.room}.{len(LOGS[join.room])}"].wait()
    return True


@app.on("log-length")
def log_length(session: rtcore.Session, name: str) -> int:
    """Tell how much is in a log."""
    return len(LOGS[name])


@app.on("fail-first")
def fail_first(session: rtcore.Session, name: str) -> int:
    """Be busy once, then count on."""
    COUNTS[name] += 1
    if COUNTS[name] == 1:
        raise rtcore.Refuse("BUSY", "come back in a moment", retry=True, after=1.5)
    return COUNTS[name]


@app.on("repeat")
def repeat(session: rtcore.Session, times: int) -> str:
    """Answer at more length than one is asked."""
    return "x" * times
