//! What is kept for a session that speaks plain HTTP, beside its cursor.

use super::secret::same_key;
use crate::ids::{ConnId, Seq, SessionId, Tick};
use crate::limits::fixed::IDLE_LINK_MS;
use std::collections::VecDeque;

/// One stream of items over plain HTTP.
#[derive(Clone, Copy, Debug)]
pub struct Items {
    /// Which of the application's.
    pub index: usize,
    /// For how long its reader may be away (ms); 0: it goes with its reader.
    pub away_ms: u64,
    /// The connection whose answer begins when the application has begun; none: it has.
    pub opening: Option<ConnId>,
}

/// The link of a session with its newest `hello` over plain HTTP.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct Link {
    /// Where the newest `hello` let the feed go on: a stream that names no position begins here.
    position: Seq,
    /// Somebody has read since: a stream that opens then is told the rooms as they are.
    read: bool,
    /// There was a `hello` over plain HTTP before it.
    renewed: bool,
    /// Somebody is there, though there may be no connection at the moment.
    here: bool,
    /// An event stream without a session of its own: it ends with its response.
    ephemeral: bool,
    /// Whose key opened that stream.
    owner: Option<SessionId>,
    /// What that stream carries, if it is one of items.
    items: Option<Items>,
    /// The secret is in a cookie.
    cookie: bool,
    ticket: Option<[u8; 32]>,
    /// The `send` that waits for acks.
    sending: Option<ConnId>,
    /// Polls: how many were answered.
    n: u64,
    /// Polls: the body of the newest answer.
    last: Vec<u8>,
    /// Since when the newest poll was parked.
    parked: Tick,
    /// The longest wait that was not cut (ms); none: none was cut.
    quiet_ms: Option<u64>,
    mail: VecDeque<Box<[u8]>>,
    mail_bytes: usize,
}

impl Link {
    pub fn new(position: Seq, cookie: bool, ticket: Option<[u8; 32]>) -> Self {
        Self { position, cookie, ticket, here: true, ..Self::default() }
    }

    /// An event stream without a session of its own, opened with the key of `owner` if it has one: nobody is there yet.
    pub fn ephemeral(position: Seq, owner: Option<SessionId>) -> Self {
        Self { position, owner, ephemeral: true, ..Self::default() }
    }

    /// It carries this stream of items, to which the ticket leads.
    pub fn carry(&mut self, items: Items, ticket: Option<[u8; 32]>) {
        debug_assert!(self.ephemeral, "other streams have the session of their client");
        (self.items, self.ticket) = (Some(items), ticket);
    }

    /// The stream of items that it carries.
    pub fn items(&self) -> Option<Items> {
        self.items
    }

    /// Its answer has begun, or will not: the connection that waited for that.
    pub fn opened(&mut self) -> Option<ConnId> {
        self.items.as_mut()?.opening.take()
    }

    /// It takes the place of an earlier one, whose acks are kept and asked for again: but a `send` that waits has its answer.
    pub(super) fn follow(&mut self, old: &Self) {
        self.sending = old.sending;
        self.renewed = true;
    }

    /// Where a stream begins that names no position.
    pub fn position(&self) -> Seq {
        self.position
    }

    /// Somebody begins to read. Whether that is the first.
    pub fn begin_reading(&mut self) -> bool {
        !std::mem::replace(&mut self.read, true)
    }

    /// The stream without a session of its own begins here.
    pub fn begin_at(&mut self, position: Seq) {
        debug_assert!(self.ephemeral, "others begin where their hello said");
        self.position = position;
        (self.read, self.here) = (true, true);
    }

    /// Whether there was a `hello` over plain HTTP before its own.
    pub fn is_renewed(&self) -> bool {
        self.renewed
    }

    /// Whether somebody is there.
    pub fn is_here(&self) -> bool {
        self.here
    }

