"""Requests and their handlers: order, errors, types, and who is harmed by what."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import trio

import rtcore
from rtcore.testing import memory_server


class Order(msgspec.Struct):
    tea: str
    cups: int


async def test_plain_functions_and_coroutines_answer(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()

    @app.on("plain")
    def plain(session: rtcore.Session, data: Any) -> Any:
        return {"heard": data}

    @app.on("coroutine")
    async def coroutine(session: rtcore.Session, data: Any) -> Any:
        await trio.sleep(1)
        return data

    @app.on("bare")
    def bare(session: rtcore.Session) -> str:
        return session.id

    async with memory_server(app) as server:
        client = await server.welcomed()
        assert await client.ask("emit", event="plain", data=[1]) == {"heard": [1]}
        assert await client.ask("emit", event="coroutine", data="x") == "x"
        assert await client.ask("emit", event="coroutine") is None
        assert await client.ask("emit", event="bare") == client.session


async def test_handlers_of_a_session_run_one_at_a_time_in_order(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    steps: list[str] = []

    @app.on("slow")
    async def slow(session: rtcore.Session, data: str) -> None:
        steps.append(f"{data} begins")
        await trio.sleep(1)
        steps.append(f"{data} ends")

    @app.on("quick")
    async def quick(session: rtcore.Session, data: str) -> None:
        steps.append(data)

    @app.on("plain")
    def plain(session: rtcore.Session, data: str) -> None:
        steps.append(data)

    async with memory_server(app) as server:
        client, other = await server.welcomed(), await server.welcomed()
        for event, data in (("quick", "0"), ("slow", "1"), ("plain", "2"), ("quick", "3"), ("slow", "4")):
            last = await client.begin("emit", event=event, data=data)
        # Another session does not wait for this one.
        await other.ask("emit", event="plain", data="other")
        assert "4 begins" not in steps
        await client.answer(last)
    assert [step for step in steps if step != "other"] == [
        "0",
        "1 begins",
        "1 ends",
        "2",
        "3",
        "4 begins",
        "4 ends",
    ]


async def test_an_event_may_ask_for_more_at_a_time(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    running = 0
    most = 0

    @app.on("beside", concurrency=3)
    async def beside(session: rtcore.Session, data: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await trio.sleep(1)
        running -= 1
        return data

    async with memory_server(app) as server:
        client = await server.welcomed()
        began = trio.current_time()
        requests = [await client.begin("emit", event="beside", data=n) for n in range(7)]
        assert [(await client.answer(request))["data"] for request in requests] == list(range(7))
        assert most == 3
        assert trio.current_time() - began == pytest.approx(3, abs=0.1)


async def test_a_handler_that_raises_harms_no_other(
    autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    app = rtcore.App()

    @app.on("plain")
    def plain(session: rtcore.Session) -> None:
        raise LookupError("a secret")

    @app.on("coroutine")
    async def coroutine(session: rtcore.Session) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep, 10)
            raise LookupError("a secret")

    @app.on("fine")
    async def fine(session: rtcore.Session) -> str:
        return "fine"

    async with memory_server(app) as server:
        client = await server.welcomed()
        for event in ("plain", "coroutine"):
            answer = await client.answer(await client.begin("emit", event=event))
            assert answer["error"]["code"] == "INTERNAL"
            assert "secret" not in str(answer)
            assert await client.ask("emit", event="fine") == "fine"
    assert [record.name for record in caplog.records] == ["rtcore.app"] * 2
    assert "plain" in caplog.messages[0]
    assert client.session is not None
    assert client.session in caplog.messages[0]
    assert "LookupError" in caplog.text


async def test_a_refusal_travels_as_it_is(
    autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    app = rtcore.App()

    @app.on("order")
    async def order(session: rtcore.Session) -> None:
        raise rtcore.Refuse("SOLD_OUT", "no tea today", {"left": 0}, retry=True)

    async with memory_server(app) as server:
        client = await server.welcomed()
        answer = await client.answer(await client.begin("emit", event="order"))
        assert answer["error"] == {
            "code": "SOLD_OUT",
            "message": "no tea today",
            "details": {"left": 0},
            "retry": True,
        }
    assert not caplog.records


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
async def test_data_that_does_not_fit_is_refused_with_every_fault(
    kind: str, autojump_clock: trio.abc.Clock
) -> None:
    app = rtcore.App()

    @app.on("plain")
    def plain(session: rtcore.Session, order: Order) -> int:
        return order.cups

    @app.on("coroutine")
    async def coroutine(session: rtcore.Session, order: Order) -> int:
        return order.cups

    async with memory_server(app) as server:
        client = await server.welcomed()
        answer = await client.answer(await client.begin("emit", event=kind, data={"cups": "two"}))
        assert answer["error"]["code"] == "INVALID_MESSAGE"
        found = [(fault["code"], fault["path"]) for fault in answer["error"]["details"]]
        assert found == [("missing", "$.tea"), ("type", "$.cups")]
        assert await client.ask("emit", event=kind, data={"tea": "oolong", "cups": 2}) == 2


async def test_what_cannot_be_said_is_the_handlers_fault(
    autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    app = rtcore.App()
    app.on("bad")(lambda session: object())

    async with memory_server(app) as server:
        client = await server.welcomed()
        answer = await client.answer(await client.begin("emit", event="bad"))
        assert answer["error"]["code"] == "INTERNAL"
    assert "object" in caplog.text


async def test_binary_and_messagepack(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    heard: list[Any] = []

    @app.on("echo")
    def echo(session: rtcore.Session, data: Any) -> Any:
        heard.append(data)
        return data

    async with memory_server(app) as server:
        text = await server.welcomed()
        packed = await server.connect(msgpack=True)
        await packed.hello()
        assert await text.ask("emit", event="echo", data={"file": {"$bin": "AP8="}}) == {
            "file": {"$bin": "AP8="}
        }
        assert await packed.ask("emit", event="echo", data={"file": b"\x00\xff"}) == {"file": b"\x00\xff"}
    assert heard == [{"file": b"\x00\xff"}] * 2


async def test_a_handler_that_holds_the_turn_is_reported_by_name(
    autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    app = rtcore.App()

    @app.on("heavy")
    def heavy(session: rtcore.Session) -> None:
        time.sleep(0.06)

    async with memory_server(app) as server:
        client = await server.welcomed()
        with caplog.at_level(logging.WARNING):
            await client.ask("emit", event="heavy")
            await client.ask("emit", event="heavy")
    assert len([message for message in caplog.messages if "'heavy' held the turn" in message]) == 1


async def test_the_end_of_a_session_cancels_its_handler(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    ended = trio.Event()

    @app.on("forever")
    async def forever(session: rtcore.Session) -> None:
        try:
            await trio.sleep_forever()
        finally:
            ended.set()

    async with memory_server(app) as server:
        client = await server.welcomed()
        await client.begin("emit", event="forever")
        await client.send({"type": "bye"})
        with trio.fail_after(5):
            await ended.wait()


async def test_a_handler_may_end_its_own_session(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    after: list[bool] = []

    @app.on("leave")
    async def leave(session: rtcore.Session) -> None:
        await session.close("enough", 4503)
        after.append(True)
        with trio.CancelScope(shield=True):
            await trio.sleep(1)
        after.append(session.ended)

    async with memory_server(app) as server:
        client = await server.welcomed()
        await client.begin("emit", event="leave")
        assert (await client.until("bye"))["code"] == 4503
        assert (await client.wait_closed()).code == 4503
        await trio.sleep(2)
    assert after == [True, True]


async def test_instruments_see_every_step(autojump_clock: trio.abc.Clock) -> None:
    """With instruments all tasks are Trio's own to run: nothing is stepped behind their backs."""
    app = rtcore.App()
    tasks: list[trio.lowlevel.Task] = []

    @app.on("who")
    async def who(session: rtcore.Session) -> None:
        tasks.append(trio.lowlevel.current_task())

    class Watch(trio.abc.Instrument):
        def __init__(self) -> None:
            self.steps = 0

        def before_task_step(self, task: trio.lowlevel.Task) -> None:
            self.steps += task in tasks

    async with memory_server(app) as server:
        client = await server.welcomed()
        await client.ask("emit", event="who")
        watch = Watch()
        trio.lowlevel.add_instrument(watch)
        await client.ask("emit", event="who")
        await client.ask("emit", event="who")
        trio.lowlevel.remove_instrument(watch)
        assert watch.steps == 2
        await client.ask("emit", event="who")
    assert len(set(tasks)) == 1


