"""The contract of the WebSocket, over the gateway."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import Any

import pytest
import trio
import trio.testing

import rtcore
from rtcore.testing import HandshakeRefused, WireClient, connect_tcp
from rtcore.testing.frames import BINARY, CLOSE, TEXT, Reader, encode, read_close, upgrade
from tests.patience import PATIENCE

from .conftest import below_hypercorn, chat


async def test_hello_join_publish_ack_and_a_request() -> None:
    async with (
        below_hypercorn(rtcore.asgi(chat())) as server,
        connect_tcp("127.0.0.1", server.port) as ada,
        connect_tcp("127.0.0.1", server.port, msgpack=True) as bob,
    ):
        assert ada.subprotocol == "rtcore.v1.json"
        assert bob.subprotocol == "rtcore.v1.msgpack"
        for client in (ada, bob):
            assert (await client.hello())["transports"]
            assert (await client.ask("join", room="tea"))["count"] >= 1
        await ada.ask("publish", room="tea", event="say", data="milk?")
        assert (await bob.until("event"))["data"] == "milk?"
        assert await bob.ask("emit", event="echo", data=b"\x00\xff") == b"\x00\xff"
        refused = await ada.answer(await ada.begin("emit", event="no"))
        assert refused["error"]["code"] == "NO_TEA"


async def test_a_session_returns_and_misses_nothing() -> None:
    async with below_hypercorn(rtcore.asgi(chat())) as server, connect_tcp("127.0.0.1", server.port) as ada:
        await ada.hello()
        await ada.ask("join", room="tea")
        async with connect_tcp("127.0.0.1", server.port) as bob:
            await bob.hello()
            await bob.ask("join", room="tea")
            await bob.cut()
            for number in range(5):
                await ada.ask("publish", room="tea", event="say", data=number)
            kept = {"session": bob.session, "key": bob.key, "position": bob.position}
        async with connect_tcp("127.0.0.1", server.port) as again:
            assert (await again.hello(**kept))["resumed"]
            assert [(await again.until("event"))["data"] for _ in range(5)] == list(range(5))


async def test_a_session_that_is_taken_over_ends_on_the_old_connection() -> None:
    async with (
        below_hypercorn(rtcore.asgi(chat())) as server,
        connect_tcp("127.0.0.1", server.port) as old,
        connect_tcp("127.0.0.1", server.port) as new,
    ):
        await old.hello()
        await new.hello(session=old.session, key=old.key, position=old.position)
        assert (await old.expect("bye"))["code"] == 4500
        assert (await old.wait_closed()).code == 4500


async def test_close_codes_of_the_core_and_of_the_application() -> None:
    async with below_hypercorn(rtcore.asgi(chat(), limits={"hello_ms": 100})) as server:
        async with connect_tcp("127.0.0.1", server.port) as client:
            closed = await client.wait_closed()
            assert (closed.code, closed.reason) == (4001, "no hello came within 100 ms")
        async with connect_tcp("127.0.0.1", server.port) as client:
            await client.send({"type": "join", "room": "tea"})
            assert (await client.expect("bye"))["code"] == 4504
            assert (await client.wait_closed()).code == 4504
        async with connect_tcp("127.0.0.1", server.port) as client:
            await client.hello()
            await client.begin("emit", event="out")
            closed = await client.wait_closed()
            assert (closed.code, closed.reason) == (4503, "enough")
        async with connect_tcp("127.0.0.1", server.port) as client:
            await client.hello()
            await client.send({"type": "bye"})
            assert (await client.wait_closed()).code == 1000


async def test_big_messages_both_ways() -> None:
    async with (
        below_hypercorn(rtcore.asgi(chat())) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello()
        big = "é" * 150_000
        assert await client.ask("emit", event="echo", data=big) == big


async def test_a_message_over_the_limit_is_the_cores_to_refuse() -> None:
    async with (
        below_hypercorn(rtcore.asgi(chat())) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello()
        await client.send({"type": "emit", "id": 1, "event": "echo", "data": "x" * (2 << 20)})
        bye = await client.until("bye")
        assert bye["code"] == 1009
        assert "1048576" in bye["reason"]
        assert (await client.wait_closed()).code == 1009


async def test_a_slow_reader_lags_and_hears_everything_when_it_reads() -> None:
    """What it is owed waits in the rings, and not in the gateway: what is unsent there is bounded."""
    site = rtcore.asgi(chat(), limits={"max_message": 1 << 20})
    async with below_hypercorn(site) as server, connect_tcp("127.0.0.1", server.port) as ada:
        await ada.hello()
        await ada.ask("join", room="tea")
        stream = await trio.open_tcp_stream("127.0.0.1", server.port)
        slow = WireClient(stream)
        await slow.open()
        await slow.send({"type": "hello"}, {"type": "join", "id": 1, "room": "tea"})
        await ada.until("presence")
        count = 300
        for number in range(count):
            await ada.ask("publish", room="tea", event="say", data=[number, "x" * 100_000])
        heard: list[int] = []
        gaps = 0
        async with trio.open_nursery() as nursery:
            nursery.start_soon(slow.read)
            while not heard or heard[-1] != count - 1:
                said = await slow.receive()
                if said["type"] == "event":
                    heard.append(said["data"][0])
                gaps += said["type"] == "gap"
            nursery.cancel_scope.cancel()
        assert heard == sorted(set(heard))
        assert gaps or len(heard) == count
        assert gaps, "30 MB are more than the room's ring and the sockets' buffers hold"
        await trio.aclose_forcefully(stream)


async def test_a_client_that_is_gone_leaves_its_session_to_the_window() -> None:
    gone = trio.Event()
    app = chat()

    @app.on_disconnect
    def left(session: rtcore.Session) -> None:
        gone.set()

    limits = {"resume_ms": 300, "ping_ms": 100, "silence_ms": 200}
    async with below_hypercorn(rtcore.asgi(app, limits=limits)) as server:
        async with connect_tcp("127.0.0.1", server.port) as client:
            await client.hello()
            await client.cut()
            with trio.fail_after(PATIENCE):
                await gone.wait()
        async with connect_tcp("127.0.0.1", server.port) as client:
            await client.hello()  # and what it was served by is still there
            assert await client.ask("emit", event="echo", data=1) == 1


async def test_pings_of_the_core_are_answered_for_a_client_that_says_nothing() -> None:
    limits = {"ping_ms": 50, "silence_ms": 100}
    async with (
        below_hypercorn(rtcore.asgi(chat(), limits=limits)) as server,
        connect_tcp("127.0.0.1", server.port, answer_pings=False) as quiet,
        connect_tcp("127.0.0.1", server.port) as other,
    ):
        await quiet.hello()
        await other.hello()
        with trio.move_on_after(0.5):
            await quiet.wait_closed()
        assert quiet.closed is None
        assert await quiet.ask("emit", event="echo", data=1) == 1


async def test_a_raw_socket_with_text_and_bytes_and_its_close_code() -> None:
    async with (
        below_hypercorn(rtcore.asgi(chat())) as server,
        await trio.open_tcp_stream("127.0.0.1", server.port) as stream,
    ):
        reader = Reader(stream)
        await upgrade(stream, reader, "/raw", "localhost", {})
        for opcode, payload in ((TEXT, "grüße".encode()), (BINARY, b"\x00\xff" * 50_000), (TEXT, b"")):
            await stream.send_all(encode(opcode, payload))
            assert await message(reader) == (opcode, payload)
        await stream.send_all(encode(TEXT, b"close"))
        opcode, payload = await message(reader)
        assert opcode == CLOSE
        closed = read_close(payload)
        assert (closed.code, closed.reason) == (4321, "as told")


async def message(reader: Reader) -> tuple[int, bytes]:
    with trio.fail_after(PATIENCE):
        async with aclosing(reader.messages()) as messages:
            async for found in messages:
                return found
    raise AssertionError("the connection ended")


async def test_a_raw_socket_at_whatever_a_path_goes_on_with() -> None:
    """The gateway knew whole paths alone, and said that nothing is there."""
    app = rtcore.App()

    @app.websocket("/raw/*")
    async def where(socket: rtcore.RawSocket) -> None:
        await socket.send(socket.path)

    async with below_hypercorn(rtcore.asgi(app)) as server:
        for path, served in (("/raw/a", True), ("/raw/a/b", True), ("/raw/", False), ("/rawer", False)):
            stream = await trio.open_tcp_stream("127.0.0.1", server.port)
            reader = Reader(stream)
            async with stream:
                if served:
                    await upgrade(stream, reader, path, "localhost", {})
                    assert await message(reader) == (TEXT, path.encode())
                else:
                    with pytest.raises(HandshakeRefused):
                        await upgrade(stream, reader, path, "localhost", {})


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/rt/ws", {"Sec-WebSocket-Protocol": "unheard.of"}, 400, "INVALID_MESSAGE"),
        ("/rt/ws", {"Origin": "https://evil.example"}, 403, "FORBIDDEN_ORIGIN"),
        ("/raw", {"Origin": "null"}, 403, "FORBIDDEN_ORIGIN"),
        ("/rt/other", {}, 404, "NOT_FOUND"),
        ("/elsewhere", {}, 404, "NOT_FOUND"),
    ],
)
async def test_what_the_core_refuses_is_refused_in_its_words(
    path: str, headers: dict[str, str], status: int, code: str
) -> None:
    async with (
        below_hypercorn(rtcore.asgi(chat())) as server,
        await trio.open_tcp_stream("127.0.0.1", server.port) as stream,
    ):
        with pytest.raises(HandshakeRefused) as refused:
            await upgrade(stream, Reader(stream), path, "localhost", headers)
        assert refused.value.status == status
        assert json.loads(refused.value.body)["code"] == code


@pytest.mark.parametrize("settings", [{"hosts": ["app.example"]}, {"host": "0.0.0.0"}])
async def test_a_name_that_is_not_loopbacks_is_refused_until_it_is_allowed(settings: dict[str, Any]) -> None:
    async with (
        below_hypercorn(rtcore.asgi(chat())) as server,
        await trio.open_tcp_stream("127.0.0.1", server.port) as stream,
    ):
        with pytest.raises(HandshakeRefused, match="allow that host"):
            await upgrade(stream, Reader(stream), "/rt/ws", "app.example", {})
    async with (
        below_hypercorn(rtcore.asgi(chat(), **settings)) as server,
        await trio.open_tcp_stream("127.0.0.1", server.port) as stream,
    ):
        await upgrade(stream, Reader(stream), "/rt/ws", "app.example", {})


async def test_limits_count_those_who_come_through_the_gateway() -> None:
    limits = {"connections_per_address": 1}
    async with (
        below_hypercorn(rtcore.asgi(chat(), limits=limits)) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello()
        status, head, body = await server.get("/rt/unheard-of")
        assert (status, json.loads(body)["code"]) == (503, "OVERLOADED")
        assert "retry-after: 5" in head
        await client.close()
        await trio.testing.wait_all_tasks_blocked()
        assert (await server.get("/rt/unheard-of"))[0] == 404
