//! A bounded run of recent entries: of a room, or of one session.
//!
//! Invariants:
//! - Numbers rise from front to back. They have holes, for the counter is shared by all rooms; so places are
//!   found by binary search and not by subtraction.
//! - Only the oldest entry is ever let go of. Therefore `forgotten`, the highest number that was, is all it
//!   takes to say "complete since P": nothing that this ring ever had lies between `forgotten` and its front.
//! - `forgotten <= top`, and neither ever falls.
//! - `bytes` is the sum of the entries' costs.
//!
//! The bounds on number and bytes always leave the newest entry, even one that is larger than the whole ring:
//! it is owed to those who listen now. A ring with `count` 0 keeps nothing and only counts. Age and the
//! memory budget spare nothing.

use super::entry::Entry;
use crate::ids::Seq;
use crate::limits::fixed::{RING_AGE_MS, RING_BYTES, RING_ENTRIES};
use std::collections::{BTreeSet, VecDeque, vec_deque};
use std::ops::AddAssign;
use std::sync::Arc;

/// What a ring may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Entries. 0: no history.
    pub count: usize,
    /// Bytes, as entries reckon their cost.
    pub bytes: usize,
    /// Age of an entry, in milliseconds.
    pub age_ms: u64,
}

impl Default for Bounds {
    /// Those of a room without settings.
    fn default() -> Self {
        Self { count: RING_ENTRIES, bytes: RING_BYTES, age_ms: RING_AGE_MS }
    }
}

/// What letting go gave back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "the books of the memory budget need it"]
pub struct Freed {
    /// Bytes, as entries reckon their cost.
    pub bytes: usize,
    /// Entries.
    pub entries: usize,
}

impl AddAssign for Freed {
    fn add_assign(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.entries += other.entries;
    }
}

/// Why entries are no longer there: the word in a `gap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The ring's bound on entries or bytes.
    Ring,
    /// The ring's bound on age.
    Age,
    /// The budget of all rings together.
    Memory,
    /// Another life of the log, or a position of the future.
    Epoch,
    /// Only memory held them when the server ended.
    Restart,
    /// Their write did not end in time.
    Store,
}

impl Reason {
    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ring => "ring",
            Self::Age => "age",
            Self::Memory => "memory",
            Self::Epoch => "epoch",
            Self::Restart => "restart",
            Self::Store => "store",
        }
    }
}

/// The last entries of a room, or of what was said to one session.
#[derive(Debug)]
pub struct Ring {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    forgotten: Seq,
    top: Seq,
    why: Reason,
}

impl Ring {
    /// An empty ring that knows nothing of numbers up to `forgotten`: the highest that any freed room let go
    /// of. Why that one did is no longer known; rooms are freed when they are old, so `Age` is said.
    #[must_use]
    pub fn new(forgotten: Seq) -> Self {
        Self::new_because(forgotten, Reason::Age)
    }

