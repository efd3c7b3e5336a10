//! The form of the file, and how older forms become this one. docs/reference/store.md tells what it means.

use crate::trouble::{of_sqlite, trouble};
use rtcore_core::store::Trouble;
use rusqlite::Connection;
use std::path::Path;

/// The version of this form.
pub const VERSION: i64 = 5;
/// Marks a file as ours (`PRAGMA application_id`): "rtcl".
pub const APPLICATION: i64 = 0x7274_636c;

/// From each version to the next, beginning with an empty file. A step that was released never changes.
const STEPS: &[&str] = &[
    "
CREATE TABLE meta(key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE entry(
    seq INTEGER PRIMARY KEY,
    room INTEGER NOT NULL,
    time INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE TABLE room(
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    count INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    freed INTEGER NOT NULL,
    since INTEGER NOT NULL
) STRICT;
CREATE TABLE span(
    room INTEGER NOT NULL,
    last INTEGER NOT NULL,
    seqs BLOB NOT NULL,
    PRIMARY KEY(room, last)
) STRICT, WITHOUT ROWID;
CREATE TABLE salvaged(seq INTEGER PRIMARY KEY, epoch TEXT NOT NULL, was INTEGER NOT NULL) STRICT;
CREATE TABLE session(
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    user TEXT,
    key BLOB NOT NULL,
    upto INTEGER NOT NULL,
    asks INTEGER NOT NULL,
    ends INTEGER,
    let_go INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE member(
    session INTEGER NOT NULL,
    room TEXT NOT NULL,
    began INTEGER NOT NULL,
    grants TEXT NOT NULL,
    visible INTEGER NOT NULL,
    moved INTEGER NOT NULL,
    PRIMARY KEY(session, room)
) STRICT, WITHOUT ROWID;
CREATE TABLE ack(
    session INTEGER NOT NULL,
    id INTEGER NOT NULL,
    kept BLOB,
    PRIMARY KEY(session, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE key(
    owner_kind INTEGER NOT NULL,
    owner TEXT NOT NULL,
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL,
    claimed INTEGER NOT NULL,
    kept BLOB,
    PRIMARY KEY(owner_kind, owner, kind, name, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_claimed ON key(claimed);
",
    "
-- From here on a row of `ack` may have a run of acks (`acks.rs`): what was written before is read as it was.
",
    "
-- What is kept of collections (`shared.rs`), and who of a collection's members writes.
CREATE TABLE collection(id INTEGER PRIMARY KEY, room TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE shared(
    collection INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    user TEXT NOT NULL,
    name TEXT NOT NULL,
    n INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY(collection, kind, user, name, n)
) STRICT, WITHOUT ROWID;
ALTER TABLE member ADD COLUMN writer BLOB;
",
    "
CREATE TABLE lost(after INTEGER PRIMARY KEY, upto INTEGER NOT NULL) STRICT;
",
    "
ALTER TABLE session ADD COLUMN address TEXT;
",
];

/// Bring the file to this form. Says from which version.
pub fn migrate(connection: &Connection, path: &Path) -> Result<i64, Trouble> {
    let version = check(connection, path)?;
    if version == VERSION {
        return Ok(version);
    }
    let migrate = || {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for step in &STEPS[usize::try_from(version).unwrap_or_default()..] {
            connection.execute_batch(step)?;
        }
        connection.pragma_update(None, "application_id", APPLICATION)?;
        connection.pragma_update(None, "user_version", VERSION)?;
        connection.execute_batch("COMMIT")
    };
    migrate().map_err(|error| of_sqlite(&error, "cannot bring to this version's form", path))?;
    Ok(version)
}

/// How many tables and indices there are: the least that can be read.
pub fn tables(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
}

/// The version of a file. It is a trouble if it is newer than this one, or not ours. 0: it is empty.
pub fn check(connection: &Connection, path: &Path) -> Result<i64, Trouble> {
    let sqlite = |error: rusqlite::Error| of_sqlite(&error, "cannot read", path);
    let number =
        |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(sqlite);
    let (version, application) = (number("user_version")?, number("application_id")?);
    let foreign = || Err(foreign(path));
    if (version, application) == (0, 0) && tables(connection).map_err(sqlite)? > 0 {
        return foreign();
    }
    if (version, application) != (0, 0) && application != APPLICATION {
        return foreign();
    }
    if version > VERSION {
        let text = format!(
            "{} has version {version} of the log's form, and this rtcore knows up to {VERSION}; install the newer rtcore \
             again, or restore a backup of the older one",
            path.display()
        );
        return Err(trouble("newer", text));
    }
    Ok(version)
}

fn foreign(path: &Path) -> Trouble {
    let text =
        format!("{} is a database of another program; give the log a folder of its own", path.display());
    trouble("foreign", text)
}
