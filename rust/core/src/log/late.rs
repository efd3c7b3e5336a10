//! Keys whose work goes on though who asked for it is gone: it may be known after all what became of it.
//!
//! Invariant: at most about as many are remembered as there are keys; one whose key was forgotten goes when others come.

use super::claim::Ticket;
use super::dedupe::Keys;
use std::collections::BTreeMap;

/// Entries beyond the number of keys before those without a key are looked for.
const SLACK: usize = 16;

/// The keys, by who does their work.
#[derive(Debug)]
pub(super) struct Late<W>(BTreeMap<W, Ticket>);

impl<W> Late<W> {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Clone, W: Ord> Keys<T, W> {
    /// A key has a result for now, and its work goes on: what comes of that may be asked for by its name.
    pub fn goes_on(&mut self, work: W, ticket: Ticket) {
        if self.late.0.len() > self.len() + SLACK {
            let mut late = std::mem::replace(&mut self.late, Late::new());
            late.0.retain(|_, ticket| self.is_kept(*ticket));
            self.late = late;
        }
        self.late.0.insert(work, ticket);
    }

    /// The work is over: its key, if that is still kept.
    pub fn take_late(&mut self, work: &W) -> Option<Ticket> {
        let ticket = self.late.0.remove(work)?;
        self.is_kept(ticket).then_some(ticket)
    }

    /// How much work goes on.
    #[must_use]
    pub fn late(&self) -> usize {
        self.late.0.len()
    }
}
