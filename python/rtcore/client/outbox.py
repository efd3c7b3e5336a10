"""What the program said and the server has not answered: the queue, and what was written.

Invariants:
- An id is given when a request is first written, above every id that the session ever used; what was never
  written has none. So whether bytes may have left is never guessed.
- `written` is in the order of the ids, `queue` in the order of the calls.
- `drop_*` and a time to live take only from `queue`.
- A request of a user goes out under no other. What nobody owns yet belongs to the first who is welcome.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from enum import StrEnum

from .errors import MaybeDone, NotDone
from .request import AGAIN, Counts, Request


class Overflow(StrEnum):
    """What is done when the outbox is full."""

    REJECT = "reject"
    """The new request is refused."""
    DROP_OLDEST = "drop_oldest"
    """The oldest that was never written ends as not done."""
    DROP_BY_KEY = "drop_by_key"
    """The oldest with the same `drop_key` that was never written ends as not done; else as `reject`."""


class Box:
    """Queue and written, in their orders. `messages` and `size` (bytes) bound what waits unwritten."""

    def __init__(
        self, messages: int = 100, size: int = 1 << 20, overflow: Overflow = Overflow.REJECT
    ) -> None:
        self.queue: deque[Request] = deque()
        self.written: dict[int, Request] = {}
        self.counts = Counts()
        self.messages, self.size, self.overflow = messages, size, overflow
        self.queued_bytes = 0
        self.last_id = 0
        self._acked_all = 0

    # -- in

    def room_for(self, request: Request) -> Request | None:
        """Make room for it: who was dropped for it, if anybody.

        Raises:
            NotDone: there is none.

        """
        waiting = sum(1 for each in self.queue if not each.ours)
        if waiting < self.messages and self.queued_bytes + request.size <= self.size:
            return None
        if request.size <= self.size:
            for old in self.queue:
                if old.ours or old.id is not None:
                    continue
                if self.overflow is Overflow.DROP_OLDEST or (
                    self.overflow is Overflow.DROP_BY_KEY
                    and request.hold is not None
                    and old.hold == request.hold
                ):
                    self.take_back(old)
                    self.counts.dropped += 1
                    return old
        raise NotDone(
            f"the outbox is full: {waiting} messages, {self.queued_bytes} bytes wait, and it holds "
            f"{self.messages} and {self.size}; wait for the connection, or give it more room"
        )

    def add(self, request: Request) -> None:
        """To the end of the queue."""
        self.queue.append(request)
        self.queued_bytes += request.size

    def add_first(self, requests: list[Request]) -> None:
        """Before all that waits, in this order."""
        self.queue.extendleft(reversed(requests))
        self.queued_bytes += sum(each.size for each in requests)

    # -- out

    def take_back(self, request: Request) -> bool:
        """Out of the queue; False: it is not there."""
        try:
            self.queue.remove(request)
        except ValueError:
            return False
        self.queued_bytes -= request.size
        return True

    def next_for(self, user: str | None) -> Request | None:
        """The first in the queue that may go out under this user."""
        for request in self.queue:
            if _may(request, user):
                return request
        return None

    def write(self, request: Request) -> None:
        """Give it the next id. It is in `written` from now on."""
        self.take_back(request)
        self.last_id += 1
        request.id = self.last_id
        self.written[request.id] = request

    def forget(self, request: Request) -> None:
        """It has ended, wherever it was."""
        if request.id is not None and self.written.get(request.id) is request:
            del self.written[request.id]
        else:
            self.take_back(request)

    @property
    def acked(self) -> int:
        """The acks of all ids up to this are here."""
        return (next(iter(self.written)) - 1) if self.written else self.last_id

    def all(self) -> Iterator[Request]:
        """Everything that has not ended, in order."""
        yield from self.written.values()
        yield from self.queue

    def foreign(self, user: str | None) -> int:
        """How many wait for another user."""
        return sum(1 for each in self.queue if not _may(each, user))

    # -- another session

    def fresh(
        self,
        user: str | None,
        *,
        life: str | None,
        same_life: bool,
        durable: Collection[str],
        keys: float,
        now: float,
        wall: int,
    ) -> list[Request]:
        """The session is another, so ids mean nothing any more. What may go again of the written stands
        before the queue now; the rest, which may have been done, is given. In `durable` rooms keys outlive
        the server's life.
        """
        again: list[Request] = []
        lost: list[Request] = []
        for request in self.written.values():
            age = max(
                now - request.written if request.written is not None else 0.0,
                (wall - request.written_wall) / 1000 if request.written_wall is not None else 0.0,
            )
            keyed = request.key is not None and user is not None and request.user == user
            kept = same_life or (request.kind == "publish" and request.fields.get("room") in durable)
            may = request.kind in AGAIN or (keyed and kept and life is not None and age < 0.9 * keys)
            (again if may else lost).append(request)
        self.written.clear()
        for request in again:
            request.id = request.session = None
            request.sent_again = False
            request.accepted = False
        self.last_id = 0
        self.add_first(again)
        return lost


def _may(request: Request, user: str | None) -> bool:
    """Whether it may go out under this user. The client's own moves are nobody's: they change only what this
    session hears.
    """
    return not request.owned or request.user == user or (request.ours and request.kind in AGAIN)


def unanswered(request: Request, why: str) -> Exception:
    """The error of a request that ends without an ack."""
    if request.id is None and request.written is None:
        return NotDone(f"{request.kind} was not sent: {why}")
    if request.kind in AGAIN:
        return NotDone(f"{request.kind} has no answer: {why}")
    return MaybeDone(f"{request.kind} was sent and may have been done: {why}")
