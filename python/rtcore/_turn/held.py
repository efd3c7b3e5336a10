"""What held everybody up, by name: application code that ran for long without a wait.

A turn measures what it runs itself (`dispatch`). What Trio resumes (a coroutine after a wait, a stream, a
background task) runs outside of any turn: `watch` looks at the clock around each of its steps. That is one
call more for each time that Trio resumes such a task, and none for what a turn steps.

What a thread waits for a processor, since other programs have it, is no fault of the code that was to run
then: it is taken off. For that the count is looked at before a step, if the last look is a while ago.
"""

from __future__ import annotations

import enum
import logging
import time
from collections.abc import Awaitable, Callable, Generator, Iterable
from types import coroutine
from typing import Any, Final

from rtcore._ground.numbers import FIXED

from .processor import waited

log = logging.getLogger("rtcore.app")

LONG: Final = FIXED["HELD_NS"]
"""What runs for longer than this without a wait (ns) is reported by name."""
_REPORT_EVERY: Final = FIXED["HELD_EVERY_NS"]
KINDS: Final = FIXED["KINDS"]
"""Names that are told apart. The application gives them, so there are few; more are forgotten."""


LOOK_NS: Final = 20_000_000
"""So old may a look at what was waited for a processor be when something begins (ns)."""


class Moment(enum.Enum):
    """When a name is asked for that changes with what runs."""

    BEFORE = enum.auto()
    """A step begins: what goes on in it?"""
    AFTER = enum.auto()
    """A long step is over: what ran last in it?"""


class Held:
    """Reports, at most one a second for each name."""

    def __init__(self, waited: Callable[[], int] = waited) -> None:
        self._reported: dict[str, int] = {}
        self._waited = waited
        self._before = 0
        self.due = 0
        """When `look` is to be called before something begins (ns of the performance counter)."""
        self.heard: Callable[[str, float], None] | None = None
        """Who else hears of each of them: what, and for how long (ms)."""

    def look(self, now: int) -> None:
        """Something begins now: what it waits for a processor is counted from here on."""
        self._before = self._waited()
        self.due = now + LOOK_NS

    def report(self, ns: int, names: Iterable[str]) -> None:
        """Something of these names took so long until now. None: of a kind that has no name.

        Nothing is said if it would have been quick on a machine without other programs.
        """
        ns -= self._waited() - self._before
        self.due = 0
        if ns < LONG:
            return
        what = " or ".join(dict.fromkeys(names)) or "a decision, a lifecycle or a state function"
        if self.heard is not None:
            self.heard(what, ns / 1e6)
        now = time.perf_counter_ns()
        if now - self._reported.get(what, -_REPORT_EVERY) < _REPORT_EVERY:
            return
        if len(self._reported) >= KINDS:
            self._reported.clear()
        self._reported[what] = now
        log.warning(
            "%s held the turn for %d ms, and nobody else was served. A plain function, and a coroutine "
            "between its waits, should be short; trio.to_thread.run_sync takes what is not.",
            what,
            ns // 1_000_000,
        )

    @coroutine
    def watch(
        self, name: str | Callable[[Moment], str | None], work: Awaitable[Any]
    ) -> Generator[Any, Any, Any]:
        """Wait for this, as `await work` does; each step of it that takes long is reported.

        `name` may be a function, where what runs changes: it is asked before each step, and after a long one.
        """
        going: Any = work if hasattr(work, "send") else work.__await__()
        resume, given = going.send, None
        asked = name if callable(name) else None
        clock, begins = time.perf_counter_ns, Moment.BEFORE
        while True:
            before = name if asked is None else asked(begins)
            began = clock()
            if began > self.due:
                self.look(began)
            try:
                trap = resume(given)
            except StopIteration as done:
                return done.value
            finally:
                took = clock() - began
                if took > LONG:
                    after = name if asked is None else asked(Moment.AFTER)
                    self.report(took, (str(each) for each in (before, after) if each))
            try:
                resume, given = going.send, (yield trap)
            except GeneratorExit:
                going.close()
                raise
            except BaseException as error:  # noqa: BLE001 - as `await` does: it is the work's
                resume, given = going.throw, error
