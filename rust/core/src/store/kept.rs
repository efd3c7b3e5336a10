//! What the store gives the core when it is opened: all that a new life of the server begins with.

use super::record::{Key, KeyName, Member, Session};
use crate::ids::Seq;
use crate::log::acks;
use std::sync::Arc;

/// A key as it is kept.
pub type KeptKey = Key;
/// A member as it is kept.
pub type KeptMember = Member;

/// What is known at the start. Entries are read when they are wanted.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The epoch of the log. None: a new file or one that was replaced, and the core chooses one and says it
    /// (`Record::Epoch`). Until that is on disk, each start finds none.
    pub epoch: Option<String>,
    /// How this life begins.
    pub origin: Origin,
    /// Every number up to this one may have been given: the first of this life is the next.
    pub head: Seq,
    /// Numbers up to this one are reserved already.
    pub reserved: Seq,
    /// How long the server ran so far (ms).
    pub running: u64,
    /// What was written down as lost with the machine (`Record::Lost`), the oldest first.
    pub lost: Vec<(Seq, Seq)>,
    /// All durable rooms that hold or held anything.
    pub rooms: Vec<KeptRoom>,
    /// Sessions with durable matter, as the last life left them. On disk `upto` and `asks` of each are `IDS_AHEAD` higher by
    /// now: what this life takes is above what stands here, and must not be new to the next, however soon that begins.
    pub sessions: Vec<KeptSession>,
    /// Keys whose time is not over: their names, and the running time (ms) at which each was claimed. What is kept under
    /// one is read when it is said again.
    pub keys: Vec<(KeyName, u64)>,
    /// The rooms of collections of which something is kept. They are read when they are wanted.
    pub collections: Vec<Arc<str>>,
}

/// How this life begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A new file.
    New,
    /// After an end in good order.
    Clean,
    /// After a crash of the process.
    Crash,
    /// After a crash of the machine: what was committed without fsync may be gone.
    Machine,
    /// The file was restored, rolled back or set aside: a new epoch, without sessions. Numbers go on.
    Replaced,
}

/// What is known of a room without reading its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRoom {
    /// Its name.
    pub name: Arc<str>,
    /// Its oldest entry; 0: it holds none.
    pub first: Seq,
    /// Its newest entry, also one that is gone.
    pub last: Seq,
    /// How many it holds.
    pub count: u64,
    /// The highest number that it let go of.
    pub freed: Seq,
}

/// A session that comes back from disk.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptSession {
    /// Its row.
    pub row: Session,
    /// The rooms that it is in, live ones too.
    pub rooms: Vec<KeptMember>,
    /// Durable requests whose acks are kept, or that were taken and have none.
    pub requests: Vec<(u64, Progress)>,
    /// The highest id whose ack was let go of.
    pub let_go: u64,
}

/// What is known of a durable request.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// It was taken, and was cut off: `OUTCOME_UNKNOWN`.
    Taken,
    /// It was done.
    Done(acks::Kept),
}
