"""The core of the contract through bad networks: join, publish, hear, drop, return; on every transport."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import trio

from tests.patience import PATIENCE
from tests.proxy import Buffering, Crumbs, Delay, Fault, Idle, NoUpgrade, Proxy, Reset, Stall

from .conftest import QUICK, Dial, Ground
from .link import Ended, Link, Place, Refused
from .peer import Peer
from .polling import Polling
from .sse import Sse
from .websocket import MsgPackSocket, WebSocket

LINKS: list[type[Link]] = [WebSocket, MsgPackSocket, Sse, Polling]


@pytest.fixture(params=LINKS, ids=[link.name for link in LINKS])
def link(request: pytest.FixtureRequest) -> type[Link]:
    """Each transport in turn."""
    return request.param


@asynccontextmanager
async def through(place: Place, fault: Fault) -> AsyncIterator[Place]:
    """The same server, behind a proxy."""
    async with Proxy(place.address, fault) as proxy:
        yield replace(place, address=proxy.address)


async def insist(peer: Peer, act: Callable[[], object]) -> None:
    """Do it, and come back as often as the line breaks in it."""
    with trio.fail_after(PATIENCE):
        while True:
            try:
                await act()  # type: ignore[misc]
                return
            except Ended:
                peer.drop()
            while True:
                try:
                    await peer.come_back()
                    break
                except (Ended, OSError):
                    peer.drop()


async def core(ann: Peer, bob: Peer, room: str) -> None:
    """Nothing is lost, repeated or out of order, and each request is done once, however often the line
    breaks.
    """
    await insist(ann, lambda: ann.join(room))
    await bob.join(room)
    said = [await bob.publish(room, n) for n in range(30)]
    await insist(ann, ann.fence)
    for n in range(5):
        message = {"type": "publish", "id": ann.next_id(), "room": room, "event": "say", "data": [n]}

        async def once(message=message) -> None:
            await ann.say(message)
            said.append(await ack(message["id"]))

        async def ack(number: int) -> int:
            return (await ann.result(number))["seq"]

        await insist(ann, once)
    ann.drop()
    said += [await bob.publish(room, n) for n in range(30, 40)]
    await insist(ann, ann.come_back)
    assert ann.welcome["resumed"] is True
    await insist(ann, ann.fence)
    heard = [m["seq"] for m in ann.heard if m["type"] == "event" and m.get("room") == room]
    assert heard == said
    ann.none("gap")
    await bob.fence()
    assert [m["seq"] for m in bob.heard if m["type"] == "event" and m.get("room") == room] == said


FAULTS: dict[str, Callable[[], Fault]] = {
    "nothing": Fault,
    "delay": lambda: Delay(0.005),
    "crumbs": Crumbs,
    "resets": lambda: Reset(after=3000, times=3),
    "early-resets": lambda: Reset(after=700, times=3),
    "buffers-1k": lambda: Buffering(1 << 10),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_bad_network_changes_nothing(
    dial: Dial, place: Place, bob: Peer, room: str, link: type[Link], fault: str
) -> None:
    async with through(place, FAULTS[fault]()) as there:
        ann = dial(link, there)
        await stubborn(ann)
        await core(ann, bob, room)
        ann.close()


async def stubborn(ann: Peer) -> None:
    """Say the first `hello` until it is answered."""
    while True:
        try:
            await ann.hello()
            return
        except (Ended, OSError):
            ann.drop()
            ann.open(type(ann.link))


async def test_a_line_that_stalls_is_left_and_nothing_is_lost(
    dial: Dial, place: Place, bob: Peer, room: str, link: type[Link]
) -> None:
    """Half of what is said hangs in a proxy: the client comes back beside it, and what then arrives late
    is ignored.
    """
    stall = Stall(2000)
    async with through(place, stall) as there:
        ann = dial(link, there)
        await ann.hello()
        await ann.join(room)
        await bob.join(room)
        said = []
        with trio.fail_after(PATIENCE):
            while not stall.stalled.is_set():
                said.append(await bob.publish(room, "x" * 100))
                await ann.listen(0.005)
        said.append(await bob.publish(room, "while it hangs"))
        older = ann.link
        await ann.come_back(place=place)
        assert ann.welcome["resumed"] is True
        await ann.fence()
        stall.release()
        heard = [m["seq"] for m in ann.heard if m["type"] == "event" and m.get("room") == room]
        assert heard == said
        assert await ann.emit("echo", 1) == 1
        older.drop()


async def test_without_upgrade_websockets_are_refused_and_the_rest_works(
    dial: Dial, place: Place, bob: Peer, room: str, link: type[Link]
) -> None:
    async with through(place, NoUpgrade()) as there:
        ann = dial(link, there)
        if link.over_http:
            await ann.hello()
            await core(ann, bob, room)
        else:
            with pytest.raises(Refused) as refused:
                await ann.hello()
            refused.value.answer.refused(426, "UPGRADE_REQUIRED")
            await Peer.hello(fallen := dial(Polling, there))
            await core(fallen, bob, room)


async def test_a_session_leaves_a_stream_that_a_proxy_holds_to_its_end(
    dial: Dial, place: Place, bob: Peer, room: str
) -> None:
    """No byte of the stream comes through. Sends and polls do, so the session moves, and nothing is lost."""
    async with through(place, Buffering()) as there:
        ann = await dial(Sse, there).hello()
        await ann.join(room)  # answered with the send
        await bob.join(room)
        said = [await bob.publish(room, n) for n in range(10)]
        await ann.listen(0.1)
        assert not ann.events(room), "this proxy holds streams"
        await ann.move(Polling)
        await ann.fence()
        assert [m["seq"] for m in ann.heard if m["type"] == "event" and m.get("room") == room] == said
        await core(ann, bob, f"{room}.more")


async def test_a_proxy_that_cuts_what_is_idle_cuts_nothing_that_beats(
    dial: Dial, ground: Ground, room: str, link: type[Link]
) -> None:
    """`ping` is shorter than the cut: the server's pings and comments keep sockets and streams open."""
    place = ground.place(**{**QUICK, "silence_ms": 30_000, "resume_ms": 40_000})
    # What is cut sooner than after 3 s was let go of by a client, for all that the server knows.
    idle = Idle(3.2 if link is Polling else 0.9)
    async with through(place, idle) as there:
        ann, bob = await dial(link, there).hello(), await dial(WebSocket, place).hello()
        await ann.join(room)
        await bob.join(room)
        await ann.fence()
        if isinstance(ann.link, Polling):
            await learned(ann)
        else:
            await ann.listen(2.2)  # more than two cuts' time, in which nothing is said
        said = await bob.publish(room, "still here")
        await ann.expect("event", room=room, seq=said)
        ann.none("gap")


