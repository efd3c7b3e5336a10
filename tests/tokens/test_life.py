"""A session under a signed token: told before it ends, closed when it does, renewed, refused with why."""

from __future__ import annotations

import time
from typing import Any

import pytest
import trio
import trio.testing

import rtcore
from rtcore.testing import memory_server

from .test_jwt import OTHER, SECRET, token


def build(check: rtcore.JWT) -> rtcore.App:
    app = rtcore.App()
    app.authenticate(check)
    app.rooms("tea")
    return app


async def test_told_thirty_seconds_before_and_closed_at_the_end(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with memory_server(build(rtcore.JWT(SECRET, ["HS256"]))) as server:
        began, end = trio.current_time(), time.time() + 100
        client = await server.connect()
        welcome = await client.hello(token=token(exp=end))
        assert welcome["user"] == "ann"
        assert welcome["expires"] == pytest.approx(end * 1000, abs=1000)
        with trio.fail_after(200):
            await trio.sleep(68)
            assert "expiring" not in {said["type"] for said in client.heard}
            await trio.sleep(4)
            assert "expiring" in {said["type"] for said in client.heard}
            assert (await client.wait_closed()).code == 4005
        assert trio.current_time() - began == pytest.approx(100, abs=2)


async def test_a_renewed_token_goes_on_from_there(autojump_clock: trio.testing.MockClock) -> None:
    async with memory_server(build(rtcore.JWT(SECRET, ["HS256"]))) as server:
        client = await server.connect()
        await client.hello(token=token(exp=time.time() + 100))
        await trio.sleep(80)
        later = time.time() + 1000
        assert (await client.ask("auth", token=token(exp=later)))["expires"] == pytest.approx(
            later * 1000, abs=1000
        )
        await trio.sleep(100)
        assert client.closed is None
        await client.ask("join", room="tea")


@pytest.mark.parametrize(
    ("given", "says", "code"),
    [
        ({}, "a token is needed", 4501),
        ({"token": token(OTHER)}, "signature", 4501),
        # Whoever has a fresh one may come back: a token that is cached is no reason to stay away for ever.
        ({"token": token(exp=time.time() - 60)}, "has expired", 4005),
    ],
)
async def test_a_refused_token_is_told_with_the_reason(
    given: dict[str, Any], says: str, code: int, autojump_clock: trio.testing.MockClock
) -> None:
    async with memory_server(build(rtcore.JWT(SECRET, ["HS256"]))) as server:
        client = await server.connect()
        await client.send({"type": "hello", "v": 1, **given})
        bye = await client.until("bye")
        assert bye["code"] == code
        assert says in bye["reason"]
        assert (await client.wait_closed()).code == code


async def test_a_refused_renewal_leaves_the_session_as_it_was(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with memory_server(build(rtcore.JWT(SECRET, ["HS256"]))) as server:
        client = await server.connect()
        await client.hello(token=token())
        for bad, says in ((token(OTHER), "signature"), (token(sub="bob"), "another user")):
            refused = await client.answer(await client.begin("auth", token=bad))
            assert refused["error"]["code"] == "UNAUTHORIZED"
            assert says in refused["error"]["message"]
        await client.ask("join", room="tea")


async def test_keys_that_are_away_are_not_the_peers_fault(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    away = False

    def keys() -> str:
        if away:
            raise LookupError("the key service is away")
        return SECRET

    async with memory_server(build(rtcore.JWT(keys, ["HS256"]))) as server:
        away = True
        client = await server.connect()
        await client.send({"type": "hello", "v": 1, "token": token()})
        assert (await client.wait_closed()).code == 1011
    assert "the key service is away" in caplog.text
