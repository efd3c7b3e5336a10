"""The reactor's task: waits on the poller, runs turns, and lets Trio have its share.

A turn reads what is ready, runs what it means, and writes what is due. One pass of Trio costs more than a
whole turn for a few connections, so after a turn that had work the next one may wait up to `linger` in the
poller itself, before it goes back through Trio: only while Trio has nothing to do, and never for longer than
1 ms before its own I/O is looked at again.

What is made outside a turn (a handler that Trio resumed, a task of the application) is written by the
flusher: a parked task that the first output reschedules. It runs in the same pass of Trio or the next: no
system call wakes anybody.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import trio
from trio.lowlevel import Abort

from rtcore._engine import Engine

from .step import quiet

if TYPE_CHECKING:
    from .dispatch import Runtime

SHARE_NS: Final = 1_000_000
"""How long turns follow each other without a pass of Trio (ns)."""


async def run_reactor(runtime: Runtime) -> None:
    """Run turns until cancelled."""
    fd = runtime.core.fileno()
    wait_readable = trio.lowlevel.wait_readable
    while True:
        await wait_readable(fd)
        run_turns(runtime)


@trio.lowlevel.enable_ki_protection
def run_turns(runtime: Runtime) -> None:
    """One turn, and those that follow it closely."""
    core = runtime.core
    linger_us = runtime.linger_us if runtime.steps_directly else 0
    until = time.perf_counter_ns() + SHARE_NS
    wait = 0
    while True:
        events = core.turn(wait)
        if not events and not core.needs_flush():
            if runtime.on_output is not None:
                runtime.on_output()  # the last connection may have gone, and nobody had to be told
            return
        runtime.dispatch(events)
        if not linger_us or time.perf_counter_ns() > until or not quiet(linger_us / 1e6):
            return
        wait = linger_us


async def flush_when_woken(engine: Engine, flush: Callable[[], bool]) -> None:
    """The flusher: parked until `Engine.wake`."""
    task = trio.lowlevel.current_task()

    def abort(_: object) -> Abort:
        engine.flusher = None
        return Abort.SUCCEEDED

    # What was made before there was a flusher comes first.
    while True:
        while flush():
            await trio.lowlevel.checkpoint()
        engine.flusher = task
        await trio.lowlevel.wait_task_rescheduled(abort)
