"""Nobody holds the turn for long by asking for much at once."""

from __future__ import annotations

import itertools
import time

import trio

import rtcore
from rtcore.testing import memory_server


async def test_a_peer_that_asks_for_much_at_once_lets_others_in(autojump_clock: trio.abc.Clock) -> None:
    """Many requests of 1 ms in one frame: others are served between them, not after the last."""
    app = rtcore.App()
    done = 0
    seen: set[int] = set()

    @app.on("work")
    def work(session: rtcore.Session) -> None:
        nonlocal done
        done += 1
        until = time.perf_counter() + 0.001
        while time.perf_counter() < until:
            pass

    async def look() -> None:
        while True:
            seen.add(done)
            await trio.lowlevel.checkpoint()

    async with memory_server(app) as server, trio.open_nursery() as nursery:
        client = await server.welcomed()
        nursery.start_soon(look)
        asked = 640
        await client.send(*[{"type": "emit", "id": n, "event": "work"} for n in range(1, asked + 1)])
        await client.answer(asked)
        nursery.cancel_scope.cancel()
    steps = sorted(seen)
    longest = max(b - a for a, b in itertools.pairwise(steps))
    assert done == asked
    assert longest <= asked // 2, f"{longest} of {asked} requests were done while nobody else was served"
