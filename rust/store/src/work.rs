//! What is done between groups, in slices: bringing the journal into the file, folding, letting go, giving back space.

use crate::connection::Synchronous;
use crate::rooms::{Room, Row};
use crate::spans;
use crate::trim;
use crate::writer::{Failed, Writer, lock};
use rtcore_core::store::Report;
use rusqlite::DEFAULT_NAME;
use rusqlite::wal::CheckpointMode;
use std::collections::{HashSet, VecDeque};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Pages of the journal from which on it is brought into the file.
const PAGES: usize = 4_000;
/// Entries in no span from which on some are folded, and at which that ends.
const UNFOLDED: usize = 65_536;
const FOLDED: usize = UNFOLDED / 2;
/// Entries that are folded in one slice, and rooms.
const FOLD: usize = 4_096;
const FOLD_ROOMS: usize = 256;
/// By how many entries a room may be over its bounds while groups come: letting go of one at a time costs more.
const SLACK: u64 = 64;
/// How often the age of what rooms hold is looked at.
const SWEEP: Duration = Duration::from_secs(10);
/// Pages that are given back to the system in one slice.
const VACUUM: usize = 256;
/// Keys that are let go of in one slice.
const KEYS: usize = 1_000;

/// What is left to do.
#[derive(Default)]
pub struct Work {
    /// Rooms that are over their bounds.
    over: VecDeque<i64>,
    queued: HashSet<i64>,
    /// Rooms that the last group grew.
    grown: Vec<i64>,
    folding: bool,
    /// The running time at which keys were looked at last.
    keys_at: Option<u64>,
    keys: bool,
    vacuum: bool,
    swept: Option<Instant>,
}

impl Work {
    /// A group grew these rooms.
    pub fn grown(&mut self, rooms: Vec<i64>) {
        self.grown = rooms;
    }
    fn queue(&mut self, room: i64) {
        if self.queued.insert(room) {
            self.over.push_back(room);
        }
    }
}

impl Writer {
    /// What cannot wait until nothing comes.
    pub(crate) fn after_group(&mut self) {
        if self.down.is_some() || self.interrupted.is_some() {
            return;
        }
        if self.pages.load(Ordering::Relaxed) >= PAGES {
            self.checkpoint(CheckpointMode::PASSIVE);
        }
        let now = (self.parts.clock)();
        let rooms = lock(&self.parts.rooms);
        for id in std::mem::take(&mut self.work.grown) {
            if rooms.get(id).is_some_and(|room| room.over(now) > SLACK) {
                self.work.queue(id);
            }
        }
        self.work.folding = rooms.unfolded() >= if self.work.folding { FOLDED } else { UNFOLDED };
        drop(rooms);
        if self.work.folding {
            self.fold();
        }
        if !self.work.over.is_empty() {
            self.trim();
        }
    }

    /// Whether there is work that need not wait.
    pub(crate) fn has_work(&self) -> bool {
        let work = &self.work;
        self.down.is_none() && (!work.over.is_empty() || work.folding || work.keys || work.vacuum)
    }

    /// A slice of it.
    pub(crate) fn work_on(&mut self) {
        if self.work.folding {
            self.fold();
            self.work.folding &= lock(&self.parts.rooms).unfolded() >= FOLDED;
        } else if !self.work.over.is_empty() {
            self.trim();
        } else if self.work.keys {
            self.keys();
        } else if self.work.vacuum {
            self.vacuum();
        }
    }

    /// Nothing came for a while.
    pub(crate) fn rest(&mut self) {
        if self.work.swept.is_none_or(|swept| swept.elapsed() >= SWEEP) {
            self.sweep();
        }
        if !self.has_work() && self.pages.load(Ordering::Relaxed) > 0 {
            self.truncate();
        }
    }

    /// Look what there is to do.
    pub(crate) fn sweep(&mut self) {
        self.work.swept = Some(Instant::now());
        let now = (self.parts.clock)();
        let rooms = lock(&self.parts.rooms);
        let over: Vec<i64> = rooms.iter().filter(|(_, room)| room.over(now) > 0).map(|(id, _)| id).collect();
        drop(rooms);
        for id in over {
            self.work.queue(id);
        }
        self.work.keys = self.work.keys_at != Some(self.parts.running);
        self.work.keys_at = Some(self.parts.running);
        self.work.vacuum = true;
    }

    /// All of it, now.
    pub(crate) fn settle(&mut self) {
        if self.down.is_some() {
            return;
        }
        self.sweep();
        while self.has_work() {
            self.work_on();
        }
        while self.down.is_none() && lock(&self.parts.rooms).unfolded() > 0 && self.fold() {}
        self.truncate();
    }

