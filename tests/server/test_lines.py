"""The connections of a network in a box: what one end says, the other hears, as the weather has it."""

from __future__ import annotations

import pytest
import trio
import trio.testing

import rtcore
from rtcore.testing import FAIR, Network, Weather, network_in_a_box
from rtcore.testing.lines import End, Line


@pytest.fixture
async def network(autojump_clock):
    async with network_in_a_box(rtcore.App()) as network:
        yield network


def line_of(network: Network, who: str = "ann") -> Line:
    """A line of the box with nobody at its ends."""
    line = Line(network, who)
    network._lines[line] = None
    return line


async def heard(end: End, count: int) -> bytes:
    """So many bytes."""
    data = b""
    while len(data) < count:
        data += await end.receive_some()
    return data


async def test_in_fair_weather_nothing_but_who_reads_has_a_step(network, autojump_clock) -> None:
    line = line_of(network)
    before = len(network._nursery.child_tasks)
    await line.near.send_all(b"one")
    await line.near.send_all(b"two")
    assert await line.far.receive_some(4) == b"onet"
    assert await line.far.receive_some() == b"wo"
    assert len(network._nursery.child_tasks) == before


async def test_what_is_on_its_way_is_overtaken_by_nothing(network, autojump_clock) -> None:
    line = line_of(network)
    network.weather = Weather(delay=2)
    began = trio.current_time()
    await line.near.send_all(b"slow ")
    await trio.sleep(1)
    network.clear_up()
    await line.near.send_all(b"fast")
    assert await heard(line.far, 9) == b"slow fast"
    assert trio.current_time() - began == 2
    await line.near.send_all(b"at once")
    assert await line.far.receive_some() == b"at once"
    assert trio.current_time() - began == 2


async def test_a_stall_holds_all_until_it_is_over(network, autojump_clock) -> None:
    line = line_of(network)
    network.turn("ann", stall=True)
    await line.near.send_all(b"one")
    await line.near.send_all(b"two")
    with trio.move_on_after(60) as waited:
        await line.far.receive_some()
    assert waited.cancelled_caught
    network.clear_up()
    assert await heard(line.far, 6) == b"onetwo"


async def test_an_end_that_closes_is_seen_behind_what_it_said(network, autojump_clock) -> None:
    line = line_of(network)
    network.weather = Weather(delay=1)
    await line.far.send_all(b"the last")
    await line.far.aclose()
    assert await line.near.receive_some() == b"the last"
    assert await line.near.receive_some() == b""
    with pytest.raises(trio.BrokenResourceError):
        await line.near.send_all(b"?")
    with pytest.raises(trio.ClosedResourceError):
        await line.far.send_all(b"?")
    with pytest.raises(trio.ClosedResourceError):
        await line.far.receive_some()


async def test_a_cut_loses_what_is_on_its_way_and_keeps_what_arrived(network, autojump_clock) -> None:
    line = line_of(network)
    await line.near.send_all(b"arrived")
    network.weather = Weather(delay=1)
    await line.near.send_all(b", lost")
    assert network.cut("ann") == 1
    await trio.sleep(2)
    assert await line.far.receive_some() == b"arrived"
    assert await line.far.receive_some() == b""
    assert network.cut() == 0


async def test_one_task_reads_and_one_that_is_cancelled_has_taken_nothing(network, autojump_clock) -> None:
    line = line_of(network)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(line.far.receive_some)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(trio.BusyResourceError):
            await line.far.receive_some()
        nursery.cancel_scope.cancel()
    await line.near.send_all(b"kept")
    with trio.CancelScope() as scope:
        scope.cancel()
        await line.far.receive_some()
    assert scope.cancelled_caught
    with trio.CancelScope() as scope:
        scope.cancel()
        await line.near.send_all(b" and never said")
    assert await line.far.receive_some() == b"kept"


async def test_who_is_read_by_nobody_gives_others_their_turn(network, autojump_clock) -> None:
    line = line_of(network)
    with trio.move_on_after(1) as scope:
        async with trio.open_nursery() as nursery:

            async def says() -> None:
                while True:
                    await line.near.send_all(b"x")

            nursery.start_soon(says)
            await trio.lowlevel.checkpoint()
            scope.cancel()
    assert scope.cancelled_caught


async def test_a_limit_of_idleness_holds_for_connections_that_were_there_before_it(
    network, autojump_clock
) -> None:
    idle, busy = line_of(network, "ann"), line_of(network, "bob")
    assert network.weather is FAIR
    await trio.sleep(100)
    await busy.near.send_all(b"here")
    network.turn(idle=30)
    await trio.testing.wait_all_tasks_blocked()
    assert (idle in network._lines, busy in network._lines) == (False, True)
    await trio.sleep(29)
    await busy.far.send_all(b"still here")
    await trio.sleep(29)
    assert busy in network._lines
    await trio.sleep(2)
    assert busy not in network._lines
    assert [what for _, what in network.log if "idle" in what and "weather" not in what] == [
        "ann was idle",
        "bob was idle",
    ]
