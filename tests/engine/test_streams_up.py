"""Streams that go up: credit, the items' type, how they end on either side."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import trio
import trio.testing

import rtcore
from rtcore.testing import WireClient, memory_server

Log = list[Any]


class Chunk(msgspec.Struct):
    n: int


def app_that_reads(log: Log) -> rtcore.App:
    """Streams that say what they hear."""
    app = rtcore.App()

    @app.stream("sum")
    async def total(session: rtcore.Session, items: rtcore.Items[int]) -> int:
        return sum([item async for item in items])

    @app.stream("chunks")
    async def chunks(session: rtcore.Session, name: str, items: AsyncIterator[Chunk]) -> str:
        try:
            async for chunk in items:
                log.append(chunk.n)
        except rtcore.RemoteError as error:
            log.append(error.code)
            raise rtcore.Refuse("HALF", "only a part of it came") from None
        finally:
            log.append("finally")
        return name

    @app.stream("first")
    async def first(session: rtcore.Session, items: rtcore.Items[Any]) -> Any:
        async for item in items:
            return item
        return None

    return app


async def opened(client: WireClient, stream: str, **fields: Any) -> int:
    """Open a stream up, and give its id when the first credit has come."""
    number = await client.begin("open", stream=stream, up=True, **fields)
    await client.until("credit", id=number)
    return number


async def test_items_are_read_and_the_result_is_told(autojump_clock: trio.abc.Clock) -> None:
    async with memory_server(app_that_reads([])) as server:
        client = await server.welcomed()
        stream = await opened(client, "sum")
        sent, credit = 0, 4
        while sent < 500:
            while sent < min(credit, 500):
                await client.send({"type": "item", "id": stream, "n": sent, "data": sent})
                sent += 1
            if sent < 500:
                credit = (await client.until("credit", id=stream))["n"]
        await client.send({"type": "end", "id": stream, "n": 500})
        assert (await client.until("end", id=stream))["data"] == sum(range(500))


async def test_data_and_items_each_have_their_type(autojump_clock: trio.abc.Clock) -> None:
    log: Log = []
    async with memory_server(app_that_reads(log)) as server:
        client = await server.welcomed()
        stream = await opened(client, "chunks", data="a name")
        await client.send({"type": "item", "id": stream, "n": 0, "data": {"n": 7}})
        await client.send({"type": "end", "id": stream})
        assert (await client.until("end", id=stream))["data"] == "a name"
        stream = await opened(client, "chunks", data="a name")
        await client.send({"type": "item", "id": stream, "n": 0, "data": {"n": "seven"}})
        end = await client.until("end", id=stream)
        assert end["error"]["code"] == "INVALID_MESSAGE"
        assert end["error"]["details"][0]["path"] == "$.n"
        assert log == [7, "finally", "finally"]


async def test_a_peer_that_fails(autojump_clock: trio.abc.Clock) -> None:
    log: Log = []
    async with memory_server(app_that_reads(log)) as server:
        client = await server.welcomed()
        stream = await opened(client, "chunks", data="a name")
        await client.send({"type": "item", "id": stream, "n": 0, "data": {"n": 7}})
        await client.send({"type": "end", "id": stream, "n": 1, "error": {"code": "DISK", "message": "full"}})
        assert (await client.until("end", id=stream))["error"]["code"] == "HALF"
        assert log == [7, "DISK", "finally"]


async def test_a_peer_that_cancels(autojump_clock: trio.abc.Clock) -> None:
    log: Log = []
    async with memory_server(app_that_reads(log)) as server:
        client = await server.welcomed()
        stream = await opened(client, "chunks", data="a name")
        await client.send({"type": "cancel", "id": stream})
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert log == ["finally"]
        assert client.heard[-1]["type"] == "credit", "no end is owed"


async def test_a_handler_that_reads_no_further_ends_it(autojump_clock: trio.abc.Clock) -> None:
    async with memory_server(app_that_reads([])) as server:
        client = await server.welcomed()
        stream = await opened(client, "first")
        await client.send(*({"type": "item", "id": stream, "n": n, "data": n} for n in range(4)))
        assert (await client.until("end", id=stream))["data"] == 0
        await client.send({"type": "item", "id": stream, "n": 4, "data": 4}, {"type": "end", "id": stream})
        await client.send({"type": "ping", "time": 1})
        await client.until("pong", time=1)
        assert not [said for said in client.heard if said["type"] == "error"], "they crossed with the end"


async def test_a_slow_handler_makes_a_peer_that_waits(autojump_clock: trio.abc.Clock) -> None:
    app, go = rtcore.App(), trio.Semaphore(0)

    @app.stream("slow")
    async def slow(session: rtcore.Session, items: rtcore.Items[str]) -> int:
        count = 0
        async for _ in items:
            await go.acquire()
            count += 1
        return count

    async with memory_server(app, limits={"stream_bytes": "8 KiB"}) as server:
        client = await server.welcomed()
        stream = await opened(client, "slow")
        sent = credit = 0
        while sent < 40:
            credit = max([credit, *(said["n"] for said in client.heard if said["type"] == "credit")])
            while sent < min(credit, 40):
                await client.send({"type": "item", "id": stream, "n": sent, "data": "x" * 1000})
                sent += 1
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert credit <= 40 - go.value + 8, "8 KiB are eight items"
            go.release()
        await client.send({"type": "end", "id": stream, "n": 40})
        for _ in range(40):
            go.release()
        assert (await client.until("end", id=stream))["data"] == 40


async def test_it_goes_on_after_a_drop(autojump_clock: trio.abc.Clock) -> None:
    async with memory_server(app_that_reads([])) as server:
        client = await server.welcomed()
        stream = await opened(client, "sum")
        await client.send(*({"type": "item", "id": stream, "n": n, "data": n} for n in range(3)))
        await trio.testing.wait_all_tasks_blocked(0.01)
        await client.cut()
        back = await server.returned(client)
        assert back.heard[0]["streams"] == {str(stream): 3}
        await back.until("credit", id=stream)
        await back.send(*({"type": "item", "id": stream, "n": n, "data": n} for n in range(1, 4)))
        await back.send({"type": "end", "id": stream, "n": 4})
        assert (await back.until("end", id=stream))["data"] == 6
        await back.cut()
        again = await server.returned(back)
        assert (await again.until("end", id=stream))["data"] == 6, "it may have been lost"


@pytest.mark.parametrize(
    ("items", "code"),
    [([1], "INVALID_MESSAGE"), ([0, 1, 2, 3, 4], "OVERLOADED"), ([0, 2], "INVALID_MESSAGE")],
)
async def test_a_peer_that_breaks_the_rules(
    autojump_clock: trio.abc.Clock, items: list[int], code: str
) -> None:
    log: Log = []
    app, entered = rtcore.App(), trio.Event()

    @app.stream("stuck")
    async def stuck(session: rtcore.Session, items: rtcore.Items[int]) -> None:
        entered.set()
        try:
            await trio.sleep_forever()
        finally:
            log.append("finally")

    async with memory_server(app) as server:
        client = await server.welcomed()
        stream = await opened(client, "stuck")
        await entered.wait()
        await client.send(*({"type": "item", "id": stream, "n": n, "data": n} for n in items))
        end = await client.until("end", id=stream)
        assert end["error"]["code"] == code
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert log == ["finally"]


def test_what_can_be_a_stream() -> None:
    app = rtcore.App()

    with pytest.raises(rtcore.UsageError, match="neither"):

        @app.stream("plain")
        def plain(session: rtcore.Session) -> None: ...

    with pytest.raises(rtcore.UsageError, match="takes the items"):

        @app.stream("typed")
        async def typed(session: rtcore.Session, items: int) -> None: ...

    with pytest.raises(rtcore.UsageError, match="session, items"):

        @app.stream("short")
        async def short(session: rtcore.Session) -> None: ...

    @app.stream("once")
    async def once(session: rtcore.Session) -> AsyncIterator[int]:
        yield 1

    with pytest.raises(rtcore.UsageError, match="already"):
        app.stream("once")(once)
