//! What is kept for a session that speaks plain HTTP, beside its cursor.

use super::secret::same_key;
use crate::ids::{ConnId, Seq, SessionId, Tick};
use crate::limits::fixed::IDLE_LINK_MS;
use std::collections::VecDeque;

/// The link of a session with its newest `hello` over plain HTTP.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct Link {
    /// Where the newest `hello` let the feed go on: a stream that names no position begins here.
    pub position: Seq,
    /// Somebody has read since: a stream that opens then is told the rooms as they are.
    pub read: bool,
    /// There was a `hello` over plain HTTP before it.
    pub renewed: bool,
    /// Somebody is there, though there may be no connection at the moment.
    pub here: bool,
    /// An event stream without a session of its own: it ends with its response.
    pub ephemeral: bool,
    /// Whose key opened that stream.
    pub owner: Option<SessionId>,
    /// The secret is in a cookie.
    pub cookie: bool,
    ticket: Option<[u8; 32]>,
    /// The `send` that waits for acks.
    pub sending: Option<ConnId>,
    /// Polls: how many were answered.
    pub n: u64,
    /// Polls: the body of the newest answer.
    pub last: Vec<u8>,
    /// Since when the newest poll was parked.
    pub parked: Tick,
    /// The longest wait that was not cut (ms); none: none was cut.
    quiet_ms: Option<u64>,
    mail: VecDeque<Box<[u8]>>,
    mail_bytes: usize,
}

impl Link {
    pub fn new(position: Seq, cookie: bool, ticket: Option<[u8; 32]>) -> Self {
        Self { position, cookie, ticket, here: true, ..Self::default() }
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
