"""Raw sockets: messages as they come, to a coroutine or to a plain function."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trio

import rtcore
from rtcore.testing import Closed, MemoryServer, memory_server
from rtcore.testing.frames import BINARY, CLOSE, TEXT, Reader, close_payload, encode, read_close, upgrade


class Peer:
    """A bare WebSocket client."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.reader = Reader(stream)

    async def say(self, *messages: str | bytes) -> None:
        frames = [
            encode(TEXT, each.encode()) if isinstance(each, str) else encode(BINARY, each)
            for each in messages
        ]
        await self.stream.send_all(b"".join(frames))

    async def hear(self) -> str | bytes:
        with trio.fail_after(5):
            _, opcode, payload = await self.reader.frame()
        if opcode == CLOSE:
            raise read_close(payload)
        return payload.decode() if opcode == TEXT else payload


@asynccontextmanager
async def connected(
    server: MemoryServer, path: str, stream: trio.abc.Stream | None = None
) -> AsyncIterator[Peer]:
    peer = Peer(stream or server.stream())
    await upgrade(peer.stream, peer.reader, path, "localhost", {"X-Mark": "Yes"})
    yield peer
    await trio.aclose_forcefully(peer.stream)


def echoing() -> rtcore.App:
    app = rtcore.App()

    @app.websocket("/raw")
    async def raw(socket: rtcore.RawSocket) -> None:
        async for message in socket:
            await socket.send(message)

    @app.websocket("/raw-plain")
    def plain(socket: rtcore.RawSocket, message: str | bytes) -> None:
        socket.send_nowait(message)

    return app


@pytest.mark.parametrize("path", ["/raw", "/raw-plain"])
async def test_echo(path: str, autojump_clock: trio.abc.Clock) -> None:
    async with memory_server(echoing()) as server, connected(server, path) as peer:
        for message in ("text", b"\x00\xff", "", "ä" * 1000):
            await peer.say(message)
            assert await peer.hear() == message
        burst = [f"message {n}" for n in range(300)]
        await peer.say(*burst)
        assert [await peer.hear() for _ in burst] == burst
        await peer.stream.send_all(encode(CLOSE, close_payload(1000)))
        with pytest.raises(Closed) as closed:
            await peer.hear()
        assert closed.value.code == 1000


