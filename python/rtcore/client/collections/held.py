"""One collection in the machine: what is heard of it, what is due, what is kept, and who is told.

Everything that the core's replica is told ends in `settle`: what is due goes out, what is to be kept is
handed to the store, and what is seen anew is told. Changes leave only when they, and all that was told before
them, are on disk.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from rtcore._ground.replica import Replica
from rtcore.client.errors import ClientError, LeftRoom, NotDone, Rejected
from rtcore.client.event import Event
from rtcore.client.request import Request
from rtcore.client.words import Said

from .own import Outcome, OwnChange
from .room import SyncRoom

if TYPE_CHECKING:
    from .table import Table

AGAIN: Final = 1.0
"""Seconds until what was refused for now is asked again, if the server does not say."""
_NO_RIGHT: Final = frozenset({"FORBIDDEN", "NOT_FOUND", "UNAUTHORIZED"})


class Ear(Protocol):
    """Somebody who is told of each key that is seen anew: the document before, and now (None: there is
    none).
    """

    def seen(self, key: str, before: Any, now: Any, *, own: bool) -> None:
        """Something else is seen of a key. `own`: because of a call of this program."""
        ...

    def ended(self) -> None:
        """Nothing more comes."""
        ...


class Held:
    """A collection of this client. `owner`: whether anybody was welcome yet, and whose it is then."""

    def __init__(
        self,
        table: Table,
        name: str,
        number: int,
        owner: tuple[bool, str | None],
        data: Any,
        replica: Replica,
    ) -> None:
        self.name, self.number, self.owner, self.replica = name, number, owner, replica
        self.schema: int | None = None
        """The server's, as of the last join."""
        self.problem: Exception | None = None
        """Why it is not joined, or cannot go on."""
        self.ended: Exception | None = None
        self.own: dict[int, OwnChange] = {}
        self.views: list[Callable[[str], None]] = []
        self.ears: list[Ear] = []
        self.wakes: list[Callable[[], None]] = []
        self._table = table
        self.room = SyncRoom(self, table.hearing.rooms.crowded, data)
        self._running: list[Request] = []
        self._join_at = self._pull_at = math.inf
        self._pull_waits = 0.0
        self._busy = self._more = False

    # -- the room

    def sync(self) -> Said:
        """What a join says of the writer."""
        me = self._table.me
        seen = self.replica.seen()
        return {"client": me.client, "incarnation": me.incarnation, "nonce": me.nonce, "seen": seen}

    def join(self) -> None:
        """Ask to be let in, unless it is, or was asked."""
        if self.ended is not None or self.room.member or self.room.joining is not None:
            return
        self._join_at = math.inf
        self._table.enter(self.room)

    def joined(self, sync: Said) -> None:
        """The server's word on the room."""
        self.problem = None
        self.schema = sync.get("schema")
        self._pull_at, self._pull_waits = math.inf, 0.0
        self.replica.set_lanes(1 if self._table.sending.http else None)
        self.replica.joined(self._table.hearing.epoch or "", sync)
        self.settle()

    def refused(self, error: Exception | None) -> None:
        """A join came to nothing. Without the right, nothing that was confirmed stays."""
        self.problem = error
        if isinstance(error, Rejected) and error.code in _NO_RIGHT:
            self.replica.left()
        elif not self._table.over:
            after = error.after if isinstance(error, Rejected) and error.after else AGAIN
            self._join_at = self._table.clock.now() + after
        self.settle()

    def left(self, reason: str) -> None:
        """The server took the session out of it."""
        self.problem = LeftRoom(self.room.name, reason)
        self._drop()
        self.replica.left()
        self.settle()

    def away(self) -> None:
        """The connection is gone: what was asked will not be answered."""
        self._drop()
        self.replica.away()

    def _drop(self) -> None:
        running, self._running = self._running, []
        for request in running:
            request.done = None
            self._table.sending.fail(request, NotDone("the connection was lost"))

    def renew(self) -> None:
        """It speaks under another client id from now on, and asks to be let in under that."""
        self.replica.renew()
        self._drop()
        if (joining := self.room.joining) is not None:
            joining.done, self.room.joining = None, None
            self._table.sending.fail(joining, NotDone("it is asked under another client id"))
        self.room.member = self.room.confirmed = False
        self.settle()
        if self._table.sending.open:
            self.join()

    def end(self, error: Exception) -> None:
        """For good: nobody hears more of it here."""
        if self.ended is None:
            self.ended = error
            for change in self.own.values():
                change.ends(error)
            self.own.clear()
            for ear in self.ears:
                ear.ended()
            self._wake()

    # -- what is heard

    def heard(self, run: list[Event]) -> None:
        """Changes, in their order."""
        for event in run:
            if event.name == "change" and event.seq is not None:
                self.replica.hear(event.seq, event.data)
        self.settle()

    def gap(self, last: int) -> None:
        """Numbers up to this will not be heard."""
        self.replica.gap(last)
        self.settle()

    # -- what is due

    def settle(self, waits: OwnChange | None = None, *, own: bool = False) -> None:
        """Do what is due, keep what is to be kept, and tell who is to be told."""
        if self._busy:
            self._more = True
            return
        self._busy = True
        try:
            self._step([waits] if waits is not None else [], own=own)
            while self._more:
                self._more = False
                self._step([], own=False)
        finally:
            self._busy = False
        self._wake()

    def _step(self, waits: list[OwnChange], *, own: bool) -> None:
        table, pushes, pull = self._table, [], None
        if self.room.member and self.room.confirmed and table.sending.open and self.ended is None:
            now = table.now_ms()
            while (push := self.replica.next_push(now)) is not None:
                pushes.append(push)
            if table.clock.now() >= self._pull_at or self._pull_at == math.inf:
                pull = self.replica.next_pull()
        rows, seen, news = self.replica.keep(table.stored, bool(self.ears))
        table.keep(self, rows, waits, now=bool(pushes))
        self._tell(seen, news, own=own)
        if pull is not None:
            self._pull_at = math.inf
            after, begun = pull
            fields: Said = {"collection": self.name}
            if after is not None:
                fields["after"] = after
            if begun is not None:
                fields["begun"] = begun
            self._ask("pull", fields, self._pulled)
        for token, changes, told in pushes:
            fields = {"collection": self.name, "changes": msgspec.Raw(changes), "seen": told}
            self._ask("push", fields, partial(self._pushed, token))
        if self.replica.is_fenced():
            table.renew()

    def _ask(self, kind: str, fields: Said, answered: Callable[[Request], None]) -> None:
        def done(request: Request) -> None:
            if request in self._running:
                self._running.remove(request)
                answered(request)

        request = self._table.joining.make(kind, fields, ours=True, done=done)
        self._running.append(request)
        self._table.sending.submit(request)

    def _pulled(self, request: Request) -> None:
        if request.error is None:
            self._pull_at, self._pull_waits = math.inf, 0.0
            self.replica.page(request.result, self._table.now_ms())
            if (trouble := self.replica.trouble()) is not None:
                self.problem = ClientError(f"{trouble[0]}: {trouble[1]}")
        else:
            self.replica.pull_failed()
            after = getattr(request.error, "after", None)
            self._pull_waits = min(30.0, self._pull_waits * 2 or AGAIN)
            self._pull_at = self._table.clock.now() + (after or self._pull_waits)
        self.settle()

    def _pushed(self, token: int, request: Request) -> None:
        error, now = request.error, self._table.now_ms()
        if error is None:
            self.replica.pushed(token, request.result, now)
        else:
            code = str(getattr(error, "code", "INTERNAL"))
            unsure = bool(getattr(error, "maybe_done", False))
            retry = unsure or bool(getattr(error, "retry", False))
            after = getattr(error, "after", None)
            wait = AGAIN if after is None else after
            self.replica.push_failed(token, code, str(error), retry, int(wait * 1000), now)
            if self.replica.wants_right():
                self.problem = error
        self.settle()

    # -- who is told

    def _tell(self, seen: list[Any], news: list[tuple[int, int, Any]], *, own: bool) -> None:
        if self.ears:
            for key, before, now in seen:
                for view in self.views:
                    view(key)
                for ear in self.ears:
                    ear.seen(key, before, now, own=own)
        else:
            for key in seen:
                for view in self.views:
                    view(key)
        for n, what, answer in news:
            change = self.own.get(n)
            if change is None:
                continue
            if what == 0:
                change.result = Outcome.of(answer)
            elif what == 1:
                change.over = True
            else:
                change.result = Outcome("discarded")
            if what != 0 or change.result is None or change.result.kind != "done":
                change.over = True
                del self.own[n]
            change.tell()

    def _wake(self) -> None:
        wakes, self.wakes = self.wakes, []
        for wake in wakes:
            wake()

    # -- time

    def advance(self) -> None:
        """Do what is due by the clock."""
        now = self._table.clock.now()
        if now >= self._join_at:
            self.join()
        if now >= self._pull_at or now >= self._rests():
            self.settle()

    def _rests(self) -> float:
        until = self.replica.rests_until()
        return math.inf if until is None or self._running else (until + 1) / 1000

    @property
    def deadline(self) -> float:
        """When `advance` is wanted next."""
        if self.ended is not None:
            return math.inf
        pulls = self._pull_at if self.room.member else math.inf
        rests = self._rests() if self.room.member and self._table.sending.open else math.inf
        return min(self._join_at if self._table.sending.open else math.inf, pulls, rests)
