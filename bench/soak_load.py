"""The load of the soak: clients that do what clients do, good and bad, in one loop."""

from __future__ import annotations

import random
import time
import zlib
from dataclasses import dataclass
from typing import Any

import msgspec

from .crowd import FIN, RSV1, TEXT, UPGRADE, UPGRADE_DEFLATE, Crowd, Member, frame, text

RAW = UPGRADE.replace(b"/rt/ws", b"/raw")
STRANGE = UPGRADE.replace(b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 7")
HELLO = text({"type": "hello"})
ROOMS = 40
# Steps of the load in a second: each is one client doing one thing.
RATE = 600


def join(room: str, number: int) -> bytes:
    """A join with this id."""
    return text({"type": "join", "id": number, "room": room})


@dataclass
class Counts:
    """How often each thing was done."""

    echoes: int = 0
    publishes: int = 0
    joins: int = 0
    resumes: int = 0
    raw: int = 0
    refused: int = 0
    compressed: int = 0
    heard: int = 0


class Load:
    """All clients of the soak but the pair that is measured."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd, self.counts, self.dice = crowd, Counts(), random.Random(7)
        self.talkers, self.squeezers = crowd.add(200), crowd.add(20)
        self.raws, self.slow, self.strangers = crowd.add(20), crowd.add(20), crowd.add(1)
        self.took: list[float] = []
        self.pair = crowd.add(2)
        self._said_at: dict[int, float] = {}

    def begin(self) -> None:
        """All connect; the slow ones stop reading at once."""
        for member in self.crowd.members:
            member.on_said = self._hear
        self.crowd.connect(self.talkers, UPGRADE + HELLO)
        self.crowd.connect(self.squeezers, UPGRADE_DEFLATE + HELLO)
        self.crowd.connect(self.raws, RAW)
        self.crowd.connect(self.slow, UPGRADE + HELLO + join("crowd", 1), window=4096)
        self.crowd.connect(self.pair, UPGRADE + HELLO + join("pair", 1))
        speaking = [*self.talkers, *self.squeezers, *self.slow, *self.pair]
        self.crowd.run(lambda: all(member.session for member in speaking), what="welcome")
        for member in speaking:
            member.ids = 1
        for member in self.slow:
            self.crowd.read(member, False)
        self.pair[1].on_said = self._hear_pair

    def _hear(self, _: Member, said: dict[str, Any]) -> None:
        self.counts.heard += said["type"] == "event"

    def _hear_pair(self, _: Member, said: dict[str, Any]) -> None:
        if said["type"] == "event" and (at := self._said_at.pop(said["data"], None)) is not None:
            self.took.append(time.perf_counter() - at)

    def step(self) -> None:
        """One client does one thing."""
        member, kind = self.dice.choice(self.talkers), self.dice.random()
        room = f"room:{self.dice.randrange(ROOMS)}"
        if member.sock is None or not member.session:
            self._back(member)
        elif kind < 0.3:
            event = "echo" if kind < 0.15 else "echo-async"
            member.request("emit", event=event, data="x" * self.dice.randrange(300))
            self.counts.echoes += 1
        elif kind < 0.5:
            member.request("publish", room=room, event="n", data="y" * self.dice.randrange(1500))
            self.counts.publishes += 1
        elif kind < 0.7:
            member.request("join" if kind < 0.6 else "leave", room=room)
            self.counts.joins += 1
        elif kind < 0.73:
            member.cut()
        elif kind < 0.75:
            self.pair[0].request("publish", room="crowd", event="n", data="z" * 1000)
            self.counts.publishes += 1
        elif kind < 0.8:
            self._strange()
        elif kind < 0.9:
            self._squeezed(self.dice.choice(self.squeezers))
        else:
            raw = self.dice.choice(self.raws)
            if raw.sock is None:
                raw.connect(RAW)
            elif raw.status == 101 and self.dice.random() < 0.02:
                raw.cut()
            elif raw.status == 101:
                # The answer is JSON too, since the crowd reads nothing else.
                raw.say({"type": "raw", "data": "r" * self.dice.randrange(500)})
            self.counts.raw += 1

    def measure(self) -> None:
        """The pair says one thing, unless the one before was not heard yet."""
        first = self.pair[0]
        if len(self._said_at) < 4:
            first.ids += 1
            self._said_at[first.ids] = time.perf_counter()
            said = {"type": "publish", "id": first.ids, "room": "pair", "event": "n", "data": first.ids}
            first.say({**said, "echo": False})

    def _back(self, member: Member) -> None:
        if member.sock is not None and member.status in (0, 101):
            return  # under way
        hello = member.returning if member.session else {"type": "hello"}
        member.connect(UPGRADE + text(hello))
        self.counts.resumes += 1

    def _strange(self) -> None:
        stranger = self.strangers[0]
        if stranger.sock is None or stranger.status:
            stranger.drop()
            stranger.connect(STRANGE)
            self.counts.refused += 1

    def _squeezed(self, member: Member) -> None:
        if member.sock is None:
            member.connect(UPGRADE_DEFLATE + text(member.returning))
            return
        member.ids += 1
        said = {"type": "emit", "id": member.ids, "event": "echo", "data": "small"}
        squeeze = zlib.compressobj(1, zlib.DEFLATED, -15)
        data = squeeze.compress(msgspec.json.encode(said)) + squeeze.flush(zlib.Z_SYNC_FLUSH)
        member.raw(frame(TEXT, data.removesuffix(b"\x00\x00\xff\xff"), first=FIN | RSV1))
        self.counts.compressed += 1

    def keep_slow(self) -> None:
        """Who never reads is closed in the end, and does not see it; so each second one begins again."""
        self.dice.choice(self.slow).cut()
        for member in self.slow:
            if member.sock is None:
                member.reading = True
                member.session = ""
                member.connect(UPGRADE + HELLO + join("crowd", 1), window=4096)
            elif member.reading and member.session:
                self.crowd.read(member, False)
