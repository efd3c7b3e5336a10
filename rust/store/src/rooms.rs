//! What is known of each room without looking at the disk: what it holds, and which of its entries are in no span yet.
//!
//! Invariants. `row` is what the room's row on disk says; it speaks of what was folded or let go of. `tail` are the
//! entries above `row.last`, oldest first. `waiting` holds each room that has a tail, once, by the first of its tail: so
//! the front's first is the lowest number that was not folded. Memory changes after the disk did.

use crate::options::{Bounds, BoundsOf};
use rtcore_core::ids::Seq;
use rtcore_core::store::KeptRoom;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// A room's row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// The oldest entry; 0: none.
    pub first: Seq,
    /// The newest, also if it is gone.
    pub last: Seq,
    /// How many there are.
    pub count: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// The highest number that was let go of.
    pub freed: Seq,
    /// When the oldest was said (ms since 1970).
    pub since: u64,
}

/// An entry in no span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recent {
    /// Its number.
    pub seq: Seq,
    /// When it was said.
    pub time: u64,
    /// Bytes of it.
    pub bytes: u64,
}

/// A room.
#[derive(Debug)]
pub struct Room {
    /// Its name.
    pub name: Arc<str>,
    /// What its row says.
    pub row: Row,
    /// What is above.
    pub tail: VecDeque<Recent>,
    /// What it may hold.
    pub bounds: Bounds,
    tail_bytes: u64,
}

impl Room {
    fn new(name: Arc<str>, row: Row, bounds: Bounds) -> Self {
        Self { name, row, tail: VecDeque::new(), bounds, tail_bytes: 0 }
    }
    /// How many entries it holds.
    pub fn count(&self) -> u64 {
        self.row.count + self.tail.len() as u64
    }
    /// Bytes of them.
    pub fn bytes(&self) -> u64 {
        self.row.bytes + self.tail_bytes
    }
    /// When its oldest was said. None: it is empty.
    pub fn since(&self) -> Option<u64> {
        if self.row.count > 0 { Some(self.row.since) } else { self.tail.front().map(|recent| recent.time) }
    }
    /// What the core is told of it.
    pub fn kept(&self) -> KeptRoom {
        let first =
            if self.row.count > 0 { self.row.first } else { self.tail.front().map_or(0, |one| one.seq) };
        let last = self.tail.back().map_or(self.row.last, |one| one.seq);
        KeptRoom { name: Arc::clone(&self.name), first, last, count: self.count(), freed: self.row.freed }
    }
    /// By how much of its bounds it is over them (entries).
    pub fn over(&self, now: u64) -> u64 {
        let Bounds { count, bytes, age_ms } = self.bounds;
        let by = |held: u64, bound: u64| if bound == 0 { 0 } else { held.saturating_sub(bound) };
        let by_count = by(self.count(), count);
        let by_bytes = by(self.bytes(), bytes).div_ceil((self.bytes() / self.count().max(1)).max(1));
        let old = age_ms > 0 && self.since().is_some_and(|since| since.saturating_add(age_ms) < now);
        by_count.max(by_bytes).max(u64::from(old))
    }
}

/// What a group does to the rooms, once it is on disk.
#[derive(Debug, Default)]
pub struct Change {
    /// Rooms that it made, and their ids.
    pub made: HashMap<Arc<str>, i64>,
    /// Its entries, and the ids of their rooms.
    pub entries: Vec<(i64, Recent)>,
}

/// All rooms.
pub struct Rooms {
    ids: HashMap<Arc<str>, i64>,
    by_id: HashMap<i64, Room>,
    waiting: VecDeque<i64>,
    unfolded: usize,
    next: i64,
    bounds: BoundsOf,
}

impl std::fmt::Debug for Rooms {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Rooms").field("rooms", &self.by_id.len()).finish_non_exhaustive()
    }
}

