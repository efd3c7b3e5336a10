"""What a ring no longer holds is told, by the room's policy; what it holds, comes."""

from __future__ import annotations

from .conftest import QUICK, Dial, Ground, Way
from .link import Message, Place
from .peer import Peer
from .websocket import WebSocket


async def drained(ann: Peer, room: str, last: int) -> list[Message]:
    """Read until the entry with the number `last` is heard."""
    await ann.expect("event", room=room, seq=last)
    return [m for m in ann.heard if m.get("room") == room and m["type"] in ("event", "gap")]


def covered(heard: list[Message], said: set[int], start: int) -> int:
    """Check that each number was heard once, in order, or lies in a gap that was told; return how many
    gaps.
    """
    reached, spans, got = start, [], set()
    for message in heard:
        if message["type"] == "gap":
            assert message["reason"] in ("ring", "memory"), message
            assert message["from"] <= reached + 1, (message, reached)
            assert message["to"] > reached, (message, reached)
            spans.append((message["from"], message["to"]))
            reached = message["to"]
        else:
            assert message["seq"] > reached, (message, reached)
            got.add(message["seq"])
            reached = message["seq"]
    missing = {seq for seq in said - got if not any(start <= seq <= end for start, end in spans)}
    assert missing == set(), (missing, spans)
    return len(spans)


async def test_who_was_away_too_long_is_told_the_gap(way: Way, ann: Peer, bob: Peer, name: str) -> None:
    room = f"small:{name}"
    await ann.join(room)
    await bob.join(room)
    began = ann.welcome["seq"]
    ann.drop()
    numbers = [await bob.publish(room, n) for n in range(12)]
    await ann.come_back()
    assert [listed["complete"] for listed in ann.welcome["rooms"]] == [False]
    heard = await drained(ann, room, numbers[-1])
    assert [m["data"] for m in heard if m["type"] == "event"] == list(range(7, 12))
    assert covered(heard, set(numbers), began) == 1


async def test_age_is_a_reason_too(way: Way, ann: Peer, bob: Peer, name: str) -> None:
    room = f"brief:{name}"
    await ann.join(room)
    await bob.join(room)
    ann.drop()
    await bob.publish(room, "old")
    while (await bob.ok("history", room=room))["history"]:
        pass
    await ann.come_back()
    assert (await ann.expect("gap", room=room))["reason"] == "age"


async def test_latest_tells_the_gap_and_the_newest_of_each_slot(
    way: Way, ann: Peer, bob: Peer, name: str
) -> None:
    room = f"latest:{name}"
    await ann.join(room)
    await bob.join(room)
    ann.drop()
    for n in range(30):
        await bob.publish(room, {"ticker": "AB"[n % 2], "price": n})
    await ann.come_back()
    await ann.fence()
    ann.find("gap", room=room)
    newest = {data["ticker"]: data["price"] for data in ann.events(room)}
    assert newest == {"A": 28, "B": 29}


async def test_a_reader_that_stops_and_goes_on_gets_all_of_a_large_ring(
    way: Way, dial: Dial, bob: Peer, place, name: str
) -> None:
    room = f"deep:{name}"
    ann = await dial(place=place.narrow()).hello()
    await ann.join(room)
    await bob.join(room)
    for _ in range(
        16
    ):  # 3 MB, more than the outbox and the kernel hold; the ring has them in each form in use
        await bob.emit("say-many", {"room": room, "count": 50, "size": 4000})
    last = await bob.publish(room, "last", echo=False)
    heard = await drained(ann, room, last)
    numbers = [m["data"]["n"] for m in heard if m["type"] == "event" and m["seq"] != last]
    assert not [m for m in heard if m["type"] == "gap"], [m for m in heard if m["type"] == "gap"]
    assert numbers == list(range(50)) * 16