async def test_what_is_known_of_a_socket_and_how_it_ends(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()
    over = trio.Event()
    sockets: list[rtcore.RawSocket] = []

    @app.websocket("/raw")
    async def raw(socket: rtcore.RawSocket) -> None:
        sockets.append(socket)
        heard = [message async for message in socket]
        assert heard == ["a", "b"]
        with pytest.raises(rtcore.SocketClosed) as closed:
            await socket.receive()
        assert closed.value.close == 4321
        with pytest.raises(rtcore.SocketClosed):
            await socket.send("late")
        await socket.close()
        over.set()

    async with memory_server(app) as server, connected(server, "/raw?room=tea") as peer:
        await peer.say("a", "b")
        await peer.stream.send_all(encode(CLOSE, close_payload(4321, "done")))
        with trio.fail_after(5):
            await over.wait()
    (socket,) = sockets
    assert (socket.path, socket.query, socket.address) == ("/raw", "room=tea", "127.0.0.1")
    assert (b"x-mark", b"Yes") in socket.headers
    assert (socket.close_code, socket.close_reason) == (4321, "done")


async def test_a_socket_is_closed_when_its_function_returns(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()

    @app.websocket("/once")
    async def once(socket: rtcore.RawSocket) -> None:
        await socket.send(await socket.receive())

    @app.websocket("/code")
    async def code(socket: rtcore.RawSocket) -> None:
        with pytest.raises(rtcore.UsageError):
            await socket.close(1005)
        await socket.close(4001, "why")

    async with memory_server(app) as server:
        async with connected(server, "/once") as peer:
            await peer.say("x")
            assert await peer.hear() == "x"
            with pytest.raises(Closed) as closed:
                await peer.hear()
            assert closed.value.code == 1000
        async with connected(server, "/code") as peer:
            with pytest.raises(Closed) as closed:
                await peer.hear()
            assert (closed.value.code, closed.value.reason) == (4001, "why")


@pytest.mark.parametrize("path", ["/coroutine", "/plain"])
async def test_an_exception_closes_its_socket_and_no_other(
    path: str, autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    app = echoing()

    @app.websocket("/coroutine")
    async def coroutine(socket: rtcore.RawSocket) -> None:
        await socket.receive()
        raise LookupError("mine")

    @app.websocket("/plain")
    def plain(socket: rtcore.RawSocket, message: str | bytes) -> None:
        raise LookupError("mine")

    async with memory_server(app) as server, connected(server, "/raw") as other:
        async with connected(server, path) as peer:
            await peer.say("x")
            with pytest.raises(Closed) as closed:
                await peer.hear()
            assert closed.value.code == 1011
        await other.say("still here")
        assert await other.hear() == "still here"
    assert "LookupError" in caplog.text


async def test_messages_wait_while_the_task_does_something_else(autojump_clock: trio.abc.Clock) -> None:
    """A peer that sends faster than the application reads is held back, and loses nothing."""
    app = rtcore.App()
    heard: list[str | bytes] = []

    @app.websocket("/slow")
    async def slow(socket: rtcore.RawSocket) -> None:
        async for message in socket:
            heard.append(message)
            await trio.sleep(0.01)

    async with memory_server(app) as server, connected(server, "/slow") as peer:
        burst = [f"{n}:{'x' * 1000}" for n in range(500)]
        await peer.say(*burst)
        await trio.sleep(0.005)
        waiting = [socket for socket, _ in server.runtime._raws.values()]
        assert all(len(socket._waiting or ()) <= 200 for socket in waiting)
        await trio.sleep(20)
        assert heard == burst


async def test_send_waits_for_a_peer_that_does_not_read(
    autojump_clock: trio.abc.Clock, narrow: Callable[[MemoryServer], trio.abc.Stream]
) -> None:
    app = rtcore.App()
    sent = 0
    over = trio.Event()

    @app.websocket("/pour")
    async def pour(socket: rtcore.RawSocket) -> None:
        nonlocal sent
        for _ in range(300):
            await socket.send(b"x" * 1000)
            sent += 1
        over.set()

    async with (
        memory_server(app, limits={"session_high": 10_000, "session_low": 1_000}) as server,
        connected(server, "/pour", narrow(server)) as peer,
    ):
        await trio.sleep(1)
        held = sent
        assert held < 300
        await trio.sleep(10)
        assert sent == held
        for _ in range(300):
            assert await peer.hear() == b"x" * 1000
        with trio.fail_after(5):
            await over.wait()


@pytest.mark.parametrize("path", ["/raw", "/raw-plain"])
async def test_large_messages_come_back_as_they_were(path: str, autojump_clock: trio.abc.Clock) -> None:
    """They leave from where they lie: whatever the size of the head, whatever the text is in memory."""
    async with memory_server(echoing()) as server, connected(server, path) as peer:
        for size in (16_383, 16_384, 65_535, 65_536, 500_000):
            for message in (
                "x" * size,
                bytes(range(256)) * (size // 256),
                "ä" * (size // 2),
                "\N{GRINNING FACE}" * (size // 4),
            ):
                await peer.say("before", message, "behind")
                assert [await peer.hear() for _ in range(3)] == ["before", message, "behind"]


async def test_a_large_message_is_let_go_of_when_it_has_left_or_its_peer_has(
    autojump_clock: trio.abc.Clock, narrow: Callable[[MemoryServer], trio.abc.Stream]
) -> None:
    app = rtcore.App()
    messages = [bytes([n]) * 100_000 for n in range(5)]
    alone = [sys.getrefcount(message) for message in messages]
    sockets: list[rtcore.RawSocket] = []

    @app.websocket("/pour")
    async def pour(socket: rtcore.RawSocket) -> None:
        sockets.append(socket)
        for index in range(len(messages)):
            socket.send_nowait(messages[index])
        await trio.sleep_forever()

    async with memory_server(app) as server, connected(server, "/pour", narrow(server)) as peer:
        await trio.sleep(1)
        assert [sys.getrefcount(message) for message in messages][1:] != alone[1:], "lent, and not copied"
        assert [await peer.hear() for _ in range(3)] == messages[:3]
        await trio.sleep(1)
        assert [sys.getrefcount(message) for message in messages][:3] == alone[:3], "they have left"
        await trio.aclose_forcefully(peer.stream)
        await trio.sleep(1)
        assert [sys.getrefcount(message) for message in messages] == alone, "and nobody wants the others"


async def test_a_child_task_may_iterate(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()

    @app.websocket("/child")
    async def child(socket: rtcore.RawSocket) -> None:
        async def read() -> None:
            async for message in socket:
                await socket.send(message)
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await trio.sleep(0.1)
            with pytest.raises(trio.BusyResourceError):
                await socket.receive()
            await trio.sleep_forever()

    async with memory_server(app) as server, connected(server, "/child") as peer:
        await trio.sleep(1)
        await peer.say("a", "b", "c")
        assert [await peer.hear() for _ in range(3)] == ["a", "b", "c"]


async def test_only_text_and_bytes_are_messages(autojump_clock: trio.abc.Clock) -> None:
    app = rtcore.App()

    @app.websocket("/kinds")
    async def kinds(socket: rtcore.RawSocket) -> None:
        await socket.send(bytearray(b"a"))  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="dict"):
            await socket.send({})  # type: ignore[arg-type]
        await socket.send("done")

    async with memory_server(app) as server, connected(server, "/kinds") as peer:
        assert await peer.hear() == b"a"
        assert await peer.hear() == "done"
