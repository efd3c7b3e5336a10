//! Sessions: the logical peers, which outlive their connections, and where each can be reached now.
//!
//! One session is here. All of them, and who hears what (`Sessions`), are in `table`; where a live one is reached, as
//! fan-out reads it, is in `listener`.
//!
//! Invariant: who a session is never changes; by which connection it hears, and up to where it was told, change through
//! `Sessions` and in no other way.

mod link;
mod listener;
mod moves;
mod secret;
mod table;

pub use link::Link;
pub use listener::{Listener, Listeners};
pub use moves::Moves;
pub use secret::word;
pub use table::{Sessions, Start};

use crate::conn::Backlog;
use crate::frame::page::Page;
use crate::ids::{ConnId, Ends, Now, RoomId, Seq, SessionId, Tick};
use crate::log::acks::Acks;
use crate::log::dedupe::Ticket;
use crate::log::entry::Author;
use crate::log::ring::Ring;
use crate::stream::Streams;
use secret::{hash_of, same_bytes, same_key};
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

/// A room that a session is in.
#[derive(Clone, Copy, Debug)]
pub struct Joined {
    pub room: RoomId,
    /// The id of the `join`: sent again because it had no ack, it is answered with its history.
    pub join_id: u64,
    /// The id of the newest join or leave of this room (`moves`).
    pub moved: u64,
    /// Policy `latest`: up to this number only the newest entry of each slot is fed.
    pub latest_until: Seq,
    /// While the session lags: the presence mark that it was told up to.
    pub mark: u64,
}

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

/// A request of the server's that has no reply yet.
#[derive(Debug)]
pub struct Ask {
    pub id: u64,
    pub event: Box<str>,
    pub data: Box<[u8]>,
}

/// What is on disk of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// No id of a request above this was taken, nor is before a higher one stands here.
    pub upto: u64,
    /// The same of requests of ours.
    pub asks: u64,
    /// Ids up to this one were perhaps taken in an earlier life, which is over.
    pub old: u64,
    /// Of them: no ack up to this one is kept.
    pub let_go: u64,
    /// Of them: durable requests that were begun and cut off.
    pub cut_off: Vec<u64>,
    /// Acks that were written since it was last said which are let go of.
    pub acks: u32,
}

/// What is rare in a session, so that an idle one stays small.
#[derive(Debug, Default)]
pub struct Rare {
    /// What was said to it alone.
    pub ring: Option<Ring>,
    /// Gaps of that ring told up to here.
    pub ring_floor: Seq,
    pub asks: Vec<Ask>,
    /// The highest id of those so far.
    pub last_ask: u64,
    pub wants_drained: bool,
    /// Messages that came by `send` and must wait, as JSON.
    pub posted: Backlog,
    /// What of a `send` was not even looked at, because it was much: behind those.
    pub unseen: Backlog,
    /// They wait for their turn.
    pub queued: bool,
    /// Connections at the door that want this session, while the application is asked about its rooms.
    pub returning: Vec<ConnId>,
    /// The browser sends its cookie along with what pages of any site ask (`SameSite=None`).
    pub everywhere: bool,
    /// Streams over plain HTTP that this session's key opened: each has a session of its own, and ends with this one.
    pub lent: Vec<SessionId>,
    /// Streams of items, once there was one.
    pub streams: Option<Box<Streams>>,
    /// Its newest joins and leaves of rooms that it is not in.
    pub moves: Moves,
    /// What is on disk of it, once it has had something durable.
    pub row: Option<Row>,
    /// Its automatic keys that are kept, with the ids of their requests, which rise.
    pub automatic: VecDeque<(u64, Ticket)>,
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
    pub link: Option<Box<Link>>,
    pub rooms: Vec<Joined>,
    pub acks: Acks,
    /// Bytes of them that are counted in its holder's share.
    pub acks_held: usize,
    /// Requests that wait for the application.
    pub waiting: u32,
    pub waiting_bytes: u32,
    pub hold: Option<Hold>,
    pub rare: Option<Box<Rare>>,
    /// When its token ends.
    pub expires: Option<Ends>,
    pub told_expiring: bool,
    /// When the resume window ends; meaningful while it has no connection.
    pub until: Tick,
    /// Nobody is there for it, and it is among those that go first: since this stamp. 0: it is not.
    pub resting: u64,
    /// Measured round trip, microseconds.
    pub latency_us: Option<u32>,
    /// Messages it may still send in this moment, in thousandths, and since when.
    pub budget: (u32, Tick),
    /// Whether the application has its handle.
    pub known: bool,
    /// The highest number of its hellos.
    pub hello_n: u64,
    /// What was missed is being told: its end is to be said.
    pub owes_live: bool,
}

