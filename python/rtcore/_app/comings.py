"""What an application is told of who comes and goes, in rooms and with connections: a part of `App`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, Final, TypeVar

from rtcore._ground.patterns import ByPattern
from rtcore.errors import UsageError
from rtcore.room import Room
from rtcore.session import Session

from .handlers import names_of_caller, positional, without_last
from .hooked import Hook
from .hooks import checked_name, checked_once, name_of
from .kinds import yields
from .registry import Registry
from .spelling import spelt

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R", bound=Callable[[Session, Room], Any])
L = TypeVar("L", bound=Callable[Concatenate[Session, Room, ...], Any])
E = TypeVar("E", bound=Callable[[Room], Any])
S = TypeVar("S", bound=Callable[[Session], Any])

_LEAVES: Final = "takes (session, room) or (session, room, why)"


@spelt
class Coming:
    """Decorators for what is called when somebody comes or goes."""

    _registry: Registry
    _prefix: str

    def on_join(self, pattern: str) -> Callable[[R], R]:
        """Decorator: called when a session has come into a room. `(session, room)`, plain or coroutine.

        However it came there: by its own join, by `room.add`, or with a session that a restart brought back.
        A plain function is called in the turn, before anything else that the session says; a coroutine runs
        in the session's task, before its next request. A session that joins a room in which it is already is
        not told again. The join is done: who may not is for `@app.authorize` to say.

        The most specific pattern counts. It makes no rooms: `app.rooms` says which there are.

        Raises:
            UsageError: the pattern has one already or begins with `$`, it takes other arguments, or it stands
                without its pattern.

        """
        return self._hook("on_join", self._registry.hooks.joins, pattern, "takes (session, room)", 2)

    def on_leave(self, pattern: str) -> Callable[[L], L]:
        """Decorator: called when one is in it no more. `(session, room)` or `(session, room, why)`.

        `why` is "left" (it wanted to), "removed" (by `room.remove`, or because it may no longer) or "ended"
        (the session is over; a short drop of its connection is no end). A plain function is called in the
        turn; a coroutine runs in the session's task, and in the server's nursery when that is over.

        Raises:
            UsageError: the pattern has one already or begins with `$`, it takes other arguments, or it stands
                without its pattern.

        """
        return self._hook("on_leave", self._registry.hooks.leaves, pattern, _LEAVES, 3)

    def on_empty(self, pattern: str) -> Callable[[E], E]:
        """Decorator: called when the last one has left a room of this pattern. `(room)`, plain or coroutine.

        A plain function is called in the turn, after `on_leave`. A coroutine runs in the server's nursery:
        when it goes on after a wait, somebody may be there again.

        Raises:
            UsageError: the pattern has one already or begins with `$`, it takes other arguments, or it stands
                without its pattern.

        """
        return self._hook("on_empty", self._registry.hooks.empties, pattern, "takes (room)", 1)

    def on_connected(self, function: S) -> S:
        """Decorator: called when a session has a connection again after it was away. `(session)`.

        Plain or a coroutine function; the latter runs in the session's task, before its next request. The
        first connection of a session is `on_connect`.

        Raises:
            UsageError: it takes other arguments, or is registered already.

        """
        return self._presence("on_connected", self._registry.hooks.connected, function)

    def on_away(self, function: S) -> S:
        """Decorator: called when a session has no connection any more, and may come back. `(session)`.

        Plain or a coroutine function; the latter runs in the session's task. It is in its rooms as before,
        and hears what was said when it comes back. When it does not, `on_disconnect` follows. A session that
        says good-bye, or is ended, is not away before that. Of an event stream without a session of its own
        the connection is the session.

        Raises:
            UsageError: it takes other arguments, or is registered already.

        """
        return self._presence("on_away", self._registry.hooks.away, function)

    def _hook(
        self, name: str, known: ByPattern[Hook], pattern: str, takes: str, most: int
    ) -> Callable[[F], F]:
        names = names_of_caller(2)
        example = f'@app.{name}("pattern")'
        checked_name(pattern, f"@app.{name}", example)
        if pattern.startswith("$"):
            raise UsageError(
                f"rooms whose names begin with `$` are rtcore's own, as {pattern!r}: of who comes and goes "
                "at all `@app.on_connect` and `@app.on_disconnect` are told"
            )
        pattern = checked_name(self._prefix + pattern, f"@app.{name}", example)

        def register(function: F) -> F:
            self._registry.open(name)
            what = f"{name} of {pattern!r} {takes}"
            words = ("room",) if most == 1 else ("session", "room", "why")[:most]
            kinds = (Room,) if most == 1 else (Session, Room, str)
            places = positional(function, what, min(most, 2), most, words, kinds=kinds, names=names)
            _returns(function, what)
            given = without_last(function) if most == 3 and places == 2 else function
            if not known.add(pattern, Hook(function, given)):
                raise UsageError(f"there is {name} of rooms {pattern!r} already")
            return function

        return register

    def _presence(self, name: str, known: list[Any], function: F) -> F:
        names = names_of_caller(2)
        self._registry.open(name)
        what = f"{name} takes (session)"
        positional(function, what, 1, 1, kinds=(Session,), names=names)
        _returns(function, what)
        checked_once(function, known, name)
        known.append(function)
        return function


def _returns(function: Callable[..., Any], what: str) -> None:
    if yields(function):
        raise UsageError(f"{what} and returns, and {name_of(function)} yields")
