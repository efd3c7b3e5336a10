"""Streams of items down: what a generator is asked for, how it ends, how it goes on after a drop."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import trio
import trio.testing

import rtcore
from rtcore.testing import MemoryServer, WireClient, memory_server

Log = list[Any]


def counting(log: Log) -> rtcore.App:
    """An application whose stream `count` says in `log` what it was asked for and how it ended."""
    app = rtcore.App()

    @app.stream("count")
    async def count(session: rtcore.Session, data: int) -> AsyncIterator[int]:
        try:
            for n in range(data):
                log.append(n)
                yield n
        finally:
            log.append("finally")

    @app.on_disconnect
    def gone(session: rtcore.Session) -> None:
        log.append("gone")

    return app


async def opened(client: WireClient, stream: str = "count", **fields: Any) -> int:
    """Open a stream and give its id."""
    return await client.begin("open", stream=stream, **fields)


async def items(client: WireClient, stream: int, count: int) -> list[Any]:
    """The data of the next items."""
    return [(await client.until("item", id=stream))["data"] for _ in range(count)]


async def settled() -> None:
    """All tasks wait: what was made has been sent, heard and acted on."""
    await trio.testing.wait_all_tasks_blocked(0.01)


# -- down


async def test_items_come_in_order_and_then_the_end(autojump_clock: trio.abc.Clock) -> None:
    log: Log = []
    async with memory_server(counting(log)) as server:
        client = await server.welcomed()
        stream = await opened(client, data=3, credit=10)
        for n in range(3):
            await client.expect("item", id=stream, n=n, data=n)
        await client.expect("end", id=stream, n=3, data=None)
        assert log == [0, 1, 2, "finally"]


async def test_a_generator_is_asked_for_nothing_beyond_the_credit(autojump_clock: trio.abc.Clock) -> None:
    log: Log = []
    async with memory_server(counting(log)) as server:
        client = await server.welcomed()
        stream = await opened(client, data=10)
        await settled()
        assert log == []
        await client.send({"type": "credit", "id": stream, "n": 2})
        assert await items(client, stream, 2) == [0, 1]
        await settled()
        assert log == [0, 1]
        await client.send({"type": "credit", "id": stream, "n": 1}, {"type": "credit", "id": stream, "n": 3})
        assert await items(client, stream, 1) == [2]
        await settled()
        assert log == [0, 1, 2]


async def test_a_peer_that_does_not_read_stops_the_generator(
    autojump_clock: trio.abc.Clock, narrow: Any
) -> None:
    app, made = rtcore.App(), 0

    @app.stream("flood")
    async def flood(session: rtcore.Session) -> AsyncIterator[str]:
        nonlocal made
        while True:
            made += 1
            yield "x" * 1000

    limits = {"session_high": "64 KiB", "session_low": "16 KiB", "outbox": "8 KiB"}
    async with memory_server(app, limits=limits) as server:
        client = WireClient(narrow(server))
        async with trio.open_nursery() as nursery:
            reading = trio.CancelScope()

            async def read() -> None:
                with reading:
                    await client.read()

            await client.open()
            nursery.start_soon(read)
            await client.hello()
            await opened(client, "flood", credit=1 << 40)
            await client.until("item", n=200)
            reading.cancel()
            await settled()
            before = made
            await settled()
            assert made == before
            # 64 KiB are some 60 items; as much is in the hands of the shell, and of the client that stopped.
            assert before - 200 < 220
            nursery.start_soon(client.read)
            await client.until("item", n=made + 100)
            nursery.cancel_scope.cancel()


async def test_a_plain_loop_over_items_lets_others_have_their_turn(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()

    @app.stream("endless")
    async def endless(session: rtcore.Session) -> AsyncIterator[None]:
        while True:
            yield None

    @app.on("hi")
    async def hi(session: rtcore.Session) -> str:
        return "hi"

    async with memory_server(app) as server:
        client, other = await server.welcomed(), await server.welcomed()
        await opened(client, "endless", credit=1 << 40)
        assert await other.ask("emit", event="hi") == "hi"


async def test_each_stream_is_a_task_of_its_own(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()

    @app.stream("slow")
    async def slow(session: rtcore.Session, data: str) -> AsyncIterator[str]:
        await trio.sleep(1)
        yield data

    @app.on("hi")
    async def hi(session: rtcore.Session) -> str:
        return "hi"

    async with memory_server(app) as server:
        client = await server.welcomed()
        began = trio.current_time()
        first = await opened(client, "slow", data="a", credit=2)
        second = await opened(client, "slow", data="b", credit=2)
        assert await client.ask("emit", event="hi") == "hi"
        assert trio.current_time() == pytest.approx(began, abs=0.1)
        assert await items(client, second, 1) == ["b"]
        assert await items(client, first, 1) == ["a"]
        assert trio.current_time() == pytest.approx(began + 1, abs=0.1)


# -- how it ends: in each way `finally` has run before the session is gone


async def waiting(server: MemoryServer, log: Log, where: str) -> tuple[WireClient, int]:
    """A client whose stream waits: for credit, or at something of its own."""
    client = await server.welcomed()
    stream = await opened(client, where, credit=1)
    await client.until("item", id=stream, n=0)
    await settled()
    assert log == []
    return client, stream


def app_that_waits(log: Log) -> rtcore.App:
    """Streams that are ended while they wait at their `yield`, or in their own code."""
    app = rtcore.App()

    @app.stream("credit")
    async def credit(session: rtcore.Session) -> AsyncIterator[int]:
        try:
            yield 0
            yield 1
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(1)  # as who must still tell a database
            log.append(("finally", session.ended))

    @app.stream("own")
    async def own(session: rtcore.Session) -> AsyncIterator[int]:
        try:
            yield 0
            await trio.sleep_forever()
        finally:
            log.append(("finally", session.ended))

    @app.on_disconnect
    async def gone(session: rtcore.Session) -> None:
        log.append("gone")

    return app


WHERE = ["credit", "own"]


async def wait_for(log: Log, count: int) -> None:
    """Until all that takes its time has been done: the clock jumps to then."""
    await trio.sleep(5)
    assert len(log) == count, log


@pytest.mark.parametrize("where", WHERE)
async def test_cancelled_by_the_peer(autojump_clock: trio.abc.Clock, where: str) -> None:
    log: Log = []
    async with memory_server(app_that_waits(log)) as server:
        client, stream = await waiting(server, log, where)
        if where == "own":
            await client.send({"type": "credit", "id": stream, "n": 9})
            await settled()
        await client.send({"type": "cancel", "id": stream}, {"type": "cancel", "id": stream})
        await wait_for(log, 1)
        assert log == [("finally", False)]
        assert client.heard[-1]["type"] == "item", "no item after it, and no end"
        await client.send({"type": "open", "id": stream, "stream": where})
        assert (await client.until("end", id=stream))["error"]["code"] == "ACK_EXPIRED"


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("how", ["bye", "application", "window"])
async def test_its_session_ends(autojump_clock: trio.abc.Clock, where: str, how: str) -> None:
    log: Log = []
    async with memory_server(app_that_waits(log)) as server:
        client, _ = await waiting(server, log, where)
        if how == "bye":
            await client.send({"type": "bye"})
        elif how == "application":
            next(iter(server.runtime.engine.sessions.values())).close_nowait("enough")
        else:
            await client.cut()
            await trio.sleep(130)
        await wait_for(log, 2)
        assert log == [("finally", True), "gone"]


@pytest.mark.parametrize("where", WHERE)
async def test_the_server_stops(autojump_clock: trio.abc.Clock, where: str) -> None:
    log: Log = []
    async with memory_server(app_that_waits(log)) as server:
        await waiting(server, log, where)
        server.shut_down()
        await server.runtime.stop_handlers(trio.current_time() + 5)
    assert log == [("finally", False)]


async def test_a_stream_that_fails_tells_the_peer_and_the_log(
    autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    app, log = rtcore.App(), []

    @app.stream("fails")
    async def fails(session: rtcore.Session) -> AsyncIterator[int]:
        try:
            yield 0
            raise LookupError("a secret")
        finally:
            log.append("finally")

    @app.stream("refuses")
    async def refuses(session: rtcore.Session) -> AsyncIterator[int]:
        yield 0
        raise rtcore.Refuse("NO_MORE", "that was it", {"seen": 1}, retry=True)

    @app.stream("unsayable")
    async def unsayable(session: rtcore.Session) -> AsyncIterator[object]:
        try:
            yield object()
        finally:
            log.append("finally")

    async with memory_server(app) as server:
        client = await server.welcomed()
        end = await client.until("end", id=await opened(client, "fails", credit=9))
        assert (end["n"], end["error"]["code"]) == (1, "INTERNAL")
        assert "secret" not in end["error"]["message"]
        end = await client.until("end", id=await opened(client, "refuses", credit=9))
        assert end["error"] == {
            "code": "NO_MORE", "message": "that was it", "details": {"seen": 1}, "retry": True
        }  # fmt: skip
        end = await client.until("end", id=await opened(client, "unsayable", credit=9))
        assert (end["n"], end["error"]["code"]) == (0, "INTERNAL")
    assert log == ["finally", "finally"]
    failures = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(failures) == 2
    assert all("failed for session" in record.message and record.exc_info for record in failures)


async def test_data_that_does_not_fit_is_refused_with_its_faults(autojump_clock: trio.abc.Clock) -> None:
    class Question(msgspec.Struct):
        text: str

    app = rtcore.App()

    @app.stream("answer")
    async def answer(session: rtcore.Session, question: Question) -> AsyncIterator[str]:
        for word in question.text.split():
            yield word

    async with memory_server(app) as server:
        client = await server.welcomed()
        end = await client.until("end", id=await opened(client, "answer", data={"text": 7}, credit=9))
        assert end["error"]["code"] == "INVALID_MESSAGE"
        assert end["error"]["details"][0]["path"] == "$.text"
        stream = await opened(client, "answer", data={"text": "who is there"}, credit=9)
        assert await items(client, stream, 3) == ["who", "is", "there"]
