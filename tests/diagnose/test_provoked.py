"""Each rule, brought about in a server: it is named, and it goes away again when what it was for is over.

Here time is the test's, so that an hour passes at once. Which rule is brought about where is held against
the table of rules. `blind.py` has the same with real networks and disks, and without the going away.
"""

from __future__ import annotations

import inspect
import resource
import shutil
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
import trio

import rtcore
from rtcore._backend.interface import Peer
from rtcore._watch.rules import RULES
from rtcore.testing import WireClient, memory_server
from rtcore.testing.server import MemoryServer

Provoke = Callable[[MemoryServer, WireClient], Awaitable[Any]]
PROVOKED: dict[str, tuple[dict[str, Any], Provoke]] = {}
ELSEWHERE = {
    "store": "below: a disk takes its own time",
}
LONG = 4_000.0
"""Seconds after which no window has anything of it."""


def provoke(rule: str, **settings: Any) -> Callable[[Provoke], Provoke]:
    def register(function: Provoke) -> Provoke:
        PROVOKED[rule] = (settings, function)
        return function

    return register


def application(*, kept: bool = False) -> rtcore.App:
    app = rtcore.App()
    app.rooms("tea*", relay=True)
    app.rooms("kept", relay=True, durable=kept)
    app.rooms("short*", relay=True, history=2)

    @app.on("say")
    def say(_: rtcore.Session, data: int) -> int:
        return data

    @app.on("buy")
    def buy(_: rtcore.Session, data: int) -> None:
        raise rtcore.Refuse("SOLD_OUT", f"no {data} left")

    @app.on("find")
    async def find(_: rtcore.Session, data: float) -> None:
        await trio.sleep(data)

    @app.on("compute")
    def compute(_: rtcore.Session, data: float) -> None:
        time.sleep(data)

    return app


async def far_away(server: MemoryServer, delay: float) -> WireClient:
    """A client to which everything takes so long, and back."""
    ours, near = trio.testing.memory_stream_pair()
    far = server.stream()

    async def carry(source: trio.abc.Stream, sink: trio.abc.Stream) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async for data in source:
                await trio.sleep(delay)
                await sink.send_all(data)
        await sink.aclose()

    server._nursery.start_soon(carry, near, far)
    server._nursery.start_soon(carry, far, near)
    client = WireClient(ours)
    await client.open(path="/rt/ws")
    server._nursery.start_soon(client.read)
    await client.hello()
    return client


async def deaf_soon(server: MemoryServer, room: str) -> WireClient:
    """A client that joins this room and reads nothing more. What is written to it waits."""
    ours, theirs = trio.testing.lockstep_stream_pair()
    server._nursery.start_soon(server._carry, theirs, Peer("127.0.0.1", 50_000))
    client = WireClient(ours)
    scope = trio.CancelScope()

    async def read() -> None:
        with scope:
            await client.read()

    await client.open(path="/rt/ws")
    server._nursery.start_soon(read)
    await client.hello()
    await client.ask("join", room=room)
    scope.cancel()
    return client


@provoke("held_turn")
async def _(_: MemoryServer, client: WireClient) -> None:
    for _ in range(3):
        await client.ask("emit", event="compute", data=0.1)


@provoke("slow_handlers")
async def _(server: MemoryServer, _client: WireClient) -> None:
    others = [await server.welcomed() for _ in range(6)]
    asked = [await other.begin("emit", event="find", data=0.7) for other in others]
    for other, request in zip(others, asked, strict=True):
        await other.answer(request)


@provoke("latency")
async def _(_: MemoryServer, client: WireClient) -> None:
    """None of them is slow, and they wait for each other."""
    asked = [await client.begin("emit", event="find", data=0.1) for _ in range(30)]
    for request in asked:
        await client.answer(request)


@provoke("network", limits={"ping_ms": 1000})
async def _(server: MemoryServer, _client: WireClient) -> Callable[[], Awaitable[None]]:
    far = [await far_away(server, 0.5) for _ in range(3)]
    await trio.sleep(8)

    async def over() -> None:
        for one in far:
            await one.cut()

    return over


