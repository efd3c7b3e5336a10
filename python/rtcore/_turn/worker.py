"""The task of a session: its requests run here, one at a time, in the order in which they came.

It is started with the session's first request that needs a task, and from then on parked in `serve`, where
the turn steps it. Requests that come while a handler waits are kept in `waiting`; the core bounds them, since
none of them has its ack.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Generator
from types import CoroutineType, coroutine
from typing import Any, Final

import trio

from rtcore._app.handlers import Handler
from rtcore._app.invalid import invalid
from rtcore._app.refusals import refusal
from rtcore._data.values import FAULTS, default, dumps, encode_slowly
from rtcore._engine import KEYED, CoreEvent, Engine
from rtcore._ground.failures import part
from rtcore.errors import Refuse
from rtcore.session import Session

from .held import Moment
from .life import enter, leave
from .step import Stepped, inside

log = logging.getLogger("rtcore.app")

_NOTHING: Any = None
_COROUTINE: Final[Any] = CoroutineType
AWAITED: Final = -1
"""In place of the form of data: a function that is no coroutine function gave this to be waited for."""


def answer_error(
    engine: Engine, request: int, handler: Handler, session: Session, error: BaseException, began: int
) -> None:
    """The error ack for a handler that raised, and began at that time (ns). Raises nothing."""
    engine.tick()
    if isinstance(error, Refuse):
        said = refusal(error, engine.failures, f"the handler of {handler.name!r}")
        engine.core.fail(request, *said, began=began)
    else:
        text = "the handler of %r failed for session %s"
        about = {"session": session.id, "event": handler.name}
        if trace := engine.core.trace_of(request):
            about["trace"] = trace
        kind, name = f"handler {handler.name}", handler.name
        engine.failures.log(log, kind, text, name, session.id, error=error, about=about)
        engine.core.fail(
            request,
            "INTERNAL",
            f"the handler of {handler.name!r} failed",
            details=None,
            retry=False,
            began=began,
        )
    if not engine.turning:
        engine.wake()


def answer_invalid(engine: Engine, event: CoreEvent, handler: Handler, error: Exception, began: int) -> None:
    """The error ack for data that does not fit the handler's type, with every fault of it."""
    code, message, details = invalid(handler.decoder, repr(handler.name), event[4], event[5], error)
    engine.core.fail(event[2], code, message, details, retry=False, began=began)
    if not engine.turning:
        engine.wake()


class Apart:
    """What `serve` notes in a task of its own, beside the session's."""

    __slots__ = ("at", "began")

    def __init__(self) -> None:
        self.at: Any = None
        self.began = 0


@trio.lowlevel.enable_ki_protection
@coroutine
def serve(
    engine: Engine,
    session: Session,
    handlers: list[Handler],
    waiting: deque[Any],
    stepped: Worker | None,
) -> Generator[Any, Any, None]:
    """Read, run and answer what waits, one request after the other, whatever happens in them.

    When none waits: parks in `stepped` for the next one, or is over without it. Only what must pass
    (`failures.part`) comes out. This is one coroutine, and none for each of its steps, since it is the way
    of every request.
    """
    ack, clock = engine.ack, engine.clock
    noted: Worker | Apart = Apart() if stepped is None else stepped
    task = trio.lowlevel.current_task()
    while True:
        if waiting:
            event = waiting.popleft()
            if type(event) is not tuple:
                noted.at = event
                engine.request_is_over()  # what this says belongs to none
                yield from event().__await__()
                continue
            noted.began = clock()
        elif stepped is None:
            return
        else:  # `next_item`, in place
            stepped.idle = True
            got = yield stepped.trap
            if got is not None:
                got.unwrap()  # from Trio: rescheduled, or cancelled
                stepped.began = clock()
            event = stepped.item
            stepped.item = _NOTHING
            if event is _NOTHING:
                continue  # what it was woken for is in `waiting`
        kind, _, request, index, form, data = event
        if kind == KEYED and not engine.core.begin(request):
            continue  # its session ended: the key is free, and it must not be done here
        noted.at = handler = handlers[index]
        if engine.books:
            engine.requests[task] = request
        try:
            if form == AWAITED:
                result = data
            elif handler.bare:
                result = handler.run(session)
            else:
                try:
                    value = handler.json(data) if form == 0 else handler.decoder.by_form(form, data)
                except FAULTS as error:
                    answer_invalid(engine, event, handler, error, noted.began)
                    continue
                result = handler.run(session, value)
            if type(result) is _COROUTINE:
                result = yield from result
            elif hasattr(type(result), "__await__"):  # of a wrapper, or of a class of the application
                result = yield from result.__await__()
            try:
                answer = dumps(result, default)
            except TypeError as error:
                answer = encode_slowly(result, error)
            ack(request, answer, noted.began)
        except BaseException as error:  # noqa: BLE001 - the application's, whatever it is
            # Cancelled beside errors: the errors are the application's, the rest is Trio's and must pass.
            ours, rest = part(error)
            if rest is not None and kind == KEYED:
                engine.core.abandon(request)
            if ours is not None:
                answer_error(engine, request, handler, session, ours, noted.began)
            if rest is not None:
                raise rest from None
            continue
        if not engine.turning:
            engine.wake()


class Worker(Stepped):
    """A session's task, and what waits for it."""

    __slots__ = ("at", "began", "engine", "handlers", "session", "waiting")

    def __init__(self, engine: Engine, session: Session, handlers: list[Handler]) -> None:
        super().__init__()
        self.engine = engine
        self.session = session
        self.handlers = handlers
        self.waiting: deque[Any] = deque()
        self.at: Any = None  # the handler that runs, or ran last
        self.began = 0  # when it did (ns); 0: when the answer before was given, which the core knows

    def named(self, moment: Moment) -> str | None:
        """Whose handler goes on now, or ran last; None: nobody's."""
        return None if self.at is None or (self.idle and moment is Moment.BEFORE) else repr(self.at.name)

    def waits(self) -> int:
        """The handler that was stepped waits, and others are answered before it: when it began is noted.

        Gives when what is next begins (ns).
        """
        self.began = self.began or self.engine.core.answered()
        return self.engine.clock()

    async def run(self) -> None:
        """The session's own task, until the session ends."""
        session = self.session
        with trio.CancelScope() as scope:
            try:
                if enter(session, scope):
                    work = inside(self, serve(self.engine, session, self.handlers, self.waiting, self))
                    await self.engine.held.watch(self.named, work)
            finally:
                self.engine.request_is_over()
                leave(session, scope)


trio.lowlevel.enable_ki_protection(Worker.run)
