//! Joins that wait for the disk, and until when.

use super::until::Until;
use crate::ids::Tick;
use std::collections::BTreeSet;

/// All of them, by their tickets.
#[derive(Debug, Default)]
pub struct Joins {
    open: BTreeSet<u64>,
    until: Until,
}

impl Joins {
    /// One waits from now on.
    pub fn take(&mut self, ticket: u64, now: Tick) {
        self.open.insert(ticket);
        self.until.add(ticket, now);
    }

    /// It waits no more, or for something else.
    pub fn forget(&mut self, ticket: u64) {
        self.open.remove(&ticket);
        self.until.tidy(|ticket| self.open.contains(&ticket));
    }

    /// The one that waits longest.
    #[must_use]
    pub fn oldest(&self) -> Option<u64> {
        self.until.oldest()
    }

    /// When it has waited for too long.
    #[must_use]
    pub fn due(&self) -> Option<Tick> {
        self.until.due()
    }

    /// One that has: it is told what is known.
    pub fn overdue(&mut self, now: Tick) -> Option<u64> {
        let ticket = self.until.overdue(now)?;
        self.forget(ticket);
        Some(ticket)
    }
}
