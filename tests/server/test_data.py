"""The folder that `--data` names, below the real server: damaged, put back, of a newer version, locked, not
to be written to, copied while it runs, and bounded.
"""

from __future__ import annotations

import ctypes
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.contract.link import Place
from tests.contract.peer import Peer
from tests.contract.websocket import WebSocket
from tests.patience import PATIENCE
from tests.wire.server import HERE, ROOT, Server

# ruff: noqa: ASYNC110 - nobody is told what a log let go of

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1


class Living:
    """A folder, the servers that live in it one after the other, and their clients."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.peers: list[Peer] = []
        self.server: Server | None = Server("app_durable", ("--data", str(data)))

    def stop(self) -> None:
        """End the server in good order."""
        for peer in self.peers:
            peer.drop()
        assert self.server is not None
        self.server.terminate()
        assert self.server.wait() == 0
        self.let_go()

    def let_go(self) -> None:
        """Nothing of the server is left."""
        server, self.server = self.server, None
        if server is not None:
            server.stop()

    def start(self) -> None:
        """The next one."""
        self.server = Server("app_durable", ("--data", str(self.data)))

    def peer(self) -> Peer:
        """A client, not connected yet."""
        assert self.server is not None
        self.peers.append(Peer(Place(self.server.address), WebSocket))
        return self.peers[-1]

    async def come(self, name: str, *rooms: str) -> Peer:
        """A session in these rooms."""
        peer = await self.peer().hello(token=name)
        for room in rooms:
            await peer.join(room)
        return peer


@pytest.fixture
async def living(tmp_path: Path) -> AsyncIterator[Living]:
    """With a server."""
    living = Living(tmp_path / "data")
    yield living
    for peer in living.peers:
        peer.close()
    living.let_go()


async def past(peer: Peer, room: str) -> list[Any]:
    """What is kept of a room."""
    found: list[Any] = []
    after, more = 0, True
    while more:
        page = await peer.ok("history", room=room, after=peer.at(after), limit=500)
        found += [entry["data"] for entry in page["history"]]
        more, after = page["more"], page["history"][-1]["seq"] if page["history"] else after
    return found


async def said(*words: object) -> str:
    """What a command of rtcore says, that has to end well."""
    command = [sys.executable, "-m", "rtcore", *map(str, words)]
    done = await trio.run_process(command, cwd=ROOT / "python", capture_stdout=True)
    return done.stdout.decode()


def refused(data: Path, *, before: Callable[[], None] | None = None) -> str:
    """What a server says that cannot start in this folder."""
    env = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    command = [sys.executable, "-m", "rtcore", "serve", "app_durable:app", "--port", "0", "--data", str(data)]
    done = subprocess.run(
        command, cwd=HERE, env=env, capture_output=True, text=True, timeout=PATIENCE, preexec_fn=before
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


async def test_a_damaged_file_is_set_aside_never_overwritten_and_what_can_be_read_is_saved(
    living: Living,
) -> None:
    ann = await living.come("ann", "orders:1")
    epoch = ann.welcome["epoch"]
    for n in range(300):
        await ann.publish("orders:1", f"{n} {'x' * 200}")
    living.stop()
    file = living.data / "log.db"
    log = sqlite3.connect(file)
    page = int(log.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'session'").fetchone()[0]) - 1
    log.close()
    whole = bytearray(file.read_bytes())
    whole[page * 4096 : (page + 1) * 4096] = b"\xa5" * 4096
    file.write_bytes(bytes(whole))

    living.start()
    assert living.server is not None
    living.server.wait_for("corrupt-1")
    bob = await living.come("bob", "orders:1")
    assert bob.welcome["epoch"] != epoch
    assert await past(bob, "orders:1") == []
    await bob.publish("orders:1", "of the new epoch")
    living.stop()
    aside = living.data / "log.db.corrupt-1"
    assert aside.read_bytes() == bytes(whole), "it is as it was found"

    assert "saved" in await said("log", living.data, "salvage", aside)
    assert aside.read_bytes() == bytes(whole)
    living.start()
    reader = await living.come("reader", "orders:1")
    kept = await past(reader, "orders:1")
    assert kept == ["of the new epoch", *(f"{n} {'x' * 200}" for n in range(300))], "under new numbers"


async def test_a_page_of_rubbish_is_set_aside_and_the_rest_is_salvaged_into_a_log_that_serves(
    living: Living, tmp_path: Path
) -> None:
    ann = await living.come("ann", "orders:1")
    for n in range(300):
        await ann.publish("orders:1", f"{n} {'x' * 200}")
    living.stop()
    file = living.data / "log.db"
    whole = bytearray(file.read_bytes())
    middle = len(whole) // 2 // 4096 * 4096
    whole[middle : middle + 4096] = b"\xa5" * 4096
    broken = tmp_path / "broken.db"
    broken.write_bytes(bytes(whole))
    fresh = tmp_path / "fresh"
    told = await said("log", fresh, "salvage", broken)
    assert "saved" in told
    living.data = fresh
    living.start()
    reader = await living.come("reader", "orders:1")
    kept = await past(reader, "orders:1")
    assert 200 < len(kept) < 300
    numbers = [int(data.split()[0]) for data in kept]
    assert numbers == sorted(set(numbers)), "in their order, none twice"
    await reader.publish("orders:1", "on we go")


async def test_a_backup_made_while_it_serves_is_put_back_under_a_new_epoch(
    living: Living, tmp_path: Path
) -> None:
    """Clients with newer positions were fed as if they had all of it, until the numbers had passed them."""
    ann = await living.come("ann", "orders:1")
    copy = tmp_path / "monday.db"
    numbers = [await ann.publish("orders:1", n) for n in range(3)]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(said, "backup", living.data, copy)  # as another process would
        numbers += [await ann.publish("orders:1", n) for n in range(3, 6)]
    assert "are whole" in await said("log", copy, "verify")
    later = [await ann.publish("orders:1", f"later {n}") for n in range(3)]
    await ann.fence()
    returning, epoch, position = ann.returning(), ann.welcome["epoch"], ann.at(later[-1])
    living.stop()
    assert "new epoch" in await said("restore", copy, living.data)

    living.start()
    back = await living.peer().hello(token="ann", **returning)
    assert back.welcome["resumed"] is False
    assert back.welcome["epoch"] != epoch
    gap = await back.expect("gap", room="$all")
    assert gap["reason"] == "epoch"
    joined = await back.join("orders:1", since=position)
    assert joined["complete"] is False, "what it knows is of another epoch"
    kept = await past(back, "orders:1")
    assert kept == list(range(len(kept)))
    assert 3 <= len(kept) <= 6, "what the log held when the copy began"
    assert await back.publish("orders:1", "new") > max(later), "no number is given twice"


async def test_a_file_of_a_newer_version_is_left_alone(living: Living) -> None:
    living.stop()
    log = sqlite3.connect(living.data / "log.db")
    version = int(log.execute("PRAGMA user_version").fetchone()[0])
    log.execute("PRAGMA user_version=99")
    log.close()
    before = (living.data / "log.db").read_bytes()
    told = refused(living.data)
    assert "99" in told
    assert str(version) in told
    assert (living.data / "log.db").read_bytes() == before


async def test_a_second_server_in_the_folder_does_not_start(living: Living) -> None:
    ann = await living.come("ann", "orders:1")
    told = await trio.to_thread.run_sync(refused, living.data)
    assert "another process" in told
    await ann.publish("orders:1", "the first one goes on")


def without_rights_of_root() -> None:
    """In a child that is root: what may not be written may not be written."""
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE)


@pytest.mark.skipif(sys.platform != "linux", reason="root is made to obey by a call of Linux")
async def test_a_folder_that_may_only_be_read_is_said(living: Living) -> None:
    living.stop()
    for file in living.data.iterdir():
        file.chmod(0o400)
    living.data.chmod(0o500)
    try:
        told = refused(living.data, before=without_rights_of_root)
    finally:
        living.data.chmod(0o700)
    assert str(living.data) in told
    assert "ermission denied" in told


async def test_a_room_keeps_as_much_as_it_may_and_the_file_shrinks(living: Living) -> None:
    ann = await living.come("ann", "few:1", "small:1", "young:1", "orders:1")
    text = "x" * 2000
    with trio.fail_after(PATIENCE):
        for room in ("few:1", "small:1", "young:1"):
            numbers = [
                await ann.ask("publish", room=room, event="say", data=f"{n} {text}") for n in range(300)
            ]
            for number in numbers:
                await ann.result(number)
        while await past(ann, "few:1") != [f"{n} {text}" for n in range(280, 300)]:
            await trio.sleep(0.1)
        while sum(map(len, await past(ann, "small:1"))) > 20_000:
            await trio.sleep(0.1)
        kept = await past(ann, "small:1")
        assert kept == [f"{n} {text}" for n in range(300 - len(kept), 300)], "the oldest went first"
        assert kept
        while await past(ann, "young:1"):
            await trio.sleep(0.1)
        page = await ann.ok("history", room="few:1", after=ann.at(0), limit=10)
        assert page["complete"] is False, "what went is told"
        written = 900 * len(text)
        while (living.data / "log.db").stat().st_size > written / 4:
            await trio.sleep(0.1)
