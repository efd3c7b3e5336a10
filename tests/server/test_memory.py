"""The server in memory: the same core over streams that are no sockets, on Trio's clock."""

from typing import Any

import pytest
import trio
import trio.testing

import rtcore
from rtcore.testing import Closed, memory_server
from tests.patience import PATIENCE

MINUTE = 60.0


def chat() -> rtcore.App:
    app = rtcore.App()
    app.rooms("tea", relay=True)

    @app.on("echo")
    def echo(session: rtcore.Session, data: Any) -> Any:
        return data

    @app.on("later")
    async def later(session: rtcore.Session, seconds: float) -> float:
        await trio.sleep(seconds)
        await app.room("tea").publish("late", seconds)
        return trio.current_time()

    return app


@pytest.mark.parametrize("msgpack", [False, True])
async def test_a_client_in_memory(msgpack: bool) -> None:
    async with memory_server(chat()) as server:
        client = await server.connect(msgpack=msgpack)
        welcome = await client.hello()
        assert welcome["resumed"] is False
        assert await client.ask("emit", event="echo", data=[1, "two"]) == [1, "two"]
        assert (await client.close()).code == 1000


async def test_a_message_larger_than_any_buffer() -> None:
    async with memory_server(chat()) as server:
        client = await server.welcomed()
        large = "x" * 900_000
        assert await client.ask("emit", event="echo", data=large) == large


async def test_a_dropped_connection_comes_back_and_has_missed_nothing(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with memory_server(chat()) as server:
        ada, bob = await server.welcomed(), await server.welcomed()
        await ada.ask("join", room="tea")
        await bob.ask("join", room="tea")
        await ada.ask("publish", room="tea", event="say", data=0)
        await bob.until("event", data=0)
        await bob.cut()
        for number in (1, 2, 3):
            await ada.ask("publish", room="tea", event="say", data=number)
        bob = await server.returned(bob)
        heard = [(await bob.until("event"))["data"] for _ in range(3)]
        assert heard == [1, 2, 3]
        await trio.sleep(MINUTE)
        assert [said["type"] for said in ada.heard].count("presence") == 1  # of bob's first coming


async def test_a_silent_peer_is_let_go_at_the_very_moment(autojump_clock: trio.testing.MockClock) -> None:
    limits = {"ping_ms": "20 s", "silence_ms": "10 s"}
    async with memory_server(chat(), limits=limits) as server:
        client = await server.connect(answer_pings=False)
        await client.hello()
        assert (await client.wait_closed()).code == 4001
        assert trio.current_time() == 30


async def test_a_peer_that_answers_pings_stays(autojump_clock: trio.testing.MockClock) -> None:
    async with memory_server(chat()) as server:
        client = await server.welcomed()
        await trio.sleep(60 * MINUTE)
        assert await client.ask("emit", event="echo", data="still here") == "still here"


async def test_a_session_ends_with_its_resume_window(autojump_clock: trio.testing.MockClock) -> None:
    async with memory_server(chat()) as server:
        client = await server.welcomed()
        session = client.session
        await client.cut()
        await trio.sleep(119)
        client = await server.returned(client)
        assert client.session == session
        await client.cut()
        await trio.sleep(121)
        assert (await server.returned(client)).session != session


async def test_handlers_live_on_the_same_clock(autojump_clock: trio.testing.MockClock) -> None:
    async with memory_server(chat()) as server:
        client = await server.welcomed()
        await client.ask("join", room="tea")
        request = await client.begin("emit", event="later", data=3600.0)
        await trio.sleep(3601)
        assert (await client.answer(request))["data"] == pytest.approx(3600)
        assert (await client.until("event"))["data"] == 3600.0


async def test_a_peer_that_says_no_hello_is_closed(autojump_clock: trio.testing.MockClock) -> None:
    async with memory_server(chat()) as server:
        client = await server.connect()
        assert (await client.wait_closed()).code == 4001
        assert trio.current_time() == 10


async def test_one_byte_at_a_time() -> None:
    async with memory_server(chat()) as server:
        stream = server.stream()
        head = (
            b"GET /rt/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        for byte in head:
            await stream.send_all(bytes([byte]))
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 101")
        await stream.aclose()


async def test_a_request_that_is_not_ours_goes_to_the_side_door() -> None:
    async with memory_server(chat()) as server:
        stream = server.stream()
        await stream.send_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        with trio.fail_after(PATIENCE):
            answer = b"".join([chunk async for chunk in stream])
        await stream.aclose()
        assert answer.startswith(b"HTTP/1.1 200")
        assert answer.endswith(b"ok\n")


async def test_a_server_that_ends_says_so() -> None:
    async with memory_server(chat()) as server:
        client = await server.welcomed()
        server.shut_down()
        assert (await client.until("bye"))["code"] == 4000
        assert (await client.wait_closed()).code == 4000
        with pytest.raises(Closed):
            await client.until("event")


async def test_a_test_that_waits_for_nothing_fails(autojump_clock: trio.testing.MockClock) -> None:
    async with memory_server(chat()) as server:
        client = await server.welcomed()
        with pytest.raises(AssertionError, match="no message came within 5 s"):
            await client.receive()
        with pytest.raises(AssertionError, match="was refused"):
            await client.ask("emit", event="unknown")
