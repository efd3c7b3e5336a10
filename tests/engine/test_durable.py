"""Durable rooms as an application sees them: publishes that wait for the disk, acks behind what was said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

import rtcore
from rtcore.errors import StartError
from rtcore.http_api import messages
from rtcore.http_api.keys import ApiKey
from rtcore.http_api.operations import Caller, history
from rtcore.testing import memory_server
from rtcore.testing.server import MemoryServer


def application() -> rtcore.App:
    app = rtcore.App()
    app.rooms("orders:*", relay=True, durable=True)
    app.rooms("notes:*", relay=True, durable="normal")
    app.rooms("tea", relay=True)
    runs: list[str] = []
    app.runs = runs  # type: ignore[attr-defined]

    @app.authenticate
    def who(hello: rtcore.Hello) -> rtcore.User:
        return rtcore.User(hello.token or "nobody")

    @app.on("buy", durable=True)
    async def buy(session: rtcore.Session, item: str) -> int:
        runs.append(item)
        entry = await app.room("orders:1").publish("bought", item)
        return entry.seq

    @app.on("note")
    def note(session: rtcore.Session, item: str) -> int:
        return app.room("notes:1").publish_nowait("noted", item).seq

    return app


@asynccontextmanager
async def served(app: rtcore.App, folder: Path) -> AsyncIterator[MemoryServer]:
    async with memory_server(app, data=str(folder)) as server:
        yield server


async def past(app: rtcore.App, room: str) -> list[Any]:
    return [entry.data for entry in await app.room(room).history()]


async def test_a_publish_gives_the_number_under_which_it_is_kept(tmp_path: Path, autojump_clock: Any) -> None:
    app = application()
    async with served(app, tmp_path / "data") as server:
        ann = await server.welcomed(token="ann")
        await ann.ask("join", room="orders:1")
        entry = await app.room("orders:1").publish("say", {"x": 1})
        event = await ann.until("event", room="orders:1")
        assert (event["seq"], event["data"]) == (entry.seq, {"x": 1})
        health = server.core.store_health()
        assert health is not None
        assert health["groups"] >= 1
        assert health["trouble"] is None


async def test_an_ack_waits_for_what_its_handler_said_and_did_not_wait_for(
    tmp_path: Path, autojump_clock: Any
) -> None:
    app = application()
    async with served(app, tmp_path / "data") as server:
        ann = await server.welcomed(token="ann")
        await ann.ask("join", room="notes:1")
        ack = await ann.ask("emit", event="note", data="n1")
        event = await ann.until("event", room="notes:1")
        assert (event["seq"], event["data"]) == (ack, "n1")


async def test_a_publish_that_is_cancelled_on_its_way_happened_whole(
    tmp_path: Path, autojump_clock: Any
) -> None:
    app = application()
    async with served(app, tmp_path / "data"):
        with trio.CancelScope() as scope:
            scope.cancel()
            await app.room("orders:1").publish("say", "whole")
        assert await past(app, "orders:1") in ([], ["whole"])
        await app.room("orders:1").publish("say", "next")
        assert (await past(app, "orders:1"))[-1] == "next"


async def test_a_folder_that_another_server_has_is_not_shared(tmp_path: Path) -> None:
    app, other = application(), application()
    async with served(app, tmp_path / "data"):
        with pytest.RaisesGroup(pytest.RaisesExc(StartError, match="another process")):
            async with served(other, tmp_path / "data"):
                pass


async def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    with pytest.RaisesGroup(pytest.RaisesExc(StartError, match="name a folder")):
        async with served(application(), tmp_path / "data"):
            pass


async def test_the_past_beyond_the_ring_is_read_from_disk(tmp_path: Path, autojump_clock: Any) -> None:
    app = application()
    app.rooms("short:*", relay=True, durable=True, history=4)
    async with served(app, tmp_path / "data"):
        room = app.room("short:1")
        entries = [await room.publish("say", n) for n in range(20)]
        page = await room.history(entries[0].position, limit=10)
        assert [entry.data for entry in page] == list(range(1, 11))
        assert (page.complete, page.more) == (True, True)
        page = await room.history(page[-1].position, limit=100)
        assert [entry.data for entry in page] == list(range(11, 20))
        assert (page.complete, page.more) == (True, False)
        assert await past(app, "short:1") == list(range(20))
        assert len(await room.history(limit=3)) == 3
    async with served(app, tmp_path / "data"):
        assert await past(app, "short:1") == list(range(20)), (
            "nobody is in it, and nobody was since the start"
        )


async def test_a_past_that_is_given_up_harms_nobody(tmp_path: Path, autojump_clock: Any) -> None:
    app = application()
    app.rooms("short:*", relay=True, durable=True, history=4)
    async with served(app, tmp_path / "data") as server:
        for n in range(20):
            await app.room("short:1").publish("say", n)
        with trio.CancelScope() as scope:
            scope.cancel()
            await app.room("short:1").history()
        assert await past(app, "short:1") == list(range(20))
        assert dict(server.core.tables())["what was read for the application"] == 0


async def test_a_session_that_was_closed_is_not_there_after_a_restart(
    tmp_path: Path, autojump_clock: Any
) -> None:
    app = application()
    async with served(app, tmp_path / "data") as server:
        ann = await server.welcomed(token="ann")
        await ann.ask("join", room="orders:1")
        (session,) = app.sessions
        await session.close("enough")
        assert session.ended
        assert (await ann.until("bye"))["code"] == 4503
        bob = await server.welcomed(token="bob")
        await bob.ask("join", room="orders:1")
        (session,) = app.sessions
        with trio.CancelScope() as scope:
            scope.cancel()
            await session.close()
        assert session.ended or scope.cancelled_caught
    async with served(app, tmp_path / "data") as server:
        again = await (await server.connect()).hello(token="ann", session=ann.session, key=ann.key)
        assert again["resumed"] is False


async def test_the_api_reads_the_past_beyond_the_ring(tmp_path: Path, autojump_clock: Any) -> None:
    app = application()
    app.rooms("short:*", relay=True, durable=True, history=4)
    async with served(app, tmp_path / "data"):
        for n in range(8):
            await app.room("short:1").publish("say", n)
        caller = Caller(app, ApiKey(digest=b"", name="backend"), trio.current_time() + 5)
        told = await history(caller, messages.History(room="short:1", limit=5))
        assert [bytes(entry.data) for entry in told.history] == [b"0", b"1", b"2", b"3", b"4"]
        assert (told.complete, told.more) == (True, True)


async def test_a_key_of_an_earlier_start_is_looked_up_and_its_publish_not_done_again(
    tmp_path: Path, autojump_clock: Any
) -> None:
    """Keys are not loaded at a start. `publish` waits for the one that it needs; who cannot is told so."""
    async with served(app := application(), tmp_path / "data"):
        first = await app.room("orders:1").publish("say", "once", key="order-7")
        other = await app.room("orders:1").publish("say", "other", key="order-8")
    async with served(app := application(), tmp_path / "data") as server:
        room = app.room("orders:1")
        assert (await room.publish("say", "once", key="order-7")).seq == first.seq
        with pytest.raises(trio.WouldBlock, match="looked up"):
            room.publish_nowait("say", "other", key="order-8")
        assert (await room.publish("say", "other", key="order-8")).seq == other.seq
        assert room.publish_nowait("say", "other", key="order-8").seq == other.seq, "it is in memory now"
        with pytest.raises(rtcore.KeyConflict):
            await room.publish("say", "something else", key="order-7")
        ann = await server.welcomed(token="ann")
        await ann.ask("join", room="orders:1")
        ack = await ann.ask("publish", room="orders:1", event="say", data="mine", key="order-7")
        assert ack["seq"] > first.seq, "a user's keys are that user's"
        assert await past(app, "orders:1") == ["once", "other", "mine"]
