//! Publishers that wait for the slowest member of a room, under the policy `block`.
//!
//! Invariant: places only rise, so who came first is first, and who left its place leaves it empty.

use crate::ids::{Seq, SessionId};
use std::collections::BTreeMap;

/// Somebody who waits to publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publisher {
    /// The application, under this ticket.
    Application(u64),
    /// A session, whose input is held.
    Session(SessionId),
}

/// All who wait in one room, and what for.
#[derive(Debug, Default)]
pub struct Blocked {
    waiting: BTreeMap<u64, Publisher>,
    last: u64,
    needs: Seq,
    slowest: Option<SessionId>,
    /// Somebody is to look again whether they must wait.
    asked: bool,
}

impl Blocked {
    /// From now on they wait for the members below this number, which the ring would forget. `slowest` is one of those.
    pub fn wait_for(&mut self, needs: Seq, slowest: SessionId) {
        self.needs = needs;
        self.slowest = Some(slowest);
    }

    /// The number that would be forgotten.
    #[must_use]
    pub fn needs(&self) -> Seq {
        self.needs
    }

    /// A member went on, or away: it is to be looked again whether they must wait. False: that was said already.
    pub fn ask(&mut self) -> bool {
        !std::mem::replace(&mut self.asked, true)
    }

    /// It is looked again: the number that would be forgotten.
    pub fn look_again(&mut self) -> Seq {
        self.asked = false;
        self.needs
    }

    /// A member that was waited for when it was looked at last: most often it is so still.
    #[must_use]
    pub fn slowest(&self) -> Option<SessionId> {
        self.slowest
    }

    /// The place that the next one gets.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.last + 1
    }

    /// One more waits; its place.
    pub fn add(&mut self, publisher: Publisher) -> u64 {
        self.last = self.next();
        let before = self.waiting.insert(self.last, publisher);
        debug_assert!(before.is_none(), "a place is given once");
        self.last
    }

    /// Who waited at this place waits no more.
    pub fn leave(&mut self, place: u64) {
        self.waiting.remove(&place);
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nobody does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// They may go on, in the order in which they came: each with its place.
    pub fn into_waiting(self) -> impl Iterator<Item = (u64, Publisher)> {
        self.waiting.into_iter()
    }
}
