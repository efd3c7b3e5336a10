"""Listeners that do not keep up: a cursor not a queue, the room's policy when the ring is too short."""

from __future__ import annotations

import time

import pytest

from tests.patience import PATIENCE

from .client import Client
from .conftest import QUICK, Dial, Servers

WINDOW = 8 << 10
BLOCKING = {
    **QUICK,
    "ping_ms": 5000,
    "silence_ms": 5000,
    "block_ms": 400,
    "resume_ms": 30_000,
    "close_ms": 8000,
}


def flood(bob: Client, room: str, batches: int, *, size: int = 4000, count: int = 50) -> None:
    """Publish from the application, numbered within each batch."""
    for _ in range(batches):
        bob.emit("say-many", {"room": room, "count": count, "size": size})


def drained(ann: Client, room: str, last: int) -> list[dict[str, object]]:
    """Read until the entry with the number `last` is heard, or covered by a gap."""
    while True:
        for message in ann.heard:
            if message.get("room") == room and message["type"] == "event" and message["seq"] >= last:
                return [m for m in ann.heard if m.get("room") == room and m["type"] in ("event", "gap")]
        ann.take()


def test_a_reader_that_stops_and_goes_on_misses_nothing_of_a_large_ring(
    dial: Dial, bob: Client, name: str
) -> None:
    room = f"deep:{name}"
    ann = dial(window=WINDOW).hello()
    ann.join(room)
    bob.join(room)
    flood(bob, room, 30)  # 6 MB, far more than the outbox and the kernel hold
    last = bob.publish(room, "last", echo=False)
    heard = drained(ann, room, last)
    numbers = [m["data"]["n"] for m in heard if m["type"] == "event" and m["seq"] != last]  # type: ignore[index]
    assert [m for m in heard if m["type"] == "gap"] == []
    assert numbers == list(range(50)) * 30


def test_what_a_slow_reader_does_not_hear_is_covered_by_a_gap(dial: Dial, bob: Client, name: str) -> None:
    """Each entry at most once, in order; what is not heard lies in a gap that was told."""
    room = f"small:{name}"
    ann, sharp = dial(window=WINDOW).hello(), dial().hello()
    ann.join(room)
    sharp.join(room)
    bob.join(room)
    for _ in range(40):
        flood(bob, room, 1, count=4)
        sharp.fence()
    for _ in range(200):
        flood(bob, room, 1, count=40)
    last = bob.publish(room, "last", echo=False)
    heard = drained(ann, room, last)
    reached = ann.welcome["seq"]
    gaps = 0
    for message in heard:
        if message["type"] == "gap":
            gaps += 1
            assert message["reason"] in ("ring", "memory")
            assert message["from"] <= reached + 1, (message, reached)  # type: ignore[operator]
            assert message["to"] > reached  # type: ignore[operator]
            reached = message["to"]
        else:
            assert message["seq"] > reached  # type: ignore[operator]
            reached = message["seq"]
    assert gaps, "32 MB went past an 8 KiB window without a gap"
    # Nothing is missing beside the gaps: what the room was told either came, or lies in a gap.
    spans = [(m["from"], m["to"]) for m in heard if m["type"] == "gap"]
    got = {m["seq"] for m in heard if m["type"] == "event"}
    sharp.fence()
    said = {m["seq"] for m in sharp.heard if m["type"] == "event" and m.get("room") == room}
    missing = {seq for seq in said - got if not any(start <= seq <= end for start, end in spans)}  # type: ignore[operator]
    assert missing == set()


def test_a_slow_reader_does_not_hold_up_the_others(dial: Dial, ann: Client, bob: Client, name: str) -> None:
    room = f"small:{name}"
    slow = dial(window=WINDOW).hello()
    for one in (slow, ann, bob):
        one.join(room)
    for _ in range(100):
        flood(bob, room, 1, count=4)
        ann.fence()
    assert len(ann.events(room)) == 400


def test_latest_tells_the_gap_and_the_newest_of_each_slot(
    dial: Dial, ann: Client, bob: Client, name: str
) -> None:
    room = f"latest:{name}"
    ann.join(room)
    bob.join(room)
    ann.fence()
    ann.drop()
    for n in range(30):
        bob.publish(room, {"ticker": "AB"[n % 2], "price": n})
    again = dial().hello(**ann.returning())
    again.fence()
    again.expect("gap", room=room)
    newest = {data["ticker"]: data["price"] for data in again.events(room)}
    assert newest == {"A": 28, "B": 29}


def test_disconnect_closes_the_one_that_is_behind_and_it_may_come_back(
    dial: Dial, special: Servers, name: str
) -> None:
    server = special.start(**{**QUICK, "silence_ms": 5000, "resume_ms": 30_000, "close_ms": 8000})
    room = f"disconnect:{name}"
    ann, bob = dial(server, window=WINDOW).hello(), dial(server).hello()
    ann.join(room)
    ann.emit("remember-me", name)
    end = time.monotonic() + PATIENCE
    while bob.emit("is-connected", name):
        flood(bob, room, 1)
        assert time.monotonic() < end, "a slow member was kept"
    ann.expect_bye(4002)
    again = dial(server).hello(**ann.returning())
    assert again.welcome["resumed"] is True
    assert again.expect("gap", room=room)["reason"] == "ring"


