"""Rooms from Python: publish, history, members, rights, state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio

import rtcore
from rtcore.testing import MemoryServer, WireClient, memory_server


async def test_publish_is_heard_by_members(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    app.rooms("tea")

    @app.on("say")
    async def say(session: rtcore.Session, text: str) -> dict[str, Any]:
        entry = await app.room("tea").publish("said", {"text": text}, exclude=session)
        return {"id": entry.position}

    async with memory_server(app) as server:
        ada, bob = await server.welcomed(), await server.welcomed()
        for client in (ada, bob):
            await client.ask("join", room="tea")
        answer = await ada.ask("emit", event="say", data="hello")
        heard = await bob.until("event", event="said")
        assert heard["data"] == {"text": "hello"}
        assert heard["from"] is None
        assert answer["id"].endswith(f".{heard['seq']}")
        assert not [said for said in ada.heard if said["type"] == "event"]


async def test_what_publish_gives_and_refuses(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    app.rooms("tea")
    async with memory_server(app):
        room = app.room("tea")
        first = await room.publish("say", 1, key="once")
        again = await room.publish("say", 1, key="once")
        assert first.seq == again.seq > 0
        assert first.position is not None
        assert (first.position.seq, first.room) == (first.seq, "tea")
        assert room.publish_nowait("say", 2).seq > first.seq
        volatile = await room.publish("cursor", 3, volatile=True)
        assert (volatile.seq, volatile.position) == (0, None)
        with pytest.raises(rtcore.KeyConflict):
            await room.publish("say", "other", key="once")
        with pytest.raises(rtcore.NotFound):
            await app.room("nowhere").publish("say")
        with pytest.raises(rtcore.InvalidData):
            await room.publish("", 1)
        with pytest.raises(rtcore.InvalidData):
            await room.publish("say", object())
        assert app.room("tea") is room


async def test_history(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    app.rooms("tea", history=5)
    async with memory_server(app):
        room = app.room("tea")
        entries = [await room.publish("say", {"n": n}) for n in range(8)]
        kept = await room.history()
        assert [entry.data for entry in kept] == [{"n": n} for n in range(3, 8)]
        assert not kept.complete
        assert not kept.more
        after = await room.history(entries[4].position, limit=2)
        assert [entry.seq for entry in after] == [entries[5].seq, entries[6].seq]
        assert after.complete
        assert after.more
        assert (after[0].event, after[0].session, after[0].user) == ("say", None, None)
        with pytest.raises(rtcore.NotFound):
            await app.room("nowhere").history()


async def test_members_and_rights(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    app.rooms("tea", relay=True)
    sessions: list[rtcore.Session] = []
    app.on_connect(sessions.append)
    async with memory_server(app) as server:
        ada, bob = await server.welcomed(), await server.welcomed()
        room = app.room("tea")
        assert room.members() == []
        room.add(sessions[0], info={"name": "Ada"})
        room.add(sessions[1], grants=["history"])
        await trio.sleep(1)
        members = {member.session_id: member for member in room.members()}
        assert ada.session in members
        assert members[str(ada.session)].info == {"name": "Ada"}
        assert members[str(bob.session)].session is sessions[1]
        refused = await bob.answer(await bob.begin("publish", room="tea", event="say"))
        assert refused["error"]["code"] == "FORBIDDEN"
        assert room.grant(sessions[1], ["publish", "history"])
        assert set((await bob.until("grants"))["grants"]) == {"publish", "history"}
        await bob.ask("publish", room="tea", event="say", data=1)
        assert (await ada.until("event"))["from"]["session"] == bob.session
        assert room.remove(sessions[1], "enough")
        assert (await bob.until("left"))["reason"] == "enough"
        assert not room.remove(sessions[1])
        assert not room.grant(sessions[1], [])
        with pytest.raises(rtcore.UsageError):
            room.grant(sessions[0], ["fly"])


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
async def test_authorize(kind: str, autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture) -> None:
    app = rtcore.App()
    joins: list[rtcore.Join] = []

    def decide(session: rtcore.Session, join: rtcore.Join) -> Any:
        joins.append(join)
        match join.data:
            case "info":
                return rtcore.Access(grants=["presence"], info={"name": "Ada"})
            case "words":
                return ["history"]
            case "refuse":
                raise rtcore.Refuse("SOLD_OUT", "no seats")
            case "raise":
                raise LookupError("secret")
            case "nonsense":
                return "fly"
        return join.data

    if kind == "plain":
        app.authorize("room:*")(decide)
    else:

        @app.authorize("room:*")
        async def may(session: rtcore.Session, join: rtcore.Join) -> Any:
            await trio.sleep(0.1)
            return decide(session, join)

    async with memory_server(app) as server:
        client = await server.welcomed()
        grants = {}
        for data in (True, "words", "info"):
            grants[data] = set((await client.ask("join", room=f"room:{data}", data=data))["grants"])
        assert grants == {True: {"presence", "history"}, "words": {"history"}, "info": {"presence"}}
        codes = []
        for data in (False, None, "refuse", "raise", "nonsense"):
            answer = await client.answer(await client.begin("join", room=f"room:{data}", data=data))
            codes.append(answer["error"]["code"])
        assert codes == ["FORBIDDEN", "FORBIDDEN", "SOLD_OUT", "INTERNAL", "INTERNAL"]
        assert "secret" in caplog.text
        assert (joins[0].room, joins[0].data, joins[0].resuming) == ("room:True", True, False)
        await client.cut()
        await server.returned(client)
        await trio.sleep(1)
        assert {join.room for join in joins if join.resuming} >= {"room:True", "room:words", "room:info"}


async def test_the_state_of_a_room_belongs_to_its_position(autojump_clock: trio.abc.Clock) -> None:
    """What comes after the state's number is not in it, and what came before is: nothing twice."""
    app = rtcore.App()
    app.rooms("doc:*")
    total = 0

    @app.state("doc:*")
    def state(room: rtcore.Room, session: rtcore.Session) -> dict[str, Any]:
        return {"room": room.name, "total": total, "for": session.id}

    @app.on("add")
    async def add(session: rtcore.Session) -> None:
        nonlocal total
        total += 1
        await app.room("doc:1").publish("added", 1)

    async with memory_server(app) as server:
        writer, reader = await server.welcomed(), await server.welcomed()
        for _ in range(3):
            await writer.begin("emit", event="add")
        joined = await reader.ask("join", room="doc:1")
        for _ in range(3):
            await writer.ask("emit", event="add")
        await trio.sleep(1)
        later = [said for said in reader.heard if said["type"] == "event" and said["seq"] > joined["seq"]]
        assert joined["state"]["for"] == reader.session
        assert joined["state"]["total"] + len(later) == 6


