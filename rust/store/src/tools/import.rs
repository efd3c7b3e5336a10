//! Entries from elsewhere are appended to a log, under numbers of its own.

use super::Progress;
use super::log::Salvaged;
use crate::beside::Beside;
use crate::connection::Synchronous;
use crate::group;
use crate::options::Options;
use crate::rooms::{Change, Rooms};
use crate::store::Store;
use crate::trouble::trouble;
use crate::writer::{Failed, Writer, lock};
use rtcore_core::ids::Seq;
use rtcore_core::store::{Entry, Record, Row, Trouble};
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Entries in one transaction.
const GROUP: usize = 1_000;

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// How many entries.
    pub entries: u64,
    /// The number of the first of them; 0: none.
    pub first: Seq,
    /// And of the last.
    pub last: Seq,
}

/// Append entries to the log in the folder at `path`, in the order in which they come. Each is given the next number; where
/// it was before is kept with it, if it is said. A line that cannot be had ends it, and what came before is kept.
/// `total` is what the progress is told.
pub fn import(
    path: &Path,
    entries: impl Iterator<Item = Result<(Entry, Option<Salvaged>), Trouble>>,
    total: u64,
    progress: &mut Progress<'_>,
) -> Result<Imported, Trouble> {
    let (store, kept) = Store::visit(path, Options::default())?;
    let mut done = Imported::default();
    let mut next = kept.head;
    let mut entries = entries.peekable();
    let mut flaw = None;
    while flaw.is_none() && entries.peek().is_some() {
        let mut group = Vec::with_capacity(GROUP);
        for entry in entries.by_ref().take(GROUP) {
            match entry {
                Ok((mut entry, was)) => {
                    next += 1;
                    entry.seq = next;
                    group.push((entry, was));
                }
                Err(why) => {
                    flaw = Some(why);
                    break;
                }
            }
        }
        let count = group.len() as u64;
        if count > 0 {
            let written = store.ask(move |writer| append(writer, group));
            written.unwrap_or_else(|| Err(trouble("io", "the writer is gone")))?;
            done.first = if done.first == 0 { next + 1 - count } else { done.first };
            done.last = next;
            done.entries += count;
            progress(done.entries, total.max(done.entries));
        }
    }
    store.settle();
    store.close();
    flaw.map_or(Ok(done), Err)
}

fn append(writer: &mut Writer, group: Vec<(Entry, Option<Salvaged>)>) -> Result<(), Trouble> {
    let last = group.last().map_or(0, |(entry, _)| entry.seq);
    keep(writer, last, |connection, rooms| {
        let mut salvaged =
            connection.prepare_cached("INSERT INTO salvaged(seq, epoch, was) VALUES(?, ?, ?)")?;
        for (entry, was) in &group {
            if let Some(Salvaged { epoch, was }) = was {
                salvaged.execute((entry.seq.cast_signed(), epoch, was.cast_signed()))?;
            }
        }
        let records: Vec<_> = group.into_iter().map(|(entry, _)| Record::Entry(entry)).collect();
        group::write(connection, rooms, &records)
    })
}

/// Write rows of a collection, whose numbers go up to `last`. `made` gives them, by the number after which they begin.
pub fn import_rows(
    path: &Path,
    room: &Arc<str>,
    made: impl FnOnce(Seq) -> Result<(Vec<Row>, Seq), Trouble>,
) -> Result<(), Trouble> {
    let (store, kept) = Store::visit(path, Options::default())?;
    let (rows, last) = made(kept.head)?;
    let records: Vec<_> =
        rows.into_iter().map(|row| Record::Shared { room: Arc::clone(room), row }).collect();
    let written = store
        .ask(move |writer| keep(writer, last, |connection, rooms| group::write(connection, rooms, &records)));
    written.unwrap_or_else(|| Err(trouble("io", "the writer is gone")))?;
    store.close();
    Ok(())
}

/// Write something whose numbers go up to `last`.
fn keep(
    writer: &mut Writer,
    last: Seq,
    write: impl FnOnce(&Connection, &Mutex<Rooms>) -> rusqlite::Result<Change>,
) -> Result<(), Trouble> {
    let rooms = Arc::clone(&writer.parts.rooms);
    let Beside { reserved, .. } = writer.parts.note;
    let reserved = reserved.max(last);
    let done = writer.transact(Synchronous::Full, |connection| {
        let change = write(connection, &rooms)?;
        connection.prepare_cached(group::SET)?.execute(("reserved", reserved.cast_signed()))?;
        Ok(change)
    });
    match done {
        Ok(change) => {
            writer.parts.note.reserved = reserved;
            lock(&rooms).apply(change);
            Ok(())
        }
        Err(Failed::Refused(why) | Failed::Unknown(why)) => Err(why),
    }
}
