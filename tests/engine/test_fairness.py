"""Nobody holds the turn for long by asking for much at once."""

from __future__ import annotations

import itertools
import time

import trio
import trio.testing

import rtcore
from rtcore._turn.endings import AT_ONCE
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


async def test_many_sessions_that_end_at_once_let_others_in(autojump_clock: trio.abc.Clock) -> None:
    """An application closes hundreds of sessions whose handlers wait: a few are cancelled at a time."""
    app = rtcore.App()
    many = 400
    sessions: list[rtcore.Session] = []
    ended: list[str] = []
    heard: list[str] = []
    seen: set[int] = set()

    @app.on("wait")
    async def wait(session: rtcore.Session) -> None:
        sessions.append(session)
        try:
            await trio.sleep_forever()
        finally:
            ended.append(session.id)

    @app.on_disconnect
    def gone(session: rtcore.Session, reason: str) -> None:
        heard.append(session.id)

    async def look() -> None:
        while True:
            seen.add(len(ended))
            await trio.lowlevel.checkpoint()

    async with memory_server(app) as server, trio.open_nursery() as nursery:
        for _ in range(many):
            client = await server.welcomed()
            await client.send({"type": "emit", "event": "wait"})
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(look)
        for session in sessions:
            session.close_nowait()
        with trio.fail_after(60):
            while len(heard) < many or len(ended) < many:
                await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    longest = max(b - a for a, b in itertools.pairwise(sorted(seen)))
    assert sorted(heard) == sorted(ended) == sorted(session.id for session in sessions), "each ended once"
    assert longest <= 2 * AT_ONCE, f"{longest} of {many} sessions ended while nobody else was served"
