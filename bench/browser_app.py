"""What `bench/browser.mjs` serves: small events, so many at a time, so many times."""

from __future__ import annotations

import msgspec
import trio

import rtcore

app = rtcore.App()
# What is not read at once is not lost: what is measured is reading, and no gap.
app.rooms("ticks", history=200_000, bytes=64 << 20)


class Burst(msgspec.Struct):
    """`times` bursts of `each` events, `pause` seconds apart."""

    times: int
    each: int
    pause: float


@app.on("burst")
async def burst(session: rtcore.Session, burst: Burst) -> int:
    """Say them all in `ticks`."""
    room, n = app.room("ticks"), 0
    for _ in range(burst.times):
        for _ in range(burst.each):
            await room.publish("tick", {"n": n, "series": n % 50, "value": n / 7})
            n += 1
        await trio.sleep(burst.pause)
    return n


@app.on_connect
async def begun(session: rtcore.Session) -> None:
    """The first event, as soon as somebody is there."""
    await session.send("hello", 1)
