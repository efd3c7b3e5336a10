"""Copies of an outbox that nobody can tell from it: two programs, and what was one session."""

from __future__ import annotations

import pytest
import trio

from rtcore.client import MaybeDone, State, Superseded
from rtcore.testing import network_in_a_box
from tests.sim.boxfile import BoxFile

from .conftest import make_app

TRANSPORTS = ["websocket", "sse", "polling"]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_nobody_is_told_what_came_of_the_request_of_a_copy(transport, autojump_clock) -> None:
    """Both give the same number to a request of their own. The first never arrives; the ack of the second,
    kept under that number, would be told to who asks again for the first.
    """
    app, file = make_app(), BoxFile()
    async with (
        network_in_a_box(app, seed=1) as net,
        net.client("ann", outbox=file, wait=True, transport=transport) as ann,
    ):
        assert await ann.emit("count", "first") == 1
        session = ann.session
        other = file.copy("here")
        net.turn("ann", half_open=True)
        lost = ann.send("count", "lost")
        await trio.testing.wait_all_tasks_blocked()
        async with net.client("copy", outbox=other, wait=True, transport=transport) as second:
            assert second.session == session, "nobody can tell"
            assert await second.emit("count", "of the copy") == 2
            net.clear_up()
            net.cut("ann")
            with pytest.raises(MaybeDone):
                await lost.applied
            await ann.ready()
            assert ann.session not in (session, None)
            assert second.session == session
            assert await ann.emit("count", "again") == 3
            assert await second.emit("count", "the copy again") == 4
    assert app.done == ["first", "of the copy", "again", "the copy again"]


async def test_a_file_that_was_put_back_begins_a_session_of_its_own(autojump_clock) -> None:
    """Yesterday's file: what it would send under its numbers has been used since."""
    app, file = make_app(), BoxFile()
    async with network_in_a_box(app, seed=1) as net:
        async with net.client("ann", outbox=file, wait=True) as ann:
            await ann.emit("count", 1)
            session, old = ann.session, file.copy("here")
        async with net.client("ann", outbox=file, wait=True) as ann:
            assert ann.session == session
        async with net.client("ann", outbox=old, wait=True) as ann:
            assert ann.session not in (session, None)


async def test_programs_that_never_got_through_do_not_cost_the_session(autojump_clock) -> None:
    """More of them than are named: the last one that was welcome is among those that are."""
    app, file = make_app(), BoxFile()
    async with network_in_a_box(app, seed=1) as net:
        async with net.client("ann", outbox=file, wait=True) as ann:
            session = ann.session
        net.turn("ann", refuses=True)
        for _ in range(20):
            async with net.client("ann", outbox=file) as ann:
                assert ann.status.state is not State.LIVE
        net.clear_up()
        async with net.client("ann", outbox=file, wait=True) as ann:
            assert ann.session == session


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_who_is_superseded_ends_and_asks_no_more(net, transport, autojump_clock) -> None:
    """A poll that was answered with `bye` was followed by the next, at once and for ever."""
    async with net.client(transport=transport, wait=True) as client:
        held = {"session": client.session, "key": client._machine.who.key}
        newer = await net.server.welcomed(**held)
        assert newer.session == client.session
        with pytest.raises(MaybeDone, match="took this session over"):
            await client.emit("count", 1)
        assert client.status.state is State.ENDED
        with pytest.raises(Superseded):
            await client.emit("count", 2)