    /// Have the journal in the file.
    fn checkpoint(&mut self, mode: CheckpointMode) {
        let Some(connection) = self.connection.clone() else { return };
        match connection.wal_checkpoint_v2(DEFAULT_NAME, mode) {
            Ok((left, done)) if left == done => self.pages.store(0, Ordering::Relaxed),
            Ok(_) => {}
            // Somebody reads: the next one does it.
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {}
            Err(_) => {
                drop(connection);
                self.recover(None);
            }
        }
    }

    /// Have the journal in the file, and cut it.
    pub(crate) fn truncate(&mut self) {
        self.checkpoint(CheckpointMode::TRUNCATE);
    }

    /// A slice of work in a transaction. What fails waits for the next sweep.
    fn slice<T>(&mut self, work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>) -> Option<T> {
        match self.transact(Synchronous::Normal, work) {
            Ok(done) => return Some(done),
            Err(Failed::Refused(why)) if why.kind == "corrupt" => self.damaged(why),
            Err(Failed::Refused(_)) => {}
            Err(Failed::Unknown(_)) => self.recover(None),
        }
        self.work = Work { swept: Some(Instant::now()), ..Work::default() };
        None
    }

    /// Write down which entries are of which room: those first that wait longest. False if it could not.
    fn fold(&mut self) -> bool {
        let rooms = std::sync::Arc::clone(&self.parts.rooms);
        let rows = self.slice(|connection| {
            let rooms = lock(&rooms);
            let mut rows = Vec::new();
            let mut count = 0;
            for (id, room) in rooms.waiting().take(FOLD_ROOMS) {
                let seqs: Vec<u64> = room.tail.iter().map(|recent| recent.seq).collect();
                spans::append(connection, id, &seqs)?;
                let row = with_tail(room);
                trim::put_row(connection, id, &row)?;
                rows.push(row);
                count += seqs.len();
                if count >= FOLD {
                    break;
                }
            }
            let next = rooms.waiting().nth(rows.len()).and_then(|(_, room)| room.tail.front());
            let last = rows.iter().map(|row| row.last).max().unwrap_or(0);
            let folded = next.map_or(last, |recent| recent.seq - 1);
            connection.prepare_cached(crate::group::SET)?.execute(("folded", folded.cast_signed()))?;
            Ok(rows)
        });
        let Some(rows) = rows else { return false };
        lock(&self.parts.rooms).folded(rows);
        true
    }

    /// Let go of what is beyond the bounds of rooms.
    fn trim(&mut self) {
        let now = (self.parts.clock)();
        let rooms = std::sync::Arc::clone(&self.parts.rooms);
        let over = self.work.over.clone();
        let Some(done) = self.slice(|connection| trim::trim(connection, &lock(&rooms), &over, now)) else {
            return;
        };
        for _ in 0..done.finished {
            if let Some(id) = self.work.over.pop_front() {
                self.work.queued.remove(&id);
            }
        }
        let mut rooms = lock(&self.parts.rooms);
        let mut reports = Vec::new();
        for (id, row) in done.rows {
            rooms.freed(id, row);
            let name = rooms.get(id).map(|room| std::sync::Arc::clone(&room.name));
            reports.extend(name.map(|room| Report::Freed { room, upto: row.freed }));
        }
        drop(rooms);
        for report in reports {
            self.tell(report);
        }
        self.work.vacuum |= self.work.over.is_empty();
    }

    /// Let go of keys whose time is over.
    fn keys(&mut self) {
        let before = self.parts.running.saturating_sub(self.parts.key_ms);
        let gone = self.slice(|connection| {
            let mut delete = connection.prepare_cached(
                "DELETE FROM key WHERE (owner_kind, owner, kind, name, key) IN (
                    SELECT owner_kind, owner, kind, name, key FROM key WHERE claimed < ? ORDER BY claimed LIMIT ?)",
            )?;
            delete.execute((before.cast_signed(), KEYS.cast_signed()))
        });
        self.work.keys = gone == Some(KEYS);
    }

    /// Give back space to the system.
    fn vacuum(&mut self) {
        let left = self.slice(|connection| {
            let free = |connection: &rusqlite::Connection| {
                connection.pragma_query_value(None, "freelist_count", |row| row.get::<_, i64>(0))
            };
            if free(connection)? == 0 {
                return Ok(0);
            }
            connection.pragma(None, "incremental_vacuum", VACUUM.cast_signed() as i64, |_| Ok(()))?;
            free(connection)
        });
        self.work.vacuum = left.is_some_and(|left| left > 0);
    }
}

/// The row of a room whose tail is folded.
fn with_tail(room: &Room) -> Row {
    let kept = room.kept();
    let since = room.since().unwrap_or(room.row.since);
    let (count, bytes) = (room.count(), room.bytes());
    Row { first: kept.first, last: kept.last, count, bytes, freed: kept.freed, since }
}
