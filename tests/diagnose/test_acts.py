"""What a server does by itself: it begins and ends with its issue, is logged, and can be switched off."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio

import rtcore
from rtcore._config.settings import ACTS
from rtcore._ground.numbers import USUAL
from rtcore._watch.acts import AT_ONCE, PACE, WINDOWS, Acts
from rtcore._watch.findings import Finding, Severity
from rtcore._watch.rules.memory import MACHINE
from rtcore.testing import connect_tcp, memory_server
from tests.server.conftest import serving


class Core:
    """A core that notes what is done to it."""

    def __init__(self, sessions: int = 0) -> None:
        self.done: list[Any] = []
        self.sessions = sessions

    def advise(self, why: str, transport: str | None, hold: float | None, skip: int, most: int) -> int:
        some = min(most, max(0, self.sessions - skip))
        self.done.append((why, transport, hold, some))
        return some

    def set_presence_window(self, ms: int) -> None:
        self.done.append(("presence", ms))

    def set_ring_memory(self, size: int) -> None:
        self.done.append(("rings", size))

    def set_accept_pace(self, pace: int | None) -> None:
        self.done.append(("pace", pace))


def found(**evidence: Any) -> Finding:
    return Finding(Severity.CRITICAL, "it is so", "do this", evidence)


def test_an_act_begins_once_and_ends_with_its_issue(caplog: pytest.LogCaptureFixture) -> None:
    core = Core()
    acts = Acts(core, USUAL, ("presence", "accepts"))
    with caplog.at_level(logging.INFO, "rtcore.watch"):
        for _ in range(3):
            acts.follow({"reconnect_storm": found()})
        assert acts.done == {"presence": "reconnect_storm", "accepts": "reconnect_storm"}
        acts.follow({})
        acts.follow({})
    usual = USUAL["presence_ms"]
    assert core.done == [
        ("presence", usual * WINDOWS), ("pace", PACE), ("presence", usual), ("pace", None),
    ]  # fmt: skip
    assert acts.done == {}
    assert len(caplog.records) == 4
    assert "because of reconnect_storm" in caplog.text


def test_rings_give_memory_back_for_the_machine_and_not_for_their_own_budget() -> None:
    """To make a budget smaller that is used up would only make more gaps."""
    core = Core()
    acts = Acts(core, USUAL, ACTS)
    acts.follow({"memory": found(budgets=[{"of": "ring_memory", "used": 9, "limit": 9}])})
    assert "shed" not in acts.done
    acts.follow({"memory": found(budgets=[{"of": MACHINE, "used": 9, "limit": 9}])})
    acts.follow({})
    rings = USUAL["ring_memory"]
    assert core.done == [("rings", rings // 2), ("rings", rings)]


async def test_clients_are_advised_some_at_a_time_and_again_while_it_lasts() -> None:
    core = Core(sessions=AT_ONCE + 3)
    acts = Acts(core, USUAL, ("advise",))
    raised = {"held_turn": found()}
    for _ in range(2):
        acts.follow(raised)
        await acts.tell(raised)
    assert [some for *_, some in core.done] == [AT_ONCE, 3, 0] * 2
    acts.follow({})
    await acts.tell({})
    assert len(core.done) == 6


def test_what_is_switched_off_is_not_done() -> None:
    core = Core(sessions=3)
    acts = Acts(core, USUAL, ())
    acts.follow({"reconnect_storm": found(), "memory": found(budgets=[{"of": MACHINE}])})
    assert (core.done, acts.done) == ([], {})


async def test_a_client_is_told_why_and_for_how_long(autojump_clock: trio.testing.MockClock) -> None:
    async with memory_server(rtcore.App()) as server:
        client = await server.welcomed()
        core = server.runtime.core
        assert core.advise("memory", "sse", 2.5, 0, 10) == 1
        assert core.advise("memory", None, None, 1, 10) == 0
        server.runtime.wake()
        said = await client.expect("advise")
    assert said == {"type": "advise", "transport": "sse", "why": "memory", "hold": 2.5}


async def test_in_a_storm_all_come_in_though_slower() -> None:
    """A pace that forgot to go on would lock everybody out."""
    app = rtcore.App()
    welcomed: list[str] = []

    @app.lifespan
    async def slower(app: rtcore.App) -> AsyncIterator[None]:
        app.all._engine.core.set_accept_pace(5)
        yield

    async with serving(app) as server, trio.open_nursery() as nursery:

        async def come() -> None:
            async with connect_tcp("127.0.0.1", server.port) as client:
                welcomed.append((await client.hello())["session"])

        for _ in range(20):
            nursery.start_soon(come)
    assert len(set(welcomed)) == 20


def test_acts_are_a_setting() -> None:
    assert rtcore.Config.of(acts="none").acts == ()
    assert rtcore.Config.of(acts=["presence", "shed"]).acts == ("presence", "shed")
    with pytest.raises(rtcore.ConfigError, match="a list of advise"):
        rtcore.Config.of(acts=["everything"])
