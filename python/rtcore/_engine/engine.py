"""The core while it is served.

A call that the core refuses becomes an error, an event that somebody waits for wakes that task, and output
that was made outside a turn schedules one flush (`wake`).
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeVar, cast

import trio
from outcome import Error, Value
from trio.lowlevel import Abort, Task

from rtcore import _core
from rtcore._ground.failures import Failures
from rtcore._ground.home import Home
from rtcore._ground.numbers import USUAL
from rtcore._turn.held import Held
from rtcore.errors import Denied, InvalidData, NotServing, SessionEnded

log = logging.getLogger("rtcore.store")

Core = _core.Core
CoreEvent = tuple[Any, ...]
K = TypeVar("K", int, str)


class SessionInfo(NamedTuple):
    """What `Core.session_info` says of a session. Times in milliseconds since 1970, latency in seconds."""

    id: str
    user: str | None
    address: str
    user_agent: str | None
    since: int
    latency: float | None
    connected: bool
    expires: int | None


def denied(error: _core.Refused) -> Denied:
    """What the application sees of a call that the core did not do."""
    code, message, retry = error.args
    told = Denied.of(code, message, retry)
    if message.startswith("there is no room"):  # for the application's log: what is passed on is the message
        told.add_note("No settings name it: `app.rooms(pattern)` says which rooms there are.")
    return told


def unsayable(error: UnicodeEncodeError) -> InvalidData:
    """What the application sees of a name that is no UTF-8."""
    return InvalidData(f"{error.object!r} cannot be said: it holds half of a surrogate pair")


_ENDED: Final = "the server has ended, and nothing comes any more"


class Engine(Home):
    """The core, and who waits for what.

    Invariant: while `turning`, whoever runs the turn flushes at its end; outside, the first output wakes the
    flusher, once. Both are of the run that serves, so what says something is called there alone (`Home`).
    """

    __slots__ = (
        "ack",
        "at_once",
        "books",
        "clock",
        "core",
        "drained",
        "driven",
        "durable",
        "epoch",
        "failures",
        "flusher",
        "held",
        "high",
        "listening",
        "manual",
        "nursery",
        "raw_drained",
        "replies",
        "request",
        "requests",
        "sessions",
        "stored",
        "texts",
        "tickets",
        "trails",
        "turning",
        "wall_offset",
    )

    def __init__(self, core: Core, limits: Mapping[str, int], *, manual: bool, durable: bool = False) -> None:
        super().__init__()
        self.durable = durable  # whether anything may have to wait for the disk
        # Whether it is noted whose handler runs: what it says waits for the disk or is followed with it.
        self.books = durable
        self.core = core
        self.manual = manual
        self.driven = True  # turns go on: what comes from outside is heard
        # By which it is measured how long handlers take (ns): in a test by its time, also when one answers.
        self.clock: Callable[[], int] = self._time_of_test if manual else time.perf_counter_ns
        self.ack: Callable[[int, bytes, int], None] = self._ack_in_test if manual else core.ack
        known = {**USUAL, **limits}
        self.high = known["session_high"]
        self.at_once = max(1, known["questions_at_once"])
        self.epoch = core.position(0).partition(".")[0]
        self.turning = False
        self.flusher: Task | None = None  # parked, and not yet rescheduled
        self.sessions: dict[int, Any] = {}  # Session by handle: only those that Python has met
        self.drained: dict[int, list[Task]] = {}  # senders by session that wait for DRAINED
        self.raw_drained: dict[int, list[Task]] = {}
        self.texts: Any = None  # who edits texts over raw sockets, once somebody does
        self.listening: dict[str, list[Task]] = {}  # those that wait for SAID, by room
        self.tickets: dict[int, Task] = {}  # publishers by ticket that wait for UNBLOCKED
        self.stored: dict[int, Task] = {}  # publishers by ticket that wait for STORED
        self.request = 0  # the request of the plain function that runs, where that is noted (`books`)
        self.requests: dict[Task, int] = {}  # those of coroutines, likewise
        self.replies: dict[int, dict[int, Task]] = {}  # askers by session, then by request
        self.nursery: trio.Nursery | None = None  # the server's, while it runs
        self.wall_offset: float | None = None
        self.failures = Failures()
        self.held = Held()
        self.trails: Any = None  # messages that are followed (`rtcore._watch.trails`), while it is served

    def leave(self) -> None:
        """It serves no longer: sessions have ended, and who waits for something from outside is told so."""
        super().leave()
        for session in self.sessions.values():
            session.end_reason = session.end_reason or "the server has ended"
        self.sessions.clear()
        self.let_go()

    def let_go(self) -> None:
        """Nothing comes any more: who waits for something from outside is told so."""
        self.driven = False
        left = [*self.tickets.values(), *self.stored.values()]
        for tasks in (*self.drained.values(), *self.raw_drained.values(), *self.listening.values()):
            left += tasks
        for asking in self.replies.values():
            left += asking.values()
        for waiting in (
            self.tickets,
            self.stored,
            self.drained,
            self.raw_drained,
            self.listening,
            self.replies,
        ):
            waiting.clear()
        for task in left:
            trio.lowlevel.reschedule(task, Error(NotServing(_ENDED)))

    def wake(self) -> None:
        """Have what was made outside a turn written: one flush, in this or the next pass of Trio."""
        task = self.flusher
        if task is not None and not self.turning:
            self.flusher = None
            trio.lowlevel.reschedule(task)

    def tick(self) -> None:
        """Tell a manual core the time: Trio's, so that a test's clock is the core's too."""
        if self.manual:
            now = trio.current_time()
            if self.wall_offset is None:
                self.wall_offset = time.time() - now
            self.core.set_time(int(now * 1e9), int((self.wall_offset + now) * 1000))

    @staticmethod
    def _time_of_test() -> int:
        return int(trio.current_time() * 1e9) or 1  # 0 says that the core knows, and a test may begin at 0

    def _ack_in_test(self, request: int, data: bytes, began: int = 0) -> None:
        self.tick()  # Trio resumed the handler, and no turn has told the core the time
        self.core.ack(request, data, began)

    async def wait_unblocked(self, ticket: int) -> None:
        """Until a publish that got this ticket may be tried again."""
        self.tickets[ticket] = trio.lowlevel.current_task()
        self.wake()

        def abort(_: object) -> Abort:
            self.tickets.pop(ticket, None)
            self.core.forget_blocked(ticket)
            return Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    async def wait_stored(self, ticket: int) -> int:
        """Until what is on its way to the disk under this ticket is there: its number.

        It cannot be taken back any more, so a cancelled caller waits, too: as long as the store may take.

        Raises:
            Denied: it is not there, or nobody knows.
            NotServing: the server has ended, and nobody knows.

        """
        if not self.driven:
            raise NotServing(_ENDED)
        self.stored[ticket] = trio.lowlevel.current_task()
        self.wake()
        return cast("int", await trio.lowlevel.wait_task_rescheduled(lambda _: Abort.FAILED))

    async def settled(self) -> None:
        """Until all that was decided so far is on disk. A cancelled caller does not wait: it is decided.

        Raises:
            Denied: nobody knows yet whether it is there.

        """
        ticket = self.core.when_stored()
        if ticket:
            await self.wait_ticket(ticket)

    async def wait_ticket(self, ticket: int) -> None:
        """Until STORED comes for it. Who is cancelled forgets it.

        Raises:
            Denied: it says so.

        """
        self.stored[ticket] = trio.lowlevel.current_task()
        self.wake()

        def abort(_: object) -> Abort:
            self.stored.pop(ticket, None)
            self.core.forget_stored(ticket)
            return Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def is_stored(self, ticket: int, seq: int, error: tuple[str, str, bool] | None) -> None:
        """STORED came."""
        task = self.stored.pop(ticket, None)
        if task is None:
            if error is not None:  # of `publish_nowait`, for which nobody waits
                text = "what was published without waiting is not kept: %s"
                self.failures.log(log, "store", text, error[1], error=None)
            return
        trio.lowlevel.reschedule(task, Value(seq) if error is None else Error(Denied.of(*error)))

    def request_of_caller(self) -> int:
        """The request whose handler calls, itself or in a task that it has started; 0: none."""
        if not self.books:
            return 0
        if self.request:
            return self.request
        requests = self.requests
        task: Task | None = trio.lowlevel.current_task() if requests else None
        while task is not None:
            if task in requests:
                return requests[task]
            task = None if task.parent_nursery is None else task.parent_nursery.parent_task
        return 0

    def request_is_over(self) -> None:
        """What the task that calls says from now on belongs to no request."""
        if self.requests:
            self.requests.pop(trio.lowlevel.current_task(), None)

    def unblocked(self, ticket: int) -> None:
        """UNBLOCKED came."""
        task = self.tickets.pop(ticket, None)
        if task is not None:
            trio.lowlevel.reschedule(task)

    async def wait_drained(self, waiting: dict[K, list[Task]], handle: K) -> None:
        """Until the peer has taken enough of what it is owed, or is gone; or there is something to read."""
        task = trio.lowlevel.current_task()
        waiting.setdefault(handle, []).append(task)
        self.wake()

        def abort(_: object) -> Abort:
            tasks = waiting[handle]
            tasks.remove(task)
            if not tasks:
                del waiting[handle]
            return Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def wake_drained(self, waiting: dict[K, list[Task]], handle: K) -> None:
        """DRAINED, RAW_DRAINED or SAID came, or the end: each who waits looks again."""
        for task in waiting.pop(handle, ()):
            trio.lowlevel.reschedule(task)

    async def wait_reply(self, handle: int, request: int, timeout: float | None) -> CoreEvent | None:
        """The REPLY to a request; None when the time (seconds) is over. A cancelled wait forgets the request.

        Raises:
            SessionEnded: the session ended before the answer came.

        """
        patience = trio.move_on_after(math.inf if timeout is None else timeout)  # before anybody waits
        waiting = self.replies.setdefault(handle, {})
        waiting[request] = trio.lowlevel.current_task()
        self.wake()

        def abort(_: object) -> Abort:
            self._take_asker(handle, request)
            self.core.forget_ask(handle, request)
            return Abort.SUCCEEDED

        with patience:
            return cast("CoreEvent", await trio.lowlevel.wait_task_rescheduled(abort))
        return None

    def _take_asker(self, handle: int, request: int) -> Task | None:
        waiting = self.replies.get(handle)
        if waiting is None:
            return None
        task = waiting.pop(request, None)
        if not waiting:
            del self.replies[handle]
        return task

    def replied(self, event: CoreEvent) -> None:
        """REPLY came."""
        task = self._take_asker(event[1], event[2])
        if task is not None:
            trio.lowlevel.reschedule(task, Value(event))

    def session_ended(self, handle: int, reason: str) -> None:
        """Nobody waits for a session that is gone."""
        self.wake_drained(self.drained, handle)
        for task in self.replies.pop(handle, {}).values():
            trio.lowlevel.reschedule(task, Error(SessionEnded(f"the session ended: {reason}")))

    def call(self, done: Callable[..., Any], *args: Any) -> Any:
        """Do something in the core whose output must leave soon.

        Raises:
            Denied: the core did not do it.

        """
        try:
            result = done(*args)
        except _core.Refused as error:
            raise denied(error) from None
        except UnicodeEncodeError as error:
            raise unsayable(error) from None
        if not self.turning:
            self.wake()
        return result


def session_info(engine: Engine, session: int) -> SessionInfo | None:
    """What is known of a session now; None: there is none any more."""
    info = engine.core.session_info(session)
    return None if info is None else SessionInfo(*info)
