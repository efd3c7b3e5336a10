"""A token was renewed: each room with an authorizer is asked about again, before the renewal is acknowledged.

What the new token takes away is gone at once, what is queued included: `left` for a room that the session
may no longer be in, `grants` where it may do something else than before. With the ack everything is done;
what the session sends before it is done under the rights that it has at that moment. An authorizer that fails
refuses.
"""

# ruff: noqa: SLF001 - parts of the package know each other; applications do not see this

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import trio

from rtcore._app.refusals import refusal
from rtcore._app.registry import Registry
from rtcore._app.rights import access
from rtcore._engine import Engine, RoomPlan
from rtcore._ground.failures import Guard
from rtcore.auth import Join
from rtcore.errors import Refuse
from rtcore.session import Session

log = logging.getLogger("rtcore.app")


class Again:
    """The rooms of one session that are asked about again."""

    __slots__ = ("_engine", "_registry", "_session", "waiting")

    def __init__(self, registry: Registry, engine: Engine, session: Session) -> None:
        self._registry = registry
        self._engine = engine
        self._session = session
        self.waiting: list[tuple[str, Any]] = []  # rooms, and what will answer for them

    def ask(self) -> None:
        """Ask all. What plain authorizers say is done at once; the others are `waiting`."""
        for room in self._session.rooms:
            authorizer = self._registry.authorizers.find(room)
            if authorizer is None:
                continue
            with Guard(partial(self._fail, room), waits=False):
                answer = authorizer.run(self._session, Join(room=room, resuming=True))
                if inspect.isawaitable(answer):
                    self.waiting.append((room, answer))
                else:
                    self._apply(room, answer)

    async def hear(self) -> None:
        """Wait for those that are waiting; each answer is done as it comes. Only so many run at once."""
        waiting = iter(self.waiting)
        try:
            async with trio.open_nursery() as nursery:
                for _ in range(min(len(self.waiting), self._engine.at_once)):
                    nursery.start_soon(self._hear_some, waiting)
        finally:
            for _, answer in waiting:  # it was cancelled: these were not begun, and say nothing about it
                answer.close()

    def close(self) -> None:
        """Nobody will hear them: the server ends."""
        for _, answer in self.waiting:
            if inspect.iscoroutine(answer):
                answer.close()

    async def _hear_some(self, waiting: Iterator[tuple[str, Any]]) -> None:
        for room, answer in waiting:
            await self._hear_one(room, answer)

    async def _hear_one(self, room: str, answer: Any) -> None:
        with Guard(partial(self._fail, room)):
            self._apply(room, await self._engine.held.watch(f"the authorizer of {room!r}", answer))
        self._engine.wake()

    def _apply(self, room: str, answer: Any) -> None:
        allowed = access(answer)
        if allowed is None:
            self._put_out(room, "the new token does not allow it")
            return
        words: Iterable[str] | None = allowed.grants
        if words is None:
            plan = self._registry.room_plans.find(room) or RoomPlan(room)
            words = {*plan.grants, "publish"} if plan.relay else plan.grants
        self._engine.core.set_grants(self._session._handle, room, list(words))

    def _fail(self, room: str, error: BaseException) -> None:
        failures = self._engine.failures
        if isinstance(error, Refuse):
            self._put_out(room, refusal(error, failures, f"the authorizer of {room!r}").message)
        else:
            about = {"session": self._session.id, "room": room}
            failures.log(log, "authorizer", "the authorizer of %r failed", room, error=error, about=about)
            self._put_out(room, "the server could not find out whether this session may stay")

    def _put_out(self, room: str, reason: str) -> None:
        self._engine.core.put_out(self._session._handle, room, reason)
