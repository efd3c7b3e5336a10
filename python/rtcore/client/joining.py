"""The rooms over a return: which are joined again, from where, and which are left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .clock import Clock
from .errors import MaybeDone, RequestTimeout
from .hearing import Hearing
from .outbox import unanswered
from .request import Request
from .rooms import RoomState
from .sending import Sending
from .words import Said, encode

_HEAD = 40
"""Bytes of a message beside its own fields, near enough for a bound."""


class Joining:
    """What was said before about rooms, brought together with what the server says now."""

    def __init__(self, clock: Clock, hearing: Hearing, sending: Sending, settle: Callable[[], None]) -> None:
        self._clock, self._hearing, self.sending, self._settle = clock, hearing, sending, settle

    def make(self, kind: str, fields: Said, *, ours: bool = False, **more: Any) -> Request:
        """A request that nobody has submitted yet."""
        request = Request(self.sending.names.next(), kind, fields, **more)
        request.ours = ours
        # With its key: what cannot be said is refused here, while nothing has been kept of it.
        request.size = len(encode({**fields, "key": request.key})) + _HEAD
        return request

    # -- joins

    def join(self, room: RoomState, fields: Said, **more: Any) -> Request:
        """Join a room that the session is not in."""
        request = self._joins(room, self.make("join", {"room": room.name, **fields}, **more))
        self.sending.submit(request)
        return request

    def _joins(self, room: RoomState, request: Request) -> Request:
        """Make it the join of the room. Passed over, it goes again, unless a leave of ours went after it."""
        request.wanted = lambda join: room.joining is join and (not room.leaving or room.leaving.id is None)
        request.done = lambda done: self._joined(room, done)
        room.joining = request
        return request

    def _joined(self, room: RoomState, request: Request) -> None:
        """A join has ended."""
        if room.joining is request:
            room.joining = None
        if request.error is None:
            room.joined(request.result, again=request.sent_again)
            room.data = request.fields.get("data")
        elif not room.member:
            room.refused(request)
            if room.leaving is None:
                self._hearing.rooms.forget(room.name)
            if request.id is not None and isinstance(request.error, RequestTimeout | MaybeDone):
                self.leave(room)  # the join may have been done, and nobody wants the room
        for said in room.stays(0 if request.error is not None else request.id or 0):
            self._hearing.told(said)
        self._settle()

    # -- leaves

    def leave(self, room: RoomState) -> Request:
        """Leave a room that nobody wants. It is the client's own: whoever waits for it may give up, and it is
        still said. Until it has its answer nobody joins the room again.
        """
        if room.leaving is None:
            self._hearing.rooms.put(room)
            request = self.make("leave", {"room": room.name}, ours=True)
            request.done = lambda _: self._has_left(room)
            room.leaving = request
            self.sending.submit(request)
        return room.leaving

    def _has_left(self, room: RoomState) -> None:
        """A leave has ended. Where it came to nothing, the next return says that nobody wants the room."""
        room.leaving = None
        room.member = room.confirmed = False
        room.end(None)
        if self._hearing.rooms.get(room.name) is room:
            self._hearing.rooms.forget(room.name)
        self._settle()

    def _again(self, room: RoomState) -> Request:
        """The join of a room in a new session: what came after what was heard of it, or told."""
        room.member, room.confirmed = False, False
        # The higher of the session's position and the room's own mark: neither tells what was told twice. The
        # position is that of before this `welcome`, which may begin at the head.
        since = max(self._hearing.had, room.mark)
        heard = self._hearing.before  # of another epoch: all that the room holds of its new life
        if heard is None and self._hearing.epoch is not None:
            heard = f"{self._hearing.epoch}.{since}"
        request = self._joins(room, self.make("join", room.rejoins(heard), ours=True, committed=True))
        request.owned, request.user = self.sending.owner
        return request

    @property
    def under_way(self) -> bool:
        """Whether a room waits to be joined again."""
        return any(room.joining is not None and room.joining.ours for room in self._hearing.rooms)

    # -- coming back

    def resumed(self, said: Said, *, same_life: bool) -> None:
        """The session is the same: what was written goes again; rooms are as the server says."""
        sending, rooms = self.sending, self._hearing.rooms
        taken = said.get("taken", 0)
        sending.box.last_id = max(sending.box.last_id, taken)
        # A server that began anew knows no more than which ids it may have taken: then acks alone tell.
        sending.took(taken, surely=same_life)
        listed = {each["room"] for each in said.get("rooms") or ()}
        for room in rooms:
            if room.member and room.name not in listed:
                if room.joining is not None:
                    room.member = False
                else:
                    room.left("the session came back, and is not in it any more")
                    rooms.forget(room.name)
        sending.again()
        spoken_of = {each.fields.get("room") for each in sending.box.all() if each.kind in ("leave", "join")}
        for name in sorted(listed - {room.name for room in rooms} - spoken_of):
            sending.submit(self.make("leave", {"room": name}, ours=True), front=True)

    def fresh(self, *, same_life: bool) -> None:
        """The session is another: the rooms as they stood before the first queued join or leave, then what
        may
        go again, then the queue.
        """
        sending = self.sending
        sending.taken = 0
        lost = sending.box.fresh(
            sending.user,
            life=sending.life,
            same_life=same_life,
            durable={room.name for room in self._hearing.rooms if room.durable},
            keys=sending.limits.keys,
            now=self._clock.now(),
            wall=self._clock.wall(),
        )
        sending.unwritten()
        for request in lost:
            sending.fail(request, unanswered(request, "the session it was sent in is gone"))
        sending.box.add_first([self._again(room) for room in self._hearing.rooms.members()])
