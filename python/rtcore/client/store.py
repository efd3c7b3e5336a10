"""What keeps requests over the end of the process: a row a message, in one SQLite file.

Invariants:
- A row without an id was never sent; a row with one may have been. The id is on disk before the bytes leave.
- What is stored as position was handed to the program, and is done with.
- A file that is not where it was (another device, inode or machine) is a copy: it keeps the messages, and has
  neither session nor ids, for the original may go on under both; nor the client id of its changes.
- A file that is taken away while it is open keeps nothing more, and that is said.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import msgspec
import trio

from rtcore.errors import UsageError

from . import given
from .collections import rows as shared
from .collections.rows import Stored
from .errors import OutboxError, OutboxForeign, OutboxGone, OutboxLocked, OutboxNewer
from .outbox import Overflow

VERSION: Final = 2
PROGRAMS: Final = 16
"""Secrets of those who had the file that are kept: as many as the server looks at."""
T = TypeVar("T")
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS message (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    fields BLOB NOT NULL,
    key TEXT,
    automatic INTEGER NOT NULL,
    owned INTEGER NOT NULL,
    user TEXT,
    hold TEXT,
    dies INTEGER,
    id INTEGER,
    session TEXT,
    life TEXT,
    written INTEGER,
    UNIQUE (session, id)
);
"""
_SELECT: Final = """
SELECT name, kind, fields, key, automatic, owned, user, hold, dies, id, session, life, written
FROM message ORDER BY n
"""
_MACHINE: Final = Path("/etc/machine-id")


class Journal(Protocol):
    """A store of rows, one a request."""

    async def commit(self, steps: list[tuple[Any, ...]]) -> None:
        """All of these, in one transaction that is on disk when this returns. Raises `OutboxGone`."""
        ...

    async def load(self, name: str, owner: tuple[bool, str | None]) -> Stored:
        """What is kept of a collection. Raises `OutboxGone`."""
        ...

    async def unsent(self, user: str | None) -> tuple[int, int]:
        """Changes and messages that are kept for a user."""
        ...


@dataclass(slots=True)
class Row:
    """A message as it was kept. `copied`: it had an id in the file that this one is a copy of."""

    name: str
    kind: str
    fields: bytes
    key: str | None
    automatic: bool
    owned: bool
    user: str | None
    hold: str | None
    dies: int | None
    id: int | None
    session: str | None
    life: str | None
    written: int | None
    copied: bool = False


@dataclass(slots=True)
class Kept:
    """What a file held when it was opened."""

    rows: list[Row] = field(default_factory=list)
    session: str | None = None
    key: str | None = None
    user: str | None = None
    life: str | None = None
    position: str | None = None
    marks: dict[str, int] = field(default_factory=dict)
    known: bool = False
    """Whether anybody was welcome yet."""
    client: str = ""
    """The client id under which changes are said, how often the file was opened, and a secret of this
    time.
    """
    incarnation: int = 1
    nonce: str = ""
    programs: tuple[str, ...] = ()
    """Secrets: that of this time, and of the times before it since somebody was last welcome."""
    clock: tuple[int, int] = (0, 0)
    """By how many milliseconds the server was ahead, and what time it said last."""


