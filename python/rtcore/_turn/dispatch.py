"""The way of an event from the core to the application: one loop, in the turn.

`Runtime` binds an application, a core and a server nursery. Its loop is the hot path: a request of a plain
function is read, run and acknowledged here; one of a coroutine is stepped (`step`) in its session's own
task. Everything else that the core asks or tells goes to `decide`, to the task that waits for it
(`_engine`), or to a raw socket.

Order: the handlers of a session run one at a time, plain and coroutine alike, in the order of arrival. While
a coroutine waits, what comes after it waits in its worker.
"""

# ruff: noqa: SLF001 - parts of the package know each other; applications do not see this

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from inspect import isawaitable
from typing import Any, Final

import trio

from rtcore._app.background import BackgroundTasks
from rtcore._app.handlers import Handler
from rtcore._app.registry import registered
from rtcore._app.speaking import serve_by
from rtcore._data.values import FAULTS, default, dumps, encode_slowly
from rtcore._engine import (
    AUTHENTICATE,
    AUTHORIZE,
    DRAINED,
    ENDED,
    HAND_OVER,
    KEYED,
    OPENED,
    RAW_CLOSED,
    RAW_DRAINED,
    RAW_MESSAGE,
    RAW_OPENED,
    REAUTHENTICATE,
    REFUSED,
    REPLY,
    REQUEST,
    STORED,
    STREAM_OPENED,
    UNASKED,
    UNBLOCKED,
    CoreEvent,
    CoreSettings,
    Engine,
    build_core,
)
from rtcore._ground.failures import blame
from rtcore._ground.numbers import FIXED, USUAL
from rtcore.app import App
from rtcore.raw import RawSocket

from .changing import CHANGES, Changes
from .comings import COMINGS, Comings
from .decide import Decisions
from .driving import Driving
from .endings import Endings
from .held import LONG
from .life import end
from .raws import closed, failed, heard
from .reactor import flush_when_woken, run_reactor
from .refused import tell, wants_faults
from .sessions import met
from .step import MAX_STEPS, give, instruments, probe, step
from .streams import StreamTasks
from .tasks import Tasks
from .worker import AWAITED, answer_error, answer_invalid

log = logging.getLogger("rtcore.app")

ROUNDS_NS: Final = FIXED["TURN_ROUNDS_NS"]
"""How long a turn goes on with what comes of its own answers (ns). The rest comes after a pass of Trio."""
LOOK_EVERY: Final = 8
"""Events between two looks at the clock."""


