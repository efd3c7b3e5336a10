"""Some hours of a collection in a box: programs that change it, online and off, are started again, copied,
cut off.

At the end every view is the server's, each change was done once or is told to its author, and the documents
are those of a model of some lines: the changes of which their authors were told that they were done, in the
order of the numbers that they were told.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
import trio
import trio._core._run
import trio.testing

import rtcore
from rtcore.client import Client, Collection
from rtcore.client.collections.held import Held
from rtcore.client.collections.table import Table
from rtcore.errors import RtcoreError
from rtcore.testing import Network, network_in_a_box
from tests.sim.boxfile import BoxFile
from tests.sim.shared_model import documents_of
from tests.sim.world import STORMS

NAME = "notes:all"
KEYS = [f"k{number}" for number in range(6)]
Change = tuple[int, str, int]
"""The file it was made in, the client id, and its number."""


class SharedWorld:
    """What was said, what came of it, what was heard, and what is seen at the end."""

    def __init__(self, seed: int, strategy: str, clients: int) -> None:
        self.dice = random.Random(seed)
        self.app = rtcore.App()
        self.app.collection("notes:*", Any, strategy=strategy)
        self.came: dict[Change, tuple[str, dict[str, Any]]] = {}
        self.taken_back: set[Change] = set()
        self.heard: dict[tuple[str, int], dict[str, Any]] = {}
        self.views: dict[str, dict[str, Any]] = {}
        self.left: dict[str, int] = {}
        self.settled: dict[str, Collection[Any]] = {}
        self.epochs: set[str] = set()
        self.documents: dict[str, Any] = {}
        self.names = [f"{'abcdefgh'[number]}{number}" for number in range(clients)]
        self.files = {name: BoxFile(name) for name in self.names}
        self.scopes: dict[str, trio.CancelScope] = {}
        self.count = 0
        self.calm = trio.Event()
        self.ended = trio.Event()
        self.network: Network
        self._file_of: dict[int, int] = {}

    # -- what people do

    async def live(self, name: str, nursery: trio.Nursery) -> None:
        """One program's lives, one after the other."""
        while not self.ended.is_set():
            try:
                with trio.CancelScope() as self.scopes[name]:
                    await self._one_life(name)
            except RtcoreError as error:
                self.network.note(f"{name} ended: {error}")
            await trio.sleep_until(trio.current_time() + 0.01)

    async def _one_life(self, name: str) -> None:
        file = self.files[name]
        async with self.network.client(name, outbox=file) as client:
            self._file_of[id(client._machine.table)] = id(file)
            notes: Collection[Any] = await client.collection(NAME)
            while not self.calm.is_set():
                with trio.move_on_after(self.dice.expovariate(0.5)):
                    await self.calm.wait()
                await self._do_something(notes)
            await self._settle(name, client, notes)

    async def _do_something(self, notes: Collection[Any]) -> None:
        dice, key = self.dice, self.dice.choice(KEYS)
        self.count += 1
        what, token = dice.random(), f"t{self.count}"
        if notes.conflicts and dice.random() < 0.5:
            conflict = dice.choice(notes.conflicts)
            how = dice.choice([conflict.keep_mine, conflict.keep_theirs, conflict.discard])
            await how()
        elif key not in notes:
            await notes.put(key, dict.fromkeys(dice.sample("abc", 2), token))
        elif what < 0.55:
            fields = dict.fromkeys(dice.sample("abc", dice.choice([1, 1, 2])), token)
            unset = ("c",) if dice.random() < 0.2 and "c" not in fields else ()
            await notes.patch(key, fields, _unset=unset)
        elif what < 0.8:
            await notes.put(key, dict.fromkeys(dice.sample("abc", 2), token))
        elif what < 0.9:
            change = await notes.patch(key, {"a": token})
            await notes.discard(change)
        else:
            await notes.delete(key)

    async def _settle(self, name: str, client: Client, notes: Collection[Any]) -> None:
        await client.ready()
        for _ in range(60):
            await trio.sleep_until(trio.current_time() + 10)
            if notes.whole and not notes.pending:
                break
        self.settled[name] = notes
        await self.ended.wait()

    # -- what the world does

    async def storm(self, nursery: trio.Nursery, until: float) -> None:
        """Faults, one after the other."""
        network, dice = self.network, self.dice
        while trio.current_time() < until:
            await trio.sleep_until(trio.current_time() + dice.expovariate(0.2))
            what, name = dice.random(), dice.choice(self.names)
            if what < 0.25:
                network.cut(dice.choice([None, name]))
            elif what < 0.6:
                network.turn(dice.choice([None, name]), **dice.choice(STORMS)(dice))
                await trio.sleep_until(trio.current_time() + dice.uniform(1, 40))
                network.clear_up()
            elif what < 0.7:
                network.wall_offset[name] = dice.randint(-90_000_000, 90_000_000)
            elif what < 0.85:
                self.crash(name)
            elif what < 0.89 and len(self.names) < 8:
                self._copy(name, nursery)
            elif dice.random() < 0.5:
                await network.kill_server()
                await trio.sleep_until(trio.current_time() + dice.uniform(0, 5))
                await network.start_server()
            else:
                await network.stop_server()
                await network.start_server()

    def crash(self, name: str) -> None:
        """The program ends where it is: what is not on disk is lost."""
        self.network.note(f"{name} crashes")
        self.files[name].close()
        if name in self.scopes:
            self.scopes[name].cancel()

    def _copy(self, name: str, nursery: trio.Nursery) -> None:
        """Somebody starts a copy of a file; in half of the cases nobody can tell that it is one."""
        copy = f"{name}x{len(self.names)}"
        self.network.note(f"{copy} is a copy of {name}")
        self.files[copy] = self.files[name].copy(name if self.dice.random() < 0.5 else copy)
        self.names.append(copy)
        nursery.start_soon(self.live, copy, nursery)

    async def run(self, seconds: float) -> None:
        """All of it."""
        async with network_in_a_box(self.app, seed=self.dice.getrandbits(32)) as self.network:
            until = trio.current_time() + seconds
            async with trio.open_nursery() as nursery:
                for name in self.names:
                    nursery.start_soon(self.live, name, nursery)
                await self.storm(nursery, until)
                self.network.clear_up()
                self.calm.set()
                while len(self.settled) < len(self.names):  # noqa: ASYNC110 - nobody says so
                    await trio.sleep_until(trio.current_time() + 1)
                # What the last of them said is heard by the first.
                await trio.sleep_until(trio.current_time() + 5)
                self.documents = self.app.collection(NAME).snapshot()
                for name, notes in self.settled.items():
                    self.left[name] = len(notes.pending)
                    self.views[name] = {key: notes.raw(key) for key in notes}
                    self.epochs.add((notes.position or "").partition(".")[0])
                self.ended.set()

    # -- watching

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Look over the shoulder of each program: what it keeps, what it is told, what it hears."""
        world, tell, heard = self, Held._tell, Held.heard

        def tells(held: Held, seen: Any, news: Any, **options: Any) -> None:
            for n, what, answer in news:
                if what == 2:
                    world.taken_back.add(world._name(held._table, n))
                if what == 0:
                    world.came[world._name(held._table, n)] = (held._table.hearing.epoch or "", answer)
            tell(held, seen, news, **options)

        def hears(held: Held, run: Any) -> None:
            for event in run:
                known = world.heard.setdefault((held._table.hearing.epoch or "", event.seq), event.data)
                assert known == event.data, f"two hear different things under {event.seq}"
            heard(held, run)

        patch.setattr(Held, "_tell", tells)
        patch.setattr(Held, "heard", hears)

    def _name(self, table: Table, n: int) -> Change:
        return self._file_of.get(id(table), 0), table.me.client, n

    @property
    def said(self) -> dict[Change, dict[str, Any]]:
        """What every program has kept of its changes."""
        files = self.files.values()
        return {(id(file), *name): said for file in files for name, said in file.said.items()}

    # -- what must hold

    def check(self) -> None:
        """Whatever happened."""
        assert not any(self.left.values()), f"changes are left: {self.left}"
        for name, view in self.views.items():
            assert view == self.documents, f"{name} sees something else than the server"
        (epoch,), said = self.epochs, self.said
        done = [
            (answer["seq"], said[change], answer)
            for change, (of, answer) in self.came.items()
            if of == epoch
            and not {"rejected", "conflict"} & answer.keys()
            and change in said
            # (Of one that was taken back, its number is said, and does nothing.)
            and said[change]["op"] != "skip"
        ]
        assert documents_of(done) == self.documents
        writers = [(of, data["writer"], data["n"]) for (of, _), data in self.heard.items()]
        assert len(writers) == len(set(writers)), "a change was done twice"
        told = self.came.keys() | self.taken_back
        # (What was taken back before the file was copied was told to the program on the other.)
        before = {change[1:] for change in told}
        skips = {change for change in said if said[change]["op"] == "skip" and change[1:] in before}
        assert said.keys() <= told | skips, "nobody was told of a change"


def play(
    seed: int, patch: pytest.MonkeyPatch, *, strategy: str = "merge", clients: int = 3, seconds: float = 120.0
) -> SharedWorld:
    """One run; the same seed gives the same."""
    trio._core._run._ALLOW_DETERMINISTIC_SCHEDULING = True
    trio._core._run._r.seed(seed)
    world = SharedWorld(seed, strategy, clients)
    world.watch(patch)
    trio.run(world.run, seconds, clock=trio.testing.MockClock(autojump_threshold=0))
    return world
