"""Routers: what they register becomes the application's, each name behind its prefixes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

import rtcore
from rtcore._app.registry import registered
from rtcore.testing import memory_server


def _chat() -> rtcore.Router:
    chat = rtcore.Router(prefix="chat:")
    chat.rooms("room:*", relay=True, history=7)

    @chat.on("say")
    def say(session: rtcore.Session, text: str) -> str:
        return f"{session.user}: {text}"

    @chat.authorize()
    def enter(session: rtcore.Session, join: rtcore.Join) -> bool:
        return join.room != "chat:room:secret"

    @chat.stream("words")
    async def words(session: rtcore.Session, count: int) -> AsyncIterator[int]:
        for n in range(count):
            yield n

    return chat


async def test_events_rooms_and_streams_are_found_behind_the_prefix() -> None:
    app = rtcore.App()
    app.include(_chat())
    async with memory_server(app) as server:
        ada = await server.welcomed()
        assert await ada.ask("emit", event="chat:say", data="hello") == "None: hello"
        assert (await ada.ask("join", room="chat:room:1"))["seq"] >= 0
        ada_refused = await ada.answer(await ada.begin("join", room="chat:room:secret"))
        assert ada_refused["error"]["code"] == "FORBIDDEN"
        unknown = await ada.answer(await ada.begin("emit", event="say", data="hello"))
        assert unknown["error"]["code"] == "NOT_FOUND"


def test_a_router_in_a_router_has_both_prefixes() -> None:
    app, outer = rtcore.App(), rtcore.Router(prefix="v2:")
    outer.include(_chat())
    app.include(outer)
    found = registered(app)
    assert [handler.name for handler in found.handlers] == ["v2:chat:say"]
    assert [stream.name for stream in found.stream_handlers] == ["v2:chat:words"]
    assert found.authorizers.patterns() == ["v2:chat:*"]
    (plan,) = app._registry.plan().rooms[:1]
    assert (plan.pattern, plan.count) == ("v2:chat:room:*", 7)


def test_without_a_prefix_names_are_as_they_are() -> None:
    app, router = rtcore.App(), rtcore.Router()
    router.on("say")(lambda session: None)
    router.websocket("/echo")(lambda socket, message: None)
    app.include(router)
    found = registered(app)
    assert [handler.name for handler in found.handlers] == ["say"]
    assert [raw.path for raw in found.raw_handlers] == ["/echo"]


def test_what_surrounds_serving_comes_along() -> None:
    app, router = rtcore.App(), rtcore.Router(prefix="x:")

    @asynccontextmanager
    async def around(app: rtcore.App) -> AsyncIterator[None]:
        yield

    async def task(app: rtcore.App) -> None: ...

    def connected(session: rtcore.Session) -> None: ...

    def gone(session: rtcore.Session) -> None: ...

    router.lifespan(around)
    router.background(task)
    router.on_connect(connected)
    router.on_disconnect(gone)
    router.authenticate(lambda hello: rtcore.ANONYMOUS)
    app.include(router)
    found = registered(app)
    assert found.lifespans == [around]
    assert [one.function for one in found.background_tasks] == [task]
    assert found.connectors == [connected]
    assert len(found.disconnectors) == 1
    assert found.authenticator is not None


def _on(router: Any, app: rtcore.App) -> None:
    app.on("a:say")(lambda session: None)
    router.on("say")(lambda session: None)


def _rooms(router: Any, app: rtcore.App) -> None:
    app.rooms("a:tea")
    router.rooms("tea")


def _authorize(router: Any, app: rtcore.App) -> None:
    app.authorize("a:*")(lambda session, join: True)
    router.authorize()(lambda session, join: True)


def _authenticate(router: Any, app: rtcore.App) -> None:
    app.authenticate(lambda hello: None)
    router.authenticate(lambda hello: None)


def _socket(router: Any, app: rtcore.App) -> None:
    app.websocket("/echo")(lambda socket, message: None)
    router.websocket("/echo")(lambda socket, message: None)


@pytest.mark.parametrize("both", [_on, _rooms, _authorize, _authenticate, _socket])
def test_what_is_there_already_is_refused_and_nothing_is_taken(
    both: Callable[[Any, rtcore.App], None],
) -> None:
    app, router = rtcore.App(), rtcore.Router(prefix="a:")
    both(router, app)
    router.on("other")(lambda session: None)
    with pytest.raises(rtcore.UsageError, match="already"):
        app.include(router)
    assert not any(handler.name == "a:other" for handler in registered(app).handlers)
    router.on("later")(lambda session: None)  # it is not included, so it may go on


def test_a_router_is_included_once() -> None:
    app, router = rtcore.App(), rtcore.Router()
    app.include(router)
    with pytest.raises(rtcore.UsageError, match="included already"):
        app.include(router)
    with pytest.raises(rtcore.UsageError, match="`on` comes too late: the router is included"):
        router.on("say")(lambda session: None)
    with pytest.raises(rtcore.UsageError, match="itself"):
        (other := rtcore.Router()).include(other)


def test_an_application_is_no_router() -> None:
    with pytest.raises(rtcore.UsageError, match=r"rtcore\.Router"):
        rtcore.App().include(rtcore.App())  # type: ignore[arg-type]


@pytest.mark.parametrize("prefix", ["chat:*", "$user", "a\nb", 7, "x" * 256])
def test_a_prefix_that_cannot_be_one(prefix: Any) -> None:
    with pytest.raises(rtcore.UsageError):
        rtcore.Router(prefix=prefix)


def test_a_name_that_is_too_long_behind_its_prefix() -> None:
    with pytest.raises(rtcore.UsageError, match="255"):
        rtcore.Router(prefix="x" * 200).on("y" * 56)


def test_rooms_of_rtcores_own_stay_as_they_are() -> None:
    router = rtcore.Router(prefix="a:")
    router.rooms("$user/*", durable=True)
    assert router._registry.room_plans.patterns() == ["$user/*"]