async def test_a_room_that_blocks_makes_its_publisher_wait(
    autojump_clock: trio.abc.Clock, narrow: Callable[[MemoryServer], trio.abc.Stream]
) -> None:
    app = rtcore.App()
    app.rooms("tight", history=4, policy="block")
    async with memory_server(app, limits={"outbox": 2_000}) as server:
        client = WireClient(narrow(server))
        await client.open()
        await client.send({"type": "hello", "v": 1}, {"type": "join", "id": 1, "room": "tight"})
        await trio.sleep(1)
        room = app.room("tight")
        said = 0

        async def pour() -> None:
            nonlocal said
            for _ in range(300):
                await room.publish("say", "x" * 1000)
                said += 1

        async with trio.open_nursery() as nursery:
            nursery.start_soon(pour)
            await trio.sleep(1)
            assert said < 300
            with pytest.raises(trio.WouldBlock):
                room.publish_nowait("say", "x")
            # Cancelled while it waits: it was never said.
            head = server.core.head()
            with trio.move_on_after(0.5) as scope:
                await room.publish("say", "never")
            assert scope.cancelled_caught
            assert server.core.head() == head
            nursery.start_soon(client.read)
            await trio.sleep(10)
            assert said == 300
            nursery.cancel_scope.cancel()


async def test_a_publisher_does_not_hold_the_loop(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    app.rooms("tea")
    passes = 0

    async def other() -> None:
        nonlocal passes
        while True:
            passes += 1
            await trio.lowlevel.checkpoint()

    async with memory_server(app), trio.open_nursery() as nursery:
        nursery.start_soon(other)
        room = app.room("tea")
        for _ in range(1000):
            await room.publish("say", 1)
        assert passes >= 1000 // 66 - 1
        nursery.cancel_scope.cancel()
