"""The application that is attacked."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import trio

import rtcore

app = rtcore.App()
app.rooms("pair", relay=True)
app.rooms("crowd", relay=True)
app.rooms("loop:*", relay=True)
app.rooms("many:*", relay=True, age=15.0)  # what is said is gone with those who heard it

COUNTS: Counter[str] = Counter()


@app.on("echo")
def echo(session: rtcore.Session, data: Any) -> Any:
    """Return what came."""
    return data


@app.on("count")
def count(session: rtcore.Session, name: str) -> int:
    """Count how often this was done."""
    COUNTS[name] += 1
    return COUNTS[name]


@app.on("counted")
def counted(session: rtcore.Session, name: str) -> int:
    """Tell the count."""
    return COUNTS[name]


@app.on("never")
async def never(session: rtcore.Session) -> None:
    """Never return, and say so when it is made to."""
    COUNTS["never begun"] += 1
    try:
        await trio.sleep_forever()
    finally:
        COUNTS["never ended"] += 1


@app.on("raise")
def fail(session: rtcore.Session) -> None:
    """Raise each time, as a plain function."""
    raise ValueError("on purpose, each time")


@app.on("raise-async")
async def fail_async(session: rtcore.Session) -> None:
    """Raise each time, as a coroutine."""
    raise ValueError("on purpose, each time")


@app.stream("endless")
async def endless(session: rtcore.Session) -> AsyncIterator[str]:
    """Never end."""
    while True:
        yield "x" * 1000


@app.stream("never-items")
async def never_items(session: rtcore.Session) -> AsyncIterator[str]:
    """Never say anything."""
    await trio.sleep_forever()
    yield ""
