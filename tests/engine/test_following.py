"""What becomes of a collection, as the application follows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

import rtcore
from rtcore.testing import memory_server
from rtcore.testing.server import MemoryServer


def application(**settings: Any) -> rtcore.App:
    app = rtcore.App()
    app.collection("notes:*", Any, **settings)
    return app


async def push(server: MemoryServer, *changes: dict[str, Any]) -> None:
    """A member changes something."""
    client = await server.welcomed()
    secret = {"client": "0123456789abcdef0123456789abcdef", "incarnation": 1, "nonce": "n"}
    await client.ask("join", room="$sync/notes:ann", sync=secret)
    said = [{"n": n, "base": None, **change} for n, change in enumerate(changes, 1)]
    results = await client.ask("push", collection="notes:ann", changes=said, seen=0)
    assert [result["n"] for result in results["results"]] == [each["n"] for each in said]
    await client.close()


def told(changed: rtcore.Changed | rtcore.Gap) -> tuple[str, Any, bool]:
    assert isinstance(changed, rtcore.Changed)
    return changed.key, changed.value, changed.deleted


async def test_changes_of_members_and_of_the_application_are_told(autojump_clock: trio.abc.Clock) -> None:
    app = application()
    heard: list[tuple[str, Any, bool]] = []
    async with memory_server(app) as server, trio.open_nursery() as nursery:
        notes = app.collection("notes:ann")
        notes.put("n0", "before")

        async def follow() -> None:
            async for changed in notes.changes():
                heard.append(told(changed))
                assert changed.collection == "notes:ann"  # type: ignore[union-attr]

        nursery.start_soon(follow)
        await trio.testing.wait_all_tasks_blocked()
        await push(server, {"op": "put", "key": "n1", "value": {"title": "tea"}})
        await trio.testing.wait_all_tasks_blocked()
        notes.patch("n1", done=True)
        await trio.testing.wait_all_tasks_blocked()
        notes.delete("n0")
        app.collection("notes:bob").put("n1", "another's")
        await trio.testing.wait_all_tasks_blocked()
        assert heard == [
            ("n1", {"title": "tea"}, False),
            ("n1", {"title": "tea", "done": True}, False),
            ("n0", None, True),
        ]
        nursery.cancel_scope.cancel()


async def test_of_a_key_that_changes_again_only_the_last_is_told(autojump_clock: trio.abc.Clock) -> None:
    app = application()
    async with memory_server(app):
        notes = app.collection("notes:ann")
        changes = notes.changes()
        for n in range(3000):
            notes.put(f"n{n % 3}", n)
        assert [told(await anext(changes))[1] for _ in range(3)] == [2997, 2998, 2999]
        with trio.move_on_after(1) as waited:
            await anext(changes)
        assert waited.cancelled_caught
        notes.put("n0", None)  # a document that is nothing is none that is deleted
        assert told(await anext(changes)) == ("n0", None, False)


async def test_a_position_goes_on_where_it_was_left(autojump_clock: trio.abc.Clock) -> None:
    app = application()
    async with memory_server(app):
        notes = app.collection("notes:ann")
        first = notes.changes()
        for n in range(5):
            notes.put(f"n{n}", n)
        last = [await anext(first) for _ in range(2)][-1]
        assert isinstance(last, rtcore.Changed)
        assert first.position == last.position
        rest = notes.changes(since=first.position)
        assert [told(await anext(rest))[0] for _ in range(3)] == ["n2", "n3", "n4"]
        # A snapshot and what is told from the same moment on fit together: nothing is in neither.
        changes, seen = notes.changes(), notes.snapshot()
        notes.put("n5", 5)
        assert "n5" not in seen
        assert told(await anext(changes))[0] == "n5"


async def test_deletes_that_are_forgotten_are_told_as_a_gap(autojump_clock: trio.abc.Clock) -> None:
    app = application(tombstones=2)
    async with memory_server(app):
        notes = app.collection("notes:ann")
        for n in range(201):
            notes.put(f"n{n}", n)
        changes = notes.changes()
        for n in range(200):
            notes.delete(f"n{n}")
        gap = await anext(changes)
        assert isinstance(gap, rtcore.Gap)
        assert (gap.room, gap.reason) == ("$sync/notes:ann", "ring")
        assert notes.snapshot() == {"n200": 200}
        notes.put("more", 6)
        assert told(await anext(changes))[0] == "more"
        other = await anext(notes.changes(since="another1.5"))
        assert isinstance(other, rtcore.Gap)
        assert other.reason == "epoch"


async def test_a_collection_on_disk_is_followed_over_a_restart(
    tmp_path: Path, autojump_clock: trio.abc.Clock
) -> None:
    folder = str(tmp_path / "data")
    app = application(durable=True)
    async with memory_server(app, data=folder):
        notes = await app.collection("notes:ann").loaded()
        changes = notes.changes()
        number = notes.put("n1", 1)
        changed = await anext(changes)
        assert isinstance(changed, rtcore.Changed)
        assert changed.seq == number
        position = changes.position
        notes.put("n2", 2)
        notes.delete("n1")
        await notes.stored()
    app = application(durable=True)
    async with memory_server(app, data=folder):
        notes = app.collection("notes:ann")
        changes, now = notes.changes(since=position), notes.changes()
        assert [told(await anext(changes)) for _ in range(2)] == [("n2", 2, False), ("n1", None, True)]
        notes.put("n3", 3)
        assert told(await anext(now))[0] == told(await anext(changes))[0] == "n3"


async def test_who_follows_when_the_server_ends_is_told(autojump_clock: trio.abc.Clock) -> None:
    app = application()
    async with trio.open_nursery() as nursery:

        async def follow(notes: rtcore.SharedData) -> None:
            with pytest.raises(rtcore.NotServing):
                await anext(notes.changes())

        async with memory_server(app):
            nursery.start_soon(follow, app.collection("notes:ann"))
            await trio.testing.wait_all_tasks_blocked()
