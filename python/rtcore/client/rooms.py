"""The rooms of the client: who wants them, what was heard of them, and who is there.

For each room the client keeps the number up to which it has heard *or been told* (`mark`): a gap that ends
at or
below it was told before. Events that come before the ack of their join wait for it: history first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from .errors import LeftRoom
from .event import Event, Gap, Heard, event_of
from .reader import Reader
from .request import Request
from .words import Said

EARLY: Final = 1024


class RoomState:
    """One room, shared by all that joined it here."""

    def __init__(self, name: str, crowded: set[Reader], data: Any = None) -> None:
        self.name = name
        self.crowded = crowded
        """Of all rooms: consumers for whom much waits."""
        self.data = data
        """What the last join that was answered said to the authorizer (`msgspec.Raw`, or None)."""
        self.views = 0
        """How many joins of the program want it."""
        self.member = False
        """Whether the server said so: as it stood before whatever of ours is unanswered."""
        self.confirmed = False
        """Whether this connection said so."""
        self.durable = False
        """Whether the server keeps what is said there, and its keys, over a restart."""
        self.joining: Request | None = None
        self.leaving: Request | None = None
        self.stay = 0
        """The id of the newest join that was acknowledged since the last `welcome`."""
        self.ahead: dict[str, Said] = {}
        """`room`, `left` and `grants` that overtook the ack of the join of which they speak, newest last."""
        self.mark = 0
        self.began = 0
        self.start = 0
        """The number after which this membership's events begin, history included: where another consumer
        begins.
        """
        self.readers: list[Reader] = []
        self.members: dict[str, Said] = {}
        self.count: int | None = None
        self.state: Any = None
        self.grants: tuple[str, ...] = ()
        self._early: list[Event] = []
        self._early_missed = 0
        self._lost_epoch = False
        """Whether the numbers began anew, and its consumers have not been told yet."""

    # -- hearing

    def hear(self, run: list[Event], size: int | None = None) -> None:
        """Events of the feed, new to the session; each has about so many bytes, where that is known."""
        if self.joining is not None and not self.member:
            room = max(0, EARLY - len(self._early))
            self._early += run[:room]
            for event in run[room:]:
                self._early_missed = max(self._early_missed, event.seq or 0)
            return
        if size is None or not run or (run[0].seq or 0) <= self.mark:
            for event in run:
                self._take(event)
            return
        # They rise: what holds for the first holds for all.
        self.mark = next((event.seq for event in reversed(run) if event.seq is not None), self.mark)
        for reader in self.readers:
            reader.push_many(run, size)
            if reader.crowded:
                self.crowded.add(reader)

    def _take(self, item: Heard) -> None:
        number = item.seq if isinstance(item, Event) else item.last
        if number is not None:
            if number <= self.mark:
                return
            self.mark = number
        self._tell(item)

    def _tell(self, item: Heard) -> None:
        for reader in self.readers:
            reader.push(item)

    def gap(self, first: int, last: int, reason: str) -> None:
        """What the server will not say."""
        if reason == "epoch":
            self._lost_epoch = False
            self.mark = max(0, last)
            self._tell(Gap(first, last, reason, self.name))
        elif last > self.mark:
            self._take(Gap(max(first, self.mark + 1), last, reason, self.name))

    def joined(self, ack: Said, *, again: bool) -> None:
        """The ack of a join. `again`: it may have been done before, so that `seq` does not say where the feed
        begins.
        """
        first_here = not self.member
        self.member = self.confirmed = True
        history = [event_of(said) for said in ack.get("history") or ()]
        began = ack.get("began")
        if began is None:  # a server of before it: the seq of a first join, else what the history reached
            reached = max((item.seq or 0 for item in history), default=0)
            began = reached if again or not first_here else ack["seq"]
        self.began = max(self.began, began)
        if not self.mark:
            self.start = min(item.seq or 0 for item in history) - 1 if history else began
        if self._lost_epoch:
            # Between the old numbers and the new ones is what nobody can count.
            self._lost_epoch = False
            self._tell(Gap(0, max(0, (history[0].seq or 1) - 1 if history else began), "epoch", self.name))
        elif gap := ack.get("gap"):
            self.gap(gap["from"], gap["to"], gap.get("reason", "ring"))
        for item in history:
            self._take(item)
        self.mark = max(self.mark, self.began)
        self.snapshot(ack)
        early, self._early = self._early, []
        for event in early:
            self._take(event)
        if self._early_missed > self.mark:
            for reader in self.readers:
                reader.lack(self._early_missed)
            self.mark = self._early_missed
        self._early_missed = 0

    def rejoins(self, since: str | None) -> Said:
        """The fields of a join in a new session. `since`: up to where it was heard, or told."""
        fields: Said = {"room": self.name}
        if self.data is not None:
            fields["data"] = self.data
        if since is not None:
            fields["since"] = since
        return fields

    def refused(self, request: Request) -> None:
        """A join of it came to nothing."""
        self.end(LeftRoom(self.name, str(request.error)) if request.ours else request.error)

    # -- who is here

    def snapshot(self, said: Said) -> None:
        """`room`, or the ack of a join: the whole of what is known at its number."""
        self.confirmed = True
        self.durable = said.get("durable", self.durable) is True
        if "members" in said:
            self.members = {member["session"]: member for member in said["members"] or ()}
        self.count = said.get("count", self.count)
        self.state = said.get("state", self.state)
        self.grants = tuple(said.get("grants") or self.grants)

    def presence(self, said: Said) -> None:
        """Who came and who went, as sets."""
        for member in said.get("left") or ():
            self.members.pop(member["session"] if isinstance(member, dict) else member, None)
        for member in said.get("joined") or ():
            self.members[member["session"]] = member
        self.count = said.get("count", self.count)

    # -- leaving

    def is_told(self, said: Said) -> bool:
        """Whether `room`, `left` or `grants` is to be done now. Over plain HTTP the ack of a join comes by
        one connection and these by another: what was said before that join is passed over, what was said
        behind it waits.
        """
        number = said.get("id")
        if number is None:  # a server of before it
            return True
        if number < self.stay:
            return False
        joining = self.joining
        if joining is None:
            return True
        if joining.id is not None and joining.id <= number:
            self.ahead.pop(said["type"], None)
            self.ahead[said["type"]] = said
            return False
        return self.member

    def stays(self, number: int) -> list[Said]:
        """A join with this id has its answer; 0: it was refused. Gives what waited for that."""
        self.stay = max(self.stay, number)
        waited, self.ahead = list(self.ahead.values()), {}
        return waited

    def left(self, reason: str) -> None:
        """The server says that the session is not in it any more."""
        self.member = self.confirmed = False
        self.end(LeftRoom(self.name, reason))

    def end(self, error: Exception | None) -> None:
        """Its consumers hear nothing more."""
        for reader in self.readers:
            reader.end(error)
        self.readers.clear()
        self._early.clear()

    def new_epoch(self) -> None:
        """The old numbers say nothing any more."""
        # The client's own join, too, is of a room in which something was heard.
        again = self.joining is not None and self.joining.ours
        self._lost_epoch = self._lost_epoch or self.member or again
        self.mark = self.began = self.start = self._early_missed = 0
        self._early.clear()  # their numbers would pass over what is said under the new ones
        for reader in self.readers:
            reader.new_epoch()


class Rooms:
    """All of them by name."""

    def __init__(self) -> None:
        self._rooms: dict[str, RoomState] = {}
        self.crowded: set[Reader] = set()

    def get(self, name: str) -> RoomState | None:
        """The room, if anybody here wants it or the server says that we are in it."""
        return self._rooms.get(name)

    def make(self, name: str, data: Any = None) -> RoomState:
        """The room; made if need be."""
        if name not in self._rooms:
            self._rooms[name] = RoomState(name, self.crowded, data)
        return self._rooms[name]

    def put(self, room: RoomState) -> None:
        """A room that is made elsewhere."""
        self._rooms[room.name] = room

    def forget(self, name: str) -> None:
        """Nobody wants it, and the server has let it go."""
        self._rooms.pop(name, None)

    def __iter__(self) -> Iterator[RoomState]:
        return iter(list(self._rooms.values()))

    def members(self) -> list[RoomState]:
        """Those that the server has us in."""
        return [room for room in self._rooms.values() if room.member]

    def settled(self) -> bool:
        """Whether each room that we are in is confirmed on this connection."""
        return all(room.confirmed for room in self._rooms.values() if room.member)

    def welcomed(self) -> None:
        """The server says anew where we are: no `left` of before is heard from here on."""
        for room in self._rooms.values():
            room.stay, room.ahead = 0, {}

    def unconfirm(self) -> None:
        """The connection is gone: nothing is confirmed on the next."""
        for room in self._rooms.values():
            room.confirmed = False
