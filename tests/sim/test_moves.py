"""Joins and leaves by chance, in any weather: at the end the server has what the program asked for last."""

from __future__ import annotations

import os
import random

import pytest
import trio
import trio._core._run
import trio.testing

import rtcore
from rtcore.client import Client, Event, LeftRoom, RequestError, Room
from rtcore.testing import network_in_a_box

from .world import STORMS

RUNS = int(os.environ.get("RTCORE_SIM_RUNS", "100"))
FIRST = int(os.environ.get("RTCORE_SIM_FIRST", "0"))
WEATHER = 60.0
SETTLED = 200.0


class Moves:
    """Three tasks of one client, each in the room or not, and what they hold at the end."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.held: dict[int, Room] = {}
        self.app = rtcore.App()
        self.app.rooms("tea", relay=True, history=64)

        @self.app.authorize("tea")
        async def enter(session: rtcore.Session, join: rtcore.Join) -> bool:
            await trio.sleep_until(trio.current_time() + self.dice.choice([0, 0, 1, 4]))
            return True

    async def move(self, client: Client, who: int, until: float) -> None:
        """In and out, with and without patience."""
        while trio.current_time() < until:
            await trio.sleep_until(trio.current_time() + self.dice.expovariate(0.5))
            patience = self.dice.choice([0.1, 1, 10, 100])
            try:
                if who not in self.held:
                    with trio.move_on_after(self.dice.choice([0.5, 2, 100])):
                        self.held[who] = await client.join("tea", timeout=patience)
                else:
                    with trio.move_on_after(self.dice.choice([0.5, 2, 100])):
                        await self.held.pop(who).leave(timeout=patience)
            except RequestError:
                pass

    async def run(self) -> None:
        """All of it, and what must hold."""
        async with (
            network_in_a_box(self.app, seed=self.dice.getrandbits(32)) as network,
            network.client("ann", connect_timeout=None) as ann,
            network.client("bob", connect_timeout=None) as bob,
        ):
            until = trio.current_time() + WEATHER
            async with trio.open_nursery() as nursery:
                for who in range(3):
                    nursery.start_soon(self.move, ann, who, until)
                while trio.current_time() < until:
                    await trio.sleep_until(trio.current_time() + self.dice.expovariate(0.3))
                    if self.dice.random() < 0.4:
                        network.turn("ann", **self.dice.choice(STORMS)(self.dice))
                    elif self.dice.random() < 0.8:
                        network.cut("ann")
                    else:
                        await network.kill_server()
                        await network.start_server()
                network.clear_up()
            await trio.sleep_until(trio.current_time() + SETTLED)
            tea = await bob.join("tea", timeout=60)
            here = [member["session"] for member in tea.members if member["session"] != bob.session]
            assert here == ([ann.session] if self.held else []), network.log
            await tea.publish("say", "all")
            for room in self.held.values():
                with trio.fail_after(60):
                    await self.hears(room)

    async def hears(self, room: Room) -> None:
        """It hears what was said at the end; one that was told that it is out does not."""
        try:
            async for item in room:
                if isinstance(item, Event) and item.data == "all":
                    return
        except LeftRoom:
            return
        raise AssertionError("a room that is held ended without a word")


@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
def test_the_server_has_what_the_program_asked_for_last(seed: int) -> None:
    trio._core._run._ALLOW_DETERMINISTIC_SCHEDULING = True
    trio._core._run._r.seed(seed)
    trio.run(Moves(seed).run, clock=trio.testing.MockClock(autojump_threshold=0))
