"""How an application is written, as type checkers see it: what is wrong here is said to be wrong.

mypy and pyright read this file with the rest. Each line with an `ignore` is a slip that they must find: an
ignore that is not needed is an error of its own (`warn_unused_ignores`). Nothing here is run.
"""

from __future__ import annotations

from typing import Any

import rtcore


def slips(app: rtcore.App) -> None:
    """Each is found by both checkers."""

    @app.on("say")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    def data_first(text: str, session: rtcore.Session) -> None: ...

    @app.authorize("tea")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    def gives_a_number(session: rtcore.Session, join: rtcore.Join) -> int:
        return 1

    @app.on_join("tea")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    def without_the_room(session: rtcore.Session) -> None: ...

    @app.on_leave("tea")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    def swapped(why: str, room: rtcore.Room, session: rtcore.Session) -> None: ...

    @app.middleware  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    async def goes_nowhere(call: rtcore.Call) -> Any: ...

    app.on_error("ValueError")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    app.rooms("tea", policy="lastest")  # type: ignore[arg-type]
    app.rooms("tea", grants=["publsh"])  # type: ignore[list-item]
    app.room("tea").add(session=app.sessions[0], grants={"publsh"})  # type: ignore[arg-type]


def right(app: rtcore.App) -> None:
    """Nothing of this is found."""

    @app.on("say")
    def say(session: rtcore.Session, text: str) -> None: ...

    @app.authorize("tea")
    async def enter(session: rtcore.Session, join: rtcore.Join) -> bool:
        return True

    @app.authorize("milk")
    def rights(session: rtcore.Session, join: rtcore.Join) -> set[str]:
        return {"publish"}

    @app.on_join("tea")
    async def came(session: rtcore.Session, room: rtcore.Room) -> None: ...

    @app.on_leave("tea")
    def went(session: rtcore.Session, room: rtcore.Room, why: str) -> None: ...

    @app.middleware
    async def around(call: rtcore.Call, further: rtcore.Next) -> Any:
        return await further(call)

    @app.on_error(ValueError)
    def refused(call: rtcore.Call, error: ValueError) -> None:
        raise rtcore.Refuse("WRONG", str(error))

    @app.authenticate
    async def who(hello: rtcore.Hello) -> rtcore.User | None:
        return None

    app.rooms("tea", policy="latest", key="id", grants=["publish"], durable="full")
