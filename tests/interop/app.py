"""What the clients of others talk to: a raw socket that echoes, a room, an event."""

from __future__ import annotations

from typing import Any

import rtcore

app = rtcore.App()
app.rooms("tea", relay=True)


@app.on("double")
async def double(session: rtcore.Session, data: list[Any]) -> list[Any]:
    """An answer that is not the question."""
    return [*data, *data]


@app.websocket("/echo")
async def echo(socket: rtcore.RawSocket) -> None:
    """Each message goes back as it came."""
    async for message in socket:
        await socket.send(message)


@app.websocket("/enough")
async def enough(socket: rtcore.RawSocket) -> None:
    """The server ends it, with a code and a reason of its own."""
    async for message in socket:
        await socket.close(3333, str(message))
