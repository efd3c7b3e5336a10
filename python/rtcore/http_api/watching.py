"""What operators may ask: figures, a diagnosis, sessions, rooms.

It is read with GET, by an API key that may `watch`, or by whoever the application's operator function knows.
"""

# ruff: noqa: SLF001 - parts of the package know each other; applications do not see this

from __future__ import annotations

import inspect
import logging
import math
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from rtcore._app.hooks import name_of
from rtcore._app.registry import registered
from rtcore._ground import near
from rtcore._ground.asgi import Scope
from rtcore._ground.failures import Failures
from rtcore._ground.numbers import FIXED
from rtcore._watch.profile import Profiler
from rtcore._watch.trails import EVENTS
from rtcore._watch.watch import Watch
from rtcore.app import App
from rtcore.room import Room

from .faults import Fault

log = logging.getLogger("rtcore.api")
_PARAMETERS: Final = {
    "sessions": ("find",),
    "rooms": ("find",),
    "trace": ("event", "id", "times", "wait"),
    "room": ("name", "after"),
    "profile": ("seconds",),
}
ROWS: Final = FIXED["SEEN_OF_ROOM"]
"""Rows of a table, unless fewer are asked for."""


class Watching:
    """The operations, by name."""

    def __init__(self, app: App, watch: Watch, failures: Failures) -> None:
        self._app, self._watch, self._failures = app, watch, failures
        self._profiler = Profiler()
        self.operations: dict[str, Callable[[dict[str, str]], Any]] = {
            "trace": self._trace,
            "room": self._room,
            "profile": self._profile,
            "stats": lambda _: watch.stats(),
            "diagnose": lambda _: watch.diagnose(),
            "sessions": self._sessions,
            "rooms": self._rooms,
            "streams": lambda _: watch.streams(),
        }

    async def answer(self, name: str, scope: Scope) -> Any:
        """What an operation says.

        Raises:
            Fault: what was asked for stands in no table.

        """
        query: dict[str, str] = {}
        said = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        for word, value in said:
            if word in query:  # of two, one would be lost without a word
                raise Fault("INVALID_MESSAGE", f"`{word:.60}` stands twice in the query, and counts once")
            query[word] = value
        return await self.look(name, query)

    async def look(self, name: str, query: dict[str, str]) -> Any:
        """The same, with what was asked for taken apart.

        Raises:
            Fault: there is no such operation, or what was asked for stands in no table.

        """
        if name not in self.operations:
            raise Fault("NOT_FOUND", f"operators may ask for {', '.join(self.operations)}, not {name!r:.60}")
        known = _PARAMETERS.get(name, ())
        for word in query:
            if word not in known:
                there = f"; there is `{'`, `'.join(known)}`" if known else "; there is none"
                text = f"{name} has no parameter {word!r:.60}{near.hint(word[:64], known, there)}"
                raise Fault("INVALID_MESSAGE", text)
        said = self.operations[name](query)
        return await said if inspect.isawaitable(said) else said

    async def operator(self, token: bytes) -> str | None:
        """The name of the operator who gives this token; None: he is none."""
        function = registered(self._app).operator
        if function is None or not token:
            return None
        try:
            said = function(token.decode("latin-1"))
            if hasattr(said, "__await__"):
                said = await said
        except Exception as error:  # noqa: BLE001 - the application's, whatever it is
            text = "the operator function %s failed: nobody is let in"
            self._failures.log(log, "operator", text, name_of(function), error=error)
            return None
        return said if isinstance(said, str) and said else None

    async def _trace(self, query: dict[str, str]) -> Any:
        """Messages that were followed: of a trace, the next of an event, or those of the last minutes."""
        event, trace = query.get("event", ""), query.get("id", "")
        if event and trace:
            raise Fault(
                "INVALID_MESSAGE", "trace takes an `event` to wait for, or the `id` of a trace, not both"
            )
        trails = self._watch.trails
        for word in ("times", "wait"):
            if word in query and not event:
                raise Fault(
                    "INVALID_MESSAGE", f"`{word}` is said of an `event` to wait for, and there is none"
                )
        if event:
            if trails.is_full(event):
                text = f"{EVENTS} other events are waited for: ask again when some of them have come"
                raise Fault("OVERLOADED", text, retry=True)
            times = _whole(query, "times", 1, FIXED["TRAILS_ASKED"])
            wait = _whole(query, "wait", 10, FIXED["TRAIL_WAIT_S"])
            return {"trails": await trails.next_of(event, times, wait)}
        return {"trails": trails.of(trace) if trace else trails.since(0)}

    async def _room(self, query: dict[str, str]) -> Any:
        """Who is in a room, and what was said in it: after a position, or the newest.

        Nothing of it is heard by its members, and nobody joins.
        """
        name, after = query.get("name", ""), query.get("after")
        if not name:
            raise Fault(
                "INVALID_MESSAGE", "room takes the `name` of one, and may take `after`, a position in it"
            )
        room = self._app.room(name)
        if after is None:  # only where it goes on from
            return {"entries": [], "next": self._position(), **self._members(room)}
        past = await room.history(after, ROWS)
        entries = [
            {
                "event": entry.event, "data": entry.data, "time": entry.time, "seq": entry.seq,
                "user": entry.user, "session": entry.session,
            }
            for entry in past
        ]  # fmt: skip
        following = str(past[-1].position) if past else after
        return {"entries": entries, "next": following, "complete": past.complete, **self._members(room)}

    def _position(self) -> str:
        core = self._app.all._engine.core
        return str(core.position(core.head()))

    def _members(self, room: Room) -> dict[str, Any]:
        members = room.members()
        shown = [
            {"session": each.session_id, "user": each.user, "info": each.info} for each in members[:ROWS]
        ]
        return {"members": shown, "count": len(members)}

    async def _profile(self, query: dict[str, str]) -> Any:
        """What the server's thread does, for so many seconds from now on."""
        seconds = _whole(query, "seconds", 10, FIXED["PROFILE_S"])
        left = math.ceil(self._profiler.left)
        if left:
            text = f"a profile is being made for somebody else: ask again in {left} s"
            raise Fault("OVERLOADED", text, retry=True, after=left)
        return await self._profiler.profile(seconds)

    def _sessions(self, query: dict[str, str]) -> Any:
        return orjson.loads(self._app.all._engine.core.seen_sessions(query.get("find", ""), ROWS))

    def _rooms(self, query: dict[str, str]) -> Any:
        return orjson.loads(self._app.all._engine.core.seen_rooms(query.get("find", ""), ROWS))


def _whole(query: dict[str, str], name: str, usual: int, most: int) -> int:
    """A number of a query.

    Raises:
        Fault: it is none, or too high.

    """
    text = query.get(name, str(usual))
    # (`int` reads no thousands of digits.)
    short = text.isascii() and text.isdigit() and len(text) <= len(str(most))
    if not (short and 1 <= int(text) <= most):
        raise Fault("INVALID_MESSAGE", f"`{name}` is a whole number from 1 to {most}, and not {text!r:.60}")
    return int(text)
