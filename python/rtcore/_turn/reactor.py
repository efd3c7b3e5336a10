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
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import trio
from trio.lowlevel import Abort

from rtcore._engine import Core, CoreEvent, Engine
from rtcore._ground.numbers import FIXED

from .step import quiet

SHARE_NS: Final = FIXED["TURN_SHARE_NS"]
"""How long turns follow each other without a pass of Trio (ns)."""


class Turns(Protocol):
    """What is driven: a core, and what does with its events what they mean."""

    core: Core
    linger_us: int
    on_output: Callable[[], None] | None

    @property
    def steps_directly(self) -> bool:
        """Whether the insides of this Trio are known."""
        ...

    def dispatch(self, events: Sequence[CoreEvent]) -> None:
        """Run a turn's events, then all that comes of them, and write what is due."""
        ...


async def run_reactor(turns: Turns) -> None:
    """Run turns until cancelled."""
    fd = turns.core.fileno()
    wait_readable = trio.lowlevel.wait_readable
    while True:
        await wait_readable(fd)
        run_turns(turns)


@trio.lowlevel.enable_ki_protection
def run_turns(turns: Turns) -> None:
    """One turn, and those that follow it closely."""
    core = turns.core
    linger_us = turns.linger_us if turns.steps_directly else 0
    until = time.perf_counter_ns() + SHARE_NS
    wait = 0
    while True:
        events = core.turn(wait)
        if not events and not core.needs_flush():
            if turns.on_output is not None:
                turns.on_output()  # the last connection may have gone, and nobody had to be told
            return
        turns.dispatch(events)
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