class Outbox:
    """Messages that outlive the process: `connect(url, outbox=rtcore.Outbox("outbox.db"))`.

    One client at a time has the file. `messages` and `size` (bytes) bound what waits unwritten; `overflow`
    says
    what is done beyond: `reject`, `drop_oldest`, `drop_by_key`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        messages: int = 100,
        size: int = 1 << 20,
        overflow: Overflow | str = Overflow.REJECT,
    ) -> None:
        given_path: object = path
        if not isinstance(given_path, (str, os.PathLike)) or path == "":
            raise UsageError(f'the path of an outbox is that of a file, as "outbox.db"; not {path!r}')
        given.whole(messages, "messages, of an outbox,", 0)
        given.whole(size, "size, in bytes of an outbox,", 0)
        given.one_of(overflow, "overflow", tuple(Overflow))
        self.path = Path(path)
        self.messages, self.size, self.overflow = messages, size, Overflow(overflow)
        self._db: sqlite3.Connection | None = None
        self._lock: int | None = None
        self._is_at = self._program = ""

    def __repr__(self) -> str:
        return f"<Outbox {str(self.path)!r}>"

    def open(self, server: str) -> Kept:
        """Open the file for this server, and give what it holds. Waits for the disk.

        Raises:
            OutboxLocked: another client has it open.
            OutboxForeign: it holds messages for another server.
            OutboxNewer: a newer version wrote it.
            OutboxError: it is no outbox, or cannot be read or written.

        """
        self._take_lock()
        try:
            return self._open(server)
        except sqlite3.Error as error:
            self.close()
            raise OutboxError(f"{self.path} cannot be used as an outbox: {error}") from None
        except BaseException:
            self.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        self.path.chmod(0o600)
        return db

    async def start(self, server: str) -> Kept:
        """`open`, in a thread. A cancel point."""
        return await trio.to_thread.run_sync(self.open, server)

    def _take_lock(self) -> None:
        try:
            self._lock = os.open(f"{self.path}-lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise OutboxError(f"{self.path} cannot be made: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            self._lock = None
            text = f"another client has the outbox {self.path} open; each needs a file of its own"
            raise OutboxLocked(text) from None

    def _open(self, server: str) -> Kept:
        db = self._db = self._connect()
        # One connection, and no other may join: so the defect of old SQLites with a shared WAL cannot show.
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA journal_size_limit=1048576")
        if db.execute("PRAGMA synchronous").fetchone() != (2,):
            raise OutboxError("this SQLite does not sync each commit, so nothing would be kept")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise OutboxNewer(f"{self.path} was written by a newer rtcore (format {version}, not {VERSION})")
        db.execute("BEGIN IMMEDIATE")
        for statement in (_SCHEMA + shared.SCHEMA).split(";\n"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version={VERSION}")
        facts: dict[str, Any] = dict(db.execute("SELECT name, value FROM fact"))
        if (other := facts.get("server")) not in (None, server):
            db.execute("ROLLBACK")
            raise OutboxForeign(f"{self.path} holds messages for {other}, not for {server}")
        place = self._is_at = self._place()
        copied = facts.get("place") not in (None, place)
        rows = self._rows(copied)
        if copied:
            db.execute("UPDATE message SET id=NULL, session=NULL, life=NULL, written=NULL")
            db.execute(
                "DELETE FROM message WHERE name IN (SELECT value FROM json_each(?))",
                (msgspec.json.encode([row.name for row in rows if row.copied]).decode(),),
            )
            db.execute("DELETE FROM fact WHERE name IN ('session', 'key', 'life')")
            shared.copied(db)
            for name in ("session", "key", "life", "client", "incarnation", "programs"):
                facts.pop(name, None)
        client, incarnation = (
            facts.get("client") or os.urandom(16).hex(),
            int(facts.get("incarnation") or 0) + 1,
        )
        programs = self._programs(facts.get("programs"))
        self._facts({"server": server, "place": place, "client": client, "incarnation": incarnation})
        db.execute("COMMIT")
        marks = facts.get("marks")
        return Kept(
            rows,
            facts.get("session"),
            facts.get("key"),
            facts.get("user"),
            facts.get("life"),
            facts.get("position"),
            msgspec.json.decode(marks, type=dict[str, int]) if marks else {},
            bool(facts.get("known")),
            client,
            incarnation,
            os.urandom(16).hex(),
            programs,
            (int(facts.get("offset") or 0), int(facts.get("told") or 0)),
        )

    def _programs(self, kept: str | None) -> tuple[str, ...]:
        """The secrets of who had the file, this time's first. The oldest stays: it may be the last that was
        welcome.
        """
        before = msgspec.json.decode(kept, type=list[str]) if kept else []
        self._program = os.urandom(16).hex()
        programs = (self._program, *before[: PROGRAMS - 2], *before[-1:])[: 1 + len(before)]
        self._facts({"programs": msgspec.json.encode(programs).decode()})
        return programs

    def _rows(self, copied: bool) -> list[Row]:
        assert self._db is not None  # noqa: S101 - it is open
        found = [Row(*each) for each in self._db.execute(_SELECT)]
        for row in found:
            row.automatic, row.owned = bool(row.automatic), bool(row.owned)
            if copied:
                row.copied = row.id is not None
        return found

    def _place(self) -> str:
        """Where the file is: a copy of it is elsewhere."""
        about = self.path.stat()
        machine = _MACHINE.read_text().strip() if _MACHINE.exists() else ""
        return f"{machine}:{about.st_dev}:{about.st_ino}"

    def _facts(self, facts: dict[str, Any]) -> None:
        assert self._db is not None  # noqa: S101 - it is open
        self._db.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", facts.items())

    async def commit(self, steps: list[tuple[Any, ...]]) -> None:
        """All of these, in one transaction that is on disk when this returns. Cancelled, it is done first."""
        await self._in_thread(self._commit, steps)

    async def load(self, name: str, owner: tuple[bool, str | None]) -> Stored:
        """What is kept of a collection for its owner; a place for it is made. Cancelled, it is done first."""
        return await self._in_thread(self._load, name, owner)

    async def unsent(self, user: str | None) -> tuple[int, int]:
        """Changes and messages that are kept for a user."""
        db = self._db
        return (0, 0) if db is None else await self._in_thread(shared.unsent, db, user)

    async def _in_thread(self, function: Callable[..., T], *args: Any) -> T:
        """One after the other: the caller sees to that. Raises `OutboxGone`."""
        try:
            with trio.CancelScope(shield=True):
                return await trio.to_thread.run_sync(function, *args)
        except (sqlite3.Error, OSError) as error:
            raise OutboxGone(f"{self.path} cannot be used any more: {error}") from error
        raise AssertionError("nobody cancels a scope of one's own")

    def _load(self, name: str, owner: tuple[bool, str | None]) -> Stored:
        if self._db is None:
            return Stored(0)
        return shared.load(self._db, name, *owner)

    def _commit(self, steps: list[tuple[Any, ...]]) -> None:
        db = self._db
        if db is None:
            return
        db.execute("BEGIN IMMEDIATE")
        try:
            for what, *values in steps:
                self._step(db, what, values)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        # What is written to a file without a name is on disk, and nobody will ever read it.
        if self._place() != self._is_at:
            raise OutboxGone(
                f"{self.path} is not the file any more that was opened: somebody put another there"
            )

    def _step(self, db: sqlite3.Connection, what: str, values: list[Any]) -> None:
        if what in shared.STEPS:
            shared.step(db, what, values)
        elif what == "add":
            db.execute(
                "INSERT INTO message (name, kind, fields, key, automatic, owned, user, hold, dies)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
        elif what == "write":
            name, *rest = values
            statement = "UPDATE message SET id=?, session=?, life=?, user=?, owned=1, written=? WHERE name=?"
            db.execute(statement, (*rest, name))
        elif what == "unwrite":
            db.execute("UPDATE message SET id=NULL, session=NULL WHERE name=?", values)
        elif what == "end":
            db.execute("DELETE FROM message WHERE name=?", values)
        elif what == "session":
            names = ("session", "key", "user", "life")
            programs = msgspec.json.encode([self._program]).decode()
            self._facts({**dict(zip(names, values, strict=True)), "known": 1, "programs": programs})
        else:
            position, marks = values
            self._facts({"position": position, "marks": msgspec.json.encode(marks).decode()})

    def close(self) -> None:
        """Let the file go."""
        if self._db is not None:
            self._db.close()
            self._db = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
