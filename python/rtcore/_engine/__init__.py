"""The one place that knows the native core: builds it, and holds what Python keeps beside it.

`Engine` is the core together with who waits for what. It owns no rules: a call that the core refuses becomes
an exception of `errors`, an event that somebody waits for wakes that task, and output that was made outside a
turn schedules one flush (`wake`).
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import os
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, cast

import trio
from outcome import Error, Value
from trio.lowlevel import Abort, Task

from rtcore import _core
from rtcore._ground.failures import Failures
from rtcore._ground.home import Home
from rtcore._turn.held import Held
from rtcore.errors import ConfigError, Denied, InvalidData, NotServing, SessionEnded, UsageError

from .unusable import fault_of

Core = _core.Core
Refused = _core.Refused
Blocked = _core.Blocked
check_own = _core.check_own
packed = _core.packed
DONE: Final = cast("Coroutine[Any, Any, None]", _core.Done())
"""What a plain function gives that may be awaited, when it did not have to wait. No coroutine is made."""
LIMITS: Final = _core.LIMITS
LIMIT_RANGES: Final = {name: (least, most) for name, least, most in _core.LIMIT_RANGES}
VERSION: Final = _core.VERSION

REQUEST: Final = _core.REQUEST
RAW_MESSAGE: Final = _core.RAW_MESSAGE
AUTHENTICATE: Final = _core.AUTHENTICATE
AUTHORIZE: Final = _core.AUTHORIZE
REAUTHENTICATE: Final = _core.REAUTHENTICATE
REPLY: Final = _core.REPLY
OPENED: Final = _core.OPENED
RESUMED: Final = _core.RESUMED
AWAY: Final = _core.AWAY
ENDED: Final = _core.ENDED
RAW_OPENED: Final = _core.RAW_OPENED
RAW_CLOSED: Final = _core.RAW_CLOSED
RAW_DRAINED: Final = _core.RAW_DRAINED
DRAINED: Final = _core.DRAINED
UNBLOCKED: Final = _core.UNBLOCKED
HAND_OVER: Final = _core.HAND_OVER
STREAM_OPENED: Final = _core.STREAM_OPENED
STREAM_WANTS: Final = _core.STREAM_WANTS
STREAM_ITEM: Final = _core.STREAM_ITEM
STREAM_END: Final = _core.STREAM_END
STREAM_CANCELLED: Final = _core.STREAM_CANCELLED
UNASKED: Final = _core.UNASKED
REFUSED: Final = _core.REFUSED
KEYED: Final = _core.KEYED

CLOSE_CODES: Final[dict[str, int]] = dict(_core.CLOSE_CODES)
"""Close codes by their names in `vectors/codes.json`."""
ERROR_STATUS: Final[dict[str, int]] = dict(_core.ERROR_CODES)
"""The HTTP status of each error code of the wire."""

NORMAL_CLOSE: Final = CLOSE_CODES["NORMAL"]
INTERNAL_CLOSE: Final = CLOSE_CODES["INTERNAL"]
OVERLOADED_CLOSE: Final = CLOSE_CODES["OVERLOADED"]
UNAUTHORIZED_CLOSE: Final = CLOSE_CODES["UNAUTHORIZED"]
EXPIRED_CLOSE: Final = CLOSE_CODES["EXPIRED"]
FORBIDDEN_CLOSE: Final = CLOSE_CODES["FORBIDDEN"]
ENDED_CLOSE: Final = CLOSE_CODES["ENDED"]

GRANTS: Final = ("publish", "presence", "history")

CoreEvent = tuple[Any, ...]


@dataclasses.dataclass(slots=True)
class CoreSettings:
    """What the configuration says about the core.

    `limits` by the names of `LIMITS`; `linger_us` is how long a turn may wait for more input before it goes
    back through Trio (microseconds, 0: not at all); `seed` is 32 random bytes, drawn when None.
    """

    limits: Mapping[str, int] = dataclasses.field(default_factory=dict[str, int])
    origins: Sequence[str] = ()
    hosts: Sequence[str] = ()
    proxies: Sequence[str] = ()
    forwarded: Sequence[str] | None = None
    loopback_only: bool = False
    backend: bool = False
    token_in_url: bool = False
    tells_faults: bool = False
    linger_us: int = 50
    seed: bytes | None = None


@dataclasses.dataclass(slots=True)
class RoomPlan:
    """The settings of all rooms that a pattern names, as the core wants them. Ages in milliseconds."""

    pattern: str
    relay: bool = False
    count: int = 1024
    bytes: int = 1 << 20
    age_ms: int = 3_600_000
    policy: str = "skip"
    key: str | None = None
    authorize: bool = False
    state: bool = False
    presence: bool = True
    grants: Sequence[str] = ("presence", "history")


@dataclasses.dataclass(slots=True)
class Plan:
    """What an application asks of the core. Events carry the index of an event, raw path or stream."""

    authenticates: bool = False
    lifecycle: bool = False
    rooms: list[RoomPlan] = dataclasses.field(default_factory=list[RoomPlan])
    events: list[str] = dataclasses.field(default_factory=list[str])
    raws: list[tuple[str, int | None]] = dataclasses.field(default_factory=list[tuple[str, int | None]])
    streams: list[tuple[str, bool]] = dataclasses.field(default_factory=list[tuple[str, bool]])


def limit_defaults() -> dict[str, int]:
    """The default of each limit by name."""
    return {name: default for name, default, _ in LIMITS}


def build_core(plan: Plan, settings: CoreSettings, *, manual: bool) -> Core:
    """A started core.

    Raises:
        ConfigError: a setting of the configuration is wrong.
        UsageError: a registration of the application is.

    """
    seed = os.urandom(32) if settings.seed is None else settings.seed
    if len(seed) != 32:
        raise ConfigError(f"the seed has 32 bytes, not {len(seed)}")
    core = Core(seed, manual)
    _configure(core, settings)
    core.set_authenticates(plan.authenticates)
    core.set_lifecycle(plan.lifecycle)
    longest = {**limit_defaults(), **settings.limits}["max_message"]
    for room in plan.rooms:
        try:
            core.add_room(**dataclasses.asdict(room))
        except (ValueError, OverflowError, Refused) as error:
            raise UsageError(
                f"the settings of rooms {room.pattern!r} cannot be used: {text(error)}"
            ) from error
    for index, name in enumerate(plan.events):
        try:
            given = core.add_event(name)
        except (ValueError, Refused) as error:
            raise UsageError(f"the event {name!r} cannot be registered: {text(error)}") from error
        if given != index:
            raise UsageError(f"the event {name!r} got the index {given} from the core, and not {index}")
    for path, max_message in plan.raws:
        try:
            core.add_raw(path, longest if max_message is None else max_message)
        except (ValueError, OverflowError, Refused) as error:
            raise UsageError(f"the raw socket {path!r} cannot be registered: {text(error)}") from error
    for name, up in plan.streams:
        core.add_stream(name, up)
    core.start()
    return core


def _configure(core: Core, settings: CoreSettings) -> None:
    known = limit_defaults()
    for name, value in settings.limits.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"
            raise ConfigError(f"there is no limit {name!r}{hint}")
        if type(value) is not int or not 0 <= value < 1 << 63:
            raise ConfigError(f"the limit {name!r} is a whole number from 0, and not {value!r}")
        core.set_limit(name, value)
    core.set_backend(settings.backend)
    core.set_loopback_only(settings.loopback_only)
    core.set_token_in_url(settings.token_in_url)
    core.set_tells_faults(settings.tells_faults)
    for what, texts, add in (
        ("origin", settings.origins, core.add_origin),
        ("host", settings.hosts, core.add_host),
        ("proxy", settings.proxies, core.add_proxy),
    ):
        for given in texts:
            if fault := fault_of(add, given):
                raise ConfigError(f"the {what} {given!r} cannot be used: {fault}")
    if settings.forwarded is not None and (fault := fault_of(core.believe, list(settings.forwarded))):
        raise ConfigError(f"`forwarded` cannot be used: {fault}")


def text(error: BaseException) -> str:
    """What an error of the core says: `Refused` carries more than its text."""
    return str(error.args[1]) if isinstance(error, _core.Refused) else str(error)


def denied(error: _core.Refused) -> Denied:
    """What the application sees of a call that the core did not do."""
    code, message, retry = error.args
    return Denied.of(code, message, retry)


def unsayable(error: UnicodeEncodeError) -> InvalidData:
    """What the application sees of a name that is no UTF-8."""
    return InvalidData(f"{error.object!r} cannot be said: it holds half of a surrogate pair")


class Engine(Home):
    """The core, and who waits for what.

    Invariant: while `turning`, whoever runs the turn flushes at its end; outside, the first output wakes the
    flusher, once. Both are of the run that serves, so what says something is called there alone (`Home`).
    """

    __slots__ = (
        "at_once",
        "core",
        "drained",
        "epoch",
        "failures",
        "flusher",
        "held",
        "high",
        "manual",
        "nursery",
        "raw_drained",
        "replies",
        "sessions",
        "tickets",
        "turning",
        "wall_offset",
    )

    def __init__(self, core: Core, limits: Mapping[str, int], *, manual: bool) -> None:
        super().__init__()
        self.core = core
        self.manual = manual
        known = {**limit_defaults(), **limits}
        self.high = known["session_high"]
        self.at_once = max(1, known["questions_at_once"])
        self.epoch = core.position(0).partition(".")[0]
        self.turning = False
        self.flusher: Task | None = None  # parked, and not yet rescheduled
        self.sessions: dict[int, Any] = {}  # Session by handle: only those that Python has met
        self.drained: dict[int, list[Task]] = {}  # senders by session that wait for DRAINED
        self.raw_drained: dict[int, list[Task]] = {}
        self.tickets: dict[int, Task] = {}  # publishers by ticket that wait for UNBLOCKED
        self.replies: dict[int, dict[int, Task]] = {}  # askers by session, then by request
        self.nursery: trio.Nursery | None = None  # the server's, while it runs
        self.wall_offset: float | None = None
        self.failures = Failures()
        self.held = Held()

    def leave(self) -> None:
        """It serves no longer: sessions have ended, and who waits for something from outside is told so."""
        super().leave()
        for session in self.sessions.values():
            session.end_reason = session.end_reason or "the server has ended"
        self.sessions.clear()
        left = [*self.tickets.values()]
        for tasks in (*self.drained.values(), *self.raw_drained.values()):
            left += tasks
        for asking in self.replies.values():
            left += asking.values()
        for waiting in (self.tickets, self.drained, self.raw_drained, self.replies):
            waiting.clear()
        for task in left:
            error = NotServing("the server has ended, and nothing comes any more")
            trio.lowlevel.reschedule(task, Error(error))

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

    async def wait_unblocked(self, ticket: int) -> None:
        """Until a publish that got this ticket may be tried again."""
        self.tickets[ticket] = trio.lowlevel.current_task()
        self.wake()

        def abort(_: object) -> Abort:
            self.tickets.pop(ticket, None)
            self.core.forget_blocked(ticket)
            return Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def unblocked(self, ticket: int) -> None:
        """UNBLOCKED came."""
        task = self.tickets.pop(ticket, None)
        if task is not None:
            trio.lowlevel.reschedule(task)

    async def wait_drained(self, waiting: dict[int, list[Task]], handle: int) -> None:
        """Until the peer has taken enough of what it is owed, or is gone."""
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

    def wake_drained(self, waiting: dict[int, list[Task]], handle: int) -> None:
        """DRAINED or RAW_DRAINED came, or the end: each who waits looks again."""
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
