"""How a client ends, and what it leaves behind at the server."""

from __future__ import annotations

import pytest
import trio

import rtcore
from rtcore.client import MaybeDone
from rtcore.testing import network_in_a_box


async def test_closing_waits_five_seconds_for_what_was_written(net, app, autojump_clock) -> None:
    async with net.client(wait=True) as client:
        sent = client.send("slow", 1)
        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
        await client.close()
        assert 5 <= trio.current_time() - began < 6
        with pytest.raises(MaybeDone):
            await sent.applied


async def test_closing_waits_no_longer_than_for_the_answer(net, app, autojump_clock) -> None:
    async with net.client(wait=True) as client:
        sent = client.send("slow", 1)
        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.close)
            await trio.sleep(2)
            app.gate.set()
        assert 2 <= trio.current_time() - began < 3
        assert await sent.applied == "through"


async def test_a_welcome_that_comes_late_over_plain_http_leaves_no_session_behind(autojump_clock) -> None:
    """It is given up after fifteen seconds, and comes two seconds later: without a `bye` each attempt would
    leave a session to its window.
    """
    app, opened, ended = rtcore.App(), list[str](), list[str]()
    patience = [9.0]

    @app.authenticate
    async def who(hello: rtcore.Hello) -> rtcore.User:
        await trio.sleep(patience[0])
        return rtcore.ANONYMOUS

    @app.on_connect
    async def came(session: rtcore.Session) -> None:
        opened.append(session.id)

    @app.on_disconnect
    async def gone(session: rtcore.Session) -> None:
        ended.append(session.id)

    async with network_in_a_box(app, seed=1) as net:
        net.turn("ann", delay=4)
        async with net.client("ann", transport="polling", wait=False) as client:
            await trio.sleep(40)
            patience[0] = 0.0
            net.clear_up()
            await client.ready()
        await trio.sleep(30)
    assert len(opened) > 1
    assert sorted(ended) == sorted(opened)
