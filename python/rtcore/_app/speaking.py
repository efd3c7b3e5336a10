"""The ways in which an application speaks to its peers while it is served: a part of `App`."""

# ruff: noqa: SLF001 - parts of the package know each other; applications do not see this

from __future__ import annotations

from _thread import get_ident
from typing import Final

from rtcore._engine import Engine
from rtcore._ground.numbers import FIXED
from rtcore._turn.sessions import meet
from rtcore.errors import Forbidden, SessionEnded, UsageError
from rtcore.room import Room, unserved
from rtcore.session import Session

from .hooks import checked_name

_ROOMS_KEPT: Final = FIXED["ROOMS_KEPT"]


class Speaking:
    """Rooms, users and sessions, of the run that serves the application."""

    _engine: Engine | None
    _rooms: dict[str, Room]

    def room(self, name: str) -> Room:
        """The room of this name. Costs little: ask each time.

        A name may come from a client: names that begin with `$` are rtcore's own, and are refused. Whether
        this client may speak or read there is the application's to say: `name in session.rooms` is whether it
        is a member.

        Raises:
            NotServing: the application is not being served.
            Forbidden: the name begins with `$`; `app.user(id)` and `app.all` are the way to those rooms.
            UsageError: it is no text.

        """
        known: object = name  # whatever a client has sent
        if not isinstance(known, str) or known.startswith("$"):
            raise _no_room(known)
        return self._place(known)

    def rooms_now(self, pattern: str = "*") -> list[Room]:
        """The rooms of this pattern that are there now: somebody is in them, or something is kept of them.

        In any thread in which no loop runs. It looks at the name of each room that there is.

        Raises:
            NotServing: the application is not being served.
            UsageError: it is no pattern.

        """
        checked_name(pattern, "app.rooms_now", 'app.rooms_now("pattern")')
        engine = self._running()
        if get_ident() != engine.thread:
            return engine.hand_over(self.rooms_now, pattern)
        return [Room(engine, name) for name in engine.call(engine.core.rooms_now, pattern)]

    def user(self, user: str) -> Room:
        """The room in which each session of this user hears; its `present` is whether one is connected.

        Raises:
            NotServing: the application is not being served.
            UsageError: the id is no text, or an empty one: an anonymous session is reached by `session.send`.

        """
        known: object = user
        if not isinstance(known, str) or not known:
            text = "a user's id is a text, and an anonymous session has none (`session.send` reaches it)"
            raise UsageError(f"{text}: not {known!r}")
        return self._place(f"$user/{known}")

    @property
    def all(self) -> Room:
        """The room in which every session hears.

        Raises:
            NotServing: the application is not being served.

        """
        return self._place("$all")

    def _place(self, name: str) -> Room:
        room = self._rooms.get(name)
        if room is None:
            engine = self._running()
            room = Room(engine, name)
            if get_ident() == engine.thread:  # another thread could keep one of a run that ends meanwhile
                if len(self._rooms) >= _ROOMS_KEPT:
                    self._rooms.clear()
                self._rooms[name] = room
        return room

    @property
    def sessions(self) -> list[Session]:
        """All sessions, the absent within their resume window included. In any thread in which no loop runs.

        Raises:
            NotServing: the application is not being served.

        """
        engine = self._running()
        if get_ident() != engine.thread:
            return engine.hand_over(self._sessions, engine)
        return self._sessions(engine)

    @staticmethod
    def _sessions(engine: Engine) -> list[Session]:
        found: list[Session] = []
        for row in engine.core.members("$all") or ():
            try:
                found.append(meet(engine, row[0]))
            except SessionEnded:
                continue
        return found

    def _running(self) -> Engine:
        if self._engine is None:
            raise unserved("nobody can be spoken to")
        return self._engine


def serve_by(app: Speaking, engine: Engine | None) -> None:
    """The application is served by this engine from now on; None: no longer.

    Raises:
        UsageError: it is served already.

    """
    if engine is not None and app._engine is not None:
        raise UsageError("this application is being served already; make another App for another server")
    app._engine = engine
    app._rooms.clear()


def _no_room(name: object) -> UsageError | Forbidden:
    if not isinstance(name, str):
        return UsageError(f"the name of a room is a text, and not {name!r}")
    return Forbidden(
        f"{name!r} begins with `$`, so it is a room of rtcore's own, which no name from outside may reach: "
        "`app.user(id)` is the room of a user, `app.all` that of everybody"
    )