async def learned(ann: Peer) -> None:
    """Polls are cut at first; then the server answers them sooner than the proxy cuts."""
    link, cuts, whole = ann.link, 0, 0
    assert isinstance(link, Polling)
    with trio.fail_after(PATIENCE):
        while whole < 1:
            try:
                ann.take(messages := await link.poll())
                whole += not messages
            except Ended:
                await link.lose()  # the same poll again
                cuts, whole = cuts + 1, 0
    assert 1 <= cuts <= 5, f"{cuts} polls were cut before one was shortened"


async def test_what_an_idle_cut_ends_goes_on(
    dial: Dial, place: Place, bob: Peer, room: str, link: type[Link]
) -> None:
    """Cut again and again, long before the first ping."""
    idle = Idle(0.15)
    async with through(place, idle) as there:
        ann = await dial(link, there).hello()
        await insist(ann, lambda: ann.join(room))
        await bob.join(room)
        said = []
        for n in range(4):
            said.append(await bob.publish(room, n))
            cuts = idle.cuts
            with trio.fail_after(PATIENCE):
                while idle.cuts == cuts:
                    try:
                        await ann.listen(0.05)
                    except Ended:
                        ann.drop()
                        await ann.come_back()
        await insist(ann, ann.fence)
        assert [m["seq"] for m in ann.heard if m["type"] == "event" and m.get("room") == room] == said
        ann.close()