impl Rare {
    /// Let go of messages that came by `send` and were not taken.
    pub fn drop_posted(&mut self) {
        self.posted.clear();
        self.unseen.clear();
    }
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
            acks_held: 0,
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
            owes_live: false,
        }
    }

    /// The connection that carries what it hears.
    pub fn conn(&self) -> Option<ConnId> {
        self.conn
    }

    /// While it lags: everything up to here was handed to its outbox, or reported as a gap.
    pub fn cursor(&self) -> Seq {
        self.cursor
    }

    /// Who it is, as entries say it.
    pub fn author(&self) -> &Arc<Author> {
        &self.author
    }

    /// Its secret.
    pub fn key(&self) -> &str {
        debug_assert!(!self.hashed, "a session is opened with its key before that is told");
        std::str::from_utf8(&self.key).unwrap_or_default()
    }

    /// Whether this is its secret.
    pub fn opens_with(&self, key: &str) -> bool {
        if self.hashed { same_bytes(&self.key, &hash_of(key)) } else { same_key(&self.key, key) }
    }

    /// It was opened with this key: from now on that is known, and not only what stands for it on disk.
    pub fn learn_key(&mut self, key: &str) {
        if let (true, Ok(key)) = (self.hashed, key.as_bytes().try_into()) {
            (self.key, self.hashed) = (key, false);
        }
    }

    /// What stands for its secret on disk.
    pub fn key_hash(&self) -> [u8; 32] {
        if self.hashed { self.key } else { hash_of(self.key()) }
    }

    /// Where its first hello came from.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// What that said of the program at the other end.
    pub fn agent(&self) -> Option<&str> {
        self.agent.as_deref()
    }

    /// When that was (ms since 1970).
    pub fn since_ms(&self) -> u64 {
        self.since_ms
    }

    /// The log's head when it began.
    pub fn began(&self) -> Seq {
        self.began
    }

    pub fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_with(Box::default)
    }

    pub fn user(&self) -> Option<&Arc<str>> {
        self.author.user.as_ref()
    }

    pub fn name(&self) -> &Arc<str> {
        &self.author.wire
    }

    pub fn joined(&self, room: RoomId) -> Option<&Joined> {
        self.rooms.iter().find(|joined| joined.room == room)
    }

    /// Whether somebody is there: a poll comes and goes, and its session stays.
    pub fn is_here(&self) -> bool {
        self.conn.is_some() || self.link.as_ref().is_some_and(|link| link.here)
    }

    /// Whether its end is only a matter of time: nobody finds it any more.
    pub fn is_ending(&self) -> bool {
        self.hold == Some(Hold::End)
    }

    /// Whether it is the session of one stream over plain HTTP: it has no key, can only hear, and ends with its response.
    pub fn is_ephemeral(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.ephemeral)
    }

    /// Whether a cookie may speak for it, where that is all that a request has.
    pub fn hears_cookie(&self, page: Page) -> bool {
        page == Page::Ours || !self.rare.as_ref().is_some_and(|rare| rare.everywhere)
    }

    /// Whether messages that came by `send` wait.
    pub fn has_posted(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| !rare.posted.is_empty() || !rare.unseen.is_empty())
    }

    pub fn streams(&self) -> Option<&Streams> {
        self.rare.as_ref().and_then(|rare| rare.streams.as_deref())
    }

    pub fn streams_mut(&mut self) -> Option<&mut Streams> {
        self.rare.as_mut().and_then(|rare| rare.streams.as_deref_mut())
    }

    pub fn asks(&self) -> &[Ask] {
        self.rare.as_ref().map_or(&[], |rare| &rare.asks)
    }
}
