"""`rtcore.Pool`: each rule of it, on a clock that jumps."""

from __future__ import annotations

import random
from typing import Any

import pytest
import trio
import trio.testing

import rtcore
from rtcore.client import ClientClosed, ConnectError, NotConnected, PoolTimeout, TokenRefused
from rtcore.testing import memory_server
from tests.client.conftest import WALL, make_app

URL = "http://localhost/rt"


@pytest.fixture
def pooled(net):
    def make(**options: Any) -> rtcore.Pool:
        return rtcore.Pool(URL, dial=net.dial, wall=net.wall, **options)

    return make


async def test_a_client_that_was_given_back_is_lent_again(pooled, autojump_clock) -> None:
    async with pooled() as pool:
        async with pool.acquire(user="ann", token="ann") as client:
            session = client.session
            assert await client.emit("count", 1) == 1
        await trio.sleep(5)
        async with pool.acquire(user="ann", token="ann") as client:
            assert client.session == session
            assert await client.emit("count", 2) == 2
        stats = pool.stats
        assert (stats.opened, stats.reused, stats.acquired) == (1, 1, 2)


async def test_no_more_than_size_connections_are_open_and_more_wait(pooled, net, autojump_clock) -> None:
    most = 0

    async def borrow(pool: rtcore.Pool) -> None:
        nonlocal most
        async with pool.acquire() as client:
            most = max(most, pool.stats.open)
            await trio.sleep(0.3)
            await client.emit("count", 1)

    async with pooled(size=3) as pool:
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(borrow, pool)
        assert most == 3
        assert pool.stats.acquired == 20
        assert pool.stats.opened == 3 == len(net.streams)
        assert pool.stats.waited > 1


async def test_who_asks_first_is_served_first(pooled, autojump_clock) -> None:
    """Also where a later one would fit the connection that came free, and the first one does not."""
    order: list[int] = []

    async def borrow(pool: rtcore.Pool, number: int) -> None:
        async with pool.acquire(user="ann" if number % 2 else "bob", token="ann" if number % 2 else "bob"):
            order.append(number)
            await trio.sleep(0.1)

    async with pooled(size=1) as pool, trio.open_nursery() as nursery:
        for number in range(8):
            nursery.start_soon(borrow, pool, number)
            await trio.testing.wait_all_tasks_blocked()
    assert order == list(range(8))


async def test_who_waits_too_long_hears_how_many_are_lent(pooled, autojump_clock) -> None:
    async with pooled(size=1) as pool:
        async with pool.acquire():
            began = trio.current_time()
            with pytest.raises(PoolTimeout, match="within 5 s: 1 of 1 connections are in use"):
                async with pool.acquire():
                    raise AssertionError
            assert trio.current_time() - began == pytest.approx(5)
        async with pool.acquire():
            assert pool.stats.timeouts == 1


async def test_a_server_that_is_away_ends_an_acquire_in_the_same_time(pooled, net, autojump_clock) -> None:
    net.down = True
    async with pooled() as pool:
        with pytest.raises(ConnectError, match="network is down"):
            async with pool.acquire():
                raise AssertionError
        assert trio.current_time() < 8
        net.down = False
        async with pool.acquire():
            assert pool.stats.failed == 1
            assert pool.stats.open == 1


async def test_a_refused_token_is_raised_where_the_client_was_asked_for(pooled, autojump_clock) -> None:
    async with pooled() as pool:
        with pytest.raises(TokenRefused):
            async with pool.acquire(token="4711"):
                raise AssertionError
        async with pool.acquire(token="ann"):
            assert pool.stats.open == 1


async def test_a_client_is_lent_to_its_own_user_alone(pooled, autojump_clock) -> None:
    async with pooled() as pool:
        async with pool.acquire(user="ann", token="ann") as client:
            hers = client.session
        async with pool.acquire(user="bob", token="bob") as client:
            assert client.user == "bob"
            assert client.session != hers
        async with pool.acquire() as client:
            assert client.user is None
        async with pool.acquire(user="ann", token="bob") as client:
            assert client.user == "bob", "the same name with another token is another client"


async def test_a_client_is_lent_for_the_same_options_alone(pooled, autojump_clock) -> None:
    async with pooled() as pool:
        async with pool.acquire(headers={"X-A": "1", "X-B": "2"}) as client:
            session = client.session
        async with pool.acquire(headers={"X-A": "2", "X-B": "2"}) as client:
            assert client.session != session
        async with pool.acquire(headers={"X-B": "2", "X-A": "1"}) as client:
            assert client.session == session
        async with pool.acquire(transport="polling") as client:
            assert client.transport == "polling"


