//! Idempotency keys of earlier lives: on disk, and read when one of them is said again.
//!
//! Theory. What is kept under a key is not loaded at the start: of each key a hash is held, so that one that is new costs no read.
//! A request with one that may be on disk waits, before its id is taken, and is looked at again when the key was read: it is in
//! memory then, or nowhere. The hash is of a secret seed: a peer can't make two that are the same, and of so few bytes two are the
//! same once in more lives than a server has.
//!
//! Invariants:
//! - What is waited for is known. What was read is known no more.
//! - All are over when the hour of keys has passed since this life began.

use std::collections::{BTreeMap, BTreeSet};

/// All of them.
#[derive(Debug, Default)]
pub struct Lookups {
    known: BTreeSet<u64>,
    /// Who waits for a key that is being read: tickets.
    waiting: BTreeMap<u64, Vec<u64>>,
    /// Those that could not be read: who waited is told so.
    unreadable: BTreeSet<u64>,
}

impl Lookups {
    /// A key of this hash is on disk.
    pub fn know(&mut self, hash: u64) {
        self.known.insert(hash);
    }

    /// Their time is over.
    pub fn forget(&mut self) {
        *self = Self { waiting: std::mem::take(&mut self.waiting), ..Self::default() };
    }

    /// Whether a key of this hash may be on disk, and in memory is none.
    #[must_use]
    pub fn knows(&self, hash: u64) -> bool {
        self.known.contains(&hash)
    }

    /// Whether no key is on disk alone.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Who waits for it under this ticket is told when it was read. True: it is to be read.
    pub fn wait(&mut self, hash: u64, ticket: u64) -> bool {
        let waiting = self.waiting.entry(hash).or_default();
        waiting.push(ticket);
        waiting.len() == 1
    }

    /// It was read, or cannot be: who waited.
    pub fn was_read(&mut self, hash: u64, readable: bool) -> Vec<u64> {
        if readable {
            self.known.remove(&hash);
        } else {
            self.unreadable.insert(hash);
        }
        self.waiting.remove(&hash).unwrap_or_default()
    }

    /// Whether it could not be read a moment ago: then this is said once.
    pub fn take_unreadable(&mut self, hash: u64) -> bool {
        self.unreadable.remove(&hash)
    }

    /// How many are being read.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
}
