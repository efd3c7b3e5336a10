"""Streams of items down, after a drop: where they go on, and what becomes of those that nobody names."""

from __future__ import annotations

from collections.abc import AsyncIterator

import trio

import rtcore
from rtcore.testing import memory_server
from tests.engine.test_streams import Log, counting, items, opened, settled


async def test_it_goes_on_after_a_drop(autojump_clock: trio.abc.Clock) -> None:
    log: Log = []
    async with memory_server(counting(log)) as server:
        client = await server.welcomed()
        stream = await opened(client, data=6, credit=4)
        assert await items(client, stream, 4) == [0, 1, 2, 3]
        await client.cut()
        back = await server.returned(client, streams={str(stream): 2})
        await back.send({"type": "open", "id": stream, "stream": "count", "data": 6, "credit": 4})
        await back.send({"type": "credit", "id": stream, "n": 9})
        assert await items(back, stream, 4) == [2, 3, 4, 5]
        await back.until("end", id=stream, n=6)
        assert log == [0, 1, 2, 3, 4, 5, "finally"], "opened once"


async def test_an_end_that_was_lost_comes_again(autojump_clock: trio.abc.Clock) -> None:
    log: Log = []
    async with memory_server(counting(log)) as server:
        client = await server.welcomed()
        stream = await opened(client, data=2, credit=9)
        await client.until("end", id=stream)
        await client.cut()
        back = await server.returned(client, streams={str(stream): 1})
        await back.until("item", id=stream, n=1)
        await back.until("end", id=stream, n=2)


async def test_what_is_no_longer_kept_is_said(autojump_clock: trio.abc.Clock) -> None:
    log: Log = []
    async with memory_server(counting(log)) as server:
        client = await server.welcomed()
        stream = await opened(client, data=100, credit=4)
        await items(client, stream, 4)
        await client.send({"type": "credit", "id": stream, "n": 8})
        await items(client, stream, 4)
        await client.cut()
        back = await server.returned(client, streams={str(stream): 3})
        end = await back.until("end", id=stream)
        assert end["error"]["code"] == "STREAM_LOST"
        await settled()
        assert log[-1] == "finally"


async def test_what_a_returning_peer_does_not_name_is_closed(autojump_clock: trio.abc.Clock) -> None:
    log: Log = []
    async with memory_server(counting(log), limits={"hello_ms": "2 s"}) as server:
        client = await server.welcomed()
        stream = await opened(client, data=100, credit=2)
        await items(client, stream, 2)
        await client.cut()
        back = await server.returned(client)
        await back.send({"type": "credit", "id": stream, "n": 50})
        await settled()
        assert log == [0, 1], "nothing more is made for who may not want it"
        await trio.sleep(3)
        assert log == [0, 1, "finally"]


async def test_an_open_that_comes_again_begins_at_its_beginning(autojump_clock: trio.abc.Clock) -> None:
    log: Log = []
    async with memory_server(counting(log)) as server:
        client = await server.welcomed()
        stream = await opened(client, data=3, credit=3)
        await items(client, stream, 3)
        await client.cut()  # as if nothing of it had been heard
        back = await server.returned(client)
        again = {"type": "open", "id": stream, "stream": "count", "data": 3, "credit": 3}
        await back.send(again, {"type": "credit", "id": stream, "n": 9})
        assert await items(back, stream, 3) == [0, 1, 2]
        await back.until("end", id=stream)
        assert log == [0, 1, 2, "finally"]


async def test_a_session_that_is_away_holds_up_its_generator(autojump_clock: trio.abc.Clock) -> None:
    app, made = rtcore.App(), 0

    @app.stream("ticks")
    async def ticks(session: rtcore.Session) -> AsyncIterator[str]:
        nonlocal made
        while True:
            await trio.sleep(0.01)
            made += 1
            yield "x" * 1000

    async with memory_server(app, limits={"session_high": "64 KiB", "session_low": "16 KiB"}) as server:
        client = await server.welcomed()
        stream = await opened(client, "ticks", credit=1 << 40)
        await client.until("item", id=stream, n=3)
        await client.cut()
        await trio.sleep(60)
        assert made < 80
        heard = len([said for said in client.heard if said["type"] == "item"])
        back = await server.returned(client, streams={str(stream): heard})
        for n in range(heard, made + 50):
            await back.expect("item", id=stream, n=n)
