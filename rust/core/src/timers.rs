//! Deadlines: what is to be looked at, and when.
//!
//! They stand in a heap. What was set for the same thing and purpose before is stale from then on: it stays where it is, and
//! is passed over when its time comes. So setting a deadline anew costs no search, and a peer that is heard from all the time
//! costs nothing until the deadline comes that was set first. Once most of the heap is stale, that is let go of: O(1) a
//! deadline, amortised.
//!
//! Invariants:
//! - For each thing and purpose at most one deadline counts, the one that was set last. Its stamp stands in `stamps` and is
//!   odd; where none counts the stamp there is even. A stamp of a slot never comes again (but after 2^32 others), also where
//!   the slot is used by another thing.
//! - `stale` is the number of the others in the heap, and they are never many more than half of it.
//! - Only what exists has a deadline: who removes it drops its deadlines, by `forget_*`.

use crate::ids::{ConnId, RoomId, SessionId, Tick};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The next look at a connection: whatever its phase waits for, or whether its peer is alive.
    Conn(ConnId),
    /// For so long more requests of a connection wait for the application than may.
    Patience(ConnId),
    /// A hello that has no welcome yet.
    Welcome(ConnId),
    /// A session's token ends, or is about to.
    Expiry(SessionId),
    /// Nobody came back to a session, or nothing was heard of it.
    Away(SessionId),
    /// A peer that came back has not named its streams.
    Streams(SessionId),
    /// A room's window of presence is over.
    Presence(RoomId),
    /// Publishers waited in a room for as long as they may.
    Blocked(RoomId),
    /// Old entries and keys are looked for.
    Sweep,
    /// The grace of a server that stops is over.
    Grace,
    /// Something waits for the disk for too long.
    Store,
}

const PURPOSES: usize = 11;

impl Due {
    /// The number of the purpose, and the handle of whom it concerns.
    const fn parts(self) -> (u8, u64) {
        match self {
            Self::Conn(id) => (0, id.0),
            Self::Patience(id) => (1, id.0),
            Self::Expiry(id) => (2, id.0),
            Self::Away(id) => (3, id.0),
            Self::Streams(id) => (4, id.0),
            Self::Presence(id) => (5, id.0),
            Self::Blocked(id) => (6, id.0),
            Self::Sweep => (7, 0),
            Self::Grace => (8, 0),
            Self::Welcome(id) => (9, id.0),
            Self::Store => (10, 0),
        }
    }

    const fn of(purpose: u8, id: u64) -> Self {
        match purpose {
            0 => Self::Conn(ConnId(id)),
            1 => Self::Patience(ConnId(id)),
            2 => Self::Expiry(SessionId(id)),
            3 => Self::Away(SessionId(id)),
            4 => Self::Streams(SessionId(id)),
            5 => Self::Presence(RoomId(id)),
            6 => Self::Blocked(RoomId(id)),
            7 => Self::Sweep,
            9 => Self::Welcome(ConnId(id)),
            10 => Self::Store,
            _ => Self::Grace,
        }
    }
}

/// A deadline in the heap: the earliest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: Tick,
    purpose: u8,
    id: u64,
    stamp: u32,
}

impl Entry {
    const fn slot(&self) -> usize {
        (self.id & 0xffff_ffff) as usize
    }
}

/// All deadlines.
#[derive(Debug, Default)]
pub struct Timers {
    heap: BinaryHeap<Reverse<Entry>>,
    /// By purpose and slot: the stamp of the deadline that counts.
    stamps: [Vec<u32>; PURPOSES],
    stale: usize,
}

/// So few stale deadlines are not worth the walk.
const FEW: usize = 32;

impl Timers {
    /// From now on this is due at `at`, and at no other time.
    pub fn set(&mut self, due: Due, at: Tick) {
        let (purpose, id) = due.parts();
        let entry = Entry { at, purpose, id, stamp: 0 };
        let stamps = &mut self.stamps[purpose as usize];
        if stamps.len() <= entry.slot() {
            stamps.resize(entry.slot() + 1, 0);
        }
        let stamp = &mut stamps[entry.slot()];
        self.stale += usize::from(counts(*stamp));
        *stamp = stamp.wrapping_add(1) | 1;
        let stamp = *stamp;
        self.heap.push(Reverse(Entry { stamp, ..entry }));
        self.tidy();
    }

