"""The direct step: a coroutine handler at the price of a callback.

A task that waits for what a turn brings (a session's next request, a raw socket's next message) is parked in
`next_item`. Instead of being rescheduled, which runs it in Trio's next pass, it is run now, within the turn,
up to where it parks again or really waits: `step` does for this one task what Trio's own loop does for each,
no more. So every handler of a turn has run when the turn ends, and its output leaves in the same write.

What it touches beyond Trio's public API: the run context (current task, runner), `Task._abort_func`,
`Task._cancel_status`, `Task._attempt_delivery_of_any_pending_cancel`, the two counters of checkpoints, and
`Runner.task_exited`. Therefore a self-test on the installed Trio decides once a process whether it is used
(`probe`); else, and whenever instruments are installed, the same parked task is woken by plain `reschedule`,
with the same behaviour. `RTCORE_STEP=direct` or `reschedule` decides for tests.

The trap that parks a task is made once and yielded each time: Trio reads it and does not keep it. What is
given travels in `item`, so a step sends None and Trio an Outcome, and neither is mistaken for the other.

A task is several coroutines deep before it comes to the one that waits here, and each costs a step its
resumption. So a step enters at the innermost that is always there (`inside`). When that one ends in a step,
those around it go on with what it ended with; Trio, which always enters from outside, sees no difference.

Invariants: `idle` is true exactly while the task is parked in `next_item` and nobody has scheduled it. During
a step the task's abort function stays ours, and refuses; where it was asked, Trio has taken it away.
"""

# ruff: noqa: SLF001, ASYNC105 - what this does with the insides of Trio is its subject

from __future__ import annotations

import contextlib
import contextvars
import logging
import os
from collections.abc import Generator
from types import coroutine
from typing import Any, Final, cast

import trio
from outcome import Error, Value
from trio.lowlevel import Abort, Task, reschedule

from rtcore._ground.numbers import FIXED
from rtcore.errors import UsageError

log = logging.getLogger("rtcore.step")

CONTEXT: Any = None
_Detach: Any = None
_dice: Any = None
with contextlib.suppress(ImportError):  # another Trio: plain reschedule
    from trio._core import _run, _traps

    CONTEXT = _run.GLOBAL_RUN_CONTEXT
    _dice = getattr(_run, "_r", None)
    _Detach = _traps.PermanentlyDetachCoroutineObject

MAX_STEPS: Final = FIXED["TURN_TASKS"]
"""Steps in one turn; what comes after them is rescheduled, so that Trio has its pass."""


def _trap_of(waiting: Any) -> Any:
    """What a coroutine of Trio yields to park its task."""
    trap = waiting.send(None)
    waiting.close()
    return trap


_SHIELDED: Final = _trap_of(trio.lowlevel.cancel_shielded_checkpoint())
_WAIT: Final = type(_trap_of(trio.lowlevel.wait_task_rescheduled(lambda _: Abort.SUCCEEDED)))


class Stepped:
    """Something that one task at a time waits for, and a turn gives."""

    __slots__ = (
        "abort",
        "context",
        "deep",
        "driven",
        "ended",
        "idle",
        "inner",
        "item",
        "public",
        "run_in",
        "send_to",
        "task",
        "trap",
    )

    def __init__(self) -> None:
        self.idle = False
        self.driven = False  # a step of this runs now
        self.item: Any = None
        self.task: Task | None = None
        self.public = False  # only ever rescheduled
        self.abort = self._abort
        self.trap = _trap_of(trio.lowlevel.wait_task_rescheduled(self.abort))
        self.inner: tuple[Task, Any] | None = (
            None  # a task, and how the innermost of its coroutines is resumed
        )
        self.deep = False  # that task waits here
        self.ended: Value[object] | Error | None = None  # what the innermost ended with, in a step
        self.context: Any = None  # these three are the task's
        self.run_in: Any = None
        self.send_to: Any = None

    def _abort(self, _: object) -> Abort:
        if not self.idle:
            return Abort.FAILED  # it runs, in a step, which looks at the end whether this was asked
        self.idle = False  # Trio schedules it, with the cancellation
        return Abort.SUCCEEDED


