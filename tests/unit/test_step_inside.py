"""A step enters at the innermost coroutine of a task: what is around that one finds no difference."""

from __future__ import annotations

import trio
import trio.testing

from rtcore._turn.step import give
from tests.unit.test_step import OVER, Driven, direct, entry, started

__all__ = ["direct", "entry"]  # fixtures


async def test_what_is_around_the_innermost_goes_on_when_that_has_ended(direct: bool) -> None:
    """It ends in a step, and what comes after it runs in the same one: waits there are the task's as well."""
    event = trio.Event()

    class After(Driven):
        async def run(self) -> None:
            await super().run()
            self.seen.append("after")
            await event.wait()
            self.seen.append("waited")

    async def handler(item: int) -> int:
        return item

    async with trio.open_nursery() as nursery:
        driven = After(handler)
        nursery.start_soon(driven.run)
        await driven.idle()
        give(driven.stepped, 1, direct=direct)
        await driven.idle()
        give(driven.stepped, OVER, direct=direct)
        await trio.testing.wait_all_tasks_blocked()
        assert driven.seen == [1, "after"]
        assert driven.over
        event.set()
    assert driven.seen == [1, "after", "waited"]


async def test_an_error_of_the_innermost_can_be_caught_around_it(direct: bool) -> None:
    caught: list[BaseException] = []

    class Careful(Driven):
        async def run(self) -> None:
            try:
                await super().run()
            except LookupError as error:
                caught.append(error)

    async def handler(_: object) -> None:
        raise LookupError("mine")

    async with trio.open_nursery() as nursery:
        driven = Careful(handler)
        nursery.start_soon(driven.run)
        await driven.idle()
        give(driven.stepped, None, direct=direct)
    assert [str(error) for error in caught] == ["mine"]
    assert caught[0].__context__ is None


async def test_cancelled_within_a_scope_that_is_left_again(direct: bool) -> None:
    """The cancellation was asked for in the step and refused; it is over when the task parks."""

    async def handler(item: int) -> int:
        with trio.CancelScope() as scope:  # noqa: ASYNC100 - it is there to be left
            scope.cancel()
        return item

    async with trio.open_nursery() as nursery:
        driven = await started(nursery, handler)
        for item in (1, 2):
            give(driven.stepped, item, direct=direct)
            await driven.idle()
        assert driven.seen == [1, 2]
        driven.scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        assert driven.over
