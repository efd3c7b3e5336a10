"""The reactor's task over real sockets: turns, lingering, output from outside a turn, Ctrl-C."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

import rtcore
from rtcore.testing import connect_tcp
from tests.patience import PATIENCE


@asynccontextmanager
async def served(app: rtcore.App, **settings: Any) -> AsyncIterator[int]:
    async with trio.open_nursery() as nursery:
        addresses = await nursery.start(
            lambda task_status: rtcore.serve(app, port=0, task_status=task_status, **settings)
        )
        yield addresses[0].port
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("linger", [0, 200])
async def test_requests_over_tcp(linger: int) -> None:
    app = rtcore.App()
    app.on("plain")(lambda session, data: data)

    @app.on("coroutine")
    async def coroutine(session: rtcore.Session, data: Any) -> Any:
        return data

    @app.on("waits")
    async def waits(session: rtcore.Session, data: Any) -> Any:
        await trio.sleep(0.001)
        return await trio.to_thread.run_sync(lambda: data)

    with trio.fail_after(PATIENCE):
        async with served(app, linger=linger) as port, connect_tcp("127.0.0.1", port) as client:
            await client.hello()
            for n in range(50):
                for event in ("plain", "coroutine", "waits"):
                    assert await client.ask("emit", event=event, data=n) == n


async def test_what_is_said_outside_a_turn_leaves_at_once() -> None:
    """A task of the application that publishes wakes the flusher; nobody else is busy who would do it."""
    app = rtcore.App()
    app.rooms("tea", relay=True)
    with trio.fail_after(PATIENCE):
        async with served(app) as port, connect_tcp("127.0.0.1", port) as client:
            await client.hello()
            await client.ask("join", room="tea")
            for n in range(20):
                await app.room("tea").publish("tick", n)
                assert (await client.until("event"))["data"] == n
                app.room("tea").publish_nowait("tock", n)
                assert (await client.until("event"))["data"] == n


async def test_a_busy_server_leaves_trio_its_share() -> None:
    """Turns follow each other without a pass of Trio, but not for ever: others go on."""
    app = rtcore.App()
    app.on("echo")(lambda session, data: data)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await trio.sleep(0.001)
            ticks += 1

    with trio.fail_after(PATIENCE):
        async with served(app, linger=1000) as port, connect_tcp("127.0.0.1", port) as client:
            await client.hello()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(tick)
                for n in range(300):
                    await client.ask("emit", event="echo", data=n)
                assert ticks > 5
                nursery.cancel_scope.cancel()


CTRL_C = """
    import os, signal
    import rtcore, trio
    from rtcore.testing import memory_server

    # Who runs the tests in the background of a shell has left Ctrl-C ignored for all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    app = rtcore.App()
    done = []

    @app.on("plain")
    def plain(session):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass
        done.append("plain")

    @app.on("coroutine")
    async def coroutine(session):
        plain(session)

    async def main(event):
        async with memory_server(app) as server:
            client = await server.welcomed()
            try:
                await client.begin("emit", event=event)
                await trio.sleep_forever()
            except KeyboardInterrupt:
                done.append("main")
                raise

    for event in ("plain", "coroutine"):
        try:
            trio.run(main, event)
        except* KeyboardInterrupt:
            done.append("interrupted")
    print(done)
"""


def test_ctrl_c_lands_in_the_main_task(step: str) -> None:
    """In the middle of a turn it would lose the turn's other events: it waits until the turn is over."""
    script = textwrap.dedent(CTRL_C)
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip().count("interrupted") == 2
    assert "'plain'" in ran.stdout
    assert "'main', 'interrupted'" in ran.stdout
