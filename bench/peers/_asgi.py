"""The two works as an ASGI application, without a framework: what is measured is the server."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Awaitable, Callable
from typing import Any

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


def _answer(event: dict[str, Any]) -> dict[str, Any]:
    """What came, as what goes."""
    if event.get("text") is not None:
        return {"type": "websocket.send", "text": event["text"]}
    return {"type": "websocket.send", "bytes": event["bytes"]}


async def _echo(receive: Receive, send: Send) -> None:
    while (event := await receive())["type"] == "websocket.receive":
        await send(_answer(event))


_heard_by: set[Send] = set()


async def _fanout(receive: Receive, send: Send) -> None:
    """One connection after the other: a task for each would cost more. Whoever is slow is waited for."""
    _heard_by.add(send)
    try:
        while (event := await receive())["type"] == "websocket.receive":
            said = _answer(event)
            for one in tuple(_heard_by):
                with contextlib.suppress(OSError, RuntimeError):  # it is just leaving
                    await one(said)
    finally:
        _heard_by.discard(send)


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """`/echo` and `/fanout`; with PEER_PORT, says where it is when the server has started it."""
    if scope["type"] == "lifespan":
        await receive()
        if port := os.environ.get("PEER_PORT"):
            print(f"http://127.0.0.1:{port}", flush=True)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await receive()
    await send({"type": "websocket.accept"})
    await {"/echo": _echo, "/fanout": _fanout}[scope["path"]](receive, send)