async def test_each_server_has_a_bound_of_its_own(net, autojump_clock) -> None:
    async with (
        memory_server(make_app()) as other,
        rtcore.Pool(URL, size=1, wall=lambda: WALL) as pool,
        pool.acquire(dial=net.dial),
        pool.acquire("http://127.0.0.1/rt", dial=_to(other)) as client,
    ):
        assert await client.emit("count", 1) == 1
        assert pool.stats.open == 2


def _to(server):
    async def dial(_: Any):
        await trio.lowlevel.checkpoint()
        return server.stream()

    return dial


async def test_an_idle_client_of_another_user_makes_room(pooled, autojump_clock) -> None:
    async with pooled(size=2) as pool:
        for name in ("ann", "bob", "cat", "dan"):
            async with pool.acquire(token=name) as client:
                assert client.user == name
            await trio.sleep(0.1)
        assert pool.stats.closed == {"room": 2}
        assert pool.stats.open == 2


async def test_who_was_idle_too_long_or_is_too_old_is_closed(pooled, autojump_clock) -> None:
    async with pooled(idle=60, lifetime=100) as pool:
        async with pool.acquire():
            pass
        await trio.sleep(59)
        assert pool.stats.idle == 1
        async with pool.acquire():
            pass
        await trio.sleep(30)
        assert pool.stats.idle == 1
        await trio.sleep(15)
        assert (pool.stats.open, pool.stats.closed) == (0, {"lifetime": 1})
        async with pool.acquire():
            pass
        await trio.sleep(65)
        assert (pool.stats.open, pool.stats.closed) == (0, {"lifetime": 1, "idle": 1})


async def test_one_that_grew_old_while_it_was_lent_is_not_lent_again(pooled, autojump_clock) -> None:
    async with pooled(lifetime=100) as pool:
        async with pool.acquire() as client:
            await trio.sleep(200)
            assert await client.emit("count", 1) == 1
        await trio.sleep(1)
        assert pool.stats.open == 0
        async with pool.acquire():
            assert pool.stats.opened == 2


async def test_a_dead_connection_is_found_out_before_it_is_lent(pooled, net, autojump_clock) -> None:
    """A half-open peer: nothing says that it is gone. Who asks gets another, and keeps his place."""
    async with pooled(size=1) as pool:
        async with pool.acquire() as client:
            dead = client.session
        await trio.sleep(5)
        for stream in net.streams:
            stream.send_stream.send_all_hook = None
            stream.send_stream = _Nowhere()
        async with pool.acquire() as client:
            assert client.session != dead
        assert pool.stats.closed == {"unhealthy": 1}


class _Nowhere(trio.abc.SendStream):
    async def send_all(self, data) -> None:
        await trio.lowlevel.checkpoint()

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


async def test_an_idle_client_that_lost_its_connection_is_let_go(pooled, net, autojump_clock) -> None:
    async with pooled() as pool:
        async with pool.acquire():
            pass
        await trio.sleep(1)
        net.down = True
        await net.cut()
        await trio.sleep(5)
        assert pool.stats.closed == {"lost": 1}
        net.down = False
        async with pool.acquire():
            assert pool.stats.open == 1


async def test_it_comes_back_clean(pooled, app, autojump_clock) -> None:
    """Rooms, handlers, answers and streams of one borrower are none of the next one's."""
    async with pooled() as pool:
        heard: list[Any] = []
        async with pool.acquire(token="ann") as client:
            session = client.session
            tea = await client.join("tea")
            client.on("note")(heard.append)
            client.answer("sure?")(lambda _: "yes")
            events = aiter(tea)
            stream = client.stream("answer", {"count": 10_000})
            assert await anext(stream) == 0
        await trio.sleep(1)
        assert app.room("tea").members() == []
        with pytest.raises(ClientClosed):
            async for _ in stream:
                pass
        with pytest.raises(StopAsyncIteration):
            await anext(events)
        async with pool.acquire(token="ann") as client:
            assert client.session == session
            assert await client.emit("ask", "sure?") == "NOT_FOUND"
            await app.user("ann").publish("note", 1)
            await trio.sleep(1)
        assert heard == []


