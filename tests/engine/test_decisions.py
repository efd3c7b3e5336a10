"""Who a peer is: the authenticator's answers and errors, tokens that end and are renewed."""

from __future__ import annotations

from typing import Any

import pytest
import trio

import rtcore
from rtcore.testing import Closed, memory_server


def deciding(kind: str) -> rtcore.App:
    app = rtcore.App()

    def decide(hello: rtcore.Hello) -> Any:
        match hello.token:
            case None:
                return rtcore.ANONYMOUS
            case "nobody":
                return None
            case "forbidden":
                raise rtcore.Refuse("FORBIDDEN", "you are banned")
            case "full":
                raise rtcore.Refuse("OVERLOADED", "too many of you")
            case "raise":
                raise LookupError("secret")
            case "nonsense":
                return "a text"
        return rtcore.User(hello.token)

    if kind == "plain":
        app.authenticate(decide)
    else:

        @app.authenticate
        async def who(hello: rtcore.Hello) -> Any:
            await trio.sleep(0.1)
            return decide(hello)

    return app


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
async def test_answers(kind: str, autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture) -> None:
    async with memory_server(deciding(kind)) as server:
        client = await server.connect()
        assert (await client.hello(token="ada"))["user"] == "ada"
        client = await server.connect()
        assert (await client.hello()).get("user") is None
        codes = {}
        for token in ("nobody", "forbidden", "full", "raise", "nonsense"):
            client = await server.connect()
            await client.send({"type": "hello", "v": 1, "token": token})
            codes[token] = (await client.wait_closed()).code
        assert codes == {"nobody": 4501, "forbidden": 4502, "full": 4003, "raise": 1011, "nonsense": 1011}
    assert "secret" in caplog.text


async def test_the_hello_says_where_it_comes_from(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    hellos: list[rtcore.Hello] = []

    @app.authenticate
    def who(hello: rtcore.Hello) -> rtcore.User:
        hellos.append(hello)
        return rtcore.ANONYMOUS

    async with memory_server(app) as server:
        client = await server.connect(address="10.0.0.7")
        await client.hello(token="t", client="test/1")
    assert (hellos[0].token, hellos[0].client, hellos[0].address) == ("t", "test/1", "10.0.0.7")
    assert not hellos[0].secure
    assert hellos[0].session is None


async def test_an_authenticator_that_takes_too_long_is_cancelled(autojump_clock: trio.abc.Clock) -> None:
    """Peers that never wait for their answer must not collect tasks here."""
    app = rtcore.App()
    cancelled = trio.Event()

    @app.authenticate
    async def who(hello: rtcore.Hello) -> rtcore.User:
        try:
            await trio.sleep_forever()
        finally:
            cancelled.set()

    async with memory_server(app) as server:
        client = await server.connect()
        await client.send({"type": "hello", "v": 1})
        with trio.fail_after(15):
            await cancelled.wait()
            assert isinstance(await client.wait_closed(), Closed)


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
async def test_a_token_is_renewed(kind: str, autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    hellos: list[rtcore.Hello] = []

    def decide(hello: rtcore.Hello) -> rtcore.User | None:
        hellos.append(hello)
        if hello.token == "bad":
            return None
        return rtcore.User("ada", expires=2_000_000_000 + len(hellos))

    if kind == "plain":
        app.authenticate(decide)
    else:

        @app.authenticate
        async def who(hello: rtcore.Hello) -> rtcore.User | None:
            await trio.sleep(0.1)
            return decide(hello)

    async with memory_server(app) as server:
        client = await server.connect()
        welcome = await client.hello(token="good")
        renewed = await client.ask("auth", token="better")
        assert renewed["expires"] > welcome["expires"]
        assert hellos[1].session is app.sessions[0]
        assert app.sessions[0].expires == renewed["expires"] / 1000
        assert app.sessions[0].user == "ada"
        refused = await client.answer(await client.begin("auth", token="bad"))
        assert refused["error"]["code"] == "UNAUTHORIZED"


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
async def test_what_stands_behind_the_hello_in_its_frame_is_done(
    kind: str, autojump_clock: trio.abc.Clock
) -> None:
    """It waited for the word of the application, and then for bytes that never came."""
    app = deciding(kind)
    app.rooms("tea")
    async with memory_server(app) as server:
        client = await server.connect()
        await client.send({"type": "hello", "v": 1, "token": "ada"}, {"type": "join", "id": 1, "room": "tea"})
        welcome = await client.until("welcome")
        assert "error" not in await client.answer(1)
        again = await server.connect()
        kept = {"session": welcome["session"], "key": welcome["key"]}
        await again.send(
            {"type": "hello", "v": 1, "token": "ada", **kept}, {"type": "leave", "id": 2, "room": "tea"}
        )
        assert "error" not in await again.answer(2)
