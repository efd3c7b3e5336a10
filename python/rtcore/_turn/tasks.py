"""The tasks of sessions and raw sockets: started when there is something for them to do, and ended
together.
"""

# ruff: noqa: SLF001 - parts of the package know each other; applications do not see this

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import trio

from rtcore._app.handlers import Handler
from rtcore._app.hooks import name_of
from rtcore._app.kinds import is_async
from rtcore._engine import CoreEvent, Engine
from rtcore._ground.failures import Failures, Guard
from rtcore.raw import RawSocket
from rtcore.room import Room
from rtcore.session import Session

from . import raws
from .life import enter, leave
from .step import give
from .worker import Worker, serve

log = logging.getLogger("rtcore.app")


class Tasks:
    """All tasks that serve peers, in one nursery below the server's.

    `workers` are the sessions' own; `_beside` counts, by session and event, the requests of handlers that may
    run several times at once, and keeps those that wait for their turn.
    """

    def __init__(self, engine: Engine, handlers: list[Handler]) -> None:
        self.workers: dict[Worker, None] = {}
        self._engine = engine
        self._failures = engine.failures
        self._handlers = handlers
        self._beside: dict[tuple[int, int], _Beside] = {}
        self._raws = 0
        self._scope = trio.CancelScope()
        self._one_done: trio.Event | None = None  # set when one is done: `stop` waits for it

    # -- their life

    async def hold(self, ended: Callable[[], None], task_status: trio.TaskStatus[None]) -> None:
        """Keeps their nursery open, until they are cancelled as a whole; then `ended` is called."""
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    self._engine.nursery = nursery
                    try:
                        task_status.started()
                        await trio.sleep_forever()
                    finally:
                        self._engine.nursery = None  # a task that comes now is not started any more
        finally:
            ended()

    def cancel(self) -> None:
        """End them all."""
        self._scope.cancel()

    async def stop(self, deadline: float) -> None:
        """Wait until no handler runs or waits, or for a time of Trio's clock; then cancel what is left."""
        with trio.move_on_at(deadline):
            while True:
                busy = next((worker for worker in self.workers if not worker.idle), None)
                if busy is None and not self._beside and not self._raws:
                    break
                self._one_done = done = trio.Event()
                if busy is not None:
                    busy.waiting.append(_Then(done))
                await done.wait()
        self.cancel()

    def _done(self) -> None:
        if self._one_done is not None:
            self._one_done.set()

    def _start(self, function: Callable[..., Any], *args: Any, name: str | None = None) -> None:
        if self._engine.nursery is not None:
            self._engine.nursery.start_soon(function, *args, name=name)

    # -- sessions

    def worker(self, session: Session) -> Worker:
        """A new worker for a session that has none: its task starts in Trio's next pass."""
        worker = session._worker = Worker(self._engine, session, self._handlers)
        self.workers[worker] = None
        self._start(self._work, worker, name=f"session {session.id}")
        return worker

    async def _work(self, worker: Worker) -> None:
        try:
            await worker.run()
        finally:
            del self.workers[worker]
            self._done()

    def later(self, session: Session, event: CoreEvent) -> None:
        """A request for the session's task, whatever it does now."""
        worker = session._worker
        if worker is None:
            self.worker(session).waiting.append(event)
        elif worker.idle:
            give(worker, event, direct=False)
        else:
            worker.waiting.append(event)

    def beside(self, session: Session, handler: Handler, event: CoreEvent) -> None:
        """A request of a handler that may run several times: up to its number at once, the rest in order."""
        key = (session._handle, event[3])
        beside = self._beside.get(key)
        if beside is None:
            beside = self._beside[key] = _Beside()
        beside.waiting.append(event)
        if beside.running < handler.concurrency:
            beside.running += 1
            self._start(self._run_beside, session, beside, key)

    async def _run_beside(self, session: Session, beside: _Beside, key: tuple[int, int]) -> None:
        with trio.CancelScope() as scope:
            try:
                if enter(session, scope):
                    work = serve(self._engine, session, self._handlers, beside.waiting, None)
                    await self._engine.held.watch(repr(self._handlers[key[1]].name), work)
            finally:
                self._engine.request_is_over()
                leave(session, scope)
                beside.running -= 1
                if beside.running == 0:
                    self._beside.pop(key, None)
                self._done()

    def connected(self, session: Session, functions: list[Callable[..., Any]]) -> None:
        """A session begins: plain functions now, coroutines before its first request."""
        for function in functions:
            self.call(session, function, session)

    def disconnected(self, session: Session, functions: list[Callable[..., Any]]) -> None:
        """A session has ended: plain functions now, coroutines each in a task."""
        for function in functions:
            self.call(None, function, session, session.end_reason)

    def call(self, session: Session | None, function: Callable[..., Any], *args: Any) -> None:
        """Tell the application something: a plain function now, a coroutine in the task of this session,
        behind what waits there, or (None) in one of its own. What it raises is logged.
        """
        if not is_async(function):
            with Guard(partial(_failed, self._failures, function, args), waits=False):
                function(*args)
            return
        told = _Lifecycle(self._failures, function, *args)
        if session is None:
            self._start(self._alone, told, name=told.name)
            return
        worker = session._worker or self.worker(session)
        worker.waiting.append(told)
        if worker.idle:
            give(worker, None, direct=False)

    async def _alone(self, lifecycle: _Lifecycle) -> None:
        await self._engine.held.watch(repr(lifecycle.name), lifecycle())

    # -- raw sockets

    def raw(self, socket: RawSocket, function: Callable[..., Any]) -> None:
        """The task of a raw socket."""
        self._start(self._run_raw, socket, function, name=f"raw socket {socket.path}")

    async def _run_raw(self, socket: RawSocket, function: Callable[..., Any]) -> None:
        self._raws += 1
        try:
            await raws.run(socket, function)
        finally:
            self._raws -= 1
            self._done()


class _Beside:
    """The requests of one session and one event: how many run, and what waits."""

    __slots__ = ("running", "waiting")

    def __init__(self) -> None:
        self.running = 0
        self.waiting: deque[Any] = deque()


class _Then:
    """Sets an event when a worker comes to it."""

    __slots__ = ("_event",)
    name = "the end"

    def __init__(self, event: trio.Event) -> None:
        self._event = event

    async def __call__(self) -> None:
        self._event.set()


class _Lifecycle:
    """A coroutine function of on_connect or on_disconnect with its arguments; what it raises is logged."""

    __slots__ = ("_args", "_failures", "_function", "name")

    def __init__(self, failures: Failures, function: Callable[..., Any], *args: Any) -> None:
        self._failures = failures
        self._function = function
        self._args = args
        self.name = name_of(function)

    async def __call__(self) -> None:
        with Guard(partial(_failed, self._failures, self._function, self._args)):
            await self._function(*self._args)


def _failed(
    failures: Failures, function: Callable[..., Any], args: tuple[Any, ...], error: BaseException
) -> None:
    name = name_of(function)
    about = dict[str, str]()
    for one in args:
        if isinstance(one, Session):
            about["session"] = one.id
        elif isinstance(one, Room):
            about["room"] = one.name
    failures.log(log, f"lifecycle {name}", "%s failed", name, error=error, about=about)
