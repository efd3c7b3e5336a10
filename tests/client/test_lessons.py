"""What users of other clients complained about: each row of the table is a test by name."""

from __future__ import annotations

import trio
import trio.testing

from rtcore.client import Event, Gap, State


async def test_reconnect_is_built_in(net, autojump_clock) -> None:
    """Row 1. Not a recipe: nothing is to be written for it."""
    async with net.client() as client:
        for _ in range(10):
            await net.cut()
            assert await client.emit("count", 1, timeout=60) >= 1


async def test_after_a_return_what_was_subscribed_is_heard(net, autojump_clock) -> None:
    """Row 2. "Reconnected" with no subscription confirmed: also where the session is a new one."""
    async with net.client() as other, net.client() as client:
        hers = await other.join("tea")
        tea = aiter(await client.join("tea"))
        net.down = True
        await net.cut()
        await trio.sleep(200)
        net.down = False
        await client.ready(60)
        await other.ready(60)
        await hers.publish("say", "still there?", timeout=60)
        item = await anext(tea)
        while isinstance(item, Gap):
            item = await anext(tea)
        assert item.data == "still there?"


async def test_a_handler_may_reconnect_and_close(net, autojump_clock) -> None:
    """Row 3. From within a handler it fails elsewhere, or is forbidden."""
    async with net.client(token="ann") as client:
        tea = await client.join("tea")
        again, closed = trio.Event(), trio.Event()

        @tea.on("again")
        async def come_again(event: Event) -> None:
            client.reconnect()
            await client.ready(60)
            again.set()

        @tea.on("close")
        async def close(event: Event) -> None:
            closed.set()
            await client.close()

        await tea.publish("again", timeout=60)
        await again.wait()
        await tea.publish("close", timeout=60)
        await closed.wait()
        await trio.sleep(10)
        assert client.status.state is State.ENDED


async def test_no_request_waits_for_ever(net, app, autojump_clock) -> None:
    """Row 4. The stream of a request died: it goes again on the next, or its caller hears of it."""
    async with net.client() as client:
        sent = client.send("slow", 1)
        await trio.sleep(1)
        await net.cut()
        app.gate.set()
        assert await sent.applied == "through"


async def test_closing_ends_in_bounded_time_whatever_waits(net, autojump_clock) -> None:
    """Row 5. A hang at close: unread events, a stalled peer, or a server that closed at once."""
    began = trio.current_time()
    async with net.client() as other, net.client() as client:
        hers = await other.join("tea")
        await client.join("tea")
        for number in range(1500):
            await hers.publish("say", number)
        net.down = True
        await net.cut()
        client.send("count", 1)
    assert trio.current_time() - began < 30


async def test_a_dead_peer_is_noticed_and_a_busy_program_is_not_taken_for_dead(net, autojump_clock) -> None:
    """Row 6. Keep-alive closes a client whose loop is busy, or never notices a peer that is gone."""
    async with net.client() as client:
        session = client.session
        await trio.sleep(1000)  # nothing is said for long, and the session lives
        assert client.session == session
        assert client.status.live


async def test_transport_session_and_subscription_are_replaced_each_alone(net, autojump_clock) -> None:
    """Row 8. A room of one session outlives its transports, and a session that is gone."""
    async with net.client() as client:
        tea = await client.join("tea")
        session = client.session
        client.reconnect()
        await client.ready(60)
        assert client.session == session
        assert tea.joined
        net.down = True
        await net.cut()
        await trio.sleep(200)
        net.down = False
        await client.ready(60)
        assert client.session != session
        assert tea.joined
        await tea.publish("say", 1, timeout=60)


async def test_what_was_said_while_away_is_heard_and_the_queue_goes_out(net, app, autojump_clock) -> None:
    """Row 10. Events lost while away; no outbox, no ids."""
    async with net.client() as other, net.client() as client:
        hers = await other.join("tea")
        tea = aiter(await client.join("tea"))
        client.reconnect()
        net.down = True
        await hers.publish("say", 1)
        sent = [client.send("count", number) for number in range(10)]
        await trio.sleep(20)
        net.down = False
        assert [await each.applied for each in sent] == list(range(1, 11))
        assert app.done == list(range(10))
        assert (await anext(tea)).data == 1


async def test_an_event_stream_goes_on_where_it_broke(net, autojump_clock) -> None:
    """Row 7. Clients of event streams that begin anew at each break, and miss or repeat what was said."""
    async with net.client() as other, net.client(transport="sse") as client:
        hers = await other.join("tea")
        tea = aiter(await client.join("tea"))
        for number in range(20):
            await hers.publish("say", number, timeout=60)
            if number % 5 == 0:
                await net.cut()
        assert client.transport == "sse"
        assert [(await anext(tea)).data for _ in range(20)] == list(range(20))
