//! One fact that is kept. All facts of a group are on disk together, or none is.

use crate::ids::{Form, Seq};
use crate::log::acks;
use crate::log::dedupe::{Digest, Kind};
use crate::room::grants::Grants;
use std::net::IpAddr;
use std::sync::Arc;

pub use rtcore_data::collection::{Place, Row, Who};

/// A fact, in the order in which it became one.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// An entry of a durable room. Its number is above that of every entry before it.
    Entry(Entry),
    /// The row of a session, new or instead of the one that there was.
    Session(Session),
    /// A session is over: its row goes, and its memberships, acks and keys with it.
    Ended {
        /// Its name on the wire.
        session: Arc<str>,
    },
    /// A session is in a room, new or with other rights.
    Joined(Member),
    /// It is not in that room any more.
    Left {
        /// The session.
        session: Arc<str>,
        /// The room.
        room: Arc<str>,
    },
    /// A durable request was taken: its handler begins when this is on disk.
    Taken {
        /// The session.
        session: Arc<str>,
        /// The request's id.
        id: u64,
    },
    /// The ack of a durable request.
    Ack {
        /// The session.
        session: Arc<str>,
        /// The request's id.
        id: u64,
        /// Its ack.
        kept: acks::Kept,
    },
    /// Acks of a session up to this id are no longer kept.
    LetGo {
        /// The session.
        session: Arc<str>,
        /// The highest of them.
        upto: u64,
    },
    /// A key is claimed, or has its result.
    Key(Key),
    /// A key is free again.
    KeyFreed {
        /// Whose it was.
        owner: KeyOwner,
        /// What it was for.
        kind: Kind,
        /// The key.
        key: Box<str>,
    },
    /// Something of a collection: it takes the place of what was kept there, or says that nothing is.
    Shared {
        /// The room in which the collection is said.
        room: Arc<str>,
        /// What is kept of it.
        row: Row,
    },
    /// The epoch of the log from here on: said in the first group of a life that had none, with the first reservation.
    Epoch(Arc<str>),
    /// So long did the server run (ms), over all its lives: what keys grow old by.
    Running(u64),
    /// What had a number above the first and up to the second, in a room that is not synced, may be gone: the machine crashed.
    Lost {
        /// Above this number.
        after: Seq,
        /// Up to this one.
        upto: Seq,
    },
    /// No number above this is given before another of these is on disk.
    Reserved(Seq),
    /// The server ends here, in good order, and no number above this was given.
    Head(Seq),
}

/// An entry as it is kept. What only some may hear is kept with that restriction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub seq: Seq,
    /// The room's name.
    pub room: Arc<str>,
    /// The event's name.
    pub event: Arc<str>,
    /// Its data, as `form` says.
    pub data: Arc<[u8]>,
    /// How that is written.
    pub form: Form,
    /// When it was said (ms since 1970).
    pub time: u64,
    /// Who said it; none: the application.
    pub from: Option<Author>,
    /// The session that does not hear it.
    pub exclude: Option<Arc<str>>,
    /// A W3C traceparent.
    pub trace: Option<Box<str>>,
    /// What it is the latest of.
    pub slot: Option<Box<[u8]>>,
}

/// Who said an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The session's name.
    pub session: Arc<str>,
    /// Its user.
    pub user: Option<Arc<str>>,
}

/// The row of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its name on the wire.
    pub name: Arc<str>,
    /// Its user.
    pub user: Option<Arc<str>>,
    /// SHA-256 of its key: the key itself is on no disk.
    pub key: [u8; 32],
    /// No id above this was ever taken of its requests. Renewed in blocks.
    pub upto: u64,
    /// No id above this was ever given to a request of ours. Renewed in blocks.
    pub asks: u64,
    /// When its token ends (ms since 1970).
    pub ends: Option<u64>,
    /// Of one without a user: the address to which it and its keys are counted.
    pub address: Option<IpAddr>,
}

/// A session in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The session.
    pub session: Arc<str>,
    /// The room.
    pub room: Arc<str>,
    /// Where the room began for it.
    pub began: Seq,
    /// What it may there.
    pub grants: Grants,
    /// Whether others see it.
    pub visible: bool,
    /// The id of the newest join or leave of this room.
    pub moved: u64,
    /// Of a collection: who writes. Its `number` is another in each life.
    pub writer: Option<Box<Who>>,
}

/// Whose key it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KeyOwner {
    /// The application's.
    Application,
    /// A user's.
    User(Arc<str>),
    /// An anonymous session's.
    Session(Arc<str>),
}

/// What a key is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName {
    /// Whose.
    pub owner: KeyOwner,
    /// What for.
    pub kind: Kind,
    /// The key.
    pub key: Box<str>,
}

/// A key of a durable request.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Whose.
    pub owner: KeyOwner,
    /// What for.
    pub kind: Kind,
    /// The key.
    pub key: Box<str>,
    /// What stands for the content.
    pub digest: Digest,
    /// When it was claimed, by the server's running time (ms).
    pub claimed: u64,
    /// What is known of it.
    pub state: KeyState,
}

/// What is known of what a key stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyState {
    /// It was begun. After a restart: `OUTCOME_UNKNOWN`.
    Begun,
    /// It was done, with this result.
    Done(acks::Kept),
}
