//! Who stands at the door: what a `hello` said that waits for the application's word, and what an event stream wants.

use super::carrier::Wrap;
use crate::codes::Code;
use crate::compress::Algorithm;
use crate::frame::coding;
use crate::frame::http::{Head, Refusal};
use crate::frame::query::Query;
use crate::ids::{Ends, Seq, SessionId, Tick};
use crate::limits::fixed::PADDING;
use crate::room::grants::Grants;
use std::sync::Arc;

/// A `hello` that waits for the application's word.
#[derive(Debug, Default)]
pub struct PendingHello {
    pub session: Option<String>,
    pub key: Option<String>,
    pub position: Option<String>,
    /// The secret is kept in a cookie.
    pub cookie: bool,
    /// What compresses on this connection: of what the hello named the first that is known.
    pub compress: Option<Algorithm>,
    /// A ticket is wanted.
    pub ticket: bool,
    /// An event stream without a session of its own: the rooms that it wants.
    pub subscription: Option<Box<Subscription>>,
    /// Of each stream that it reads, the next item wanted.
    pub streams: Vec<(u64, u64)>,
    /// Which hello of the session this is; none: its client does not count them.
    pub n: Option<u64>,
    /// The marks of the program that says it and of those before it; empty: it does not say.
    pub program: Vec<u64>,
    /// A stream over plain HTTP that a session's key opens: that session.
    pub owner: Option<SessionId>,
    /// How long the session may be away (ms), if the application has said it.
    pub window: Option<u64>,
    /// The application is asked who this is.
    pub asked: bool,
    /// Set once the user is known and rooms are asked for: those of a session that returns, or of a stream.
    pub returning: Option<Returning>,
    /// A stream of items that the application has not begun or refused yet: until when it may.
    pub opening: Option<Tick>,
}

/// A session on its way back: its rooms are authorized again, one by one.
#[derive(Debug)]
pub struct Returning {
    pub session: SessionId,
    pub user: Option<Arc<str>>,
    pub expires: Option<Ends>,
    /// Rooms without an answer, those included that were not asked for yet.
    pub open: u32,
    /// Those, the next last: so many of one connection are not asked for at once.
    pub later: Vec<Arc<str>>,
    /// Whether the session was there before.
    pub resuming: bool,
    /// What was answered.
    pub rooms: Vec<Allowed>,
}

/// The application's word about one room of a returning session.
#[derive(Debug)]
pub struct Allowed {
    pub room: Arc<str>,
    /// None: it may not be there any more.
    pub grants: Option<Grants>,
    pub info: Option<Arc<[u8]>>,
    pub state: Option<(Box<[u8]>, Seq)>,
}

/// What such a stream wants to hear.
#[derive(Clone, Debug)]
pub struct Subscription {
    pub rooms: Vec<String>,
    /// The position from which on.
    pub since: Option<String>,
    /// Or so many of the past of each room.
    pub last: Option<u64>,
    /// Or no room, but one stream of items.
    pub stream: Option<Wanted>,
    pub shape: Shape,
}

impl Subscription {
    pub fn of_stream(wanted: Wanted, shape: Shape) -> Self {
        Self { rooms: Vec::new(), since: None, last: None, stream: Some(wanted), shape }
    }

    /// Whether it hears what is said to all, and to its user.
    pub fn hears(&self) -> bool {
        self.stream.is_none()
    }
}

/// Which stream, and with what.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub index: usize,
    pub data: Box<[u8]>,
    /// For how long its reader may be away and come back (ms).
    pub away_ms: u64,
}

/// How a stream is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub plain: bool,
    pub wrap: Wrap,
    /// Its signs of life are messages, which a page can see.
    pub beat: bool,
    /// A comment of this many bytes comes first: something between gathers that much before it passes anything on.
    pub padding: u32,
}

impl Shape {
    /// `compress`: event streams are compressed for who takes gzip.
    pub fn of(head: &Head<'_>, query: &Query<'_>, compress: bool) -> Result<Self, Refusal> {
        let plain = match query.one("format")? {
            None | Some("json") => false,
            Some("plain") => true,
            Some(other) => {
                let message = format!("there is no format {other:?}: plain, or none for whole messages");
                return Err(Refusal::new(400, Code::InvalidMessage, message));
            }
        };
        let beat = match query.one("beat")? {
            None | Some("0") => false,
            Some("1") => true,
            Some(other) => {
                let message = format!("\"beat\" in the query is {other:?}: 1, or 0 for comments");
                return Err(Refusal::new(400, Code::InvalidMessage, message));
            }
        };
        let gzip = compress && coding::takes(head.headers_named("accept-encoding"), Algorithm::Gzip);
        let wrap = match (head.minor, gzip) {
            (1, true) => Wrap::Gzip,
            (1, false) => Wrap::Chunks,
            _ => Wrap::Whole,
        };
        let padding = query.number("padding")?.unwrap_or(0).min(PADDING);
        Ok(Self { plain, wrap, beat, padding: u32::try_from(padding).expect("bounded above") })
    }
}
