"""Streams of items, both ways: each item once, in order and within the credit, through drops and moves."""

from __future__ import annotations

import pytest
import trio

from tests.patience import PATIENCE

from .conftest import Dial, Way
from .link import Link, Message
from .peer import Peer
from .polling import Polling
from .sse import Sse
from .websocket import MsgPackSocket, WebSocket

LINKS: list[type[Link]] = [WebSocket, MsgPackSocket, Sse, Polling]


async def items(peer: Peer, stream: int, first: int, until: int) -> list[object]:
    """Wait for these items, in order; return their data."""
    return [(await peer.expect("item", id=stream, n=n))["data"] for n in range(first, until)]


async def ended(peer: Peer, stream: int) -> Message:
    """Wait for the end of a stream that went well."""
    end = await peer.expect("end", id=stream)
    assert "error" not in end, end
    return end


async def closed(bob: Peer, name: str) -> None:
    """Wait until a generator's `finally` has run."""
    with trio.fail_after(PATIENCE):
        while "closed" not in await bob.emit("log", name):
            pass


async def test_down_within_the_credit(way: Way, ann: Peer, bob: Peer, name: str) -> None:
    stream = await ann.ask("open", stream="numbers", data={"n": 9, "size": 3, "log": name}, credit=4)
    assert await items(ann, stream, 0, 4) == [{"n": n, "pad": "xxx"} for n in range(4)]
    await ann.fence()
    ann.none("item", id=stream)
    await ann.say({"type": "credit", "id": stream, "n": 64})
    assert len(await items(ann, stream, 4, 9)) == 5
    assert (await ended(ann, stream))["n"] == 9
    assert await bob.emit("log", name) == [*range(9), "closed"]


async def test_cancelled_it_is_closed(way: Way, ann: Peer, bob: Peer, name: str) -> None:
    stream = await ann.ask("open", stream="gated", data=name, credit=64)
    assert await items(ann, stream, 0, 1) == ["before"]
    await ann.say({"type": "cancel", "id": stream})
    await closed(bob, name)
    await bob.emit("open", name)
    await ann.fence()
    ann.none("item", id=stream)


async def test_up(way: Way, ann: Peer) -> None:
    stream = await ann.ask("open", stream="collect", up=True, data="")
    said, credit = 0, 0
    while said < 20:
        credit = (await ann.expect("credit", id=stream))["n"]
        window = [{"type": "item", "id": stream, "n": n, "data": n * n} for n in range(said, min(credit, 20))]
        said += len(window)
        await ann.say(*window, array=True)
    await ann.say({"type": "end", "id": stream, "n": 20})
    assert (await ended(ann, stream))["data"] == [n * n for n in range(20)]


async def test_unknown_ones_end_with_not_found(way: Way, ann: Peer) -> None:
    stream = await ann.ask("open", stream="nobody-has-this", credit=1)
    end = await ann.expect("end", id=stream)
    assert end["error"]["code"] == "NOT_FOUND"


async def test_down_through_a_drop(way: Way, ann: Peer, bob: Peer, name: str) -> None:
    stream = await ann.ask("open", stream="numbers", data={"n": 50, "log": name}, credit=20)
    heard = await items(ann, stream, 0, 7)
    ann.drop()
    ann.pending.clear()
    await ann.come_back(streams={str(stream): 7})
    await ann.say({"type": "credit", "id": stream, "n": 100})
    heard += await items(ann, stream, 7, 50)
    assert [item["n"] for item in heard] == list(range(50))  # type: ignore[index]
    await ended(ann, stream)
    assert await bob.emit("log", name) == [*range(50), "closed"]


@pytest.mark.parametrize("old", LINKS, ids=[link.name for link in LINKS])
@pytest.mark.parametrize("new", LINKS, ids=[link.name for link in LINKS])
async def test_down_through_a_move(dial: Dial, old: type[Link], new: type[Link]) -> None:
    ann = await dial(old).hello()
    stream = await ann.ask("open", stream="numbers", data={"n": 60, "size": 100}, credit=30)
    heard = await items(ann, stream, 0, 11)
    ann.pending.clear()
    await ann.move(new, streams={str(stream): 11})
    await ann.say({"type": "credit", "id": stream, "n": 100})
    heard += await items(ann, stream, 11, 60)
    assert [item["n"] for item in heard] == list(range(60))  # type: ignore[index]
    await ended(ann, stream)


@pytest.mark.parametrize("new", LINKS, ids=[link.name for link in LINKS])
async def test_up_through_a_move(dial: Dial, new: type[Link]) -> None:
    """`welcome.streams` says which item is wanted next; what is said again is not read twice."""
    ann = await dial(Polling).hello()
    stream = await ann.ask("open", stream="collect", up=True, data="")
    await ann.expect("credit", id=stream)

    def item(n: int) -> Message:
        return {"type": "item", "id": stream, "n": n, "data": n}

    await ann.say(*map(item, range(4)), array=True)
    await ann.move(new)
    wanted = ann.welcome["streams"][str(stream)]
    assert wanted == 4
    await ann.say(*map(item, range(2, 8)), {"type": "end", "id": stream, "n": 8}, array=True)
    assert (await ended(ann, stream))["data"] == list(range(8))


async def test_with_the_session_it_ends(way: Way, ann: Peer, bob: Peer, name: str) -> None:
    stream = await ann.ask("open", stream="gated", data=name, credit=64)
    await items(ann, stream, 0, 1)
    await ann.bye()
    await closed(bob, name)
