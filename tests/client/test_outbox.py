"""The outbox on disk: a new process goes on where the old one ended."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import suppress

import pytest
import trio

from rtcore.client import (
    MaybeDone,
    NotDone,
    Outbox,
    OutboxError,
    OutboxForeign,
    OutboxLocked,
    OutboxNewer,
    connect,
)


class Killed(Exception):  # noqa: N818 - what happens
    """The process ends here, without a word to anybody."""


async def test_what_was_said_offline_goes_out_with_the_next_process_and_once(net, app, tmp_path) -> None:
    file = tmp_path / "outbox.db"
    net.down = True
    async with net.client(outbox=Outbox(file)) as client:
        sent = [client.send("count", number) for number in range(5)]
        for each in sent:
            await each.queued
    assert app.done == []
    net.down = False
    async with net.client(outbox=Outbox(file)) as client:
        assert [await each.applied for each in client.restored] == [1, 2, 3, 4, 5]
    assert app.done == [0, 1, 2, 3, 4]
    async with net.client(outbox=Outbox(file)) as client:
        assert client.restored == ()


class Slow(Outbox):
    """Says how many commits are under way at once, and is long about each."""

    def __init__(self, *args, **names) -> None:
        super().__init__(*args, **names)
        self.at_once = self.most = 0

    async def commit(self, steps) -> None:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        with trio.CancelScope(shield=True):
            await trio.sleep(0.5)
        await super().commit(steps)
        self.at_once -= 1


async def test_the_end_of_a_client_does_not_write_while_its_keeper_writes(net, app, tmp_path) -> None:
    """Two transactions at once on one connection are an error of SQLite's, and would turn their order."""
    outbox = Slow(tmp_path / "outbox.db")
    async with net.client(outbox=outbox, wait=True) as client:
        await client.send("count", 0).queued
        for number in range(1, 3):
            client.send("count", number)
            await trio.sleep(0.1)  # the keeper writes by now, or waits for its turn
    assert outbox.most == 1
    async with net.client(outbox=Outbox(tmp_path / "outbox.db"), wait=True) as client:
        for each in client.restored:
            await each.applied
    assert sorted(app.done) == [0, 1, 2]


async def test_a_session_goes_on_in_the_next_process_and_its_requests_are_done_once(
    net, app, tmp_path
) -> None:
    file = tmp_path / "outbox.db"
    app.gate.set()
    names = []
    with suppress(Killed):
        async with net.client(outbox=Outbox(file), wait=True) as client:
            session = client.session
            for number in range(3):
                sent = client.send("slow", number)
                names.append(sent.name)
            await sent.queued
            client._runner.machine.sending.ledger.on = False  # nothing more is kept
            raise Killed
    async with net.client(outbox=Outbox(file), wait=True) as client:
        assert client.session == session
        assert [each.name for each in client.restored] == names[: len(client.restored)]
        for each in client.restored:
            assert await each.applied == "through"
    assert app.done == [0, 1, 2]


async def test_a_second_client_of_the_file_gets_a_clear_error(net, tmp_path) -> None:
    async with net.client(outbox=Outbox(tmp_path / "outbox.db")):
        with pytest.raises(OutboxLocked, match="another client has the outbox"):
            async with net.client(outbox=Outbox(tmp_path / "outbox.db")):
                pass


async def test_a_file_of_another_server_is_refused(net, tmp_path) -> None:
    async with net.client(outbox=Outbox(tmp_path / "outbox.db")):
        pass
    with pytest.raises(OutboxForeign, match="holds messages for http://localhost/rt"):
        async with connect("http://127.0.0.1:1/rt", outbox=Outbox(tmp_path / "outbox.db")):
            pass


async def test_a_file_of_a_newer_version_is_refused(net, tmp_path) -> None:
    async with net.client(outbox=Outbox(tmp_path / "outbox.db")):
        pass
    db = sqlite3.connect(tmp_path / "outbox.db")
    db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(OutboxNewer, match="newer rtcore"):
        async with net.client(outbox=Outbox(tmp_path / "outbox.db")):
            pass


async def test_what_is_no_outbox_is_an_error_where_the_caller_is(net, tmp_path) -> None:
    (tmp_path / "outbox.db").write_text("this is a letter, and long enough to be no database header" * 20)
    with pytest.raises(OutboxError, match="cannot be used as an outbox"):
        async with net.client(outbox=Outbox(tmp_path / "outbox.db")):
            pass
    with pytest.raises(OutboxError, match="cannot be made"):
        async with net.client(outbox=Outbox(tmp_path / "nowhere" / "outbox.db")):
            pass


async def test_a_copied_file_keeps_the_messages_and_drops_session_and_ids(net, app, tmp_path) -> None:
    """The original may go on under both: what had an id is told as maybe done, the rest goes out."""
    file = tmp_path / "outbox.db"
    with suppress(Killed):
        async with net.client(outbox=Outbox(file), wait=True) as client:
            session = client.session
            written = client.send("slow", "written")
            await written.queued
            await trio.testing.wait_all_tasks_blocked()
            net.down = True
            client.reconnect()
            await client.send("count", "queued").queued
            raise Killed
    shutil.copy(file, tmp_path / "copy.db")
    net.down = False
    app.gate.set()
    async with net.client(outbox=Outbox(tmp_path / "copy.db"), wait=True) as client:
        assert client.session != session
        first, second = client.restored
        with pytest.raises(MaybeDone, match="copy"):
            await first.applied
        await second.applied
    assert app.done == ["written", "queued"]


async def test_a_message_that_is_too_old_is_not_sent_by_the_next_process(net, app, tmp_path) -> None:
    file = tmp_path / "outbox.db"
    net.down = True
    async with net.client(outbox=Outbox(file)) as client:
        await client.send("count", 1, ttl=30).queued
        await client.send("count", 2).queued
    net.down = False
    net.wall_offset = 60_000
    async with net.client(outbox=Outbox(file), wait=True) as client:
        old, young = client.restored
        with pytest.raises(NotDone, match="time to live"):
            await old.applied
        await young.applied
    assert app.done == [2]


async def test_a_room_goes_on_from_where_the_process_before_had_come(net, tmp_path) -> None:
    file = tmp_path / "outbox.db"
    async with net.client() as other:
        hers = await other.join("tea")

        async def fails_with_two_in_hand() -> None:
            async with net.client(outbox=Outbox(file), wait=True) as client:
                tea = aiter(await client.join("tea"))
                for number in range(5):
                    await hers.publish("say", number)
                assert [(await anext(tea)).data for _ in range(3)] == [0, 1, 2]
                raise ValueError("the program fails")

        with pytest.raises(ValueError, match="the program fails"):
            await fails_with_two_in_hand()
        await hers.publish("say", 5)
        async with net.client(outbox=Outbox(file), wait=True) as client:
            tea = aiter(await client.join("tea", last=1, resume=True))
            # The event in hand comes again; nothing is skipped.
            assert [(await anext(tea)).data for _ in range(4)] == [2, 3, 4, 5]
