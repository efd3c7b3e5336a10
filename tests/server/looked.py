"""What is looked at by the tests of figures, diagnosis, console and terminal."""

from __future__ import annotations

import json
import time
from typing import Any

import trio

import rtcore

from .conftest import Running

KEY = "a-key-that-is-long-enough"
BEARER = f"Authorization: Bearer {KEY}\r\n"


def application() -> rtcore.App:
    """Handlers of each kind: plain, waiting, blocking, failing, and such as publish."""
    app = rtcore.App()
    app.rooms("tea*", relay=True)

    @app.on("echo")
    def echo(_: rtcore.Session, data: int) -> int:
        return data

    @app.on("wait")
    async def wait(_: rtcore.Session, data: float) -> None:
        await trio.sleep(data)

    @app.on("block")
    def block(_: rtcore.Session, data: float) -> None:
        time.sleep(data)

    @app.on("say")
    async def say(session: rtcore.Session, data: int) -> None:
        await trio.sleep(0.01)
        await app.room("tea").publish("said", data, exclude=session)

    @app.on("note")
    def note(_: rtcore.Session, data: int) -> None:
        app.room("tea").publish_nowait("said", data)

    @app.on("fail")
    async def fail(_: rtcore.Session) -> None:
        raise ValueError("on purpose")

    @app.on("refuse")
    def refuse(_: rtcore.Session) -> None:
        raise rtcore.Refuse("NO", "not today")

    return app


async def asked(server: Running, path: str, headers: str = BEARER) -> Any:
    """What an operator is told."""
    status, _, body = await server.get(f"/rt/api/{path}", headers=headers)
    assert status == 200, body
    return json.loads(body)