async def test_a_reader_that_stops_is_told_what_a_small_ring_let_go(
    way: Way, dial: Dial, ann: Peer, bob: Peer, place, name: str
) -> None:
    room = f"small:{name}"
    slow = await dial(place=place.narrow()).hello()
    sharp = await dial(WebSocket).hello()
    for peer in (slow, sharp, bob):
        await peer.join(room)
    await slow.fence()  # its way down is open
    began = slow.position
    for _ in range(50):
        await bob.emit("say-many", {"room": room, "count": 50, "size": 4000})
    last = await bob.publish(room, "last", echo=False)
    heard = await drained(slow, room, last)
    gaps = covered(heard, {last}, began)
    assert gaps, "10 MB went past an 8 KiB window without a gap"
    # One slow reader costs others nothing: all that time they are served.
    assert await ann.emit("echo", 1) == 1


async def test_acks_overtake_what_waits(way: Way, dial: Dial, bob: Peer, place: Place, name: str) -> None:
    room = f"deep:{name}"
    ann = await dial(place=place.narrow()).hello()
    await ann.join(room)
    await bob.join(room)
    await ann.fence()
    for _ in range(40):  # 8 MB, far more than the kernel holds
        await bob.emit("say-many", {"room": room, "count": 50, "size": 4000})
    last = await bob.publish(room, "last", echo=False)
    assert await ann.emit("echo", "now") == "now"
    assert not [m for m in ann.heard if m.get("seq", 0) >= last]
    await drained(ann, room, last)


async def test_after_left_nothing_that_was_queued_comes(
    way: Way, dial: Dial, bob: Peer, place: Place, name: str
) -> None:
    room = f"deep:{name}"
    ann = await dial(place=place.narrow()).hello()
    await ann.join(room)
    await ann.emit("remember-me", name)
    await bob.join(room)
    for _ in range(40):
        await bob.emit("say-many", {"room": room, "count": 50, "size": 4000})
    last = await bob.publish(room, "last", echo=False)
    await bob.emit("kick-other", [name, room])
    await ann.expect("left", room=room)
    await ann.fence()
    index = next(i for i, m in enumerate(ann.heard) if m["type"] == "left")
    heard = [i for i, m in enumerate(ann.heard) if m.get("room") == room and m["type"] == "event"]
    assert all(i < index for i in heard)
    assert not [m for m in ann.heard if m.get("seq") == last]


async def test_volatile_events_are_dropped_for_who_lags(
    way: Way, dial: Dial, bob: Peer, place: Place, name: str
) -> None:
    room = f"small:{name}"
    ann = await dial(place=place.narrow()).hello()
    await ann.join(room)
    await ann.fence()
    await bob.join(room)
    for _ in range(60):  # 12 MB, far more than the kernel holds
        await bob.emit("say-many", {"room": room, "count": 50, "size": 4000})
    await bob.ok("publish", room=room, event="cursor", data="volatile", volatile=True, echo=False)
    last = await bob.publish(room, "last", echo=False)
    heard = await drained(ann, room, last)
    assert not any(m.get("event") == "cursor" for m in heard)
    assert any(m["type"] == "gap" for m in heard)


async def test_disconnect_says_come_back_and_then_the_gap(
    way: Way, ground: Ground, dial: Dial, name: str
) -> None:
    place = ground.place(way.served, **{**QUICK, "silence_ms": 5000, "resume_ms": 30_000, "close_ms": 8000})
    room = f"disconnect:{name}"
    ann, bob = await dial(place=place.narrow()).hello(), await dial(WebSocket, place).hello()
    await ann.join(room)
    await ann.fence()
    await ann.emit("remember-me", name)
    for _ in range(60):
        await bob.emit("say-many", {"room": room, "count": 50, "size": 4000})
        if not await bob.emit("is-connected", name):
            break
    ended = await ann.end(20)
    assert ended.bye is not None
    assert ended.bye["code"] == 4002
    await ann.come_back()
    assert ann.welcome["resumed"] is True
    assert (await ann.expect("gap", room=room))["reason"] == "ring"


async def test_block_loses_nothing_for_one_that_reads_in_time(
    way: Way, dial: Dial, ann: Peer, bob: Peer, name: str
) -> None:
    room = f"block:{name}"
    await ann.join(room)
    await bob.join(room)
    for n in range(20):
        await bob.publish(room, {"n": n, "pad": "x" * 20_000}, echo=False)
        while (await ann.expect("event", room=room))["data"]["n"] < n:
            pass
    ann.none("gap")