    /// It is due no more.
    pub fn drop(&mut self, due: Due) {
        let (purpose, id) = due.parts();
        let entry = Entry { at: Tick::default(), purpose, id, stamp: 0 };
        if let Some(stamp) = self.stamps[purpose as usize].get_mut(entry.slot())
            && counts(*stamp)
        {
            *stamp = stamp.wrapping_add(1);
            self.stale += 1;
            self.tidy();
        }
    }

    /// Whether it is due at some time.
    #[must_use]
    pub fn is_set(&self, due: Due) -> bool {
        let (purpose, id) = due.parts();
        let slot = Entry { at: Tick::default(), purpose, id, stamp: 0 }.slot();
        self.stamps[purpose as usize].get(slot).is_some_and(|stamp| counts(*stamp))
    }

    /// A connection is gone.
    pub fn forget_conn(&mut self, id: ConnId) {
        self.drop(Due::Conn(id));
        self.drop(Due::Patience(id));
        self.drop(Due::Welcome(id));
    }

    /// A session is gone.
    pub fn forget_session(&mut self, id: SessionId) {
        self.drop(Due::Expiry(id));
        self.drop(Due::Away(id));
        self.drop(Due::Streams(id));
    }

    /// A room is gone.
    pub fn forget_room(&mut self, id: RoomId) {
        self.drop(Due::Presence(id));
        self.drop(Due::Blocked(id));
    }

    /// When something may be due next; it may be stale.
    #[must_use]
    pub fn next(&self) -> Option<Tick> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    /// Take the earliest deadline, which is due no more then. None: it was stale.
    pub fn take(&mut self) -> Option<Due> {
        let Reverse(entry) = self.heap.pop()?;
        let stamp = &mut self.stamps[entry.purpose as usize][entry.slot()];
        if *stamp != entry.stamp {
            self.stale -= 1;
            return None;
        }
        *stamp = stamp.wrapping_add(1);
        Some(Due::of(entry.purpose, entry.id))
    }

    /// How many there are, with those that are stale.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing is due at any time.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    fn tidy(&mut self) {
        debug_assert!(self.stale <= self.heap.len(), "what is stale is in the heap");
        if self.stale <= self.heap.len() / 2 + FEW {
            return;
        }
        let stamps = &self.stamps;
        self.heap.retain(|Reverse(entry)| stamps[entry.purpose as usize][entry.slot()] == entry.stamp);
        self.stale = 0;
    }
}

/// Whether the deadline with this stamp counts.
const fn counts(stamp: u32) -> bool {
    stamp % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn any_due() -> impl Strategy<Value = Due> {
        (0u8..9, 0u32..3, 1u32..3).prop_map(|(purpose, slot, generation)| {
            Due::of(purpose, if purpose < 7 { ConnId::new(slot, generation).0 } else { 0 })
        })
    }

    /// A thing, whatever its generation: only one is in a slot at a time.
    fn thing(due: Due) -> (u8, u64) {
        let (purpose, id) = due.parts();
        (purpose, id & 0xffff_ffff)
    }

    proptest! {
        /// Set, set anew, dropped and taken in any order: each deadline that counts comes once, at its time, and no other
        /// comes; and what is stale is never much of the heap.
        #[test]
        fn each_comes_once_as_it_was_set_last(
            steps in prop::collection::vec((0u8..5, any_due(), 0u64..50), 1..400)
        ) {
            let (mut timers, mut model) = (Timers::default(), BTreeMap::<(u8, u64), (Tick, Due)>::new());
            for (what, due, at) in steps {
                match what {
                    0..3 => {
                        timers.set(due, Tick(at));
                        model.insert(thing(due), (Tick(at), due));
                    }
                    3 => {
                        timers.drop(due);
                        model.remove(&thing(due));
                    }
                    _ => {
                        while let Some(next) = timers.next().filter(|next| next.0 <= at) {
                            let Some(due) = timers.take() else { continue };
                            prop_assert_eq!(model.remove(&thing(due)), Some((next, due)));
                        }
                        prop_assert!(model.values().all(|(due, _)| due.0 > at));
                    }
                }
                prop_assert_eq!(timers.is_set(due), model.contains_key(&thing(due)));
                prop_assert!(timers.len() <= 2 * model.len() + 2 * FEW + 2, "{} for {}", timers.len(), model.len());
            }
        }
    }
}