async def test_a_burst_of_requests_is_all_answered_in_order(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()

    @app.on("async")
    async def coroutine(session: rtcore.Session, data: int) -> int:
        return data

    async with memory_server(app) as server:
        client = await server.welcomed()
        first = client._last_id
        await client.send(
            *({"type": "emit", "id": first + n, "event": "async", "data": n} for n in range(1, 200))
        )
        for n in range(1, 200):
            assert (await client.answer(first + n))["data"] == n


@pytest.mark.parametrize("msgpack", [False, True])
async def test_a_default_counts_where_data_are_missing(msgpack: bool, autojump_clock: trio.abc.Clock) -> None:
    """Missing is null on the wire; whoever gives a default means it for both."""
    app = rtcore.App()

    @app.on("plain")
    def plain(session: rtcore.Session, cups: int = 2) -> int:
        return cups

    @app.on("coroutine")
    async def coroutine(session: rtcore.Session, order: Order = Order("green", 1)) -> Order:  # noqa: B008
        return order

    @app.on("none")
    def none(session: rtcore.Session, data: int | None = 7) -> int | None:
        return data

    @app.stream("down")
    async def down(session: rtcore.Session, start: int = 5) -> AsyncIterator[int]:
        yield start

    async with memory_server(app) as server:
        client = await server.connect(msgpack=msgpack)
        await client.hello()
        assert await client.ask("emit", event="plain") == 2
        assert await client.ask("emit", event="plain", data=None) == 2
        assert await client.ask("emit", event="plain", data=9) == 9
        assert await client.ask("emit", event="coroutine") == {"tea": "green", "cups": 1}
        assert await client.ask("emit", event="none") == 7
        answer = await client.answer(await client.begin("emit", event="plain", data="x"))
        assert answer["error"]["code"] == "INVALID_MESSAGE"
        stream = await client.begin("open", stream="down", credit=5)
        assert (await client.until("item", id=stream))["data"] == 5
