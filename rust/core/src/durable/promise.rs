//! What is to be done when facts are on disk, or when they never will be.

use crate::ids::{RoomId, Seq, SessionId};
use crate::log::acks::Kept;
use crate::log::dedupe::Ticket;
use crate::log::entry::{Entry, Where};
use crate::store::{Record, Trouble};
use std::sync::Arc;

/// Facts that are of one decision.
pub type Facts = Vec<Record>;

/// What became of facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// They are on disk.
    Written,
    /// They are not, and never will be.
    Refused(Trouble),
}

/// Who said an entry, and waits to hear what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publisher {
    /// The application, under this ticket if it waits; and the request whose handler said it.
    Application(Option<u64>, Option<u64>),
    /// A session, by the request with this id.
    Session(SessionId, Option<u64>),
    /// Who changed the collection of its room: what was decided under this serial number.
    Change(u64),
}

/// An entry that is told once it is on disk.
#[derive(Debug)]
pub struct Said {
    /// The entry.
    pub entry: Arc<Entry>,
    /// Its room.
    pub room: RoomId,
    /// Who waits.
    pub publisher: Publisher,
    /// Its key, whose result it is.
    pub key: Option<Ticket>,
    /// It took too long: its listeners were told a gap, and its publisher that nobody knows.
    pub passed: bool,
    /// The moment at which it was said.
    pub since: u64,
}

/// What is to be done.
#[derive(Debug)]
pub enum Promise {
    /// Tell an entry.
    Say(Said),
    /// Answer a join under this ticket; refused, the session leaves the room again.
    Join(u64),
    /// The handler of the request with this ticket begins; refused, it does not.
    Begin(u64),
    /// The answer to a durable request leaves.
    Answer(u64, Kept),
    /// The notice with this number is told.
    Notice(u64),
    /// Something was decided in the collection of this room, under this serial number, and there is no entry.
    Change(Arc<str>, u64),
    /// The collection of this room is read from disk: what was decided in it before is there.
    Load(Arc<str>),
    /// Ids of this session's requests up to this one may be taken.
    Ids(SessionId, u64),
    /// Numbers up to this one may be given.
    Reserve(Seq),
}

impl Promise {
    /// Whether it can be taken back while its facts have not left: nothing of it was done.
    #[must_use]
    pub fn may_be_refused(&self) -> bool {
        matches!(self, Self::Say(_) | Self::Join(_) | Self::Begin(_) | Self::Change(..))
    }

    /// What was decided in a collection: its room, and the serial number.
    #[must_use]
    pub fn change(&self) -> Option<(&Arc<str>, u64)> {
        match self {
            Self::Change(room, serial) => Some((room, *serial)),
            Self::Say(Said { publisher: Publisher::Change(serial), entry, .. }) => match &entry.room {
                Where::Room(_, room) => Some((room, *serial)),
                Where::Session(_) => None,
            },
            _ => None,
        }
    }
}
