//! Reading entries of a room, keys, and what is kept of collections.
//!
//! The tail is looked at first and the disk after that: what was folded in between is found in both, and nothing in
//! neither. An entry that is damaged or missing ends the page before it; a page that begins with one is without it, and
//! says that all up to it is gone. A page of the newest ends above it, and is not complete: what is older is whole.

use crate::body;
use crate::group::{kind_columns, owner_columns};
use crate::kept_ack;
use crate::rooms::Rooms;
use crate::shared;
use crate::spans;
use rtcore_core::ids::Seq;
use rtcore_core::store::{Entry, KeptKey, KeyName, KeyState, Page, Wanted};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Result};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Read what is wanted, as much of it as can be had in this time, but one entry at least.
pub fn read(connection: &Connection, rooms: &Mutex<Rooms>, wanted: &Wanted, slice: Duration) -> Result<Page> {
    let until = Instant::now() + slice;
    match wanted {
        Wanted::Key(name) => key(connection, name).map(Page::Key),
        Wanted::Shared { room, after, bytes } => {
            shared::page(connection, room, after.as_ref(), *bytes, slice)
        }
        Wanted::After { room, after, upto, count, bytes } => {
            let range = Range { after: *after, upto: *upto, most: count.saturating_add(1) };
            let Some((id, tail)) = tail(rooms, room, &range, false) else { return Ok(EMPTY) };
            let transaction = connection.unchecked_transaction()?;
            let found = above(&transaction, id, &range, &tail)?;
            let mut rows = Rows::new(&transaction, id, room, freed(&transaction, id)?)?;
            let whole = rows.take(&found, *count, *bytes, until)?;
            Ok(rows.page(whole))
        }
        Wanted::Last { room, upto, count, bytes } => {
            let range = Range { after: 0, upto: *upto, most: count.saturating_add(1) };
            let Some((id, tail)) = tail(rooms, room, &range, true) else { return Ok(EMPTY) };
            let transaction = connection.unchecked_transaction()?;
            let found = below(&transaction, id, &range, &tail)?;
            let mut rows = Rows::new(&transaction, id, room, freed(&transaction, id)?)?;
            rows.newest_first = true;
            let whole = rows.take(&found, *count, *bytes, until)?;
            rows.entries.reverse();
            Ok(rows.page(whole))
        }
    }
}

const EMPTY: Page = Page::Entries { entries: Vec::new(), complete: true, freed: 0 };

struct Range {
    after: Seq,
    upto: Seq,
    most: usize,
}

impl Range {
    fn has(&self, seq: Seq) -> bool {
        self.after < seq && seq <= self.upto
    }
}

/// The id of a room and the part of its tail that is in the range: as many as may be wanted, oldest first.
fn tail(rooms: &Mutex<Rooms>, name: &str, range: &Range, newest: bool) -> Option<(i64, Vec<Seq>)> {
    let rooms = rooms.lock().unwrap_or_else(PoisonError::into_inner);
    let id = rooms.id(name)?;
    let tail = &rooms.get(id)?.tail;
    let begin = tail.partition_point(|recent| recent.seq <= range.after);
    let end = tail.partition_point(|recent| recent.seq <= range.upto).max(begin);
    let (begin, end) = if newest {
        (begin.max(end.saturating_sub(range.most)), end)
    } else {
        (begin, end.min(begin.saturating_add(range.most)))
    };
    Some((id, tail.range(begin..end).map(|recent| recent.seq).collect()))
}

/// Numbers in the range, oldest first.
fn above(connection: &Connection, room: i64, range: &Range, tail: &[Seq]) -> Result<Vec<Seq>> {
    let mut spans =
        connection.prepare_cached("SELECT seqs FROM span WHERE room = ? AND last > ? ORDER BY last")?;
    let mut rows = spans.query([room, range.after.min(i64::MAX as u64).cast_signed()])?;
    let mut found = Vec::new();
    let mut last = 0;
    while let Some(row) = rows.next()? {
        let seqs = spans::read(row.get_ref(0)?.as_blob()?);
        last = seqs.last().copied().unwrap_or(last);
        found.extend(seqs.into_iter().filter(|seq| range.has(*seq)));
        if found.len() >= range.most || last >= range.upto {
            break;
        }
    }
    if found.len() < range.most {
        found.extend(tail.iter().filter(|seq| **seq > last));
    }
    Ok(found)
}

