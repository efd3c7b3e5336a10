"""How long a handler took is counted from when it began, whatever ran before it or waits behind it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
import trio
import trio.testing

import rtcore
from rtcore._turn.dispatch import Runtime
from rtcore.testing import memory_server
from rtcore.testing.server import MemoryServer

WAIT = 3.0


def application() -> rtcore.App:
    app = rtcore.App()

    @app.on("waits")
    async def waits(_: rtcore.Session, seconds: float) -> None:
        await trio.sleep(seconds)

    @app.on("quick")
    async def quick(_: rtcore.Session) -> int:
        return 1

    @app.on("warm")
    async def warm(_: rtcore.Session) -> None:
        """What starts the task of a session."""

    @app.on("plain")
    def plain(_: rtcore.Session) -> int:
        return 1

    return app


def of(server: MemoryServer, stage: str) -> dict[str, dict[str, Any]]:
    """A stage of the last hour, by the name of the event (ms)."""
    rows = server._assembly.watch.stats()["stages"]
    return {row["of"]: row["1h"] for row in rows if row["stage"] == stage}


async def test_each_of_a_turn_is_measured_from_its_own_beginning(
    autojump_clock: trio.abc.Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions that have a task are stepped in the turn: one waits between three that answer at once."""
    wanted = ("quick", "waits", "plain", "quick")
    run, held = Runtime._run, list[Any]()

    def in_one_turn(self: Runtime, events: Iterable[Any], began: int) -> None:
        """A memory server reads a connection a turn, a reactor all that are ready: this is as the reactor."""
        held.extend(events)
        if len(held) == len(wanted):
            run(self, sorted(held, key=lambda event: wanted.index(named[event[3]])), began)

    async with memory_server(application()) as server:
        named = dict(enumerate(handler.name for handler in server.runtime._handlers))
        clients = [await server.welcomed() for _ in wanted]
        for client in clients:
            await client.ask("emit", event="warm")
        await trio.sleep(1)
        with monkeypatch.context() as patch:
            patch.setattr(Runtime, "_run", in_one_turn)
            asked = [
                await client.begin("emit", event=event, data=WAIT if event == "waits" else None)
                for client, event in zip(clients, wanted, strict=True)
            ]
            await trio.testing.wait_all_tasks_blocked()
        assert len(held) == len(wanted)
        await trio.sleep(WAIT / 3)
        await clients[0].ask("emit", event="warm")  # the last answer before that of the one that waits
        for client, request in zip(clients, asked, strict=True):
            await client.answer(request)
        took = of(server, "handler")
    assert took["waits"]["count"] == 1
    assert took["waits"]["mean"] == approx(WAIT)
    assert took["quick"]["count"] == 2
    assert took["quick"]["mean"] < 1
    assert took["plain"]["mean"] < 1


async def test_what_waits_behind_another_begins_when_that_one_ends(autojump_clock: trio.abc.Clock) -> None:
    async with memory_server(application()) as server:
        client = await server.welcomed()
        asked = [await client.begin("emit", event="waits", data=WAIT) for _ in range(3)]
        asked.append(await client.begin("emit", event="quick"))
        asked.append(await client.begin("emit", event="plain"))
        for request in asked:
            await client.answer(request)
        took, waited = of(server, "handler"), of(server, "wait")
    assert took["waits"]["count"] == 3
    assert took["waits"]["mean"] == approx(WAIT)
    assert took["quick"]["mean"] < 1
    assert took["plain"]["mean"] < 1
    assert waited["waits"]["mean"] == approx(WAIT)  # of none, one and two before it
    assert waited["quick"]["mean"] == approx(3 * WAIT)


async def test_one_that_waits_does_not_count_for_what_runs_meanwhile(autojump_clock: trio.abc.Clock) -> None:
    async with memory_server(application()) as server:
        slow, other = await server.welcomed(), await server.welcomed()
        request = await slow.begin("emit", event="waits", data=WAIT)
        await trio.sleep(WAIT / 3)
        await other.ask("emit", event="quick")
        await other.ask("emit", event="waits", data=WAIT / 3)
        await slow.answer(request)
        took = of(server, "handler")
    assert took["quick"]["mean"] < 1
    assert took["waits"]["mean"] == approx((WAIT + WAIT / 3) / 2)


def approx(seconds: float) -> object:
    """Milliseconds, as near as the histograms are (2 %)."""
    return pytest.approx(seconds * 1000, rel=0.03)
