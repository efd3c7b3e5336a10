"""What the test of the console looks at: a room, a handler that blocks, and who publishes now and then."""

import time

import trio

import rtcore

app = rtcore.App()
app.rooms("tea*", relay=True)


@app.on("block")
def block(_: rtcore.Session, data: float) -> None:
    """Hold the turn."""
    time.sleep(data)


@app.on("say")
async def say(_: rtcore.Session, data: str) -> None:
    """Say it in the room."""
    await trio.lowlevel.checkpoint()
    await app.room("tea").publish("said", data)
