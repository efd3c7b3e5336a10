"""The client as a machine without hands: messages, closes and times go in, effects come out.

It opens no socket, reads no clock but the one it is given, and calls nobody but the readers and requests of
the program, whose callbacks only say that there is something to look at. How it comes by its connections is
`connection.py`.
"""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable
from typing import Any, ClassVar, Final

from .choice import SOCKETS, Choice
from .clock import Clock, Names
from .collections.table import Table
from .coming import ABNORMAL
from .connection import Connection
from .effects import Changed, Shut, Welcomed, Write
from .errors import ClientClosed, ConnectError, NotConnected, StreamLost, WrongVersion
from .event import Event
from .hearing import Hearing
from .identity import VERSION, Identity
from .joining import Joining
from .outbox import Box
from .pulse import Pulse
from .reports import Reports, Seen
from .request import Limits, Request
from .rooms import RoomState
from .sending import Sending
from .states import State
from .streams import Streams
from .words import Said, encode

log = logging.getLogger("rtcore.client")
CLIENT: Final = "rtcore-python"
PROGRAM: Final = 16
"""Bytes of the secret by which a client is known from one that has a copy of its outbox."""


class Machine(Connection):
    """One client: its session, its position, its requests, its rooms."""

    def __init__(
        self,
        *,
        clock: Clock,
        dice: random.Random,
        names: Names | None = None,
        box: Box | None = None,
        choice: Choice | None = None,
        kept: bool = False,
        attempts: int | None = None,
        client: str = CLIENT,
        secret: Callable[[int], bytes] | None = None,
    ) -> None:
        who = Identity(client, (secret or os.urandom)(PROGRAM).hex())
        super().__init__(clock=clock, dice=dice, choice=choice, attempts=attempts, who=who)
        self.hearing = Hearing(self.effects)
        self.sending = Sending(clock, names or Names(), box or Box(), self.effects, kept=kept)
        self.streams = Streams(self.sending)
        self._joining = Joining(clock, self.hearing, self.sending, self._settle)
        self.table = Table(clock, self.hearing, self._joining, self.effects, secret or os.urandom)
        self.pulse: Pulse | None = None
        self._kept = kept
        self.reports = Reports()
        self.seen: Seen | None = None

    # -- of its connection

    @property
    def is_open(self) -> bool:
        """Whether the connection has its welcome."""
        return self.sending.open

    def hello(self, token: str | None, *, plain: bool) -> Said:
        """The first message of a connection."""
        position, streams = self.hearing.position, self.streams.wanted()
        return self.who.hello(token, position, streams, self.clock.wall(), plain=plain)

    def dropped(self, *, moved: bool) -> None:
        """There is no connection any more."""
        self.pulse = None
        if self.sending.open:
            self.sending.closed(moved=moved)
        self.table.away()
        self.hearing.rooms.unconfirm()
        for room in self.hearing.rooms:
            for reader in room.readers:
                reader.asking = reader.asking and reader.hole

    def ended(self, error: ConnectError) -> None:
        """Everything that waits hears of it."""
        if self._kept:
            # What is on disk stays for the next process; who waits here hears that it goes on without him.
            self.sending.detach(str(error))
        else:
            self.sending.end_all(str(error))
        self.streams.stop(error)
        self.table.end(error)
        self.hearing.end_all(error)

    def bye(self) -> None:
        """End the session at the server too: what runs for it is cancelled."""
        self.sending.say({"type": "bye"})

    # -- hearing

    def heard(self, gen: int, messages: list[Said]) -> None:
        """Messages of a connection. What no server says closes it, and the client comes back."""
        if self._move is not None and gen == self._move.gen and not self._of_move(messages):
            return
        if self._heard_late(gen, messages):
            return
        self.alive(gen)
        try:
            for said in messages:
                self._hear(said)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self.last_failure = NotConnected(f"the server said what none should: {error!r}")
            log.warning("a message that no server says", exc_info=error)
            self.effects.append(Shut(gen, 1002, "a message that no server says"))
            self.closed(gen, ABNORMAL, str(error))

    def heard_events(self, gen: int, events: list[Event], size: int) -> None:
        """Events of a connection, many at a time; each has about so many bytes."""
        self.alive(gen)
        if gen == self.gen and self.sending.open:
            self.hearing.events(events, size)

    def alive(self, gen: int) -> None:
        """Bytes came that are no message."""
        if gen == self.gen and self.pulse is not None:
            self.pulse.any_byte(self.clock.now())

    def _hear(self, said: Said) -> None:
        kind = said["type"]
        if kind == "welcome":
            if self.state is State.WELCOMING and not self.sending.open:
                self._welcome(said)
        elif (self.sending.open or kind == "bye") and (hears := self._HEARS.get(kind)) is not None:
            hears(self, said)

    def _welcome(self, said: Said) -> None:
        now = self.clock.now()
        if said.get("v", VERSION) != VERSION:
            self._over(WrongVersion(f"the server speaks version {said['v']} of the protocol, not {VERSION}"))
            return
        resumed, same_life = self.who.welcome(said, self.clock.wall())
        limits, user, life = Limits.of(said.get("limits")), self.who.user, self.who.life
        self._welcomed()
        self.hearing.begin(said["epoch"], said["seq"])
        sending = self.sending
        sending.gen, sending.open, sending.http = self.gen, True, self.transport not in SOCKETS
        sending.fitting.limits, sending.session, sending.life = limits, self.who.session, life
        sending.user, sending.owner = user, (True, user)
        for request in sending.box.queue:
            if not request.owned:
                request.owned, request.user = True, user
        sending.pace.begin(limits.messages_per_second, now, resumed=resumed)
        self.pulse = Pulse(now, limits.ping, limits.silence)
        self.reports.begin(limits.report, now)
        compress = said.get("compress")
        self.effects.append(Welcomed(self.gen, said["session"], said["key"] or "", compress))
        if self._kept:
            sending.keep("session", self.who.session, self.who.key, user, life)
        if not same_life or not resumed:
            self.hearing.asked.forget()
        if resumed:
            self._joining.resumed(said, same_life=same_life)
            self.streams.resumed(said.get("streams"))
        else:
            self.streams.stop(StreamLost("the session is another"))
            self._joining.fresh(same_life=same_life)
        self.table.welcomed(said.get("time"))
        sending.flush()
        self._settle()

    def _room(self, said: Said) -> None:
        self.hearing.room(said)
        self._settle()

    def _settle(self) -> None:
        """Live, once each joined room is confirmed."""
        if self.sending.open and not self._joining.under_way and self.hearing.rooms.settled():
            self._settled()

    def _request(self, said: Said) -> None:
        if (kept := self.hearing.request(said)) is not None:
            self._say_reply(self._fitting_reply(said["id"], kept))

    def reply(self, number: int, said: Said) -> None:
        """The program's answer to a question of the server: `{"data": ...}` or `{"error": {...}}`.

        Where it is too large an error takes its place, so that the server hears of it.
        """
        coded = self._fitting_reply(number, encode({"type": "reply", "id": number, **said}))
        if self.hearing.asked.replied(number, coded) and self.sending.open:
            self._say_reply(coded)

    def _fitting_reply(self, number: int, coded: bytes) -> bytes:
        if (large := self.sending.fitting.too_large("the reply", coded)) is None:
            return coded
        log.warning("the answer to a question of the server was not sent: %s", large)
        return encode({"type": "reply", "id": number, "error": {"code": large.code, "message": str(large)}})

    def _say_reply(self, coded: bytes) -> None:
        self.sending.pace.count(self.clock.now())
        self.effects.append(Write(self.gen, (coded,)))

    def _pong(self, said: Said) -> None:
        now, pulse = self.clock.now(), self.pulse
        if pulse and (trip := pulse.ponged(now, said.get("time"))) is not None:
            if self.seen is not None:
                self.seen.trips.append((now, trip))
            self._measured(pulse, now)
            self.effects.append(Changed())
        self.table.learned(said.get("server"))
        self.sending.took(said.get("taken"))

    def _bye(self, said: Said) -> None:
        self._attempt.bye(said)
        self.who.hellos.known(said.get("n"))

    # -- the program

    def request(
        self, kind: str, fields: Said, *, ours: bool = False, front: bool = False, **more: Any
    ) -> Request:
        """Make a request. Raises `NotDone` when the outbox has no room, or the client has ended."""
        self._still()
        request = self._joining.make(kind, fields, ours=ours, **more)
        self.sending.submit(request, front=front)
        return request

    def join(self, room: RoomState, fields: Said, **more: Any) -> Request:
        """Join a room that the session is not in. Raises as `request`."""
        self._still()
        return self._joining.join(room, fields, **more)

    def leave(self, room: RoomState) -> Request:
        """Leave a room that nobody wants any more. Raises as `request`."""
        self._still()
        return self._joining.leave(room)

    def _still(self) -> None:
        if self.state is State.ENDED:
            raise self.error or ClientClosed("the client was closed")

    # -- time

    def ping(self) -> None:
        """Ask whether the server is there, and what it has taken."""
        pulse, now = self.pulse, self.clock.now()
        if pulse is not None and self.sending.open:
            lost = pulse.asked is not None
            self.sending.say(pulse.question(now, self.clock.wall(), self.sending.acked))
            if lost:
                self._measured(pulse, now)

    def _measured(self, pulse: Pulse, now: float) -> None:
        """A ping more has its answer, or has none: the transport in use may be too bad to stay."""
        if self.state is State.LIVE and not self.is_moving:
            worse = self.choice.measured(pulse.smoothed, pulse.loss, now)
            if worse is not None:
                self.move(worse)

    def _advised(self, said: Said) -> None:
        advice = self.reports.advised(said, self.clock.now())
        self.choice.advised(advice.transport)

    def advance(self) -> None:
        """Do what is due by the clock."""
        now = self.clock.now()
        self._due(now)
        if self.pulse is not None:
            if now >= self.pulse.dead_at:
                self.effects.append(Shut(self.gen, 1000, "silent"))
                self.closed(self.gen, ABNORMAL, "nothing was heard of the server")
            elif now >= self.pulse.ping_due:
                self.ping()
            if self.sending.open and now >= self.reports.due:
                self.sending.say(self.reports.next(now, self))
        self.table.advance()
        self.sending.advance()

    @property
    def deadline(self) -> float:
        """When `advance` is wanted next, on the clock that only goes forward."""
        until = min(self._next, self.sending.deadline, self.table.deadline)
        if (pulse := self.pulse) is None:
            return until
        return min(until, pulse.ping_due, pulse.dead_at, self.reports.due)

    # One for all clients: bound methods of each would have 1.3 KB.
    _HEARS: ClassVar[dict[str, Callable[[Machine, Said], object]]] = {
        "event": lambda machine, said: machine.hearing.event(said),
        "gap": lambda machine, said: machine.hearing.gap(said),
        "ack": lambda machine, said: machine.sending.ack(said),
        "presence": lambda machine, said: machine.hearing.presence(said),
        "grants": lambda machine, said: machine.hearing.grants(said),
        "left": lambda machine, said: machine.hearing.left(said),
        "live": lambda machine, said: machine.hearing.live(said),
        "room": _room,
        "request": _request,
        "item": lambda machine, said: machine.streams.item(said),
        "end": lambda machine, said: machine.streams.end(said),
        "credit": lambda machine, said: machine.streams.credit(said),
        "pong": _pong,
        "expiring": lambda machine, said: machine.who.expiring(said),
        "bye": _bye,
        "advise": _advised,
    }
