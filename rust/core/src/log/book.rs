//! The book of the log: the one place that gives numbers, and that knows how much all rings together hold.
//!
//! An entry is in the log from the moment at which the book gives it its number, and it is in its ring then, in the same
//! step. So no number is ever without an entry, and whoever is told the head may be fed everything up to it.
//!
//! Invariants:
//! - Each number is given once, and is one more than the last: `head`. 0 is no number: what is volatile has none.
//! - The dates of what is said never fall, however the clock is set.
//! - `bytes` is what all rings hold together. Only the book fills and empties a ring (the methods that do are seen inside
//!   `log` alone), so this is always so.
//! - `freed` is at least the highest number that any freed room ever held. A room that is made begins there, and never
//!   says that it is complete below.

use super::entry::{Entry, Where};
use super::position::{MAX_SEQ, Position, Since};
use super::ring::{Bounds, Freed, Reason, Ring};
use crate::ids::{Form, Now, RoomId, Seq, SessionId};
use std::sync::Arc;

/// Numbers, dates, and the budget of all rings.
#[derive(Debug)]
pub struct Log {
    epoch: Box<str>,
    head: Seq,
    /// No number above this may be given: on disk, it is not taken. Without a store there is no such bound.
    reserved: Seq,
    /// The date of the newest thing said (ms since 1970).
    newest_ms: u64,
    freed: Seq,
    /// The number before the first of this life, where the log is older: what only memory held is gone up to there.
    before: Seq,
    bytes: usize,
    budget: usize,
    /// Rings were emptied for the budget's sake: there may be a room to free.
    emptied: bool,
    /// Entries that have one more encoding of so many bytes, which no book counts yet.
    grown: Vec<(Held, Seq, usize)>,
}

/// Whose ring an entry is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    Room(RoomId),
    Session(SessionId),
}

/// What became of an entry.
#[derive(Debug)]
pub struct Entered {
    /// With its number.
    pub entry: Arc<Entry>,
    /// Older ones that its ring let go of.
    pub forgotten: u64,
}

impl Log {
    /// The beginning of a log. All rings together are to hold no more than `budget` bytes.
    #[must_use]
    pub fn new(epoch: &str, budget: usize) -> Self {
        Self {
            epoch: epoch.into(),
            head: 0,
            reserved: MAX_SEQ,
            newest_ms: 0,
            freed: 0,
            before: 0,
            bytes: 0,
            budget,
            emptied: false,
            grown: Vec::new(),
        }
    }

    /// The life of this log.
    #[must_use]
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// The number of the newest entry.
    #[must_use]
    pub fn head(&self) -> Seq {
        self.head
    }

    /// Whether there is a number for one more.
    #[must_use]
    pub fn has_number(&self) -> bool {
        self.head < self.reserved
    }

    /// The highest number that may be given.
    #[must_use]
    pub fn reserved(&self) -> Seq {
        self.reserved
    }

    /// Numbers up to this one may be given from now on.
    pub fn reserve(&mut self, upto: Seq) {
        self.reserved = upto.min(MAX_SEQ);
    }

