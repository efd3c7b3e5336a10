"""One run: a folder, some people, some lives of the server, and the judge at the end."""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import trio

from tests.contract.link import Place
from tests.contract.websocket import WebSocket
from tests.patience import PATIENCE

from .disk import FAIL_SYNC, FAIL_WRITE, FULL, HANG_SYNC_MS, Disk, forget
from .ears import ROOMS, is_durable
from .facts import Facts, Message
from .judge import judge
from .person import Person
from .place import Life, Nest
from .shelf import COLLECTION, ROOM

LIMITS = {"grace_ms": 500, "close_ms": 100}


@dataclasses.dataclass
class Ways:
    """How a run goes. `every`: a life takes so long (s), and not a random time up to
    `longest`. `trouble` names what the disk does now and then: it fails, hangs, or is full.

    `shadow`: what was not synced is gone after each kill, as if the machine had stopped.
    """

    lives: int = 2
    longest: float = 0.4
    every: float | None = None
    people: int = 4
    stops: float = 0.15
    disk: Disk | None = None
    shadow: bool = False
    trouble: str = ""
    machine: bool = False
    honest_disk: bool = True


WAYS: Final[dict[str, Callable[[], Ways]]] = {
    "honest": Ways,
    "forgets": lambda: Ways(stops=0, machine=True, disk=Disk(), shadow=True),
    "fails": lambda: Ways(disk=Disk(), trouble="fails", honest_disk=False),
    "hangs": lambda: Ways(disk=Disk(), trouble="hangs", honest_disk=False, longest=1.0),
    "full": lambda: Ways(disk=Disk(), trouble="full", honest_disk=False),
}
"""How a disk may be, by name."""


class Run:
    """One run; the same seed makes the same choices, though the kernel and the disk take their own time."""

    def __init__(self, seed: int, nest: Nest, ways: Ways) -> None:
        self.seed = seed
        self.nest = nest
        self.ways = ways
        self.dice = random.Random(seed)
        self.facts = Facts(machine=ways.machine)
        self.folder = Path(tempfile.mkdtemp(prefix=f"rtcore-crash-{seed}-"))
        self.people = {
            name: Person(name, self.facts, random.Random(self.dice.getrandbits(64)))
            for name in ("ann", "bob", "cid", "dan", "eve", "fay")[: ways.people]
        }
        for person in self.people.values():
            person.others = self.people
        self.starts: list[float] = []

    async def run(self) -> list[str]:
        """All of it; what is wrong."""
        for _ in range(self.ways.lives):
            await self._life()
        life = self._start()
        try:
            place = await life.reached()
            self.starts.append(life.took)
            async with trio.open_nursery() as nursery:
                for person in self.people.values():
                    nursery.start_soon(person.settle, place)
            await self._read_back(place)
            status = life.stop()
            if status != 0:
                self.facts.broken.append(f"the server ended with {status}")
        finally:
            life.kill()
        notes = self.folder / "notes"
        if notes.exists():
            for line in notes.read_text(encoding="ascii").splitlines():
                handler, _, token = line.partition(" ")
                self.facts.runs.append((handler, token))
        return judge(self.facts, honest_disk=self.ways.honest_disk)

    def _start(self) -> Life:
        data = self.folder / "data"
        env = self.ways.disk.env(data, shadow=self.ways.shadow) if self.ways.disk is not None else {}
        return Life(self.nest, self.folder, env, LIMITS)

    async def _life(self) -> None:
        """A server under load, to its sudden end."""
        life = self._start()
        try:
            place = await life.reached()
            self.starts.append(life.took)
            with trio.CancelScope() as patience:
                await self._under_load(life, place, patience)
            if patience.cancelled_caught:
                self.facts.broken.append("a client went on though its server was gone")
        finally:
            life.kill()
            if self.ways.disk is not None:
                self.ways.disk.calm()
        if self.ways.shadow:
            assert self.ways.disk is not None
            forget(self.folder / "data", self.dice)
            self.ways.disk.reboot()

    async def _under_load(self, life: Life, place: Place, patience: trio.CancelScope) -> None:
        async with trio.open_nursery() as nursery:
            for person in self.people.values():
                nursery.start_soon(person.live, place)
            if self.ways.trouble:
                nursery.start_soon(self._trouble)
            await trio.sleep(self.ways.every or self.dice.uniform(0.02, self.ways.longest))
            if self.dice.random() < self.ways.stops:
                status = await trio.to_thread.run_sync(life.stop)
                if status != 0:
                    self.facts.broken.append(f"a server that was told to stop ended with {status}")
            else:
                self.facts.kills += 1
                life.kill()
            patience.deadline = trio.current_time() + PATIENCE

    async def _trouble(self) -> None:
        """The disk does what it does now and then, and is good again."""
        disk, dice = self.ways.disk, self.dice
        assert disk is not None
        await trio.sleep(dice.uniform(0, self.ways.longest / 2))
        if self.ways.trouble == "fails":
            disk.wish(dice.choice([FAIL_SYNC, FAIL_WRITE]), dice.choice([1, 1, 3]))
            return
        what, value, least, most = FULL, -1, 0.02, 0.3
        if self.ways.trouble == "hangs":
            what, value, least, most = HANG_SYNC_MS, dice.choice([50, 300, 30_000]), 0.05, 0.4
        disk.wish(what, value)
        try:
            await trio.sleep(dice.uniform(least, most))
        finally:
            disk.wish(what, 0)  # also where somebody's fault ends the run: its server is to end, too

    async def _read_back(self, place: Place) -> None:
        """What is kept of each durable room, read by somebody who was never there."""
        reader = Reader(place)
        await reader.hello()
        for room in ROOMS:
            if is_durable(room):
                self.facts.past[room] = await reader.past(room)
        self.facts.docs = await reader.documents()
        reader.link.drop()

    def keep(self) -> Path:
        """The folder, for somebody to look into, with what each said and heard."""
        for person in self.people.values():
            lines = [f"{way} {json.dumps(message)}\n" for way, message in person.trace]
            (self.folder / f"{person.name}.trace").write_text("".join(lines), encoding="utf-8")
        return self.folder

    def clear(self) -> None:
        """It is not needed any more."""
        shutil.rmtree(self.folder, ignore_errors=True)


