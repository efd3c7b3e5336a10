"""Who comes and who goes, told to the application: in rooms, and of connections."""

from __future__ import annotations

from typing import Any

import pytest
import trio

import rtcore
from rtcore.testing import memory_server


def told_of_rooms(app: rtcore.App) -> list[tuple[Any, ...]]:
    """All three hooks of `tea:*`, and what they were told: sessions by their users."""
    told: list[tuple[Any, ...]] = []

    @app.authenticate
    def who(hello: rtcore.Hello) -> rtcore.User:
        return rtcore.User(hello.token)

    @app.on_join("tea:*")
    def joined(session: rtcore.Session, room: rtcore.Room) -> None:
        told.append(("join", session.user, room.name))

    @app.on_leave("tea:*")
    def left(session: rtcore.Session, room: rtcore.Room, why: str) -> None:
        told.append(("leave", session.user, room.name, why))

    @app.on_empty("tea:*")
    def empty(room: rtcore.Room) -> None:
        told.append(("empty", room.name))

    return told


async def test_each_way_into_a_room_and_out_of_it_is_told_once(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    app.rooms("*")
    told = told_of_rooms(app)
    async with memory_server(app) as server:
        ann = await server.welcomed(token="ann")
        bob = await server.welcomed(token="bob")
        await ann.ask("join", room="tea:1")
        await ann.ask("join", room="tea:1")
        await ann.ask("join", room="milk")
        [session] = [one for one in app.sessions if one.user == "bob"]
        app.room("tea:1").add(session)
        await bob.until("room")
        assert told == [("join", "ann", "tea:1"), ("join", "bob", "tea:1")]
        told.clear()
        await ann.ask("leave", room="tea:1")
        await ann.ask("leave", room="tea:1")
        app.room("tea:1").remove(session, "enough")
        assert not app.room("tea:1").remove(session)
        await bob.until("left")
        assert told == [
            ("leave", "ann", "tea:1", "left"),
            ("leave", "bob", "tea:1", "removed"),
            ("empty", "tea:1"),
        ]


async def test_a_session_that_is_over_has_left_before_it_has_ended(autojump_clock: trio.abc.Clock) -> None:
    """Said, joined and gone in one packet, too: whoever is told of a join is told of the leave."""
    app = rtcore.App()
    app.rooms("*")
    told = told_of_rooms(app)

    @app.on_disconnect
    def gone(session: rtcore.Session) -> None:
        told.append(("gone", session.user))

    async with memory_server(app) as server:
        ann = await server.welcomed(token="ann")
        await ann.ask("join", room="tea:1")
        await ann.send({"type": "bye"})
        await ann.wait_closed()
        assert told == [
            ("join", "ann", "tea:1"),
            ("leave", "ann", "tea:1", "ended"),
            ("empty", "tea:1"),
            ("gone", "ann"),
        ]
        told.clear()
        bob = await server.welcomed(token="bob")
        await bob.send({"type": "join", "id": 1, "room": "tea:2"}, {"type": "bye"})
        await bob.wait_closed()
        joins = sum(row[0] == "join" for row in told)
        leaves = sum(row[0] == "leave" for row in told)
        assert joins == leaves
        assert ("empty", "tea:2") in told
        told.clear()
        cut = await server.welcomed(token="cut")
        await cut.ask("join", room="tea:3")
        await cut.cut()
        await trio.sleep(60)
        assert told == [("join", "cut", "tea:3")]  # it may come back
        await trio.sleep(70)
        assert told[1:] == [("leave", "cut", "tea:3", "ended"), ("empty", "tea:3"), ("gone", "cut")]


async def test_a_coroutine_is_done_before_the_next_request(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    app.rooms("*")
    order: list[str] = []

    @app.on_join("tea")
    async def joined(session: rtcore.Session, room: rtcore.Room) -> None:
        order.append("joins")
        await trio.sleep(1)
        order.append("joined")

    @app.on_leave("tea")
    async def left(session: rtcore.Session, room: rtcore.Room) -> None:
        await trio.sleep(1)
        order.append("left")

    @app.on_empty("tea")
    async def empty(room: rtcore.Room) -> None:
        await trio.sleep(2)
        order.append("empty")

    @app.on("say")
    def say(session: rtcore.Session) -> None:
        order.append("said")

    @app.on("wait")
    async def wait(session: rtcore.Session) -> None:
        order.append("waited")

    async with memory_server(app) as server:
        client = await server.welcomed()
        await client.ask("emit", event="wait")  # its task is there, and idle
        await client.ask("join", room="tea")
        await client.ask("emit", event="say")
        await client.ask("leave", room="tea")
        await client.ask("emit", event="wait")
        await trio.sleep(5)
        assert order == ["waited", "joins", "joined", "said", "left", "waited", "empty"]
        await client.ask("join", room="tea")
        await client.send({"type": "bye"})
        await trio.sleep(5)
        assert order[-2:] == ["left", "empty"]


async def test_what_a_hook_raises_costs_nobody_anything(
    autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    app = rtcore.App()
    app.rooms("*")
    for hook in (app.on_join, app.on_leave):

        @hook("*")
        def fails(session: rtcore.Session, room: rtcore.Room) -> None:
            raise LookupError("mine")

    @app.on_empty("*")
    async def fails_later(room: rtcore.Room) -> None:
        raise LookupError("mine, too")

    @app.on_away
    async def fails_away(session: rtcore.Session) -> None:
        raise LookupError("mine as well")

    async with memory_server(app) as server:
        client = await server.welcomed()
        await client.ask("join", room="tea")
        await client.ask("leave", room="tea")
        await client.cut()
        await trio.sleep(1)
        other = await server.welcomed()
        await other.ask("join", room="tea")
    assert {"mine", "mine, too", "mine as well"} <= {
        str(record.exc_info[1]) for record in caplog.records if record.exc_info
    }


async def test_a_router_has_hooks_behind_its_prefix(autojump_clock: trio.abc.Clock) -> None:
    app, chat = rtcore.App(), rtcore.Router(prefix="chat:")
    told: list[str] = []

    @chat.on_join("*")
    def joined(session: rtcore.Session, room: rtcore.Room) -> None:
        told.append(room.name)

    chat.rooms("*")
    app.rooms("*")
    app.include(chat)
    async with memory_server(app) as server:
        client = await server.welcomed()
        await client.ask("join", room="chat:1")
        await client.ask("join", room="tea")
        assert told == ["chat:1"]


async def test_the_most_specific_pattern_counts_however_the_settings_are_written(
    autojump_clock: trio.abc.Clock,
) -> None:
    """A hook makes no rooms, and one pattern of settings may have several hooks below it."""
    app = rtcore.App()
    app.rooms("a*")
    told: list[str] = []
    for pattern in ("*b", "ab*", "a*"):
        app.on_join(pattern)(lambda session, room, pattern=pattern: told.append(pattern))
    async with memory_server(app) as server:
        client = await server.welcomed()
        for room, expected in (("ab", "ab*"), ("axb", "a*"), ("a", "a*")):
            await client.ask("join", room=room)
            assert told.pop() == expected
        refused = await client.answer(await client.begin("join", room="b"))
        assert refused["error"]["code"] == "NOT_FOUND"


async def test_a_session_is_away_and_comes_back(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    told: list[str] = []
    app.on_connect(lambda session: told.append("began"))
    app.on_connected(lambda session: told.append(f"connected {session.connected}"))
    app.on_away(lambda session: told.append(f"away {session.connected}"))
    app.on_disconnect(lambda session: told.append("ended"))
    async with memory_server(app) as server:
        client = await server.welcomed()
        await client.cut()
        await trio.sleep(5)
        assert told == ["began", "away False"]
        back = await server.connect()
        await back.hello(session=client.session, key=client.key, position=client.position)
        assert told == ["began", "away False", "connected True"]
        over = await server.connect()  # it takes the session over: nobody was away
        await over.hello(session=back.session, key=back.key, position=back.position)
        assert told == ["began", "away False", "connected True"]
        await over.send({"type": "bye"})
        await over.wait_closed()
        assert told == ["began", "away False", "connected True", "ended"]


async def test_whether_a_user_is_there(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    app.rooms("tea")

    @app.authenticate
    def who(hello: rtcore.Hello) -> rtcore.User:
        return rtcore.User(hello.token) if hello.token else rtcore.ANONYMOUS

    async with memory_server(app) as server:
        assert not app.user("ann").present
        ann, again = await server.welcomed(token="ann"), await server.welcomed(token="ann")
        nobody, bob = await server.welcomed(), await server.welcomed(token="bob")
        for client in (ann, again, nobody, bob):
            await client.ask("join", room="tea")
        assert app.user("ann").present
        assert sorted(app.room("tea").users()) == ["ann", "bob"]
        await ann.cut()
        await trio.sleep(1)
        assert app.user("ann").present  # in another tab
        await again.cut()
        await trio.sleep(1)
        assert not app.user("ann").present
        assert sorted(app.room("tea").users()) == ["ann", "bob"]  # it may still come back
        await trio.sleep(200)
        assert app.room("tea").users() == ["bob"]
        assert app.room("nowhere").users() == []


async def test_a_session_may_have_a_window_of_its_own(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    ended: list[tuple[str | None, float]] = []

    @app.authenticate
    def who(hello: rtcore.Hello) -> rtcore.User:
        return rtcore.User(hello.token, resume=None if hello.token == "usual" else float(hello.token or 0))

    @app.on_disconnect
    def gone(session: rtcore.Session) -> None:
        ended.append((session.user, round(trio.current_time() - cut, 1)))

    async with memory_server(app) as server:
        clients = [await server.connect() for _ in range(4)]
        for client, token, window in zip(clients, ("0", "5", "500", "usual"), (0, 5, 500, 120), strict=True):
            welcome = await client.hello(token=token)
            assert welcome["limits"]["resume"] == window
        cut = trio.current_time()
        for client in clients:
            await client.cut()
        await trio.sleep(3)
        back = await server.connect()
        await back.hello(
            token="5", session=clients[1].session, key=clients[1].key, position=clients[1].position
        )
        await trio.sleep(600)
        assert ended == [("0", 0.0), ("usual", 120.0), ("500", 500.0)]
        assert back.session == clients[1].session
    for wrong in (-1, 8 * 24 * 3600, "5", float("inf"), float("nan")):
        with pytest.raises(rtcore.UsageError, match="resume"):
            rtcore.User("ann", resume=wrong)  # type: ignore[arg-type]


async def test_a_stream_that_costs_stops_when_its_reader_is_away(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    over: list[tuple[str, float]] = []

    def stream(name: str, away: float | None) -> None:
        @app.stream(name, away=away)
        async def costs(session: rtcore.Session) -> Any:
            try:
                while True:
                    yield "token"
                    await trio.sleep(1)
            finally:
                over.append((name, trio.current_time() - cut))

    stream("dear", 5)
    stream("cheap", None)
    async with memory_server(app) as server:
        client = await server.welcomed()
        dear = await client.begin("open", stream="dear", credit=1000)
        cheap = await client.begin("open", stream="cheap", credit=1000)
        await client.until("item", id=cheap)
        streams = {str(dear): 0, str(cheap): 0}
        await client.cut()
        cut = trio.current_time()
        await trio.sleep(4)
        back = await server.connect()
        at = {"session": client.session, "key": client.key, "position": client.position}
        await back.hello(**at, streams=streams)
        await trio.sleep(10)
        assert over == []
        await back.cut()
        cut = trio.current_time()
        await trio.sleep(30)
        assert over == [("dear", pytest.approx(5))]
        again = await server.connect()
        await again.hello(**at, streams=streams)
        end = await again.until("end", id=dear)
        assert end["error"]["code"] == "STREAM_LOST"
    app = rtcore.App()
    for wrong in (-1, "5", True):
        with pytest.raises(rtcore.UsageError, match="away"):
            stream("wrong", wrong)  # type: ignore[arg-type]
