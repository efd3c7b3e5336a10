"""An application with collections, and what the tests of clients' collections have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import trio

import rtcore


class Note(msgspec.Struct):
    """A document."""

    title: str
    done: bool = False


def application() -> rtcore.App:
    """Notes of each user, and lists for everybody."""
    app = rtcore.App()

    @app.authenticate
    async def who(hello: rtcore.Hello) -> rtcore.User:
        return rtcore.User(hello.token or "ann")

    @app.collection("notes:*", Note)
    def notes(session: rtcore.Session, change: Any) -> bool:
        return bool(change.key != "secret")

    @notes.authorize
    def _(session: rtcore.Session, join: rtcore.Join) -> Any:
        if session.user == "eve":
            return False
        return rtcore.Access(grants=["write"] if join.data != "reader" else [])

    app.collection("asked:*", Any, strategy="custom")
    app.collection("latest:*", Any, strategy="latest")
    app.collection("plain:*", Any)
    return app


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that comes without being asked for."""
    with trio.fail_after(30):
        while not true():  # noqa: ASYNC110 - nothing says so
            await trio.sleep(0.01)
