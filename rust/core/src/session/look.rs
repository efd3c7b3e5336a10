//! What a session is now: to look at, and its parts, to change them.

use super::secret::{hash_of, same_bytes, same_key};
use super::{Ask, Hold, Joined, Link, Rare, Session};
use crate::frame::page::Page;
use crate::ids::{ConnId, Ends, RoomId, Seq, Tick};
use crate::log::acks::Acks;
use crate::log::entry::Author;
use crate::log::ring::Ring;
use crate::stream::Streams;
use std::net::IpAddr;
use std::sync::Arc;

impl Session {
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

    /// Whether somebody has said hello for it in this life of the server.
    pub fn is_heard(&self) -> bool {
        !self.hashed
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

    /// What is rare of it, if anything is.
    pub fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    pub fn rare_mut(&mut self) -> Option<&mut Rare> {
        self.rare.as_deref_mut()
    }

    /// The same: something is from now on.
    pub fn make_rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_with(Box::default)
    }

    /// What is kept for one that speaks plain HTTP; none: its newest `hello` came by WebSocket.
    pub fn link(&self) -> Option<&Link> {
        self.link.as_deref()
    }

    pub fn link_mut(&mut self) -> Option<&mut Link> {
        self.link.as_deref_mut()
    }

    /// The `send` that waits for its acks.
    pub fn sending(&self) -> Option<ConnId> {
        self.link.as_ref()?.sending()
    }

    /// What was said to it alone, once something was.
    pub fn own_ring(&self) -> Option<&Ring> {
        self.rare.as_ref()?.own.ring()
    }

    /// The rooms that it is in.
    #[inline]
    pub fn rooms(&self) -> &[Joined] {
        &self.rooms
    }

    /// The same, to change what it knows of each.
    #[inline]
    pub fn rooms_mut(&mut self) -> &mut [Joined] {
        &mut self.rooms
    }

    /// Acks that are kept, and what was taken.
    #[inline]
    pub fn acks(&self) -> &Acks {
        &self.acks
    }

    #[inline]
    pub fn acks_mut(&mut self) -> &mut Acks {
        &mut self.acks
    }

    /// Bytes of acks that are counted in its holder's share.
    pub fn acks_counted(&self) -> usize {
        self.acks_counted
    }

    /// Requests that wait for the application.
    pub fn waiting(&self) -> u32 {
        self.waiting
    }

    /// Bytes of them.
    pub fn waiting_bytes(&self) -> u32 {
        self.waiting_bytes
    }

    /// Whether its input waits for something.
    pub fn is_held(&self) -> bool {
        self.hold.is_some()
    }

    /// For what.
    pub fn held_for(&self) -> Option<Hold> {
        self.hold
    }

    /// When its token ends.
    pub fn expires(&self) -> Option<Ends> {
        self.expires
    }

    /// Whether it was told that this is soon.
    pub fn was_told_expiring(&self) -> bool {
        self.told_expiring
    }

    /// When the resume window ends; meaningful while it has no connection.
    pub fn until(&self) -> Tick {
        self.until
    }

    /// Whether it is among those that go first, since nobody is there for it.
    pub fn is_resting(&self) -> bool {
        self.resting > 0
    }

    /// Measured round trip, microseconds.
    pub fn latency_us(&self) -> Option<u32> {
        self.latency_us
    }

    /// Whether the application has its handle.
    pub fn is_known(&self) -> bool {
        self.known
    }

    /// The highest number of its hellos.
    pub fn hello_n(&self) -> u64 {
        self.hello_n
    }

    /// Whether this is the number of its newest hello. Where that had none, each number is of an older one.
    pub fn is_greeted_by(&self, n: u64) -> bool {
        self.counts && n == self.hello_n
    }

    /// Whether a hello of these programs (the one that says it, and those before it) may be its own. Who does not say is taken
    /// at his word.
    pub fn is_of(&self, program: &[u64]) -> bool {
        program.is_empty() || self.program == 0 || program.contains(&self.program)
    }

    /// Whether the end of what was missed is to be said.
    pub fn owes_live(&self) -> bool {
        self.owes_live
    }

    pub fn user(&self) -> Option<&Arc<str>> {
        self.author.user.as_ref()
    }

    pub fn name(&self) -> &Arc<str> {
        &self.author.wire
    }

    pub fn joined(&self, room: RoomId) -> Option<&Joined> {
        self.rooms.iter().find(|joined| joined.room() == room)
    }

    pub fn joined_mut(&mut self, room: RoomId) -> Option<&mut Joined> {
        self.rooms.iter_mut().find(|joined| joined.room() == room)
    }

    /// Whether somebody is there: a poll comes and goes, and its session stays.
    pub fn is_here(&self) -> bool {
        self.conn.is_some() || self.link.as_ref().is_some_and(|link| link.is_here())
    }

    /// Whether its end is only a matter of time: nobody finds it any more.
    pub fn is_ending(&self) -> bool {
        self.hold == Some(Hold::End)
    }

    /// Whether it is the session of one stream over plain HTTP: it has no key, can only hear, and ends with its response.
    pub fn is_ephemeral(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.is_ephemeral())
    }

    /// Whether a cookie may speak for it, where that is all that a request has.
    pub fn hears_cookie(&self, page: Page) -> bool {
        page == Page::Ours || !self.rare.as_ref().is_some_and(|rare| rare.comes_from_everywhere())
    }

    /// Whether messages that came by `send` wait.
    pub fn has_posted(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.has_posted() || rare.has_unseen())
    }

    pub fn streams(&self) -> Option<&Streams> {
        self.rare.as_ref()?.streams()
    }

    pub fn streams_mut(&mut self) -> Option<&mut Streams> {
        self.rare.as_mut()?.streams_mut()
    }

    pub fn asks(&self) -> &[Ask] {
        self.rare.as_ref().map_or(&[], |rare| rare.asks())
    }
}