    /// Somebody is. Whether nobody was.
    pub fn be_here(&mut self) -> bool {
        !std::mem::replace(&mut self.here, true)
    }

    /// Nobody is any more.
    pub fn go_away(&mut self) {
        self.here = false;
    }

    /// Whether it is an event stream without a session of its own.
    pub fn is_ephemeral(&self) -> bool {
        self.ephemeral
    }

    /// Whose key opened that.
    pub fn owner(&self) -> Option<SessionId> {
        self.owner
    }

    /// Whether the secret is in a cookie.
    pub fn has_cookie(&self) -> bool {
        self.cookie
    }

    /// The `send` that waits for acks.
    pub fn sending(&self) -> Option<ConnId> {
        self.sending
    }

    /// A `send` waits for acks from now on.
    pub fn send_by(&mut self, conn: ConnId) {
        self.sending = Some(conn);
    }

    /// It has its answer, or is gone. (A later one may have taken its place.)
    pub fn sent(&mut self, conn: ConnId) {
        if self.sending == Some(conn) {
            self.sending = None;
        }
    }

    /// How many polls were answered.
    pub fn answers(&self) -> u64 {
        self.n
    }

    /// A poll waits from now on. Whether it is the first that reads.
    pub fn park(&mut self, now: Tick) -> bool {
        self.parked = now;
        self.begin_reading()
    }

    /// A poll is answered: under which number, and where its body is put together, at most so many bytes. The room of the last
    /// one is used again, unless it is more than `kept` and twice as much as needed.
    pub fn next_answer(&mut self, bytes: usize, kept: usize) -> (u64, &mut Vec<u8>) {
        self.n = self.n.saturating_add(1);
        if self.last.capacity() > kept.max(bytes.saturating_mul(2)) {
            self.last = Vec::new();
        }
        self.last.clear();
        self.last.reserve_exact(bytes);
        (self.n, &mut self.last)
    }

    /// The body of the newest answer: out of the link while it is said.
    pub fn take_answer(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.last)
    }

    /// And back.
    pub fn put_answer(&mut self, body: Vec<u8>) {
        self.last = body;
    }

    /// The ticket as the client has it.
    pub fn ticket_of(&self, name: &str) -> Option<String> {
        let secret = std::str::from_utf8(self.ticket.as_ref()?).ok()?;
        Some(format!("{name}.{secret}"))
    }

    /// Whether this is the secret of the ticket.
    pub fn opens_with(&self, secret: &str) -> bool {
        self.ticket.as_ref().is_some_and(|ticket| same_key(ticket, secret))
    }

    /// Keep a message, as JSON, for the next poll or stream.
    pub fn keep(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut message = Vec::new();
        write(&mut message);
        self.mail_bytes = self.mail_bytes.saturating_add(message.len());
        self.mail.push_back(message.into());
    }

    /// Bytes of what is kept.
    pub fn mail_bytes(&self) -> usize {
        self.mail_bytes
    }

    /// Take what is kept.
    pub fn take_mail(&mut self) -> VecDeque<Box<[u8]>> {
        self.mail_bytes = 0;
        std::mem::take(&mut self.mail)
    }

    /// How long silence may last on this link, of `most` (ms).
    pub fn quiet_ms(&self, most: u64) -> u64 {
        self.quiet_ms.map_or(most, |quiet| quiet.min(most))
    }

    /// The poll that waited was cut.
    pub fn poll_was_cut(&mut self, now: Tick) {
        self.was_cut(now.ms_since(self.parked));
    }

    /// It was cut after so much silence (ms): something between cuts what is idle. From now on three
    /// quarters of that.
    pub fn was_cut(&mut self, after_ms: u64) {
        if after_ms < IDLE_LINK_MS {
            return;
        }
        let quiet = (after_ms / 4).saturating_mul(3);
        self.quiet_ms = Some(self.quiet_ms.map_or(quiet, |known| known.min(quiet)));
    }
}
