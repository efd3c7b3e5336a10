"""A raw WebSocket: messages as they come, without rooms, sessions or envelope. For protocols of one's own.

    rtcore serve raw_echo:app

Both do the same. A coroutine has a task of its own and may wait; a plain function is called for each
message, at once.
"""

import rtcore

app = rtcore.App()


@app.websocket("/echo")
async def echo(socket: rtcore.RawSocket) -> None:
    async for message in socket:
        await socket.send(message)


@app.websocket("/echo-plain")
def echo_plain(socket: rtcore.RawSocket, message: str | bytes) -> None:
    socket.send_nowait(message)
