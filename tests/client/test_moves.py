"""Joins and leaves of one room, one behind the other: the server has what the program asked for last."""

from __future__ import annotations

from functools import partial

import pytest
import trio

import rtcore
from rtcore.client import Client, RequestTimeout

from .conftest import make_app

SETTLED = 5.0
"""Simulated seconds after which nothing is under way any more."""


@pytest.fixture
def app() -> rtcore.App:
    """The usual application, and a room whose joins wait for its word `app.word` seconds."""
    app = make_app()
    app.rooms("late", relay=True)
    app.word = 0.0  # type: ignore[attr-defined]

    @app.authorize("late")
    async def enter(session: rtcore.Session, join: rtcore.Join) -> bool:
        await trio.sleep(app.word)  # type: ignore[attr-defined]
        return True

    return app


async def present(other: Client, name: str) -> int:
    """How many sessions besides that of `other` are in the room."""
    room = await other.join(name)
    count = room.count
    await room.leave()
    assert count is not None
    return count - 1


async def test_a_join_while_a_leave_is_unanswered_is_heard(net, autojump_clock) -> None:
    async with net.client() as other, net.client() as client:
        tea = await client.join("tea")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(tea.leave)
            await trio.lowlevel.checkpoint()
            again = aiter(await client.join("tea"))
        hers = await other.join("tea")
        await hers.publish("say", 1)
        with trio.fail_after(SETTLED):
            assert (await anext(again)).data == 1


async def test_leave_and_join_while_away_are_done_in_their_order(net, autojump_clock) -> None:
    async with net.client() as other, net.client() as client, trio.open_nursery() as nursery:
        tea = await client.join("tea")
        net.down = True
        await net.cut()
        await trio.sleep(1)
        nursery.start_soon(partial(tea.leave, timeout=400))
        await trio.sleep(1)
        nursery.start_soon(hear_one, client)
        await trio.sleep(1)
        net.down = False
        await other.ready(100)
        await client.ready(100)
        await trio.sleep(SETTLED)
        assert await present(other, "tea") == 1
        hers = await other.join("tea")
        await hers.publish("say", 1)
        await trio.sleep(SETTLED)
        assert not nursery.child_tasks


async def hear_one(client: Client) -> None:
    """Join, and wait for something that is said."""
    async for event in await client.join("tea", timeout=400):
        assert event.data == 1
        return


async def test_a_leave_that_is_not_answered_in_time_is_done_later(net, autojump_clock) -> None:
    """*The room is left all the same*: nobody hears it, so the server must not go on saying it."""
    async with net.client() as other, net.client() as client:
        tea = await client.join("tea")
        net.down = True
        await net.cut()
        await trio.sleep(1)
        with pytest.raises(RequestTimeout):
            await tea.leave(timeout=3)
        net.down = False
        await client.ready(100)
        await other.ready(100)
        await trio.sleep(SETTLED)
        assert await present(other, "tea") == 0


async def test_a_join_that_is_taken_back_after_it_was_written_leaves_the_room(
    net, app, autojump_clock
) -> None:
    """Its bytes may have left: what the application says to it meanwhile is not known here."""
    app.word = 2.0
    async with net.client() as other, net.client() as client:
        with trio.move_on_after(1):
            await client.join("late")
        await trio.sleep(SETTLED)
        assert await present(other, "late") == 0
        late = await client.join("late")
        assert late.count == 1


async def test_a_room_that_is_left_while_it_is_joined_again_is_left(net, app, autojump_clock) -> None:
    """In a new session the rooms are joined again by the client itself; the program leaves one meanwhile."""
    async with net.client() as other, net.client() as client:
        late = await client.join("late")
        net.down = True
        await net.cut()
        await trio.sleep(400)
        net.down, app.word = False, 10.0
        while not client._machine.sending.open:  # noqa: ASYNC110 - before it is live
            await trio.sleep(0.5)
        await late.leave(timeout=60)
        app.word = 0.0
        await other.ready(100)
        await trio.sleep(3 * SETTLED)
        assert await present(other, "late") == 0
