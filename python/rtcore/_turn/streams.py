"""The tasks of streams: one for each, from its opening until the application's function is done.

A stream down pulls its generator while the core has room for items (`stream_room`, `stream_item`), and is
parked without it until STREAM_WANTS. Whatever ends it, the generator is closed in its own task, below the
scope of its session: what it has in `finally` runs there, and with it the task ends. Only then is the core
told that the stream is done, and only after the last one the application that the session has ended.

An item that is produced without waiting costs a step of the generator, its encoding, and one call into the
core; after each 64 of them Trio has its pass, and what was made is written.
"""

# ruff: noqa: SLF001 - parts of the package know each other; applications do not see this

from __future__ import annotations

import itertools
import logging
import math
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final

import trio

from rtcore._app.invalid import invalid
from rtcore._app.refusals import refusal
from rtcore._app.stream_handlers import StreamHandler
from rtcore._app.surrounding import surround
from rtcore._data.values import FAULTS, encode
from rtcore._engine import (
    STREAM_CANCELLED,
    STREAM_END,
    STREAM_ITEM,
    STREAM_OPENED,
    STREAM_WANTS,
    CoreEvent,
    Engine,
)
from rtcore._ground.failures import part
from rtcore._ground.numbers import FIXED
from rtcore._ground.parking import Parking
from rtcore.call import Call
from rtcore.errors import Refuse, SessionEnded
from rtcore.session import Session
from rtcore.stream import Items

from .budget import checkpoint, due
from .life import enter, leave
from .sessions import meet

log = logging.getLogger("rtcore.app")
SEEN: Final = FIXED["SEEN_OF_ROOM"]
"""Streams that an operator is shown."""

Key = tuple[int, int]
"""A stream: its session's handle, and its id in it."""


class _Running:
    """A stream's task, as others see it."""

    __slots__ = ("away", "items", "late", "name", "room", "scope", "since")

    def __init__(self, name: str, away: float | None) -> None:
        self.name, self.since = name, time.time()
        self.scope = trio.CancelScope()
        self.away = away  # seconds for which its reader may be away
        self.late = False  # its reader is away, and the scope has a deadline
        self.items: Items[Any] | None = None
        self.room = Parking()  # for its task, while the core has no room for an item


