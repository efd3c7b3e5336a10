"""What Autobahn talks to: raw sockets that send back each message, by a coroutine and by a plain function."""

from __future__ import annotations

import rtcore

app = rtcore.App()


@app.websocket("/coroutine")
async def coroutine(socket: rtcore.RawSocket) -> None:
    """Each message goes back as it came."""
    async for message in socket:
        await socket.send(message)


@app.websocket("/plain")
def plain(socket: rtcore.RawSocket, message: str | bytes) -> None:
    """The same, without a task."""
    socket.send_nowait(message)
