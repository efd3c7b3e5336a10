"""What is of asyncio, awaited in Trio."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest
import trio
import trio.testing

import rtcore

who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")


async def test_a_coroutine_runs_in_a_loop_of_its_own_and_gives_its_result() -> None:
    async def add(a: int, b: int) -> tuple[int, bool]:
        await asyncio.sleep(0)
        return a + b, threading.current_thread() is threading.main_thread()

    assert await rtcore.aio(add(1, 2)) == (3, False)
    assert await rtcore.aio(add, 1, b=3) == (4, False)
    loops = {await rtcore.aio(_loop()) for _ in range(3)}
    assert len(loops) == 1


async def _loop() -> int:
    return id(asyncio.get_running_loop())


async def test_what_looks_for_its_loop_when_it_is_called_is_called_there() -> None:
    def future() -> asyncio.Future[str]:
        made: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(made.set_result, "made")
        return made

    assert await rtcore.aio(future) == "made"


async def test_its_exception_is_raised() -> None:
    async def fail() -> None:
        raise LookupError("not there")

    with pytest.raises(LookupError, match="not there"):
        await rtcore.aio(fail())


async def test_context_variables_are_carried_over() -> None:
    async def look() -> str:
        before = who.get()
        who.set("somebody else")
        await asyncio.sleep(0)
        return f"{before}, {who.get()}"

    token = who.set("ada")
    assert await rtcore.aio(look()) == "ada, somebody else"
    assert who.get() == "ada"
    who.reset(token)


async def test_cancelled_it_waits_until_the_other_task_has_ended() -> None:
    log: list[str] = []
    begun = trio.Event()
    token = trio.lowlevel.current_trio_token()

    async def work() -> None:
        try:
            token.run_sync_soon(begun.set)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            log.append("rolled back")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(rtcore.aio, work)
        await begun.wait()
        nursery.cancel_scope.cancel()
    assert log == ["rolled back"]
    assert nursery.cancel_scope.cancelled_caught


async def test_what_answers_its_cancellation_with_a_result_gives_it() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "done all the same"
        return ""

    with trio.CancelScope() as scope:
        scope.cancel()
        with trio.CancelScope(shield=True) as inner:
            async with trio.open_nursery() as nursery:

                async def ask() -> None:
                    assert await rtcore.aio(stubborn) == "done all the same"

                nursery.start_soon(ask)
                await trio.testing.wait_all_tasks_blocked(0.01)
                inner.shield = False


async def test_many_at_once() -> None:
    async def one(n: int) -> int:
        await asyncio.sleep(0)
        return n

    results: list[int] = []

    async def ask(n: int) -> None:
        results.append(await rtcore.aio(one(n)))

    async with trio.open_nursery() as nursery:
        for n in range(500):
            nursery.start_soon(ask, n)
    assert sorted(results) == list(range(500))


async def test_what_is_no_coroutine_is_refused() -> None:
    async def fine() -> None: ...

    with pytest.raises(rtcore.UsageError, match="takes a coroutine"):
        await rtcore.aio(5)  # type: ignore[call-overload]
    with pytest.raises(rtcore.UsageError, match="takes a coroutine"):
        await rtcore.aio(fine(), 1)  # type: ignore[call-overload]


def test_in_asyncio_it_says_that_it_is_not_needed() -> None:
    async def fine() -> None: ...

    async def main() -> None:
        await rtcore.aio(fine())

    with pytest.raises(rtcore.UsageError, match="in asyncio await it as it is"):
        asyncio.run(main())
