"""Sessions: what is known of them, what is said to them, what is asked, and what they start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import trio

import rtcore
from rtcore.testing import MemoryServer, WireClient, memory_server


def remembering() -> tuple[rtcore.App, list[rtcore.Session]]:
    app = rtcore.App()
    sessions: list[rtcore.Session] = []

    @app.on_connect
    def connected(session: rtcore.Session) -> None:
        sessions.append(session)

    return app, sessions


async def test_what_is_known_of_a_session(autojump_clock: trio.abc.Clock) -> None:
    app, sessions = remembering()
    app.rooms("tea", relay=True)

    @app.authenticate
    def who(hello: rtcore.Hello) -> rtcore.User:
        return rtcore.User(hello.token)

    async with memory_server(app) as server:
        client = await server.connect(address="10.1.2.3")
        await client.hello(token="ada")
        await client.ask("join", room="tea")
        (session,) = sessions
        assert session.id == client.session
        assert session.user == "ada"
        assert session.address == "10.1.2.3"
        assert session.connected
        assert "tea" in session.rooms
        assert session.expires is None
        assert not session.ended
        assert app.sessions == [session]
        session.state.cart = ["tea"]
        assert session.state.cart == ["tea"]
        await client.cut()
        await trio.sleep(1)
        assert not session.connected
        assert not session.ended
        await trio.sleep(500)
        assert session.ended
        assert session.rooms == {}
        assert session.id == client.session
        with pytest.raises(rtcore.SessionEnded):
            await session.send("late")
        with pytest.raises(rtcore.SessionEnded):
            await session.request("late")
        with pytest.raises(rtcore.SessionEnded):
            session.nursery.start_soon(trio.sleep, 1)
        assert app.sessions == []


async def test_what_is_said_to_one_alone(autojump_clock: trio.abc.Clock) -> None:
    app, sessions = remembering()
    async with memory_server(app) as server:
        client, other = await server.welcomed(), await server.welcomed()
        seq = await sessions[0].send("hello", {"to": "you"})
        event = await client.until("event")
        assert (event["event"], event["data"], event["seq"]) == ("hello", {"to": "you"}, seq)
        assert sessions[0].send_nowait("again") > seq
        await client.until("event", event="again")
        assert not [said for said in other.heard if said["type"] == "event"]
        with pytest.raises(rtcore.InvalidData):
            await sessions[0].send("x" * 300)
        with pytest.raises(rtcore.InvalidData):
            await sessions[0].send("x", object())


async def test_saying_to_a_user_and_to_all(autojump_clock: trio.abc.Clock) -> None:
    app, _ = remembering()

    @app.authenticate
    async def who(hello: rtcore.Hello) -> rtcore.User:
        await trio.sleep(0.5)
        return rtcore.User(hello.token)

    async with memory_server(app) as server:
        ada, eva, bob = [await server.welcomed(token=token) for token in ("ada", "ada", "bob")]
        await app.user("ada").publish("mail", 1)
        await app.all.publish("news", 2)
        for client in (ada, eva):
            assert (await client.until("event", event="mail"))["room"] == "$user/ada"
        for client in (ada, eva, bob):
            assert (await client.until("event", event="news"))["data"] == 2
        assert not [said for said in bob.heard if said.get("event") == "mail"]


async def test_a_request_with_an_answer(autojump_clock: trio.abc.Clock) -> None:
    app, sessions = remembering()

    class Answer(msgspec.Struct):
        n: int

    async with memory_server(app) as server, trio.open_nursery() as nursery:
        client = await server.welcomed()
        session = sessions[0]
        given: list[Any] = []

        async def ask(**options: Any) -> None:
            try:
                given.append(await session.request("count", {"from": 1}, **options))
            except rtcore.RtcoreError as error:
                given.append(error)

        for reply, options, expected in (
            ({"data": {"n": 2}}, {}, {"n": 2}),
            ({"data": {"n": 2}}, {"type": Answer}, Answer(2)),
            ({"data": {"n": "two"}}, {"type": Answer}, ("INVALID_MESSAGE", rtcore.RemoteError)),
            ({"error": {"code": "NO_IDEA", "message": "what?"}}, {}, ("NO_IDEA", rtcore.RemoteError)),
            (None, {"timeout": 2}, ("TIMEOUT", rtcore.Timeout)),
        ):
            nursery.start_soon(lambda options=options: ask(**options))
            asked = await client.until("request")
            assert (asked["event"], asked["data"]) == ("count", {"from": 1})
            if reply is not None:
                await client.send({"type": "reply", "id": asked["id"], **reply})
            await trio.sleep(5)
            answer = given.pop()
            if isinstance(expected, tuple):
                assert (answer.code, type(answer)) == expected
            else:
                assert answer == expected


async def test_a_question_ends_with_the_session(autojump_clock: trio.abc.Clock) -> None:
    app, sessions = remembering()
    async with memory_server(app) as server:
        client = await server.welcomed()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send, {"type": "bye"})
            with trio.fail_after(5), pytest.raises(rtcore.SessionEnded):
                await sessions[0].request("anybody?")


async def test_a_cancelled_question_is_forgotten(autojump_clock: trio.abc.Clock) -> None:
    app, sessions = remembering()
    async with memory_server(app) as server:
        client = await server.welcomed()
        with trio.move_on_after(1) as scope:
            await sessions[0].request("anybody?")
        assert scope.cancelled_caught
        asked = await client.until("request")
        await client.send({"type": "reply", "id": asked["id"], "data": 1})
        assert await client.ask("leave", room="nowhere") is None
        assert not server.runtime.engine.replies


async def test_send_waits_while_too_much_is_unsent(
    autojump_clock: trio.abc.Clock, narrow: Callable[[MemoryServer], trio.abc.Stream]
) -> None:
    """A peer that does not read must not become our memory: the sender waits, and goes on when it reads."""
    app, sessions = remembering()
    async with memory_server(app, limits={"session_high": 10_000, "session_low": 1_000}) as server:
        client = WireClient(narrow(server))
        await client.open()
        await client.send({"type": "hello", "v": 1})
        await trio.sleep(1)
        sent = 0
        finished = trio.Event()

        async def pour() -> None:
            nonlocal sent
            for _ in range(400):
                await sessions[0].send("drop", "x" * 1000)
                sent += 1
            finished.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(pour)
            await trio.sleep(1)
            held = sent
            assert held < 400
            with pytest.raises(trio.WouldBlock):
                sessions[0].send_nowait("drop")
            await trio.sleep(10)
            assert sent == held
            nursery.start_soon(client.read)
            with trio.fail_after(30):
                await finished.wait()
            assert sent == 400
            nursery.cancel_scope.cancel()


async def test_a_cancelled_send_says_nothing(autojump_clock: trio.abc.Clock) -> None:
    app, sessions = remembering()
    async with memory_server(app) as server:
        client = await server.welcomed()
        with trio.CancelScope() as scope:
            scope.cancel()
            await sessions[0].send("never")
        await sessions[0].send("after")
        assert (await client.until("event"))["event"] == "after"


async def test_a_sessions_nursery(autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture) -> None:
    app, sessions = remembering()
    cancelled = trio.Event()
    ticks: list[int] = []

    async def tick(
        session: rtcore.Session, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED
    ) -> None:
        task_status.started("ticking")
        try:
            while True:
                ticks.append(1)
                await trio.sleep(1)
        finally:
            cancelled.set()

    async def fail(task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await trio.sleep(0.1)
        raise LookupError("before it started")

    async def fail_later() -> None:
        raise LookupError("in the nursery")

    async with memory_server(app) as server:
        client = await server.welcomed()
        session = sessions[0]
        session.nursery.start_soon(fail_later)
        assert await session.nursery.start(tick, session) == "ticking"
        with pytest.raises(LookupError, match="before"):
            await session.nursery.start(fail)
        await trio.sleep(5)
        assert len(ticks) >= 5
        assert "in the nursery" in caplog.text
        await client.send({"type": "bye"})
        with trio.fail_after(5):
            await cancelled.wait()


async def test_a_session_is_told_why_it_ends(autojump_clock: trio.abc.Clock) -> None:
    app, sessions = remembering()
    reasons: list[str] = []

    @app.on_disconnect
    async def gone(session: rtcore.Session, reason: str) -> None:
        await trio.sleep(0.1)
        reasons.append(reason)

    async with memory_server(app) as server:
        client = await server.welcomed()
        with pytest.raises(rtcore.UsageError):
            await sessions[0].close("", 1002)
        await sessions[0].close("the kitchen closes")
        bye = await client.until("bye")
        assert (bye["code"], bye["reason"]) == (4503, "the kitchen closes")
        await trio.sleep(1)
        assert len(reasons) == 1
        assert sessions[0].ended


async def test_on_connect_runs_before_the_first_request(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()

    @app.on_connect
    async def prepare(session: rtcore.Session) -> None:
        await trio.sleep(1)
        session.state.ready = True

    @app.on("ready")
    def ready(session: rtcore.Session) -> bool:
        return getattr(session.state, "ready", False)

    async with memory_server(app) as server:
        client = await server.welcomed()
        assert await client.ask("emit", event="ready") is True


async def test_a_session_that_python_never_met_costs_nothing_there(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    app.rooms("tea", relay=True)
    async with memory_server(app) as server:
        client = await server.welcomed()
        await client.ask("join", room="tea")
        await client.ask("publish", room="tea", event="say", data=1)
        assert not server.runtime.engine.sessions


async def test_a_session_that_was_looked_at_is_told_to_have_ended(autojump_clock: trio.abc.Clock) -> None:
    """Found among all sessions, and never heard of otherwise: its object stayed for ever, as if it lived."""
    app = rtcore.App()
    async with memory_server(app) as server:
        client = await server.welcomed()
        (session,) = app.sessions
        await client.send({"type": "bye"})
        await client.wait_closed()
        assert session.ended
        assert not server.runtime.engine.sessions


async def test_who_returns_from_elsewhere_is_who_began(autojump_clock: trio.abc.Clock) -> None:
    """Python read them once, the core again with each connection: which of them was true hung on a race."""
    app = rtcore.App()
    async with memory_server(app) as server:
        client = await server.welcomed()
        await trio.sleep(30)
        await client.cut()
        await server.returned(client)
        [row] = server.core.members("$all") or ()
        (_, _, _, agent, since, *_) = server.core.session_info(row[0]) or ()
        [session] = app.sessions
        assert (session.user_agent, session.since) == (agent, since)
        assert server.runtime.engine.wall_offset is not None
        began = 1000 * (trio.current_time() - 30 + server.runtime.engine.wall_offset)
        assert since <= began
