"""The application that is measured: `rtcore serve bench.app:app --port N`.

It does as little as an application can, so that what is measured is rtcore.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec

import rtcore

app = rtcore.App()

# Members publish, and the core does all of it: Python never wakes.
app.rooms("relay", relay=True)
# The same, as many as a scene wants.
app.rooms("relay:*", relay=True)
# All may join, only the application publishes.
app.rooms("hall", relay=False)


@app.on("echo")
def echo(session: rtcore.Session, data: Any) -> Any:
    """A plain function, called in the turn."""
    return data


@app.on("echo-async")
async def echo_async(session: rtcore.Session, data: Any) -> Any:
    """The same as a coroutine, in the session's own task."""
    return data


@app.on("say")
async def say(session: rtcore.Session, data: Any) -> None:
    """A decision in Python, a fan-out in the core."""
    await app.room("hall").publish("said", data)


@app.websocket("/raw")
async def raw(socket: rtcore.RawSocket) -> None:
    """No envelope: each message goes back as it came."""
    async for message in socket:
        await socket.send(message)


@app.websocket("/raw-plain")
def raw_plain(socket: rtcore.RawSocket, message: str | bytes) -> None:
    """The same by a plain function."""
    socket.send_nowait(message)


class Count(msgspec.Struct):
    """So many items of so many characters."""

    n: int
    size: int = 10


@app.stream("count")
async def count(session: rtcore.Session, data: Count) -> AsyncIterator[str]:
    """Items without a wait between them: what is measured is the stream, and not what makes it."""
    item = "x" * data.size
    for _ in range(data.n):
        yield item
