//! Idempotency keys of earlier lives: on disk, and read when one of them is said again.
//!
//! Theory. What is kept under a key is not loaded at the start: of each key a hash is held, so that one that is new costs no read.
//! A request with one that may be on disk waits, before its id is taken, and is looked at again when the key was read: it is in
//! memory then, or nowhere. The hash is of a secret seed: a peer can't make two that are the same, and of so few bytes two are the
//! same once in more lives than a server has.
//!
//! Invariants:
//! - What is waited for is known. What was read is known no more.
//! - `of` has each that is known, once, with its user: a key counts to its user's quota, wherever it is kept. Else each
//!   restart would give everybody a new quota, and the log as many keys more.
//! - All are over when the hour of keys has passed since this life began; to a quota each counts for its own hour.

use crate::log::dedupe::ScopeUser;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A key that is on disk alone.
#[derive(Debug)]
struct Known {
    /// The running time at which it was claimed (ms).
    claimed: u64,
    user: ScopeUser,
    /// Of a session without a user: to which address so many bytes are counted.
    place: Option<(IpAddr, u64)>,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Lookups {
    /// By its hash.
    known: BTreeMap<u64, Known>,
    /// Bytes of those that are counted to an address.
    at: BTreeMap<IpAddr, u64>,
    /// Those of each user, by when they were claimed.
    of: BTreeMap<ScopeUser, BTreeSet<(u64, u64)>>,
    /// Who waits for a key that is being read: tickets.
    waiting: BTreeMap<u64, Vec<u64>>,
    /// Those that could not be read: who waited is told so.
    unreadable: BTreeSet<u64>,
}

impl Lookups {
    /// A key of this hash is on disk, this user's, claimed at this running time (ms); and what of it is counted to an address.
    pub fn know(&mut self, hash: u64, user: ScopeUser, claimed: u64, place: Option<(IpAddr, u64)>) {
        self.remove(hash);
        self.of.entry(user.clone()).or_default().insert((claimed, hash));
        if let Some((address, bytes)) = place {
            *self.at.entry(address).or_default() += bytes;
        }
        self.known.insert(hash, Known { claimed, user, place });
    }

    /// What is counted to this address.
    #[must_use]
    pub fn bytes_at(&self, address: IpAddr) -> u64 {
        self.at.get(&address).copied().unwrap_or(0)
    }

    /// How many keys of this user are on disk alone. Those that were claimed up to `over` are so no more.
    pub fn held(&mut self, user: &ScopeUser, over: Option<u64>) -> usize {
        while let Some(&(claimed, hash)) = self.of.get(user).and_then(BTreeSet::first) {
            if over.is_none_or(|over| claimed > over) || self.waiting.contains_key(&hash) {
                break;
            }
            self.remove(hash);
        }
        self.of.get(user).map_or(0, BTreeSet::len)
    }

    /// A user is no more: an anonymous session, whose keys go with it.
    pub fn end(&mut self, user: &ScopeUser) {
        for (_, hash) in self.of.remove(user).into_iter().flatten() {
            self.remove(hash);
        }
    }

    fn remove(&mut self, hash: u64) {
        let Some(Known { claimed, user, place }) = self.known.remove(&hash) else { return };
        if let Some((address, bytes)) = place
            && let Some(all) = self.at.get_mut(&address)
        {
            *all -= bytes;
            if *all == 0 {
                self.at.remove(&address);
            }
        }
        if let Some(all) = self.of.get_mut(&user) {
            all.remove(&(claimed, hash));
            if all.is_empty() {
                self.of.remove(&user);
            }
        }
    }

    /// Their time is over.
    pub fn forget(&mut self) {
        *self = Self { waiting: std::mem::take(&mut self.waiting), ..Self::default() };
    }

    /// Whether a key of this hash may be on disk, and in memory is none.
    #[must_use]
    pub fn knows(&self, hash: u64) -> bool {
        self.known.contains_key(&hash)
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
            self.remove(hash);
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
