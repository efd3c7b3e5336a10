"""The application of the soak: a bit of everything that a server does all day."""

from __future__ import annotations

from typing import Any

import trio

import rtcore

app = rtcore.App()
app.rooms("pair", relay=True)
app.rooms("crowd", relay=True)
# What is said here is let go of soon, so that what the process holds is flat after a minute.
app.rooms("room:*", relay=True, age=20.0)


@app.on("echo")
def echo(session: rtcore.Session, data: Any) -> Any:
    """A plain function."""
    return data


@app.on("echo-async")
async def echo_async(session: rtcore.Session, data: Any) -> Any:
    """A coroutine that waits a little."""
    await trio.sleep(0.001)
    return data


@app.websocket("/raw")
async def raw(socket: rtcore.RawSocket) -> None:
    """Each message goes back as it came."""
    async for message in socket:
        await socket.send(message)