    /// `seq` as the wire shows it.
    #[must_use]
    pub fn position(&self, seq: Seq) -> Position<'_> {
        Position { epoch: &self.epoch, seq }
    }

    /// What a position that somebody names means here.
    #[must_use]
    pub fn since(&self, position: Option<&str>) -> Since {
        let Some(position) = position else { return Since::Nothing };
        match Position::parse(position) {
            Some((epoch, seq)) if epoch == &*self.epoch && seq <= self.head => Since::Known(seq),
            _ => Since::Unknown,
        }
    }

    /// A ring for a room that is made now.
    #[must_use]
    pub fn new_ring(&self) -> Ring {
        if self.freed > self.before { Ring::new(self.freed) } else { self.ring_of_old() }
    }

    /// The ring of what only memory held before this life.
    #[must_use]
    pub fn ring_of_old(&self) -> Ring {
        Ring::new_because(self.before, Reason::Restart)
    }

    /// The log goes on where it was: the numbers up to `head` may have been given, those up to `reserved` are ours.
    pub fn resume(&mut self, epoch: Option<&str>, head: Seq, reserved: Seq) {
        debug_assert_eq!(self.head, 0, "a life begins once");
        if let Some(epoch) = epoch {
            self.epoch = epoch.into();
        }
        (self.head, self.before, self.freed) = (head, head, head);
        self.reserve(reserved);
    }

    /// The number before the first of this life.
    #[must_use]
    pub fn before(&self) -> Seq {
        self.before
    }

    /// The highest number that a freed room may have held: what a room that is gone is complete above.
    #[must_use]
    pub fn freed(&self) -> Seq {
        self.freed
    }

    /// The date of what is said now: dates never fall.
    #[must_use]
    pub fn date(&self, now: Now) -> u64 {
        self.newest_ms.max(now.wall_ms)
    }

    /// Something that is said now: it has its date, and no number yet. What is volatile stays so.
    #[must_use]
    pub fn draft(&mut self, room: Where, event: Arc<str>, data: &[u8], form: Form, now: Now) -> Entry {
        self.newest_ms = self.newest_ms.max(now.wall_ms);
        Entry::new(0, room, event, data.into(), form, Now { wall_ms: self.newest_ms, ..now })
    }

    /// Give an entry its number and put it into its ring, which lets go of what no longer fits.
    pub fn enter(&mut self, mut entry: Entry, ring: &mut Ring, bounds: &Bounds) -> Entered {
        debug_assert_eq!(entry.seq, 0, "an entry has its number once");
        debug_assert!(self.has_number(), "no number is given that is not reserved");
        debug_assert!(ring.top() <= self.head, "a ring never knows more than the book");
        debug_assert!(entry.time <= self.newest_ms, "dates never fall");
        self.head = self.head.saturating_add(1);
        entry.seq = self.head;
        let entry = Arc::new(entry);
        let freed = ring.push(Arc::clone(&entry), bounds);
        self.bytes = self.bytes.saturating_add(entry.cost());
        Entered { entry, forgotten: self.book(freed) }
    }

    /// A ring that knows nothing up to a number, because the disk has it, or let go of it by the room's limits.
    #[must_use]
    pub fn ring_behind(&self, seq: Seq) -> Ring {
        Ring::new_because(seq, Reason::Ring)
    }

    /// Something that was said in an earlier life, with the number and the time that it has.
    #[must_use]
    pub fn recall(
        &mut self,
        seq: Seq,
        room: Where,
        event: Arc<str>,
        data: Arc<[u8]>,
        form: Form,
        said: Now,
    ) -> Entry {
        self.newest_ms = self.newest_ms.max(said.wall_ms);
        Entry::new(seq, room, event, data, form, said)
    }

    /// Put what was on disk into its ring, in front: all that there is above `freed` and up to `upto`.
    pub fn fill(
        &mut self,
        ring: &mut Ring,
        older: Vec<Arc<Entry>>,
        (freed, upto): (Seq, Seq),
        bounds: &Bounds,
    ) {
        self.bytes += ring.fill(older, freed, upto, bounds);
    }

    /// An entry was written in one more encoding, of so many bytes. What is volatile is in no ring.
    pub fn note_grown(&mut self, entry: &Entry, bytes: usize) {
        if entry.seq > 0 {
            let held = match &entry.room {
                Where::Room(room, _) => Held::Room(*room),
                Where::Session(session) => Held::Session(*session),
            };
            self.grown.push((held, entry.seq, bytes));
        }
    }

    /// One of them, to be booked.
    pub fn next_grown(&mut self) -> Option<(Held, Seq, usize)> {
        self.grown.pop()
    }

    /// Book it, if its ring still has it.
    pub fn grow(&mut self, ring: &mut Ring, seq: Seq, bytes: usize) {
        self.bytes = self.bytes.saturating_add(ring.grow(seq, bytes));
    }

    /// Take an entry out of its ring that is not on disk and never will be. Nobody was told it, and its number is not used.
    pub fn take_back(&mut self, ring: &mut Ring, seq: Seq) {
        let freed = ring.take_back(seq);
        self.book(freed);
    }

    /// Let go of what is too old in a ring; how many entries. `now_ms` is of the monotonic clock.
    pub fn expire(&mut self, ring: &mut Ring, now_ms: u64, bounds: &Bounds) -> u64 {
        let freed = ring.expire(now_ms, bounds);
        self.book(freed)
    }

    /// Let go of the oldest entry of a ring for the sake of the budget; how many entries that were.
    pub fn shed_oldest(&mut self, ring: &mut Ring) -> u64 {
        self.emptied = true;
        let freed = ring.forget_oldest();
        self.book(freed)
    }

    /// A room goes, and its ring with it; how many entries that held.
    pub fn free_room(&mut self, ring: &Ring) -> u64 {
        self.freed = self.freed.max(ring.top().max(ring.forgotten()));
        debug_assert!(self.freed <= self.head, "nobody held what was never said");
        self.book(Freed { bytes: ring.bytes(), entries: ring.len() })
    }

    /// A session goes, and with it the ring of what was said to it alone.
    pub fn free_own(&mut self, ring: &Ring) {
        self.book(Freed { bytes: ring.bytes(), entries: 0 });
    }

    fn book(&mut self, freed: Freed) -> u64 {
        debug_assert!(self.bytes >= freed.bytes, "more was let go of than all rings held");
        self.bytes = self.bytes.saturating_sub(freed.bytes);
        freed.entries as u64
    }

    /// Bytes that all rings hold.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes that they may hold.
    #[must_use]
    pub fn budget(&self) -> usize {
        self.budget
    }

    /// All rings together are to hold no more than this from now on (bytes).
    pub fn set_budget(&mut self, bytes: usize) {
        self.budget = bytes;
    }

    /// Whether some of them must go.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.bytes > self.budget
    }

    /// Whether a walk over the rings may find something that is too old, or a room to free.
    #[must_use]
    pub fn wants_sweep(&self) -> bool {
        self.emptied || self.bytes > 0
    }

    /// That walk begins.
    pub fn sweeping(&mut self) {
        self.emptied = false;
    }
}
