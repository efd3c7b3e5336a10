//! A group of facts on its way to the disk, and what the store reports of it.

use super::reading::{Page, Read, ReadId};
use super::record::Record;
use std::sync::Arc;

/// The number of a group: they rise by one.
pub type GroupId = u64;

/// What the core wants of the store.
#[derive(Debug)]
pub enum Ask {
    /// Write this, whole. No other is under way.
    Write(Group),
    /// Read something. Many may be under way; each is answered once.
    Read(Read),
}

/// Facts that are written together.
#[derive(Debug)]
pub struct Group {
    /// Its number.
    pub id: GroupId,
    /// How sure it must be before it is reported.
    pub sync: Sync,
    /// The facts, in order.
    pub records: Vec<Record>,
}

/// How sure a group must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sync {
    /// Committed: safe from a crash of the process.
    Commit,
    /// Synced: safe from a crash of the machine.
    Full,
}

/// What the store reports, through the reactor's inbox.
#[derive(Debug)]
pub enum Report {
    /// A group is on disk, as sure as it was asked for.
    Written(GroupId),
    /// A group is not on disk, and never will be.
    Refused(GroupId, Trouble),
    /// Whether a group is on disk is not known: its fsync failed or its commit did. Another report of the same group
    /// follows when it is. Nothing else may be written before.
    Unknown(GroupId, Trouble),
    /// The store takes nothing until it says `Up`: a group that was under way is `Unknown` or `Refused`, said before.
    Down(Trouble),
    /// It takes groups again. Said after each `Down`, and after an `Unknown` that is decided.
    Up,
    /// What was read.
    Read(ReadId, Result<Page, Trouble>),
    /// Entries of a room were let go of, by its limits: it holds nothing up to this number any more.
    Freed {
        /// The room.
        room: Arc<str>,
        /// The highest number that is gone.
        upto: u64,
    },
}

/// Why the store cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// A stable word: `full`, `io`, `corrupt`, `read_only`, `busy`, `newer`, `slow`; at opening also `foreign` (the file is
    /// another program's) and `rolled_back`; `lost`: what was written is gone, and the next start begins an epoch.
    pub kind: &'static str,
    /// What happened, for people: the file, the measured value, the limit, what to do.
    pub text: String,
}