class Reader:
    """Reads the past of rooms, page by page."""

    def __init__(self, place: Place) -> None:
        self.link = WebSocket(place)
        self.ids = 0
        self.epoch = ""

    async def hello(self) -> None:
        """Come."""
        messages = await self.link.hello({"token": "reader"})
        self.epoch = messages[0]["epoch"]

    async def ask(self, message: Message) -> Any:
        """A request and its answer."""
        self.ids += 1
        await self.link.say({**message, "id": self.ids})
        with trio.fail_after(PATIENCE):
            while True:
                for heard in await self.link.more():
                    if heard["type"] == "ack" and heard["id"] == self.ids:
                        assert "error" not in heard, heard
                        return heard["data"]

    async def documents(self) -> dict[str, tuple[int, Any]]:
        """All documents of the collection, page by page."""
        await self.ask({"type": "join", "room": ROOM})
        found: dict[str, tuple[int, Any]] = {}
        fields: Message = {}
        while True:
            page = await self.ask({"type": "pull", "collection": COLLECTION, "limit": 2, **fields})
            found |= {doc["key"]: (doc["seq"], doc["value"]) for doc in page["docs"] if "value" in doc}
            if page["complete"]:
                return found
            fields = {"after": page["next"], "begun": page["begun"]}

    async def past(self, room: str) -> list[tuple[int, Any]]:
        """All of it, oldest first."""
        await self.ask({"type": "join", "room": room})
        found: list[tuple[int, Any]] = []
        after = 0
        while True:
            page = await self.ask(
                {"type": "history", "room": room, "after": f"{self.epoch}.{after}", "limit": 100}
            )
            found += [(entry["seq"], entry["data"]) for entry in page["history"]]
            if not page["more"]:
                return found
            assert page["history"], f"{room}: there is more, and nothing of it came"
            after = found[-1][0]
