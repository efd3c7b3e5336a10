"""What operators may ask: figures, a diagnosis, sessions, rooms.

It is read with GET, by an API key that may `watch`, or by whoever the application's operator function knows.
"""

# ruff: noqa: SLF001 - parts of the package know each other; applications do not see this

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from rtcore._app.hooks import name_of
from rtcore._app.registry import registered
from rtcore._ground.asgi import Scope
from rtcore._ground.failures import Failures
from rtcore._watch.watch import Watch
from rtcore.app import App

from .faults import Fault

log = logging.getLogger("rtcore.api")
ROWS: Final = 100
"""Rows of a table, unless fewer are asked for."""


class Watching:
    """The operations, by name."""

    def __init__(self, app: App, watch: Watch, failures: Failures) -> None:
        self._app, self._watch, self._failures = app, watch, failures
        self.operations: dict[str, Callable[[dict[str, str]], Any]] = {
            "stats": lambda _: watch.stats(),
            "diagnose": lambda _: watch.diagnose(),
            "sessions": self._sessions,
            "rooms": self._rooms,
        }

    def answer(self, name: str, scope: Scope) -> Any:
        """What an operation says.

        Raises:
            Fault: what was asked for stands in no table.

        """
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))
        known = {"find"} if name in ("sessions", "rooms") else set[str]()
        for word in query:
            if word not in known:
                there = "; there is `find`" if known else ""
                raise Fault("INVALID_MESSAGE", f"{name} has no parameter {word!r:.60}{there}")
        return self.operations[name](query)

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

    def _sessions(self, query: dict[str, str]) -> Any:
        return orjson.loads(self._app.all._engine.core.seen_sessions(query.get("find", ""), ROWS))

    def _rooms(self, query: dict[str, str]) -> Any:
        return orjson.loads(self._app.all._engine.core.seen_rooms(query.get("find", ""), ROWS))
