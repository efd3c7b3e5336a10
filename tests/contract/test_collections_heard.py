"""What is heard of a collection, over every transport: whose it is, and what a pull does not touch."""

from __future__ import annotations

import json

import pytest

from .conftest import Way
from .peer import Peer
from .test_collections import NAMES, checksum, joined, pushed, put


@pytest.fixture
def name(way: Way) -> str:
    """A collection of this test alone."""
    return f"notes:{next(NAMES)}"


async def test_no_pull_moves_the_position_of_the_session(way: Way, ann: Peer, bob: Peer, name: str) -> None:
    """A page has what events will say, too: they come all the same, to who comes back from before it."""
    room = f"$sync/{name}"
    await joined(ann, name, "a")
    await joined(bob, name, "b")
    before = ann.position
    ack = await pushed(bob, name, put(1, "n1", "tea"), put(2, "n2", "milk"))
    numbers = [result["seq"] for result in ack["results"]]
    for number in numbers:
        await ann.expect("event", room=room, seq=number)
    page = await ann.ok("pull", collection=name)
    assert (page["complete"], page["next"]) == (True, ann.at(numbers[-1]))
    ann.drop()
    ann.position = before
    await ann.come_back()
    assert ann.welcome["resumed"] is True
    for number in numbers:
        assert (await ann.expect("event", room=room, seq=number))["data"]["writer"]
    # And what is said of where it is, is where it was, and not where the page has come.
    last = await pushed(bob, name, put(3, "n3", "bread"))
    assert (await ann.expect("event", room=room))["seq"] == last["results"][0]["seq"]
    ann.none("gap")


async def test_a_change_of_the_applications_own_has_no_writer_and_no_number(
    way: Way, ann: Peer, bob: Peer, name: str
) -> None:
    await joined(ann, name, "a")
    await joined(bob, name, "b")
    await pushed(bob, name, put(1, "n1", "tea"))
    for change in ({"key": "n1", "value": "milk"}, {"key": "n1"}):
        number = await bob.ok("emit", event="own", data={"collection": name, **change})
        event = await ann.expect("event", room=f"$sync/{name}", seq=number)
        assert event["from"] is None
        said = event["data"]
        assert {"writer", "n"} <= said.keys()
        assert (said["key"], said["writer"], said["n"]) == ("n1", None, None)
    own = await ann.expect("event", room=f"$sync/{name}")
    assert (own["data"]["writer"] is None, own["data"]["n"]) == (False, 1)


async def test_the_secret_of_a_writer_is_in_nothing_that_is_heard(
    way: Way, ann: Peer, bob: Peer, name: str
) -> None:
    secret = "q" * 32
    told = await joined(bob, name, "q")
    await joined(ann, name, "a")
    ack = await pushed(bob, name, put(1, "n1", {"title": "tea"}))
    event = await ann.expect("event", room=f"$sync/{name}", seq=ack["results"][0]["seq"])
    assert event["data"]["writer"] == told["writer"]["name"]
    page = await ann.ok("pull", collection=name)
    assert page["n"] == 0, "one's own, and not what others have come to"
    assert secret not in json.dumps([ann.heard, bob.heard, page, told, ack])


async def test_who_was_away_too_long_is_told_a_gap_and_a_pull_brings_what_is(
    way: Way, ann: Peer, bob: Peer, name: str
) -> None:
    """The policy is `skip`, with presence for nobody: it costs a member nothing but a pull."""
    room = f"$sync/{name}"
    await joined(ann, name, "a")
    await joined(bob, name, "b")
    ann.drop()
    for start in range(1, 1_201, 100):
        changes = (put(n, f"k{n % 3}", n) for n in range(start, start + 100))
        await pushed(bob, name, *changes, seen=start - 1)
    await ann.come_back()
    gap = await ann.expect("gap", room=room)
    page = await ann.ok("pull", collection=name)
    assert [doc["value"] for doc in page["docs"]] == [1198, 1199, 1200]
    assert (page["complete"], page["checksum"]) == (True, checksum(page["docs"]))
    assert page["docs"][-1]["seq"] > gap["to"]
    ann.none("joined")
