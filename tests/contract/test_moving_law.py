"""The law of moving: whatever is said, however a session moves between all transports and whatever breaks in
between, each entry is heard once, in order, and each request is done once.

Publishes, requests, moves, drops and losses of the way down come at random. The seed is in the name of the
test, and `LAW_SEED=n,…` runs another.
"""

from __future__ import annotations

import os
import random

import pytest
import trio

from .conftest import Dial
from .link import Ended, Link, Message
from .peer import Peer
from .polling import Polling
from .sse import Sse
from .websocket import MsgPackSocket, WebSocket

LINKS: list[type[Link]] = [WebSocket, MsgPackSocket, Sse, Polling]
SEEDS = [int(seed) for seed in os.environ.get("LAW_SEED", "0,1,2,3,4,5").split(",")]
STEPS = 1500


class World:
    """One session that moves, one that speaks, and what must come out."""

    def __init__(self, ann: Peer, bob: Peer, name: str, seed: int) -> None:
        self.chance = random.Random(seed)
        self.ann, self.bob, self.name = ann, bob, name
        self.rooms = [f"deep:{name}.{n}" for n in range(3)]
        self.said: list[int] = []
        self.counts = {"publish": 0, "request": 0, "move": 0, "drop": 0, "lose": 0, "again": 0}
        self.open: dict[int, Message] = {}  # requests without an ack
        self.results: dict[int, object] = {}

    async def begin(self) -> None:
        for room in self.rooms:
            await self.ann.join(room)
            await self.bob.join(room)

    def collect(self) -> None:
        """Take the acks that have come."""
        for number in list(self.open):
            if (ack := self.ann.find("ack", id=number)) is not None:
                assert "error" not in ack, (ack, self.open[number])
                self.results[number] = ack["data"]
                del self.open[number]
        self.ann.pending = [m for m in self.ann.pending if m["type"] != "event" and m["type"] != "ack"]

    async def publish(self) -> None:
        numbers = [
            await self.bob.ask("publish", room=self.chance.choice(self.rooms), event="say", data=n)
            for n in range(self.chance.randint(1, 6))
        ]
        if self.chance.random() < 0.3:
            await self.move()  # while it is being said
        self.said += [(await self.bob.result(number))["seq"] for number in numbers]

    async def request(self) -> None:
        messages = []
        for _ in range(self.chance.randint(1, 4)):
            number = self.ann.next_id()
            event = self.chance.choice(["note", "note-async"])
            messages.append({"type": "emit", "id": number, "event": event, "data": [self.name, number]})
            self.open[number] = messages[-1]
        try:
            await self.ann.say(*messages, array=self.chance.random() < 0.5)
        except Ended:
            await self.back(self.chance.choice(LINKS))

    async def back(self, kind: type[Link]) -> None:
        """Say `hello` with session, key and position, and send again what has no ack."""
        await self.ann.come_back(kind)
        assert self.ann.welcome["resumed"] is True
        self.collect()
        if again := [self.open[number] for number in sorted(self.open)]:
            self.counts["again"] += len(again)
            await self.ann.say(*again, array=self.chance.random() < 0.5)

    async def move(self) -> None:
        """The old one lives while the new one says `hello`; then it is cut, or left to end by itself."""
        older = self.ann.link
        await self.back(self.chance.choice(LINKS))
        if self.chance.random() < 0.5:
            older.drop()

    async def drop(self) -> None:
        """Cut at once, perhaps with a request half said, and come back."""
        if self.chance.random() < 0.5:
            with trio.move_on_after(self.chance.choice([0, 0.0005, 0.002])):
                await self.request()
        self.ann.drop()
        await self.back(self.chance.choice(LINKS))

    async def lose(self) -> None:
        """Over HTTP: lose the way down alone; it is asked for again, without a `hello`."""
        link = self.ann.link
        if not link.over_http:
            return
        await link.lose()
        if again := [self.open[number] for number in sorted(self.open)]:
            await self.ann.say(*again, array=True)

    async def listen(self) -> None:
        try:
            await self.ann.listen(self.chance.choice([0, 0.001, 0.004]))
        except Ended:
            await self.back(self.chance.choice(LINKS))

    async def step(self) -> None:
        self.collect()
        kinds = ["publish", "request", "move", "drop", "lose", "listen"]
        kind = self.chance.choices(kinds, [6, 5, 2, 1, 2, 6])[0]
        if kind in self.counts:
            self.counts[kind] += 1
        await getattr(self, kind)()

    async def end(self) -> None:
        """Whatever is open is answered, and what was heard is what was said."""
        await self.ann.fence()
        self.collect()
        while self.open:
            self.ann.take(await self.ann.link.more())
            self.collect()
        heard = [m["seq"] for m in self.ann.heard if m["type"] == "event" and m.get("room") in self.rooms]
        assert heard == self.said
        assert not [m for m in self.ann.heard if m["type"] == "gap"]
        log = await self.ann.emit("log", self.name)
        assert log == sorted(self.results), "each request once, in the order in which it was made"
        assert [self.results[number] for number in log] == list(range(1, len(log) + 1))


@pytest.mark.parametrize("seed", SEEDS)
async def test_each_entry_is_heard_once_in_order_and_each_request_done_once_over_random_moves(
    dial: Dial, name: str, seed: int
) -> None:
    chance = random.Random(seed)
    world = World(await dial(chance.choice(LINKS)).hello(), await dial(WebSocket).hello(), name, seed)
    await world.begin()
    with trio.fail_after(60):
        for _ in range(STEPS):
            await world.step()
        await world.end()
    done = f"{len(world.said)} entries, {len(world.results)} requests"
    print(f"seed {seed}: {STEPS} steps, {done}, {world.counts}")
