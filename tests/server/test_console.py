"""What the console looks at, over rtcore itself: who may, and what he hears."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio

import rtcore
from rtcore._ground.numbers import LIVE
from rtcore.testing import WireClient, connect_tcp
from tests.asgi.conftest import below_hypercorn

from .conftest import Running, serving

KEY = "a-key-that-is-long-enough"
MUTE = "another-key-without-eyes"
KEYS = [{"key": KEY, "name": "all"}, {"key": MUTE, "name": "mute", "operations": ["publish"]}]


def application() -> rtcore.App:
    app = rtcore.App()
    app.rooms("tea*", relay=True)

    @app.authenticate
    def who(hello: rtcore.Hello) -> rtcore.User | None:
        return rtcore.User(hello.token) if hello.token in ("ann", "bob") else None

    @app.operator
    def operator(token: str) -> str | None:
        return "carl" if token == "of-carl" else None

    @app.stream("count")
    async def count(_: rtcore.Session) -> AsyncIterator[int]:
        yield 1
        await trio.sleep_forever()

    return app


@asynccontextmanager
async def looking(server: Running) -> AsyncIterator[WireClient]:
    """A connection to the console's rtcore, before its hello."""
    async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
        client = WireClient(stream)
        await client.open(path=f"{LIVE}/rt/ws")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.read)
            yield client
            nursery.cancel_scope.cancel()


async def look(client: WireClient, what: str, **query: Any) -> Any:
    return await client.ask("emit", event="look", data={"what": what, **query})


async def test_of_two_operators_the_one_without_rights_sees_nothing() -> None:
    """A key that may publish alone, a user's token, and one that is made up: none of them is let in."""
    async with serving(application(), api_keys=KEYS) as server:
        for token, code in ((MUTE, 4502), ("ann", 4501), ("made-up", 4501), (None, 4501)):
            async with looking(server) as client:
                await client.send({"type": "hello", **({"token": token} if token else {})})
                closed = await client.wait_closed()
            assert closed.code == code, (token, closed)
        for token in (KEY, "of-carl"):
            async with looking(server) as client:
                await client.hello(token=token)
                assert set(await look(client, "figures")) == {"stats", "diagnosis"}


async def test_figures_are_said_to_whoever_is_in_their_room_and_other_rooms_are_closed() -> None:
    async with (
        serving(application(), api_keys=KEYS) as server,
        connect_tcp("127.0.0.1", server.port) as ann,
        looking(server) as client,
    ):
        await ann.hello(token="ann")
        await client.hello(token=KEY)
        await client.ask("join", room="figures")
        said = (await client.until("event"))["data"]
        assert said["stats"]["sizes"]["sessions"] == 1, "who looks is no session of the application"
        assert said["diagnosis"]["status"] == "healthy"
        assert "error" in await client.answer(await client.begin("join", room="tea"))
        assert "error" in await client.answer(
            await client.begin("publish", room="figures", event="figures", data=1)
        )


async def test_a_room_is_heard_live_without_anybody_in_it_noticing() -> None:
    async with (
        serving(application(), api_keys=KEYS) as server,
        connect_tcp("127.0.0.1", server.port) as ann,
        looking(server) as client,
    ):
        await ann.hello(token="ann")
        await ann.ask("join", room="tea")
        await client.hello(token=KEY)
        await client.begin("open", stream="listen", data="tea", credit=8)
        heard: list[Any] = []
        async with trio.open_nursery() as nursery:

            async def listen() -> None:
                heard.append(await client.until("item"))
                nursery.cancel_scope.cancel()

            nursery.start_soon(listen)
            while True:  # until it listens, and has heard one
                await ann.ask("publish", room="tea", event="said", data="<b>")
        assert heard[0]["data"]["user"] == "ann"
        assert heard[0]["data"]["data"] == "<b>"
        assert (await look(client, "room", name="tea"))["count"] == 1


async def test_sessions_and_single_streams_are_told_and_what_stands_in_no_table_is_refused() -> None:
    async with (
        serving(application(), api_keys=KEYS) as server,
        connect_tcp("127.0.0.1", server.port) as ann,
        looking(server) as client,
    ):
        welcome = await ann.hello(token="ann")
        await ann.begin("open", stream="count", credit=8)
        await ann.until("item")
        await client.hello(token="of-carl")
        [row] = (await look(client, "sessions", find="ann"))["sessions"]
        assert row["session"] == welcome["session"]
        streams = await look(client, "streams")
        assert streams["found"] == 1
        [stream] = streams["streams"]
        assert (stream["stream"], stream["user"], stream["up"]) == ("count", "ann", 0)
        for asked in ({"what": "secrets"}, {"what": "sessions", "nobody": 1}, {}, [1], {"what": ["stats"]}):
            answer = await client.answer(await client.begin("emit", event="look", data=asked))
            assert "error" in answer, asked


async def test_nothing_of_it_runs_before_somebody_looks_and_it_ends_with_the_server() -> None:
    async with serving(application(), api_keys=KEYS) as server:
        assert (await server.get("/livez"))[0] == 200
    async with serving(application(), api_keys=KEYS) as server, looking(server) as client:
        await client.hello(token=KEY)
        server.stop.ask()
        await client.until("bye")
        await server.ended.wait()


async def test_where_there_is_no_operator_there_is_nothing_to_look_with() -> None:
    async with serving(rtcore.App()) as server:
        status, _, body = await server.get(f"{LIVE}/rt/ws")
        assert status == 404
        assert "figures" not in json.dumps(body)


async def test_below_another_server_it_is_there_too() -> None:
    site = rtcore.asgi(application(), api_keys=KEYS)
    async with below_hypercorn(site) as outer:
        async with await trio.open_tcp_stream("127.0.0.1", outer.port) as stream:
            client = WireClient(stream)
            await client.open(path=f"{LIVE}/rt/ws")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(client.read)
                await client.hello(token=KEY)
                assert (await look(client, "figures"))["diagnosis"]["status"] == "healthy"
                nursery.cancel_scope.cancel()
        assert (await outer.get(f"{LIVE}/rt/other"))[0] == 404
