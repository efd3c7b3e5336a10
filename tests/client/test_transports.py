"""The same client over each transport: what it hears, says and survives is the same."""

from __future__ import annotations

import pytest
import trio

from rtcore.client import NotRtcore, State

TRANSPORTS = ["websocket", "sse", "polling", "trio-websocket"]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_it_joins_says_and_hears(net, transport, autojump_clock) -> None:
    async with net.client(transport=transport) as client:
        tea = await client.join("tea")
        reply = await client.emit("chat:message", {"room": "tea", "text": "hello"})
        event = await anext(aiter(tea))
        assert reply["id"].endswith(f".{event.seq}")
        assert client.transport == transport
        assert [item async for item in client.stream("answer", {"count": 200})] == list(range(200))


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_what_was_missed_while_away_is_heard_once_and_in_order(net, transport, autojump_clock) -> None:
    async with net.client() as other, net.client(transport=transport) as client:
        hers = await other.join("tea")
        tea = aiter(await client.join("tea"))
        session = client.session
        for number in range(6):
            await net.cut() if number in (2, 4) else None
            await hers.publish("say", number, timeout=60)
        assert [(await anext(tea)).data for _ in range(6)] == list(range(6))
        assert client.session == session


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_request_is_done_once_though_its_connection_breaks(
    net, app, transport, autojump_clock
) -> None:
    async with net.client(transport=transport) as client:
        async with trio.open_nursery() as nursery:
            results = []

            async def say(number: int) -> None:
                results.append(await client.emit("count", number, timeout=60))

            for number in range(20):
                nursery.start_soon(say, number)
                if number % 5 == 0:
                    await trio.testing.wait_all_tasks_blocked()
                    await net.cut()
        assert sorted(app.done) == list(range(20))
        assert sorted(results) == list(range(1, 21))


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_handler_that_takes_long_is_answered_over_a_cut(net, app, transport, autojump_clock) -> None:
    async with net.client(transport=transport) as client:
        sent = client.send("slow", 1)
        await trio.sleep(3)
        await net.cut()
        await trio.sleep(3)
        app.gate.set()
        assert await sent.applied == "through"
        assert app.done == [1]


async def test_a_server_that_takes_no_websocket_is_spoken_to_by_event_stream(net, autojump_clock) -> None:
    """A proxy strips `Upgrade`: the next transport is tried at once."""

    async def without_upgrade(target):
        stream = await net.dial(target)
        return Without(stream)

    class Without(trio.abc.Stream):
        def __init__(self, stream) -> None:
            self.stream = stream

        async def send_all(self, data: bytes) -> None:
            lines = bytes(data).split(b"\r\n")
            kept = [
                line for line in lines if not line.lower().startswith((b"upgrade:", b"connection: upgrade"))
            ]
            await self.stream.send_all(b"\r\n".join(kept))

        async def wait_send_all_might_not_block(self) -> None:
            await self.stream.wait_send_all_might_not_block()

        async def receive_some(self, max_bytes: int | None = None) -> bytes:
            return await self.stream.receive_some(max_bytes)

        async def aclose(self) -> None:
            await self.stream.aclose()

    from rtcore.client import connect

    async with connect("http://localhost/rt", dial=without_upgrade, seed=1) as client:
        assert client.transport == "sse"
        assert await client.emit("count", 1) == 1


async def test_who_is_no_rtcore_server_is_said_to_be_none(net, autojump_clock) -> None:
    from rtcore.client import connect

    async def page(_):
        ours, theirs = trio.testing.memory_stream_pair()

        async def answer() -> None:
            await theirs.receive_some(65536)
            await theirs.send_all(
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
            )
            await theirs.aclose()

        nursery.start_soon(answer)
        return ours

    async with trio.open_nursery() as nursery:
        with pytest.raises(NotRtcore, match="no rtcore server"):
            async with connect("http://localhost/", dial=page, seed=1):
                pass


async def test_a_client_is_live_only_when_each_room_is_confirmed(net, autojump_clock) -> None:
    """Lessons 4, row 2: "reconnected", and no subscription confirmed."""
    async with net.client() as client:
        room = await client.join("tea")
        states = []
        async with trio.open_nursery() as nursery:

            async def watch() -> None:
                async for status in client.changes():
                    states.append(status.state)
                    if status.live:
                        assert room.joined
                    if len(states) > 3 and status.live:
                        nursery.cancel_scope.cancel()

            nursery.start_soon(watch)
            await trio.testing.wait_all_tasks_blocked()
            await net.cut()
        assert states[0] is State.LIVE
        assert states[-1] is State.LIVE
