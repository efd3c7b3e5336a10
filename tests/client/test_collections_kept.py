"""Collections in the outbox's file: over restarts, copies, other users, and files that are taken away."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import rtcore
from rtcore._ground.replica import Replica
from rtcore.client import Collection, Outbox, UnsentChanges
from rtcore.client.collections import rows
from rtcore.testing import memory_server
from tests.client.conftest import Net
from tests.client.shared import Note, application, until


@pytest.fixture
def app() -> rtcore.App:
    return application()


async def test_what_is_kept_is_there_at_once_without_a_connection(net: Net, tmp_path: Path) -> None:
    file = tmp_path / "outbox.db"
    async with net.client(outbox=Outbox(file), wait=True) as ann:
        notes = await ann.collection("notes:ann", Note, wait=True)
        await (await notes.put("n1", Note("tea"))).applied
    net.down = True
    async with net.client(outbox=Outbox(file)) as ann:
        notes = await ann.collection("notes:ann", Note)
        assert notes.values() == [Note("tea")]
        await notes.patch("n1", done=True)
        await notes.put("n2", Note("milk"))
        assert not notes.whole
    async with net.client(outbox=Outbox(file)) as ann:
        notes = await ann.collection("notes:ann", Note)
        assert notes.values() == [Note("tea", True), Note("milk")]
        first, second = notes.pending
        net.down = False
        ann.try_now()
        assert (await first.applied).kind == (await second.applied).kind == "done"
        assert notes.pending == []
    async with net.client() as bob:
        assert (await bob.collection("notes:ann", Note)).values() == [Note("tea", True), Note("milk")]


def test_rows_of_deletes_go_with_the_oldest() -> None:
    replica, many = Replica(), 10_100
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(rows.SCHEMA)

        def keep() -> int:
            rows.step(db, "data", (1, replica.keep(True, False)[0]))
            return int(db.execute("SELECT count(*) FROM document").fetchone()[0])

        for n in range(many):
            replica.hear(n + 1, {"key": f"k{n}", "op": "put", "value": n, "writer": "w9", "n": n})
        assert keep() == many
        for n in range(many):
            gone = {"key": f"k{n}", "op": "delete", "prev": n + 1, "writer": "w9", "n": many + n}
            replica.hear(many + n + 1, gone)
        assert keep() == 10_000
        assert db.execute("SELECT count(*) FROM document WHERE key='k0'").fetchone()[0] == 0


async def test_a_put_returns_once_it_is_on_disk(net: Net, tmp_path: Path) -> None:
    file, copy = tmp_path / "outbox.db", tmp_path / "copy.db"
    net.down = True
    async with net.client(outbox=Outbox(file)) as ann:
        notes = await ann.collection("notes:ann", Note)
        await notes.put("n1", Note("tea"))
        for name in ("", "-wal"):
            shutil.copy(f"{file}{name}", f"{copy}{name}")
        async with net.client(outbox=Outbox(copy)) as other:
            found = await other.collection("notes:ann", Note)
            assert [each.key for each in found.refused] == ["n1"]


async def test_a_file_that_is_taken_away_is_noticed_and_said(net: Net, tmp_path: Path) -> None:
    file = tmp_path / "outbox.db"
    async with net.client(outbox=Outbox(file), wait=True) as ann:
        notes = await ann.collection("notes:ann", Note, wait=True)
        await (await notes.put("n1", Note("tea"))).applied
        assert ann.status.storage is None
        file.unlink()
        await (await notes.put("n2", Note("milk"))).applied
        assert "outbox.db" in str(ann.status.storage)
        assert len(notes) == 2


async def test_signing_out_asks_first(net: Net, tmp_path: Path) -> None:
    file = tmp_path / "outbox.db"
    net.down = True
    async with net.client(outbox=Outbox(file)) as ann:
        await (await ann.collection("notes:ann", Note)).put("n1", Note("tea"))
        with pytest.raises(UnsentChanges) as raised:
            await ann.sign_out()
        assert raised.value.pending == 1
    async with net.client(outbox=Outbox(file)) as ann:
        with pytest.raises(UnsentChanges):  # also of a collection that nobody opened in this process
            await ann.sign_out()
        await ann.sign_out(discard=True)
    async with net.client(outbox=Outbox(file)) as ann:
        notes = await ann.collection("notes:ann", Note)
        assert (notes.pending, notes.values()) == ([], [])


async def test_another_user_of_the_same_file_sees_and_says_nothing_of_it(net: Net, tmp_path: Path) -> None:
    file = tmp_path / "outbox.db"
    async with net.client(outbox=Outbox(file), token="ann", wait=True) as ann:
        notes = await ann.collection("plain:x", wait=True)
        await (await notes.put("k", {"of": "ann"})).applied
        net.down = True
        await net.cut()
        await notes.put("late", {"of": "ann"})
    net.down = False
    async with net.client(outbox=Outbox(file), token="bob", wait=True) as bob:
        plain = await bob.collection("plain:x", wait=True)
        assert plain.keys() == ["k"]
        assert plain.pending == []
    async with net.client(outbox=Outbox(file), token="ann", wait=True) as ann:
        notes = await ann.collection("plain:x", wait=True)
        await until(lambda: not notes.pending)
        assert notes.keys() == ["k", "late"]


async def test_a_collection_ends_when_the_session_is_another_users(net: Net, tmp_path: Path) -> None:
    who = ["ann"]
    async with net.client(outbox=Outbox(tmp_path / "o.db"), token=lambda: who[0], wait=True) as client:
        notes = await client.collection("plain:x", wait=True)
        net.down = True
        await net.cut()
        await notes.put("k", {"of": "ann"})
        who[0] = "bob"
        net.down = False
        await client.ready()
        await until(lambda: client.user == "bob")
        with pytest.raises(rtcore.RtcoreError, match="ann's"):
            await notes.put("k", {})
        again = await client.collection("plain:x", wait=True)
        assert (again.values(), again.pending) == ([], [])


async def test_what_waits_outlives_the_servers_log(net: Net, tmp_path: Path) -> None:
    async with net.client(outbox=Outbox(tmp_path / "o.db"), wait=True) as ann:
        notes = await ann.collection("notes:ann", Note, wait=True)
        await (await notes.put("n1", Note("tea"))).applied
        net.down = True
        await net.cut()
        await notes.put("n2", Note("milk"))
        async with memory_server(application(), seed=bytes([2]) * 32) as other:
            net.server, net.down = other, False
            await until(lambda: not notes.pending)
            # In memory alone: the collection began anew, and only what waited is in it.
            assert notes.values() == [Note("milk")]


async def test_a_program_of_an_older_schema_keeps_what_it_has_and_says_so(tmp_path: Path) -> None:
    def served(schema: int) -> rtcore.App:
        app = rtcore.App()
        app.collection("plain:*", Any, schema=schema)
        return app

    file = tmp_path / "o.db"
    async with memory_server(served(1)) as server:
        net = Net(server)
        async with net.client(outbox=Outbox(file), wait=True) as ann:
            plain: Collection[object] = await ann.collection("plain:x", dict[str, int], schema=1, wait=True)
            assert not plain.outdated
            net.down = True
            await net.cut()
            await plain.put("k", {"n": 1})
    async with memory_server(served(2)) as server, Net(server).client(outbox=Outbox(file), wait=True) as ann:
        plain = await ann.collection("plain:x", dict[str, int], schema=1, wait=True)
        await until(lambda: not plain.pending)
        assert plain.outdated
        assert [(each.key, each.code, each.mine) for each in plain.refused] == [("k", "OUTDATED", {"n": 1})]
