"""What surrounds handlers, streams and decisions: middleware, error handlers, dependencies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import pytest
import trio

import rtcore
from rtcore.testing import WireClient, memory_server

pytestmark = pytest.mark.usefixtures("autojump_clock")


async def refused(client: WireClient, kind: str, **fields: Any) -> dict[str, Any]:
    """What a request is refused with."""
    error: dict[str, Any] = (await client.answer(await client.begin(kind, **fields)))["error"]
    return error


def _app(log: list[str]) -> rtcore.App:
    app = rtcore.App()
    app.rooms("*", relay=True)

    @app.on("plain")
    def plain(session: rtcore.Session, data: int) -> int:
        log.append(f"plain {data}")
        return data + 1

    @app.on("bare")
    def bare(session: rtcore.Session) -> str:
        return "bare"

    @app.on("later")
    async def later(session: rtcore.Session, data: int) -> int:
        await trio.lowlevel.checkpoint()
        log.append(f"later {data}")
        return data + 1

    @app.stream("count")
    async def count(session: rtcore.Session, upto: int) -> AsyncIterator[int]:
        for number in range(upto):
            yield number
        log.append("counted")

    @app.stream("sum")
    async def total(session: rtcore.Session, items: rtcore.Items[int]) -> int:
        return sum([item async for item in items])

    @app.authorize("tea*")
    def enter(session: rtcore.Session, join: rtcore.Join) -> bool:
        log.append(f"enter {join.room}")
        return True

    @app.authenticate
    def who(hello: rtcore.Hello) -> rtcore.User:
        return rtcore.User(hello.token or "nobody")

    return app


def _plain(app: rtcore.App, log: list[str], name: str) -> None:
    @app.middleware
    def around(call: rtcore.Call, next: rtcore.Next) -> Any:  # noqa: A002 - what it is called
        log.append(f"{name} {call.kind} {call.name}")
        return next(call)


def _later(app: rtcore.App, log: list[str], name: str) -> None:
    @app.middleware
    async def around(call: rtcore.Call, next: rtcore.Next) -> Any:  # noqa: A002 - what it is called
        log.append(f"{name} {call.kind} {call.name}")
        try:
            return await next(call)
        finally:
            log.append(f"{name} done")


@pytest.mark.parametrize("kind", [_plain, _later])
async def test_a_middleware_surrounds_handlers_streams_and_decisions(kind: Any) -> None:
    log: list[str] = []
    app = _app(log)
    kind(app, log, "m")
    async with memory_server(app) as server:
        ada = await server.welcomed(token="ada")
        assert await ada.ask("emit", event="plain", data=1) == 2
        assert await ada.ask("emit", event="bare") == "bare"
        assert await ada.ask("emit", event="later", data=2) == 3
        await ada.ask("join", room="tea")
        await ada.begin("open", stream="count", credit=10, data=2)
        await ada.until("end")
    told = [line for line in log if line.startswith("m ") and line != "m done"]
    assert told == [
        "m authenticate ",
        "m event plain",
        "m event bare",
        "m event later",
        "m authorize tea",
        "m stream count",
    ]
    if kind is _later:
        assert log[-2:] == ["counted", "m done"]


async def test_the_first_is_outermost_and_may_change_what_is_called_with() -> None:
    log: list[str] = []
    app = _app(log)

    @app.middleware
    def first(call: rtcore.Call, next: rtcore.Next) -> Any:  # noqa: A002 - what it is called
        if call.name == "plain":
            call.data *= 10
        return next(call)

    @app.middleware
    def second(call: rtcore.Call, next: rtcore.Next) -> Any:  # noqa: A002 - what it is called
        if call.name == "plain" and call.data > 100:
            raise rtcore.Refuse("TOO_MUCH", "over a hundred")
        return next(call)

    async with memory_server(app) as server:
        ada = await server.welcomed()
        assert await ada.ask("emit", event="plain", data=3) == 31
        assert (await refused(ada, "emit", event="plain", data=11))["code"] == "TOO_MUCH"
    assert log == ["plain 30"]


async def test_a_router_has_its_own_inside_those_of_the_application() -> None:
    log: list[str] = []
    app, router = rtcore.App(), rtcore.Router(prefix="chat:")
    inner = rtcore.Router(prefix="x:")

    @app.on("outside")
    def outside(session: rtcore.Session) -> None: ...

    @inner.on("say")
    def say(session: rtcore.Session) -> None:
        raise LookupError("inside")

    _plain(app, log, "app")
    _plain(router, log, "router")  # type: ignore[arg-type]
    _plain(inner, log, "inner")  # type: ignore[arg-type]

    @router.on_error(LookupError)
    def lost(call: rtcore.Call, error: LookupError) -> str:
        return f"no {error}"

    @app.on_error(Exception)
    def failed(call: rtcore.Call, error: Exception) -> str:
        return "the application's"

    router.include(inner)
    app.include(router)
    async with memory_server(app) as server:
        ada = await server.welcomed()
        assert await ada.ask("emit", event="outside") is None
        assert await ada.ask("emit", event="chat:x:say") == "no inside"
    assert log == [
        "app event outside",
        "app event chat:x:say",
        "router event chat:x:say",
        "inner event chat:x:say",
    ]


class Broken(Exception):  # noqa: N818 - what happens
    """The application's own."""