class StreamTasks:
    """All streams that run.

    Invariant: `_running` has a stream from STREAM_OPENED until the core was told that it is done.
    """

    def __init__(self, engine: Engine, handlers: list[StreamHandler]) -> None:
        self._engine = engine
        self._handlers = handlers
        self._running: dict[Key, _Running] = {}
        self._counts: dict[int, int] = {}  # by session
        self._after: dict[int, Callable[[], None]] = {}  # sessions that have ended

    def seen(self) -> dict[str, Any]:
        """How many run, and the oldest of them: what they are, whose, since when, and what holds them."""
        rows = []
        for (handle, stream), running in itertools.islice(self._running.items(), SEEN):
            session = self._engine.sessions.get(handle)
            rows.append(
                {
                    "stream": running.name, "id": stream, "up": int(running.items is not None),
                    "session": session.id if session else "", "user": session.user if session else None,
                    "since": int(running.since * 1000), "away": int(running.late),
                }
            )  # fmt: skip
        return {"found": len(self._running), "streams": rows}

    def heard(self, kind: int, event: CoreEvent) -> None:
        """An event of the core about a stream."""
        if kind == STREAM_OPENED:
            self._opened(event)
            return
        running = self._running.get((event[1], event[2]))
        if running is None:
            return  # it was done before it heard of this
        if kind == STREAM_WANTS:
            running.room.wake(1)
        elif kind == STREAM_CANCELLED:
            running.scope.cancel()
        elif running.items is None:
            return
        elif kind == STREAM_ITEM:
            running.items._give(event[3], event[4])
        elif kind == STREAM_END:
            running.items._close(event[3])

    def after(self, handle: int, then: Callable[[], None]) -> None:
        """Do something when no stream of a session that has ended runs any more: perhaps now."""
        if handle in self._counts:
            self._after[handle] = then
        else:
            then()

    def away(self, handle: int, away: bool) -> None:
        """A session has no connection any more, or has one: what costs while nobody reads has a deadline."""
        if handle not in self._counts:
            return
        for (of, _), running in self._running.items():
            if of == handle and running.away is not None:
                running.late = away
                running.scope.deadline = trio.current_time() + running.away if away else math.inf

    def cancel(self) -> None:
        """Cancel all of them."""
        for running in tuple(self._running.values()):
            running.scope.cancel()

    def _opened(self, event: CoreEvent) -> None:
        engine = self._engine
        _, handle, stream, index, _, _ = event
        handler = self._handlers[index]
        try:
            session = meet(engine, handle)
        except SessionEnded:
            return
        if engine.nursery is None:
            engine.core.fail_stream(handle, stream, "INTERNAL", "the server stops", details=None, retry=True)
            return
        running = self._running[handle, stream] = _Running(handler.name, handler.away)
        if handler.up:
            running.items = Items(engine, handle, stream, handler.name, handler.items)
        self._counts[handle] = self._counts.get(handle, 0) + 1
        name = f"stream {handler.name} of session {session.id}"
        engine.nursery.start_soon(self._watched, running, session, handler, event, name=name)

    async def _watched(
        self, running: _Running, session: Session, handler: StreamHandler, event: CoreEvent
    ) -> None:
        work = self._run(running, session, handler, event)
        await self._engine.held.watch(f"the stream {handler.name!r}", work)

    async def _run(
        self, running: _Running, session: Session, handler: StreamHandler, event: CoreEvent
    ) -> None:
        engine, handle, stream = self._engine, event[1], event[2]
        answer: Callable[[], None] | None = None
        try:
            with running.scope as scope:
                try:
                    if enter(session, scope):
                        answer = await self._outcome(running, session, handler, event)
                finally:
                    leave(session, scope)
        finally:
            if answer is None:  # cancelled, by anybody
                code, text = "INTERNAL", "the stream was cancelled"
                if running.late:
                    code, text = "STREAM_LOST", f"its peer was away for more than {running.away:g} s"
                engine.core.fail_stream(handle, stream, code, text, details=None, retry=True)
            else:
                answer()
            self._done(handle, stream)
            if not engine.turning:
                engine.wake()

    def _done(self, handle: int, stream: int) -> None:
        del self._running[handle, stream]
        left = self._counts[handle] = self._counts[handle] - 1
        if left == 0:
            del self._counts[handle]
            then = self._after.pop(handle, None)
            if then is not None:
                then()

    async def _outcome(
        self, running: _Running, session: Session, handler: StreamHandler, event: CoreEvent
    ) -> Callable[[], None]:
        """Run the application's function, whatever happens; gives what is to be said of it."""
        core, (_, handle, stream, _, form, data) = self._engine.core, event
        arguments: list[Any] = [session]
        try:
            if not handler.bare:
                try:
                    arguments.append(handler.decoder.by_form(form, data))
                except FAULTS as error:
                    what = f"the stream {handler.name!r}"
                    code, text, details = invalid(handler.decoder, what, form, data, error)
                    return lambda: core.fail_stream(handle, stream, code, text, details, retry=False)
            said = encode(await self._answer(running, handler, handle, stream, arguments))
        except BaseException as error:  # noqa: BLE001 - the application's, whatever it is
            # Cancelled beside errors: the errors are the application's, the rest is Trio's and must pass.
            ours, rest = part(error)
            if rest is None:
                return self._failure(handler, session, stream, error if ours is None else ours)
            if ours is not None:
                self._failure(handler, session, stream, ours)()
            raise rest from None
        return lambda: core.end_stream(handle, stream, said)

    async def _answer(
        self, running: _Running, handler: StreamHandler, handle: int, stream: int, arguments: list[Any]
    ) -> Any:
        """Let the items flow, below what surrounds the stream: what came of it."""

        async def flow(arguments: list[Any]) -> Any:
            if handler.up:
                return await handler.run(*arguments, running.items)
            await self._pull(running, handler.run(*arguments), handle, stream)
            return None

        if not handler.around:
            return await flow(arguments)

        async def inner(call: Call) -> Any:
            return await flow([call.session] if handler.bare else [call.session, call.data])

        chain, _ = surround(handler.around, inner)
        return await chain(Call("upload" if handler.up else "stream", handler.name, *arguments))

    async def _pull(
        self, running: _Running, generator: AsyncGenerator[Any, None], handle: int, stream: int
    ) -> None:
        """Ask the generator for items while there is room for them; close it, whatever happens."""
        engine = self._engine
        give = engine.core.stream_item
        try:
            room = int(engine.core.stream_room(handle, stream) or await running.room.wait())
            if room < 0:
                return
            async for item in generator:
                room = give(handle, stream, encode(item))
                if not engine.turning:
                    engine.wake()
                if room == 0:
                    await running.room.wait()
                elif room < 0:
                    return
                elif due():
                    await checkpoint()
        finally:
            await generator.aclose()

    def _failure(
        self, handler: StreamHandler, session: Session, stream: int, error: BaseException
    ) -> Callable[[], None]:
        """What is said of a stream that raised; what nobody meant to say goes to the log."""
        fail, handle = self._engine.core.fail_stream, session._handle
        if isinstance(error, Refuse):
            said = refusal(error, self._engine.failures, f"the stream {handler.name!r}")
            return lambda: fail(handle, stream, *said)
        text = "the stream %r failed for session %s"
        kind = f"stream {handler.name}"
        about = {"session": session.id, "stream": handler.name}
        self._engine.failures.log(log, kind, text, handler.name, session.id, error=error, about=about)
        return lambda: fail(
            handle, stream, "INTERNAL", f"the stream {handler.name!r} failed", details=None, retry=False
        )
