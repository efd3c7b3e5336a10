"""The application: what is registered before it is served, and the ways to speak while it is."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, TypeVar, overload

from ._background import Background
from ._engine import Engine, Plan, RoomPlan
from ._handlers import (
    Handler,
    RawHandler,
    RoomState,
    is_async,
    name_of,
    names_of_caller,
    positional,
    without_reason,
)
from ._patterns import ByPattern
from .auth import grant_words
from .errors import UsageError
from .room import Room
from .speaking import Speaking
from .stream import StreamHandler, Streaming
from .tokens import JWT

F = TypeVar("F", bound=Callable[..., Any])

POLICIES: Final = ("skip", "latest", "disconnect", "block")


class App(Speaking, Streaming):
    """An application: its handlers, its decisions, its rooms.

    Everything is registered before it is served. Then `room`, `user`, `all` and `sessions` reach its peers.
    """

    def __init__(self) -> None:
        self.handlers: list[Handler] = []
        self.raw_handlers: list[RawHandler] = []
        self.stream_handlers: list[StreamHandler] = []
        self.authenticator: Callable[..., Any] | None = None
        self.authorizers: ByPattern[Callable[..., Any]] = ByPattern()
        self.states: ByPattern[RoomState] = ByPattern()
        self.room_plans: ByPattern[RoomPlan] = ByPattern()
        self.connectors: list[Callable[..., Any]] = []
        self.disconnectors: list[Callable[..., Any]] = []
        self.background_tasks: list[Background] = []
        self.lifespans: list[Callable[..., AbstractAsyncContextManager[Any]]] = []
        self._engine: Engine | None = None
        self._rooms: dict[str, Room] = {}
        self._frozen = False

    # -- registration

    def authenticate(self, function: F) -> F:
        """Decorator: who a peer is. `(hello: Hello) -> User | None`, plain or a coroutine function.

        None refuses (close code 4501); `rtcore.ANONYMOUS` is somebody without a name. `Refuse` with
        `UNAUTHORIZED` closes with 4501, and with 4005 (another token may do) where it has `retry`, with
        `FORBIDDEN` with 4502, with `OVERLOADED` with 4003; any other exception with 1011. A plain function is
        called in the turn. A `JWT` with `JWKS` has its keys kept fresh while the application is served.

        Raises:
            UsageError: there is one already, or it takes other arguments.

        """
        self._open("authenticate")
        if self.authenticator is not None:
            raise UsageError(f"there is an authenticator already: {name_of(self.authenticator)}")
        positional(function, "an authenticator takes (hello)", 1, 1)
        self.authenticator = function
        known: Any = function
        if isinstance(known, JWT) and known.keys is not None:
            self.background(known.keys.keep_fresh)
        return function

    def authorize(self, pattern: str = "*") -> Callable[[F], F]:
        """Decorator: who may join rooms of this pattern. `(session, join: Join)`, plain or coroutine.

        It gives True (with what the room's settings grant), False or None (no), words of "publish",
        "presence", "history", or `Access(grants=..., info=...)`. An exception refuses with `INTERNAL`,
        `Refuse` with its own code. A plain function is called in the turn.

        Raises:
            UsageError: the pattern has one already, or it takes other arguments.

        """

        def register(function: F) -> F:
            self._open("authorize")
            positional(function, f"an authorizer of {pattern!r} takes (session, join)", 2, 2)
            if not self.authorizers.add(pattern, function):
                raise UsageError(f"there is an authorizer for rooms {pattern!r} already")
            return function

        return register

    def on(self, event: str, *, concurrency: int = 1) -> Callable[[F], F]:
        """Decorator: the handler of an event. `(session)` or `(session, data)`; its result becomes the ack.

        The annotation of `data` is its type: msgspec reads and checks it, and what does not fit is refused
        with every fault named. A plain function is called in the turn: it must not take long. A coroutine
        runs in the session's own task, one request after the other; with `concurrency` n, up to n of this
        event run beside them.

        Args:
            event: its name, 1 to 255 bytes.
            concurrency: how many requests of one session for this event may run at a time.

        Raises:
            UsageError: the event has one already, it takes other arguments, or its type cannot be read.

        """
        names = names_of_caller()

        def register(function: F) -> F:
            self._open("on")
            if any(known.name == event for known in self.handlers):
                raise UsageError(f"there is a handler of {event!r} already")
            if not event or event.startswith("$"):
                raise UsageError(
                    f"the name of an event is a text that does not begin with `$`, not {event!r}"
                )
            self.handlers.append(Handler(event, function, concurrency, names))
            return function

        return register

    def state(self, pattern: str) -> Callable[[F], F]:
        """Decorator: the state of rooms of this pattern. `(room)` or `(room, session)`, a plain function.

        It is called in the turn, with the join: what it gives and the number from which the session hears
        events belong together, so nothing is missed and nothing comes twice.

        Raises:
            UsageError: it is a coroutine function, or the pattern has one already.

        """

        def register(function: F) -> F:
            self._open("state")
            if is_async(function):
                raise UsageError(
                    f"the state of {pattern!r} is given by a plain function: "
                    "a wait would part it from its position"
                )
            places = positional(
                function, f"the state function of {pattern!r} takes (room) or (room, session)", 1, 2
            )
            if not self.states.add(pattern, RoomState(function, places == 2)):
                raise UsageError(f"there is a state function for rooms {pattern!r} already")
            return function

        return register

    def rooms(
        self,
        pattern: str,
        *,
        relay: bool = False,
        history: int = 1024,
        bytes: int = 1 << 20,  # noqa: A002 - the unit is the name
        age: float = 3600.0,
        policy: str = "skip",
        key: str | None = None,
        presence: bool = True,
        grants: Iterable[str] | None = None,
    ) -> None:
        """Settings of the rooms whose names match a pattern; the most specific pattern counts.

        Args:
            pattern: a name in which `*` stands for anything.
            relay: members may publish, and the core does all of it: Python is not asked.
            history: entries that the ring keeps.
            bytes: bytes of them.
            age: seconds that they are kept.
            policy: for listeners whom the ring no longer serves: "skip" (told the gap), "latest" (the newest
                of each slot), "disconnect" (come back), "block" (the publisher waits).
            key: the field of the data whose value is an entry's slot, for "latest".
            presence: who is here is told to members.
            grants: what a member may, unless the authorizer says otherwise; None: presence and history. In a
                relay room members may publish, too, whatever is said here.

        Raises:
            UsageError: the pattern has settings already, or one of them cannot be.

        """
        self._open("rooms")
        if policy not in POLICIES:
            raise UsageError(
                f"the policy of rooms {pattern!r} is one of {', '.join(POLICIES)}; not {policy!r}"
            )
        for what, value in (("history", history), ("bytes", bytes), ("age", age)):
            if value < 0:
                raise UsageError(f"the {what} of rooms {pattern!r} is a number from 0, not {value!r}")
        words = ["publish"] if relay and grants is None else []
        words += ["presence", "history"] if grants is None else grant_words(grants)
        plan = RoomPlan(
            pattern=pattern,
            relay=relay,
            count=int(history),
            bytes=int(bytes),
            age_ms=int(age * 1000),
            policy=policy,
            key=key,
            presence=presence,
            grants=words,
        )
        if not self.room_plans.add(pattern, plan):
            raise UsageError(f"rooms {pattern!r} have settings already; say all of them in one place")

    def websocket(self, path: str, *, max_message: int | None = None) -> Callable[[F], F]:
        """Decorator: a raw socket on a path of its own. See `RawSocket`.

        A coroutine function `(socket)` runs as a task for each socket, which is closed when it returns. A
        plain function `(socket, message)` is called in the turn with each message.

        Args:
            path: what comes before the `?`, beginning with `/`, not under `/rt/`.
            max_message: longest message in bytes, inflated; None: the limit `max_message`.

        Raises:
            UsageError: the path has one already, or it takes other arguments.

        """

        def register(function: F) -> F:
            self._open("websocket")
            if not path.startswith("/") or path.startswith("/rt/") or "?" in path:
                raise UsageError(
                    f"the path of a raw socket begins with `/`, is not under `/rt/`, has no `?`: {path!r}"
                )
            if any(known.path == path for known in self.raw_handlers):
                raise UsageError(f"there is a raw socket on {path!r} already")
            plain = not is_async(function)
            if plain:
                positional(function, f"a plain function for {path!r} takes (socket, message)", 2, 2)
            else:
                positional(function, f"a coroutine function for {path!r} takes (socket)", 1, 1)
            self.raw_handlers.append(RawHandler(path, function, plain, max_message))
            return function

        return register

    @overload
    def background(self, function: F, /) -> F: ...
    @overload
    def background(self, function: None = None, /, *, critical: bool = False) -> Callable[[F], F]: ...
    def background(self, function: Any = None, /, *, critical: bool = False) -> Any:
        """Decorator: a task that runs while the application is served. `async (app)`.

        `@app.background`, or `@app.background(critical=True)`. One that returns is done. One that raises is
        logged with its traceback, counted in `rtcore_background_failures_total`, and called again: after 1 s,
        doubling to 60 s, with jitter; a `critical` one ends the server.

        Args:
            function: the task.
            critical: serving makes no sense without it: what it raises leaves `serve`, in an exception group.

        Raises:
            UsageError: it is no coroutine function, or takes other arguments.

        """

        def register(function: F) -> F:
            self._open("background")
            if not is_async(function):
                text = f"a background task is a coroutine function, and {name_of(function)} is none"
                raise UsageError(text)
            positional(function, "a background task takes (app)", 1, 1)
            self.background_tasks.append(Background(function, critical))
            return function

        return register if function is None else register(function)

    def lifespan(self, function: F) -> F:
        """Decorator: what surrounds the serving. `(app)`, an async generator function or context manager.

        What comes before its `yield` is done before the first connection, the rest after the last.

        Raises:
            UsageError: it takes other arguments.

        """
        self._open("lifespan")
        positional(function, "a lifespan takes (app)", 1, 1)
        wrapped: Any = asynccontextmanager(function) if inspect.isasyncgenfunction(function) else function
        self.lifespans.append(wrapped)
        return function

    def on_connect(self, function: F) -> F:
        """Decorator: called when a session begins. `(session)`, plain or a coroutine function.

        A plain one is called in the turn; a coroutine runs in the session's task, before its first request.
        """
        self._open("on_connect")
        positional(function, "on_connect takes (session)", 1, 1)
        self.connectors.append(function)
        return function

    def on_disconnect(self, function: F) -> F:
        """Decorator: called when a session has ended for good. `(session)` or `(session, reason)`.

        A plain one is called in the turn; a coroutine runs in the server's nursery. A short drop of the
        connection is no end.
        """
        self._open("on_disconnect")
        places = positional(function, "on_disconnect takes (session) or (session, reason)", 1, 2)
        self.disconnectors.append(function if places == 2 else without_reason(function))
        return function

    # -- being served

    def plan(self) -> Plan:
        """What the core must know. From here on nothing more can be registered."""
        self._frozen = True
        rooms: ByPattern[RoomPlan] = ByPattern()
        for pattern in (*self.room_plans.patterns(), *self.authorizers.patterns(), *self.states.patterns()):
            # A pattern that only an authorizer or a state names has the settings of the one that covers it.
            base = self.room_plans.find(pattern) or RoomPlan(pattern)
            rooms.add(
                pattern,
                dataclasses.replace(
                    base,
                    pattern=pattern,
                    authorize=self.authorizers.find(pattern) is not None,
                    state=self.states.find(pattern) is not None,
                ),
            )
        return Plan(
            authenticates=self.authenticator is not None,
            lifecycle=bool(self.connectors or self.disconnectors),
            rooms=[plan for pattern in rooms.patterns() if (plan := rooms.find(pattern))],
            events=[handler.name for handler in self.handlers],
            raws=[(raw.path, raw.max_message) for raw in self.raw_handlers],
            streams=[(stream.name, stream.up) for stream in self.stream_handlers],
        )

    def bind(self, engine: Engine | None) -> None:
        """It is served by this engine from now on; None: no longer.

        Raises:
            UsageError: it is served already.

        """
        if engine is not None and self._engine is not None:
            raise UsageError("this application is being served already; make another App for another server")
        self._engine = engine
        self._rooms.clear()

    def _open(self, what: str) -> None:
        if self._frozen:
            raise UsageError(f"`{what}` comes too late: the application is being served already")


App.__module__ = "rtcore"
