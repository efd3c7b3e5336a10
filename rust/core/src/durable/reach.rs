//! From where a listener of a durable room hears on: the ring, a page of the log, or neither, because nobody has it any more.

use super::Durable;
use crate::ids::{RoomId, Seq, SessionId};
use crate::log::ring::{Reason, Ring};

/// Where what comes next for a listener is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// In the ring.
    Ring,
    /// In the page that it has.
    Page,
    /// On disk: all above the first number and up to the second is to be read.
    Disk(Seq, Seq),
    /// Nowhere, up to this number.
    Gone(Seq, Reason),
}

impl Durable {
    /// Whether all that a durable room has above `at` is to be had, from its ring or from disk: no gap is owed of it.
    #[must_use]
    pub fn is_whole_since(&self, room: RoomId, ring: &Ring, at: Seq) -> bool {
        let shelf = self.shelves.of(room);
        if shelf.soft && self.losses.beyond(at).is_some() {
            return false;
        }
        let passed = || self.wall.passed_within(room, at, ring.forgotten()).is_some();
        ring.complete_since(at) || (at >= shelf.freed && !passed())
    }

    /// Where a listener that has everything of this room up to `at` hears on, and up to which number that holds.
    #[must_use]
    pub fn reach(&self, session: SessionId, room: RoomId, ring: &Ring, at: Seq) -> (Reach, Seq) {
        let shelf = self.shelves.of(room);
        let in_ring = ring.complete_since(at);
        let lost = if shelf.soft { self.losses.beyond(at) } else { None };
        let lost = lost.map(|(from, to)| (from, to, Reason::Restart));
        let passed = if in_ring { None } else { self.wall.passed_within(room, at, ring.forgotten()) };
        let passed = passed.map(|seq| (seq.saturating_sub(1), seq, Reason::Store));
        let mut until = Seq::MAX;
        for (from, to, why) in [lost, passed].into_iter().flatten().filter(|(_, to, _)| at < *to) {
            if at >= from {
                return (Reach::Gone(to, why), Seq::MAX);
            }
            until = until.min(from);
        }
        if in_ring {
            return (Reach::Ring, until);
        }
        if at < shelf.freed {
            return (Reach::Gone(shelf.freed, Reason::Ring), Seq::MAX);
        }
        if let Some(leaf) = self.pages.of(session, room).filter(|leaf| leaf.covers(at)) {
            return match leaf.gone {
                (to, why) if at < to => (Reach::Gone(to, why), Seq::MAX),
                _ => (Reach::Page, until.min(leaf.upto)),
            };
        }
        let waits = self.wall.first_of(room, at).map_or(Seq::MAX, |first| first.saturating_sub(1));
        let upto = ring.forgotten().min(until).min(waits);
        if upto <= at {
            return (Reach::Ring, until); // what comes next waits for the disk
        }
        (Reach::Disk(at, upto), Seq::MAX)
    }
}