@pytest.mark.parametrize("waits", [False, True])
async def test_an_error_handler_answers_in_the_place_of_what_failed(waits: bool) -> None:
    app = rtcore.App()
    app.rooms("*")

    @app.on("plain")
    def plain(session: rtcore.Session, data: str) -> None:
        errors: dict[str, Exception] = {
            "broken": Broken(),
            "key": KeyError(),
            "refuse": rtcore.Refuse("MINE", "no"),
        }
        raise errors[data]

    @app.on("later")
    async def later(session: rtcore.Session, data: str) -> None:
        await trio.lowlevel.checkpoint()
        plain(session, data)

    @app.authorize()
    def enter(session: rtcore.Session, join: rtcore.Join) -> bool:
        raise Broken

    @app.stream("items")
    async def items(session: rtcore.Session) -> AsyncIterator[int]:
        yield 1
        raise Broken

    if waits:

        @app.on_error(Broken)
        async def answer(call: rtcore.Call, error: Broken) -> None:
            await trio.lowlevel.checkpoint()
            raise rtcore.Refuse("BROKEN", f"{call.kind} {call.name}")
    else:

        @app.on_error(Broken)
        def answer(call: rtcore.Call, error: Broken) -> None:
            raise rtcore.Refuse("BROKEN", f"{call.kind} {call.name}")

    async with memory_server(app) as server:
        ada = await server.welcomed()
        for event in ("plain", "later"):
            assert (await refused(ada, "emit", event=event, data="broken"))["code"] == "BROKEN"
            assert (await refused(ada, "emit", event=event, data="key"))["code"] == "INTERNAL"
            assert (await refused(ada, "emit", event=event, data="refuse"))["code"] == "MINE"
        error = await refused(ada, "join", room="tea")
        assert (error["code"], error["message"]) == ("BROKEN", "authorize tea")
        await ada.begin("open", stream="items", credit=10)
        assert (await ada.until("end"))["error"]["code"] == "BROKEN"


class Db:
    """Something to depend on."""

    def __init__(self, log: list[str]) -> None:
        self.log = log


async def test_dependencies_are_given_once_a_call_and_put_away_behind_it() -> None:
    log: list[str] = []
    app = rtcore.App()
    app.rooms("*")

    def db() -> Iterator[Db]:
        log.append("open")
        try:
            yield Db(log)
        finally:
            log.append("close")

    def name(session: rtcore.Session, db: Annotated[Db, rtcore.Depends(db)]) -> str:
        db.log.append("name")
        return f"{session.user}"

    async def slow(db: Annotated[Db, rtcore.Depends(db)]) -> str:
        await trio.lowlevel.checkpoint()
        return "slow"

    @app.on("plain")
    def plain(
        session: rtcore.Session,
        data: int,
        db: Annotated[Db, rtcore.Depends(db)],
        *,
        name: Annotated[str, rtcore.Depends(name)],
    ) -> str:
        db.log.append("handler")
        return f"{name} {data}"

    @app.on("mixed")
    def mixed(session: rtcore.Session, slow: Annotated[str, rtcore.Depends(slow)]) -> str:
        return slow

    @app.stream("items")
    async def items(session: rtcore.Session, db: Annotated[Db, rtcore.Depends(db)]) -> AsyncIterator[int]:
        yield 1
        db.log.append("items")

    @app.authorize()
    def enter(session: rtcore.Session, join: rtcore.Join, name: Annotated[str, rtcore.Depends(name)]) -> bool:
        return name == "ada"

    @app.authenticate
    def who(hello: rtcore.Hello, db: Annotated[Db, rtcore.Depends(db)]) -> rtcore.User:
        return rtcore.User(hello.token or "bob")

    async with memory_server(app) as server:
        ada = await server.welcomed(token="ada")
        log.clear()
        assert await ada.ask("emit", event="plain", data=7) == "ada 7"
        assert log == ["open", "name", "handler", "close"]
        log.clear()
        assert await ada.ask("emit", event="mixed") == "slow"
        assert log == ["open", "close"]
        log.clear()
        await ada.ask("join", room="tea")
        assert log == ["open", "name", "close"]
        log.clear()
        await ada.begin("open", stream="items", credit=10)
        await ada.until("end")
        assert log == ["open", "items", "close"]
