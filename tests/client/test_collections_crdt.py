"""CRDTs in the documents of a collection, at clients and at the server."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest
import trio

import rtcore
from rtcore.client import Rejected
from rtcore.crdt import add, assign, remove
from rtcore.errors import InvalidData
from tests.client.conftest import Net


class Item(msgspec.Struct):
    """A document."""

    title: str
    votes: rtcore.PNCounter = msgspec.field(default_factory=rtcore.PNCounter)
    tags: rtcore.ORSet[str] = msgspec.field(default_factory=rtcore.ORSet)
    seen: rtcore.GSet[str] = msgspec.field(default_factory=rtcore.GSet)
    colour: rtcore.LWWRegister[str] = msgspec.field(default_factory=rtcore.LWWRegister)


@pytest.fixture
def app() -> rtcore.App:
    app = rtcore.App()
    app.collection("board:*", Item)
    app.collection("count:*", rtcore.GCounter)
    return app


async def test_operations_count_whoever_says_them_and_however_late(net: Net, autojump_clock: Any) -> None:
    async with net.client() as ann, net.client() as bob:
        mine, theirs = await ann.collection("board:x", Item), await bob.collection("board:x", Item)
        await (await mine.put("i1", Item("tea"))).applied
        await trio.sleep(1)
        net.down = True
        await net.cut()
        for board in (mine, theirs):
            await board.patch("i1", votes=add(2), tags=add("a", "b"), seen=add("x"))
            await board.patch("i1", votes=add(-1), tags=remove("a"), colour=assign("red"))
            assert board["i1"].votes.value == 1
            assert board["i1"].tags.value == {"b"}
        net.down = False
        await trio.sleep(60)
        for board in (mine, theirs):
            item = board["i1"]
            assert (item.votes.value, item.tags.value, item.seen.value) == (2, {"b"}, {"x"})
            assert item.colour.value == "red"
            assert (board.conflicts, board.refused, board.pending) == ([], [], [])
        assert mine.raw("i1") == theirs.raw("i1")


async def test_what_was_done_to_a_document_that_was_read_is_said_when_it_is_put(
    net: Net, autojump_clock: Any
) -> None:
    async with net.client() as ann, net.client() as bob:
        mine, theirs = await ann.collection("board:x", Item), await bob.collection("board:x", Item)
        item = Item("tea")
        item.tags.add("new")
        item.votes.add(5)
        await (await mine.put("i1", item)).applied
        assert mine["i1"].votes.value == 5
        read = copy.deepcopy(mine["i1"])
        await trio.sleep(1)
        await (await theirs.patch("i1", votes=add(10), tags=add("theirs"))).applied
        await trio.sleep(1)
        read.votes.add(1)
        read.tags.remove("new")
        read.title = "green tea"
        await (await mine.put("i1", read)).applied
        await trio.sleep(1)
        for board in (mine, theirs):
            found = board["i1"]
            assert (found.title, found.votes.value, found.tags.value) == ("green tea", 16, {"theirs"})


async def test_what_does_not_fit_is_refused(net: Net, autojump_clock: Any) -> None:
    async with net.client() as ann:
        board = await ann.collection("board:x", Item)
        await (await board.put("i1", Item("tea"))).applied
        with pytest.raises(InvalidData, match="never replaced"):
            await board.patch("i1", votes=5)
        with pytest.raises(InvalidData, match="no operation"):
            await board.patch("i1", votes=remove("x"))
        plain = await ann.collection("board:x")
        with pytest.raises(Rejected):
            await (await plain.patch("i1", votes={"$crdt": "or-set", "add": ["x"]})).applied
        assert board["i1"].votes.value == 0


async def test_a_document_may_be_one_counter(net: Net, autojump_clock: Any) -> None:
    async with net.client() as ann, net.client() as bob:
        mine = await ann.collection("count:x", rtcore.GCounter)
        theirs = await bob.collection("count:x", rtcore.GCounter)
        counter = rtcore.GCounter()
        counter.add(3)
        await (await mine.put("visits", counter)).applied
        await trio.sleep(1)
        await (await theirs.put("visits", add(2))).applied  # type: ignore[arg-type]
        await trio.sleep(1)
        assert mine["visits"].value == theirs["visits"].value == 5
