"""Who comes and who goes, told to the application: in rooms, and of connections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from rtcore._app.hooked import Hooks
from rtcore._engine import AWAY, JOINED, LEFT, RESUMED, SAID, CoreEvent, Engine, session_info
from rtcore.room import Room
from rtcore.session import Session

from .sessions import met
from .streams import StreamTasks
from .tasks import Tasks

COMINGS: Final = frozenset({JOINED, LEFT, SAID, RESUMED, AWAY})
"""The events that come here."""
WHY: Final = ("left", "removed", "ended")
"""Why a session is not in a room any more, by the core's number."""
_ENDED: Final = 2


class Comings:
    """The hooks of an application, the tasks in which they run, and the streams that wait for nobody."""

    def __init__(self, engine: Engine, tasks: Tasks, streams: StreamTasks, hooks: Hooks) -> None:
        self._engine = engine
        self._tasks = tasks
        self._streams = streams
        self._hooks = hooks
        self._away: set[int] = set()  # sessions of which it was told, and which have not come back

    def heard(self, kind: int, event: CoreEvent) -> None:
        """An event of the core: one of `COMINGS`."""
        if kind == JOINED:
            self._joined(event[1], event[2])
        elif kind == RESUMED:
            if event[1] in self._away:
                self._away.discard(event[1])
                self._streams.away(event[1], away=False)
                self._connection(event[1], self._hooks.connected)
        elif kind == AWAY:
            self._gone(event[1])
        elif kind == LEFT:
            self._left(*event[1:])
        else:
            self._engine.wake_drained(self._engine.listening, event[1])

    def _joined(self, handle: int, name: str) -> None:
        # Met even where nobody is told of it: when it leaves, it may be over, and could not be met any more.
        session = met(self._engine, handle)
        hook = self._hooks.joins.find(name)
        if session is not None and hook is not None:
            self._run(session, hook.run, session, Room(self._engine, name))

    def _left(self, handle: int, name: str, why: int, empty: bool) -> None:
        session: Session | None = self._engine.sessions.get(handle)
        hook = self._hooks.leaves.find(name)
        if session is not None and hook is not None:
            whose = None if why == _ENDED else session
            self._run(whose, hook.run, session, Room(self._engine, name), WHY[why])
        if empty and (hook := self._hooks.empties.find(name)) is not None:
            self._run(None, hook.run, Room(self._engine, name))

    def _gone(self, handle: int) -> None:
        session = met(self._engine, handle)
        info = session_info(self._engine, handle)
        if session is not None and info is not None and not info.connected:
            # Else a newer connection has it by now, or it is over.
            self._away.add(handle)
            self._streams.away(handle, away=True)
            self._connection(handle, self._hooks.away)

    def forget(self, handle: int) -> None:
        """The session has ended."""
        self._away.discard(handle)

    def _connection(self, handle: int, functions: list[Callable[..., Any]]) -> None:
        if functions and (session := met(self._engine, handle)) is not None:
            for function in functions:
                self._run(session, function, session)

    def _run(self, session: Session | None, function: Callable[..., Any], *args: Any) -> None:
        self._tasks.call(session, function, *args)
