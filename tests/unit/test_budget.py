"""A cancel point at each call, a schedule point at each 64th."""

from __future__ import annotations

import trio

from rtcore._turn.budget import CALLS, checkpoint, due


async def call() -> None:
    if due():
        await checkpoint()


async def schedule_points(calls: int) -> int:
    """How often another runnable task had its turn while one made so many calls."""
    passes = 0
    over = False

    async def other() -> None:
        nonlocal passes
        while not over:
            passes += 1
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        for _ in range(calls):
            await call()
        over = True
    return passes


async def test_one_call_is_no_schedule_point() -> None:
    assert await schedule_points(1) <= 1


async def test_ten_thousand_calls_let_others_run() -> None:
    passes = await schedule_points(10_000)
    assert 10_000 // (CALLS + 1) - 2 <= passes <= 10_000 // CALLS + 2


async def test_a_schedule_point_of_another_kind_refills_the_budget() -> None:
    for _ in range(3):
        for _ in range(CALLS):
            assert not due()
        await trio.lowlevel.cancel_shielded_checkpoint()
    for _ in range(CALLS):
        assert not due()
    assert due()


async def test_the_budget_is_each_tasks_own() -> None:
    async def busy() -> None:
        for _ in range(CALLS):
            assert not due()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(busy)
        nursery.start_soon(busy)


async def test_a_cancelled_call_does_nothing() -> None:
    done = False
    with trio.CancelScope() as scope:
        scope.cancel()
        if due():
            await checkpoint()
        done = True
    assert scope.cancelled_caught
    assert not done
