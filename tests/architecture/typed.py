"""How an application is written, as type checkers see it: what is wrong here is said to be wrong.

mypy and pyright read this file with the rest. Each line with an `ignore` is a slip that they must find: an
ignore that is not needed is an error of its own (`warn_unused_ignores`). Nothing here is run.
"""

from __future__ import annotations

import rtcore


def slips(app: rtcore.App) -> None:
    """Each is found by both checkers."""

    @app.on("say")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    def data_first(text: str, session: rtcore.Session) -> None: ...

    @app.authorize("tea")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    def gives_a_number(session: rtcore.Session, join: rtcore.Join) -> int:
        return 1

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

    @app.authenticate
    async def who(hello: rtcore.Hello) -> rtcore.User | None:
        return None

    app.rooms("tea", policy="latest", key="id", grants=["publish"], durable="full")
