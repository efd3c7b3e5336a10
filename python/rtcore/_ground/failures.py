"""Failures of the application: whose they are, and how they are told to the log.

Whatever a function of the application raises is the failure of what it was called for: of one request, one
decision, one task. That is so for `SystemExit`, `asyncio.CancelledError` and the panic of an extension, too:
they are no `Exception`, and would end the server. Three things pass: `KeyboardInterrupt`, Trio's cancellation
where the task is cancelled (a `Cancelled` that somebody raised by hand is a failure), and what a background
task or a lifespan raises, which are not called for anybody.

The log has each kind with its traceback, but not each time. A traceback costs half a millisecond, and a peer
can make a handler fail as often as it likes: 64 requests that wait would hold everybody up for 30 ms. So a
kind of failure is written a few times a second; how often it came beyond that is said with the next one that
is written, and `rtcore_failed_total` counts those of requests and streams. This is the one place that writes
what a peer brought about: what it says is escaped and cut, and it never raises.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import Final

import trio

from rtcore._ground.numbers import FIXED

from .text import escaped, traceback_of

PER_SECOND: Final = FIXED["TRACEBACKS"]
"""Tracebacks of one kind in a second."""

KINDS: Final = FIXED["KINDS"]
"""Kinds that are told apart. They are named by the application, so there are few; more are forgotten."""


def part(error: BaseException, *, waits: bool = True) -> tuple[BaseException | None, BaseException | None]:
    """What of an error is the application's failure, and what must pass. One of them may be None.

    Called where it is caught, in the task that it comes from. `waits`: it comes out of a coroutine; a plain
    function is never cancelled. Of a group with one error the error counts, as a nursery wraps what came
    alone.
    """
    if not isinstance(error, BaseExceptionGroup):
        return (None, error) if _passes(error, waits) else (error, None)
    try:
        rest, ours = error.split(lambda one: not isinstance(one, BaseExceptionGroup) and _passes(one, waits))
    except Exception:  # noqa: BLE001 - a group may have a `derive` of its own
        return error, None
    while isinstance(ours, BaseExceptionGroup) and len(ours.exceptions) == 1:
        ours = ours.exceptions[0]
    return ours, rest


def _passes(error: BaseException, waits: bool) -> bool:
    if isinstance(error, KeyboardInterrupt):
        return True
    # Where the task is cancelled here, outside all scopes of the application, Trio itself raised it.
    return isinstance(error, trio.Cancelled) and waits and trio.current_effective_deadline() == -math.inf


def blame(error: BaseException) -> BaseException:
    """The failure of a plain function. Raises what must pass."""
    ours, rest = part(error, waits=False)
    if rest is not None:
        raise rest
    return error if ours is None else ours


class Guard:
    """What the application does within fails alone: `report` is told, and what must pass passes.

    with Guard(report):
        await function(session)
    """

    __slots__ = ("_report", "_waits")

    def __init__(self, report: Callable[[BaseException], None], *, waits: bool = True) -> None:
        self._report = report
        self._waits = waits

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if error is None:
            return False
        ours, rest = part(error, waits=self._waits)
        if ours is not None:
            self._report(ours)
        if rest is None:
            return True
        if rest is error:
            return False
        raise rest from None


class Failures:
    """What has failed lately: the second, how often it was written in it, and how often not since."""

    def __init__(self) -> None:
        self._kinds: dict[str, list[int]] = {}

    def log(
        self,
        log: logging.Logger,
        kind: str,
        text: str,
        *args: object,
        error: BaseException | None,
        level: int = logging.ERROR,
        about: Mapping[str, str] | None = None,
    ) -> None:
        """Write a record with the error's traceback, unless enough of this kind were written this second.

        `about` names what it is about (session, room, event), for logs that programs read.

        Raises nothing, whatever the error is and whatever the handlers of the log do.
        """
        if not log.isEnabledFor(level):
            return
        left = self._left_out(kind, time.monotonic())
        if left is None:
            return
        if left:
            text += f" (and {left:,} times more that were not written)"
        write(log, level, text, *args, error=error, about=about)

    def _left_out(self, kind: str, now: float) -> int | None:
        """How many of this kind were not written since the last one; None: nor is this one."""
        second = int(now)
        known = self._kinds.get(kind)
        if known is None:
            if len(self._kinds) >= KINDS:
                self._kinds.clear()
            known = self._kinds[kind] = [second, 0, 0]
        if known[0] != second:
            known[0], known[1] = second, 0
        if known[1] >= PER_SECOND:
            known[2] += 1
            return None
        known[1] += 1
        left, known[2] = known[2], 0
        return left


def write(
    log: logging.Logger,
    level: int,
    text: str,
    *args: object,
    error: BaseException | None = None,
    about: Mapping[str, str] | None = None,
) -> None:
    """Write a record about what somebody brought about: texts escaped, the traceback cut. Never raises."""
    try:
        said = tuple(escaped(arg) if isinstance(arg, str) else arg for arg in args)
        raised = None if error is None else (type(error), error, error.__traceback__)
        extra = {name: escaped(value) for name, value in (about or {}).items()}
        record = log.makeRecord(log.name, level, __file__, 0, text, said, raised, extra=extra)
        if error is not None:
            record.exc_text = traceback_of(error)  # what every `Formatter` takes in place of its own
        log.handle(record)
    except Exception:  # noqa: BLE001, S110 - a handler of the log is broken: there is nobody to tell
        pass
