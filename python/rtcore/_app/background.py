"""Background tasks of the application: started with the server, and again when they fail.

A task that returns is done. One that raises is reported (log, `rtcore_background_failures_total`) and starts
again after a wait: a service that is away for a minute ends no server. `critical=True` is for those without
which serving makes no sense: what they raise ends the server.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import trio

from rtcore._engine import Engine
from rtcore._ground.failures import part
from rtcore._ground.numbers import FIXED

from .hooks import name_of

if TYPE_CHECKING:
    from rtcore.app import App

log = logging.getLogger("rtcore.app")

FIRST: Final = FIXED["AGAIN_MS"] / 1000
"""Seconds before a task that failed is started again; doubled with each failure that follows."""
LONGEST: Final = FIXED["AGAIN_LONGEST_MS"] / 1000
"""The longest of these waits. A task that ran for so long has worked: its next failure is a first one."""


class Background(NamedTuple):
    """What the application registered."""

    function: Callable[..., Awaitable[Any]]
    critical: bool

    @property
    def name(self) -> str:
        """As people know it."""
        return name_of(self.function)


class BackgroundTasks:
    """The background tasks of a run, and how often each has failed."""

    def __init__(self, app: App, tasks: Sequence[Background], engine: Engine) -> None:
        self._app = app
        self._tasks = tuple(tasks)
        self._engine = engine
        self.failures: dict[str, int] = {task.name: 0 for task in tasks}

    def start(self, nursery: trio.Nursery) -> None:
        """Start all; what ends the server leaves through this nursery."""
        for task in self._tasks:
            nursery.start_soon(self._run, task, name=f"background task {task.name}")

    async def _run(self, task: Background) -> None:
        """Until it returns, or for ever: each attempt is a new call."""
        wait = FIRST
        while True:
            began = trio.current_time()
            try:
                what = f"the background task {task.name}"
                await self._engine.held.watch(what, task.function(self._app))
            except BaseException as error:  # noqa: BLE001 - what is none of the task's is raised again
                self._failed(task, error)
            else:
                return
            if trio.current_time() - began >= LONGEST:
                wait = FIRST
            pause = wait * random.uniform(0.5, 1.0)  # noqa: S311 - jitter: many that fail together part
            log.warning("the background task %s starts again in %.1f s", task.name, pause)
            await trio.sleep(pause)
            wait = min(2 * wait, LONGEST)

    def _failed(self, task: Background, error: BaseException) -> None:
        """Report it. Raises what is no failure of the task: its cancellation, and what ends a program."""
        if task.critical:
            raise error
        ours, rest = part(error)
        if ours is not None:
            self.failures[task.name] += 1
            text = "the background task %s failed"
            kind = f"background task {task.name}"
            self._engine.failures.log(log, kind, text, task.name, error=ours)
        if rest is not None:
            raise rest
