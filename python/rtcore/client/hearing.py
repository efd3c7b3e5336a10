"""What comes down: which room it is of, whether it was heard before, and who is told.

The position moves by `welcome.seq` and by the numbers of events alone, and only upwards.
"""

from __future__ import annotations

from collections import deque

from .asked import Asked
from .effects import Ask, Changed, Effect
from .event import Event, Gap, event_of
from .reader import Reader
from .rooms import Rooms
from .words import Said


class Hearing:
    """The way down of one session. `inbox`: what is said outside of joined rooms: to this session, its
    user, all.
    """

    def __init__(self, effects: deque[Effect]) -> None:
        self.rooms = Rooms()
        self.asked = Asked()
        self.inbox = Reader(None)
        self.epoch: str | None = None
        self.seq = 0
        self.had = 0
        """What was heard or told when the last `welcome` came: another session's feed may begin above it."""
        self.before: str | None = None
        """The position of the epoch before, where the last `welcome` began another one."""
        self.live_at: int | None = None
        """Up to where the past was told at the last return, once the server has said so."""
        self.received = 0
        self.stored_marks: dict[str, int] = {}
        """Of the process before this one: up to where each room was handed over."""
        self._marks: dict[str | None, int] = {}
        self._effects = effects

    @property
    def position(self) -> str | None:
        """`epoch.seq`: everything up to here was received, or told as a gap."""
        return None if self.epoch is None else f"{self.epoch}.{self.seq}"

    @property
    def done(self) -> str | None:
        """`epoch.seq`: everything up to here was handed to the program, and is done with."""
        if self.epoch is None:
            return None
        waiting = [reader.done for room in self.rooms for reader in room.readers]
        numbers = [number for number in (*waiting, self.inbox.done) if number is not None]
        return f"{self.epoch}.{min([self.seq, *numbers])}"

    def finish(self) -> None:
        """The program ends in good order: what it has in hand is done with."""
        for reader in (self.inbox, *(each for room in self.rooms for each in room.readers)):
            reader.in_hand = None

    def marks(self) -> dict[str, int]:
        """Of each room, the number up to which everything was handed to the program."""
        marks = dict(self.stored_marks)
        for room in self.rooms:
            numbers = [number for each in room.readers if (number := each.done) is not None]
            marks[room.name] = min([room.mark, *numbers])
        return marks

    # -- the position

    def begin(self, epoch: str, seq: int) -> None:
        """`welcome` says where the feed goes on."""
        self.rooms.welcomed()
        if epoch != self.epoch:
            if self.epoch is not None:
                self.before = self.position
                for room in self.rooms:
                    room.new_epoch()
                self._marks.clear()
                self.stored_marks.clear()
            self.epoch = epoch
            self.had = self.seq = seq
        else:
            self.before, self.had = None, self.seq
            self.seq = max(self.seq, seq)

    # -- messages

    def event(self, said: Said) -> None:
        """Something was said."""
        self.events([event_of(said)], None)

    def events(self, events: list[Event], size: int | None) -> None:
        """The same, many at a time; each has about so many bytes, where that is known."""
        seq, run = self.seq, list[Event]()
        name = events[0].room if events else None
        for event in events:
            number = event.seq
            if number is not None:
                if number <= seq:
                    continue
                seq = number
            if event.room != name:
                self._deliver(name, run, size)
                name, run = event.room, []
            run.append(event)
        self.seq = seq
        self._deliver(name, run, size)

    def _deliver(self, name: str | None, run: list[Event], size: int | None) -> None:
        """New events of one room, in their order."""
        self.received += len(run)
        room = self.rooms.get(name) if name is not None else None
        if room is not None:
            room.hear(run, size)
        elif name is None or name.startswith("$"):
            for event in run:
                self._to_inbox(event)

    def _to_inbox(self, item: Event | Gap) -> None:
        number = item.seq if isinstance(item, Event) else item.last
        if number is not None:
            if number <= self._marks.get(item.room, 0):
                return
            self._marks[item.room] = number
        self.inbox.push(item)

    def gap(self, said: Said) -> None:
        """What is not coming. Told at each return until an event passes it: here it is told once."""
        name, first, last, reason = said.get("room"), said["from"], said["to"], said.get("reason", "")
        room = self.rooms.get(name) if name is not None else None
        if room is not None:
            room.gap(first, last, reason)
        elif name is None or name.startswith("$"):
            if reason == "epoch":
                self._marks.pop(name, None)
            self._to_inbox(Gap(max(first, self._marks.get(name, 0) + 1), last, reason, name))

    def room(self, said: Said) -> None:
        """A room is confirmed after a return, or who is there may be seen again."""
        if (room := self.rooms.get(said["room"])) is not None:
            room.ahead.pop("left", None)  # it is in it since
            if room.is_told(said):
                room.snapshot(said)

    def told(self, said: Said) -> None:
        """`room`, `left` or `grants`, which waited for the ack of a join."""
        {"room": self.room, "left": self.left, "grants": self.grants}[said["type"]](said)

    def presence(self, said: Said) -> None:
        """Who came, who went."""
        if (room := self.rooms.get(said["room"])) is not None:
            room.presence(said)

    def grants(self, said: Said) -> None:
        """What the session may is another."""
        if (room := self.rooms.get(said["room"])) is not None and room.is_told(said):
            room.grants = tuple(said.get("grants") or ())

    def left(self, said: Said) -> None:
        """The application took the session out of a room."""
        if (room := self.rooms.get(said["room"])) is not None and room.is_told(said):
            room.left(said.get("reason", ""))
            if room.joining is None:
                self.rooms.forget(room.name)
            self._effects.append(Changed())

    def live(self, said: Said) -> None:
        """What was missed has been told. It moves no position."""
        self.live_at = said.get("seq")
        self._effects.append(Changed())

    # -- questions

    def request(self, said: Said) -> bytes | None:
        """The server asks; gives the reply that is kept, if it asked before."""
        answer = self.asked.comes(said["id"])
        if answer is True:
            self._effects.append(Ask(said["id"], said["event"], said.get("data")))
        return answer if isinstance(answer, bytes) else None

    def end_all(self, error: Exception) -> None:
        """The client is over."""
        for room in self.rooms:
            room.end(error)
        self.inbox.end(error)
