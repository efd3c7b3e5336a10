//! Joins that wait for the disk, and until when.

use crate::ids::Tick;
use crate::limits::fixed::STORE_MS;
use std::collections::{BTreeSet, VecDeque};

/// All of them, by their tickets.
#[derive(Debug, Default)]
pub struct Joins {
    open: BTreeSet<u64>,
    /// In the order in which they came; also such as wait no more.
    until: VecDeque<(Tick, u64)>,
}

impl Joins {
    /// One waits from now on.
    pub fn take(&mut self, ticket: u64, now: Tick) {
        self.open.insert(ticket);
        self.until.push_back((now.plus_ms(STORE_MS), ticket));
    }

    /// It waits no more, or for something else.
    pub fn forget(&mut self, ticket: u64) {
        self.open.remove(&ticket);
        while self.until.front().is_some_and(|(_, ticket)| !self.open.contains(ticket)) {
            self.until.pop_front();
        }
    }

    /// The one that waits longest.
    #[must_use]
    pub fn oldest(&self) -> Option<u64> {
        self.until.front().map(|(_, ticket)| *ticket)
    }

    /// When it has waited for too long.
    #[must_use]
    pub fn due(&self) -> Option<Tick> {
        self.until.front().map(|(due, _)| *due)
    }

    /// One that has: it is told what is known.
    pub fn overdue(&mut self, now: Tick) -> Option<u64> {
        let (_, ticket) = *self.until.front().filter(|(due, _)| *due <= now)?;
        self.forget(ticket);
        Some(ticket)
    }
}
