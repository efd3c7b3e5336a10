"""What one side says the other can hold: at every way in, from peers and the application."""

from __future__ import annotations

import functools
import logging
from typing import Any

import pytest
import trio

import rtcore
from rtcore.testing import WireClient, memory_server
from rtcore.testing.frames import TEXT, encode

BEYOND = ["1e400", "-1e400", "9" * 5000, "[1e309]", '{"a":[0,-%s]}' % ("9" * 400)]
DEEP = functools.reduce(lambda inner, _: [inner], range(129), 0)
UNSAYABLE = [10**400, [2**1024], DEEP, {"$ref": 1}, {"a": {"$bin": "?"}}, "\ud800"]


def build() -> rtcore.App:
    app = rtcore.App()
    app.rooms("relay", relay=True)
    app.rooms("room:*")
    values: dict[str, Any] = {str(at): value for at, value in enumerate(UNSAYABLE)}

    @app.authorize("room:*")
    def may(session: rtcore.Session, join: rtcore.Join) -> Any:
        info = values.get(join.room.removeprefix("room:info-"))
        return rtcore.Access(info=info)

    @app.state("room:*")
    def state(room: rtcore.Room) -> Any:
        return values.get(room.name.removeprefix("room:state-"))

    @app.on("echo")
    def echo(session: rtcore.Session, data: Any) -> Any:
        return data

    @app.on("plain")
    def plain(session: rtcore.Session, which: int) -> Any:
        return UNSAYABLE[which]

    @app.on("coroutine")
    async def coroutine(session: rtcore.Session, which: int) -> Any:
        return UNSAYABLE[which]

    @app.on("refuse")
    async def refuse(session: rtcore.Session, which: int) -> None:
        raise rtcore.Refuse("NO", "no", UNSAYABLE[which])

    @app.stream("down")
    async def down(session: rtcore.Session, which: int) -> Any:
        yield UNSAYABLE[which]

    @app.stream("up")
    async def up(session: rtcore.Session, which: int, items: rtcore.Items[Any]) -> Any:
        async for _ in items:
            pass
        return UNSAYABLE[which]

    return app


async def raw(client: WireClient, text: str) -> None:
    await client.raw(encode(TEXT, text.encode()))


@pytest.mark.parametrize("number", BEYOND)
async def test_a_number_beyond_the_floats_comes_in_nowhere(
    number: str, autojump_clock: trio.abc.Clock
) -> None:
    """A peer said `1e400` in a relay room: every handler and every reader of MessagePack failed at it."""
    async with memory_server(build()) as server:
        client = await server.welcomed()
        await client.ask("join", room="relay")
        for at, said in enumerate(
            (
                '"type":"publish","room":"relay","event":"e","data":',
                '"type":"emit","event":"echo","data":',
                '"type":"join","room":"room:1","data":',
            ),
            10,
        ):
            await raw(client, f'{{"id":{at},{said}{number}}}')
            error = (await client.answer(at))["error"]
            assert (error["code"], "1.8e308" in error["message"]) == ("INVALID_MESSAGE", True), error
        await raw(client, f'{{"id":20,"type":"open","stream":"down","credit":1,"data":{number}}}')
        assert (await client.answer(20))["error"]["code"] == "INVALID_MESSAGE"
        await raw(client, '{"id":21,"type":"open","stream":"up","up":true,"data":0}')
        await client.until("credit", id=21)
        await raw(client, f'{{"id":21,"type":"item","n":0,"data":{number}}}')
        assert (await client.until("error"))["code"] == "INVALID_MESSAGE"
        client._last_id = 30
        assert await client.ask("emit", event="echo", data=[10**29, 1e308]) == [10**29, 1e308]


@pytest.mark.parametrize("which", range(len(UNSAYABLE)))
async def test_what_cannot_be_said_to_every_peer_leaves_nowhere(
    which: int, autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """The application is refused as a peer would be: `InvalidData` at the call, else `INTERNAL` and a log."""
    app = build()
    value = UNSAYABLE[which]
    async with memory_server(app) as server:
        packed = await server.connect(msgpack=True)
        await packed.hello()
        client = await server.welcomed()
        session = next(one for one in app.sessions if one.id == client.session)
        room = app.room("relay")
        with pytest.raises(rtcore.InvalidData):
            await room.publish("e", value)
        with pytest.raises(rtcore.InvalidData):
            room.publish_nowait("e", value)
        with pytest.raises(rtcore.InvalidData):
            await session.send("e", value)
        with pytest.raises(rtcore.InvalidData):
            session.send_nowait("e", value)
        with pytest.raises(rtcore.InvalidData):
            await session.request("e", value)
        with pytest.raises(rtcore.InvalidData):
            room.add(session, info=value)
        with caplog.at_level(logging.CRITICAL):
            for one in (packed, client):
                for event in ("plain", "coroutine"):
                    answer = await one.answer(await one.begin("emit", event=event, data=which))
                    assert answer["error"]["code"] == "INTERNAL"
                answer = await one.answer(await one.begin("emit", event="refuse", data=which))
                assert answer["error"]["code"] == "NO"
                for place in ("info", "state"):
                    answer = await one.answer(await one.begin("join", room=f"room:{place}-{which}"))
                    assert answer["error"]["code"] == "INTERNAL"
                number = await one.begin("open", stream="down", data=which, credit=1)
                assert (await one.until("end", id=number))["error"]["code"] == "INTERNAL"
                number = await one.begin("open", stream="up", data=which, up=True)
                await one.send({"type": "end", "id": number})
                assert (await one.until("end", id=number))["error"]["code"] == "INTERNAL"
                assert await one.ask("emit", event="echo", data="still here") == "still here"
