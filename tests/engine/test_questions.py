"""What the application is asked at once: bounded for a hello, an address and all, whatever is wanted."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trio.testing

import rtcore
from rtcore.testing import MemoryServer, memory_server

ROOMS = [f"r:{n}" for n in range(100)]


class Slow:
    """An application whose authorizers take as long as the test likes."""

    def __init__(self, *, authenticates: bool = False) -> None:
        self.app = rtcore.App()
        self.app.rooms("r:*", relay=True)
        self.app.rooms("open:*", relay=True)
        self.running = self.most = self.asked = 0
        self.order: list[str] = []
        self.go_on = trio.Event()

        @self.app.authorize("r:*")
        async def may(session: rtcore.Session, join: rtcore.Join) -> bool:
            self.order.append(join.room)
            await self.count()
            return True

        if authenticates:

            @self.app.authenticate
            async def who(hello: rtcore.Hello) -> rtcore.User:
                await self.count()
                return rtcore.User(hello.token or "ann", expires=2_000_000_000)

    async def count(self) -> None:
        self.running += 1
        self.asked += 1
        self.most = max(self.most, self.running)
        try:
            await self.go_on.wait()
        finally:
            self.running -= 1


async def stream_of(server: MemoryServer, rooms: list[str], address: str = "127.0.0.1") -> trio.abc.Stream:
    stream = server.stream(address=address)
    query = "&".join(f"room={room}" for room in rooms)
    await stream.send_all(f"GET /rt/sse?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await trio.testing.wait_all_tasks_blocked()
    return stream


async def test_event_streams_of_many_rooms_ask_for_a_few_at_once(autojump_clock: Any) -> None:
    """Twenty requests of one stranger were fifteen thousand tasks."""
    slow = Slow()
    async with memory_server(slow.app) as server:
        streams = [await stream_of(server, ROOMS) for _ in range(20)]
        assert slow.running == 20 * 16
        bob = await server.welcomed()
        await bob.ask("join", room="open:bob")
        slow.go_on.set()
        for stream in streams:
            head = bytes(await stream.receive_some())
            assert head.startswith(b"HTTP/1.1 200")
        assert slow.asked == 20 * len(ROOMS)
        assert set(slow.order[:16]) == set(ROOMS[:16])
        for stream in streams:
            await stream.aclose()


async def test_who_goes_while_it_is_asked_for_leaves_no_question(autojump_clock: Any) -> None:
    slow = Slow()
    async with memory_server(slow.app, limits={"questions": 100}) as server:
        for _ in range(30):
            stream = await stream_of(server, ROOMS)
            assert slow.running == 16
            await stream.aclose()
            await trio.testing.wait_all_tasks_blocked()
            assert slow.running == 0


async def test_one_address_asks_half_of_what_may_be_asked_and_another_is_heard(autojump_clock: Any) -> None:
    slow = Slow()
    async with memory_server(slow.app, limits={"questions": 100}) as server:
        streams = [await stream_of(server, ROOMS) for _ in range(10)]
        assert slow.running == 50
        refused = bytes(await streams[-1].receive_some())
        assert refused.startswith(b"HTTP/1.1 503")
        assert b"Retry-After" in refused
        other = await stream_of(server, ["r:1"], "127.0.0.2")
        assert slow.running == 51
        slow.go_on.set()
        assert bytes(await other.receive_some()).startswith(b"HTTP/1.1 200")
        for stream in (*streams, other):
            await stream.aclose()


async def test_hellos_that_wait_for_the_authenticator_are_bounded_too(autojump_clock: Any) -> None:
    slow = Slow(authenticates=True)
    async with memory_server(slow.app, limits={"questions": 10}) as server:
        streams = [await stream_of(server, ["open:a"]) for _ in range(8)]
        assert slow.running == 5
        assert bytes(await streams[-1].receive_some()).startswith(b"HTTP/1.1 503")
        for stream in streams:
            await stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        stream = await stream_of(server, ["open:a"])
        assert slow.running == 1
        slow.go_on.set()
        assert bytes(await stream.receive_some()).startswith(b"HTTP/1.1 200")
        await stream.aclose()


@pytest.mark.parametrize("at_once", [1, 16])
async def test_a_renewed_token_asks_for_a_few_rooms_at_once(autojump_clock: Any, at_once: int) -> None:
    slow = Slow(authenticates=True)
    slow.go_on.set()
    async with memory_server(slow.app, limits={"questions_at_once": at_once}) as server:
        ann = await server.welcomed(token="ann")
        for room in ROOMS[:40]:
            await ann.ask("join", room=room)
        slow.most, slow.asked, slow.go_on = 0, 0, trio.Event()
        number = await ann.begin("auth", token="ann")
        await trio.testing.wait_all_tasks_blocked()
        slow.go_on.set()
        assert "error" not in await ann.answer(number)
        assert slow.most <= at_once
        assert slow.asked == 41
