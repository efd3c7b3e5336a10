"""`listen` on a durable room: what it hears is on disk, and over a restart it goes on where it was."""

from __future__ import annotations

from pathlib import Path

import trio
import trio.testing

import rtcore
from rtcore import Gap
from tests.patience import PATIENCE

from .conftest import serving


def made(history: int = 1024) -> rtcore.App:
    app = rtcore.App()
    app.rooms("log", durable=True, history=history)
    return app


async def heard(listening: rtcore.Listening, count: int) -> list[object]:
    """The data of the next, or the gap."""
    found: list[object] = []
    with trio.fail_after(PATIENCE):
        while len(found) < count:
            entry = await anext(listening)
            found.append(entry if isinstance(entry, Gap) else entry.data)
    return found


async def test_over_a_restart_it_goes_on_behind_its_position(tmp_path: Path) -> None:
    app = made()
    async with serving(app, data=str(tmp_path)):
        log = app.room("log")
        listening = log.listen()
        for n in range(3):
            await log.publish("said", n)
        assert await heard(listening, 2) == [0, 1]
        position = listening.position
    app = made()
    async with serving(app, data=str(tmp_path)):
        log = app.room("log")
        listening = log.listen(since=position)
        assert await heard(listening, 1) == [2], "said in the life before, and read from disk"
        await log.publish("said", 3)
        assert await heard(listening, 1) == [3]
        # From the beginning of the log, and from now on.
        assert await heard(log.listen(since=f"{position.partition('.')[0]}.0"), 4) == [0, 1, 2, 3]
        later = log.listen()
        await log.publish("said", 4)
        assert await heard(later, 1) == [4]


async def test_where_the_ring_is_short_it_reads_from_disk_and_misses_nothing(tmp_path: Path) -> None:
    app = made(history=2)
    async with serving(app, data=str(tmp_path)):
        log = app.room("log")
        listening = log.listen()
        for n in range(250):  # more than it reads at a time
            await log.publish("said", n)
        assert await heard(listening, 250) == list(range(250))


async def test_who_waits_is_woken_by_what_is_on_disk(tmp_path: Path) -> None:
    app = made()
    async with serving(app, data=str(tmp_path)), trio.open_nursery() as nursery:
        log = app.room("log")
        listening = log.listen()
        found: list[object] = []

        async def wait() -> None:
            found.extend(await heard(listening, 1))

        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked(0.01)
        entry = await log.publish("said", "tea")
        await wait_for(found)
        assert found == ["tea"]
        assert listening.position == entry.position


async def wait_for(found: list[object]) -> None:
    with trio.fail_after(PATIENCE):
        while not found:  # noqa: ASYNC110 - it is another task of the same program
            await trio.sleep(0.005)
