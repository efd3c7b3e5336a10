"""Copies of an outbox's file that go on writing: the first to speak is the writer, the other is told."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trio

import rtcore
from rtcore.client import Collection, Outbox
from tests.client.conftest import Net
from tests.client.shared import Note, application, until


@pytest.fixture
def app() -> rtcore.App:
    return application()


async def test_a_copy_of_the_file_says_nothing_that_its_original_says(net: Net, tmp_path: Path) -> None:
    file, copy = tmp_path / "outbox.db", tmp_path / "copy.db"
    net.down = True
    async with net.client(outbox=Outbox(file)) as ann:
        await (await ann.collection("notes:ann", Note)).put("n1", Note("tea"))
    shutil.copy(file, copy)
    net.down = False
    async with net.client(outbox=Outbox(copy), wait=True) as other:
        found = await other.collection("notes:ann", Note, wait=True)
        assert (found.pending, found.values()) == ([], [])
        assert [(each.key, each.code) for each in found.refused] == [("n1", "FENCED")]
        async with net.client(outbox=Outbox(file), wait=True) as ann:
            notes = await ann.collection("notes:ann", Note)
            if notes.pending:
                await notes.pending[0].applied
            await until(lambda: found.get("n1") == Note("tea"))
            # The copy speaks under a name of its own from now on, and what was refused may be said anew.
            await (await found.put("n2", Note("milk"))).applied
            assert (await (await found.refused[0].retry()).applied).kind == "done"
            await until(lambda: len(notes) == 2)


async def test_a_copy_that_cannot_be_told_here_is_fenced_by_the_server(
    net: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine's snapshot that is started twice: the same device, the same number of the file."""
    monkeypatch.setattr(Outbox, "_place", lambda _: "here")
    # (Its session is not the same: else the second takes it over, and the first ends.)
    file, copy = tmp_path / "outbox.db", tmp_path / "copy.db"
    async with net.client(outbox=Outbox(file), wait=True) as ann:
        notes = await ann.collection("notes:ann", Note, wait=True)
        await (await notes.put("n1", Note("tea"))).applied
    shutil.copy(file, copy)
    with closing(sqlite3.connect(copy)) as db, db:
        db.execute("DELETE FROM fact WHERE name IN ('session', 'key')")
    async with net.client(outbox=Outbox(file), wait=True) as ann:
        notes = await ann.collection("notes:ann", Note, wait=True)
        await (await notes.put("n2", Note("milk"))).applied
        async with net.client(outbox=Outbox(copy), wait=True) as other:
            found = await other.collection("notes:ann", Note, wait=True)
            put = await found.put("n3", Note("coffee"))
            # The original has spoken since: so the copy hears at its join that it is one.
            assert (await put.outcome).kind == "done"
            await (await found.put("n4", Note("water"))).applied
            await (await notes.put("n5", Note("juice"))).outcome
            await until(lambda: not found.pending and not notes.pending)
            await until(lambda: notes.keys() == found.keys())
            told = {each.key for each in (*found.refused, *notes.refused)}
            assert {*notes.keys(), *told} == {"n1", "n2", "n3", "n4", "n5"}


class Deaf(Net):
    """A way on which the server hears nothing from some moment on."""

    deaf = False

    async def dial(self, _: Any) -> trio.abc.Stream:
        stream = await super().dial(_)
        say = stream.send_all

        async def send_all(data: bytes | bytearray | memoryview) -> None:
            if not self.deaf:
                await say(data)

        stream.send_all = send_all  # type: ignore[method-assign]
        return stream


@pytest.mark.parametrize("first", ["original", "copy"])
@pytest.mark.parametrize("lost", [False, True], ids=["both waited", "one was lost on its way"])
async def test_two_copies_under_one_number_that_both_go_on_writing_lose_nothing(
    net: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str, lost: bool
) -> None:
    """Each says other things under the same numbers. Who speaks first is the writer; the other is told."""
    monkeypatch.setattr(Outbox, "_place", lambda _: "here")
    file, copy = tmp_path / "outbox.db", tmp_path / "copy.db"
    async with net.client(outbox=Outbox(file), wait=True) as ann:
        await (await (await ann.collection("notes:ann", Note, wait=True)).put("n1", Note("tea"))).applied
    shutil.copy(file, copy)
    with closing(sqlite3.connect(copy)) as db, db:
        db.execute("DELETE FROM fact WHERE name IN ('session', 'key')")
    files = (file, copy) if first == "original" else (copy, file)
    way = Deaf(net.server)
    way.clients, net.down, way.down = 10, True, not lost
    async with net.client(outbox=Outbox(files[0])) as one, way.client(outbox=Outbox(files[1])) as two:
        mine: Collection[Note] = await one.collection("notes:ann", Note)
        others: Collection[Note] = await two.collection("notes:ann", Note, wait=lost)
        way.deaf = lost
        for n in range(3):
            await mine.put(f"mine{n}", Note(f"milk {n}"))
            await others.put(f"others{n}", Note(f"bread {n}"))
        # What left, and nobody heard, says of no number any more that it must be another's.
        await until(lambda: [row["sent"] for row in others._held.replica.pending()] == [lost] * 3)
        await way.cut()
        way.deaf, way.down, net.down = False, True, False
        one.try_now()
        await until(lambda: not mine.pending)
        way.down = False
        two.try_now()
        wanted, refused = {"n1", "mine0", "mine1", "mine2"}, {f"others{n}": "FENCED" for n in range(3)}
        await until(lambda: not others.pending and set(others.keys()) == wanted)
        assert {each.key: each.code for each in others.refused} == refused
        assert mine.refused == []
        # What was refused is said anew, under a name of its own; both go on.
        for refusal in others.refused:
            assert (await (await refusal.retry()).applied).kind == "done"
        assert (await (await mine.put("last", Note("salt"))).applied).kind == "done"
        await until(lambda: set(mine.keys()) == set(others.keys()) == {*wanted, *refused, "last"})
