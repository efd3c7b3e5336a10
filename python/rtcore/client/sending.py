"""What goes up: who goes next, under which id, what is kept on disk first, and what ends without an ack."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from .clock import Clock, Names
from .effects import Effect, Write
from .errors import MaybeDone, NotDone, Rejected, RequestTimeout
from .fitting import Fitting
from .ledger import Ledger
from .outbox import Box, unanswered
from .pacing import Ends, Pace, Turn
from .request import AGAIN, Limits, Request
from .times import Times
from .words import Said, encode

MAYBE: Final = frozenset({"ACK_EXPIRED", "OUTCOME_UNKNOWN"})
POISON: Final = 5
"""Connections in a row that ended with the same request as the first unanswered, and nothing moved."""
TRIES: Final = 5
"""How often a request is sent again of which the server said that it did nothing, and may later."""
RETRY_FIRST: Final = 0.5
KEYED: Final = frozenset({"emit", "publish"})


class Sending:
    """The way up. `open` between `welcome` and the end of the connection."""

    def __init__(self, clock: Clock, names: Names, box: Box, effects: deque[Effect], *, kept: bool) -> None:
        self.clock, self.names, self.box = clock, names, box
        self.fitting = Fitting()
        self.open = False
        self.http = False
        self.gen = 0
        self.user: str | None = None
        self.session: str | None = None
        self.life: str | None = None
        self.taken = 0
        self.owner: tuple[bool, str | None] = (False, None)
        """Whether anybody was welcome yet, and who it was last: whose a request is that is queued now."""
        self.pace = Pace()
        self.turn = Turn(self.pace)
        self.answers: deque[tuple[float, float]] | None = None
        """Where somebody watches: when the last requests were answered, and after how many seconds."""
        self._effects = effects
        self.ledger = Ledger(effects, on=kept)
        self._times = Times()
        self._progress = False
        self._acked_said = 0

    @property
    def limits(self) -> Limits:
        """What the server said last."""
        return self.fitting.limits

    # -- in

    def submit(
        self,
        request: Request,
        *,
        front: bool = False,
    ) -> None:
        """Take a request. Raises `NotDone` when there is no room for it, or nobody to hear a volatile one."""
        now = self.clock.now()
        if request.volatile and not self.open:
            self.box.counts.volatile_refused += 1
            raise NotDone("not connected, and a volatile message is never queued", "UNAVAILABLE")
        waits = not self.open or bool(self.box.queue) or len(self.box.written) >= self.limits.acks
        if waits and not request.ours and (dropped := self.box.room_for(request)) is not None:
            self._end(dropped, NotDone(f"{dropped.kind} was dropped for a newer one: the outbox is full"))
        if waits and request.kind in KEYED and request.key is None and not request.volatile:
            request.key, request.automatic = request.name, True
        request.owned, request.user = self.owner
        if front:
            self.box.add_first([request])
        else:
            self.box.add(request)
        if not request.ours:
            self.box.counts.sent += 1
        self._times.watch(request, now, self.clock.wall())
        if not self.ledger.add(request):
            request.committed = True
            request.tell()
        self.flush()

    def restored(self, request: Request) -> None:
        """A row of the store, in its order, before the first connection."""
        request.committed = True
        if request.id is not None:
            self.box.written[request.id] = request
            self.box.last_id = max(self.box.last_id, request.id)
        else:
            self.box.add(request)
        self._times.watch(request, self.clock.now(), self.clock.wall())

    # -- out

    def flush(self) -> None:
        """Write all that may go now."""
        batch = self.turn.take(self.clock.now()) if self.turn else []
        while self.open and not self.turn and len(self.box.written) < self.limits.acks:
            request = self.box.next_for(self.user)
            if request is None or not self.pace.may(self.clock.now()):
                break
            if (said := self._first_time(request)) is not None:
                batch.append(said)
        self._hand(batch)

    def _first_time(self, request: Request) -> bytes | None:
        acked = self.acked
        self.box.write(request)
        said = encode(request.message(acked if acked > self._acked_said else None))
        if (large := self.fitting.too_large(request.kind, said)) is not None:
            self.box.written.pop(self.box.last_id)
            self.box.last_id -= 1
            request.id = None
            self._end(request, large)
            return None
        self._acked_said = max(acked, self._acked_said)
        request.session, request.life, request.user, request.owned = self.session, self.life, self.user, True
        request.written, request.written_wall = self.clock.now(), self.clock.wall()
        request.asked = self.clock.now()
        request.tell()
        self.ledger.write(request)
        return said

    def again(self) -> None:
        """After a return to the same session: all that was written, by rising id, before anything new."""
        for request in list(self.box.written.values()):
            if request.volatile:
                self._end(request, unanswered(request, "the connection was lost, and it is volatile"))
                continue
            said, done = encode(request.message()), request.kind not in AGAIN
            if (large := self.fitting.too_large(request.kind, said, maybe_done=done)) is not None:
                self._end(request, large)
                continue
            request.asked = self.clock.now()
            request.sent_again = True
            self.turn.add(said, request)
        self.flush()

    def say(self, said: Said) -> None:
        """What is no request: it is never kept, and says nothing when there is no connection."""
        if self.open:
            self.pace.count(self.clock.now())
            self._effects.append(Write(self.gen, (encode(said),)))

    def say_in_turn(self, said: Said, about: Ends) -> None:
        """The same of what waits for the pace; of nobody's interest once what it is `about` has ended."""
        if self.open:
            self.turn.add(encode(said), about)
            self.flush()

    def _hand(self, batch: list[bytes]) -> None:
        if not self.ledger.hold(self.gen, batch) and batch:
            self._write(self.gen, batch)

    def _write(self, gen: int, batch: list[bytes]) -> None:
        self._effects += [Write(gen, frame) for frame in self.fitting.frames(batch)]

    def committed(self, token: int) -> None:
        """The store has it: what waited for it may leave."""
        gen, batch = self.ledger.committed(token)
        if gen == self.gen and self.open and batch:
            self._write(gen, batch)

    def keep(self, *step: Any) -> None:
        """One more step for the store, asked for at once."""
        self.ledger.step(*step)
        self.held_back()

    def held_back(self) -> None:
        """What the ledger was given is asked for at once: what is said from now on waits for it."""
        self._hand([])

    # -- acks

    def ack(self, said: Said) -> None:
        """The answer to a request; to none that is known: nothing."""
        request = self.box.written.get(said["id"])
        if request is None:
            return
        self._progress = True
        error = said.get("error")
        if error is None:
            request.result = said.get("data")
            self._end(request, None)
        elif error["code"] in MAYBE:
            self._unknown(request, error)
        elif error.get("retry") and self._retry(request, error):
            pass
        else:
            self._end(
                request,
                Rejected(
                    error["code"],
                    error.get("message", ""),
                    details=error.get("details"),
                    retry=bool(error.get("retry")),
                    after=error.get("after"),
                ),
            )
        self.flush()

    def _unknown(self, request: Request, error: Said) -> None:
        """It may have been done. With a key that still holds, asking again gives the truth.

        A join that counts as overtaken (after a start the server may not know) is asked for anew while the
        room is wanted.
        """
        keyed = request.key is not None and request.user is not None and request.user == self.user
        young = request.written is not None and self.clock.now() - request.written < 0.9 * self.limits.keys
        counts = keyed and young and request.life is not None and request.life == self.life
        wanted = error["code"] == "ACK_EXPIRED" and request.wanted is not None and request.wanted(request)
        if (counts or wanted) and request.asks < TRIES:
            self._once_more(request, 0.0)
        else:
            text = error.get("message") or "the server does not know any more"
            self._end(request, MaybeDone(f"{request.kind} may have been done: {text}", error["code"]))

    def _retry(self, request: Request, error: Said) -> bool:
        if request.asks >= TRIES or request.volatile or (request.ours and request.kind != "leave"):
            return False
        after = error.get("after")
        wait = after if isinstance(after, int | float) else RETRY_FIRST * 2**request.asks
        if request.patience is not None and self.clock.now() + wait >= request.patience:
            return False
        self._once_more(request, wait)
        return True

    def unwritten(self) -> None:
        """In another session what goes again has no id yet."""
        for request in self.box.queue:
            if request.stored and request.written is not None:
                self.ledger.step("unwrite", request.name)
        self._hand([])

    def _once_more(self, request: Request, wait: float) -> None:
        """The same, under a new id, after so many seconds; with none to wait, before all that is queued."""
        self.box.forget(request)
        request.asks += 1
        request.id = None
        request.accepted = False
        if request.stored:
            self.ledger.step("unwrite", request.name)
        if wait > 0:
            self._times.put_off(request, self.clock.now() + wait)
        else:
            self.box.add_first([request])

    def took(self, taken: Any, *, surely: bool = True) -> None:
        """The server has taken all ids up to this, or says so to be sure."""
        if not isinstance(taken, int) or taken <= self.taken:
            return
        self.taken = taken
        if not surely:
            return
        for number, request in list(self.box.written.items()):
            if number > taken:
                break
            if not request.accepted:
                request.accepted = self._progress = True
                request.tell()

    @property
    def owes(self) -> bool:
        """Whether a request of the program's has not ended: it waits, is on its way, or goes again later."""
        return any(not (each.ours or each.ended) for each in (*self._times.waiting(), *self.box.all()))

    @property
    def acked(self) -> int:
        """The acks of all ids up to this are here, and on disk where there is a store."""
        return self.ledger.acked(self.box.acked)

    # -- ends

    def _end(self, request: Request, error: Exception | None) -> None:
        if request.ended:
            return
        self.box.forget(request)
        request.ended, request.error = True, error
        if error is None:
            request.accepted = True
            self.box.counts.applied += 0 if request.ours else 1
            if self.answers is not None and request.written is not None and not request.ours:
                now = self.clock.now()
                self.answers.append((now, now - request.written))
        elif not request.ours:
            self.box.counts.failed += 1
            self.box.counts.maybe_done += bool(getattr(error, "maybe_done", False))
        self.ledger.end(request)
        self._hand([])
        if request.done is not None:
            request.done(request)
        request.tell()

    def give_up(self, request: Request, why: str) -> None:
        """Its caller does not wait any more: back if it was not written, else it is not sent again."""
        if not request.ended:
            written = request.id is not None or request.written is not None
            known = written and request.kind not in AGAIN
            what = "was sent, and may have been done" if known else "was taken back"
            self._end(request, RequestTimeout(f"{request.kind} {what}: {why}", maybe_done=known))

    def fail(self, request: Request, error: Exception) -> None:
        """It ends so."""
        self._end(request, error)

    def answered(self, request: Request) -> None:
        """The server speaks of the stream that this opened: that is its answer."""
        self._progress = True
        request.result = None
        self._end(request, None)

    def detach(self, why: str) -> None:
        """The process lets go: what has a row goes on with the next one."""
        self.ledger.on = False

        def error(request: Request) -> Exception:
            if not request.stored:
                return unanswered(request, why)
            return MaybeDone(f"{request.kind} is kept in the outbox, and goes on with the next client: {why}")

        self.end_all(why, error)

    def end_all(self, why: str, error: Callable[[Request], Exception] | None = None) -> None:
        """It is over: each ends with whether it may have been done."""
        for request in [*self.box.all(), *self._times.waiting()]:
            self._end(request, error(request) if error else unanswered(request, why))
        self._times.forget()

    def closed(self, *, moved: bool = False) -> None:
        """The connection is gone. Who was first in line too often, and nothing moved, is why: unless it was
        the client that `moved` to another.
        """
        self.open = False
        self.turn.clear()
        if moved:
            return
        first = next(iter(self.box.written.values()), None)
        if first is not None and not self._progress:
            first.closes += 1
            if first.closes >= POISON:
                self._end(
                    first,
                    MaybeDone(f"{first.kind} was sent {POISON} times, and each time the connection ended"),
                )
        elif first is not None:
            first.closes = 0
        self._progress = False

    # -- time

    def advance(self) -> None:
        """Do what is due."""
        now = self.clock.now()
        for request in self._times.ended(now):
            if request.patience is not None and request.patience <= now:
                self.give_up(request, "no answer came in its time")
            elif request.id is None and request.written is None:
                self._end(request, NotDone(f"{request.kind} was not sent in its time to live", "TIMEOUT"))
        for request in self._times.again(now):
            self.box.add_first([request])
        if self.http and self.open:
            self._ask_again(now)
        self.flush()

    def _ask_again(self, now: float) -> None:
        """Over plain HTTP an ack may not come: it is asked for again, after 1 s, 2 s and so on."""
        for request in list(self.box.written.values()):
            if now >= request.asked + 2.0 ** min(request.asks, 5):
                request.asked, request.asks, request.sent_again = now, request.asks + 1, True
                self.pace.count(now)
                self._effects.append(Write(self.gen, (encode(request.message()),)))

    @property
    def deadline(self) -> float:
        """When `advance` is wanted next."""
        until = self._times.next
        if not self.open:
            return until
        if self.turn or (self.box.queue and len(self.box.written) < self.limits.acks):
            until = min(until, self.pace.next)
        if self.http:
            asks = (each.asked + 2.0 ** min(each.asks, 5) for each in self.box.written.values())
            until = min(until, *asks) if self.box.written else until
        return until
