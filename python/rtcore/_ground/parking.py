"""A task that waits for what a turn brings."""

from __future__ import annotations

from typing import Any

import trio
from outcome import Value
from trio.lowlevel import Abort, Task


class Parking:
    """A place for one task, until somebody wakes it. Invariant: it is taken exactly while its task waits."""

    __slots__ = ("_task",)

    def __init__(self) -> None:
        self._task: Task | None = None

    @property
    def taken(self) -> bool:
        """Whether a task waits here."""
        return self._task is not None

    async def wait(self) -> Any:
        """Wait until `wake`; gives what it was woken with. A cancel point and a schedule point."""
        self._task = trio.lowlevel.current_task()

        def abort(_: object) -> Abort:
            self._task = None
            return Abort.SUCCEEDED

        return await trio.lowlevel.wait_task_rescheduled(abort)

    def wake(self, value: Any = None) -> None:
        """Let the task go on, if one waits: in this or the next pass of Trio."""
        task, self._task = self._task, None
        if task is not None:
            trio.lowlevel.reschedule(task, Value(value))
