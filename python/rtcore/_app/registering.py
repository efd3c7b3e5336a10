"""Registration of handlers and decisions: what an `App` and a `Router` have in common.

A router's names begin with its prefix from the moment at which they are registered, so that what is refused
there names them as peers will say them.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Concatenate, Final, TypeVar, overload

from rtcore._ground.numbers import PREFIX, PROBES
from rtcore.auth import Answer, Hello, Join, User
from rtcore.errors import UsageError
from rtcore.raw import RawSocket
from rtcore.room import Room
from rtcore.session import Session
from rtcore.tokens import JWT

from .background import Background
from .handlers import (
    Handler,
    RawHandler,
    RoomState,
    names_of_caller,
    positional,
    without_last,
)
from .hooks import (
    checked_event,
    checked_flag,
    checked_name,
    checked_once,
    checked_text,
    checked_whole,
    name_of,
)
from .injecting import Given, needs, without
from .kinds import is_async, yields
from .registry import Registry
from .spelling import spelt
from .surrounding import Surrounded

F = TypeVar("F", bound=Callable[..., Any])
A = TypeVar("A", bound=Callable[Concatenate[Hello, ...], User | Awaitable[User | None] | None])
"""An authenticator; what type checkers hold it to. The others, too."""
J = TypeVar("J", bound=Callable[Concatenate[Session, Join, ...], Answer | Awaitable[Answer]])
S = TypeVar("S", bound=Callable[Concatenate[Session, ...], Any])

_PATH: Final = re.compile(r"[!-\"$->@-~]+")
_TAKEN: Final = (*PROBES, "/metrics", "/*")
_OF_JOIN: Final = Given((("session", Session), ("join", Join)))
_OF_HELLO: Final = Given((("hello", Hello),))
_PLACEHOLDERS: Final = "{}<>"
"""No client says these in a path as they are; other frameworks write patterns with them."""


@spelt
class Registering:
    """Decorators for what is called: by events, at decisions, on raw paths, and around all of it."""

    _registry: Registry
    _prefix: str

    def authenticate(self, function: A) -> A:
        """Decorator: who a peer is. `(hello: Hello) -> User | None`, plain or a coroutine function.

        None refuses (close code 4501); `rtcore.ANONYMOUS` is somebody without a name. `Refuse` with
        `UNAUTHORIZED` closes with 4501, and with 4005 (another token may do) where it has `retry`, with
        `FORBIDDEN` with 4502, with `OVERLOADED` with 4003; any other exception with 1011. A plain function is
        called in the turn. A `JWT` with `JWKS` has its keys kept fresh while the application is served.

        Raises:
            UsageError: there is one already, or it takes other arguments.

        """
        self._registry.open("authenticate")
        if self._registry.authenticator is not None:
            known = name_of(self._registry.authenticator.function)
            raise UsageError(f"there is an authenticator already: {known}")
        names = names_of_caller()
        needed = needs(function, _OF_HELLO, names)
        seen = without(function, needed)
        positional(seen, "an authenticator takes (hello)", 1, 1, kinds=(Hello,), names=names)
        _decides(function, "an authenticator")
        self._registry.authenticator = Surrounded(function, needed)
        tokens: Any = function
        if isinstance(tokens, JWT) and tokens.keys is not None:
            self.background(tokens.keys.keep_fresh)
        return function

    def authorize(self, pattern: str = "*") -> Callable[[J], J]:
        """Decorator: who may join rooms of this pattern. `(session, join: Join)`, plain or coroutine.

        It gives True (with what the room's settings grant), False or None (no), words of "publish",
        "presence", "history", or `Access(grants=..., info=...)`. An exception refuses with `INTERNAL`,
        `Refuse` with its own code. A plain function is called in the turn.

        Raises:
            UsageError: the pattern has one already, it takes other arguments, or it stands without
                parentheses.

        """
        names = names_of_caller()
        checked_name(pattern, "@app.authorize", '@app.authorize("pattern")')
        pattern = self._prefix + pattern

        def register(function: J) -> J:
            add_authorizer(self._registry, pattern, function, names)
            return function

        return register

    def on(self, event: str, *, concurrency: int = 1, durable: bool = False) -> Callable[[S], S]:
        """Decorator: the handler of an event. `(session)` or `(session, data)`; its result becomes the ack.

        The annotation of `data` is its type: msgspec reads and checks it, and what does not fit is refused
        with every fault named. A plain function is called in the turn: it must not take long. A coroutine
        runs in the session's own task, one request after the other; with `concurrency` n, up to n of this
        event run beside them.

        Args:
            event: its name, 1 to 255 bytes.
            concurrency: how many requests of one session for this event may run at a time.
            durable: a request with an id is on disk before the handler runs, and its ack before that leaves:
                over a crash it runs at most once. What was cut off is answered with `OUTCOME_UNKNOWN`. The
                server needs a folder for it (`--data`).

        Raises:
            UsageError: the event has one already, it takes other arguments, its type cannot be read, or it
                stands without the event's name.

        """
        names = names_of_caller()
        checked_event(event, "@app.on", '@app.on("event")')
        event = checked_name(self._prefix + event, "@app.on", '@app.on("event")')

        def register(function: S) -> S:
            self._registry.open("on")
            if any(known.name == event for known in self._registry.handlers):
                raise UsageError(f"there is a handler of {event!r} already")
            answers = not self._registry.layer.middleware
            handler = Handler(event, function, concurrency, names, durable=durable, answers=answers)
            self._registry.handlers.append(handler)
            return function

        return register

    def state(self, pattern: str) -> Callable[[F], F]:
        """Decorator: the state of rooms of this pattern. `(room)` or `(room, session)`, a plain function.

        It is called in the turn, with the join: what it gives and the number from which the session hears
        events belong together, so nothing is missed and nothing comes twice.

        Raises:
            UsageError: it is a coroutine function, takes other arguments or stands without its pattern, or
                the pattern has one already.

        """
        names = names_of_caller()
        checked_name(pattern, "@app.state", '@app.state("pattern")')
        pattern = self._prefix + pattern

        def register(function: F) -> F:
            self._registry.open("state")
            if is_async(function) or yields(function):
                raise UsageError(
                    f"the state of {pattern!r} is given by a plain function: "
                    "a wait would part it from its position"
                )
            what = f"the state function of {pattern!r} takes (room) or (room, session)"
            kinds = (Room, Session)
            places = positional(function, what, 1, 2, ("room", "session"), kinds=kinds, names=names)
            if not self._registry.states.add(pattern, RoomState(function, places == 2)):
                raise UsageError(f"there is a state function for rooms {pattern!r} already")
            return function

        return register

    def websocket(self, path: str, *, max_message: int | None = None) -> Callable[[F], F]:
        """Decorator: a raw socket on a path of its own. See `RawSocket`.

        A coroutine function `(socket)` runs as a task for each socket, which is closed when it returns. A
        plain function `(socket, message)` is called in the turn with each message.

        Args:
            path: what comes before the `?`, beginning with `/`, not under `/rt/`. One that ends with `/*`
                stands for all that begin so and go on, as far as no other path is named.
            max_message: longest message in bytes, inflated; None: the limit `max_message`.

        Raises:
            UsageError: the path has one already, it takes other arguments, or it stands without its path.

        """
        names = names_of_caller()
        checked_text(path, "@app.websocket", '@app.websocket("/path")')
        if not path.startswith("/") or path.startswith(PREFIX) or not _PATH.fullmatch(path):
            raise UsageError(
                "the path of a raw socket begins with `/`, is not under `/rt/`, and is ASCII without spaces, "
                f"`?` and `#`: {path!r}"
            )
        if path in _TAKEN:
            raise UsageError(
                f"a raw socket on {path!r} would stand before what the server itself answers there "
                f"({', '.join(_TAKEN[:-1])}; at `/*` all it has, and what is mounted): name it, as `/raw/*`"
            )
        if any(char in _PLACEHOLDERS for char in path) or "*" in path.removesuffix("/*"):
            raise UsageError(
                f"the path of a raw socket is matched as it is, and {path!r} looks like a pattern: let what "
                "varies come in the query (`socket.query`), in a first message, or at the end (`/path/*`)"
            )
        if max_message is not None:
            checked_whole(max_message, f"max_message of {path!r}", 1)

        def register(function: F) -> F:
            self._registry.open("websocket")
            if any(known.path == path for known in self._registry.raw_handlers):
                raise UsageError(f"there is a raw socket on {path!r} already")
            plain = not is_async(function)
            if yields(function):
                raise UsageError(
                    f"{name_of(function)} yields, and a raw socket is spoken to by `socket.send`"
                )
            if plain:
                what = f"a plain function for {path!r} takes (socket, message)"
            else:
                what = f"a coroutine function for {path!r} takes (socket)"
            places = 2 if plain else 1
            positional(function, what, places, places, kinds=(RawSocket,), names=names)
            self._registry.raw_handlers.append(RawHandler(path, function, plain, max_message))
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
        names = names_of_caller()

        def register(function: F) -> F:
            self._registry.open("background")
            positional(function, "a background task takes (app)", 1, 1, kinds=(Registering,), names=names)
            if not is_async(function):
                text = f"a background task is a coroutine function, and {name_of(function)} is none"
                raise UsageError(text)
            checked_once(function, (task.function for task in self._registry.background_tasks), "background")
            checked_flag(critical, "critical")
            self._registry.background_tasks.append(Background(function, critical))
            return function

        return register if function is None else register(function)

    def lifespan(self, function: F) -> F:
        """Decorator: what surrounds the serving. `(app)`, an async generator function or context manager.

        What comes before its `yield` is done before the first connection, the rest after the last.

        Raises:
            UsageError: it takes other arguments, is registered already, or is a function that never yields.

        """
        self._registry.open("lifespan")
        names = names_of_caller()
        positional(function, "a lifespan takes (app)", 1, 1, kinds=(Registering,), names=names)
        if is_async(function) or inspect.isgeneratorfunction(inspect.unwrap(function)):
            raise UsageError(
                f"a lifespan is an async generator function with one `yield`, and {name_of(function)} is none"
            )
        checked_once(function, (inspect.unwrap(one) for one in self._registry.lifespans), "lifespan")
        self._registry.lifespans.append(function)
        return function

    def on_connect(self, function: S) -> S:
        """Decorator: called when a session begins. `(session)`, plain or a coroutine function.

        A plain one is called in the turn; a coroutine runs in the session's task, before its first request.

        Raises:
            UsageError: it takes other arguments, or is registered already.

        """
        names = names_of_caller()
        self._registry.open("on_connect")
        positional(function, "on_connect takes (session)", 1, 1, kinds=(Session,), names=names)
        _decides(function, "on_connect")
        checked_once(function, self._registry.connectors, "on_connect")
        self._registry.connectors.append(function)
        return function

    def on_disconnect(self, function: S) -> S:
        """Decorator: called when a session has ended for good. `(session)` or `(session, reason)`.

        A plain one is called in the turn; a coroutine runs in the server's nursery. A short drop of the
        connection is no end.

        Raises:
            UsageError: it takes other arguments, or is registered already.

        """
        names = names_of_caller()
        self._registry.open("on_disconnect")
        what = "on_disconnect takes (session) or (session, reason)"
        kinds = (Session, str)
        places = positional(function, what, 1, 2, ("session", "reason"), kinds=kinds, names=names)
        _decides(function, "on_disconnect")
        checked_once(function, map(inspect.unwrap, self._registry.disconnectors), "on_disconnect")
        self._registry.disconnectors.append(function if places == 2 else without_last(function))
        return function


def _decides(function: Callable[..., Any], what: str) -> None:
    """What is called for one answer yields nothing."""
    if yields(function):
        raise UsageError(f"{what} returns, and {name_of(function)} yields")


def add_authorizer(
    registry: Registry, pattern: str, function: Callable[..., Any], names: Mapping[str, Any]
) -> None:
    """Register who decides on joins of rooms of this pattern. `names`: those that annotations may name.

    Raises:
        UsageError: the pattern has one already, or it takes other arguments.

    """
    registry.open("authorize")
    what = f"an authorizer of {pattern!r} takes (session, join)"
    needed = needs(function, _OF_JOIN, names)
    seen = without(function, needed)
    positional(seen, what, 2, 2, ("session", "join"), kinds=(Session, Join), names=names)
    _decides(function, f"an authorizer of {pattern!r}")
    if not registry.authorizers.add(pattern, Surrounded(function, needed)):
        raise UsageError(f"there is an authorizer for rooms {pattern!r} already")
