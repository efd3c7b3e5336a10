"""What `bench/shared.py` measures: collections in memory and on disk, and a room to compare them with."""

from __future__ import annotations

from typing import Any

import rtcore

app = rtcore.App()
app.collection("plain:*", Any, tombstones=100_000)
app.collection("kept:*", Any, durable=True)
app.rooms("tea", relay=True)
TEXT = "x" * 170


@app.on("fill")
def fill(session: rtcore.Session, wanted: dict[str, Any]) -> int:
    """Make documents of 200 bytes, as JSON."""
    notes = app.collection(wanted["name"])
    for n in range(wanted["from"], wanted["to"]):
        notes.put(f"n{n:07}", {"title": TEXT, "n": n})
    return int(wanted["to"])
