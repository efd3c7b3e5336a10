"""What gives something to wait for is waited for, however it is written and wherever it is registered."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any

import pytest
import trio

import rtcore
from rtcore.testing import memory_server


class Later:
    """Something that may be awaited, and is no coroutine."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __await__(self) -> Generator[Any, Any, Any]:
        yield from trio.sleep(0.1).__await__()  # noqa: ASYNC105
        return self.value


async def answered(session: rtcore.Session, data: Any) -> Any:
    await trio.sleep(0.1)
    return data


class Asked:
    async def __call__(self, session: rtcore.Session, data: Any) -> Any:
        return await answered(session, data)


@functools.wraps(answered)
def wrapped(*args: Any) -> Any:
    return answered(*args)


def silent(session: rtcore.Session, data: Any) -> Any:
    """A wrapper that says nothing of what it wraps."""
    return answered(session, data)


def foreign(session: rtcore.Session, data: Any) -> Any:
    return Later(data)


@functools.wraps(answered)
def hasty(session: rtcore.Session, data: Any) -> Any:
    """It looks like a coroutine function, and has its answer at once."""
    return data


KINDS: list[Callable[..., Any]] = [
    answered,
    functools.partial(answered),
    functools.partial(functools.partial(wrapped)),
    Asked(),
    functools.partial(Asked()),
    wrapped,
    silent,
    foreign,
    hasty,
    lambda session, data: answered(session, data),
]


@pytest.mark.parametrize("function", KINDS)
async def test_a_handler_is_waited_for_in_its_order(
    function: Callable[..., Any], autojump_clock: trio.abc.Clock
) -> None:
    app = rtcore.App()
    app.on("x")(function)

    @app.on("plain")
    def plain(session: rtcore.Session, data: Any) -> Any:
        return data

    async with memory_server(app) as server:
        client = await server.welcomed()
        for at in range(3):  # a session without a task of its own, and one whose task waits
            first = await client.begin("emit", event="x", data=[at])
            second = await client.begin("emit", event="plain", data=at)
            assert (await client.answer(second))["data"] == at
            assert (await client.answer(first))["data"] == [at]
            acks = [said["id"] for said in client.heard if said["type"] == "ack"]
            assert acks[-2:] == [first, second]


@pytest.mark.parametrize("function", KINDS)
async def test_decisions_are_waited_for(function: Callable[..., Any], autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    app.rooms("r")

    @app.authenticate
    def authenticate(hello: rtcore.Hello) -> Any:
        return function(None, rtcore.User("ann"))

    @app.authorize("r")
    def authorize(session: rtcore.Session, join: rtcore.Join) -> Any:
        return function(session, ["history"])

    async with memory_server(app) as server:
        client = await server.connect()
        assert (await client.hello(token="x"))["user"] == "ann"
        assert (await client.ask("join", room="r"))["grants"] == ["history"]


async def test_generators_behind_wrappers_are_streams(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()

    async def down(session: rtcore.Session) -> AsyncIterator[int]:
        yield 1
        yield 2

    class Down:
        async def __call__(self, session: rtcore.Session) -> AsyncIterator[int]:
            yield 1
            yield 2

    @functools.wraps(down)
    def wrapper(session: rtcore.Session) -> Any:
        return down(session)

    kinds = {"plain": down, "partial": functools.partial(down), "object": Down(), "wrapped": wrapper}
    for name, function in kinds.items():
        app.stream(name)(function)
    async with memory_server(app) as server:
        client = await server.welcomed()
        for name in kinds:
            stream = await client.begin("open", stream=name, credit=5)
            assert (await client.until("item", id=stream))["data"] == 1
            assert "error" not in await client.until("end", id=stream)
