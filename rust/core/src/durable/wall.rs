//! The wall: numbers of durable entries that nobody may hear yet, and who stands before it.
//!
//! A listener whose newest entries wait may stay live: it has everything but those, and gets them in their order when they
//! are on disk. Only when something else would be told to it, with a higher number, it falls behind. Who is concerned is
//! known by a mark, the highest number that waits for a session: while that is not below the lowest of all, it waits.
//! (The mark may be too high, of an entry that was refused; never too low.)
//!
//! Invariants: `order` and `rooms` hold the same numbers; no number is in them and in `passed`.

use crate::ids::{RoomId, Seq, SessionId, Tick};
use crate::limits::fixed::{STORE_BYTES, STORE_ENTRIES, STORE_MS};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug)]
struct Waits {
    room: RoomId,
    due: Tick,
    bytes: usize,
}

/// What waits, and for whom.
#[derive(Debug, Default)]
pub struct Wall {
    order: BTreeMap<Seq, Waits>,
    rooms: BTreeMap<RoomId, BTreeSet<Seq>>,
    passed: BTreeMap<RoomId, BTreeSet<Seq>>,
    bytes: usize,
    /// By a session's slot: the highest number that waits for it.
    marks: Vec<Seq>,
    /// Who may be fed once the wall is lower.
    before: BTreeSet<SessionId>,
}

impl Wall {
    /// Whether nothing waits: then nobody is held up.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether no more may wait.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.order.len() >= STORE_ENTRIES || self.bytes >= STORE_BYTES
    }

    /// An entry has its number and waits, from now on, for these listeners.
    pub fn raise(
        &mut self,
        seq: Seq,
        room: RoomId,
        bytes: usize,
        now: Tick,
        listeners: impl Iterator<Item = SessionId>,
    ) {
        let before = self.order.insert(seq, Waits { room, due: now.plus_ms(STORE_MS), bytes });
        debug_assert!(before.is_none(), "a number is given once");
        self.rooms.entry(room).or_default().insert(seq);
        self.bytes += bytes;
        for session in listeners {
            self.mark(session, seq);
        }
    }

    /// It waits no more.
    pub fn lower(&mut self, seq: Seq) {
        if let Some(waits) = self.order.remove(&seq) {
            self.bytes -= waits.bytes;
            take_out(&mut self.rooms, waits.room, seq);
        }
    }

    /// It has waited for too long: who listens is told that it misses it.
    pub fn pass(&mut self, seq: Seq, room: RoomId) {
        self.lower(seq);
        self.passed.entry(room).or_default().insert(seq);
    }

    /// What became of a passed one is known.
    pub fn found_out(&mut self, seq: Seq, room: RoomId) {
        take_out(&mut self.passed, room, seq);
    }

    /// Whether an entry has been passed and is not known to be on disk.
    #[must_use]
    pub fn is_passed(&self, room: RoomId, seq: Seq) -> bool {
        self.passed.get(&room).is_some_and(|passed| passed.contains(&seq))
    }

    /// The first passed entry of a room above `after` and up to `upto`.
    #[must_use]
    pub fn passed_within(&self, room: RoomId, after: Seq, upto: Seq) -> Option<Seq> {
        if after >= upto {
            return None;
        }
        self.passed.get(&room)?.range(after + 1..=upto).next().copied()
    }

    /// Whether an entry waits.
    #[must_use]
    pub fn waits(&self, seq: Seq) -> bool {
        self.order.contains_key(&seq)
    }

    /// The lowest number of a room that waits, above `after`.
    #[must_use]
    pub fn first_of(&self, room: RoomId, after: Seq) -> Option<Seq> {
        self.rooms.get(&room)?.range(after.saturating_add(1)..).next().copied()
    }

    /// The highest of a room.
    #[must_use]
    pub fn last_of(&self, room: RoomId) -> Option<Seq> {
        self.rooms.get(&room)?.last().copied()
    }

    /// Whether a listener may be waiting: exact but where an entry of its own was refused before older ones were decided.
    #[must_use]
    pub fn holds(&self, session: SessionId) -> bool {
        let mark = self.marks.get(session.index()).copied().unwrap_or(0);
        self.order.first_key_value().is_some_and(|(lowest, _)| mark >= *lowest)
    }

    /// This number waits for a session.
    pub fn mark(&mut self, session: SessionId, seq: Seq) {
        if self.marks.len() <= session.index() {
            self.marks.resize(session.index() + 1, 0);
        }
        self.marks[session.index()] = seq;
    }

    /// A session stands before the wall, and is to be fed when it is lower.
    pub fn stand(&mut self, session: SessionId) {
        self.before.insert(session);
    }

    /// Who stood before it, and may be fed now.
    pub fn take_before(&mut self) -> BTreeSet<SessionId> {
        std::mem::take(&mut self.before)
    }

    /// A session is gone: the next in its place is as new.
    pub fn forget(&mut self, session: SessionId) {
        self.before.remove(&session);
        if let Some(mark) = self.marks.get_mut(session.index()) {
            *mark = 0;
        }
    }

    /// When the oldest has waited for too long.
    #[must_use]
    pub fn due(&self) -> Option<Tick> {
        self.order.first_key_value().map(|(_, waits)| waits.due)
    }

    /// Whether an entry has waited for too long.
    #[must_use]
    pub fn is_overdue(&self, seq: Seq, now: Tick) -> bool {
        self.order.get(&seq).is_some_and(|waits| waits.due <= now)
    }

    /// How many stand before it.
    #[must_use]
    pub fn standing(&self) -> usize {
        self.before.len()
    }
}

fn take_out(from: &mut BTreeMap<RoomId, BTreeSet<Seq>>, room: RoomId, seq: Seq) {
    if let Some(numbers) = from.get_mut(&room) {
        numbers.remove(&seq);
        if numbers.is_empty() {
            from.remove(&room);
        }
    }
}
