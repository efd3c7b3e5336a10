//! Sessions: the logical peers, which outlive their connections, and where each can be reached now.
//!
//! One session is here: what it does in `steps`, what it is in `look`. All of them, and who hears what (`Sessions`), are
//! in `table`; where a live one is reached, as fan-out reads it, is in `listener`.
//!
//! Invariant: who a session is never changes; by which connection it hears, and up to where it was told, change through
//! `Sessions` and in no other way.

mod joined;
mod link;
mod listener;
mod look;
mod moves;
mod own;
mod rare;
mod secret;
mod steps;
mod table;

pub use joined::Joined;
pub use link::{Items, Link};
pub use listener::{Listener, Listeners};
pub use moves::Moves;
pub use rare::{Ask, Rare, Row};
pub use secret::{mark_of, word};
pub use table::{Sessions, Start};

use crate::ids::{ConnId, Ends, Now, RoomId, Seq, SessionId, Tick};
use crate::log::acks::Acks;
use crate::log::entry::Author;
use std::net::IpAddr;
use std::sync::Arc;

/// What the session's input waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// The application's word about a `join` (ticket).
    Join(u64),
    /// Room in a ring with the policy `block`: its place among those who wait for that.
    Room(RoomId, u64),
    /// Place among what waits for the disk: its own among those who wait for that.
    Store(u64),
    /// Nothing any more: its end waits for its turn.
    End,
}

/// What a session begins with.
pub struct Begin {
    pub name: Arc<str>,
    pub key: [u8; 32],
    /// Only the SHA-256 of the key is known: it comes back from disk.
    pub hashed: bool,
    pub user: Option<Arc<str>>,
    pub address: IpAddr,
    pub agent: Option<Box<str>>,
    /// The log's head.
    pub head: Seq,
    pub now: Now,
    pub expires: Option<Ends>,
    /// Messages that it may send at once, in thousandths.
    pub budget: u32,
}

/// The logical peer.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct Session {
    author: Arc<Author>,
    key: [u8; 32],
    hashed: bool,
    address: IpAddr,
    agent: Option<Box<str>>,
    since_ms: u64,
    began: Seq,
    conn: Option<ConnId>,
    cursor: Seq,
    /// What is kept for one that speaks plain HTTP; none: its newest `hello` came by WebSocket.
    link: Option<Box<Link>>,
    rooms: Vec<Joined>,
    acks: Acks,
    /// Bytes of them that are counted in its holder's share.
    acks_counted: usize,
    /// Requests that wait for the application.
    waiting: u32,
    waiting_bytes: u32,
    hold: Option<Hold>,
    rare: Option<Box<Rare>>,
    /// When its token ends.
    expires: Option<Ends>,
    told_expiring: bool,
    /// When the resume window ends; meaningful while it has no connection.
    until: Tick,
    /// Nobody is there for it, and it is among those that go first: since this stamp. 0: it is not.
    resting: u64,
    /// Measured round trip, microseconds.
    latency_us: Option<u32>,
    /// Messages it may still send in this moment, in thousandths, and since when.
    budget: (u32, Tick),
    /// Whether the application has its handle.
    known: bool,
    /// The highest number of its hellos.
    hello_n: u64,
    /// Whether its newest hello had one.
    counts: bool,
    /// The mark of the program that said it; 0: it did not say.
    program: u64,
    /// What was missed is being told: its end is to be said.
    owes_live: bool,
    /// From when on (s of the tick) its report counts again, and its clock.
    counts_again: [u32; 2],
}

impl Session {
    /// A session without a connection, which was told everything up to the head.
    fn new(id: SessionId, begin: Begin) -> Self {
        let author = Author { session: id, wire: begin.name, user: begin.user };
        Self {
            author: Arc::new(author),
            key: begin.key,
            hashed: begin.hashed,
            address: begin.address,
            agent: begin.agent,
            since_ms: begin.now.wall_ms,
            began: begin.head,
            conn: None,
            cursor: begin.head,
            link: None,
            rooms: Vec::new(),
            acks: Acks::default(),
            acks_counted: 0,
            waiting: 0,
            waiting_bytes: 0,
            hold: None,
            rare: None,
            expires: begin.expires,
            told_expiring: false,
            until: begin.now.tick,
            resting: 0,
            latency_us: None,
            budget: (begin.budget, begin.now.tick),
            known: false,
            hello_n: 0,
            counts: false,
            program: 0,
            owes_live: false,
            counts_again: [0; 2],
        }
    }
}
