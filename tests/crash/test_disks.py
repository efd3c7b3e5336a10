"""Disks that fail, are full, hang, forget and lie, below a real server: what its clients hear meanwhile, and
what is there after the next start.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
import trio

from tests.contract.peer import Peer
from tests.patience import PATIENCE

from .disk import FAIL_SYNC, FAIL_WRITE, FULL, HANG_SYNC_MS, LIE_SYNC, SHORT_WRITE, can
from .yard import Yard, outcome, past

pytestmark = pytest.mark.skipif(not can(), reason="needs Linux and a C compiler")

FOREVER = 10 * 60 * 1000
"""Longer than any test waits (ms): what waits for this fails."""


async def until_done(peer: Peer, name: str) -> dict[str, str]:
    """Publish, each time something else, until the disk takes it: what became of each."""
    told: dict[str, str] = {}
    with trio.fail_after(PATIENCE):
        while "done" not in told.values():
            data = f"{name}.{len(told)}"
            told[data] = await outcome(peer, data)
            await trio.sleep(0.01)
    return told


def judged(kept: list[Any], told: dict[str, str]) -> None:
    """All that was acknowledged is there, once, in order; nothing that was refused is."""
    assert len(set(kept)) == len(kept), kept
    assert kept == [data for data in told if data in kept], "out of order"
    for data, what in told.items():
        if what != "OUTCOME_UNKNOWN":
            assert (data in kept) is (what == "done"), (data, what, kept)


@pytest.mark.parametrize("wish", [FAIL_SYNC, FAIL_WRITE, SHORT_WRITE], ids=["sync", "write", "short"])
@pytest.mark.parametrize("times", [1, 3])
async def test_a_disk_that_fails_and_is_good_again_loses_nothing(yard: Yard, wish: int, times: int) -> None:
    """An fsync that fails once reports success the next time, and has written nothing."""
    ann, bob = await yard.come("ann", "full:a", "live:a"), await yard.come("bob", "full:a", "live:a")
    told = {"before": await outcome(ann, "before")}
    yard.disk.wish(wish, times)
    told |= await until_done(ann, "during")
    assert yard.disk.count(wish) == 0, "it has failed"
    await ann.publish("live:a", "live")
    await bob.expect("event", data="live")
    told |= {f"after.{n}": await outcome(ann, f"after.{n}") for n in range(3)}
    assert told["after.2"] == "done"
    await bob.expect("event", data="after.2")
    assert (await yard.health())[0] == "ok"
    heard = [said["data"] for said in bob.heard if said["type"] == "event" and said["room"] == "full:a"]
    assert [data for data in heard if told[data] == "done"] == [data for data in told if told[data] == "done"]
    await yard.cut(random.Random(times))
    judged(await yard.kept(), told)


async def test_a_full_disk_refuses_what_is_said_and_all_else_goes_on(yard: Yard) -> None:
    ann, bob = await yard.come("ann", "full:a", "live:a"), await yard.come("bob", "full:a", "live:a")
    told = {"before": await outcome(ann, "before")}
    yard.disk.wish(FULL, -1)
    for n in range(3):
        told[f"full.{n}"] = await outcome(ann, f"full.{n}")
        await ann.publish("live:a", n)
        await bob.expect("event", data=n)
    assert "done" not in [told[f"full.{n}"] for n in range(3)]
    assert await past(bob) == ["before"]
    health = await yard.health()
    assert health[0] == "degraded"
    assert "it takes nothing new" in health[1]
    yard.disk.wish(FULL, 0)
    told |= await until_done(ann, "room")
    assert (await yard.health())[0] == "ok"
    await yard.again()
    judged(await yard.kept(), told)


async def test_a_disk_that_hangs_holds_those_who_hear_both_for_a_while_and_nobody_else(yard: Yard) -> None:
    """A live room stood still for as long as the disk hung, once one member was in a durable room too."""
    both, live = await yard.come("both", "full:a", "live:a"), await yard.come("live", "live:a")
    said = await yard.come("said", "full:a")
    yard.disk.wish(HANG_SYNC_MS, FOREVER)
    number = await said.ask("publish", room="full:a", event="say", data="hangs")
    for n in range(20):
        await live.publish("live:a", n)
        await live.expect("event", data=n)
    gap = await both.expect("gap", room="full:a")
    assert gap["reason"] == "store"
    assert gap["from"] == gap["to"]
    for n in range(20):
        await both.expect("event", room="live:a", data=n)
    await said.failure(number, "OUTCOME_UNKNOWN")
    assert await outcome(said, "at once") == "UNAVAILABLE"
    assert (await yard.health())[0] == "degraded"
    assert yard.disk.count(HANG_SYNC_MS) == FOREVER, "all that while it hung"
    yard.disk.wish(HANG_SYNC_MS, 0)
    told = {"hangs": "OUTCOME_UNKNOWN", "at once": "UNAVAILABLE", **await until_done(said, "after")}
    both.none("event", data="hangs")
    await yard.again()
    kept = await yard.kept()
    judged(kept, told)
    assert "hangs" in kept, "it turned out to be written"


@pytest.mark.parametrize("lies", [False, True], ids=["as it is", "without the fsync"])
@pytest.mark.parametrize("file", ["log.db-wal", "log.db"])
async def test_an_fsync_that_is_taken_out_is_found(yard: Yard, file: str, lies: bool) -> None:
    """The proof of these tests: without one of the two syncs, what was acknowledged goes with the power."""
    ann = await yard.come("ann", "full:a")
    yard.disk.wish(LIE_SYNC, (1 if file == "log.db-wal" else 2) if lies else 0)
    told = {str(n): await outcome(ann, str(n)) for n in range(5)}
    if file == "log.db":  # it is synced when nothing comes, and the journal begins anew then
        with trio.fail_after(PATIENCE):
            while (yard.data / "log.db-wal").stat().st_size > 0:  # noqa: ASYNC110 (a file tells nobody)
                await trio.sleep(0.01)
        told["5"] = await outcome(ann, "5")
    assert set(told.values()) == {"done"}
    await yard.cut(random.Random(0))
    found = yard.log.count("rolled_back") + yard.log.count("corrupt")
    lost = found > 0 or await yard.kept() != list(told)
    assert lost is lies


@pytest.mark.parametrize("file", ["log.db", "log.db-wal", "log.db-shm", "log.note", "log.lock"])
@pytest.mark.parametrize("seed", range(3))
async def test_a_flipped_bit_is_never_told_as_what_was_said(yard: Yard, file: str, seed: int) -> None:
    """It costs entries, which are told as missing, or begins a new epoch, loudly; or it harms nothing."""
    ann = await yard.come("ann", "full:a")
    epoch, said = ann.welcome["epoch"], [f"{n} {'x' * 50}" for n in range(40)]
    for data in said:
        assert await outcome(ann, data) == "done"
    yard.kill()
    path, dice = yard.data / file, random.Random(seed)
    before = bytearray(path.read_bytes())
    if before:  # in the journal's last frame it cannot be told from a write that was cut short
        before[dice.randrange(len(before) * 3 // 4)] ^= 1 << dice.randrange(8)
        path.write_bytes(bytes(before))
    await yard.start()
    reader = await yard.come("reader", "full:a")
    page = await reader.ok("history", room="full:a", after=f"{epoch}.0", limit=500)
    kept = [entry["data"] for entry in page["history"]]
    assert kept == [data for data in said if data in kept], "what is told was said, in this order"
    if kept != said:
        told = page["complete"] is False or reader.welcome["epoch"] != epoch
        assert told, "something is missing, and nothing says so"
    if reader.welcome["epoch"] != epoch:
        assert "new epoch" in yard.log
    assert await outcome(reader, "on we go") == "done"


@pytest.mark.parametrize("wish", [FULL, FAIL_SYNC, HANG_SYNC_MS], ids=["full", "fails", "hangs"])
async def test_a_server_that_is_told_to_stop_ends_whatever_its_disk_does(yard: Yard, wish: int) -> None:
    """Who waits for the disk cannot be cancelled, and nothing told him any more that it does not answer."""
    ann = await yard.come("ann", "full:a")
    yard.disk.wish(wish, {FULL: -1, FAIL_SYNC: FOREVER, HANG_SYNC_MS: FOREVER}[wish])
    for token in ("one", "two"):
        await ann.ask("emit", event="say", data={"token": token, "room": "said:a"})
        await ann.ask("publish", room="full:a", event="say", data=token)
    assert yard.life is not None
    assert await trio.to_thread.run_sync(yard.life.stop) == 0
