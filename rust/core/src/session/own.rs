//! What was said to one session alone, and up to where it was told what of that is lost.

use crate::ids::Seq;
use crate::log::entry::Entry;
use crate::log::ring::{Reason, Ring};
use std::collections::vec_deque;
use std::sync::Arc;

/// The ring of a session, once something was said to it.
#[derive(Debug, Default)]
pub struct Own {
    ring: Option<Ring>,
    /// Gaps were told up to here.
    floor: Seq,
}

impl Own {
    pub fn ring(&self) -> Option<&Ring> {
        self.ring.as_ref()
    }

    pub fn ring_mut(&mut self) -> Option<&mut Ring> {
        self.ring.as_mut()
    }

    /// The ring, for something that is said to it: this one, where nothing was said yet.
    pub fn filling(&mut self, first: impl FnOnce() -> Ring) -> &mut Ring {
        self.ring.get_or_insert_with(first)
    }

    /// What was kept of it over a restart.
    pub fn restore(&mut self, ring: Ring) {
        self.ring = Some(ring);
    }

    /// Gaps were told up to here.
    pub fn floor(&self) -> Seq {
        self.floor
    }

    /// What is owed above a cursor.
    pub fn after(&self, cursor: Seq) -> Option<vec_deque::Iter<'_, Arc<Entry>>> {
        Some(self.ring.as_ref()?.after(cursor.max(self.floor)))
    }

    /// What of that the ring has let go of, which is told from now on: from, to, and why.
    pub fn take_gap(&mut self, cursor: Seq) -> Option<(Seq, Seq, Reason)> {
        let ring = self.ring.as_ref()?;
        let at = cursor.max(self.floor);
        if ring.complete_since(at) {
            return None;
        }
        self.floor = ring.forgotten();
        Some((at + 1, self.floor, ring.forgotten_why()))
    }

    /// The session returns. Of the gaps that it was told before none counts; where its position means nothing, all that is not
    /// held is one. What is held begins behind this number, or behind `head`.
    pub fn renew(&mut self, all_is_lost: bool, head: Seq) -> Seq {
        let held = self.ring.as_ref().and_then(Ring::oldest).map_or(head, |entry| entry.before());
        self.floor = if all_is_lost { held } else { 0 };
        held
    }
}