def adopt(stepped: Stepped, task: Task) -> None:
    """From now on it is this task that waits here."""
    stepped.task = task
    stepped.run_in = task.context.run
    stepped.deep = stepped.inner is not None and stepped.inner[0] is task
    stepped.send_to = stepped.inner[1] if stepped.inner is not None and stepped.deep else task.coro.send
    # Ctrl-C lands in the main task, by rules of its own that a step does not follow.
    stepped.public = CONTEXT is None or task is CONTEXT.runner.main_task
    # The run context is a `threading.local`: its dictionary is the same thing, looked up once.
    stepped.context = CONTEXT and CONTEXT.__dict__


def give(stepped: Stepped, item: Any, *, direct: bool) -> None:
    """Wake the idle task with an item: now if `direct`, else in Trio's next pass."""
    stepped.item = item
    if direct and not stepped.public:
        step(stepped)
    else:
        stepped.idle = False
        reschedule(cast("Task", stepped.task))


@coroutine
def next_item(stepped: Stepped) -> Generator[Any, Any, Any]:
    """Wait for the next item. Awaited by the adopted task, and by nothing else."""
    stepped.idle = True
    got = yield stepped.trap
    if got is not None:
        got.unwrap()  # from Trio: rescheduled, or cancelled
    item = stepped.item
    stepped.item = None
    return item


@trio.lowlevel.enable_ki_protection
async def inside(stepped: Stepped, work: Any) -> None:
    """Do the current task's work, a coroutine in which it waits here: steps enter there, and not in this."""
    task = trio.lowlevel.current_task()
    stepped.inner = task, work.send
    adopt(stepped, task)
    try:
        await work
    except BaseException:
        if stepped.ended is None:
            raise
        # It had ended in a step, and Python only says that it cannot be resumed.
    finally:
        stepped.inner = None
        stepped.deep = False
    ended, stepped.ended = stepped.ended, None
    if isinstance(ended, Error):
        ended.unwrap()


@trio.lowlevel.enable_ki_protection
def step(stepped: Stepped) -> None:
    """Run an idle task until it parks, waits or ends. Never from within another step."""
    context = stepped.context
    task: Any = stepped.task
    caller = context["task"]
    stepped.idle = False
    stepped.driven = True
    task.custom_sleep_data = 0  # the budget of `budget` is whole again
    context["task"] = task
    ended: Value[object] | Error | None = None
    trap: Any = None
    try:
        trap = stepped.run_in(stepped.send_to, None)
    except BaseException as error:  # noqa: BLE001 - as Trio's loop does: it leaves through the task's nursery
        ended = _ended_with(error)
    if ended is not None and stepped.deep:
        # Not inside the `except`, or unrelated errors would get this one as their context.
        trap, ended = _leave(stepped, ended)
    context["task"] = caller
    stepped.driven = False
    if trap is stepped.trap:  # parked again
        if task._abort_func is None:  # somebody cancelled meanwhile, and was told that this had to wait
            task._abort_func = stepped.abort
            if task._cancel_status.effectively_cancelled:
                task._attempt_delivery_of_any_pending_cancel()
    elif ended is not None:
        context["runner"].task_exited(task, ended)
    else:
        _wait(context["runner"], task, trap)


def _leave(stepped: Stepped, ended: Value[object] | Error) -> tuple[Any, Value[object] | Error | None]:
    """The innermost coroutine has ended in a step: those around it go on. What they yield or end with."""
    task: Any = stepped.task
    stepped.ended = ended
    stepped.deep = False
    stepped.send_to = task.coro.send
    try:
        return stepped.run_in(stepped.send_to, None), None
    except BaseException as error:  # noqa: BLE001 - as in `step`
        return None, _ended_with(error)


def _ended_with(error: BaseException) -> Value[object] | Error:
    if isinstance(error, StopIteration):
        return Value(error.value)
    trace = error.__traceback__
    return Error(error.with_traceback(trace and trace.tb_next))


def _wait(runner: Any, task: Any, trap: Any) -> None:
    """The handler really waits: from here on the task is Trio's, until it parks again."""
    task._schedule_points += 1
    if trap is _SHIELDED:
        runner.reschedule(task)
    elif type(trap) is _WAIT:
        task._cancel_points += 1
        task._abort_func = trap.abort_func
        task._attempt_delivery_of_any_pending_cancel()
    elif type(trap) is _Detach:
        runner.task_exited(task, trap.final_outcome)
    else:
        runner.reschedule(
            task,
            TypeError(
                f"a handler waits for {trap!r}, which is not Trio's. Is it a library written for asyncio? "
                "That does not work without a shim."
            ),
        )
        task._next_send_fn = task.coro.throw


