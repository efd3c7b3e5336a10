"""CRDTs in documents that the application itself changes: what is done to them is said."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import trio

import rtcore
from rtcore.errors import InvalidData
from rtcore.testing import memory_server
from tests.engine.test_texts import read, typed


class Item(msgspec.Struct, rename="camel"):
    """Of each kind one, under names that the wire has otherwise."""

    item_title: str
    all_votes: rtcore.PNCounter = msgspec.field(default_factory=rtcore.PNCounter)
    all_tags: rtcore.ORSet[str] = msgspec.field(default_factory=rtcore.ORSet)
    last_seen: rtcore.LWWRegister[str] = msgspec.field(default_factory=rtcore.LWWRegister)
    body: rtcore.Text = msgspec.field(default_factory=rtcore.Text)


def application() -> rtcore.App:
    app = rtcore.App()
    app.collection("board:*", Item)
    app.collection("votes:*", rtcore.GCounter)
    return app


def of(state: dict[str, Any], kind: type[Any]) -> Any:
    return kind.of_state(state).value


async def test_a_struct_with_values_that_merge_is_put(autojump_clock: trio.abc.Clock) -> None:
    app = application()
    async with memory_server(app):
        board = app.collection("board:home")
        item = Item("tea")
        item.all_votes.add(2)
        item.all_tags.add("green")
        item.body.add(*typed(["Hello"]))
        board.put("i1", item)
        there = board.get("i1")
        assert there["itemTitle"] == "tea"
        assert of(there["allVotes"], rtcore.PNCounter) == 2
        assert of(there["allTags"], rtcore.ORSet) == {"green"}
        assert read(board.text("i1", "body").updates()) == "Hello"
        # Put anew, it says nothing of the values in which nothing was done: what others did to them stays.
        board.patch("i1", allVotes=rtcore.crdt.add(5))
        board.put("i1", Item("black tea"))
        there = board.get("i1")
        assert there["itemTitle"] == "black tea"
        assert of(there["allVotes"], rtcore.PNCounter) == 7
        assert of(there["allTags"], rtcore.ORSet) == {"green"}
        assert read(board.text("i1", "body").updates()) == "Hello"


async def test_operations_are_patched(autojump_clock: trio.abc.Clock) -> None:
    app = application()
    async with memory_server(app):
        board = app.collection("board:home")
        board.put("i1", Item("tea"))
        board.patch(
            "i1",
            allVotes=rtcore.crdt.add(-3),
            allTags=rtcore.crdt.add("urgent", "kitchen"),
            lastSeen=rtcore.crdt.assign("today"),
            body=rtcore.crdt.add(*typed(["Hello"])),
        )
        board.patch("i1", allTags=rtcore.crdt.remove("urgent", "never"), itemTitle="green tea")
        there = board.get("i1")
        assert there["itemTitle"] == "green tea"
        assert of(there["allVotes"], rtcore.PNCounter) == -3
        assert of(there["allTags"], rtcore.ORSet) == {"kitchen"}
        assert of(there["lastSeen"], rtcore.LWWRegister) == "today"
        assert read(board.text("i1", "body").updates()) == "Hello"
        with pytest.raises(InvalidData, match="there is none in this place"):
            board.patch("i1", itemTitle=rtcore.crdt.add(1))
        with pytest.raises(InvalidData, match="a counter is told one whole number"):
            board.patch("i1", allVotes=rtcore.crdt.add("x"))
        with pytest.raises(InvalidData, match="or-set has no operation"):
            board.patch("i1", allTags=rtcore.crdt.assign(1))


async def test_a_document_that_is_one_value(autojump_clock: trio.abc.Clock) -> None:
    app = application()
    async with memory_server(app):
        votes = app.collection("votes:all")
        first = rtcore.GCounter()
        first.add(2)
        votes.put("tea", first)
        votes.put("tea", rtcore.crdt.add(3))
        assert of(votes.get("tea"), rtcore.GCounter) == 5
