"""A machine driven by hand: the test is the server, and says message by message what it says."""

from __future__ import annotations

import random
from typing import Any

from rtcore.client.clock import Names
from rtcore.client.effects import Ask, Open, Shut, Write
from rtcore.client.event import Event, Gap
from rtcore.client.machine import Machine
from rtcore.client.outbox import Box
from rtcore.client.reader import Reader
from rtcore.client.words import data_of, decode
from tests.client.model import Clock

Said = dict[str, Any]


class Hand:
    """A machine, and a server's part that is played by hand."""

    def __init__(self, transport: str = "websocket") -> None:
        self.clock = Clock()
        dice = random.Random(1)
        self.machine = Machine(clock=self.clock, dice=dice, names=Names(dice.randbytes(16)), box=Box(1000))
        self.transport = transport
        self.said: list[Said] = []
        self.frames: list[list[Said]] = []
        self.shut: list[int] = []
        self.asked: list[Ask] = []
        self.gen = 0
        self.machine.start()
        self.pump()

    def pump(self) -> None:
        """Do what the machine wants done."""
        while self.machine.effects:
            effect = self.machine.effects.popleft()
            if isinstance(effect, Open):
                self.gen = effect.gen
            elif isinstance(effect, Write):
                frame = [said for message in effect.messages for said in decode(message)]
                self.frames.append(frame)
                self.said += frame
            elif isinstance(effect, Shut):
                self.shut.append(effect.code)
            elif isinstance(effect, Ask):
                self.asked.append(effect)

    def tell(self, *messages: Said, gen: int | None = None) -> None:
        """The server says this."""
        self.machine.heard(self.gen if gen is None else gen, list(messages))
        self.pump()

    def welcome(self, **fields: Any) -> Hand:
        """The connection opens and gets its welcome."""
        self.machine.opened(self.gen, None)
        self.pump()
        said = {
            "type": "welcome", "v": 1, "session": "s1", "key": "k", "user": "ann", "epoch": "k1", "seq": 100,
            "head": 100, "taken": 0, "resumed": False, "life": "l1", "rooms": [], "limits": {},
        }  # fmt: skip
        self.tell({**said, **fields})
        return self

    def cut(self) -> None:
        """The connection breaks, and the next attempt begins."""
        self.machine.closed(self.gen, 1006)
        self.pump()
        self.clock.time = max(self.clock.time, self.machine.deadline)
        self.machine.advance()
        self.pump()

    def request(self, kind: str, **fields: Any) -> Any:
        """The program asks for something."""
        request = self.machine.request(kind, fields)
        self.pump()
        return request

    def emit(self, data: object = 1) -> Any:
        """The program emits."""
        return self.request("emit", event="count", data=data_of(data))

    def join(self, name: str = "tea", **acked: Any) -> Reader:
        """The program joins a room, and is in it."""
        reader, number = self.joining(name)
        self.tell({"type": "ack", "id": number, "data": {"seq": 100, "began": 100, "history": [], **acked}})
        return reader

    def joining(self, name: str = "tea") -> tuple[Reader, int]:
        """The program joins a room, and the ack has not come; the number of the request."""
        state = self.machine.hearing.rooms.make(name)
        reader = Reader(name, state.mark)
        state.readers.append(reader)
        state.views += 1
        self.machine.join(state, {})
        self.pump()
        return reader, self.said[-1]["id"]


def event(seq: int, room: str = "tea") -> Said:
    return {"type": "event", "room": room, "event": "say", "data": seq, "seq": seq, "time": 0, "from": None}


def taken(reader: Reader) -> list[Any]:
    """What waits in it: numbers of events, and gaps as pairs."""
    found: list[Any] = []
    while (item := reader.take()) is not None:
        found.append(item.seq if isinstance(item, Event) else (item.first, item.last))
        assert isinstance(item, Event | Gap)
    return found
