"""Sessions that came and went leave nothing behind: no task, thread, descriptor, timer or byte."""

from __future__ import annotations

import time
from typing import Any

import trio
import trio.testing

import rtcore
from rtcore.testing import MemoryServer, memory_server
from tests import leaks
from tests.patience import PATIENCE

from .conftest import Dial
from .target import MIB, Target

LIMITS = {"ping_ms": 1000, "silence_ms": 3000, "resume_ms": 4000, "close_ms": 300}
# What grows with what was ever said, and not with who is here; and the chunk of output that is begun.
LASTING = {"head", "outbox_memory"}


def sizes(server: MemoryServer) -> dict[str, int]:
    """What the engine holds."""
    return {name: size for name, size in server.core.sizes().items() if name not in LASTING}


async def come_and_go(app: rtcore.App, server: MemoryServer, count: int) -> None:
    """Sessions of every kind of life, all over at the end."""
    for number in range(count):
        client = await server.welcomed()
        await client.ask("join", room="tea:here")
        await client.ask("publish", room="tea:here", event="say", data=number)
        await client.ask("emit", event="echo", data=number)
        await client.begin("emit", event="never")
        if number % 3 == 0:
            await client.cut()
            client = await server.returned(client)
            await client.ask("publish", room="tea:here", event="say", data="back")
        if number % 2:
            await client.send({"type": "bye"})
            await client.wait_closed()
        await client.cut()
    # Windows end, and so do pings, rings' ages and keys.
    await trio.sleep(4000)
    await trio.testing.wait_all_tasks_blocked()


async def test_in_process(autojump_clock: trio.testing.MockClock) -> None:
    """Tasks and sizes are what they were before the first of them came."""
    app = rtcore.App()
    app.rooms("tea:*", relay=True)

    @app.on("echo")
    async def echo(session: rtcore.Session, data: Any) -> Any:
        return data

    @app.on("never")
    async def never(session: rtcore.Session) -> None:
        session.nursery.start_soon(trio.sleep_forever)
        await trio.sleep_forever()

    async with memory_server(app) as server:
        await come_and_go(app, server, 3)  # what is made once is made
        before = sizes(server), trio.lowlevel.current_statistics().tasks_living
        held = leaks.held()
        await come_and_go(app, server, 30)
        after = sizes(server), trio.lowlevel.current_statistics().tasks_living
        changed = {
            name: (before[0][name], size) for name, size in after[0].items() if size != before[0][name]
        }
        assert not changed
        assert after[1] == before[1]
        assert before[0]["sessions"] == before[0]["connections"] == before[0]["ring_bytes"] == 0
        assert leaks.nothing_left(held) == []


def round_of(target: Target, dial: Dial, count: int) -> None:
    """Sessions come, say something, and are cut."""
    for number in range(count):
        client = dial(target.address).hello()
        client.join("loop:leak")
        client.publish("loop:leak", number)
        client.emit("echo", number)
        client.drop()
    target.until("ended", lambda seen: seen["current_sessions"] == 2)


def test_over_a_real_process(target: Target, dial: Dial) -> None:
    """Threads, descriptors and what the engine reports are what they were; memory stays within a mebibyte."""
    base = target.descriptors()  # with the pair, and nobody else
    round_of(target, dial, 200)
    before = target.metrics()
    threads, resident = target.threads(), target.resident()
    for _ in range(3):
        round_of(target, dial, 200)
    end = time.monotonic() + PATIENCE
    while (now := target.descriptors()) > base:
        assert time.monotonic() < end, f"{now} descriptors; before the first it had {base}"
        time.sleep(0.02)
    after = target.metrics()
    for name in ("connections", "sessions", "waiting", "outbox_references", "addresses", "users", "keys"):
        assert after[f"current_{name}"] == before[f"current_{name}"], name
    assert target.threads() == threads
    assert target.resident() - resident <= MIB
