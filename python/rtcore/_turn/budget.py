"""Cancel points that cost little, and a schedule point after each 64 calls of one task without one.

A public coroutine function begins with

    if due():
        await checkpoint()

and then does its work whole, without waiting in it: cancelled means that it did not happen. `due` is true
when the task is cancelled, and when it has used up its budget. The count lives in `Task.custom_sleep_data`: a
public attribute, free while the task runs, that Trio clears whenever it reschedules the task, and a step too.
So a schedule point of any kind refills the budget by itself.
"""

# ruff: noqa: SLF001 - one field of a task of Trio, guarded

from __future__ import annotations

from typing import Final

import trio

from rtcore._ground.numbers import FIXED

from .step import CONTEXT

CALLS: Final = FIXED["TASK_CALLS"]
"""Calls of one task without a schedule point."""

checkpoint = trio.lowlevel.checkpoint


def due() -> bool:
    """Count a call of the current task: whether it must let Trio have a look at it first.

    True, too, on a Trio whose insides are not known.

    Raises:
        RuntimeError: not called from a Trio task.

    """
    try:
        task = CONTEXT.task
        if task._cancel_status.effectively_cancelled:
            return True
        used = task.custom_sleep_data
    except AttributeError:
        trio.lowlevel.current_task()
        return True
    if used is None:
        task.custom_sleep_data = 1
        return False
    if used < CALLS:
        task.custom_sleep_data = used + 1
        return False
    return True