impl Rooms {
    /// None yet.
    pub fn new(bounds: BoundsOf) -> Self {
        let (ids, by_id, waiting) = (HashMap::new(), HashMap::new(), VecDeque::new());
        Self { ids, by_id, waiting, unfolded: 0, next: 1, bounds }
    }

    /// Forget all: they are read anew.
    pub fn clear(&mut self) {
        (self.unfolded, self.next) = (0, 1);
        self.ids.clear();
        self.by_id.clear();
        self.waiting.clear();
    }

    /// A room as it is on disk.
    pub fn add(&mut self, id: i64, name: Arc<str>, row: Row) {
        self.next = self.next.max(id + 1);
        self.ids.insert(Arc::clone(&name), id);
        let bounds = (self.bounds)(&name);
        self.by_id.insert(id, Room::new(name, row, bounds));
    }

    /// An entry that is on disk, above all that its room has.
    pub fn push(&mut self, id: i64, recent: Recent) {
        let Some(room) = self.by_id.get_mut(&id) else { return };
        if recent.seq <= room.row.last {
            return;
        }
        if room.tail.is_empty() {
            self.waiting.push_back(id);
        }
        self.unfolded += 1;
        room.tail_bytes += recent.bytes;
        room.tail.push_back(recent);
    }

    /// A group is on disk.
    pub fn apply(&mut self, change: Change) {
        for (name, id) in change.made {
            self.add(id, name, Row::default());
        }
        for (id, recent) in change.entries {
            self.push(id, recent);
        }
    }

    /// The id of the room of this name, if there is one or this change makes it.
    pub fn id(&self, name: &str) -> Option<i64> {
        self.ids.get(name).copied()
    }
    /// The id of the next new room, of so many that are being made.
    pub fn next_id(&self, making: usize) -> i64 {
        self.next + i64::try_from(making).unwrap_or(i64::MAX / 2)
    }
    /// A room.
    pub fn get(&self, id: i64) -> Option<&Room> {
        self.by_id.get(&id)
    }
    /// All, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &Room)> {
        self.by_id.iter().map(|(id, room)| (*id, room))
    }
    /// How many entries are in no span.
    pub fn unfolded(&self) -> usize {
        self.unfolded
    }
    /// Rooms with a tail, those whose tail begins lowest first.
    pub fn waiting(&self) -> impl Iterator<Item = (i64, &Room)> {
        self.waiting.iter().filter_map(|id| Some((*id, self.by_id.get(id)?)))
    }

    /// The tails of the first `count` rooms that wait are in spans, and their rows as given.
    pub fn folded(&mut self, rows: Vec<Row>) {
        for row in rows {
            let Some(id) = self.waiting.pop_front() else { return };
            if let Some(room) = self.by_id.get_mut(&id) {
                self.unfolded -= room.tail.len();
                (room.row, room.tail_bytes) = (row, 0);
                room.tail = VecDeque::new();
            }
        }
    }

    /// A room let go of what its row says, and its tail begins above that.
    pub fn freed(&mut self, id: i64, row: Row) {
        let Some(room) = self.by_id.get_mut(&id) else { return };
        room.row = row;
        let (before, begun) = (room.tail.len(), room.tail.front().copied());
        while room.tail.front().is_some_and(|recent| recent.seq <= row.last) {
            room.tail_bytes -= room.tail.pop_front().map_or(0, |recent| recent.bytes);
        }
        self.unfolded -= before - room.tail.len();
        if room.tail.front().copied() == begun {
            return;
        }
        // Its tail begins later now: its place in the queue is another.
        self.waiting.retain(|other| *other != id);
        if let Some(first) = room.tail.front().map(|recent| recent.seq) {
            let begins =
                |id: &i64| self.by_id.get(id).and_then(|room| room.tail.front()).map_or(0, |one| one.seq);
            let at = self.waiting.partition_point(|id| begins(id) < first);
            self.waiting.insert(at, id);
        }
    }
}
