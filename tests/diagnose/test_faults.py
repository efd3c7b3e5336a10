"""Faults that are brought about in a real server: the first issue that is named is the right one.

The name of a fault is the type of the issue that a person would want to read first.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import trio

import rtcore
from rtcore.testing import WireClient, connect_tcp
from tests.server.conftest import Running, serving

KEY = "a-key-that-is-long-enough"
Fault = Callable[[Running], Awaitable[None]]
FAULTS: dict[str, tuple[dict[str, Any], Callable[..., Any]]] = {}


def application() -> rtcore.App:
    app = rtcore.App()
    app.rooms("tea*", relay=True, bytes=64 << 20)

    @app.on("say")
    def say(_: rtcore.Session, data: int) -> int:
        return data

    @app.on("find")
    async def find(_: rtcore.Session, data: float) -> None:
        await trio.sleep(data)

    @app.on("compute")
    async def compute(_: rtcore.Session, data: float) -> None:
        time.sleep(data)  # noqa: ASYNC251 - that is the fault

    @app.on("buy")
    def buy(_: rtcore.Session, data: int) -> None:
        raise LookupError(data)

    return app


def fault(name: str, **settings: Any) -> Callable[[Any], Any]:
    def register(inject: Any) -> Any:
        FAULTS[name] = (settings, inject)
        return inject

    return register


@asynccontextmanager
async def clients(server: Running, count: int, **hello: Any) -> AsyncIterator[list[WireClient]]:
    async with AsyncExitStack() as stack:
        all_of_them = []
        for _ in range(count):
            client = await stack.enter_async_context(connect_tcp("127.0.0.1", server.port))
            await client.hello(**hello)
            all_of_them.append(client)
        yield all_of_them


async def calm(client: WireClient) -> None:
    for number in range(30):
        assert await client.ask("emit", event="say", data=number) == number


@fault("held_turn")
async def _(_server: Running, client: WireClient) -> None:
    for _ in range(3):
        await client.ask("emit", event="compute", data=0.1)


@fault("slow_handlers")
async def _(server: Running, _client: WireClient) -> None:
    async with clients(server, 6) as others, trio.open_nursery() as nursery:
        for other in others:
            nursery.start_soon(lambda other=other: other.ask("emit", event="find", data=0.7))


@fault("failures")
async def _(_server: Running, client: WireClient) -> None:
    for _ in range(8):
        assert "error" in await client.answer(await client.begin("emit", event="buy", data=1))


@fault("slow_readers", limits={"outbox": 4096, "kernel_unsent": 4096})
async def _(server: Running, client: WireClient) -> None:
    await client.ask("join", room="tea")
    streams = []
    for _ in range(4):
        stream = await trio.open_tcp_stream("127.0.0.1", server.port)
        deaf = WireClient(stream)
        await deaf.open()
        await deaf.send({"type": "hello"}, {"type": "join", "id": 1, "room": "tea"})
        streams.append(stream)
    for number in range(60):
        await client.ask("publish", room="tea", event="said", data="x" * 200_000)
        if number % 20 == 0:
            await trio.lowlevel.checkpoint()
    for stream in streams:
        await trio.aclose_forcefully(stream)


@fault("limits", limits={"connections_per_user": 1000, "connections_per_address": 3})
async def _(server: Running, _client: WireClient) -> None:
    async with clients(server, 2):
        for _ in range(25):
            async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
                assert b" 503 " in (await stream.receive_some(100) or b" 503 ")


@fault("keys")
async def _(_server: Running, client: WireClient) -> None:
    for number in range(8):
        await client.answer(await client.begin("emit", event="say", data=number, key="one"))


@fault("presence", limits={"presence_names": 5})
async def _(server: Running, client: WireClient) -> None:
    await client.ask("join", room="tea")
    async with clients(server, 6) as others:
        for other in others:
            await other.ask("join", room="tea")
        await _first(server, "presence")


@fault("old_clients")
async def _(server: Running, _client: WireClient) -> None:
    async with clients(server, 12, client="rtcore/0.0"):
        pass


@fault("memory", limits={"ring_memory": 1 << 20})
async def _(_server: Running, client: WireClient) -> None:
    for number in range(9):
        await client.ask("join", room=f"tea {number}")
        await client.ask("publish", room=f"tea {number}", event="said", data="x" * 100_000)


async def _first(server: Running, expected: str) -> dict[str, Any]:
    _, _, body = await server.get("/rt/api/diagnose", headers=f"Authorization: Bearer {KEY}\r\n")
    said = json.loads(body)
    assert [issue["type"] for issue in said["issues"]][:1] == [expected], said["issues"]
    return dict(said["issues"][0])


@pytest.mark.parametrize("name", FAULTS)
async def test_the_first_issue_named_is_the_fault(name: str) -> None:
    settings, inject = FAULTS[name]
    async with (
        serving(application(), api_keys=KEY, **settings) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello()
        await calm(client)
        _, _, body = await server.get("/rt/api/diagnose", headers=f"Authorization: Bearer {KEY}\r\n")
        assert json.loads(body)["issues"] == [], "in calm nothing is said"
        await inject(server, client)
        if name != "presence":  # they have gone again
            await _first(server, name)
