//! Opening a log: is it ours, is it whole, is it the one that was here, and how did the last life end.

use crate::beside::Beside;
use crate::boot;
use crate::connection;
use crate::folder::Folder;
use crate::group::SET;
use crate::options::Options;
use crate::rooms::Rooms;
use crate::schema;
use crate::shared;
use crate::start;
use crate::torn;
use crate::trouble::{SALVAGE, of_sqlite, trouble};
use rtcore_core::limits::fixed::IDS_AHEAD;
use rtcore_core::store::{Kept, Origin, Trouble};
use rusqlite::Connection;
use std::sync::{Arc, Mutex, PoisonError};

/// A log that is open.
pub struct Opened {
    /// The connection that writes.
    pub connection: Connection,
    /// What is known at the start.
    pub kept: Kept,
    /// What stands beside it.
    pub note: Beside,
    /// What was found that somebody should know.
    pub found: Vec<Trouble>,
}

/// Open the log of a folder that is locked. What it holds of rooms goes to `rooms`.
///
/// A `visit` is no life of a server's: how the last one ended stays as it is.
pub fn open(
    folder: &Folder,
    options: &Options,
    rooms: &Arc<Mutex<Rooms>>,
    visit: bool,
) -> Result<Opened, Trouble> {
    // Damage may show at each step, and at each it is the same.
    let corrupt = match open_whole(folder, options, rooms, visit, Vec::new()) {
        Err(corrupt) if corrupt.kind == "corrupt" && options.set_aside => corrupt,
        other => return other,
    };
    let aside = folder.set_aside("corrupt")?;
    let text = format!(
        "{}; it was renamed to {}, and a new log begun: a new epoch, without sessions. With the server stopped, `rtcore log \
         {} salvage {}` saves what can be read",
        corrupt.text.strip_suffix(SALVAGE).unwrap_or(&corrupt.text),
        aside.display(),
        folder.path().display(),
        aside.display()
    );
    open_whole(folder, options, rooms, visit, vec![trouble("corrupt", text)])
}

fn open_whole(
    folder: &Folder,
    options: &Options,
    rooms: &Arc<Mutex<Rooms>>,
    visit: bool,
    mut found: Vec<Trouble>,
) -> Result<Opened, Trouble> {
    let note = Beside::read(folder)?;
    let goes_on = torn::goes_on(&folder.beside_log("-wal"));
    let connection = connect(folder, options, note)?;
    let path = folder.log();
    let sqlite = |error: rusqlite::Error| of_sqlite(&error, "cannot read", &path);
    let facts = Facts::read(&connection).map_err(sqlite)?;
    let boot = options.boot.clone().or_else(boot::boot);
    if goes_on && boot.is_some() && facts.boot == boot {
        let text = format!(
            "the journal of {} is damaged in its middle: what was written after that cannot be read",
            path.display()
        );
        return Err(trouble("corrupt", text));
    }
    let before = note.unwrap_or_default();
    let rolled_back = facts.reserved < before.reserved || facts.written < before.written;
    if rolled_back && found.is_empty() {
        found.push(trouble(
            "rolled_back",
            format!(
                "{} is older than it was: it knows {} groups and numbers up to {}, and the note beside it {} and {}; it \
                 begins a new epoch without sessions (`rtcore restore` is how a backup is put back)",
                path.display(),
                facts.written,
                facts.reserved,
                before.written,
                before.reserved,
            ),
        ));
    }
    let replaced = rolled_back || facts.backup || facts.epoch.is_none() && facts.reserved > 0;
    let origin = match &facts {
        _ if replaced => Origin::Replaced,
        Facts { epoch: None, .. } => Origin::New,
        Facts { head: Some(_), .. } => Origin::Clean,
        // Where the system does not say which boot this is, it may be another.
        Facts { boot: before, .. } if boot.is_some() && *before == boot => Origin::Crash,
        _ => Origin::Machine,
    };
    let reserved = facts.reserved.max(before.reserved).max(facts.highest);
    let written = facts.written.max(before.written) + 1;
    let sessions = if replaced { Vec::new() } else { start::sessions(&connection).map_err(sqlite)? };
    let begin = || {
        let transaction = connection.unchecked_transaction()?;
        let set = |key: &str, value: u64| transaction.execute(SET, (key, value.cast_signed()));
        set("written", written)?;
        set("reserved", reserved)?;
        if !visit {
            // The ids of this life are set aside before it begins: those that it takes first must not be taken for new
            // ones by the next, should this life end before it has written anything.
            transaction.execute(
                "UPDATE session SET upto = upto + ?1, asks = asks + ?1",
                [IDS_AHEAD.cast_signed()],
            )?;
            transaction.execute(SET, ("boot", boot.as_deref().unwrap_or("")))?;
            transaction.execute("DELETE FROM meta WHERE key = 'head'", [])?;
        }
        transaction.execute("DELETE FROM meta WHERE key = 'backup'", [])?;
        if replaced {
            begin_anew(&transaction)?;
        }
        transaction.commit()
    };
    begin().map_err(|error| of_sqlite(&error, "cannot write", &path))?;
    let note = Beside { reserved, written, corrupt: false };
    note.write(folder)?;
    let mut rooms = rooms.lock().unwrap_or_else(PoisonError::into_inner);
    start::rooms(&connection, &mut rooms).map_err(sqlite)?;
    let kept = Kept {
        epoch: facts.epoch.filter(|_| !replaced),
        origin,
        head: facts.head.filter(|_| origin == Origin::Clean).map_or(reserved, |head| head.max(facts.highest)),
        reserved,
        running: facts.running,
        lost: start::lost(&connection).map_err(sqlite)?,
        rooms: rooms.iter().map(|(_, room)| room.kept()).collect(),
        sessions,
        collections: shared::rooms(&connection).map_err(sqlite)?.into_iter().map(Arc::from).collect(),
        keys: start::keys(&connection, facts.running.saturating_sub(options.key_ms)).map_err(sqlite)?,
    };
    drop(rooms);
    Ok(Opened { connection, kept, note, found })
}

/// Forget the epoch, and what belongs to those who were there.
pub fn begin_anew(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "DELETE FROM meta WHERE key = 'epoch'; DELETE FROM session; DELETE FROM member; DELETE FROM ack;
         DELETE FROM key WHERE owner_kind = 2",
    )
}

struct Facts {
    epoch: Option<String>,
    reserved: u64,
    written: u64,
    running: u64,
    head: Option<u64>,
    boot: Option<String>,
    backup: bool,
    highest: u64,
}

impl Facts {
    fn read(connection: &Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            epoch: start::fact(connection, "epoch")?,
            reserved: start::number(connection, "reserved")?,
            written: start::number(connection, "written")?,
            running: start::number(connection, "running")?,
            head: start::fact::<i64>(connection, "head")?.map(i64::cast_unsigned),
            boot: start::fact(connection, "boot")?,
            backup: start::number(connection, "backup")? > 0,
            highest: start::highest(connection)?,
        })
    }
}

fn connect(folder: &Folder, options: &Options, note: Option<Beside>) -> Result<Connection, Trouble> {
    let path = folder.log();
    if note.is_some_and(|note| note.corrupt) && path.exists() {
        return Err(damaged(folder));
    }
    let connection = connection::to_write(&path, options.vfs.as_deref())?;
    schema::migrate(&connection, &path)?;
    Ok(connection)
}

fn damaged(folder: &Folder) -> Trouble {
    trouble("corrupt", format!("{} was found damaged while it was written to", folder.log().display()))
}
