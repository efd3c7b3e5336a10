"""The task of a session: its requests run here, one at a time, in the order in which they came.

It is started with the session's first request that needs a task, and from then on parked in `next_item`,
where the turn steps it. Requests that come while a handler waits are kept in `waiting`; the core bounds them,
since none of them has its ack.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import Any

import trio

from ._engine import CoreEvent, Engine
from ._handlers import Handler, invalid
from ._step import Stepped, next_item
from ._values import BACKSLASH, DOLLAR, FAULTS, encode
from .errors import Refuse, RtcoreError
from .session import Session

log = logging.getLogger("rtcore.app")


def answer_error(
    engine: Engine, request: int, handler: Handler, session: Session, error: BaseException
) -> None:
    """The error ack for a handler that raised."""
    if isinstance(error, Refuse):
        try:
            details = None if error.details is None else encode(error.details)
            engine.core.fail(request, error.code, error.message, details, error.retry)
        except RtcoreError:
            log.exception("the details of a refusal of %r cannot be said", handler.name)
            engine.core.fail(request, error.code, error.message, None, error.retry)
    else:
        text = "the handler of %r failed for session %s"
        engine.failures.log(log, f"handler {handler.name}", text, handler.name, session.id, error=error)
        engine.core.fail(request, "INTERNAL", f"the handler of {handler.name!r} failed", None, False)
    if not engine.turning:
        engine.wake()


def answer_invalid(engine: Engine, event: CoreEvent, handler: Handler, error: Exception) -> None:
    """The error ack for data that does not fit the handler's type, with every fault of it."""
    code, message, details = invalid(handler.decoder, repr(handler.name), event[4], event[5], error)
    engine.core.fail(event[2], code, message, details, False)
    if not engine.turning:
        engine.wake()


async def serve_one(engine: Engine, session: Session, handler: Handler, event: CoreEvent) -> None:
    """Read, run, answer: one request, whatever happens. Only what is no `Exception` comes out."""
    _, _, request, _, form, data = event
    try:
        if handler.bare:
            work = handler.function(session)
        else:
            try:
                if form == 0 and DOLLAR not in data and BACKSLASH not in data:
                    value = handler.json(data)
                else:
                    value = handler.decoder.by_form(form, data)
            except FAULTS as error:
                answer_invalid(engine, event, handler, error)
                return
            work = handler.function(session, value)
        engine.core.ack(request, encode(work if handler.plain else await work))
    except Exception as error:  # noqa: BLE001 - the application's, whatever it is
        answer_error(engine, request, handler, session, error)
        return
    except BaseExceptionGroup as errors:
        # Cancelled beside errors: the errors are the application's, the rest is Trio's and must pass.
        ours, rest = errors.split(Exception)
        if ours is not None:
            answer_error(engine, request, handler, session, ours)
        if rest is not None:
            raise rest from None
        return
    if not engine.turning:
        engine.wake()


class Worker(Stepped):
    """A session's task, and what waits for it."""

    __slots__ = ("engine", "handlers", "session", "waiting")

    def __init__(self, engine: Engine, session: Session, handlers: list[Handler]) -> None:
        super().__init__()
        self.engine = engine
        self.session = session
        self.handlers = handlers
        self.waiting: deque[Any] = deque()

    async def run(self) -> None:
        """The session's own task, until the session ends."""
        engine, session, handlers, waiting = self.engine, self.session, self.handlers, self.waiting
        self.adopt(trio.lowlevel.current_task())
        with trio.CancelScope() as scope:
            try:
                if session.enter(scope):
                    while True:
                        event = waiting.popleft() if waiting else await next_item(self)
                        if type(event) is tuple:
                            await serve_one(engine, session, handlers[event[3]], event)
                        else:
                            await event()
            finally:
                session.leave(scope)


trio.lowlevel.enable_ki_protection(Worker.run)
trio.lowlevel.enable_ki_protection(serve_one)
