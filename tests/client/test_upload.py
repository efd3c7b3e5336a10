"""Streams up: with credit, over cuts, and whatever ends them."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from rtcore.client import Rejected, State, StreamLost, TooLarge
from rtcore.client.request import Request
from rtcore.client.uploads import UploadState
from rtcore.testing import memory_server
from tests.client.conftest import Net
from tests.client.hand import Hand

TRANSPORTS = ["websocket", "sse", "polling"]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_items_go_up_in_order_and_the_result_comes_back(net, transport, autojump_clock) -> None:
    async with net.client(transport=transport) as client:
        assert await client.upload("upload", range(300)) == list(range(300))
        assert await client.upload("upload", [], "none") == []


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_it_goes_on_over_cuts_and_no_item_is_lost_or_twice(net, transport, autojump_clock) -> None:
    async def items():
        for number in range(60):
            if number % 13 == 7:
                await net.cut()
            yield number

    async with net.client(transport=transport) as client:
        assert await client.upload("upload", items(), "slow") == list(range(60))


async def test_no_more_is_asked_for_than_the_credit_allows(net, autojump_clock) -> None:
    """A slow handler makes a client that waits: what it has not taken is not in our memory either."""
    given = 0

    async def items():
        nonlocal given
        for number in range(1000):
            given = number
            yield number

    async with net.client() as client, trio.open_nursery() as nursery:
        nursery.start_soon(client.upload, "upload", items(), "slow")
        await trio.sleep(20.5)
        assert given <= 20 + 64 + 2
        nursery.cancel_scope.cancel()


async def test_a_handler_that_has_enough_ends_it(net, autojump_clock) -> None:
    async def items():
        yield 1
        yield "enough"
        await trio.sleep(1)
        while True:
            yield 2

    async with net.client() as client:
        assert await client.upload("upload", items()) == [1, "enough"]


async def test_it_is_told_at_once_that_it_is_over_though_no_item_comes(net, autojump_clock) -> None:
    """Before, it heard of it at the next item: an hour later."""
    closed = []

    async def items():
        try:
            yield 1
            yield "enough"
            await trio.sleep(3600)
            yield 2
        finally:
            closed.append(trio.current_time())

    async with net.client() as client:
        begun = trio.current_time()
        assert await client.upload("upload", items()) == [1, "enough"]
        assert closed == [trio.current_time()]
        assert trio.current_time() - begun < 60


async def test_what_the_application_refuses_is_raised_and_what_it_does_not_know(net, autojump_clock) -> None:
    async with net.client() as client:
        with pytest.raises(Rejected) as refused:
            await client.upload("upload", [1, 2], "no")
        assert refused.value.code == "NO"
        with pytest.raises(Rejected) as unknown:
            await client.upload("nothing", [1, 2])
        assert unknown.value.code == "NOT_FOUND"


async def test_what_the_items_raise_is_raised_and_the_stream_is_cancelled(net, autojump_clock) -> None:
    closed = []

    async def items():
        try:
            yield 1
            raise KeyError("mine")
        finally:
            closed.append(True)

    async with net.client() as client:
        with pytest.raises(KeyError):
            await client.upload("upload", items())
        assert closed
        assert await client.upload("upload", [3]) == [3]


async def test_an_item_over_the_limit_is_not_sent_and_the_connection_lives(net, autojump_clock) -> None:
    async with net.client() as client:
        session = client.session
        with pytest.raises(TooLarge):
            await client.upload("upload", [1, "x" * (2 << 20)])
        assert await client.upload("upload", [3]) == [3]
        assert client.session == session


async def test_it_ends_where_the_session_is_another(net, autojump_clock) -> None:
    async def items():
        yield 1
        net.down = True
        await net.cut()
        await trio.sleep(200)  # the resume window is over
        net.down = False
        while True:
            await trio.sleep(1)
            yield 2

    async with net.client() as client:
        with pytest.raises(StreamLost):
            await client.upload("upload", items())


@given(st.lists(st.integers(1, 8), min_size=1, max_size=30), st.data())
def test_whatever_the_server_may_ask_for_again_is_still_there(raises, data) -> None:
    """Law: of all that was said, what the credit has not passed by its window can be said once more."""
    state = UploadState()
    state.request = Request("n", "open", {})
    state.request.id = 6
    credit = 0
    for raise_by in raises:
        credit += raise_by
        state.grant(credit)
        while state.may and data.draw(st.booleans()):
            state.add(state.count)  # type: ignore[arg-type]
        taken = data.draw(st.integers(max(0, credit - raises[0]), max(credit - raises[0], state.count)))
        wanted = min(taken, state.count)
        assert [said["n"] for said in state.again(wanted)] == list(range(wanted, state.count))
        assert state.count <= credit


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_items_keep_to_the_servers_pace_also_over_a_cut(app, transport, autojump_clock) -> None:
    """*4004, back, the window of items again in one burst, 4004: until the stream is lost.*"""
    async with memory_server(app, limits={"messages_per_second": 5}) as server:
        net = Net(server)

        async def items():
            for number in range(100):
                if number == 50:
                    await net.cut()
                yield number

        async with net.client(transport=transport) as client:
            began = trio.current_time()
            assert await client.upload("upload", items()) == list(range(100))
            assert trio.current_time() - began >= 15
            recorded = client._machine.track.recorded
            assert len([each for each in recorded if each[3] is State.WAITING]) == 1, (
                "the one cut, and no 4004"
            )


def test_what_is_said_again_after_a_return_keeps_to_the_pace_and_goes_before_anything_new() -> None:
    """*256 requests in flight at a limit of 10: each return is a burst, and ends with 4004.*"""
    hand = Hand().welcome(limits={"messages_per_second": 10})
    for number in range(9):
        hand.emit(number)
    hand.clock.time += 1
    hand.machine.advance()
    for number in range(9, 18):
        hand.emit(number)
    hand.cut()
    before = len(hand.said)
    hand.welcome(resumed=True, taken=18, limits={"messages_per_second": 10})
    hand.emit("new")
    ids: list[int] = []
    for _ in range(40):
        ids = [said["id"] for said in hand.said[before:] if said["type"] == "emit"]
        assert len(ids) <= 10 + 10 * (hand.clock.time - hand.machine.track.recorded[-1][0]) + 1
        hand.clock.time += 0.1
        hand.machine.advance()
        hand.pump()
    assert ids == list(range(1, 20))


def test_what_has_its_answer_before_its_turn_is_not_said_again() -> None:
    hand = Hand().welcome(limits={"messages_per_second": 2})
    first = [hand.emit(number) for number in range(2)]
    hand.cut()
    before = len(hand.said)
    hand.clock.time += 100
    hand.welcome(resumed=True, taken=2, limits={"messages_per_second": 1})
    hand.tell({"type": "ack", "id": first[1].id, "data": 1})
    hand.clock.time += 5
    hand.machine.advance()
    hand.pump()
    assert [said["id"] for said in hand.said[before:] if said["type"] == "emit"] == [1]
