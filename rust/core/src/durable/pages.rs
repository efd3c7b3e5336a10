//! Pages of the log for listeners that are fed beyond the rings.
//!
//! Theory. A ring is a window on what a durable room has on disk. A listener whose cursor is below the window reads the room
//! through pages, each of which has *all* that the room has above one number and up to another. So a page stands for the ring in
//! a feed as long as that does not go beyond the page's end; there the next is read, until the ring takes over.
//!
//! Invariants: `bytes` is the sum of what the pages cost. What is held beyond the bound is of listeners that wait for others of
//! their pages: the pages of one that could go on, and does not read, are let go of and read again when it does.

use crate::ids::{RoomId, Seq, SessionId};
use crate::limits::fixed::PAGES_BYTES;
use crate::log::entry::Entry;
use crate::log::ring::Reason;
use std::collections::{BTreeMap, BTreeSet, VecDeque, vec_deque};
use std::sync::Arc;

/// All that a room has on disk above `after`, up to `upto`.
#[derive(Debug)]
pub struct Leaf {
    /// Above this number.
    pub after: Seq,
    /// Up to this one.
    pub upto: Seq,
    /// The entries, oldest first.
    pub entries: VecDeque<Arc<Entry>>,
    /// Up to here there is nothing to be had any more, and why.
    pub gone: (Seq, Reason),
}

impl Leaf {
    fn cost(&self) -> usize {
        self.entries.iter().map(|entry| entry.cost()).sum()
    }

    /// Its entries above a number.
    #[must_use]
    pub fn after(&self, at: Seq) -> vec_deque::Iter<'_, Arc<Entry>> {
        self.entries.range(self.entries.partition_point(|entry| entry.seq <= at)..)
    }

    /// Whether it speaks of what comes after this number.
    #[must_use]
    pub fn covers(&self, at: Seq) -> bool {
        self.after <= at && at < self.upto
    }
}

#[derive(Debug, Default)]
struct Book {
    leaves: BTreeMap<RoomId, Leaf>,
    waiting: BTreeSet<RoomId>,
}

/// All pages, by who listens.
#[derive(Debug, Default)]
pub struct Pages {
    books: BTreeMap<SessionId, Book>,
    /// Those that could go on, the longest first.
    ready: VecDeque<SessionId>,
    bytes: usize,
    /// Listeners that came back, and whose feed waits for the disk.
    returning: BTreeSet<SessionId>,
}

impl Pages {
    /// A page of a room.
    #[must_use]
    pub fn of(&self, session: SessionId, room: RoomId) -> Option<&Leaf> {
        self.books.get(&session)?.leaves.get(&room)
    }

    /// A page is being read from now on. False: one is already.
    pub fn wait(&mut self, session: SessionId, room: RoomId) -> bool {
        let book = self.books.entry(session).or_default();
        if let Some(old) = book.leaves.remove(&room) {
            self.bytes -= old.cost();
        }
        book.waiting.insert(room)
    }

    /// Whether a listener waits for a page.
    #[must_use]
    pub fn is_waiting(&self, session: SessionId) -> bool {
        self.books.get(&session).is_some_and(|book| !book.waiting.is_empty())
    }

    /// A page is here. True: it was the last that its listener waited for.
    pub fn put(&mut self, session: SessionId, room: RoomId, leaf: Leaf) -> bool {
        let Some(book) = self.books.get_mut(&session) else { return false };
        if !book.waiting.remove(&room) {
            return false; // it is not wanted any more
        }
        self.bytes += leaf.cost();
        book.leaves.insert(room, leaf);
        if !book.waiting.is_empty() {
            return false;
        }
        self.ready.retain(|other| *other != session);
        while self.bytes > PAGES_BYTES
            && let Some(oldest) = self.ready.pop_front()
        {
            self.forget(oldest);
        }
        self.ready.push_back(session);
        true
    }

    /// A listener came back, and its feed waits.
    pub fn defer(&mut self, session: SessionId) {
        self.returning.insert(session);
    }

    /// Whether it came back and was not fed since.
    pub fn take_deferred(&mut self, session: SessionId) -> bool {
        self.returning.remove(&session)
    }

    /// A listener needs none of its pages any more, or begins elsewhere.
    pub fn forget(&mut self, session: SessionId) {
        if let Some(book) = self.books.remove(&session) {
            self.bytes -= book.leaves.values().map(Leaf::cost).sum::<usize>();
            self.ready.retain(|other| *other != session);
        }
    }

    /// Who has pages, or waits for some.
    #[must_use]
    pub fn len(&self) -> usize {
        self.books.len()
    }

    /// Whether nobody does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.books.is_empty()
    }

    /// What they cost.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