@provoke("slow_readers", limits={"outbox": 4096, "kernel_unsent": 4096})
async def _(server: MemoryServer, client: WireClient) -> Callable[[], Awaitable[None]]:
    deaf = [await deaf_soon(server, "tea") for _ in range(5)]
    await client.ask("join", room="tea")
    for _ in range(20):
        await client.ask("publish", room="tea", event="said", data="x" * 20_000, echo=False)

    async def over() -> None:
        for one in deaf:
            await one.cut()

    return over


@provoke("proxies")
async def _(server: MemoryServer, _client: WireClient) -> Callable[[], Awaitable[None]]:
    behind = [server.stream() for _ in range(14)]
    for one in behind:
        await one.send_all(b"GET /rt/sse?room=tea HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await one.receive_some()).startswith(b"HTTP/1.1 200")
    direct = [await server.welcomed() for _ in range(12)]

    async def over() -> None:
        for one in behind:
            await one.aclose()
        for other in direct:
            await other.cut()

    return over


@provoke("compression")
async def _(server: MemoryServer, _client: WireClient) -> None:
    """What a generator of random numbers says, to a client that wants it smaller."""
    stream = server.stream()
    packing = WireClient(stream, msgpack=True)
    await packing.open(path="/rt/ws")
    server._nursery.start_soon(packing.read)
    await packing.hello(compress=["gzip"])
    random = Random(1)
    for number in range(60):
        room = f"tea {number}"
        await packing.ask("join", room=room)
        await packing.ask("publish", room=room, event="said", data=random.randbytes(200_000))
    await packing.cut()


@provoke("failures")
async def _(_: MemoryServer, client: WireClient) -> None:
    for number in range(8):
        assert "error" in await client.answer(await client.begin("emit", event="buy", data=number))


@provoke("keys")
async def _(_: MemoryServer, client: WireClient) -> None:
    for number in range(8):
        await client.answer(await client.begin("emit", event="say", data=number, key="one"))


@provoke("gaps")
async def _(server: MemoryServer, client: WireClient) -> None:
    away = [await server.welcomed() for _ in range(4)]
    for one in away:
        await one.ask("join", room="short")
        await one.cut()
    await client.ask("join", room="short")
    for number in range(9):
        await client.ask("publish", room="short", event="said", data=number)
    for one in away:
        back = await server.returned(one)
        await back.until("gap")
        await back.ask("leave", room="short")


@provoke("reconnect_storm")
async def _(server: MemoryServer, _client: WireClient) -> None:
    gone = [await server.welcomed() for _ in range(60)]
    for one in gone:
        await one.cut()
    for one in gone:
        await server.returned(one)


@provoke("client_reports")
async def _(server: MemoryServer, _client: WireClient) -> None:
    for _ in range(6):  # each counts once
        client = await server.welcomed()
        await client.send(
            {"type": "report", "rtt": 900, "loss": 0.3, "reconnects": 3, "transport": "sse", "why": "blocked"}
        )
        await client.ask("emit", event="say", data=1)


@provoke("client_clocks")
async def _(server: MemoryServer, _client: WireClient) -> None:
    for _ in range(12):  # each counts once
        client = await server.welcomed()
        await client.send({"type": "ping", "time": int((time.time() - 300) * 1000)})
        await client.until("pong")


@provoke("old_clients")
async def _(server: MemoryServer, _client: WireClient) -> None:
    for _ in range(12):
        await (await server.welcomed(client="rtcore/0.0")).cut()


@provoke("presence", limits={"presence_names": 5})
async def _(server: MemoryServer, _client: WireClient) -> Callable[[], Awaitable[None]]:
    others = [await server.welcomed() for _ in range(6)]
    for other in others:
        await other.ask("join", room="tea")

    async def over() -> None:
        for other in others:
            await other.ask("leave", room="tea")

    return over


@provoke("memory", limits={"ring_memory": 1 << 20})
async def _(_: MemoryServer, client: WireClient) -> None:
    for number in range(9):
        await client.ask("join", room=f"tea {number}")
        await client.ask("publish", room=f"tea {number}", event="said", data="x" * 100_000)


@provoke("limits")
async def _(server: MemoryServer, client: WireClient) -> None:
    big = "x" * (2 << 20)
    for _ in range(25):
        other = await server.welcomed()
        await other.send({"type": "emit", "id": 1, "event": "say", "data": big})
        await other.wait_closed()


@provoke("descriptors")
async def _(server: MemoryServer, _client: WireClient) -> Callable[[], None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = server._assembly.watch.stats()["process"]["descriptors"]
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + max(4, used // 10), hard))
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@provoke("clock")
async def _(server: MemoryServer, _client: WireClient) -> Callable[[], None]:
    watch = server._assembly.watch
    usual = watch._wall
    watch._wall = lambda: usual() + 30

    def over() -> None:  # a minute later those of before are gone
        watch._samples.clear()
        watch._sample()

    return over


class _Usage(NamedTuple):
    total: int
    used: int
    free: int


@provoke("disk")
async def _(server: MemoryServer, _client: WireClient) -> Callable[[], None]:
    """No test can fill a disk: what the system says of it is another's word."""
    watch, usual = server._assembly.watch, shutil.disk_usage
    watch._data = "/"
    shutil.disk_usage = lambda _: _Usage(100 << 30, 98 << 30, 2 << 30)  # type: ignore[assignment]

    def over() -> None:
        shutil.disk_usage = usual
        watch._data = None

    return over


def test_each_rule_is_brought_about_somewhere() -> None:
    assert set(PROVOKED) | set(ELSEWHERE) == set(RULES)
    assert not set(PROVOKED) & set(ELSEWHERE)


@pytest.mark.parametrize("rule", PROVOKED)
async def test_what_is_brought_about_is_named_and_goes_away_again(
    rule: str, autojump_clock: trio.testing.MockClock
) -> None:
    settings, provoked = PROVOKED[rule]
    async with memory_server(application(), **settings) as server:
        client = await server.welcomed()
        await in_calm(server, client)
        over = await provoked(server, client)
        try:
            is_named(server, rule)
        finally:
            if over is not None:
                done = over()
                if inspect.isawaitable(done):
                    await done
        end = trio.current_time() + LONG
        while trio.current_time() < end:
            await trio.sleep(50)
            if not client.closed:
                await client.ask("emit", event="say", data=0)
        went_away(server, rule)


async def test_a_disk_that_was_slow_is_named_and_goes_away_again(
    mock_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """The disk is a real one. The clock goes on while it has what it was given, before it answers."""
    app = application(kept=True)

    @app.on("keep")
    async def keep(_: rtcore.Session, data: int) -> None:
        app.room("kept").publish_nowait("said", data)
        mock_clock.jump(0.9)

    async with memory_server(app, data=tmp_path) as server:
        client = await server.welcomed()
        await in_calm(server, client)
        await client.ask("join", room="kept")
        for number in range(8):
            await client.ask("emit", event="keep", data=number)
        is_named(server, "store")
        await hours_later(mock_clock, client)
        went_away(server, "store")


async def hours_later(clock: trio.testing.MockClock, client: WireClient) -> None:
    """What was is out of every window; somebody speaks now and then, and the watch looks."""
    for _ in range(int(LONG / 50)):
        clock.jump(50)
        await client.ask("emit", event="say", data=0)


async def in_calm(server: MemoryServer, client: WireClient) -> None:
    """Nothing is said of a server that does well."""
    for number in range(20):
        await client.ask("emit", event="say", data=number)
    assert server._assembly.watch.diagnose()["issues"] == []


def is_named(server: MemoryServer, rule: str) -> None:
    said = server._assembly.watch.diagnose()["issues"]
    assert rule in [issue["type"] for issue in said], said


def went_away(server: MemoryServer, rule: str) -> None:
    """It began once and ended once."""
    said = server._assembly.watch.diagnose()
    assert rule not in [issue["type"] for issue in said["issues"]], said["issues"]
    assert [line["begins"] for line in said["timeline"] if line["type"] == rule] == [True, False]
