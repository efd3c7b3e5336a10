//! The words of idempotency: whose key for what, and what a claim is answered with. `dedupe` keeps them.

use crate::ids::SessionId;
use crate::shares::{Full, Holder};
use std::sync::Arc;

/// What stands for a request's content (event and data, compared as values).
pub type Digest = [u8; 20];

/// The bounds on keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyLimits {
    /// Keys of one user.
    pub per_user: usize,
    /// How long a key is kept from its claim (ms).
    pub keep_ms: u64,
}

/// Whose key it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScopeUser {
    /// The application's own: its share of memory bounds it, and no quota.
    Application,
    /// A user's, whichever session it comes from.
    User(Arc<str>),
    /// An anonymous session's: each is its own user.
    Session(SessionId),
}

/// What it is a key for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A publish in the room of this name.
    Publish(Arc<str>),
    /// An emit of this event.
    Emit(Arc<str>),
}

/// Where a key is unique.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Whose.
    pub user: ScopeUser,
    /// What for.
    pub kind: Kind,
}

/// What is claimed.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Where the key is unique.
    pub scope: &'a Scope,
    /// The key.
    pub key: &'a str,
    /// What it is for.
    pub digest: Digest,
    /// In whose share it is kept.
    pub owner: &'a Holder,
    /// Bytes that its result is likely to take: there is place for so many.
    pub result: usize,
    /// Keys of this user that are on disk alone: its quota is one, whatever life they are of.
    pub on_disk: usize,
    /// Bytes of keys on disk alone that are counted to the address of the owner.
    pub beside: u64,
}

/// A claimed record. One that is kept too long finds nothing, for places are used again by generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    pub(super) index: u32,
    pub(super) generation: u32,
}

/// The answer to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Claim<T> {
    /// The first: do it, then `finish`, or `release` if it was not done.
    New(Ticket),
    /// The same is being done: `wait` with the ticket of the first.
    InProgress(Ticket),
    /// The same was done, with this result.
    Done(T),
    /// The key was used with other content.
    Conflict,
    /// The user holds as many keys as it may.
    QuotaFull {
        /// Keys it holds.
        held: usize,
        /// Keys it may hold.
        limit: usize,
    },
    /// Keys take as much memory as they may: of all, or of this owner's share.
    MemoryFull(Full),
}
