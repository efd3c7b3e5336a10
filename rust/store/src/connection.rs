//! Connections to a file, with the settings that the promises rest on. Each is read back after it was set.

use crate::trouble::{of_sqlite, trouble};
use rtcore_core::store::Trouble;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// What the log of what is not yet in the file may grow to before it is cut (bytes).
const JOURNAL: i64 = 64 * 1024 * 1024;
/// Pages that the writer keeps in memory (KiB).
const CACHE_KIB: i64 = 16 * 1024;
/// How long another process may hold what we need (ms): `rtcore log` looks at a page at a time.
const PATIENCE: Duration = Duration::from_secs(5);
/// Statements that are kept prepared.
const STATEMENTS: usize = 64;

/// How sure a commit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synchronous {
    /// After a crash of the process.
    Normal = 1,
    /// After a crash of the machine.
    Full = 2,
}

/// A connection that writes. An empty file is given its form.
pub fn to_write(path: &Path, vfs: Option<&str>) -> Result<Connection, Trouble> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = open(path, flags, vfs)?;
    let set = |name: &str, wanted: i64| set(&connection, path, name, wanted);
    let sqlite = |error: rusqlite::Error| of_sqlite(&error, "cannot set up", path);
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).map_err(sqlite)?;
    if pages == 0 {
        // Only a file without pages can have it set.
        set("auto_vacuum", 2)?;
    }
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)).map_err(sqlite)?;
    if mode != "wal" {
        let text =
            format!("{}: SQLite's journal stays in mode {mode:?} and not \"wal\" here", path.display());
        return Err(trouble("io", text));
    }
    for (name, wanted) in [
        ("synchronous", Synchronous::Normal as i64),
        ("synchronous", Synchronous::Full as i64),
        ("fullfsync", 1),
        ("checkpoint_fullfsync", 1),
        ("journal_size_limit", JOURNAL),
        // The writer says when.
        ("wal_autocheckpoint", 0),
        ("cache_size", -CACHE_KIB),
        ("foreign_keys", 0),
        ("trusted_schema", 0),
    ] {
        set(name, wanted)?;
    }
    Ok(connection)
}

/// A connection that reads, beside one that writes, in this process or another.
pub fn to_read(path: &Path, vfs: Option<&str>) -> Result<Connection, Trouble> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY, vfs)?;
    set(&connection, path, "query_only", 1)?;
    Ok(connection)
}

/// Say how sure the commits from here on are.
pub fn synchronous(connection: &Connection, how: Synchronous) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", how as i64)
}

fn open(path: &Path, flags: OpenFlags, vfs: Option<&str>) -> Result<Connection, Trouble> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let sqlite = |error: rusqlite::Error| of_sqlite(&error, "cannot open", path);
    let connection = match vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs),
        None => Connection::open_with_flags(path, flags),
    }
    .map_err(sqlite)?;
    connection.busy_timeout(PATIENCE).map_err(sqlite)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // What is not yet in the file is brought there when we say so: after a failed fsync nothing else may.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(sqlite)?;
    Ok(connection)
}

fn set(connection: &Connection, path: &Path, name: &str, wanted: i64) -> Result<(), Trouble> {
    let read = || {
        connection.pragma_update(None, name, wanted)?;
        connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0))
    };
    let found = read().map_err(|error| of_sqlite(&error, "cannot set up", path))?;
    if found == wanted {
        return Ok(());
    }
    Err(trouble("io", format!("{}: SQLite's {name} was set to {wanted}, and is {found}", path.display())))
}
