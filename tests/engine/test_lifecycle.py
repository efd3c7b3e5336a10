"""An application's life: lifespan, background tasks, and an end in bounded time."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio

import rtcore
from rtcore.testing import memory_server


async def test_lifespan_surrounds_and_background_runs(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    app.rooms("clock")
    seen: list[str] = []

    @app.lifespan
    async def first(_: rtcore.App) -> AsyncIterator[None]:
        seen.append("first opens")
        try:
            yield
        finally:
            seen.append("first closes")

    @app.lifespan
    async def second(_: rtcore.App) -> AsyncIterator[None]:
        seen.append("second opens")
        try:
            yield
        finally:
            seen.append("second closes")

    @app.background
    async def tick(running: rtcore.App) -> None:
        seen.append("background")
        while True:
            await running.room("clock").publish("tick", trio.current_time())
            await trio.sleep(1)

    async with memory_server(app) as server:
        client = await server.welcomed()
        await client.ask("join", room="clock")
        await client.until("event", event="tick")
    assert seen == ["first opens", "second opens", "background", "second closes", "first closes"]
    with pytest.raises(rtcore.NotServing):
        app.room("clock")


async def test_a_critical_background_task_that_raises_ends_the_server(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()

    @app.background(critical=True)
    async def fail(_: rtcore.App) -> None:
        raise LookupError("mine")

    with pytest.RaisesGroup(LookupError, flatten_subgroups=True):
        async with memory_server(app):
            await trio.sleep(1)


async def test_an_application_is_served_once_at_a_time(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    async with memory_server(app):
        with pytest.RaisesGroup(rtcore.UsageError, flatten_subgroups=True):
            async with memory_server(app):
                pass
    async with memory_server(app) as server:
        await server.welcomed()


async def test_handlers_may_finish_before_the_end(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    finished: list[str] = []

    @app.on("work")
    async def work(session: rtcore.Session, seconds: float) -> None:
        try:
            await trio.sleep(seconds)
        except trio.Cancelled:
            finished.append("cancelled")
            raise
        finished.append("done")

    @app.on("beside", concurrency=2)
    async def beside(session: rtcore.Session) -> None:
        await trio.sleep(2)
        finished.append("beside")

    async with memory_server(app) as server:
        quick, slow = await server.welcomed(), await server.welcomed()
        await quick.begin("emit", event="work", data=3)
        await quick.begin("emit", event="beside")
        await slow.begin("emit", event="work", data=100)
        await trio.sleep(1)
        began = trio.current_time()
        await server.runtime.stop_handlers(began + 5)
        assert trio.current_time() == pytest.approx(began + 5)
        await trio.sleep(0.1)
    assert finished == ["beside", "done", "cancelled"]


async def test_stopping_does_not_wait_when_nothing_runs(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()

    @app.on("work")
    async def work(session: rtcore.Session) -> None:
        return None

    async with memory_server(app) as server:
        client = await server.welcomed()
        await client.ask("emit", event="work")
        began = trio.current_time()
        await server.runtime.stop_handlers(began + 5)
        assert trio.current_time() == began
