"""Collections in the outbox's file: a row a document, a row a change, a row for how far each collection is.

Invariant: all that one step of the machine gives is in one transaction, so what is confirmed and how far it
reaches are never apart.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rtcore._ground.replica import Row

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS collection (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    owned INTEGER NOT NULL,
    user TEXT,
    copied INTEGER NOT NULL DEFAULT 0,
    state BLOB
);
CREATE TABLE IF NOT EXISTS document (
    collection INTEGER NOT NULL, key TEXT NOT NULL, row BLOB NOT NULL, PRIMARY KEY (collection, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS change (
    collection INTEGER NOT NULL, n INTEGER NOT NULL, row BLOB NOT NULL, PRIMARY KEY (collection, n)
) WITHOUT ROWID;
"""
STEPS: Final = frozenset({"data", "owner", "clock", "writer", "sign_out"})
_GONE, _KEY, _CHANGE, _STATE = 0, 1, 2, 3


@dataclass(slots=True)
class Stored:
    """What was kept of one collection. `copied`: in a file that is a copy, and nobody has looked at it
    since.
    """

    number: int
    rows: list[Row] = field(default_factory=list)
    copied: bool = False


def load(db: sqlite3.Connection, name: str, owned: bool, user: str | None) -> Stored:
    """What is kept of a collection for a user, or for nobody yet; a place for it is made."""
    found = db.execute(
        "SELECT number, copied, state FROM collection"
        " WHERE name=? AND (owned=0 OR (owned=? AND user IS ?)) ORDER BY owned DESC, number DESC",
        (name, owned, user),
    ).fetchone()
    if found is not None and owned:
        db.execute("UPDATE collection SET owned=1, user=? WHERE number=?", (user, found[0]))
    if found is None:
        made = db.execute("INSERT INTO collection (name, owned, user) VALUES (?, ?, ?)", (name, owned, user))
        return Stored(made.lastrowid or 0)
    number, copied, state = found
    rows: list[Row] = [(_STATE, None, 0, state)] if state is not None else []
    rows += [
        (_KEY, key, 0, row)
        for key, row in db.execute("SELECT key, row FROM document WHERE collection=?", (number,))
    ]
    rows += [
        (_CHANGE, None, n, row)
        for n, row in db.execute("SELECT n, row FROM change WHERE collection=?", (number,))
    ]
    return Stored(number, rows, bool(copied))


def copied(db: sqlite3.Connection) -> None:
    """The file is a copy: what is pending in it is its original's to say."""
    db.execute("UPDATE collection SET copied=1")


def unsent(db: sqlite3.Connection, user: str | None) -> tuple[int, int]:
    """Changes that are kept for a user, whatever has become of them; and messages."""
    changes = db.execute(
        "SELECT count(*) FROM change JOIN collection ON number = collection WHERE user IS ?",
        (user,),
    ).fetchone()[0]
    messages = db.execute("SELECT count(*) FROM message WHERE owned=0 OR user IS ?", (user,)).fetchone()[0]
    return int(changes), int(messages)


def step(db: sqlite3.Connection, what: str, values: Sequence[Any]) -> None:
    """One of `STEPS`."""
    if what == "data":
        _data(db, *values)
    elif what == "owner":
        db.execute("UPDATE collection SET owned=1, user=? WHERE number=?", (values[1], values[0]))
    elif what == "sign_out":
        _sign_out(db, values[0])
    else:
        names = ("offset", "told") if what == "clock" else ("client", "incarnation")
        db.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", zip(names, values, strict=True))


def _data(db: sqlite3.Connection, number: int, rows: list[Row]) -> None:
    documents, gone, changes, over = [], [], [], []
    for kind, key, n, row in rows:
        if kind == _KEY and row is None:
            gone.append((number, key))
        elif kind == _KEY:
            documents.append((number, key, row))
        elif kind == _GONE:
            db.execute("DELETE FROM document WHERE collection=?", (number,))
        elif kind == _STATE:
            db.execute("UPDATE collection SET state=?, copied=0 WHERE number=?", (row, number))
        elif row is None:
            over.append((number, n))
        else:
            changes.append((number, n, row))
    db.executemany("INSERT OR REPLACE INTO document VALUES (?, ?, ?)", documents)
    db.executemany("DELETE FROM document WHERE collection=? AND key=?", gone)
    db.executemany("INSERT OR REPLACE INTO change VALUES (?, ?, ?)", changes)
    db.executemany("DELETE FROM change WHERE collection=? AND n=?", over)


def _sign_out(db: sqlite3.Connection, user: str | None) -> None:
    """Nothing of this user stays."""
    mine = "(SELECT number FROM collection WHERE owned=0 OR user IS ?)"
    db.execute(f"DELETE FROM document WHERE collection IN {mine}", (user,))  # noqa: S608 - a constant
    db.execute(f"DELETE FROM change WHERE collection IN {mine}", (user,))  # noqa: S608 - as above
    db.execute("DELETE FROM collection WHERE owned=0 OR user IS ?", (user,))
    db.execute("DELETE FROM message WHERE owned=0 OR user IS ?", (user,))
    db.execute(
        "DELETE FROM fact WHERE name IN ('session', 'key', 'user', 'life', 'known', 'position', 'marks')"
    )
