//! Whether a log is whole: every page, every checksum, and what is said of its rooms against what they hold.

use super::Progress;
use super::log::{Filter, Found, Log};
use crate::shared;
use crate::spans;
use crate::start;
use rtcore_core::ids::Seq;
use rtcore_core::store::Trouble;
use rusqlite::Result as Sqlite;
use std::collections::HashMap;
use std::sync::Arc;

/// Faults that are told of one kind.
const TOLD: usize = 100;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// Entries that are whole.
    pub entries: u64,
    /// Entries that are damaged: the first of them.
    pub damaged: Vec<Seq>,
    /// How many are damaged.
    pub damaged_count: u64,
    /// What else is wrong, for people.
    pub faults: Vec<String>,
}

impl Verified {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damaged_count == 0 && self.faults.is_empty()
    }
}

/// Look at all of a log. What somebody writes meanwhile is looked at or not. The progress is in entries.
pub fn verify(log: &mut Log, progress: &mut Progress<'_>) -> Result<Verified, Trouble> {
    let mut found = Verified::default();
    let upto = start::highest(&log.connection).map_err(|error| log.trouble(&error))?;
    let total = log
        .connection
        .query_row("SELECT count(*) FROM entry", [], |row| row.get::<_, i64>(0))
        .map_err(|error| log.trouble(&error))?
        .cast_unsigned();
    let mut held: HashMap<Arc<str>, u64> = HashMap::new();
    let mut done = 0;
    for entry in log.entries(Filter { upto: Some(upto), ..Filter::default() }) {
        match entry? {
            Found::Entry(entry, _) => {
                found.entries += 1;
                *held.entry(entry.room).or_default() += 1;
            }
            Found::Damaged(seq) => {
                found.damaged_count += 1;
                if found.damaged.len() < TOLD {
                    found.damaged.push(seq);
                }
            }
        }
        done += 1;
        if done % 1_024 == 0 {
            progress(done, total.max(done));
        }
    }
    progress(total, total);
    let checked = pages(log, &mut found).and_then(|()| indexed(log, &mut found));
    let checked = checked.and_then(|()| collections(log, &mut found));
    checked.map_err(|error| log.trouble(&error))?;
    Ok(found)
}

fn pages(log: &Log, found: &mut Verified) -> Sqlite<()> {
    let mut check = log.connection.prepare(&format!("PRAGMA integrity_check({TOLD})"))?;
    let mut rows = check.query([])?;
    while let Some(row) = rows.next()? {
        let said: String = row.get(0)?;
        if said != "ok" {
            found.faults.push(said);
        }
    }
    Ok(())
}

/// Each row of a collection is what was written.
fn collections(log: &Log, found: &mut Verified) -> Sqlite<()> {
    if !shared::is_there(&log.connection)? {
        return Ok(()); // a log of an older form, which is looked at as it is
    }
    for room in shared::rooms(&log.connection)? {
        shared::walk(&log.connection, &room, None, |(place, row), _| {
            if row.is_none() {
                found.faults.push(shared::told(&room, &place));
            }
            found.faults.len() < TOLD
        })?;
    }
    Ok(())
}

/// Each number in the index is that of an entry of its room, and of those that are there each is in it.
fn indexed(log: &Log, found: &mut Verified) -> Sqlite<()> {
    let transaction = log.connection.unchecked_transaction()?;
    let mut rooms = transaction.prepare("SELECT id, name, count, last FROM room")?;
    let mut spans = transaction.prepare("SELECT seqs FROM span WHERE room = ? ORDER BY last")?;
    let mut entry = transaction.prepare("SELECT 1 FROM entry WHERE seq = ? AND room = ?")?;
    let mut held = transaction.prepare("SELECT count(*) FROM entry WHERE room = ? AND seq <= ?")?;
    let mut rows = rooms.query([])?;
    let many: i64 = transaction.query_row("SELECT count(*) FROM room", [], |row| row.get(0))?;
    while let Some(row) = rows.next()? {
        if found.faults.len() >= TOLD {
            break;
        }
        let (id, name) = (row.get::<_, i64>(0)?, row.get::<_, String>(1)?);
        let (count, last) = (row.get::<_, i64>(2)?, row.get::<_, i64>(3)?);
        let (mut listed, mut missing) = (0i64, 0u64);
        let mut lists = spans.query([id])?;
        while let Some(row) = lists.next()? {
            for seq in spans::read(row.get_ref(0)?.as_blob()?) {
                listed += 1;
                missing += u64::from(!entry.exists((seq.cast_signed(), id))?);
            }
        }
        if missing > 0 {
            found
                .faults
                .push(format!("room {name:?}: {missing} entries are in its index, and not in the log"));
        }
        if listed != count {
            found
                .faults
                .push(format!("room {name:?}: {listed} entries are in its index, and its row says {count}"));
        }
        // A look at all entries for each room: for as many rooms as that is no matter.
        let held = if many <= 64 { held.query_row((id, last), |row| row.get(0))? } else { listed };
        if held > listed {
            found.faults.push(format!(
                "room {name:?}: {} entries are in the log, and not in its index",
                held - listed
            ));
        }
    }
    Ok(())
}
