"""The client as a machine without hands: messages, closes and times go in, effects come out.

    idle ─▶ connecting ─▶ welcoming ─▶ live
                 ▲             │         │
                 └── waiting ◀─┴─────────┘          ended: from anywhere, for good

It opens no socket, reads no clock but the one it is given, and calls nobody but the readers and requests of
the program, whose callbacks only say that there is something to look at. Every connection has a generation;
what an older one says is not heard. At most one hello is under way.
"""

from __future__ import annotations

import logging
import math
import os
import random
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from .attempt import WELCOME, Attempt, parting
from .choice import SOCKETS, Choice
from .clock import Clock, Names
from .collections.table import Table
from .coming import ABNORMAL, Comeback, verdict
from .effects import Changed, Effect, Open, Shut, Welcomed, Write
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
from .states import Happening, State, Track
from .streams import Streams
from .words import Said, encode

log = logging.getLogger("rtcore.client")
CLIENT: Final = "rtcore-python"
PROGRAM: Final = 16
"""Bytes of the secret by which a client is known from one that has a copy of its outbox."""


class Machine:
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
        self.clock, self.effects = clock, deque[Effect]()
        self.track = Track()
        self.choice = choice or Choice()
        self.hearing = Hearing(self.effects)
        self.sending = Sending(clock, names or Names(), box or Box(), self.effects, kept=kept)
        self.streams = Streams(self.sending)
        self._joining = Joining(clock, self.hearing, self.sending, self._settle)
        self.table = Table(clock, self.hearing, self._joining, self.effects, secret or os.urandom)
        self.gen, self.transport = 0, ""
        self.who = Identity(client, (secret or os.urandom)(PROGRAM).hex())
        self.pulse: Pulse | None = None
        self.error: ConnectError | None = None
        self.last_failure: Exception | None = None
        self._comeback, self._kept = Comeback(dice, attempts), kept
        self.reports = Reports()
        self.seen: Seen | None = None
        self._attempt = Attempt()
        self._hears: dict[str, Callable[[Said], object]] = {
            "event": self.hearing.event,
            "gap": self.hearing.gap,
            "ack": self.sending.ack,
            "presence": self.hearing.presence,
            "grants": self.hearing.grants,
            "left": self.hearing.left,
            "live": self.hearing.live,
            "room": self._room,
            "request": self._request,
            **self.streams.hears,
            "pong": self._pong,
            "expiring": self.who.expiring,
            "bye": self._bye,
            "advise": self._advised,
        }

    @property
    def state(self) -> State:
        """What it is doing about its connection."""
        return self.track.state

    def _go(self, happening: Happening) -> None:
        if self.track.after(happening, self.clock.now()):
            self.effects.append(Changed())

    # -- connecting

    def start(self) -> None:
        """Connect."""
        if self.state is State.IDLE:
            self._go(Happening.START)
            self._open()

    def _open(self) -> None:
        self.gen += 1
        self.transport = self.choice.next(self.clock.now())
        self._comeback.due = math.inf
        self.effects.append(Open(self.gen, self.transport, self._attempt.refused))

    def opened(self, gen: int, token: str | None) -> None:
        """The connection is there, and this is the token of the attempt: say hello."""
        if gen != self.gen or self.state is not State.CONNECTING:
            return
        self._go(Happening.OPENED)
        if (error := self._attempt.opened(token, self.clock.now())) is not None:
            self._over(error)
            return
        plain = self.transport not in SOCKETS
        hello = self.who.hello(
            token, self.hearing.position, self.streams.wanted(), self.clock.wall(), plain=plain
        )
        self.effects.append(Write(gen, (encode(hello),), hello=True))

    def failed(self, gen: int, error: Exception, *, after: float | None = None) -> None:
        """The connection could not be opened. A `ConnectError` is for good."""
        if gen != self.gen or self.state not in (State.CONNECTING, State.WELCOMING):
            return
        self.last_failure = error
        if isinstance(error, ConnectError):
            self._over(error)
            return
        other = self.choice.failed(self.transport, self.clock.now())
        self._away(0.0 if other and after is None else after, counts=not other)

    def useless(self, gen: int, error: Exception) -> None:
        """The connection is open, and nothing comes through: another transport is tried, at once."""
        if gen == self.gen and self.state in (State.WELCOMING, State.LIVE):
            self.last_failure = error
            other = self.choice.failed(self.transport, self.clock.now())
            self._away(0.0 if other else None, counts=not other)

    def closed(self, gen: int, code: int, reason: str = "", *, after: float | None = None) -> None:
        """The connection is gone."""
        if gen != self.gen or self.state in (State.ENDED, State.WAITING, State.IDLE):
            return
        code, reason, after = self._attempt.end(code, reason, after)
        was_live = self.sending.open
        error = verdict(code, reason, hello_open=self.who.hellos.unanswered > 0)
        if code == 4501 and not was_live and self._attempt.wants_other(error):
            self._away(0.0, counts=False)
            return
        if error is not None:
            self._over(error)
            return
        self.last_failure = NotConnected(f"the connection ended with {code}{f': {reason}' if reason else ''}")
        if not was_live and code == ABNORMAL:
            other = self.choice.failed(self.transport, self.clock.now())
            self._away(0.0 if other else None, counts=not other)
        else:
            self._away(after)

    def _away(self, after: float | None, *, counts: bool = True) -> None:
        """Come back, after so many seconds if that was said."""
        self._drop()
        self._go(Happening.LOST)
        if not self._comeback.away(self.clock.now(), after, counts=counts):
            count = self._comeback.failures
            self._over(NotConnected(f"{count} attempts failed; the last: {self.last_failure}"))

    def _drop(self) -> None:
        self._attempt.over()
        self.pulse = None
        if self.sending.open:
            self.sending.closed()
        self.table.away()
        self.hearing.rooms.unconfirm()
        for room in self.hearing.rooms:
            for reader in room.readers:
                reader.asking = reader.asking and reader.hole

    def try_now(self) -> None:
        """Do not wait for the next attempt any longer, though never before the time that the server named."""
        if self.state is State.WAITING:
            self._comeback.try_now(self.clock.now())

    def reconnect(self) -> None:
        """Give this connection up, and come back at once."""
        if self.state in (State.CONNECTING, State.WELCOMING, State.LIVE):
            self.effects.append(Shut(self.gen, 1000, "reconnect"))
            self._away(0.0, counts=False)
        self.try_now()

    def _over(self, error: ConnectError) -> None:
        """For good. Everything that waits hears of it."""
        if self.state is State.ENDED:
            return
        self._drop()
        self.error = error
        self.effects.append(Shut(self.gen, 1000, ""))
        closing = isinstance(error, ClientClosed)
        self._go(Happening.CLOSE if closing else Happening.REFUSED)
        self._comeback.due = math.inf
        if self._kept:
            # What is on disk stays for the next process; who waits here hears that it goes on without him.
            self.sending.detach(str(error))
        else:
            self.sending.end_all(str(error))
        self.streams.stop(error)
        self.table.end(error)
        self.hearing.end_all(error)

    # -- closing

    def bye(self) -> None:
        """End the session at the server too: what runs for it is cancelled."""
        self.sending.say({"type": "bye"})

    def close(self, why: str = "the client was closed") -> None:
        """End for good."""
        self._over(ClientClosed(why))

    # -- hearing

    def heard(self, gen: int, messages: list[Said]) -> None:
        """Messages of a connection. What no server says closes it, and the client comes back."""
        if gen != self.gen or self.state in (State.WAITING, State.ENDED):
            self.effects.extend(parting(gen, messages, self.who.session))
        if gen != self.gen or self.state is State.ENDED:
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
        elif (self.sending.open or kind == "bye") and (hears := self._hears.get(kind)) is not None:
            hears(said)

    def _welcome(self, said: Said) -> None:
        now = self.clock.now()
        if said.get("v", VERSION) != VERSION:
            self._over(WrongVersion(f"the server speaks version {said['v']} of the protocol, not {VERSION}"))
            return
        resumed, same_life = self.who.welcome(said, self.clock.wall())
        limits, user, life = Limits.of(said.get("limits")), self.who.user, self.who.life
        self._attempt.welcomed()
        self._comeback.failures = 0
        self.choice.worked(self.transport)
        self.hearing.begin(said["epoch"], said["seq"])
        sending = self.sending
        sending.gen, sending.open, sending.http = self.gen, True, self.transport not in SOCKETS
        sending.limits, sending.session, sending.life = limits, self.who.session, life
        sending.user, sending.owner = user, (True, user)
        for request in sending.box.queue:
            if not request.owned:
                request.owned, request.user = True, user
        sending.pace.begin(limits.messages_per_second, now)
        self.pulse = Pulse(now, limits.ping, limits.silence)
        self.reports.begin(limits.report, now)
        compress = said.get("compress")
        self.effects.append(Welcomed(self.gen, said["session"], said["key"] or "", compress))
        if self._kept:
            sending.keep("session", self.who.session, self.who.key, user, life)
        if not same_life or not resumed:
            self.hearing.asked.forget()
        if resumed:
            self._joining.resumed(said)
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
            if self.state is State.WELCOMING:
                self._comeback.live(self.clock.now())
            self._go(Happening.SETTLED)

    def _request(self, said: Said) -> None:
        if (kept := self.hearing.request(said)) is not None:
            self.effects.append(Write(self.gen, (kept,)))

    def reply(self, number: int, said: Said) -> None:
        """The program's answer to a question of the server: `{"data": ...}` or `{"error": {...}}`."""
        coded = self.hearing.reply(number, said)
        if coded is not None and self.sending.open:
            self.effects.append(Write(self.gen, (coded,)))

    def _pong(self, said: Said) -> None:
        now = self.clock.now()
        if self.pulse and (trip := self.pulse.ponged(now, said.get("time"))) is not None:
            if self.seen is not None:
                self.seen.trips.append((now, trip))
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

    def _still(self) -> None:
        if self.state is State.ENDED:
            raise self.error or ClientClosed("the client was closed")

    # -- time

    def ping(self) -> None:
        """Ask whether the server is there, and what it has taken."""
        if self.pulse is not None and self.sending.open:
            self.sending.say(self.pulse.question(self.clock.now(), self.clock.wall(), self.sending.acked))

    def _advised(self, said: Said) -> None:
        self.reports.advised(said, self.clock.now())

    def advance(self) -> None:
        """Do what is due by the clock."""
        now = self.clock.now()
        if self.state is State.WAITING and now >= self._comeback.due:
            self._go(Happening.DUE)
            self._open()
        if now >= self._attempt.welcome_by:
            self.effects.append(Shut(self.gen, 1000, "no welcome"))
            self.failed(self.gen, TimeoutError(f"no welcome came within {WELCOME:g} s of the hello"))
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
        times = [self.sending.deadline, self.table.deadline, self._attempt.welcome_by]
        if self.state is State.WAITING:
            times.append(self._comeback.due)
        if self.pulse is not None:
            times += [self.pulse.ping_due, self.pulse.dead_at, self.reports.due]
        return min(times)
