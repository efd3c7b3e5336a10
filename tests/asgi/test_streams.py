"""Streams of items over the gateway: they go as fast as the page reads, and stop with it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import trio
import trio.testing

import rtcore
from rtcore.testing import WireClient, connect_tcp
from tests.patience import PATIENCE

from .conftest import below_hypercorn

made: list[int] = []
over = trio.Event()


def counting() -> rtcore.App:
    app = rtcore.App()

    @app.stream("count")
    async def count(session: rtcore.Session, wanted: dict[str, int]) -> AsyncIterator[str]:
        try:
            for number in range(wanted["n"]):
                made.append(number)
                yield "x" * wanted["size"]
        finally:
            over.set()

    @app.stream("sum")
    async def total(session: rtcore.Session, items: rtcore.Items[int]) -> int:
        return sum([item async for item in items])

    return app


def begin() -> None:
    global over
    over = trio.Event()
    made.clear()


async def test_items_in_order_with_credit_and_a_stream_up() -> None:
    begin()
    async with (
        below_hypercorn(rtcore.asgi(counting())) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello()
        data = {"n": 100, "size": 10}
        await client.send({"type": "open", "id": 1, "stream": "count", "data": data, "credit": 200})
        assert [(await client.until("item"))["n"] for _ in range(100)] == list(range(100))
        assert (await client.until("end"))["n"] == 100
        await client.send({"type": "open", "id": 2, "stream": "sum", "up": True})
        await client.until("credit")
        items = [{"type": "item", "id": 2, "n": number, "data": number} for number in range(4)]
        await client.send(*items, {"type": "end", "id": 2, "n": 4})
        ended = await client.until("end", id=2)
        assert ended.get("data") == 6, ended


async def test_a_page_that_reads_no_more_stops_the_generator_and_one_that_leaves_ends_it() -> None:
    begin()
    limits = {"resume_ms": 1600, "ping_ms": 100, "silence_ms": 1500}
    async with below_hypercorn(rtcore.asgi(counting(), limits=limits)) as server:
        stream = await trio.open_tcp_stream("127.0.0.1", server.port)
        client = WireClient(stream)
        await client.open()
        data = {"n": 1_000_000, "size": 10_000}
        await client.send(
            {"type": "hello"}, {"type": "open", "id": 1, "stream": "count", "data": data, "credit": 1_000_000}
        )
        with trio.fail_after(PATIENCE):
            before = -1
            while before != len(made):  # until nothing more is made
                before = len(made)
                await trio.testing.wait_all_tasks_blocked(0.1)
        assert 10 < len(made) < 5_000, "what nobody reads is not made"
        await trio.aclose_forcefully(stream)
        with trio.fail_after(PATIENCE):
            await over.wait()
