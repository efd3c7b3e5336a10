"""The ears of a client of a crash run: it comes, hears, comes back, and writes down what it sees.

It is written from `docs/protocol.md`, and shares no code with rtcore.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from typing import Any, Final

import trio

from tests.contract.http1 import Ended as Cut
from tests.contract.link import Ended, Link, Message, Place, Refused
from tests.contract.polling import Polling
from tests.contract.sse import Sse
from tests.contract.websocket import MsgPackSocket, WebSocket
from tests.patience import PATIENCE

from .facts import Facts, Hearing, Said
from .shelf import ROOM, Shelf

DURABLE: Final = ("full:a", "full:b", "normal:a")
ROOMS: Final = (*DURABLE, "said:a", "live:a")
LINKS: Final[tuple[type[Link], ...]] = (WebSocket, WebSocket, MsgPackSocket, Sse, Polling)
GONE: Final = (Ended, Cut, OSError, EOFError, trio.BrokenResourceError, trio.ClosedResourceError)


def is_durable(room: str) -> bool:
    """Whether what is said there is kept."""
    return not room.startswith("live:")


def _end(item: tuple[str, Any, Any]) -> int:
    """The highest number that something which was heard speaks of."""
    return int(item[1][1] if item[0] == "gap" else item[1])


class Ears:
    """A user with one session at a time."""

    def __init__(self, name: str, facts: Facts, dice: random.Random) -> None:
        self.name = name
        self.facts = facts
        self.dice = dice
        self.others: Mapping[str, Ears] = {}  # all, by name
        self.tokens = 0
        self.shelf = Shelf(name, facts, dice)
        self.link: Link | None = None
        self.trace: list[
            tuple[str, Any]
        ] = []  # all that it said and heard, for who looks into a run that failed
        self.forget()

    def forget(self) -> None:
        """From here on it is somebody new, of the same user."""
        for hearing in getattr(self, "hearing", {}).values():
            self.over(hearing)
        for said in getattr(self, "unacked", {}).values():
            said.given_up = True
        self.shelf.away()
        self.session, self.key, self.epoch = "", "", ""
        self.position = 0
        self.ids = 0
        self.unacked: dict[int, Said] = {}
        self.known: dict[int, Said] = {}
        self.hearing: dict[str, Hearing] = {}
        self.early: dict[str, list[tuple[str, Any, Any]]] = {}
        self.removed: set[str] = set()  # rooms from which it was taken out, for sure
        # Over plain HTTP an ack comes by one connection and `left` by another, and either may come first.
        self.stays: dict[
            str, int
        ] = {}  # of each room the newest join that was acknowledged since the welcome
        self.ahead: list[Message] = []  # `left` that waits for the ack of the join whose stay it ends
        self.owed: set[str] = set()  # rooms it joined anew while it may still be taken out
        self.durable = False  # it has durable matter: a server knows it after a crash
        self.ending = False  # it was told to end, or said so itself
        self.ended = False  # for sure
        self.fenced: set[str] = set()
        self.fences = 0
        self.changed = trio.Event()

    # -- coming

    async def come(self, place: Place) -> bool:
        """Say hello, with the session if there is one. False: nobody answers."""
        self.link = self.dice.choice(LINKS)(place)
        # What others are told of it while the welcome is on its way came after that, or before: nobody knows.
        ended, removed = self.ended, frozenset(self.removed)
        fields: Message = {"token": self.name}
        if self.session:
            fields |= {
                "session": self.session,
                "key": self.key,
                "position": f"{self.epoch}.{self.position}",
            }
        try:
            with trio.fail_after(PATIENCE):
                messages = await self.link.hello(fields)
        except GONE:
            return False
        if messages[0]["type"] == "bye" and messages[0]["code"] == 4000:
            return False  # it stops
        assert messages[0]["type"] == "welcome", messages
        self.trace += [(">", fields), ("<", messages[0])]
        self._welcome(messages[0], ended, removed)
        for message in messages[1:]:
            self.take(message)
        try:
            await self._again()
        except (*GONE, Refused):
            return False
        return True

    def _welcome(self, welcome: Message, ended: bool, removed: Collection[str]) -> None:
        """`ended`, out of these rooms: so it was for sure when it said hello."""
        facts = self.facts
        self.stays, self.ahead = {}, []
        if self.session and welcome["resumed"]:
            facts.resumed += 1
            if welcome["session"] != self.session:
                facts.broken.append(f"{self.name} resumed another session")
            if ended:
                facts.broken.append(f"{self.name} {self.session} is back, and had ended")
            if welcome["epoch"] != self.epoch:
                facts.broken.append(f"{self.name} resumed in another epoch")
            if welcome["seq"] > self.position:
                facts.broken.append(f"{self.name} was at {self.position}, and is fed from {welcome['seq']}")
            self._rooms({listed["room"] for listed in welcome["rooms"]}, removed)
            self.shelf.back()
            self.ids = max(self.ids, welcome["taken"])
            return
        if self.session:
            facts.fresh += 1
            if self.durable and not self.ending:
                facts.broken.append(f"{self.name} {self.session} was not resumed, and had durable matter")
            unacked = [said for said in self.unacked.values() if said.key is not None]
            self.forget()
        else:
            unacked = []
        self.session, self.key, self.epoch = welcome["session"], welcome["key"], welcome["epoch"]
        self.position = welcome["seq"]
        facts.epochs.add(self.epoch)
        for said in unacked:  # under a new id: the key says that it is the same
            said.given_up = False
            self.number(said)

    def _rooms(self, listed: set[str], removed: Collection[str]) -> None:
        """What it is in, says the server."""
        for room, hearing in list(self.hearing.items()):
            if hearing.over:
                continue
            if room not in listed:
                kept = is_durable(room) and not (self.facts.machine and room.startswith("normal"))
                if kept and not hearing.unsure and room not in self.owed:
                    self.facts.broken.append(f"{self.name} {self.session} was in {room}, and is not any more")
                self.over(hearing)
            elif room in removed and not self._joins(room):
                self.facts.broken.append(f"{self.name} {self.session} is in {room}, and was taken out")

    def _joins(self, room: str) -> bool:
        """A join of this room is under way, or was done and its ack lost."""
        return bool(self._joining(room))

    def _joining(self, room: str) -> list[Said]:
        return [said for said in self.unacked.values() if said.kind == "join" and said.what == room]

    async def _again(self) -> None:
        """All that has no ack, by rising id; and sometimes one that has."""
        link = self.link
        assert link is not None
        acked = [said for said in self.known.values() if said.answers and said.kind in {"publish", "emit"}]
        again = sorted(self.unacked.items())
        if acked and self.dice.random() < 0.3:
            once_more = self.dice.choice(acked[-8:])
            again = sorted([*again, (once_more.id, once_more)], key=lambda pair: pair[0])
        for number, said in again:
            said.sent += 1
            await self.say({**said.message, "id": number})

    # -- hearing

    async def listen(self, link: Link) -> None:
        """Until the connection ends, or is let go of: what comes of it then is for nobody."""
        while self.link is link:
            for message in await link.more():
                if self.link is not link:
                    return
                self.take(message)
                if message["type"] == "request":
                    await self.say({"type": "reply", "id": message["id"], "data": message["data"]})

    def take(self, message: Message) -> None:
        """Write down what came."""
        self.trace.append(("<", message))
        kind = message["type"]
        if kind == "event":
            self._event(message)
        elif kind == "ack":
            self._ack(message)
            ahead, self.ahead = self.ahead, []
            for left in ahead:
                self._left(left)
        elif kind == "gap":
            item = ("gap", (message["from"], message["to"]), message["reason"])
            self._hear(message.get("room", ""), item)
        elif kind == "room" and message["room"] == ROOM:
            self.shelf.named(message.get("sync"))
        elif kind == "left":
            self._left(message)
        elif kind == "request":
            asked = self.facts.asked.setdefault((self.session, message["id"]), set())
            asked.add(str(message["data"]))
        elif kind == "bye" and message.get("code") == 4503:
            self.ended = self.ending
        self.changed.set()
        self.changed = trio.Event()

    def _left(self, left: Message) -> None:
        room, stay = left["room"], left["id"]
        if any(said.id <= stay for said in self._joining(room)):
            self.ahead.append(left)
            return
        hearing = self.hearing.get(room)
        if hearing is not None and not hearing.over and stay >= self.stays.get(room, 0):
            if not hearing.unsure and room not in self.owed:
                self.facts.broken.append(f"{self.name} was taken out of {room} by nobody")
            self.over(hearing)
        self.owed.discard(room)

    def _event(self, message: Message) -> None:
        seq = message.get("seq")
        if seq is None:
            return
        if seq <= self.position:
            self.facts.broken.append(f"{self.name} heard {message} at or below {self.position}")
            return
        self.position = seq
        room = message.get("room")
        if room == ROOM:
            self.shelf.heard(message)
            return
        if room is None:
            if message["event"] == "fence":
                self.fenced.add(str(message["data"]))
            return
        self._hear(room, ("event", seq, message["data"]))

    def _hear(self, room: str, item: tuple[str, Any, Any]) -> None:
        """Of a room that it is in; or that it will be in, when the ack of its join is here."""
        hearing = self.hearing.get(room)
        if hearing is None or hearing.over:
            self.early.setdefault(room, []).append(item)
        else:
            hearing.items.append(item)

    def _ack(self, ack: Message) -> None:
        said = self.known.get(ack["id"])
        if said is None:
            self.facts.broken.append(f"{self.name} has an ack of nothing: {ack}")
            return
        self.unacked.pop(ack["id"], None)
        said.answers.append(ack)
        if said.kind == "push":
            self.shelf.acked(ack)
        if "error" in ack or said.kind == "push":
            return
        if said.what == ROOM:
            self.shelf.joined(ack["data"])
        elif said.kind == "join":
            self.stays[said.what] = max(said.id, self.stays.get(said.what, 0))
            self._joined(said.what, ack["data"]["began"])
            self.durable = self.durable or is_durable(said.what)
        elif said.kind == "leave":
            hearing = self.hearing.get(said.what)
            if hearing is not None and hearing.unsure:
                self.over(hearing)
        elif said.kind == "publish":
            self.durable = self.durable or is_durable(said.what)
        elif said.what in {"buy", "note"}:
            self.durable = True
        elif said.what in {"kick", "end"} and ack["data"] is True:
            self._is_done(said)

    def _is_done(self, said: Said) -> None:
        """Another one was taken out of a room, or ended, and it is on disk."""
        data = said.message["data"]
        session = data["session"] if isinstance(data, dict) else data
        for other in self.others.values():
            if other.session == session:
                if said.what == "end":
                    other.ended = True
                else:
                    hearing = other.hearing.get(data["room"])
                    if hearing is not None and hearing.unsure and hearing.began == said.at:
                        other.removed.add(data["room"])

    def _joined(self, room: str, began: int) -> None:
        hearing = self.hearing.get(room)
        if hearing is not None and not hearing.over:
            if hearing.began == began:
                return
            if hearing.unsure:
                self.owed.add(room)
            self.over(hearing)
        self.removed.discard(room)
        # A crash may undo a leave of a room that is not durable: then it was in it all the time, and what was
        # heard before is heard.
        same = hearing is not None and hearing.began == began
        after = max(hearing.after, hearing.upto) if hearing is not None and same else began
        # What came before the ack and was taken for the room as it was: above that it is of this one.
        before = [] if hearing is None else hearing.items
        items = [item for item in before if _end(item) > after]
        before[:] = [item for item in before if _end(item) <= after]
        hearing = self.hearing[room] = Hearing(self.name, self.session, room, began, after=after)
        hearing.items += items + [item for item in self.early.pop(room, []) if _end(item) > after]
        self.facts.heard.append(hearing)

    def over(self, hearing: Hearing) -> None:
        """It hears no more of this."""
        if not hearing.over:
            hearing.over = True
            if not hearing.unsure:
                hearing.upto = self.position

    # -- what is under way

    def doubt(self, hearing: Hearing) -> None:
        """Something is under way that may take it out."""
        hearing.unsure, hearing.upto = True, self.position

    def doubt_all(self) -> None:
        """Its end is under way."""
        self.ending = True
        for hearing in self.hearing.values():
            if not hearing.over and not hearing.unsure:
                self.doubt(hearing)

    # -- saying

    async def say(self, message: Message) -> None:
        """Say it, and take what comes back with it."""
        link = self.link
        assert link is not None
        self.trace.append((">", message))
        for heard in await link.say(message):
            if self.link is link:
                self.take(heard)

    def number(self, said: Said) -> None:
        """Give it the next id."""
        self.ids += 1
        said.id, said.session = self.ids, self.session
        self.unacked[self.ids] = self.known[self.ids] = said

    async def ask(
        self,
        kind: str,
        what: str,
        token: str,
        *,
        room: str | None = None,
        at: int | None = None,
        **fields: Any,
    ) -> Said:
        """Say a request under the next id."""
        of = {"emit": "event", "push": "collection"}.get(kind, "room")
        message = {"type": kind, of: what, **fields}
        said = Said(self.name, self.session, 0, kind, what, token, message, fields.get("key"), room)
        said.at = self.facts.now() if at is None else at
        self.number(said)
        self.facts.said.append(said)
        said.sent += 1
        await self.say({**message, "id": said.id})
        return said

    def token(self) -> str:
        """A word that nobody says twice."""
        self.tokens += 1
        return f"{self.name}.{self.tokens}"
