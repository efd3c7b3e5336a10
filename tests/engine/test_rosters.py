"""Rooms and members as the application looks at them, and its own subscription to a room."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trio.testing

import rtcore
from rtcore.testing import WireClient, memory_server


async def taken(client: WireClient) -> list[dict[str, Any]]:
    """All that comes within a second, longer than any window of presence here."""
    heard: list[dict[str, Any]] = []
    with trio.move_on_after(1):
        while True:
            heard.append(await client.receive())
    return heard


async def shown(client: WireClient, member: WireClient) -> Any:
    """As what a member is shown next."""
    joined = (await client.until("presence"))["joined"]
    [found] = [one for one in joined if one["session"] == member.session]
    return found.get("info")


async def test_what_others_see_of_a_member_is_changed_and_heard(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    app.rooms("tea")
    async with memory_server(app) as server:
        ann, bob = await server.welcomed(), await server.welcomed()
        for client in (ann, bob):
            await client.ask("join", room="tea")
        await taken(bob)
        room = app.room("tea")
        [member] = [one for one in room.members() if one.session_id == ann.session]
        assert (member.info, member.grants) == (None, ["presence", "history"])
        assert room.set_info(member.session, {"typing": True})
        assert await shown(bob, ann) == {"typing": True}
        [member] = [one for one in room.members() if one.session_id == ann.session]
        assert member.info == {"typing": True}
        with pytest.raises(AttributeError, match="set_info"):
            member.info = {"typing": False}
        await taken(bob)
        assert room.set_info(member.session, {"typing": True})  # as it was: nobody is told
        assert not [said for said in await taken(bob) if said["type"] == "presence"]
        assert room.set_info(member.session, None)
        assert await shown(bob, ann) is None
        assert not app.room("milk").set_info(member.session, 1)
        with pytest.raises(rtcore.InvalidData):
            room.set_info(member.session, object())


async def test_an_authorizer_that_says_otherwise_is_heard_as_presence(autojump_clock: trio.abc.Clock) -> None:
    """Joined again with another `info`, a member was shown as before to those who were there."""
    app = rtcore.App()
    infos = iter(({"name": "Ann"}, None, {"name": "Anne"}))

    @app.authorize("tea")
    def may(session: rtcore.Session, join: rtcore.Join) -> rtcore.Access:
        return rtcore.Access(info=next(infos))

    async with memory_server(app) as server:
        ann, bob = await server.welcomed(), await server.welcomed()
        await ann.ask("join", room="tea")
        await bob.ask("join", room="tea")
        await trio.sleep(1)
        await taken(bob)
        await ann.ask("join", room="tea")
        assert await shown(bob, ann) == {"name": "Anne"}


async def test_rooms_now_and_the_rights_in_them(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    app.rooms("tea:*", relay=True)
    app.rooms("milk", history=0)
    async with memory_server(app) as server:
        assert app.rooms_now() == []
        client = await server.welcomed()
        await client.ask("join", room="tea:1")
        await client.ask("join", room="milk")
        app.room("tea:2").publish_nowait("said")
        assert sorted(room.name for room in app.rooms_now()) == ["milk", "tea:1", "tea:2"]
        assert sorted(room.name for room in app.rooms_now("tea:*")) == ["tea:1", "tea:2"]
        [session] = app.sessions
        assert session.rooms == {"tea:1": ["publish", "presence", "history"], "milk": ["presence", "history"]}
        assert "tea:1" in session.rooms
        app.room("tea:1").grant(session, ["history"])
        assert session.rooms["tea:1"] == ["history"]
        await client.send({"type": "bye"})
        await client.wait_closed()
        assert [room.name for room in app.rooms_now()] == ["tea:2"]
        for wrong in (None, 5, "", "a\nb"):
            with pytest.raises(rtcore.UsageError):
                app.rooms_now(wrong)  # type: ignore[arg-type]


async def test_what_is_said_in_a_sessions_name_is_of_its_rights(autojump_clock: trio.abc.Clock) -> None:
    """A member that was muted spoke on through each handler that publishes in its name."""
    app = rtcore.App()
    app.rooms("tea", relay=True)

    @app.on("say")
    async def say(session: rtcore.Session, text: str) -> None:
        await app.room("tea").publish("said", text, sender=session)

    @app.on("sign")
    def sign(session: rtcore.Session) -> int:
        return app.room("tea").publish_nowait("signed", sender=session, rights=False).seq

    @app.on("direct")
    def direct(session: rtcore.Session) -> int:
        return app.user("ann").publish_nowait("dm", sender=session).seq

    async with memory_server(app) as server:
        client = await server.welcomed()

        async def code(event: str, **fields: Any) -> str | None:
            answer = await client.answer(await client.begin("emit", event=event, **fields))
            return answer["error"]["code"] if "error" in answer else None

        assert await code("say", data="x") == "FORBIDDEN"  # it is not in the room
        assert await code("sign") is None
        assert await code("direct") is None  # a room of rtcore's own, in which nobody has rights
        await client.ask("join", room="tea")
        assert await code("say", data="x") is None
        [session] = app.sessions
        app.room("tea").grant(session, ["presence"])
        assert await code("say", data="x") == "FORBIDDEN"
        assert await code("sign") is None
        with pytest.raises(rtcore.Forbidden) as refused:
            app.room("tea").publish_nowait("said", sender=session)
        assert any("rights=False" in note for note in refused.value.__notes__)


async def test_the_application_listens(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    app.rooms("tea", relay=True)
    heard: list[Any] = []

    async with memory_server(app) as server, trio.open_nursery() as nursery:
        room = app.room("tea")
        before = await room.publish("said", 0)

        async def listen(since: str | None) -> None:
            async for entry in room.listen(since=since):
                assert isinstance(entry, rtcore.Heard)
                heard.append((since is None, entry.data))

        nursery.start_soon(listen, None)
        nursery.start_soon(listen, before.position)
        await trio.testing.wait_all_tasks_blocked()
        client = await server.welcomed()
        await client.ask("join", room="tea")
        await client.ask("publish", room="tea", event="said", data=1)
        room.publish_nowait("said", 2)
        room.publish_nowait("pointer", 3, volatile=True)
        await room.publish("said", 4)
        await trio.sleep(1)
        assert sorted(heard) == [(now, n) for now in (False, True) for n in (1, 2, 4)]
        assert [n for now, n in heard if now] == [1, 2, 4]
        nursery.cancel_scope.cancel()


async def test_a_listener_that_is_slow_is_told_the_gap(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    app.rooms("tea", history=3)
    async with memory_server(app):
        room = app.room("tea")
        listening = room.listen()
        first = room.publish_nowait("said", 0)
        assert (await anext(listening)).seq == first.seq  # type: ignore[union-attr]
        entries = [room.publish_nowait("said", n) for n in range(1, 8)]
        gap = await anext(listening)
        assert isinstance(gap, rtcore.Gap)
        assert (gap.room, gap.first, gap.last, gap.reason) == (
            "tea",
            first.seq + 1,
            entries[3].seq,
            "ring",
        )
        assert listening.position == entries[3].position
        assert [(await anext(listening)).data for _ in range(3)] == [5, 6, 7]  # type: ignore[union-attr]
        assert listening.position == entries[-1].position
        other = await anext(room.listen(since="another1.5"))
        assert isinstance(other, rtcore.Gap)
        assert other.reason == "epoch"


async def test_a_room_is_listened_to_that_is_not_there_yet_or_goes_meanwhile(
    autojump_clock: trio.abc.Clock,
) -> None:
    app = rtcore.App()
    app.rooms("tea", history=0)
    app.rooms("milk", history=5, age=10)
    heard: list[Any] = []
    async with memory_server(app) as server, trio.open_nursery() as nursery:

        async def listen(name: str) -> None:
            async for entry in app.room(name).listen():
                heard.append(entry)

        nursery.start_soon(listen, "milk")
        await trio.testing.wait_all_tasks_blocked()
        client = await server.welcomed()
        await client.ask("join", room="milk")
        await client.ask("leave", room="milk")
        app.room("milk").publish_nowait("said", 1)
        await trio.sleep(60)  # too old, and the room goes
        app.room("milk").publish_nowait("said", 2)
        await trio.sleep(1)
        assert [entry.data for entry in heard] == [1, 2]
        with pytest.raises(rtcore.NotFound):
            app.room("nowhere").listen()
        with pytest.raises(rtcore.InvalidData):
            app.room("milk").listen(since="yesterday")
        nursery.cancel_scope.cancel()


async def test_who_listens_when_the_server_ends_is_told(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    app.rooms("tea")
    async with trio.open_nursery() as nursery:

        async def listen(room: rtcore.Room) -> None:
            with pytest.raises(rtcore.NotServing):
                async for _ in room.listen():
                    pass

        async with memory_server(app):
            nursery.start_soon(listen, app.room("tea"))
            await trio.testing.wait_all_tasks_blocked()
