"""One random week in a box: clients that join, say and hear, while links and server fail.

And what must hold.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import trio
import trio._core._run
import trio.testing

import rtcore
from rtcore.client import Client, ConnectError, Event, Gap, RequestError
from rtcore.testing import Network, check_done, check_heard, network_in_a_box

ROOMS = ("tea", "milk")
STORMS: list[Callable[[random.Random], dict[str, Any]]] = [
    lambda dice: {"delay": dice.uniform(0, 0.3), "jitter": dice.uniform(0, 0.3)},
    lambda dice: {"loss": dice.uniform(0, 0.3)},
    lambda dice: {"bandwidth": dice.uniform(2_000, 50_000)},
    lambda _: {"stall": True},
    lambda _: {"half_open": True},
    lambda _: {"refuses": True},
    lambda _: {"strips_upgrade": True},
    lambda _: {"gathers": True, "strips_upgrade": True},
    lambda dice: {"idle": dice.uniform(5, 30)},
]


class World:
    """What happened: what handlers did, what was said in which order, what each client heard and was told."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.done: list[str] = []
        self.said: dict[str, list[str]] = {room: [] for room in ROOMS}
        self.heard: dict[tuple[str, str], list[str | Gap]] = {}
        self.results: dict[str, Any] = {}
        self.network: Network
        self.app = self._app()

    def _app(self) -> rtcore.App:
        app = rtcore.App()
        app.rooms("*", history=64)

        @app.authenticate
        async def who(hello: rtcore.Hello) -> rtcore.User:
            return rtcore.User(hello.token or "nobody")

        @app.on("say")
        async def say(session: rtcore.Session, what: dict[str, str]) -> str:
            self.done.append(what["name"])
            await trio.sleep_until(trio.current_time() + self.dice.choice([0, 0, 0.5, 3]))
            await app.room(what["room"]).publish("said", what["name"])
            self.said[what["room"]].append(what["name"])
            return what["name"]

        return app

    # -- what clients do

    async def live(self, name: str, until: float) -> None:
        """One client's life."""
        async with (
            self.network.client(
                name, token="".join(c for c in name if c.isalpha()), connect_timeout=None
            ) as client,
            trio.open_nursery() as nursery,
        ):
            for room in ROOMS:
                nursery.start_soon(self._listen, client, name, room)
            count = 0
            while trio.current_time() < until:
                await trio.sleep_until(trio.current_time() + self.dice.expovariate(1.0))
                count += 1
                nursery.start_soon(self._say, client, f"{name}.{count}")
            self.network.clear_up()
            await client.ready()
            await trio.sleep_until(trio.current_time() + 150)
            nursery.cancel_scope.cancel()

    async def _listen(self, client: Client, name: str, room: str) -> None:
        heard = self.heard[name, room] = []
        try:
            async for item in await client.join(room, last=64):
                heard.append(item.data if isinstance(item, Event) else item)
                if self.dice.random() < 0.02:
                    await trio.sleep_until(trio.current_time() + 5)
        except ConnectError as error:
            self.results[f"{name} in {room}"] = error

    async def _say(self, client: Client, what: str) -> None:
        room = self.dice.choice(ROOMS)
        try:
            timeout = self.dice.choice([1, 5, 60, 60])
            self.results[what] = await client.emit("say", {"name": what, "room": room}, timeout=timeout)
        except RequestError as error:
            self.results[what] = error

    # -- what the world does

    async def storm(self, names: list[str], until: float) -> None:
        """Faults, one after the other."""
        network, dice = self.network, self.dice
        while trio.current_time() < until:
            await trio.sleep_until(trio.current_time() + dice.expovariate(0.2))
            what = dice.random()
            if what < 0.3:
                network.cut(dice.choice([None, *names]))
            elif what < 0.8:
                name = dice.choice([None, *names])
                network.turn(name, **dice.choice(STORMS)(dice))
                await trio.sleep_until(trio.current_time() + dice.uniform(1, 40))
                network.clear_up()
            elif what < 0.9:
                client = dice.choice(names)
                network.wall_offset[client] = dice.randint(-3_600_000, 3_600_000)
            elif dice.random() < 0.5:
                await network.kill_server()
                await trio.sleep_until(trio.current_time() + dice.uniform(0, 5))
                await network.start_server()
            else:
                await network.stop_server()
                await network.start_server()

    async def run(self, names: list[str], seconds: float) -> None:
        """All of it."""
        async with network_in_a_box(self.app, seed=self.dice.getrandbits(32)) as self.network:
            until = trio.current_time() + seconds
            async with trio.open_nursery() as nursery:
                for name in names:
                    nursery.start_soon(self.live, name, until)
                nursery.start_soon(self.storm, names, until)

    # -- the laws

    def check(self) -> None:
        """What must hold, whatever happened."""
        for name, result in self.results.items():
            assert isinstance(result, str | RequestError), f"{name}: {result!r}"
        check_done(self.done, self.results)
        for (client, room), heard in self.heard.items():
            check_heard(self.said[room], heard, who=f"{client} in {room}")


def brief(seed: int) -> dict[str, Any]:
    """How large the run of a seed is: every tenth is a long one, so that many seeds can be seen."""
    return {} if seed % 10 == 0 else {"clients": 2, "seconds": 40.0}


def play(seed: int, *, clients: int = 3, seconds: float = 120.0) -> World:
    """One run; the same seed gives the same."""
    trio._core._run._ALLOW_DETERMINISTIC_SCHEDULING = True
    trio._core._run._r.seed(seed)
    world = World(seed)
    names = [f"{'abcdefgh'[number]}{number}" for number in range(clients)]
    trio.run(world.run, names, seconds, clock=trio.testing.MockClock(autojump_threshold=0))
    return world
