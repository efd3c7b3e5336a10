"""Each rule, brought about in a server: it is named, and it goes away again when what it was for is over.

Here time is the test's, so that an hour passes at once. What needs a network or a disk that is bad is in
`blind.py`; what is there and not here is held against the table of rules below.
"""

from __future__ import annotations

import inspect
import resource
import shutil
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest
import trio

import rtcore
from rtcore._watch.rules import RULES
from rtcore.testing import WireClient, memory_server
from rtcore.testing.server import MemoryServer

Provoke = Callable[[MemoryServer, WireClient], Awaitable[Any]]
PROVOKED: dict[str, tuple[dict[str, Any], Provoke]] = {}
ELSEWHERE = {
    "slow_readers": "blind: a lift",
    "proxies": "blind: an office",
    "network": "blind: a satellite",
    "store": "blind: a disk",
    "latency": "blind: forty conversions",
    "slow_handlers": "blind: a pool of one",
    "compression": "test_rules: what it looks at is since the start, and passes as more is said",
}
LONG = 4_000.0
"""Seconds after which no window has anything of it."""


def provoke(rule: str, **settings: Any) -> Callable[[Provoke], Provoke]:
    def register(function: Provoke) -> Provoke:
        PROVOKED[rule] = (settings, function)
        return function

    return register


def application() -> rtcore.App:
    app = rtcore.App()
    app.rooms("tea*", relay=True)
    app.rooms("short*", relay=True, history=2)

    @app.on("say")
    def say(_: rtcore.Session, data: int) -> int:
        return data

    @app.on("buy")
    def buy(_: rtcore.Session, data: int) -> None:
        raise rtcore.Refuse("SOLD_OUT", f"no {data} left")

    @app.on("compute")
    def compute(_: rtcore.Session, data: float) -> None:
        time.sleep(data)

    return app


@provoke("held_turn")
async def _(_: MemoryServer, client: WireClient) -> None:
    for _ in range(3):
        await client.ask("emit", event="compute", data=0.1)


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
async def _(server: MemoryServer, client: WireClient) -> None:
    for _ in range(6):
        await client.send(
            {"type": "report", "rtt": 900, "loss": 0.3, "reconnects": 3, "transport": "sse", "why": "blocked"}
        )
    await client.ask("emit", event="say", data=1)


@provoke("client_clocks")
async def _(_: MemoryServer, client: WireClient) -> None:
    for _ in range(12):
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
        watch = server._assembly.watch
        client = await server.welcomed()
        for number in range(20):
            await client.ask("emit", event="say", data=number)
        assert watch.diagnose()["issues"] == [], "in calm nothing is said"
        over = await provoked(server, client)
        try:
            said = watch.diagnose()["issues"]
            assert rule in [issue["type"] for issue in said], said
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
        said = watch.diagnose()
        assert rule not in [issue["type"] for issue in said["issues"]], said["issues"]
        assert [line["begins"] for line in said["timeline"] if line["type"] == rule] == [True, False]
