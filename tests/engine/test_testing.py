"""What `rtcore.testing` gives to those who test an application with routes of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio

import rtcore
from rtcore.testing import memory_server


async def site(scope: Any, receive: Any, send: Any) -> None:
    """Says back what it was sent, over HTTP alone."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    told = {"method": scope["method"], "path": scope["path"], "body": body.decode()}
    headers = [(b"content-type", b"application/json"), (b"x-said", b"yes")]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(told).encode()})


async def test_a_mounted_application_is_asked_beside_the_clients(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    app.rooms("tea", relay=True)
    async with memory_server(app, mount=site) as server:
        answer = await server.request("POST", "/orders?x=1", json={"cups": 2})
        assert (answer.status, answer.headers["x-said"]) == (201, "yes")
        assert answer.json() == {"method": "POST", "path": "/orders", "body": '{"cups":2}'}
        plain = await server.request("PUT", "/text", body=b"x", headers={"Content-Type": "text/plain"})
        assert plain.json()["body"] == "x"
        health = await server.request("GET", "/healthz")
        assert (health.status, bool(health.text)) == (200, True)
        client = await server.welcomed()
        await client.ask("join", room="tea")
        await app.room("tea").publish("said", {"n": 1})
        assert (await client.assert_heard("said", {"n": 1}, room="tea"))["seq"] > 0
        await app.room("tea").publish("said", {"n": 2})
        with pytest.raises(AssertionError, match="was heard with"):
            await client.assert_heard("said", {"n": 3})
        with pytest.raises(AssertionError, match=r"no .* came within"):
            await client.assert_heard("milk")
        await client.assert_silent(5)
        app.room("tea").publish_nowait("said", {"n": 4})
        with pytest.raises(AssertionError, match="nothing was to be"):
            await client.assert_silent()
