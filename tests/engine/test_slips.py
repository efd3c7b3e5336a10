"""What a newcomer writes: the error names what was given and what to write, and no name of ours inside."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from typing import Any

import pytest
import trio

import rtcore
from rtcore.testing import memory_server

SLIPS: dict[str, Callable[[rtcore.Room, Any], Any]] = {
    "exclude": lambda room, session: room.publish("said", 1, exclude=session.id),
    "sender": lambda room, session: room.publish("said", 1, sender=session.id),
    "exclude at once": lambda room, session: room.publish_nowait("said", 1, exclude=session.id),
    "sender at once": lambda room, session: room.publish_nowait("said", 1, sender=session.user),
    "add": lambda room, session: room.add(session.id),
    "remove": lambda room, session: room.remove(session.id),
    "grant": lambda room, session: room.grant(session.id, ["publish"]),
}


def application() -> rtcore.App:
    app = rtcore.App()
    app.rooms("tea")

    @app.authenticate
    def who(hello: rtcore.Hello) -> rtcore.User:
        return rtcore.User(hello.token or "nobody")

    return app


async def done(slip: Callable[[rtcore.Room, Any], Any], room: rtcore.Room, session: rtcore.Session) -> None:
    answer = slip(room, session)
    if inspect.isawaitable(answer):
        await answer


@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS)
async def test_the_id_of_a_session_is_no_session(
    slip: Callable[[rtcore.Room, Any], Any], autojump_clock: trio.abc.Clock
) -> None:
    """It was `'str' object has no attribute '_handle'`; Socket.IO's `skip_sid` is such an id."""
    app = application()
    async with memory_server(app) as server:
        await server.welcomed(token="ada")
        (session,) = app.sessions
        with pytest.raises(TypeError, match=r"is an rtcore\.Session.*; not '"):
            await done(slip, app.room("tea"), session)
        assert not await app.room("tea").history()


async def test_an_attribute_error_of_the_data_is_its_own(autojump_clock: trio.abc.Clock) -> None:
    class Broken:
        @property
        def __dict__(self) -> Any:  # type: ignore[override]
            raise AttributeError("of the data")

    app = application()
    async with memory_server(app):
        with pytest.raises((rtcore.InvalidData, AttributeError)):
            app.room("tea").publish_nowait("said", Broken())


@pytest.mark.parametrize("name", ["id", "user", "address", "user_agent", "since"])
async def test_what_does_not_change_of_a_session_cannot_be_set(
    name: str, autojump_clock: trio.abc.Clock
) -> None:
    """`session.user = name` was taken: the application believed it, and the core, with the rights, not."""
    app = application()
    async with memory_server(app) as server:
        await server.welcomed(token="ada")
        (session,) = app.sessions
        before = getattr(session, name)
        with pytest.raises(AttributeError, match=rf"`session\.{name}` does not change"):
            setattr(session, name, "bob")
        assert getattr(session, name) == before
        assert session.user == "ada"


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
async def test_an_authenticator_that_fails_does_not_write_the_token(
    kind: str, autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """It took a hello for a token, or gave the token back: either stood in the log."""
    for wrong in (lambda hello: hello.token, lambda token: rtcore.User(token)):
        app = rtcore.App()
        if kind == "plain":
            app.authenticate(wrong)
        else:

            async def who(hello: Any, wrong: Any = wrong) -> Any:
                return wrong(hello)

            app.authenticate(who)
        async with memory_server(app) as server:
            client = await server.connect()
            await client.send({"type": "hello", "v": 1, "token": "very-secret"})
            assert (await client.wait_closed()).code == 1011
    assert "the authenticator failed" in caplog.text
    assert "very-secret" not in caplog.text


async def test_who_comes_from_asyncio_is_told_that_this_is_trio(
    autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    app = application()

    @app.on("wait")
    async def wait(session: rtcore.Session) -> None:
        await asyncio.sleep(1)

    async with memory_server(app) as server:
        client = await server.welcomed(token="ada")
        await client.answer(await client.begin("emit", event="wait"))
    assert "RuntimeError: no running event loop" in caplog.text
    assert "rtcore runs on Trio" in caplog.text


async def test_a_room_that_nothing_names_is_told_with_what_names_rooms(
    autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    app = application()

    @app.on("say")
    async def say(session: rtcore.Session) -> None:
        await app.room("tee").publish("said")

    async with memory_server(app) as server:
        client = await server.welcomed(token="ada")
        await client.answer(await client.begin("emit", event="say"))
    assert 'there is no room "tee"' in caplog.text
    assert "app.rooms(pattern)" in caplog.text


async def test_a_model_of_another_library_is_told_how_it_is_said(autojump_clock: trio.abc.Clock) -> None:
    app = application()
    async with memory_server(app):
        with pytest.raises(rtcore.InvalidData, match="model_dump"):
            app.room("tea").publish_nowait("said", {"inside": object()})


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
@pytest.mark.parametrize("answer", ["no", "refuse", "raise"])
async def test_a_room_that_is_lost_on_return_is_in_the_log(
    kind: str, answer: str, autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """An authorizer that needs the data of the join refused the return, and nothing said so."""
    caplog.set_level(logging.INFO, "rtcore.refused")
    app = rtcore.App()
    app.rooms("tea:*")

    def may(session: rtcore.Session, join: rtcore.Join) -> bool:
        if join.resuming and answer == "refuse":
            raise rtcore.Refuse("BAD_NAME", "a name is needed")
        return bool(join.data["name"]) if answer == "raise" else bool(join.data)

    if kind == "plain":
        app.authorize("tea:*")(may)
    else:

        @app.authorize("tea:*")
        async def later(session: rtcore.Session, join: rtcore.Join) -> bool:
            await trio.sleep(0.1)
            return may(session, join)

    async with memory_server(app) as server:
        client = await server.welcomed()
        await client.ask("join", room="tea:1", data={"name": "ada"})
        assert not [one for one in caplog.records if one.name == "rtcore.refused"]
        await client.cut()
        client = await server.returned(client)
        assert app.room("tea:1").members() == []
    (line,) = [one.getMessage() for one in caplog.records if one.name == "rtcore.refused"]
    assert "came back and is out of the room tea:1" in line
    assert {"no": "FORBIDDEN", "refuse": "BAD_NAME: a name is needed", "raise": "INTERNAL"}[answer] in line
    assert "without the data of the join" in line
    assert client.session is not None
    assert client.session in line


def test_asyncio_cannot_serve_and_is_told_what_can() -> None:
    with pytest.raises(rtcore.UsageError, match=r"rtcore\.run\(app\)"):
        asyncio.run(rtcore.serve(rtcore.App(), port=0))


async def test_who_speaks_before_serving_is_told_when_to() -> None:
    with pytest.raises(rtcore.NotServing, match="in a handler, a background task or a lifespan"):
        rtcore.App().room("tea")
