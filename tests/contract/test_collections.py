"""Shared data: what is joined, pulled, pushed and heard of a collection, over every transport."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

import pytest

from .conftest import Way
from .peer import Peer

NAMES = itertools.count(1)


@pytest.fixture
def name(way: Way) -> str:
    """A collection of this test alone."""
    return f"notes:{next(NAMES)}"


async def joined(peer: Peer, name: str, client: str, incarnation: int = 1, nonce: str = "n") -> Any:
    """Join as a writer; what the ack says of the collection."""
    sync = {"client": client * 32, "incarnation": incarnation, "nonce": nonce}
    return (await peer.join(f"$sync/{name}", sync=sync))["sync"]


async def pushed(peer: Peer, name: str, *changes: dict[str, Any], **fields: Any) -> Any:
    return await peer.ok("push", collection=name, changes=list(changes), **fields)


def put(n: int, key: str, value: Any, **fields: Any) -> dict[str, Any]:
    return {"n": n, "op": "put", "key": key, "value": value, **fields}


def checksum(docs: list[dict[str, Any]]) -> str:
    """As the protocol defines it, and by no code of the server."""
    digests = (hashlib.sha256(f"{doc['key']}\0{doc['seq']}".encode()).digest() for doc in docs)
    return f"{sum(int.from_bytes(digest[:8], 'big') for digest in digests) % 2**64:016x}"


async def test_a_change_is_heard_by_all_members_and_is_in_the_page_of_who_comes_later(
    way: Way, ann: Peer, bob: Peer, name: str
) -> None:
    assert (await joined(ann, name, "a"))["writer"]["n"] == 0
    await joined(bob, name, "b")
    ack = await pushed(ann, name, put(1, "n1", {"title": "tea"}), put(2, "n2", [1, None]))
    first, second = (result["seq"] for result in ack["results"])
    for peer in (ann, bob):
        event = await peer.expect("event", room=f"$sync/{name}", seq=first)
        said = event["data"]
        assert (event["event"], said["op"], said["value"]) == ("change", "put", {"title": "tea"})
        assert (said["prev"], said["n"]) == (None, 1)
    page = await bob.ok("pull", collection=name)
    assert [(doc["key"], doc["seq"]) for doc in page["docs"]] == [("n1", first), ("n2", second)]
    assert page["complete"]
    assert page["checksum"] == checksum(page["docs"])
    later = await bob.ok("pull", collection=name, after=page["next"])
    assert (later["docs"], later["complete"], later["reset"]) == ([], True, False)


async def test_what_two_change_at_once_is_merged_by_field_and_the_loser_is_told(
    way: Way, ann: Peer, bob: Peer, name: str
) -> None:
    await joined(ann, name, "a")
    await joined(bob, name, "b")
    seq = (await pushed(ann, name, put(1, "k", {"title": "x", "done": False})))["results"][0]["seq"]
    base = ann.at(seq)
    change = {"op": "patch", "key": "k", "base": base}
    await pushed(bob, name, {**change, "n": 1, "value": {"title": "milk"}})
    # Made long ago: what is there is later, and only the field that nobody else changed counts.
    ack = await pushed(ann, name, {**change, "n": 2, "value": {"title": "tea", "done": True}, "at": 1})
    assert (ack["results"][0]["by"], ack["results"][0]["lost"]) == ("merge", ["title"])
    page = await ann.ok("pull", collection=name)
    assert page["docs"][0]["value"] == {"title": "milk", "done": True}


async def test_a_bad_change_is_rejected_for_itself_and_those_behind_it_are_done(
    way: Way, ann: Peer, name: str
) -> None:
    await joined(ann, name, "a")
    ack = await pushed(
        ann,
        name,
        put(1, "", {}),
        put(2, "k" * 256, {}),
        {"n": 3, "op": "burn", "key": "k"},
        put(4, "k", {}, base=f"{ann.at(2**40)}"),
        put(5, "k", {}, schema=99),
        put(6, "k", {"fine": True}),
    )
    codes = [result.get("rejected", {}).get("code") for result in ack["results"]]
    assert codes == [*["INVALID_MESSAGE"] * 4, "OUTDATED", None]
    assert ack["held"] is None


MONTH = 30 * 86_400_000
BAD: dict[str, tuple[dict[str, Any], str | None]] = {
    "no op": ({"key": "k", "value": 1}, "INVALID_MESSAGE"),
    "no key": ({"op": "put", "value": 1}, "INVALID_MESSAGE"),
    "a key that is a number": ({"op": "put", "key": 7, "value": 1}, "INVALID_MESSAGE"),
    "a key with a control character": ({"op": "put", "key": "a\u0007", "value": 1}, "INVALID_MESSAGE"),
    "a patch that is no object": ({"op": "patch", "key": "good", "value": [1]}, "INVALID_MESSAGE"),
    "fields to unset that are no texts": (
        {"op": "patch", "key": "good", "value": {}, "unset": [1]},
        "INVALID_MESSAGE",
    ),
    "a base that is no position": (
        {"op": "put", "key": "k", "value": 1, "base": "yesterday"},
        "INVALID_MESSAGE",
    ),
    "an operation on what is no CRDT": (
        {"op": "patch", "key": "good", "value": {"n": {"$crdt": "pn-counter", "add": 1}}},
        "TYPE_CONFLICT",
    ),
    "a schema of tomorrow": ({"op": "put", "key": "k", "value": 1, "schema": 2**40}, "OUTDATED"),
    "a clock that is months ahead": ({"op": "put", "key": "ahead", "value": 1, "at": 4 * 10**12}, None),
    "a clock that is months behind": ({"op": "put", "key": "behind", "value": 1, "at": MONTH}, None),
}


@pytest.mark.parametrize("what", BAD)
async def test_each_bad_change_has_an_outcome_of_its_own_and_the_lane_goes_on(
    way: Way, ann: Peer, name: str, what: str
) -> None:
    """What one change is at fault for touches neither the one before it nor the one behind it."""
    await joined(ann, name, "a")
    change, code = BAD[what]
    first = await pushed(ann, name, put(1, "good", {"title": "tea"}))
    ack = await pushed(ann, name, {"n": 2, **change}, put(3, "good", {"title": "milk"}))
    assert ack["held"] is None
    bad, good = ack["results"]
    assert bad.get("rejected", {}).get("code") == code
    assert (bad.get("clamped", 0) > MONTH) is (what == "a clock that is months ahead")
    assert good["seq"] > first["results"][0]["seq"]
    page = await ann.ok("pull", collection=name)
    assert next(doc["value"] for doc in page["docs"] if doc["key"] == "good") == {"title": "milk"}


async def test_numbers_out_of_order_wait_and_a_number_is_used_once(way: Way, ann: Peer, name: str) -> None:
    await joined(ann, name, "a")
    assert (await pushed(ann, name, put(5, "k", 1)))["held"] == {"n": 1, "code": "EXPECTED"}
    first = await pushed(ann, name, put(1, "k", 1))
    assert (await pushed(ann, name, put(1, "k", 1)))["results"] == first["results"]
    other = await pushed(ann, name, put(1, "k", 2))
    assert other["results"][0]["rejected"]["code"] == "ID_REUSED"


async def test_a_copied_outbox_is_fenced(way: Way, ann: Peer, bob: Peer, name: str) -> None:
    await joined(ann, name, "a")
    await pushed(ann, name, put(1, "k", 1))
    await joined(bob, name, "a", incarnation=2)
    await pushed(bob, name, put(2, "k", 2))
    ack = await pushed(ann, name, put(3, "k", 3))
    assert ack["held"]["code"] == "FENCED"
    assert ack["results"] == []


async def test_who_said_no_sync_reads_and_the_room_is_said_in_by_nobody(
    way: Way, ann: Peer, bob: Peer, name: str
) -> None:
    room = f"$sync/{name}"
    await bob.refused("FORBIDDEN", "pull", collection=name)
    await ann.join(room)
    assert (await ann.ok("pull", collection=name))["complete"]
    await ann.refused("FORBIDDEN", "push", collection=name, changes=[put(1, "k", 1)])
    await ann.refused("FORBIDDEN", "publish", room=room, event="change", data={})
    await ann.refused("FORBIDDEN", "history", room=room)
    await bob.refused("FORBIDDEN", "join", room=room, last=5)
    await bob.refused("NOT_FOUND", "pull", collection="nothing")


async def test_who_comes_back_is_told_how_far_it_came(way: Way, ann: Peer, name: str) -> None:
    await joined(ann, name, "a")
    await pushed(ann, name, put(1, "k", 1))
    ann.drop()
    await ann.come_back()
    told = await ann.expect("room", room=f"$sync/{name}")
    assert told["sync"]["writer"]["n"] == 1
    assert [outcome["n"] for outcome in told["sync"]["writer"]["outcomes"]] == [1]


async def test_what_is_behind_the_horizon_or_of_another_epoch_begins_anew(
    way: Way, ann: Peer, name: str
) -> None:
    await joined(ann, name, "a")
    await pushed(ann, name, put(1, "k", 1))
    for after in ("other.5", ann.at(2**40), "no position", ann.at(0)):
        page = await ann.ok("pull", collection=name, after=after)
        assert (page["reset"], page["docs"]) == (True, []), after