    /// The same, where the reason is known: a restart.
    #[must_use]
    pub fn new_because(forgotten: Seq, why: Reason) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, forgotten, top: forgotten, why }
    }

    /// Add the newest entry, whose number must be above all before it, and let go of what no longer fits:
    /// the entry itself in a ring that keeps nothing, so that what came in less what was freed is always
    /// what is held.
    pub(super) fn push(&mut self, entry: Arc<Entry>, bounds: &Bounds) -> Freed {
        debug_assert!(entry.seq > self.top, "number {} after {}", entry.seq, self.top);
        let cost = entry.cost();
        let (aged, surplus) = self.surplus(cost, bounds, entry.born_ms);
        let mut freed = self.let_go(aged, Reason::Age);
        freed += self.let_go(surplus, Reason::Ring);
        self.top = entry.seq;
        if bounds.count == 0 {
            self.forgotten = entry.seq;
            self.why = Reason::Ring;
            freed += Freed { bytes: cost, entries: 1 };
        } else {
            self.bytes += cost;
            self.entries.push_back(entry);
        }
        freed
    }

    /// Let go of what is too old; `now_ms` is of the monotonic clock.
    pub(super) fn expire(&mut self, now_ms: u64, bounds: &Bounds) -> Freed {
        let aged = self.entries.iter().take_while(|entry| too_old(entry, now_ms, bounds)).count();
        let freed = self.let_go(aged, Reason::Age);
        self.shrink();
        freed
    }

    /// Let go of the oldest entry for the sake of the memory budget.
    pub(super) fn forget_oldest(&mut self) -> Freed {
        let freed = self.let_go(1, Reason::Memory);
        self.shrink();
        freed
    }

    /// Put older entries, that were on disk, in front: as many of the newest as fit. They are all that there is above `freed` and
    /// up to `upto`. If the ring has let go of anything since they were asked for, there would be a hole: then it stays as it is.
    pub(super) fn fill(&mut self, older: Vec<Arc<Entry>>, freed: Seq, upto: Seq, bounds: &Bounds) -> usize {
        if self.forgotten != upto {
            return 0;
        }
        let (before, mut all) = (self.bytes, true);
        for entry in older.into_iter().rev() {
            let first = self.entries.front().map_or(Seq::MAX, |first| first.seq);
            let fits = self.entries.len() < bounds.count && self.bytes + entry.cost() <= bounds.bytes;
            if !fits || entry.seq >= first {
                (all, self.forgotten, self.why) = (false, entry.seq, Reason::Ring);
                break;
            }
            self.bytes += entry.cost();
            self.top = self.top.max(entry.seq);
            self.entries.push_front(entry);
        }
        if all {
            (self.forgotten, self.why) = (freed, Reason::Ring);
        }
        self.bytes - before
    }

    /// An entry has one more encoding, of so many bytes; how many the ring holds more. 0: the entry is gone.
    pub(super) fn grow(&mut self, seq: Seq, bytes: usize) -> usize {
        let Ok(at) = self.entries.binary_search_by_key(&seq, |entry| entry.seq) else { return 0 };
        self.entries[at].grow(bytes);
        self.bytes += bytes;
        bytes
    }

    /// Take out an entry that was never told: its number is not used.
    pub(super) fn take_back(&mut self, seq: Seq) -> Freed {
        let Ok(at) = self.entries.binary_search_by_key(&seq, |entry| entry.seq) else {
            return Freed::default();
        };
        let Some(entry) = self.entries.remove(at) else { return Freed::default() };
        self.bytes -= entry.cost();
        Freed { bytes: entry.cost(), entries: 1 }
    }

    /// What a `push` at `now_ms` of an entry that costs so much would let go of: the highest number, if any.
    #[must_use]
    pub fn would_forget(&self, cost: usize, bounds: &Bounds, now_ms: u64) -> Option<Seq> {
        let (aged, surplus) = self.surplus(cost, bounds, now_ms);
        let last = (aged + surplus).checked_sub(1)?;
        self.entries.get(last).map(|entry| entry.seq)
    }

    /// The front.
    #[must_use]
    pub fn oldest(&self) -> Option<&Arc<Entry>> {
        self.entries.front()
    }

    /// The back.
    #[must_use]
    pub fn newest(&self) -> Option<&Arc<Entry>> {
        self.entries.back()
    }

    /// All entries, oldest first.
    #[must_use]
    pub fn iter(&self) -> vec_deque::Iter<'_, Arc<Entry>> {
        self.entries.iter()
    }

    /// How many entries it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What its entries cost.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The highest number it has let go of, or never knew of.
    #[must_use]
    pub fn forgotten(&self) -> Seq {
        self.forgotten
    }

    /// Why it let go of that one.
    #[must_use]
    pub fn forgotten_why(&self) -> Reason {
        self.why
    }

    /// The highest number it ever held; at first the one it began with.
    #[must_use]
    pub fn top(&self) -> Seq {
        self.top
    }

    /// Whether it still holds all that it ever held above `at`.
    #[must_use]
    pub fn complete_since(&self, at: Seq) -> bool {
        at >= self.forgotten
    }

    /// Its entries above `at`, oldest first.
    #[must_use]
    pub fn after(&self, at: Seq) -> vec_deque::Iter<'_, Arc<Entry>> {
        self.entries.range(self.place_after(at)..)
    }

    /// The first entry above `at`.
    #[must_use]
    pub fn first_after(&self, at: Seq) -> Option<&Arc<Entry>> {
        self.entries.get(self.place_after(at))
    }

    /// For the policy `latest`: of the entries above `after` the newest of each slot, in number order. An
    /// entry without a slot is one of its event, so that rooms without a key keep the newest of each event.
    #[must_use]
    pub fn newest_per_slot(&self, after: Seq) -> Vec<Arc<Entry>> {
        // An ordered set: slots are chosen by peers, and no choice of theirs makes a tree slow.
        let mut seen = BTreeSet::new();
        let mut newest: Vec<_> =
            self.after(after).rev().filter(|entry| seen.insert(slot(entry))).cloned().collect();
        newest.reverse();
        newest
    }

    fn place_after(&self, at: Seq) -> usize {
        if at >= self.top {
            return self.entries.len(); // the usual case: a listener that has heard all
        }
        self.entries.partition_point(|entry| entry.seq <= at)
    }

    /// How many of the oldest entries must go before one that costs so much can come: first by age, then by
    /// the other bounds.
    fn surplus(&self, cost: usize, bounds: &Bounds, now_ms: u64) -> (usize, usize) {
        let aged = self.entries.iter().take_while(|entry| too_old(entry, now_ms, bounds)).count();
        let freed: usize = self.entries.range(..aged).map(|entry| entry.cost()).sum();
        let mut bytes = self.bytes - freed + cost;
        let mut count = self.entries.len() - aged + 1;
        let mut surplus = 0;
        for entry in self.entries.range(aged..) {
            if count <= bounds.count && bytes <= bounds.bytes {
                break;
            }
            count -= 1;
            bytes -= entry.cost();
            surplus += 1;
        }
        (aged, surplus)
    }

    fn let_go(&mut self, count: usize, why: Reason) -> Freed {
        let mut freed = Freed::default();
        for entry in self.entries.drain(..count.min(self.entries.len())) {
            freed += Freed { bytes: entry.cost(), entries: 1 };
            self.forgotten = entry.seq;
            self.why = why;
        }
        self.bytes -= freed.bytes;
        freed
    }

    /// Give back the places of entries that are gone: of ten thousand quiet rooms each was busy once.
    fn shrink(&mut self) {
        if self.entries.len() < self.entries.capacity() / 4 {
            self.entries.shrink_to(self.entries.len() * 2);
        }
    }
}

impl<'a> IntoIterator for &'a Ring {
    type Item = &'a Arc<Entry>;
    type IntoIter = vec_deque::Iter<'a, Arc<Entry>>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn too_old(entry: &Entry, now_ms: u64, bounds: &Bounds) -> bool {
    now_ms.saturating_sub(entry.born_ms) > bounds.age_ms
}

fn slot(entry: &Entry) -> (bool, &[u8]) {
    entry.slot.as_ref().map_or((false, entry.event.as_bytes()), |slot| (true, slot))
}