/// Numbers in the range, newest first.
fn below(connection: &Connection, room: i64, range: &Range, tail: &[Seq]) -> Result<Vec<Seq>> {
    let upto = range.upto.min(i64::MAX as u64).cast_signed();
    let mut found = Vec::new();
    let take = |seqs: Vec<Seq>, found: &mut Vec<Seq>| {
        found.extend(seqs.into_iter().rev().filter(|seq| range.has(*seq)));
    };
    // The span in which `upto` is, if it is in one, ends above it.
    let mut across = connection
        .prepare_cached("SELECT seqs FROM span WHERE room = ? AND last > ? ORDER BY last LIMIT 1")?;
    let seqs =
        across.query_row([room, upto], |row| Ok(spans::read(row.get_ref(0)?.as_blob()?))).optional()?;
    take(seqs.unwrap_or_default(), &mut found);
    let mut spans =
        connection.prepare_cached("SELECT seqs FROM span WHERE room = ? AND last <= ? ORDER BY last DESC")?;
    let mut rows = spans.query([room, upto])?;
    while found.len() < range.most {
        let Some(row) = rows.next()? else { break };
        take(spans::read(row.get_ref(0)?.as_blob()?), &mut found);
    }
    let newest = found.first().copied().unwrap_or(0);
    let mut all: Vec<Seq> = tail.iter().rev().copied().filter(|seq| *seq > newest).collect();
    all.append(&mut found);
    Ok(all)
}

fn freed(connection: &Connection, room: i64) -> Result<Seq> {
    let mut row = connection.prepare_cached("SELECT freed FROM room WHERE id = ?")?;
    let freed = row.query_row([room], |row| row.get::<_, i64>(0)).optional()?;
    Ok(freed.unwrap_or(0).cast_unsigned())
}

/// The entries of a page, as they are found.
struct Rows<'a> {
    statement: CachedStatement<'a>,
    id: i64,
    room: &'a Arc<str>,
    entries: Vec<Entry>,
    freed: Seq,
    newest_first: bool,
}

impl<'a> Rows<'a> {
    fn new(connection: &'a Connection, id: i64, room: &'a Arc<str>, freed: Seq) -> Result<Self> {
        let statement = connection.prepare_cached("SELECT room, time, crc, body FROM entry WHERE seq = ?")?;
        Ok(Self { statement, id, room, entries: Vec::new(), freed, newest_first: false })
    }

    /// Take the entries of these numbers in turn, up to a bound. Says whether they were all.
    fn take(&mut self, seqs: &[Seq], count: usize, mut bytes: usize, until: Instant) -> Result<bool> {
        let gone = self.freed;
        for seq in seqs.iter().copied().filter(|seq| *seq > gone) {
            if self.entries.len() >= count || !self.entries.is_empty() && Instant::now() >= until {
                return Ok(false);
            }
            match self.entry(seq)? {
                Some(entry) if self.entries.is_empty() || entry.data.len() <= bytes => {
                    bytes = bytes.saturating_sub(entry.data.len());
                    self.entries.push(entry);
                }
                // Newest first: what is older is for who asks from below. It is on disk, so the page is not complete.
                None if self.newest_first => {
                    self.freed = seq;
                    return Ok(false);
                }
                None if self.entries.is_empty() => self.freed = seq,
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    fn entry(&mut self, seq: Seq) -> Result<Option<Entry>> {
        let (id, name) = (self.id, self.room);
        let row = self.statement.query_row([seq.cast_signed()], |row| {
            let (room, time, crc) =
                (row.get::<_, i64>(0)?, row.get::<_, i64>(1)?.cast_unsigned(), row.get(2)?);
            let bytes = row.get_ref(3)?.as_blob()?;
            let whole = room == id && body::checksum(seq, name, time, bytes) == crc;
            Ok(whole.then(|| body::read(seq, name, time, bytes)).flatten())
        });
        Ok(row.optional()?.flatten())
    }

    fn page(self, complete: bool) -> Page {
        Page::Entries { entries: self.entries, complete, freed: self.freed }
    }
}

fn key(connection: &Connection, KeyName { owner, kind, key }: &KeyName) -> Result<Option<KeptKey>> {
    let ((owner_kind, owner_name), (what, name)) = (owner_columns(owner), kind_columns(kind));
    let mut row = connection.prepare_cached(
        "SELECT digest, claimed, kept FROM key
         WHERE owner_kind = ? AND owner = ? AND kind = ? AND name = ? AND key = ?",
    )?;
    row.query_row((owner_kind, owner_name, what, name, key), |row| {
        let kept = row.get_ref(2)?.as_blob_or_null()?;
        let state = kept.and_then(kept_ack::read).map_or(KeyState::Begun, KeyState::Done);
        let claimed = row.get::<_, i64>(1)?.cast_unsigned();
        Ok(KeptKey {
            owner: owner.clone(),
            kind: kind.clone(),
            key: key.clone(),
            digest: row.get(0)?,
            claimed,
            state,
        })
    })
    .optional()
}
