"""A renewed token: the rooms of the session are asked about again, and what it takes away is gone at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio

import rtcore
from rtcore.testing import MemoryServer, WireClient, memory_server

# What a token lets its bearer do in the rooms `secret` and `desk`.
RIGHTS: dict[str | None, tuple[Any, Any]] = {
    "both": (True, ("publish", "presence")),
    "narrow": (False, ("presence",)),
    "settings": (rtcore.Access(), True),
    "failing": (LookupError("on purpose"), rtcore.Refuse("FORBIDDEN", "closed today")),
}


def deciding(kind: str) -> rtcore.App:
    app = rtcore.App()
    app.rooms("open", relay=True)
    app.rooms("secret")
    app.rooms("desk", relay=True)
    token: str | None = None

    @app.authenticate
    def who(hello: rtcore.Hello) -> rtcore.User | None:
        nonlocal token
        if hello.token == "bob":
            return rtcore.User("bob")
        if hello.token in RIGHTS:
            token = hello.token
            return rtcore.User("ada", expires=2_000_000_000)
        return None

    def decide(join: rtcore.Join) -> Any:
        asked.append((join.room, join.resuming))
        answer = RIGHTS[token][0 if join.room == "secret" else 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    asked: list[tuple[str, bool]] = []
    app.asked = asked  # type: ignore[attr-defined]
    for room in ("secret", "desk"):
        if kind == "plain":
            app.authorize(room)(lambda session, join: decide(join))
        else:

            async def may(session: rtcore.Session, join: rtcore.Join) -> Any:
                await trio.sleep(0.5)
                return decide(join)

            app.authorize(room)(may)
    return app


async def joined(client: WireClient) -> WireClient:
    for room in ("open", "secret", "desk"):
        await client.ask("join", room=room)
    return client


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
async def test_what_the_new_token_takes_away_is_gone_before_the_ack(
    kind: str, autojump_clock: trio.abc.Clock
) -> None:
    app = deciding(kind)
    async with memory_server(app) as server:
        client = await joined(await server.welcomed(token="both"))
        app.asked.clear()
        assert "error" not in await client.answer(await client.begin("auth", token="narrow"))
        assert sorted(app.asked) == [("desk", True), ("secret", True)]
        kinds = [(said["type"], said.get("room")) for said in client.heard if said["type"] != "presence"]
        assert set(kinds[-3:-1]) == {("left", "secret"), ("grants", "desk")}
        assert kinds[-1] == ("ack", None)
        refused = await client.answer(await client.begin("publish", room="desk", event="say"))
        assert refused["error"]["code"] == "FORBIDDEN"
        left = await client.until("left")
        assert left["reason"] == "the new token does not allow it"
        assert (await client.until("grants"))["grants"] == ["presence"]
        await app.room("secret").publish("say", "not for this one")
        await app.room("open").publish("say", "the end")
        await client.until("event", data="the end")
        assert not [said for said in client.heard if said.get("data") == "not for this one"]


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
async def test_rights_come_back_with_a_token_that_has_them(kind: str, autojump_clock: trio.abc.Clock) -> None:
    """`True` is what the settings give; in a relay room members may publish."""
    async with memory_server(deciding(kind)) as server:
        client = await joined(await server.welcomed(token="both"))
        await client.ask("auth", token="narrow")
        await client.ask("auth", token="settings")
        await client.until("grants")
        assert set((await client.until("grants"))["grants"]) == {"publish", "presence", "history"}
        await client.ask("publish", room="desk", event="say")


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
async def test_an_authorizer_that_fails_refuses(
    kind: str, autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    app = deciding(kind)
    async with memory_server(app) as server:
        client = await joined(await server.welcomed(token="both"))
        await client.ask("auth", token="failing")
        assert list(app.sessions[0].rooms) == ["open"]
        reasons = {said["room"]: said["reason"] for said in client.heard if said["type"] == "left"}
        assert reasons["desk"] == "closed today"
        assert "could not find out" in reasons["secret"]
    assert "on purpose" in caplog.text


@pytest.mark.parametrize("token", ["bob", "unknown"])
async def test_a_token_that_is_refused_changes_nothing(token: str, autojump_clock: trio.abc.Clock) -> None:
    app = deciding("plain")
    async with memory_server(app) as server:
        client = await joined(await server.welcomed(token="both"))
        app.asked.clear()
        refused = await client.answer(await client.begin("auth", token=token))
        assert refused["error"]["code"] == "UNAUTHORIZED"
        assert not app.asked
        assert len(app.sessions[0].rooms) == 3


async def test_what_is_queued_is_taken_back(
    autojump_clock: trio.abc.Clock, narrow: Callable[[MemoryServer], trio.abc.Stream]
) -> None:
    """It waits in the server, unread, when the right to hear it ends."""
    app = deciding("plain")
    async with memory_server(app, limits={"outbox": 100_000}) as server:
        client = WireClient(narrow(server))
        await client.open()
        await client.send({"type": "hello", "v": 1, "token": "both"})
        await client.send(
            *({"type": "join", "id": n, "room": room} for n, room in enumerate(("open", "secret"), 1))
        )
        await trio.sleep(1)
        for n in range(20):
            await app.room("secret").publish("say", f"secret {n}")
        await client.send({"type": "auth", "id": 9, "token": "narrow"})
        await trio.sleep(1)
        await app.room("open").publish("say", "the end")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.read)
            await client.until("event", data="the end")
            nursery.cancel_scope.cancel()
        secrets = [said for said in client.heard if str(said.get("data")).startswith("secret")]
        assert len(secrets) < 20, "only what was already on its way may still come"
        left = client.heard.index(next(said for said in client.heard if said["type"] == "left"))
        assert not [said for said in secrets if client.heard.index(said) > left]


async def test_a_session_that_ends_meanwhile_ends_the_asking(autojump_clock: trio.abc.Clock) -> None:
    app = deciding("coroutine")
    async with memory_server(app) as server:
        client = await joined(await server.welcomed(token="both"))
        app.asked.clear()
        await client.begin("auth", token="narrow")
        await trio.sleep(0.1)
        app.sessions[0].close_nowait()
        await client.wait_closed()
        await trio.sleep(2)
        assert not app.asked
