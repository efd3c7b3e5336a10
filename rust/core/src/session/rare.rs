//! What is rare in a session, so that an idle one stays small.
//!
//! Invariants:
//! - The ids of requests of ours rise, over a restart too; an answer that is kept for one can be for no other.
//! - Automatic keys stand in the order of their requests.

use super::moves::Moves;
use super::own::Own;
use crate::conn::Backlog;
use crate::envelope::{Kept, Rest};
use crate::ids::{ConnId, SessionId};
use crate::log::dedupe::Ticket;
use crate::stream::Streams;
use std::collections::VecDeque;

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
    /// A row that says so is on disk, or all of them there will be: no id above this is taken.
    pub sure: u64,
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

/// What is rare in a session.
#[derive(Debug, Default)]
pub struct Rare {
    /// What was said to it alone.
    pub own: Own,
    asks: Vec<Ask>,
    last_ask: u64,
    wants_drained: bool,
    /// Messages that came by `send` and must wait, as JSON.
    posted: Backlog,
    /// What of a `send` was not even looked at, because it was much: behind those.
    unseen: Backlog,
    /// They wait for their turn.
    queued: bool,
    returning: Vec<ConnId>,
    everywhere: bool,
    lent: Vec<SessionId>,
    streams: Option<Box<Streams>>,
    /// How long it may be away (ms), if that is its own.
    pub window_ms: Option<u64>,
    /// Its newest joins and leaves of rooms that it is not in.
    pub moves: Moves,
    row: Option<Row>,
    automatic: VecDeque<(u64, Ticket)>,
}

impl Rare {
    /// Requests of ours that have no answer.
    pub fn asks(&self) -> &[Ask] {
        &self.asks
    }

    /// The highest id of those so far.
    pub fn last_ask(&self) -> u64 {
        self.last_ask
    }

    /// One more, with the next id above `from`, which it gives.
    pub fn ask(&mut self, from: u64, event: &str, data: &[u8]) -> u64 {
        self.last_ask = self.last_ask.max(from) + 1;
        self.asks.push(Ask { id: self.last_ask, event: event.into(), data: data.into() });
        self.last_ask
    }

    /// It has its answer, or nobody waits for one. False: that was so already.
    pub fn answered(&mut self, id: u64) -> bool {
        let Some(at) = self.asks.iter().position(|ask| ask.id == id) else { return false };
        self.asks.remove(at);
        true
    }

    /// Whether the application is to hear when what waits for it is little again.
    pub fn wants_drained(&self) -> bool {
        self.wants_drained
    }

    /// It is to, or need not any more.
    pub fn want_drained(&mut self, wants: bool) {
        self.wants_drained = wants;
    }

    /// Bytes of messages that came by `send` and wait.
    pub fn posted_bytes(&self) -> usize {
        self.posted.bytes().saturating_add(self.unseen.bytes())
    }

    /// Whether such a message waits that was looked at.
    pub fn has_posted(&self) -> bool {
        !self.posted.is_empty()
    }

    /// Whether some wait that were not.
    pub fn has_unseen(&self) -> bool {
        !self.unseen.is_empty()
    }

    /// A message by `send` must wait, behind the others.
    pub fn post(&mut self, message: &[u8]) {
        self.posted.gather(message);
    }

    /// One that was begun must wait after all: it comes first.
    pub fn put_back(&mut self, message: &[u8]) {
        self.posted.put_back(message);
    }

    /// What is left of a `send` is looked at later.
    pub fn look_later(&mut self, rest: Rest) {
        self.unseen.keep(rest);
    }

    /// The next that was looked at.
    pub fn next_posted(&mut self) -> Option<Kept> {
        self.posted.next()
    }

    /// The next that was not.
    pub fn next_unseen(&mut self) -> Option<Kept> {
        self.unseen.next()
    }

    /// Let go of messages that came by `send` and were not taken.
    pub fn drop_posted(&mut self) {
        self.posted.clear();
        self.unseen.clear();
    }

    /// They wait for their turn. False: they did so already.
    pub fn queue(&mut self) -> bool {
        !std::mem::replace(&mut self.queued, true)
    }

    /// Their turn has come.
    pub fn unqueue(&mut self) {
        self.queued = false;
    }

    /// A connection at the door wants this session, while the application is asked about its rooms.
    pub fn want_back(&mut self, conn: ConnId) {
        self.returning.push(conn);
    }

    /// It does not any more.
    pub fn not_wanted_by(&mut self, conn: ConnId) {
        self.returning.retain(|returning| *returning != conn);
    }

    /// All that do.
    pub fn wanted_by(&self) -> &[ConnId] {
        &self.returning
    }

    /// The browser sends its cookie along with what pages of any site ask (`SameSite=None`).
    pub fn comes_from_everywhere(&self) -> bool {
        self.everywhere
    }

    /// From now on it does.
    pub fn come_from_everywhere(&mut self) {
        self.everywhere = true;
    }

    /// Streams over plain HTTP that this session's key opened: each has a session of its own, and ends with this one.
    pub fn lent(&self) -> &[SessionId] {
        &self.lent
    }

    /// One more.
    pub fn lend(&mut self, borrower: SessionId) {
        self.lent.push(borrower);
    }

    /// One has ended.
    pub fn give_back(&mut self, borrower: SessionId) {
        self.lent.retain(|lent| *lent != borrower);
    }

    /// Streams of items, if there was one.
    pub fn streams(&self) -> Option<&Streams> {
        self.streams.as_deref()
    }

    pub fn streams_mut(&mut self) -> Option<&mut Streams> {
        self.streams.as_deref_mut()
    }

    /// There is one from now on.
    pub fn make_streams(&mut self) -> &mut Streams {
        self.streams.get_or_insert_default()
    }

    /// They are out of the session while they are fed.
    pub fn take_streams(&mut self) -> Option<Box<Streams>> {
        self.streams.take()
    }

    /// And back.
    pub fn put_streams(&mut self, streams: Box<Streams>) {
        debug_assert!(self.streams.is_none(), "they were taken");
        self.streams = Some(streams);
    }

    /// What is on disk of it, once it has had something durable.
    pub fn row(&self) -> Option<&Row> {
        self.row.as_ref()
    }

    pub fn row_mut(&mut self) -> Option<&mut Row> {
        self.row.as_mut()
    }

    /// It has something durable from now on.
    pub fn keep_row(&mut self, row: Row) {
        debug_assert!(self.row.is_none(), "it has one row");
        self.row = Some(row);
    }

    /// Nothing of it is to be on disk any more. False: nothing was.
    pub fn drop_row(&mut self) -> bool {
        self.row.take().is_some()
    }

    /// It was on disk, and comes back: ids of requests of ours are above those of the earlier life.
    pub fn restore(&mut self, row: Row) {
        self.last_ask = row.asks;
        self.keep_row(row);
    }

    /// A key that a client library made for the request with this id alone. Only the newest `most` are known.
    pub fn keep_key(&mut self, id: u64, key: Ticket, most: usize) {
        self.automatic.push_back((id, key));
        while self.automatic.len() > most {
            self.automatic.pop_front();
        }
    }

    /// The next such key of a request up to this one, which is kept no more.
    pub fn take_key(&mut self, upto: u64) -> Option<Ticket> {
        self.automatic.front().filter(|(id, _)| *id <= upto)?;
        self.automatic.pop_front().map(|(_, key)| key)
    }
}
