"""Collections on disk, over `kill -9` and an end in good order: nothing is lost, nothing is done twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import WAYS, Dial, Ground, Way
from .test_collections import checksum, joined, pushed, put
from .test_restart import Living, back, user

NAME = "docs:ann"
ROOM = f"$sync/{NAME}"


@pytest.fixture(params=["websocket", "polling"])
def way(request: pytest.FixtureRequest) -> Way:
    """How a server is reached says little of its restart: one transport that is told, one that asks."""
    return WAYS[request.param]


@pytest.fixture
def living(own: Ground, way: Way, tmp_path: Path) -> Living:
    return Living(own, way, tmp_path / "data")


def end(living: Living, ending: str) -> None:
    if ending == "crash":
        living.crash()
    else:
        living.stop()


@pytest.mark.parametrize("ending", ["crash", "stop"])
async def test_who_wrote_comes_back_as_that_writer_and_its_changes_are_done_once(
    living: Living, dial: Dial, ending: str
) -> None:
    ann = await user(dial, living, "ann")
    assert (await joined(ann, NAME, "a"))["writer"]["n"] == 0
    changes = [put(1, "x", {"a": 1}), put(2, "y", 2), {"n": 3, "op": "delete", "key": "y"}]
    before = await pushed(ann, NAME, *changes)
    page = await ann.ok("pull", collection=NAME)
    end(living, ending)
    ann = await back(ann, living)
    assert ann.welcome["resumed"] is True
    told = (await ann.expect("room", room=ROOM))["sync"]["writer"]
    assert (told["n"], told["outcomes"]) == (3, before["results"])
    again = await pushed(ann, NAME, *changes)
    assert again["results"] == before["results"]
    now = await ann.ok("pull", collection=NAME)
    assert (now["docs"], now["checksum"]) == (page["docs"], checksum(page["docs"]))
    more = await ann.ok("pull", collection=NAME, after=page["next"])
    assert (more["docs"], more["reset"]) == ([], False)
    gone = await pushed(ann, NAME, {"n": 4, "op": "patch", "key": "y", "value": {"b": 1}})
    assert gone["results"][0]["conflict"]["gone"] is True


async def test_the_application_changes_and_reads_a_collection_over_a_restart(
    living: Living, dial: Dial
) -> None:
    ann = await user(dial, living, "ann")
    assert await ann.ok("emit", event="write", data={"key": "k", "value": {"a": 1}}) > 0
    living.crash()
    bob = await user(dial, living, "bob")
    assert await bob.ok("emit", event="written", data=None) == {"k": {"a": 1}}
    await joined(bob, NAME, "b")
    docs: Any = (await bob.ok("pull", collection=NAME))["docs"]
    assert [(doc["key"], doc["value"]) for doc in docs] == [("k", {"a": 1})]
