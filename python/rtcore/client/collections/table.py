"""All collections of a client: who it is to the server as a writer, and what each of them holds."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from rtcore._ground.replica import Replica, Row
from rtcore.client.clock import Clock
from rtcore.client.effects import Changed, Commit, Effect
from rtcore.client.errors import ClientError
from rtcore.client.hearing import Hearing
from rtcore.client.joining import Joining

from .held import Held
from .own import OwnChange
from .room import SyncRoom
from .writer import ServerTime, Writer

SECRET: Final = 16
"""Bytes of a client id and of a nonce."""


class Table:
    """The collections of one client. `secret` gives random bytes; `stored`: whether there is an outbox."""

    def __init__(
        self,
        clock: Clock,
        hearing: Hearing,
        joining: Joining,
        effects: deque[Effect],
        secret: Callable[[int], bytes],
    ) -> None:
        self.clock, self.hearing, self.sending, self.joining = clock, hearing, joining.sending, joining
        self.me = Writer(secret(SECRET).hex(), 1, secret(SECRET).hex())
        self.time = ServerTime(clock)
        self.over: Exception | None = None
        self._held: dict[str, Held] = {}
        self._effects, self._secret, self._renewing = effects, secret, False

    def __iter__(self) -> Iterator[Held]:
        return iter(list(self._held.values()))

    @property
    def stored(self) -> bool:
        """Whether what is held is kept on disk."""
        return self.sending.ledger.on

    def now_ms(self) -> int:
        """Milliseconds on the clock that only goes forward."""
        return int(self.clock.now() * 1000)

    def get(self, name: str) -> Held | None:
        """The collection, if it is open."""
        return self._held.get(name)

    def open(
        self,
        name: str,
        *,
        number: int = 0,
        rows: list[Row] | None = None,
        copied: bool = False,
        data: object = None,
    ) -> Held:
        """Open a collection with what was kept of it. Of a copied file: what is pending is its original's."""
        replica = Replica.restore(rows) if rows else Replica()
        held = Held(self, name, number, self.sending.owner, data, replica)
        self._held[name] = held
        if copied:
            replica.fence()
            replica.renew()
        held.settle()
        if self.sending.open:
            held.join()
        return held

    def enter(self, room: SyncRoom) -> None:
        """Say the join of a collection's room."""
        self.hearing.rooms.put(room)
        self.joining.join(room, room.rejoins(None), ours=True)

    def close(self, held: Held, error: Exception) -> None:
        """Hear it no longer here. What is kept of it stays."""
        if self._held.get(held.name) is held:
            del self._held[held.name]
        room = held.room
        joining = room.joining
        if joining is not None:
            self.sending.fail(joining, error)
        if self.sending.open and (room.member or (joining is not None and joining.id is not None)):
            self.joining.leave(room)
        room.member = room.confirmed = False
        self.hearing.rooms.forget(room.name)
        held.away()
        held.end(error)

    # -- the connection

    def welcomed(self, server: object) -> None:
        """A connection has its session: of the same user as before, or of another."""
        owner = self.sending.owner
        self.learned(server)
        for held in list(self._held.values()):
            if held.owner[0] and held.owner[1] != owner[1]:
                self.close(
                    held, ClientError(f"{held.name!r} was {held.owner[1]}'s; this session is {owner[1]}'s")
                )
                continue
            if not held.owner[0]:
                held.owner = owner
                if self.stored:
                    self.sending.ledger.step("owner", held.number, owner[1])
            held.join()

    def learned(self, server: object) -> None:
        """The server said what time it is."""
        if self.time.learned(server) and self.stored:
            self.sending.ledger.step("clock", self.time.offset, self.time.told)

    def away(self) -> None:
        """The connection is gone."""
        for held in list(self._held.values()):
            held.away()

    def renew(self) -> None:
        """Speak under another client id: this outbox, or another that is a copy of it, was opened elsewhere:
        speak under another client id.

        What was pending is refused (`FENCED`), in every collection, since its original may say it.
        """
        if self._renewing:
            return
        self._renewing = True
        for held in list(self._held.values()):
            if not held.replica.is_fenced():
                held.replica.fence()
            held.settle()
        self.me = Writer(self._secret(SECRET).hex(), 1, self._secret(SECRET).hex())
        if self.stored:
            self.sending.ledger.step("writer", self.me.client, 0)
        for held in list(self._held.values()):
            held.renew()
        self._renewing = False
        self._effects.append(Changed())

    def end(self, error: Exception) -> None:
        """The client is over."""
        self.over = error
        for held in list(self._held.values()):
            held.away()
            held.end(error)

    # -- what is kept

    def keep(self, held: Held, rows: list[Row], waits: list[OwnChange], *, now: bool) -> None:
        """Hand rows to the store. `now`: what is said next waits until they are on disk."""
        if not self.stored:
            for change in waits:
                change.committed = True
                change.tell()
            return
        if not rows:
            return
        step = ("data", held.number, rows)
        if now or waits:
            self.sending.ledger.keep(step, waits)
            self.sending.held_back()
        else:
            self._effects.append(Commit(0, (step,)))

    # -- counting

    def counts(self) -> tuple[int, int, int]:
        """Pending, in conflict, refused; of all that is open."""
        pending = sum(held.replica.pending_count() for held in self._held.values())
        failed = [held.replica.failed_count() for held in self._held.values()]
        return pending, sum(each[0] for each in failed), sum(each[1] for each in failed)

    # -- time

    def advance(self) -> None:
        """Do what is due by the clock."""
        for held in list(self._held.values()):
            held.advance()

    @property
    def deadline(self) -> float:
        """When `advance` is wanted next."""
        if not self._held:
            return math.inf
        return min(held.deadline for held in self._held.values())
