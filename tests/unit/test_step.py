"""The direct step: what section "A session's task" promises, with it and without it."""

from __future__ import annotations

import contextvars
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
import trio.testing

from rtcore._turn import step
from rtcore._turn.step import Stepped, adopt, give, inside, next_item
from rtcore.errors import UsageError

mark: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="outside")
Handler = Callable[[Any], Awaitable[Any]]
OVER = object()


@pytest.fixture(params=[True, False], ids=["direct", "reschedule"])
def direct(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(params=["outer", "inner"], autouse=True)
def entry(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step enters at the task's outermost coroutine, or at the innermost that is always there."""
    monkeypatch.setattr(Driven, "inner", request.param == "inner")


class Driven:
    """A task that hands each item to a handler, and what the handler gave."""

    inner = False

    def __init__(self, handler: Handler) -> None:
        self.stepped = Stepped()
        self.handler = handler
        self.scope = trio.CancelScope()
        self.seen: list[Any] = []
        self.over = False

    async def run(self) -> None:
        adopt(self.stepped, trio.lowlevel.current_task())
        try:
            with self.scope:
                await (inside(self.stepped, self.serve()) if self.inner else self.serve())
        finally:
            self.over = True

    async def serve(self) -> None:
        while True:
            item = await next_item(self.stepped)
            if item is OVER:
                return
            self.seen.append(await self.handler(item))

    async def idle(self) -> None:
        for _ in range(50):
            if self.stepped.idle:
                return
            await trio.lowlevel.checkpoint()
        raise AssertionError("the task did not come back to wait")

    async def idle_in(self, seconds: float) -> None:
        """On a mock clock: let so much time pass, in small steps, until it is back."""
        until = trio.current_time() + seconds
        while trio.current_time() < until and not self.stepped.idle:  # noqa: ASYNC110 - each step is the test's
            await trio.sleep(0.1)
        assert self.stepped.idle


async def started(nursery: trio.Nursery, handler: Handler) -> Driven:
    driven = Driven(handler)
    nursery.start_soon(driven.run)
    await driven.idle()
    return driven


async def test_the_self_test_passes_on_this_trio() -> None:
    assert await step.probe() is True


async def test_a_step_runs_at_once_and_a_reschedule_in_the_next_pass(direct: bool) -> None:
    async def handler(item: int) -> int:
        return item

    async with trio.open_nursery() as nursery:
        driven = await started(nursery, handler)
        give(driven.stepped, 1, direct=direct)
        assert driven.seen == ([1] if direct else [])
        await driven.idle()
        assert driven.seen == [1]
        nursery.cancel_scope.cancel()


async def test_the_current_task_and_context_are_the_sessions_own(direct: bool) -> None:
    async def handler(item: str) -> tuple[Any, str]:
        before = mark.get()
        mark.set(item)
        return trio.lowlevel.current_task(), before

    me = trio.lowlevel.current_task()
    async with trio.open_nursery() as nursery:
        driven = await started(nursery, handler)
        for item in ("a", "b"):
            give(driven.stepped, item, direct=direct)
            await driven.idle()
            assert trio.lowlevel.current_task() is me
        task = driven.stepped.task
        assert driven.seen == [(task, "outside"), (task, "a")]
        assert mark.get() == "outside"
        nursery.cancel_scope.cancel()


async def test_sleeps_timeouts_nurseries_and_events_work_inside(
    direct: bool, autojump_clock: trio.testing.MockClock
) -> None:
    event = trio.Event()

    async def handler(item: str) -> Any:
        if item == "sleep":
            await trio.sleep(1)
            return trio.current_time()
        if item == "timeout":
            with trio.move_on_after(1) as scope:
                await trio.sleep_forever()
            return scope.cancelled_caught
        if item == "nursery":
            async with trio.open_nursery() as inner:
                inner.start_soon(trio.sleep, 1)
                inner.start_soon(event.wait)
            return "both"
        await event.wait()
        return "event"

    async with trio.open_nursery() as nursery:
        driven = await started(nursery, handler)
        for item in ("sleep", "timeout"):
            give(driven.stepped, item, direct=direct)
            await driven.idle_in(2)
        give(driven.stepped, "event", direct=direct)
        event.set()
        await driven.idle()
        give(driven.stepped, "nursery", direct=direct)
        await driven.idle_in(5)
        assert driven.seen[0] == pytest.approx(1)
        assert driven.seen[1:] == [True, "event", "both"]
        nursery.cancel_scope.cancel()


async def test_threads_work_inside(direct: bool) -> None:
    back = trio.Event()

    async def handler(_: object) -> str:
        answer = await trio.to_thread.run_sync(lambda: "from a thread")
        back.set()
        return answer

    async with trio.open_nursery() as nursery:
        driven = await started(nursery, handler)
        give(driven.stepped, None, direct=direct)
        with trio.fail_after(10):
            await back.wait()
        await driven.idle()
        assert driven.seen == ["from a thread"]
        nursery.cancel_scope.cancel()


async def test_an_event_set_in_the_same_turn_in_which_a_handler_began_to_wait_wakes_it(direct: bool) -> None:
    events = {"one": trio.Event(), "two": trio.Event()}

    async def handler(item: str) -> str:
        await events[item].wait()
        return item

    async with trio.open_nursery() as nursery:
        first, second = await started(nursery, handler), await started(nursery, handler)
        give(first.stepped, "one", direct=direct)
        give(second.stepped, "two", direct=direct)
        events["one"].set()
        events["two"].set()
        await first.idle()
        await second.idle()
        assert first.seen == ["one"]
        assert second.seen == ["two"]
        nursery.cancel_scope.cancel()


async def test_handlers_have_real_checkpoints(direct: bool) -> None:
    event = trio.Event()

    async def handler(_: object) -> None:
        with trio.testing.assert_checkpoints():
            await trio.lowlevel.checkpoint()
        with trio.testing.assert_checkpoints():
            await event.wait()

    async with trio.open_nursery() as nursery:
        driven = await started(nursery, handler)
        give(driven.stepped, None, direct=direct)
        await trio.testing.wait_all_tasks_blocked()
        event.set()
        await driven.idle()
        nursery.cancel_scope.cancel()


async def test_cancelled_from_inside(direct: bool) -> None:
    async with trio.open_nursery() as nursery:

        async def handler(_: object) -> None:
            driven.scope.cancel()

        driven = await started(nursery, handler)
        give(driven.stepped, None, direct=direct)
        await trio.testing.wait_all_tasks_blocked()
        assert driven.over
        assert driven.seen == [None]
        assert not driven.stepped.idle


async def test_cancelled_from_outside_while_idle(direct: bool) -> None:
    async def handler(item: int) -> int:
        return item

    async with trio.open_nursery() as nursery:
        driven = await started(nursery, handler)
        give(driven.stepped, 1, direct=direct)
        await driven.idle()
        driven.scope.cancel()
        assert not driven.stepped.idle
        await trio.testing.wait_all_tasks_blocked()
        assert driven.over


async def test_cancelled_before_the_next_checkpoint(direct: bool) -> None:
    """The handler is cancelled in the turn, before it waits: its first wait is, and no earlier work."""
    done: list[str] = []

    async def handler(item: str) -> None:
        done.append("worked")
        driven.scope.cancel()
        done.append("worked on")
        await trio.lowlevel.checkpoint()
        done.append("never")

    async with trio.open_nursery() as nursery:
        driven = await started(nursery, handler)
        give(driven.stepped, "x", direct=direct)
        await trio.testing.wait_all_tasks_blocked()
        assert driven.over
    assert done == ["worked", "worked on"]


async def test_an_item_that_was_given_is_not_lost_to_a_cancellation_that_comes_after_it(direct: bool) -> None:
    async def handler(item: int) -> int:
        return item

    async with trio.open_nursery() as nursery:
        driven = await started(nursery, handler)
        give(driven.stepped, 7, direct=direct)
        driven.scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        assert driven.seen == [7]
        assert driven.over


async def test_an_exception_leaves_through_the_tasks_nursery(direct: bool) -> None:
    async def handler(_: object) -> None:
        raise LookupError("mine")

    with pytest.RaisesGroup(pytest.RaisesExc(LookupError, match="mine")) as caught:
        async with trio.open_nursery() as nursery:
            driven = await started(nursery, handler)
            give(driven.stepped, None, direct=direct)
            await trio.sleep_forever()
    trace = caught.value.exceptions[0].__traceback__
    names = []
    while trace is not None:
        names.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert names[-1] == "handler"
    assert "step" not in names


async def test_waiting_for_what_is_not_trios_is_a_type_error(direct: bool) -> None:
    class Foreign:
        def __await__(self) -> Any:
            yield "asyncio's"

    async def handler(_: object) -> None:
        await Foreign()

    with pytest.RaisesGroup(pytest.RaisesExc(TypeError, match="asyncio")):
        async with trio.open_nursery() as nursery:
            driven = await started(nursery, handler)
            give(driven.stepped, None, direct=direct)
            await trio.sleep_forever()


async def test_a_task_of_another_socket_may_take_over_the_waiting(direct: bool) -> None:
    """A handler may hand its socket to a child: the child's task is then the one that is stepped."""
    stepped = Stepped()
    seen: list[tuple[str, Any]] = []

    async def reader(name: str, count: int) -> None:
        for _ in range(count):
            adopt(stepped, trio.lowlevel.current_task())
            seen.append((name, await next_item(stepped)))

    async with trio.open_nursery() as nursery:
        for name in ("first", "second"):
            nursery.start_soon(reader, name, 2)
            for item in (1, 2):
                await trio.testing.wait_all_tasks_blocked()
                give(stepped, item, direct=direct)
            await trio.testing.wait_all_tasks_blocked()
    assert seen == [("first", 1), ("first", 2), ("second", 1), ("second", 2)]


async def test_the_main_task_is_never_stepped() -> None:
    """Ctrl-C is delivered to the main task by Trio's own loop, which a step would go round."""
    stepped = Stepped()
    assert trio.lowlevel.current_root_task() is not None
    main = step.CONTEXT.runner.main_task
    adopt(stepped, main)
    assert stepped.public


async def test_steps_are_protected_from_ctrl_c(direct: bool) -> None:
    """Ctrl-C in the middle of a turn would lose the rest of the turn: it waits for the main task."""

    async def handler(_: object) -> bool:
        return trio.lowlevel.currently_ki_protected()

    trio.lowlevel.enable_ki_protection(Driven.run)
    async with trio.open_nursery() as nursery:
        driven = await started(nursery, handler)
        give(driven.stepped, None, direct=direct)
        await driven.idle()
        assert driven.seen == [True]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(("value", "expected"), [("reschedule", False), ("direct", True), ("", True)])
async def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch, value: str, expected: bool) -> None:
    monkeypatch.setenv("RTCORE_STEP", value)
    assert await step.probe() is expected


async def test_an_unknown_way_of_stepping_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTCORE_STEP", "sideways")
    with pytest.raises(UsageError, match="sideways"):
        await step.probe()


async def test_a_trio_that_is_different_inside_is_not_stepped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "CONTEXT", None)
    monkeypatch.setattr(step, "_works", None)
    assert await step.probe() is False
    monkeypatch.setenv("RTCORE_STEP", "direct")
    with pytest.raises(UsageError, match="does not work"):
        await step.probe()


async def test_instruments_are_seen() -> None:
    assert not step.instruments()
    instrument = trio.abc.Instrument()
    trio.lowlevel.add_instrument(instrument)
    try:
        assert step.instruments()
    finally:
        trio.lowlevel.remove_instrument(instrument)


async def test_trio_is_quiet_only_when_it_has_nothing_to_do(mock_clock: trio.testing.MockClock) -> None:
    assert step.quiet(0.001)
    with trio.move_on_after(0.0005):  # noqa: ASYNC100 - it is there to be seen
        assert not step.quiet(0.001)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.lowlevel.checkpoint)
        assert not step.quiet(0.001)
