//! What is read back while the server runs: pages of a room beyond its ring, and keys.

use super::kept::KeptKey;
use super::record::{Entry, KeyName, Place, Row};
use crate::ids::Seq;
use std::sync::Arc;

/// The number of a read: the core's, to find what it was for.
pub type ReadId = u64;

/// Something to read.
#[derive(Clone, Debug)]
pub struct Read {
    /// Its number.
    pub id: ReadId,
    /// What is wanted.
    pub wanted: Wanted,
}

/// What is wanted.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Entries of a room above `after` and at most `upto`, oldest first.
    After {
        /// The room.
        room: Arc<str>,
        /// Above this number.
        after: Seq,
        /// Up to this one.
        upto: Seq,
        /// At most so many.
        count: usize,
        /// At most so many bytes of data, but one entry at least.
        bytes: usize,
    },
    /// The newest entries of a room up to `upto`, oldest first: for its ring, or for a `history` with `last`.
    Last {
        /// The room.
        room: Arc<str>,
        /// Up to this number.
        upto: Seq,
        /// At most so many.
        count: usize,
        /// At most so many bytes of data, but one entry at least.
        bytes: usize,
    },
    /// A key.
    Key(KeyName),
    /// What is kept of a collection, in the order of its places, from the first behind `after` on.
    Shared {
        /// The room in which it is said.
        room: Arc<str>,
        /// Behind this; none: from the first on.
        after: Option<Place>,
        /// At most so many bytes, but one row at least.
        bytes: usize,
    },
}

/// What was read.
#[derive(Clone, Debug)]
pub enum Page {
    /// Entries, oldest first.
    Entries {
        /// The entries.
        entries: Vec<Entry>,
        /// Whether there are none beyond them in the range that was asked for.
        complete: bool,
        /// The highest number of this room that is gone, by its limits or because it was damaged. Of the newest that are
        /// not complete: here they end, at one that is damaged, and what is older is to be had from below.
        freed: Seq,
    },
    /// A key, if it is kept.
    Key(Option<KeptKey>),
    /// Rows of a collection, and where the last of them stands. None: there are none behind them.
    Shared(Vec<Row>, Option<Place>),
}
