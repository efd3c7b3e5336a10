"""Names that come from a client never reach rtcore's own rooms: `$all` and `$user/ID`.

The attack: a handler gives `app.room` what the client sent, and the client says `$all` to speak to everybody,
or `$user/ada` to read what was said to ada alone.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio

import rtcore
from rtcore.testing import MemoryServer, WireClient, memory_server

OWN = ["$all", "$user/ada", "$user/", "$", "$session/x", "$sync/notes"]


def told() -> rtcore.App:
    """An application that trusts its clients with names of rooms, in every way that there is."""
    app = rtcore.App()
    app.rooms("*", relay=True)  # not about rtcore's own

    @app.authenticate
    def who(hello: rtcore.Hello) -> rtcore.User:
        return rtcore.User(hello.token) if hello.token else rtcore.ANONYMOUS

    @app.authorize("*")
    def enter(session: rtcore.Session, join: rtcore.Join) -> bool:
        return True

    @app.on("publish")
    async def publish(session: rtcore.Session, name: str) -> int:
        return (await app.room(name).publish("said", "boo")).seq

    @app.on("publish_nowait")
    def publish_nowait(session: rtcore.Session, name: str) -> int:
        return app.room(name).publish_nowait("said", "boo").seq

    @app.on("history")
    async def history(session: rtcore.Session, name: str) -> list[Any]:
        return [heard.data for heard in await app.room(name).history()]

    @app.on("members")
    def members(session: rtcore.Session, name: str) -> list[str | None]:
        return [member.user for member in app.room(name).members()]

    @app.on("add")
    def add(session: rtcore.Session, name: str) -> None:
        app.room(name).add(session)

    @app.on("remove")
    def remove(session: rtcore.Session, name: str) -> bool:
        return app.room(name).remove(session)

    @app.on("grant")
    def grant(session: rtcore.Session, name: str) -> bool:
        return app.room(name).grant(session, ["publish"])

    @app.stream("watch")
    async def watch(session: rtcore.Session, name: str) -> AsyncIterator[Any]:
        for heard in await app.room(name).history():
            yield heard.data

    return app


async def both(server: MemoryServer) -> tuple[WireClient, WireClient]:
    """Ada, to whom something private was said, and a stranger."""
    ada, eve = await server.welcomed(token="ada"), await server.welcomed()
    app = server.runtime.app
    await app.user("ada").publish("pin", "only for ada")
    await app.all.publish("pin", 5678)
    for client in (ada, eve):
        await client.until("event", data=5678)
    return ada, eve


@pytest.mark.parametrize(
    "how", ["publish", "publish_nowait", "history", "members", "add", "remove", "grant", "watch"]
)
@pytest.mark.parametrize("name", OWN)
async def test_a_handler_that_gives_a_client_s_name(
    how: str, name: str, autojump_clock: trio.abc.Clock
) -> None:
    async with memory_server(told()) as server:
        ada, eve = await both(server)
        heard = len(ada.heard)
        if how == "watch":
            stream = await eve.begin("open", stream=how, data=name, credit=9)
            answer = await eve.until("end", id=stream)
        else:
            answer = await eve.answer(await eve.begin("emit", event=how, data=name))
        assert "error" in answer
        assert "only for ada" not in str(eve.heard)
        assert await ada.ask("emit", event="members", data="tea") == []  # what was said before it has come
        assert not [said for said in ada.heard[heard:] if said["type"] == "event"]


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("kind", ["join", "leave", "publish", "history"])
async def test_the_wire(name: str, kind: str, autojump_clock: trio.abc.Clock) -> None:
    async with memory_server(told()) as server:
        _, eve = await both(server)
        fields: dict[str, Any] = {"event": "said", "data": "boo"} if kind == "publish" else {}
        answer = await eve.answer(await eve.begin(kind, room=name, **fields))
        if kind == "history" and name == "$all":  # of what it has heard itself
            return
        assert answer["error"]["code"] in {"FORBIDDEN", "NOT_FOUND"}


@pytest.mark.parametrize("name", ["$all", "$user/ada"])
async def test_an_event_stream_of_rooms(name: str, autojump_clock: trio.abc.Clock) -> None:
    async with memory_server(told()) as server:
        await both(server)
        stream = server.stream()
        target = name.replace("$", "%24").replace("/", "%2F")
        head = f"GET /rt/sse?room={target}&last=9 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        await stream.send_all(head.encode())
        with trio.fail_after(5):
            answer = b"".join([chunk async for chunk in stream])
        assert answer.startswith(b"HTTP/1.1 40")
        assert b"only for ada" not in answer


def test_the_sentence_says_the_way(autojump_clock: trio.abc.Clock) -> None:
    with pytest.raises(rtcore.Forbidden, match=r"app\.user\(id\).*app\.all"):
        rtcore.App().room("$all")
    for thing in (None, 5, ["tea"], b"tea"):
        with pytest.raises(rtcore.UsageError, match="is a text"):
            rtcore.App().room(thing)  # type: ignore[arg-type]


async def test_chat_lets_nobody_speak_where_it_may_not_be(
    autojump_clock: trio.abc.Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "examples"))
    async with memory_server(importlib.reload(importlib.import_module("chat")).app) as server:
        ada, bob = await server.welcomed(token="ada"), await server.welcomed(token="bob")
        await ada.ask("join", room="room:staff")
        for room in ("room:staff", "room:tea", "$all", "$user/ada", "nowhere"):
            said = await bob.begin("emit", event="chat:message", data={"room": room, "text": "boo"})
            assert (await bob.answer(said))["error"]["code"] == "FORBIDDEN"
        await bob.ask("join", room="room:tea")
        await bob.ask("emit", event="chat:message", data={"room": "room:tea", "text": "milk?"})
        assert not [said for said in ada.heard if said["type"] == "event"]
