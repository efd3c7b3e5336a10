//! Letting go of entries: the oldest of a room, as many as its bounds say.

use crate::rooms::{Room, Rooms, Row};
use crate::spans;
use rtcore_core::ids::Seq;
use rusqlite::{Connection, OptionalExtension, Result};
use std::collections::VecDeque;

/// Entries that go in one slice.
const SLICE: usize = 1_000;

/// What a slice did.
#[derive(Debug, Default)]
pub struct Done {
    /// Rooms that let go of something, and their rows now.
    pub rows: Vec<(i64, Row)>,
    /// How many of the rooms that were given need nothing more.
    pub finished: usize,
}

/// Let go of the oldest entries of these rooms, in turn, a slice in all.
pub fn trim(connection: &Connection, rooms: &Rooms, over: &VecDeque<i64>, now: u64) -> Result<Done> {
    let mut done = Done::default();
    let mut gone: Vec<Seq> = Vec::new();
    for id in over {
        let left = SLICE - gone.len();
        if left == 0 {
            break;
        }
        let Some(room) = rooms.get(*id) else {
            done.finished += 1;
            continue;
        };
        let (seqs, row) = oldest(connection, *id, room, now, left)?;
        done.finished += usize::from(seqs.len() < left);
        if !seqs.is_empty() {
            spans::forget(connection, *id, row.freed)?;
            put_row(connection, *id, &row)?;
            done.rows.push((*id, row));
            gone.extend(seqs);
        }
    }
    // In the order in which they lie.
    gone.sort_unstable();
    let mut delete = connection.prepare_cached("DELETE FROM entry WHERE seq = ?")?;
    for seq in gone {
        delete.execute([seq.cast_signed()])?;
    }
    Ok(done)
}

/// Which entries of a room go, at most so many, and its row without them.
fn oldest(connection: &Connection, id: i64, room: &Room, now: u64, most: usize) -> Result<(Vec<Seq>, Row)> {
    let bounds = room.bounds;
    let mut row = room.row;
    let (mut count, mut bytes) = (room.count(), room.bytes());
    let mut gone = Vec::new();
    let mut sizes = connection.prepare_cached("SELECT time, length(body) FROM entry WHERE seq = ?")?;
    let mut look = |seq: Seq| {
        let found =
            sizes.query_row([seq.cast_signed()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
        found.optional().map(|found| found.map(|(time, size)| (time.cast_unsigned(), size.cast_unsigned())))
    };
    let folded = folded(connection, id, most + 1)?;
    let tail = room.tail.iter().map(|recent| (recent.seq, true)).filter(|_| folded.len() <= most);
    for (seq, in_tail) in folded.iter().map(|seq| (*seq, false)).chain(tail) {
        let found = look(seq)?;
        let (time, size) = found.unwrap_or((0, 0));
        let over = bounds.count > 0 && count > bounds.count
            || bounds.bytes > 0 && bytes > bounds.bytes
            || bounds.age_ms > 0 && time.saturating_add(bounds.age_ms) < now;
        if !over || gone.len() == most {
            if !in_tail {
                (row.first, row.since) = (seq, time);
            }
            break;
        }
        gone.push(seq);
        (count, bytes) = (count.saturating_sub(1), bytes.saturating_sub(size));
        row.freed = seq;
        row.last = row.last.max(seq);
        if !in_tail {
            (row.count, row.bytes) = (row.count.saturating_sub(1), row.bytes.saturating_sub(size));
        }
    }
    if row.count == 0 {
        (row.first, row.since, row.bytes) = (0, 0, 0);
    }
    Ok((gone, row))
}

/// The oldest numbers in spans of a room.
fn folded(connection: &Connection, id: i64, most: usize) -> Result<Vec<Seq>> {
    let mut spans = connection.prepare_cached("SELECT seqs FROM span WHERE room = ? ORDER BY last")?;
    let mut rows = spans.query([id])?;
    let mut found = Vec::new();
    while found.len() < most {
        let Some(row) = rows.next()? else { break };
        found.extend(spans::read(row.get_ref(0)?.as_blob()?));
    }
    Ok(found)
}

/// Write the row of a room.
pub fn put_row(connection: &Connection, id: i64, row: &Row) -> Result<()> {
    let Row { first, last, count, bytes, freed, since } = row;
    let mut put = connection.prepare_cached(
        "UPDATE room SET first = ?, last = ?, count = ?, bytes = ?, freed = ?, since = ? WHERE id = ?",
    )?;
    put.execute((
        first.cast_signed(),
        last.cast_signed(),
        count.cast_signed(),
        bytes.cast_signed(),
        freed.cast_signed(),
        since.cast_signed(),
        id,
    ))?;
    Ok(())
}
