"""One client of a crash run: what it does, one thing after the other."""

from __future__ import annotations

import contextlib
from typing import Any, Final

import trio

from tests.contract.link import Ended, Place, Refused
from tests.patience import PATIENCE

from .ears import GONE, ROOMS, Ears
from .shelf import ROOM


class Person(Ears):
    """It says, drops, comes back, and is sometimes unkind to others."""

    async def act(self) -> None:
        """One thing after the other."""
        dice = self.dice
        while True:
            if len(self.unacked) > dice.choice([1, 4, 30]):
                await self.changed.wait()
                continue
            await getattr(self, "_" + dice.choices([*DEEDS], [*DEEDS.values()])[0])()
            await trio.sleep(dice.choice([0, 0, 0.0005, 0.002, 0.01]))

    async def _publish(self) -> None:
        rooms = [room for room, each in self.hearing.items() if not each.over and not room.startswith("said")]
        if not rooms:
            return await self._join()
        room, token = self.dice.choice(rooms), self.token()
        fields = {"key": f"k{token}"} if self.dice.random() < 0.3 else {}
        await self.ask("publish", room, token, event="say", data=token, **fields)
        return None

    async def _emit(self) -> None:
        event, token = self.dice.choice(["live", "buy", "buy", "note", "say", "ask"]), self.token()
        data: Any = token
        if event in {"buy", "note", "say"}:
            data = {"token": token, "room": "said:a", "slow": self.dice.choice([0, 0, 0.003, 0.02])}
        await self.ask("emit", event, token, room="said:a", data=data)

    async def _change(self) -> None:
        """Change a collection, or join it first; and say again what has no outcome."""
        shelf = self.shelf
        if not shelf.member:
            if not self._joins(ROOM):
                await self.ask("join", ROOM, self.token(), **shelf.join())
            return
        for _ in range(self.dice.choice([1, 1, 3])):
            shelf.change(self.token())
        await self._push()

    async def _push(self) -> None:
        said = self.shelf.push()
        if said is not None:
            self.shelf.flying = self.ids + 1
            await self.ask("push", said.pop("collection"), self.token(), **said)

    async def _join(self) -> None:
        await self.ask("join", self.dice.choice(ROOMS), self.token())

    async def _leave(self) -> None:
        rooms = [hearing for hearing in self.hearing.values() if not hearing.over and not hearing.unsure]
        if rooms:
            hearing = self.dice.choice(rooms)
            self.doubt(hearing)
            await self.ask("leave", hearing.room, self.token())

    async def _kick(self) -> None:
        other = self.dice.choice(list(self.others.values()))
        rooms = [each for each in other.hearing.values() if not each.over and not each.unsure]
        joining = {said.what for said in other.unacked.values() if said.kind == "join"}
        rooms = [each for each in rooms if each.room not in joining]
        if other is self or not rooms:
            return
        hearing = self.dice.choice(rooms)
        other.doubt(hearing)
        data = {"session": other.session, "room": hearing.room}
        await self.ask("emit", "kick", self.token(), at=hearing.began, data=data)

    async def _end(self) -> None:
        other = self.dice.choice(list(self.others.values()))
        if other is not self and other.session and not other.ending:
            other.doubt_all()
            await self.ask("emit", "end", self.token(), data=other.session)

    async def _bye(self) -> None:
        self.doubt_all()
        await self.say({"type": "bye"})
        assert self.link is not None
        await trio.sleep(PATIENCE)  # until the connection ends, which `listen` sees

    async def _drop(self) -> None:
        assert self.link is not None
        self.link.drop()
        raise Ended(1006, None)

    async def _anew(self) -> None:
        assert self.link is not None
        self.link.drop()
        self.link = None  # what was on its way to it is not for who comes next
        self.forget()
        raise Ended(1006, None)

    # -- a life of a server

    async def live(self, place: Place) -> None:
        """Come, say and hear, come again; until nobody answers."""
        while True:
            try:
                if not await self.come(place):
                    break
            except Refused as refused:  # it stops, or there is no room
                if refused.code not in {"OVERLOADED", "UNAVAILABLE"}:
                    raise
                await trio.sleep(0.01)
                continue
            try:
                await self._while_connected()
            except* (*GONE, Refused):
                pass
        self._hang_up()

    async def _while_connected(self) -> None:
        link = self.link
        assert link is not None
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.listen, link)
                nursery.start_soon(self.act)
        except* Ended as group:
            ended = [each for each in group.exceptions if isinstance(each, Ended)]
            if self.ending and any(each.code in {1000, 4503} for each in ended):
                self.ended = True
            raise
        finally:
            link.drop()

    async def _push_all(self) -> None:
        """Have an outcome of each change."""
        while self.shelf.pending:
            changed = self.changed  # as it was before anything was said: what is answered meanwhile counts
            if not self.shelf.member and not self._joins(ROOM):
                await self.ask("join", ROOM, self.token(), **self.shelf.join())
            await self._push()
            await changed.wait()

    def _hang_up(self) -> None:
        if self.link is not None:
            self.link.drop()

    async def settle(self, place: Place) -> None:
        """The end of a run: come back, have every ack, and hear all that there is to hear."""
        if not await self.come(place):
            raise AssertionError(f"{self.name} cannot come back")
        assert self.link is not None
        with contextlib.suppress(*GONE):
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self.listen, self.link)
                    with trio.move_on_after(PATIENCE) as patience:
                        while self.unacked:
                            await self.changed.wait()
                        await self._push_all()
                        fence = self.token()
                        await self.say({"type": "emit", "event": "fence", "data": fence})
                        while fence not in self.fenced:
                            await self.changed.wait()
                    nursery.cancel_scope.cancel()
            except* GONE:
                patience.cancelled_caught = False
                self.facts.broken.append(f"{self.name} was cut off while it settled")
            if patience.cancelled_caught:
                left = [f"{said.kind} {said.what} {said.token}" for said in self.unacked.values()]
                self.facts.broken.append(f"{self.name} has no ack of {left or 'a fence'}")
        for hearing in self.hearing.values():
            self.over(hearing)
        self._hang_up()


DEEDS: Final = {
    "publish": 50,
    "emit": 25,
    "change": 20,
    "join": 12,
    "leave": 2,
    "kick": 1.5,
    "end": 0.5,
    "bye": 0.5,
    "drop": 2,
    "anew": 0.7,
}
"""What one does, and how often."""
