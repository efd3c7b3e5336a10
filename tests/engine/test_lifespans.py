"""What surrounds the serving: what comes after `yield` runs, and a lifespan that is none says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

import rtcore
from rtcore.testing import memory_server


async def test_what_comes_after_yield_runs(autojump_clock: trio.abc.Clock) -> None:
    """As people write it: no `finally`, and it may wait for what it closes."""
    app, seen = rtcore.App(), list[str]()
    app.rooms("tea")

    @app.lifespan
    async def around(running: rtcore.App) -> AsyncIterator[None]:
        seen.append("before")
        await running.room("tea").publish("opened")
        yield
        await trio.sleep(2)
        seen.append("after")

    @app.background
    async def beside(_: rtcore.App) -> None:
        try:
            await trio.sleep_forever()
        finally:
            seen.append("background ends")  # first: it may use what the lifespan closes

    async with memory_server(app) as server:
        await server.welcomed()
        seen.append("served")
    assert seen == ["before", "served", "background ends", "after"]
    with pytest.raises(rtcore.NotServing):
        app.room("tea")


async def test_what_comes_after_yield_may_wait_below_another_server(autojump_clock: trio.abc.Clock) -> None:
    """It was cancelled there at its first wait: what it should have closed stayed open."""
    app, seen = rtcore.App(), list[str]()

    @app.lifespan
    async def around(_: rtcore.App) -> AsyncIterator[None]:
        yield
        await trio.sleep(2)
        seen.append("after")

    async with rtcore.asgi(app).lifespan():
        seen.append("served")
    assert seen == ["served", "after"]


def never_ending() -> rtcore.App:
    """An application with a lifespan that waits for ever at its end."""
    app = rtcore.App()

    @app.lifespan
    async def around(_: rtcore.App) -> AsyncIterator[None]:
        yield
        await trio.sleep_forever()

    return app


async def test_one_that_never_ends_below_another_server_is_cancelled(autojump_clock: trio.abc.Clock) -> None:
    with trio.fail_after(60):
        async with rtcore.asgi(never_ending()).lifespan():
            pass


async def test_what_is_mounted_is_started_in_memory_too(autojump_clock: trio.abc.Clock) -> None:
    heard = list[str]()

    async def site(scope: Any, receive: Any, send: Any) -> None:
        while scope["type"] == "lifespan":
            heard.append((await receive())["type"])
            await send({"type": f"{heard[-1]}.complete"})
            if heard[-1] == "lifespan.shutdown":
                return

    async with memory_server(rtcore.App(), mount=site):
        assert heard == ["lifespan.startup"]
    assert heard == ["lifespan.startup", "lifespan.shutdown"]


async def test_one_that_never_ends_is_cancelled(autojump_clock: trio.abc.Clock) -> None:
    with trio.fail_after(60):
        async with memory_server(never_ending()) as server:
            await server.welcomed()


async def test_what_the_block_raises_comes_out_alone(autojump_clock: trio.abc.Clock) -> None:
    app, seen = rtcore.App(), list[str]()

    @app.lifespan
    async def around(_: rtcore.App) -> AsyncIterator[None]:
        try:
            yield
        finally:
            seen.append("after")

    with pytest.RaisesGroup(LookupError, flatten_subgroups=True):
        async with memory_server(app):
            raise LookupError
    assert seen == ["after"]


async def empty(_: rtcore.App) -> AsyncIterator[None]:
    for nothing in ():
        yield nothing


async def coroutine(_: rtcore.App) -> None: ...


def nothing(_: rtcore.App) -> None: ...


def number(_: rtcore.App) -> int:
    return 5


def plain(_: rtcore.App) -> Any:
    yield


@pytest.mark.parametrize("function", [empty, coroutine, nothing, number, plain, asynccontextmanager(empty)])
async def test_a_lifespan_without_a_yield_is_named(function: Any, autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    named = pytest.RaisesExc(rtcore.UsageError, match=r"lifespan.*`yield`")
    with pytest.RaisesGroup(named, flatten_subgroups=True, allow_unwrapped=True):
        app.lifespan(function)
        async with memory_server(app):
            pass


async def test_an_error_of_its_own_is_its_own(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()

    @app.lifespan
    async def around(_: rtcore.App) -> AsyncIterator[None]:
        raise RuntimeError("no database")
        yield

    with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="no database"), flatten_subgroups=True):
        async with memory_server(app):
            pass
