"""A network in a box: a server, any number of clients, and links between them that do what networks do.

    async def test_nothing_is_lost(autojump_clock: trio.testing.MockClock) -> None:
        async with network_in_a_box(app, seed=7) as network:
            async with network.client("ann") as ann:
                tea = await ann.join("tea")
                network.weather = Weather(delay=0.2, jitter=0.1, loss=0.05)
                network.cut("ann")
                ...

All in memory, on Trio's clock: with one that jumps, an hour of bad weather takes a moment. Chance comes
from the seed alone.
"""

# ruff: noqa: SLF001 - the parts of a box know each other; tests do not see this

from __future__ import annotations

import math
import random
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import trio
import trio.testing

from rtcore.client import Client, connect

from .lines import FAIR, Line, Weather
from .server import MemoryServer, memory_server

if TYPE_CHECKING:
    from rtcore.app import App

LATE: Final = (0.2, 1.0)
"""Seconds by which a packet comes late that had to be sent again."""
WALL: Final = 1_790_000_000_000
"""Milliseconds since 1970 when the box is opened."""


class Network:
    """The box. Made by `network_in_a_box`. `weather` is that of all links, `weather_of[name]` of one
    client's;
    `turn` changes it.
    """

    def __init__(self, app: App, nursery: trio.Nursery, seed: int, settings: dict[str, Any]) -> None:
        self.weather = FAIR
        self.weather_of: dict[str, Weather] = {}
        self.dice = random.Random(seed)  # noqa: S311 - no secret comes from it
        self.log: list[tuple[float, str]] = []
        self.server: MemoryServer | None = None
        self.wall_offset: dict[str, int] = {}
        self._app, self._nursery, self._settings = app, nursery, settings
        self._lines: dict[Line, None] = {}  # in order: that of a set is by chance
        self._lives = 0
        self._turned = trio.Event()
        self._stop: trio.Event | None = None
        self._stopped = trio.Event()
        self._scope: trio.CancelScope | None = None
        self._began = trio.current_time()

    def note(self, what: str) -> None:
        """Into the log, with the time since the box was opened."""
        self.log.append((round(trio.current_time() - self._began, 6), what))

    # -- the server

    async def start_server(self) -> None:
        """Start the server; after another one, with another epoch, as a server without a store does."""
        self._lives += 1
        self._stop, self._stopped = trio.Event(), trio.Event()
        self.note(f"server {self._lives} starts")
        await self._nursery.start(self._serve)

    async def _serve(self, *, task_status: trio.TaskStatus[None]) -> None:
        assert self._stop is not None, "start_server makes it"
        seed = self._lives.to_bytes(32, "big")
        try:
            with trio.CancelScope() as self._scope:
                async with memory_server(self._app, seed=seed, **self._settings) as self.server:
                    task_status.started()
                    await self._stop.wait()
        finally:
            self.server = None
            self._stopped.set()

    async def stop_server(self) -> None:
        """In good order: clients are told to come back."""
        assert self._stop is not None, "the server runs"
        self.note("server stops")
        if self.server is not None:
            self.server.shut_down()
            await trio.testing.wait_all_tasks_blocked()
        self._stop.set()
        self.server = None  # who dials while it ends is refused
        await self._stopped.wait()
        self.cut()

    async def kill_server(self) -> None:
        """Without a word to anybody."""
        assert self._scope is not None, "the server runs"
        self.note("server is killed")
        self.server = None
        self.cut()
        self._scope.cancel()
        await self._stopped.wait()

    # -- clients

    def wall(self, name: str) -> int:
        """The wall's clock as this client sees it, in ms: it goes with Trio's, and may be off."""
        return WALL + self.wall_offset.get(name, 0) + int((trio.current_time() - self._began) * 1000)

    def client(self, name: str, **options: Any) -> AbstractAsyncContextManager[Client]:
        """A client by this name; the options are those of `rtcore.connect`."""

        async def dial(_: object) -> trio.abc.Stream:
            return await self.dial(name)

        options.setdefault("seed", self.dice.getrandbits(32))
        return connect("http://localhost/rt", dial=dial, wall=lambda: self.wall(name), **options)

    async def dial(self, name: str) -> trio.abc.Stream:
        """A connection to the server. Raises `OSError` where the weather, or the server, takes none."""
        weather = self._weather(name)
        await trio.sleep_until(trio.current_time() + self._takes(weather, 0))
        if weather.refuses or self.server is None:
            raise OSError("the connection was refused")
        line = Line(self, name)
        self._lines[line] = None
        self.server._accept(line.far)
        self.note(f"{name} is connected")
        self._tell()  # who watches for silence watches this one too
        return line.near

    def cut(self, name: str | None = None) -> int:
        """Break the connections of one client, or all; gives how many."""
        lines = [line for line in self._lines if name in (None, line.who)]
        for line in lines:
            self.note(f"{line.who} is cut")
            line.end()
        return len(lines)

    # -- links

    def _weather(self, name: str) -> Weather:
        return self.weather_of.get(name, self.weather)

    def _takes(self, weather: Weather, size: int) -> float:
        """Seconds until so many bytes are through."""
        late = self.dice.uniform(*LATE) if weather.loss and self.dice.random() < weather.loss else 0.0
        jitter = self.dice.uniform(0, weather.jitter) if weather.jitter else 0.0
        return weather.delay + jitter + late + size / weather.bandwidth

    async def _watch(self) -> None:
        """Cut what is idle, until cancelled."""
        while True:
            turned, now, due = self._turned, trio.current_time(), math.inf
            for line in list(self._lines):
                limit = line.weather.idle
                if now < line.heard + limit:
                    due = min(due, line.heard + limit)
                else:
                    self.note(f"{line.who} was idle")
                    line.end()
            with trio.move_on_at(due):
                await turned.wait()

    def turn(self, name: str | None = None, **changes: Any) -> None:
        """Another weather: what is given is changed, the rest stays."""
        if name is None:
            self.weather = replace(self.weather, **changes)
        else:
            self.weather_of[name] = replace(self._weather(name), **changes)
        self.note(f"weather of {name or 'all'}: {changes}")
        self._tell()

    def clear_up(self) -> None:
        """Fair weather, for all."""
        self.weather, self.weather_of = FAIR, {}
        self._tell()

    def _tell(self) -> None:
        self._turned.set()
        self._turned = trio.Event()


@asynccontextmanager
async def network_in_a_box(app: App, *, seed: int = 0, **settings: Any) -> AsyncIterator[Network]:
    """A box with a server of `app` in it, while the block runs; the settings are those of `rtcore.serve`."""
    async with trio.open_nursery() as nursery:
        network = Network(app, nursery, seed, settings)
        nursery.start_soon(network._watch)
        await network.start_server()
        yield network
        network.cut()
        if network.server is not None:
            await network.stop_server()
        nursery.cancel_scope.cancel()
