"""Changes of collections that the core asks the application about. All answers are given in the turn."""

from __future__ import annotations

import logging
from functools import partial
from typing import Final

from rtcore._app.collecting import Collections
from rtcore._app.refusals import refusal
from rtcore._app.registry import SYNC, registered
from rtcore._data.values import ANYTHING, FAULTS, encode
from rtcore._engine import APART, CHANGE, CoreEvent, Engine
from rtcore._ground.failures import Guard
from rtcore._ground.patterns import ByPattern
from rtcore.app import App
from rtcore.change import Change
from rtcore.errors import Refuse

from .apart import Apart
from .sessions import met

log = logging.getLogger("rtcore.app")

CHANGES: Final = frozenset({CHANGE, APART})
"""The events that come here."""


class Changes:
    """Puts the core's questions about changes to the application's collections."""

    __slots__ = ("_apart", "_known", "engine")

    def __init__(self, app: App, engine: Engine) -> None:
        self.engine = engine
        self._apart = Apart(engine)
        self._known: ByPattern[Collections] = ByPattern()
        for made, _ in registered(app).collections:
            self._known.add(made.pattern, made)

    def heard(self, event: CoreEvent) -> None:
        """An event of the core: one of `CHANGES`."""
        if event[0] == APART:
            self._apart.heard(event)
        else:
            self._asked(event)

    def _asked(self, event: CoreEvent) -> None:
        """CHANGE: may it be done, how is it upgraded, or what becomes of it."""
        _, handle, ticket, room, what, form, data, theirs = event
        name = room.removeprefix(SYNC)
        collection = self._known.find(name)
        session = met(self.engine, handle)
        if session is None:
            return
        if collection is None:  # the core asks about those that were registered
            raise AssertionError(f"no collection is called {name!r}")
        with Guard(partial(self._failed, ticket, f"the functions of collection {name!r}"), waits=False):
            said = ANYTHING.by_form(form, data)
            change = Change(
                collection=name,
                key=said["key"],
                op=said["op"],
                value=said.get("value"),
                unset=tuple(said.get("unset") or ()),
                theirs=None if theirs is None else ANYTHING.by_form(*theirs),
                was=said.get("was"),
            )
            try:
                word, value = collection.answer(session, what, change, said.get("schema", 0))
            except FAULTS as error:
                self.engine.core.answer_change(ticket, "INVALID_MESSAGE", None, str(error))
                return
            told = None if value is None else encode(value)
            self.engine.core.answer_change(ticket, word, told)

    def _failed(self, ticket: int, what: str, error: BaseException) -> None:
        if isinstance(error, Refuse):
            said = refusal(error, self.engine.failures, what)
            self.engine.core.answer_change(ticket, said.code, None, said.message)
            return
        self.engine.failures.log(log, "collection", "%s failed", what, error=error)
        self.engine.core.answer_change(ticket, "INTERNAL", None, "the application failed on this change")
