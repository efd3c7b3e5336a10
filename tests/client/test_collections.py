"""Collections at a client, with the server in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
import trio.lowlevel

import rtcore
from rtcore.client import InvalidDocument, Rejected
from rtcore.errors import InvalidData
from rtcore.testing import memory_server
from tests.client.conftest import Net
from tests.client.shared import Note, application
from tests.patience import PATIENCE


@pytest.fixture
def app() -> rtcore.App:
    return application()


async def test_a_document_that_one_puts_is_seen_by_the_other(net: Net, autojump_clock: Any) -> None:
    async with net.client() as ann, net.client() as bob:
        mine, theirs = await ann.collection("notes:ann", Note), await bob.collection("notes:ann", Note)
        changes = theirs.changes()
        put = await mine.put("n1", Note("tea"))
        assert mine["n1"] == Note("tea")
        outcome = await put.applied
        assert (outcome.kind, put.done) == ("done", True)
        change = await anext(changes)
        assert (change.key, change.before, change.now, change.own) == ("n1", None, Note("tea"), False)
        assert theirs["n1"] == Note("tea")
        await (await mine.patch("n1", done=True)).applied
        change = await anext(changes)
        assert (change.before, change.now) == (Note("tea"), Note("tea", True))
        await (await theirs.delete("n1")).applied
        assert (await anext(changes)).now is None
        assert "n1" not in theirs
        assert len(theirs) == 0
        assert mine.pending == mine.conflicts == mine.refused == []


async def test_at_a_first_load_nothing_was_before_and_after_a_return_what_was_held_was(
    net: Net, tmp_path: Path
) -> None:
    async with net.client() as ann:
        mine = await ann.collection("notes:ann", Note)
        await mine.put("n1", Note("tea"))
        await (await mine.patch("n1", done=True)).applied
        await (await mine.put("n2", Note("milk"))).applied
        net.down = True
        async with net.client(outbox=rtcore.Outbox(tmp_path / "outbox.db")) as bob:
            theirs = await bob.collection("notes:ann", Note)  # at once; nothing is held yet
            changes = theirs.changes()
            net.down = False
            with trio.fail_after(PATIENCE):
                told = [await anext(changes) for _ in range(2)]
            assert [(each.key, each.before, each.now, each.own) for each in told] == [
                ("n1", None, Note("tea", True), False),  # it is older than this client, and has been another
                ("n2", None, Note("milk"), False),
            ]
            # What is held when it begins to listen is not told; what becomes of it is, with what was held.
            again = theirs.changes()
            await net.cut()
            with trio.fail_after(PATIENCE):
                await (await mine.patch("n1", title="green tea")).applied
                change = await anext(again)
            assert (change.key, change.before, change.now) == (
                "n1",
                Note("tea", True),
                Note("green tea", True),
            )


async def test_what_is_changed_offline_is_seen_at_once_and_said_on_return(
    net: Net, autojump_clock: Any
) -> None:
    async with net.client() as ann, net.client() as bob:
        mine, theirs = await ann.collection("notes:ann", Note), await bob.collection("notes:ann", Note)
        await (await mine.put("n1", Note("tea"))).applied
        net.down = True
        await net.cut()
        patch = await mine.patch("n1", done=True)
        await mine.put("n2", Note("milk"))
        assert mine.values() == [Note("tea", True), Note("milk")]
        assert [change.key for change in mine.pending] == ["n1", "n2"]
        assert not patch.done
        net.down = False
        assert (await patch.applied).kind == "done"
        await trio.sleep(1)
        assert theirs.values() == [Note("tea", True), Note("milk")]


async def test_fields_that_two_change_apart_are_both_kept(net: Net, autojump_clock: Any) -> None:
    async with net.client() as ann, net.client() as bob:
        mine, theirs = await ann.collection("notes:ann", Note), await bob.collection("notes:ann", Note)
        await (await mine.put("n1", Note("tea"))).applied
        await theirs.ready()
        net.down = True
        await net.cut()
        one, other = await mine.patch("n1", title="green tea"), await theirs.patch("n1", done=True)
        net.down = False
        await one.applied
        await other.applied
        await trio.sleep(1)
        assert mine["n1"] == theirs["n1"] == Note("green tea", True)


async def test_a_conflict_shows_both_sides_and_waits_for_its_author(net: Net, autojump_clock: Any) -> None:
    async with net.client() as ann, net.client() as bob:
        mine, theirs = await ann.collection("asked:x"), await bob.collection("asked:x")
        await (await mine.put("k", {"title": "tea", "n": 1})).applied
        await trio.sleep(1)
        net.down = True
        await net.cut()
        await theirs.patch("k", title="milk")
        lost = await mine.patch("k", title="coffee")
        net.down = False
        await lost.outcome
        await trio.sleep(1)
        collection = mine if mine.conflicts else theirs
        conflict = collection.conflicts[0]
        wanted = {id(mine): "coffee", id(theirs): "milk"}[id(collection)]
        assert conflict.base == {"title": "tea", "n": 1}
        assert conflict.mine == {"title": wanted, "n": 1}
        assert conflict.theirs == collection["k"]
        assert conflict.fields == ("title",)
        again = await conflict.keep_mine()
        assert (await again.applied).kind == "done"
        await trio.sleep(1)
        assert mine["k"] == theirs["k"] == {"title": wanted, "n": 1}
        assert collection.conflicts == []


async def test_a_refused_change_is_kept_and_those_behind_it_go_on(net: Net, autojump_clock: Any) -> None:
    async with net.client() as ann:
        notes = await ann.collection("notes:ann", Note)
        bad, good = await notes.put("secret", Note("x")), await notes.put("n1", Note("tea"))
        with pytest.raises(Rejected, match="may not change"):
            await bad.applied
        assert (await good.applied).kind == "done"
        refusal = notes.refused[0]
        assert (refusal.key, refusal.code, refusal.mine) == ("secret", "FORBIDDEN", Note("x"))
        assert "secret" not in notes
        assert ann.status.refused == 1
        with pytest.raises(Rejected):
            await (await refusal.retry()).applied
        await notes.refused[0].discard()
        assert notes.refused == []


async def test_sync_works_the_difference_out(net: Net, autojump_clock: Any) -> None:
    async with net.client() as ann:
        notes = await ann.collection("notes:ann", Note)
        await (await notes.put("n1", Note("tea"))).applied
        result = await notes.sync({"n1": Note("tea"), "n2": {"title": "milk"}, "n3": None})
        assert result.success
        assert list(result.changes) == ["n2"]
        result = await notes.sync({"n1": None, "secret": Note("x")})
        assert not result.success
        assert result.changes["secret"].code == "FORBIDDEN"
        assert [each.key for each in result.refused] == ["secret"]
        assert result.sync_id == notes.position
        assert notes.keys() == ["n2"]


async def test_what_is_not_of_the_type_is_refused_before_it_is_kept(net: Net, autojump_clock: Any) -> None:
    async with net.client() as ann:
        notes = await ann.collection("notes:ann", Note)
        with pytest.raises(InvalidData):
            await notes.put("n1", {"title": 1})
        await notes.put("n1", Note("tea"))
        with pytest.raises(InvalidData, match="no field"):
            await notes.patch("n1", colour="red")
        with pytest.raises(InvalidData):
            await notes.patch("n1", done="yes")
        with pytest.raises(KeyError):
            await notes.patch("n2", done=True)
        with pytest.raises(InvalidData, match="key"):
            await notes.put("", Note("x"))
        with pytest.raises(InvalidData):
            await notes.put("n1", Note(float("nan")))  # type: ignore[arg-type]
        plain = await ann.collection("notes:ann", dict[str, int])
        with pytest.raises(InvalidDocument):
            plain["n1"]
        assert list(plain.unreadable) == ["n1"]
        assert plain.values() == []
        assert plain.raw("n1") == {"title": "tea", "done": False}


async def test_who_may_not_enter_is_told_and_who_may_not_write_waits(net: Net, autojump_clock: Any) -> None:
    async with net.client(token="eve") as eve:
        with pytest.raises(Rejected):
            await eve.collection("notes:ann", Note)
        with pytest.raises(Rejected):
            await eve.collection("nothing", Note)
    async with net.client() as ann:
        notes = await ann.collection("notes:ann", Note, data="reader")
        put = await notes.put("n1", Note("tea"))
        await trio.sleep(5)
        assert not put.done
        assert isinstance(notes.problem, Rejected)
        assert [change.n for change in notes.pending] == [put.n]


async def test_subscribers_are_called_in_order_and_their_faults_are_theirs(
    net: Net, autojump_clock: Any
) -> None:
    async with net.client() as ann:
        notes = await ann.collection("notes:ann", Note)
        heard: list[Any] = []

        def hears(change: Any) -> None:
            heard.append((change.key, change.own))
            raise RuntimeError("its own")

        stop = notes.subscribe(hears)
        one: list[Any] = []
        notes.subscribe(lambda change: one.append(change.now), "n2")
        await notes.put("n1", Note("tea"))
        await notes.put("n2", Note("milk"))
        await trio.sleep(1)
        assert heard == [("n1", True), ("n2", True)]
        assert one == [Note("milk")]
        stop()
        await trio.lowlevel.checkpoint()
        await notes.put("n3", Note("milk"))
        await trio.sleep(1)
        assert len(heard) == 2


async def test_a_first_sync_of_many_pages_is_whole_and_a_hundred_changes_go_in_few_pushes(
    net: Net, autojump_clock: Any
) -> None:
    async with net.client() as ann, net.client() as bob:
        mine = await ann.collection("plain:x")
        net.down = True
        await net.cut()
        for number in range(2500):
            last = await mine.put(f"k{number:05}", {"n": number})
        net.down = False
        await last.applied
        theirs = await bob.collection("plain:x")
        assert len(theirs) == 2500
        assert theirs["k02499"] == {"n": 2499}
        assert theirs.whole


async def test_a_collection_that_is_closed_says_so(net: Net, autojump_clock: Any) -> None:
    async with net.client() as ann:
        notes = await ann.collection("notes:ann", Note)
        changes = notes.changes()
        await notes.close()
        with pytest.raises(rtcore.RtcoreError):
            await notes.put("n1", Note("x"))
        with pytest.raises(rtcore.RtcoreError):
            await anext(changes)
        again = await ann.collection("notes:ann", Note)
        await (await again.put("n1", Note("x"))).applied
    with pytest.raises(rtcore.RtcoreError):
        await again.put("n2", Note("x"))


async def test_an_application_says_changes_too(app: rtcore.App, autojump_clock: Any) -> None:
    async with memory_server(app) as server, Net(server).client() as ann:
        notes = await ann.collection("notes:ann", Note)
        changes = notes.changes()
        app.collection("notes:ann").put("n1", {"title": "tea"})
        assert (await anext(changes)).now == Note("tea")