async def test_what_was_given_back_can_be_used_no_longer(pooled, autojump_clock) -> None:
    """Also while the next borrower has the same connection."""
    async with pooled() as pool:
        async with pool.acquire() as old:
            tea = await old.join("tea")
        await trio.sleep(1)
        async with pool.acquire() as client:
            assert client.session == old.session
            for call in (
                lambda: old.emit("count", 1),
                lambda: old.join("tea"),
                lambda: tea.publish("say", 1),
                lambda: tea.history(),
                lambda: anext(old.stream("answer", {"count": 1})),
            ):
                with pytest.raises(ClientClosed, match="given back"):
                    await call()
            with pytest.raises(ClientClosed, match="given back"):
                old.send("count", 1)
            with pytest.raises(ClientClosed, match="given back"):
                old.on("note")


async def test_with_a_request_unanswered_it_is_closed(pooled, app, autojump_clock) -> None:
    async with pooled() as pool:
        async with pool.acquire() as client:
            sent = client.send("slow", 1)
            await trio.sleep(1)
            session = client.session
        await trio.sleep(1)
        app.gate.set()
        assert await sent.applied == "through", "what was written is waited for, within the grace of close"
        await trio.sleep(1)
        assert pool.stats.closed == {"unclean": 1}
        async with pool.acquire() as client:
            assert client.session != session


async def test_a_borrower_may_close_it(pooled, autojump_clock) -> None:
    async with pooled(size=1) as pool:
        async with pool.acquire() as client:
            await client.close()
        async with pool.acquire() as client:
            assert await client.emit("count", 1) == 1
        assert pool.stats.closed == {"ended": 1}


async def test_a_borrower_that_fails_gives_it_back(pooled, autojump_clock) -> None:
    async with pooled(size=1) as pool:
        with pytest.raises(ValueError, match="mine"):
            async with pool.acquire():
                raise ValueError("mine")
        async with pool.acquire():
            assert pool.stats.reused == 1


@pytest.mark.parametrize("seed", range(20))
async def test_cancelled_at_any_moment_it_leaks_no_slot(pooled, net, seed, autojump_clock) -> None:
    """While waiting, opening, being looked at, in use, or given back: afterwards all slots are there."""
    dice = random.Random(seed)

    async def borrow(pool: rtcore.Pool) -> None:
        with trio.move_on_after(dice.choice([0, 0.01, 0.1, 1, 3])):
            await trio.sleep(dice.uniform(0, 3))
            name = dice.choice(["ann", "bob", None])
            try:
                async with pool.acquire(token=name) as client:
                    if dice.random() < 0.5:
                        await client.join("tea")
                    await client.emit("count", 1)
                    await trio.sleep(dice.uniform(0, 1))
            except (PoolTimeout, NotConnected):
                pass

    async with pooled(size=3, idle=2) as pool:
        for _ in range(3):
            async with trio.open_nursery() as nursery:
                for _ in range(30):
                    nursery.start_soon(borrow, pool)
            await net.cut()
        await trio.sleep(30)
        stats = pool.stats
        assert (stats.open, stats.lent, stats.idle, stats.waiting) == (0, 0, 0, 0)
        async with pool.acquire(), pool.acquire(), pool.acquire():
            assert pool.stats.lent == 3
        assert all(place.count <= 3 for place in pool._places.values())


async def test_it_ends_in_bounded_time_and_takes_all_with_it(pooled, net, autojump_clock) -> None:
    async def wait(pool: rtcore.Pool) -> None:
        with pytest.raises(ClientClosed, match="pool is closed"):
            async with pool.acquire():
                raise AssertionError

    async def hold(pool: rtcore.Pool) -> None:
        async with pool.acquire() as client:
            await trio.sleep(30)
            with pytest.raises(ClientClosed):
                await client.emit("count", 1)

    async with trio.open_nursery() as nursery:
        began = trio.current_time()
        async with pooled(size=1) as pool:
            nursery.start_soon(hold, pool)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(wait, pool)
            await trio.sleep(1)
        assert trio.current_time() - began < 10
        with pytest.raises(ClientClosed):
            async with pool.acquire():
                pass


async def test_what_its_block_raises_goes_on_as_it_is(pooled, autojump_clock) -> None:
    with pytest.raises(ValueError, match="mine"):
        async with pooled() as pool, pool.acquire():
            raise ValueError("mine")


async def test_wrong_use_says_what_is_wrong(pooled, autojump_clock) -> None:
    with pytest.raises(rtcore.UsageError, match="a whole number from 1 on; not 0"):
        pooled(size=0)
    with pytest.raises(rtcore.UsageError, match="no use for outbox="):
        pooled(outbox=rtcore.Outbox("x.db"))
    with pytest.raises(rtcore.UsageError, match="within its block"):
        async with pooled().acquire():
            pass
    async with pooled() as pool:
        with pytest.raises(rtcore.UsageError, match="entered once"):
            await pool.__aenter__()