class Runtime:
    """An application that is being served: its core, its tasks, its turns."""

    def __init__(self, app: App, settings: CoreSettings | None = None, manual: bool = False) -> None:
        """Build and start the core.

        Raises:
            ConfigError: a setting is wrong.
            UsageError: a registration of the application is.

        """
        settings = settings or CoreSettings()
        registry = registered(app)
        plan = registry.plan()
        limits = {**USUAL, **settings.limits}
        self.app, self._registry, self.manual = app, registry, manual
        self.linger_us = settings.linger_us
        settings = dataclasses.replace(settings, tells_faults=wants_faults())
        self.core = build_core(plan, settings, manual=manual)
        durable = settings.data is not None
        self.engine = Engine(self.core, limits, manual=manual, durable=durable)
        self.hand_over: Callable[[CoreEvent], None] | None = None
        self.on_output: Callable[[], None] | None = None
        self._changes = Changes(app, self.engine)
        self._decisions = Decisions(app, self.engine, limits["hello_ms"] / 1000)
        self._handlers: list[Handler] = registry.handlers
        self._raws: dict[int, tuple[RawSocket, Any]] = {}  # socket and plain function, or None, by connection
        self._tasks = Tasks(self.engine, registry.handlers)
        self._streams = StreamTasks(self.engine, registry.stream_handlers)
        self.seen_streams = self._streams.seen
        self._comings = Comings(self.engine, self._tasks, self._streams, registry.hooks)
        self._background = BackgroundTasks(app, registry.background_tasks, self.engine)
        self._endings = Endings(self._ended)
        self._left: Sequence[CoreEvent] = ()  # events of a turn that was long enough without them
        self._direct, self._steps = False, 0

    # -- its life

    @asynccontextmanager
    async def running(
        self, nursery: trio.Nursery, drive: Callable[[], Awaitable[None]]
    ) -> AsyncIterator[Runtime]:
        """Serve the application: its tasks live below `nursery` until this ends; `drive` moves the core.

        Raises:
            UsageError: the application is served already, or `RTCORE_STEP` wants what does not work.

        """
        self._direct = await probe()
        serve_by(self.app, self.engine)
        self.engine.settle()
        driving = Driving(self.engine, whose=2)  # of the tasks, and of what runs in here
        nursery.start_soon(driving.during, drive)
        nursery.start_soon(driving.during, partial(flush_when_woken, self.engine, self.finish_turn))
        try:
            await nursery.start(self._tasks.hold, driving.done)
            yield self
        finally:
            self._endings.rest()
            self._tasks.cancel()
            driving.done()
            serve_by(self.app, None)

    def close(self) -> None:
        """Nothing runs any more: who calls from now on is told so."""
        self.engine.leave()
        self.core.close()

    def start_background(self, nursery: trio.Nursery) -> None:
        """Start the application's background tasks; what ends the server leaves through this nursery."""
        self._background.start(nursery)

    def metrics(self, form: str = "text") -> bytes:
        """What was counted: as Prometheus' `text`, as `openmetrics`, or as its `protobuf`."""
        return self.core.metrics(form, list(self._background.failures.items()))

    async def run_reactor(self) -> None:
        """Turn after turn, until cancelled."""
        await run_reactor(self)

    async def stop_handlers(self, deadline: float) -> None:
        """Wait until no handler runs or waits, or for a time of Trio's clock; then cancel what is left.

        Handlers are those of requests and of raw sockets. What sessions have in their nurseries is not
        waited for. Streams are cancelled at once: their peers are being sent away, and would never end them.
        """
        self._streams.cancel()
        await self._tasks.stop(deadline)

    # -- turns

    @property
    def steps_directly(self) -> bool:
        """Whether the insides of this Trio are known to work as expected (`step`)."""
        return self._direct

    def wake(self) -> None:
        """Something was done to the core outside a turn: have it flushed. Cheap; once is as good as twice."""
        self.engine.wake()

    def tick(self) -> None:
        """Tell a manual core Trio's time."""
        self.engine.tick()

    def dispatch(self, events: Sequence[CoreEvent]) -> None:
        """Run a turn's events, then all that comes of them, and write what is due."""
        if self._dispatch(events):
            self.engine.wake()

    def _dispatch(self, events: Sequence[CoreEvent]) -> bool:
        engine = self.engine
        outer, engine.turning = engine.turning, True
        until = time.perf_counter_ns() + ROUNDS_NS
        try:
            if self._left:
                left, self._left = self._left, ()
                self._run_all(left, direct=not outer)
            self._run_all(events, direct=not outer)
            return self._finish(until)
        finally:
            engine.turning = outer

    def finish_turn(self) -> bool:
        """Write what was made outside a turn, with what comes of it. True: not all of it, call again."""
        self.tick()
        self._endings.some()
        return self._dispatch(())

    def _finish(self, until: int) -> bool:
        more = self.core.events if self.manual else self.core.flush
        while events := more():
            if time.perf_counter_ns() > until:
                # A client that was answered has asked for more already: the others come first.
                self._left = events
                break
            self._run_all(events, direct=True)
        if self.on_output is not None:
            self.on_output()
        return bool(self._left or self._endings)

    def _run_all(self, events: Sequence[CoreEvent], *, direct: bool) -> None:
        """Run events, a few at a time: a look at the clock for each would cost as much as a handler."""
        self._steps = MAX_STEPS if direct and self._direct and not instruments() else 0
        began = time.perf_counter_ns()
        if began > self.engine.held.due:
            self.engine.held.look(began)
        for start in range(0, len(events), LOOK_EVERY):
            some = events if len(events) <= LOOK_EVERY else events[start : start + LOOK_EVERY]
            self._run(some, self.engine.clock() if self.manual else began)  # when the next will have begun
            now = time.perf_counter_ns()
            if now - began > LONG:
                self.engine.held.report(now - began, filter(None, map(self._name_of, some)))
            began = now

    @trio.lowlevel.enable_ki_protection
    def _run(self, events: Iterable[CoreEvent], began: int) -> None:
        engine, handlers, steps = self.engine, self._handlers, self._steps
        sessions, raws, ack, books = engine.sessions, self._raws, engine.ack, engine.books
        for event in events:
            kind = event[0]
            if kind == RAW_MESSAGE:
                try:
                    socket, function = raws[event[1]]
                except KeyError:
                    continue
                if function is not None:
                    try:
                        function(socket, event[2])
                    except BaseException as error:  # noqa: BLE001 - the application's, whatever it is
                        failed(socket, blame(error))
                elif socket.idle and not socket._waiting:
                    socket.item = event[2]
                    if steps and not socket.public:
                        steps -= 1
                        step(socket)
                    else:
                        give(socket, event[2], direct=False)
                else:
                    heard(socket, event[2])
            elif kind == REQUEST or kind == KEYED:  # noqa: PLR1714, SIM109 - a tuple costs more
                handler = handlers[event[3]]
                try:
                    session = sessions[event[1]]
                except KeyError:
                    session = met(engine, event[1])
                    if session is None:
                        continue
                worker = session._worker
                if not handler.plain:
                    if handler.concurrency > 1:
                        self._tasks.beside(session, handler, event)
                    elif worker is None:
                        self._tasks.worker(session).waiting.append(event)
                    elif not worker.idle:
                        worker.waiting.append(event)
                    elif steps:
                        steps -= 1
                        worker.item, worker.began = event, began
                        step(worker)
                        began = 0 if worker.idle else worker.waits()
                    else:
                        give(worker, event, direct=False)
                elif worker is None or worker.idle:
                    _, _, request, _, form, data = event
                    if kind == KEYED and not engine.core.begin(request):
                        continue  # its session ended: the key is free, and it must not be done here
                    if books:
                        engine.request = request
                    try:
                        if handler.bare:
                            result = handler.run(session)
                        else:
                            try:
                                value = (
                                    handler.json(data) if form == 0 else handler.decoder.by_form(form, data)
                                )
                            except FAULTS as error:
                                answer_invalid(engine, event, handler, error, began)
                                began = 0
                                continue
                            result = handler.run(session, value)
                        try:
                            answer = dumps(result, default)
                        except TypeError as error:
                            if isawaitable(result):  # by a wrapper: the session's task waits for it
                                self._tasks.later(session, (*event[:4], AWAITED, result))
                                continue
                            answer = encode_slowly(result, error)
                        if began:  # else when the answer before was given, which the core knows
                            engine.core.began(began)
                            began = 0
                        ack(request, answer, 0)
                    except BaseException as error:  # noqa: BLE001 - the application's, whatever it is
                        answer_error(engine, request, handler, session, blame(error), began)
                        began = 0
                    finally:
                        if books:
                            engine.request = 0
                else:
                    worker.waiting.append(event)
            else:
                self._other(kind, event, direct=steps > 0)
                began = engine.clock()
        self._steps = steps

    def _other(self, kind: int, event: CoreEvent, *, direct: bool) -> None:
        engine = self.engine
        if kind == REFUSED:
            tell(engine.failures, event)
        elif kind == STORED:
            engine.is_stored(*event[1:])
        elif kind == UNASKED:
            self._decisions.unasked(event)
        elif kind in CHANGES:
            self._changes.heard(event)
        elif kind in COMINGS:
            self._comings.heard(kind, event)
        elif kind >= STREAM_OPENED:
            self._streams.heard(kind, event)
        elif kind == AUTHENTICATE:
            self._decisions.authenticate(event)
        elif kind == AUTHORIZE:
            self._decisions.authorize(event)
        elif kind == REPLY:
            engine.replied(event)
        elif kind == DRAINED:
            engine.wake_drained(engine.drained, event[1])
        elif kind == RAW_DRAINED:
            engine.wake_drained(engine.raw_drained, event[1])
        elif kind == UNBLOCKED:
            engine.unblocked(event[1])
        elif kind == ENDED:
            self._endings.heard(event[1], event[2])
        elif kind == OPENED:
            self._opened(event[1])
        elif kind == RAW_OPENED:
            self._raw_opened(event)
        elif kind == RAW_CLOSED:
            known = self._raws.pop(event[1], None)
            if known is not None:
                closed(known[0], event[2], event[3], direct=direct)
        elif kind == REAUTHENTICATE:
            self._decisions.reauthenticate(event)
        elif kind == HAND_OVER and self.hand_over is not None:
            self.hand_over(event)

    # -- who comes and goes

    def _opened(self, handle: int) -> None:
        if (session := met(self.engine, handle)) is not None:
            self._tasks.connected(session, self._registry.connectors)

    def _ended(self, handle: int, reason: str) -> None:
        self._comings.forget(handle)
        if (session := self.engine.sessions.pop(handle, None)) is not None:
            end(session, reason)
            # Only when what its streams have in `finally` has run is it gone.
            self._streams.after(
                handle, lambda: self._tasks.disconnected(session, self._registry.disconnectors)
            )

    def _raw_opened(self, event: CoreEvent) -> None:
        _, conn, index, target, headers, address = event
        raw = self._registry.raw_handlers[index]
        socket = RawSocket(self.engine, conn, target, headers, address)
        self._raws[conn] = (socket, raw.function if raw.plain else None)
        if not raw.plain:
            self._tasks.raw(socket, raw.function)

    # -- what took long

    def _name_of(self, event: CoreEvent) -> str | None:
        if event[0] == RAW_MESSAGE:
            return repr(self._raws[event[1]][0].path) if event[1] in self._raws else None
        return repr(self._handlers[event[3]].name) if event[0] in (REQUEST, KEYED) else None