def test_block_makes_the_publisher_wait_and_then_closes_the_slow_one(
    dial: Dial, special: Servers, name: str
) -> None:
    server = special.start(**BLOCKING)
    room = f"block:{name}"
    ann, bob = dial(server, window=WINDOW).hello(), dial(server).hello()
    ann.join(room)
    ann.emit("remember-me", name)
    bob.join(room)
    longest = 0.0
    end = time.monotonic() + PATIENCE
    while bob.emit("is-connected", name):
        began = time.monotonic()
        bob.publish(room, "x" * 50_000, echo=False)
        longest = max(longest, time.monotonic() - began)
        assert time.monotonic() < end, "a slow member was kept"
    assert longest >= 0.3
    ann.expect_bye(4002)


def test_block_loses_nothing_for_one_that_reads_in_time(dial: Dial, special: Servers, name: str) -> None:
    server = special.start(**BLOCKING)
    room = f"block:{name}"
    ann, bob = dial(server).hello(), dial(server).hello()
    ann.join(room)
    bob.join(room)
    for n in range(60):
        bob.publish(room, {"n": n, "pad": "x" * 20_000}, echo=False)
        while (event := ann.expect("event", room=room))["data"]["n"] < n:
            pass
        assert event["data"]["n"] == n
    ann.none("gap")


def test_volatile_events_are_dropped_for_listeners_that_lag(dial: Dial, bob: Client, name: str) -> None:
    room = f"deep:{name}"
    ann = dial(window=WINDOW).hello()
    ann.join(room)
    bob.join(room)
    flood(bob, room, 30)
    bob.ok("publish", room=room, event="cursor", data="volatile", volatile=True, echo=False)
    last = bob.publish(room, "last", echo=False)
    heard = drained(ann, room, last)
    assert not any(m.get("event") == "cursor" for m in heard)
    assert sum(m["type"] == "event" for m in heard) == 30 * 50 + 1


def test_acks_overtake_waiting_entries(dial: Dial, bob: Client, name: str) -> None:
    """Who is far behind still gets an answer soon."""
    room = f"deep:{name}"
    ann = dial(window=WINDOW).hello()
    ann.join(room)
    flood(bob, room, 30)
    assert ann.emit("echo", "now") == "now"
    assert sum(m["type"] == "event" for m in ann.heard) < 30 * 50


def test_a_lagging_listener_gets_presence_merged(dial: Dial, bob: Client, name: str) -> None:
    """However it is told: the snapshot and the differences, applied as sets, are who is here."""
    room = f"deep:{name}"
    ann = dial(window=WINDOW).hello()
    here = {member["session"] for member in ann.join(room)["members"]}
    flood(bob, room, 30)
    guests = [dial().hello() for _ in range(12)]
    for guest in guests:
        guest.join(room)
    for guest in guests[::2]:
        guest.ok("leave", room=room)
    last = guests[1].publish(room, "last")
    drained(ann, room, last)
    expected = {ann.session, *(guest.session for guest in guests[1::2])}
    told = 0
    end = time.monotonic() + PATIENCE
    while here != expected:
        assert time.monotonic() < end, (here, expected)
        message = ann.expect("presence", room=room)
        here -= {member["session"] for member in message["left"]}
        here |= {member["session"] for member in message["joined"]}
        told += 1
    assert message["count"] == len(expected)


def test_after_left_nothing_queued_comes(dial: Dial, bob: Client, name: str) -> None:
    """What had not been handed to the kernel when the rights ended is not heard any more."""
    room = f"deep:{name}"
    ann = dial(window=WINDOW).hello()
    ann.join(room)
    ann.emit("remember-me", name)
    bob.join(room)
    flood(bob, room, 30)
    bob.emit("kick-other", [name, room])
    ann.expect("left", room=room)
    ann.fence()
    heard = [m for m in ann.heard if m.get("room") == room and m["type"] == "event"]
    assert len(heard) < 30 * 50
    index = next(i for i, m in enumerate(ann.heard) if m["type"] == "left")
    assert not [m for m in ann.heard[index:] if m.get("room") == room and m["type"] == "event"]


def test_a_peer_that_never_reads_is_closed_in_the_end(dial: Dial, special: Servers, name: str) -> None:
    """Never reads: a socket without progress is not kept."""
    server = special.start(**{**QUICK, "silence_ms": 4000, "resume_ms": 5000, "close_ms": 8000})
    ann, bob = dial(server, window=WINDOW, pong=False).hello(), dial(server).hello()
    ann.join(f"deep:{name}")
    ann.emit("remember-me", name)
    bob.join(f"deep:{name}")
    flood(bob, f"deep:{name}", 20)
    end = time.monotonic() + PATIENCE
    while bob.emit("is-connected", name):
        assert time.monotonic() < end, "still connected"
    closed = ann.expect_close()
    assert closed.code in (4001, 4002)  # it is both; it shows no life at all
    assert closed.bye is not None


@pytest.mark.parametrize("size", [100, 70_000])
def test_said_to_a_slow_session_alone_all_of_it_comes(dial: Dial, bob: Client, name: str, size: int) -> None:
    ann = dial(window=WINDOW).hello()
    ann.emit("remember-me", name)
    for n in range(10):
        bob.emit("tell-other", [name, {"n": n, "pad": "x" * size}])
    ann.fence()
    assert [m["data"]["n"] for m in ann.heard if m.get("event") == "told"] == list(range(10))
