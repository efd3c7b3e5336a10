"""Cancel points that cost little, and a schedule point after each 64 calls of one task without one.

A public coroutine function checks for cancellation, acts whole, then asks `spend` whether its task has used
up its budget. The count lives in `Task.custom_sleep_data`: a public attribute, free while the task runs, that
Trio clears whenever it reschedules the task. So a schedule point of any kind refills the budget by itself.
"""

# ruff: noqa: SLF001 - one field of a task of Trio, guarded

from __future__ import annotations

from typing import Final

import trio

from ._step import CONTEXT

CALLS: Final = 64
"""Calls of one task without a schedule point."""

_current_task = trio.lowlevel.current_task
pause = trio.lowlevel.cancel_shielded_checkpoint
check = trio.lowlevel.checkpoint_if_cancelled


def cancelled() -> bool:
    """Whether `check()` must be awaited: a quick look that spares its coroutine. True when it cannot be
    known.

    Raises:
        RuntimeError: not called from a Trio task.

    """
    try:
        task = CONTEXT.task
        if task._cancel_status.effectively_cancelled:
            return True
        runner = task._runner
        return runner.ki_pending and task is runner.main_task
    except AttributeError:
        _current_task()
        return True


def spend() -> bool:
    """Count a call of the current task. True: its budget is used up, and `pause()` must be awaited."""
    try:
        task = CONTEXT.task
    except AttributeError:
        task = _current_task()
    used = task.custom_sleep_data
    if used is None:
        task.custom_sleep_data = 1
        return False
    if used < CALLS:
        task.custom_sleep_data = used + 1
        return False
    return True
