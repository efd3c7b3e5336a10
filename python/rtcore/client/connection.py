"""The connection of a client: attempts and their generations, how each ends, coming back, and moving.

    idle ─▶ connecting ─▶ welcoming ─▶ live
                 ▲             │         │
                 └── waiting ◀─┴─────────┘          ended: from anywhere, for good

Every connection has a generation; what an older one says is not heard. At most one hello is under way: a
move to another transport begins only while the client is live, and is given up, or takes the place of the
first, before anything else is opened.
"""

from __future__ import annotations

import math
import random
from abc import ABC, abstractmethod
from collections import deque

from .attempt import Attempt, parting
from .choice import SOCKETS, Choice
from .clock import Clock
from .coming import ABNORMAL, Comeback, verdict
from .effects import Changed, Effect, Open, Shut, Write
from .errors import ClientClosed, ConnectError, NotConnected
from .identity import Identity
from .moving import OPENING, Move
from .states import Happening, State, Track
from .words import Said, encode


class Connection(ABC):
    """One after the other, until the end. Whoever is it says the hello, and lets go of what was said."""

    def __init__(
        self,
        *,
        clock: Clock,
        dice: random.Random,
        choice: Choice | None,
        attempts: int | None,
        who: Identity,
    ) -> None:
        self.clock, self.effects = clock, deque[Effect]()
        self.track = Track()
        self.choice = choice or Choice()
        self.who = who
        self.gen, self.transport = 0, ""
        self.error: ConnectError | None = None
        self.last_failure: Exception | None = None
        self.moves = 0
        """How often another transport took over."""
        self._comeback = Comeback(dice, attempts)
        self._attempt = Attempt()
        self._move: Move | None = None
        self._count = 0

    # -- of whoever it is

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether the connection has its welcome."""

    @abstractmethod
    def hello(self, token: str | None, *, plain: bool) -> Said:
        """The first message. `plain`: over plain HTTP."""

    @abstractmethod
    def dropped(self, *, moved: bool) -> None:
        """There is no connection any more. `moved`: the next one is there already."""

    @abstractmethod
    def ended(self, error: ConnectError) -> None:
        """For good: everything that waits hears of it."""

    # -- opening

    @property
    def state(self) -> State:
        """What it is doing about its connection."""
        return self.track.state

    def _go(self, happening: Happening) -> None:
        if self.track.after(happening, self.clock.now()):
            self.effects.append(Changed())

    def start(self) -> None:
        """Connect."""
        if self.state is State.IDLE:
            self._go(Happening.START)
            self._open()

    def _open(self) -> None:
        self._count += 1
        self.gen = self._count
        self.transport = self.choice.next(self.clock.now())
        self._comeback.due = math.inf
        self.effects.append(Open(self.gen, self.transport, self._attempt.refused))

    def wanted(self, gen: int) -> bool:
        """Whether a connection of this generation, now that it is there, is still wanted."""
        if self._move is not None and gen == self._move.gen:
            return True
        return gen == self.gen and self.state is State.CONNECTING

    def opened(self, gen: int, token: str | None) -> None:
        """The connection is there, and this is the token of the attempt: say hello."""
        if (move := self._move) is not None and gen == move.gen:
            move.said_hello(token, self.clock.now())
            self._say_hello(gen, move.transport, token)
            return
        if not self.wanted(gen):
            return
        self._go(Happening.OPENED)
        if (error := self._attempt.opened(token, self.clock.now())) is not None:
            self._over(error)
            return
        self._say_hello(gen, self.transport, token)

    def _say_hello(self, gen: int, transport: str, token: str | None) -> None:
        hello = self.hello(token, plain=transport not in SOCKETS)
        self.effects.append(Write(gen, (self._attempt.says(encode(hello)),), hello=True))

    def _settled(self) -> None:
        """Each joined room is confirmed."""
        if self.state is State.WELCOMING:
            self._comeback.live(self.clock.now())
        self._go(Happening.SETTLED)

    def _welcomed(self) -> None:
        """`welcome` has come."""
        self._attempt.welcomed()
        self._comeback.failures = 0
        self.choice.worked(self.transport, self.clock.now())

    # -- moving

    def move(self, transport: str) -> None:
        """Attach another transport; this one is heard until the welcome of that. Only while live."""
        if self.state is State.LIVE and self._move is None:
            self._count += 1
            self._move = Move(self._count, transport, self.clock.now() + OPENING)
            self.effects.append(Open(self._count, transport))

    @property
    def is_moving(self) -> bool:
        """Whether another transport is being attached."""
        return self._move is not None

    def _stay(self, why: str | None = None) -> None:
        """The move came to nothing. `why`: its transport is of no use for now."""
        move, self._move = self._move, None
        if move is not None:
            if why is not None:
                self.choice.failed(move.transport, self.clock.now())
            self.effects.append(Shut(move.gen, 1000, why or ""))

    def _moves(self) -> None:
        """The transport that was attached is the connection from now on."""
        move, self._move = self._move, None
        assert move is not None, "there is one"  # noqa: S101 - who calls has looked
        self._attempt.over()
        self.dropped(moved=True)
        self._go(Happening.LOST)
        self._go(Happening.DUE)
        self.gen, self.transport = move.gen, move.transport
        self.moves += 1
        if move.hello:
            self._go(Happening.OPENED)
            self._attempt.opened(move.token, self.clock.now())
            self._attempt.welcome_by = move.by

    def _of_move(self, messages: list[Said]) -> bool:
        """What the transport that is tried says before its welcome; True: its welcome is here, and it is the
        connection.
        """
        if any(said["type"] == "welcome" for said in messages):
            self.effects.append(Shut(self.gen, 1000, "moved"))
            self._moves()
            return True
        for said in messages:
            if said["type"] == "bye":
                self.who.hellos.known(said.get("n"))
        return False

    def _consider(self) -> None:
        """Whether to try another transport: the one that was advised, or a better one, not by figures."""
        if (
            self.state is State.LIVE
            and self._move is None
            and (other := self.choice.to_try(self.clock.now())) is not None
        ):
            self.move(other)

    # -- ends

    def failed(self, gen: int, error: Exception, *, after: float | None = None, reached: bool = True) -> None:
        """The connection could not be opened. A `ConnectError` is for good. `reached`: the server, or what
        stands before it, was there, so that it is the transport that does not work.
        """
        if self._move is not None and gen == self._move.gen:
            self._stay(f"it could not be opened: {error}")
            return
        if gen != self.gen or self.state not in (State.CONNECTING, State.WELCOMING):
            return
        self.last_failure = error
        if isinstance(error, ConnectError):
            self._over(error)
        elif reached:
            other = self.choice.failed(self.transport, self.clock.now())
            self._away(0.0 if other and after is None else after, counts=not other)
        else:
            self._away(after)

    def useless(self, gen: int, error: Exception) -> None:
        """The connection is open, and nothing comes through: another transport is tried, at once."""
        if gen == self.gen and self.state in (State.WELCOMING, State.LIVE):
            self.last_failure = error
            other = self.choice.failed(self.transport, self.clock.now())
            self._away(0.0 if other else None, counts=not other)

    def closed(self, gen: int, code: int, reason: str = "", *, after: float | None = None) -> None:
        """The connection is gone."""
        if self._move is not None and gen == self._move.gen:
            self._stay(f"it ended with {code}{f': {reason}' if reason else ''}")
            return
        if gen != self.gen or self.state in (State.ENDED, State.WAITING, State.IDLE):
            return
        code, reason, after = self._attempt.end(code, reason, after)
        was_live = self.is_open
        error = verdict(code, reason, hello_open=self.who.hellos.unanswered > 0)
        if code == 4501 and not was_live and self._attempt.wants_other(error):
            self._away(0.0, counts=False)
            return
        if code == 1009 and not was_live and self.state is State.WELCOMING:
            error = self._attempt.too_large(reason)
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
        """Come back, after so many seconds if that was said; by the transport that is attached, if one is."""
        if self._move is not None and not after:
            self._moves()
            return
        self._stay()
        self._attempt.over()
        self.dropped(moved=False)
        self._go(Happening.LOST)
        if not self._comeback.away(self.clock.now(), after, counts=counts):
            count = self._comeback.failures
            self._over(NotConnected(f"{count} attempts failed; the last: {self.last_failure}"))

    def try_now(self) -> None:
        """Do not wait for the next attempt any longer, though never before the time that the server named."""
        if self.state is State.WAITING:
            self._comeback.try_now(self.clock.now())

    def reconnect(self) -> None:
        """Give this connection up, and come back at once."""
        if self.state in (State.CONNECTING, State.WELCOMING, State.LIVE):
            self._stay()
            self.effects.append(Shut(self.gen, 1000, "reconnect"))
            self._away(0.0, counts=False)
        self.try_now()

    def close(self, why: str = "the client was closed") -> None:
        """End for good."""
        self._over(ClientClosed(why))

    def _over(self, error: ConnectError) -> None:
        """For good."""
        if self.state is State.ENDED:
            return
        self._stay()
        self._attempt.over()
        self.dropped(moved=False)
        self.error = error
        self.effects.append(Shut(self.gen, 1000, ""))
        self._go(Happening.CLOSE if isinstance(error, ClientClosed) else Happening.REFUSED)
        self._comeback.due = math.inf
        self.ended(error)

    def _heard_late(self, gen: int, messages: list[Said]) -> bool:
        """Whether what was heard is of a connection that is not heard any more. A fresh session that comes
        too late is ended, since nobody will ever speak in it.
        """
        if gen != self.gen or self.state in (State.WAITING, State.ENDED):
            self.effects.extend(parting(gen, messages, self.who.session))
        return gen != self.gen or self.state is State.ENDED

    # -- time

    def _due(self, now: float) -> None:
        """What is due of the connection by the clock."""
        if self.state is State.WAITING and now >= self._comeback.due:
            self._go(Happening.DUE)
            self._open()
        if now >= self._attempt.welcome_by:
            self.effects.append(Shut(self.gen, 1000, "no welcome"))
            self.failed(self.gen, TimeoutError("no welcome came in time after the hello"))
        if self._move is not None and now >= self._move.by:
            self._stay("no welcome came in time")
        self._consider()

    @property
    def _next(self) -> float:
        """When something of it is due."""
        until, state = self._attempt.welcome_by, self.state
        if state is State.WAITING:
            until = min(until, self._comeback.due)
        if self._move is not None:
            return min(until, self._move.by)
        return min(until, self.choice.try_at) if state is State.LIVE else until