def instruments() -> bool:
    """Whether somebody watches Trio's steps: then all of them are Trio's own."""
    return bool(CONTEXT.runner.instruments["_all"])


def quiet(seconds: float) -> bool:
    """Whether Trio itself has nothing to do now, and its next deadline is further away than `seconds`."""
    runner = CONTEXT.runner
    if runner.runq or runner.is_guest:
        return False
    return bool(runner.deadlines.next_deadline() > runner.clock.current_time() + seconds)


_works: bool | None = None


async def probe() -> bool:
    """Whether this Trio can be stepped: tried once a process, in a nursery of its own.

    Raises:
        UsageError: `RTCORE_STEP` has an unknown value, or wants what does not work.

    """
    global _works  # noqa: PLW0603 - once a process
    wanted = os.environ.get("RTCORE_STEP", "")
    if wanted not in {"", "direct", "reschedule"}:
        raise UsageError(f"RTCORE_STEP is `direct` or `reschedule`, not {wanted!r}")
    if wanted == "reschedule":
        return False
    if _works is None:
        try:
            _works = await _self_test()
        except Exception:
            log.warning(
                "the direct step does not work on Trio %s; tasks are rescheduled",
                trio.__version__,
                exc_info=True,
            )
            _works = False
    if wanted == "direct" and not _works:
        raise UsageError(f"RTCORE_STEP=direct: the direct step does not work on Trio {trio.__version__}")
    return _works


class _Trial(Exception):  # noqa: N818 - not an error, and nobody sees it
    """What the self-test lets a task die of."""


async def _self_test() -> bool:
    if CONTEXT is None or _Detach is None or not hasattr(CONTEXT.runner, "task_exited"):
        return False
    needed = (
        "_abort_func",
        "_cancel_status",
        "_schedule_points",
        "_cancel_points",
        "_next_send_fn",
        "custom_sleep_data",
    )
    me = trio.lowlevel.current_task()
    if not all(hasattr(me, name) for name in needed) or not hasattr(
        me, "_attempt_delivery_of_any_pending_cancel"
    ):
        return False
    if not isinstance(CONTEXT.runner.instruments["_all"], dict) or not isinstance(quiet(0.0), bool):
        return False
    mark: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="outside")
    seen: list[object] = []
    event = trio.Event()

    async def trial(stepped: Stepped, ending: BaseException | None) -> None:
        adopt(stepped, trio.lowlevel.current_task())
        mark.set("inside")
        with trio.CancelScope() as scope:
            while True:
                item = await next_item(stepped)
                seen.append((item, mark.get(), trio.lowlevel.current_task() is stepped.task))
                if item == "wait":
                    await event.wait()
                elif item == "checkpoint":
                    await trio.lowlevel.checkpoint()
                elif item == "cancel":
                    scope.cancel()
                elif item == "end":
                    if ending is not None:
                        raise ending
                    return
        seen.append(scope.cancelled_caught)

    async def until_idle(stepped: Stepped) -> None:
        while not stepped.idle:
            await trio.lowlevel.checkpoint()

    outcomes: list[object] = []
    thrown = _dice.getstate() if _dice is not None else None
    for ending in ("end", "raise", "cancel"):
        stepped = Stepped()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trial, stepped, _Trial() if ending == "raise" else None)
                await until_idle(stepped)
                for item in ("first", "checkpoint", "wait"):
                    step_with(stepped, item)
                    if item == "wait":
                        event.set()
                    await until_idle(stepped)
                step_with(stepped, "cancel" if ending == "cancel" else "end")
                if trio.lowlevel.current_task() is not me or mark.get() != "outside":
                    return False
            outcomes.append("returned")
        except* _Trial:
            outcomes.append("raised")
    # A test that seeded Trio's order of tasks gets the same in the first run of a process as in later ones.
    if _dice is not None:
        _dice.setstate(thrown)
    expected = [(item, "inside", True) for item in ("first", "checkpoint", "wait")]
    wanted = [
        *expected, ("end", "inside", True),
        *expected, ("end", "inside", True),
        *expected, ("cancel", "inside", True), True,
    ]  # fmt: skip
    return seen == wanted and outcomes == ["returned", "raised", "returned"]


def step_with(stepped: Stepped, item: object) -> None:
    """Step with an item, in the self-test and in tests."""
    stepped.item = item
    step(stepped)
