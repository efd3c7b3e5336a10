//! What a peer can say.

use super::flaw::{Flaw, What};
use super::span::Span;
use super::{json, json_skip, msgpack};
use crate::error::Fault;
use crate::ids::Form;
use crate::limits::fixed::DEPTH;
use std::borrow::Cow;

/// A payload as it is kept.
/// Invariant: one whole value of its form, checked, at most 128 deep, valid UTF-8, and without line breaks
/// between its parts; so it can be put into any message as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data<'a> {
    /// The value's bytes.
    pub bytes: Cow<'a, [u8]>,
    /// How they are written.
    pub form: Form,
    /// Whether there is binary in it.
    pub has_bin: bool,
    /// JSON: whether there is an integer outside of 64 bits in it.
    pub wide_int: bool,
}

impl<'a> Data<'a> {
    /// The value that stands for "nothing was said".
    #[must_use]
    pub fn null(form: Form) -> Self {
        let bytes: &[u8] = match form {
            Form::Json => b"null",
            Form::Msgpack => b"\xc0",
        };
        Self { bytes: Cow::Borrowed(bytes), form, has_bin: false, wide_int: false }
    }

    /// Check `bytes` as one whole payload: for what does not come in a message, such as the application's
    /// own.
    pub fn check(form: Form, bytes: &'a [u8]) -> Result<Self, Fault> {
        let (start, span) = match form {
            Form::Json => {
                if simdutf8::basic::from_utf8(bytes).is_err() {
                    return Err(What::NotUtf8.at(0).fault());
                }
                let start = json_skip::after_space(bytes, 0);
                (start, json::check(bytes, start))
            }
            Form::Msgpack => (0, msgpack::check(bytes, 0)),
        };
        let span = span.map_err(Flaw::fault)?;
        let end = if form == Form::Json { json_skip::after_space(bytes, span.end) } else { span.end };
        if end < bytes.len() {
            return Err(What::Trailing.at(end).fault());
        }
        Self::of(form, bytes, &span).map_err(|what| what.at(start).fault())
    }

    /// The same for what the application's encoder made, which knows JSON and not our rules: only bytes in
    /// which one of them can be broken are looked at.
    pub fn check_own(json: &[u8]) -> Result<(), Fault> {
        const SHALLOW: usize = 2 * DEPTH as usize + 1; // brackets of one that is nested too deeply
        if json.len() > SHALLOW || memchr::memchr(b'$', json).is_some() {
            Data::check(Form::Json, json)?;
        }
        Ok(())
    }

    /// The payload in a checked span.
    pub(super) fn of(form: Form, message: &'a [u8], span: &Span) -> Result<Self, What> {
        if let Some(what) = span.marks.meaning {
            return Err(what);
        }
        let bytes = &message[span.start..span.end];
        let bytes = if span.marks.breaks {
            let mut out = Vec::with_capacity(bytes.len());
            json_skip::compact(bytes, &mut out);
            Cow::Owned(out)
        } else {
            Cow::Borrowed(bytes)
        };
        Ok(Self { bytes, form, has_bin: span.marks.bin, wide_int: span.marks.wide })
    }

    /// Bytes and form, as everything that writes wants them.
    #[must_use]
    pub fn parts(&self) -> (&[u8], Form) {
        (&self.bytes, self.form)
    }
}

/// A message, and what any message may say beside.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard<'a> {
    /// The message.
    pub said: Said<'a>,
    /// The peer has the acks of all its ids up to this.
    pub acked: Option<u64>,
}

/// One message from a peer, by its `type`. All text is as it was said; what it may name is for others to
/// decide.
#[derive(Clone, Debug, PartialEq)]
pub enum Said<'a> {
    /// The first message: who is there, and where it left off.
    Hello(Box<Hello<'a>>),
    /// It wants to hear a room.
    Join(Join<'a>),
    /// It no longer wants to.
    Leave {
        /// The request.
        id: Option<u64>,
        /// Which room.
        room: Cow<'a, str>,
    },
    /// It says an event in a room.
    Publish(Publish<'a>),
    /// It asks for past entries.
    History {
        /// The request.
        id: Option<u64>,
        /// Of which room.
        room: Cow<'a, str>,
        /// After which position.
        after: Option<Cow<'a, str>>,
        /// How many at most.
        limit: Option<u64>,
        /// That many of the newest; never together with `after`.
        last: Option<u64>,
    },
    /// It says an event to the application.
    Emit(Emit<'a>),
    /// It answers a request of the server.
    Reply {
        /// The server's id.
        id: u64,
        /// What came of it.
        result: Result<Data<'a>, PeerFailure<'a>>,
    },
    /// It has a new token.
    Auth {
        /// The request.
        id: Option<u64>,
        /// The token.
        token: Cow<'a, str>,
    },
    /// It asks for a sign of life.
    Ping {
        /// Given back in nothing; read because every request may have one.
        id: Option<u64>,
        /// Given back unchanged.
        time: Option<Data<'a>>,
        /// The same, where it is a whole number: its own clock, by milliseconds since 1970.
        clock: Option<u64>,
        /// The round trip that it last measured, in milliseconds.
        rtt: Option<f64>,
    },
    /// It ends its session.
    Bye {
        /// Read because every request may have one.
        id: Option<u64>,
    },
    /// It opens a stream of items.
    Open(Open<'a>),
    /// It goes on with one.
    Stream(OfStream<'a>),
    /// It says changes of a collection.
    Push(Push<'a>),
    /// It asks what changed in one.
    Pull(Pull<'a>),
    /// It tells what it measured.
    Report(Report<'a>),
}

/// The fields of `report`.
#[derive(Clone, Debug, PartialEq)]
pub struct Report<'a> {
    /// Given back in nothing; read because every request may have one.
    pub id: Option<u64>,
    /// The round trip, in milliseconds.
    pub rtt: Option<f64>,
    /// The part of its pings that had no answer in time.
    pub loss: Option<f64>,
    /// How often it came back since the report before.
    pub reconnects: u64,
    /// By what it is connected.
    pub transport: Option<Cow<'a, str>>,
    /// Why not by a better one.
    pub why: Option<Cow<'a, str>>,
}

/// The fields of `push`.
#[derive(Clone, Debug, PartialEq)]
pub struct Push<'a> {
    /// The request.
    pub id: Option<u64>,
    /// Which collection.
    pub collection: Cow<'a, str>,
    /// The changes, a list.
    pub changes: Data<'a>,
    /// It has kept every outcome up to this.
    pub seen: u64,
}

/// The fields of `pull`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pull<'a> {
    /// The request.
    pub id: Option<u64>,
    /// Which collection.
    pub collection: Cow<'a, str>,
    /// It has everything up to here.
    pub after: Option<Cow<'a, str>>,
    /// Where its first sync began.
    pub begun: Option<Cow<'a, str>>,
    /// So many documents at most.
    pub limit: Option<u64>,
}

/// The fields of `hello`.
#[derive(Clone, Debug, PartialEq)]
pub struct Hello<'a> {
    /// The request, if it has an id.
    pub id: Option<u64>,
    /// The protocol's version.
    pub v: u64,
    /// For the application, to know who it is.
    pub token: Option<Cow<'a, str>>,
    /// The session to resume.
    pub session: Option<Cow<'a, str>>,
    /// The session's secret.
    pub key: Option<Cow<'a, str>>,
    /// What it has heard.
    pub position: Option<Cow<'a, str>>,
    /// Name and version of the client.
    pub client: Option<Cow<'a, str>>,
    /// What the client can do beyond the protocol's core.
    pub can: Vec<Cow<'a, str>>,
    /// What it compresses by, in the order of its wishes.
    pub compress: Vec<Cow<'a, str>>,
    /// Over plain HTTP: the session's secret goes into a cookie.
    pub cookie: bool,
    /// Over plain HTTP: it wants a ticket for an `EventSource`.
    pub ticket: bool,
    /// Of each stream that it reads: its id, and the next item that it wants.
    pub streams: Vec<(u64, u64)>,
    /// Which hello of the session this is: a later one has a higher number.
    pub n: Option<u64>,
    /// Which program says it, and which had its outbox before.
    pub program: Vec<Cow<'a, str>>,
}

/// The fields of `join`.
#[derive(Clone, Debug, PartialEq)]
pub struct Join<'a> {
    /// The request.
    pub id: Option<u64>,
    /// Which room.
    pub room: Cow<'a, str>,
    /// The past from this position on; never together with `last`.
    pub since: Option<Cow<'a, str>>,
    /// That many entries of the past.
    pub last: Option<u64>,
    /// For the authorizer and the state function.
    pub data: Option<Data<'a>>,
    /// Of a collection: who writes.
    pub sync: Option<Data<'a>>,
}

/// The fields of `publish`.
#[derive(Clone, Debug, PartialEq)]
pub struct Publish<'a> {
    /// The request.
    pub id: Option<u64>,
    /// Which room.
    pub room: Cow<'a, str>,
    /// The event's name.
    pub event: Cow<'a, str>,
    /// The payload; null if none was there.
    pub data: Data<'a>,
    /// The application's idempotency key.
    pub key: Option<Cow<'a, str>>,
    /// Whether the publisher wants to hear it too.
    pub echo: bool,
    /// Whether it is for those who hear it now, and kept nowhere.
    pub volatile: bool,
    /// A W3C traceparent; none if what was there is not one.
    pub trace: Option<Cow<'a, str>>,
}

/// The fields of `emit`.
#[derive(Clone, Debug, PartialEq)]
pub struct Emit<'a> {
    /// The request.
    pub id: Option<u64>,
    /// The event's name.
    pub event: Cow<'a, str>,
    /// The payload; null if none was there.
    pub data: Data<'a>,
    /// The application's idempotency key.
    pub key: Option<Cow<'a, str>>,
    /// A W3C traceparent; none if what was there is not one.
    pub trace: Option<Cow<'a, str>>,
}

/// The fields of `open`.
#[derive(Clone, Debug, PartialEq)]
pub struct Open<'a> {
    /// The stream, by the counter of requests.
    pub id: u64,
    /// Its name.
    pub stream: Cow<'a, str>,
    /// The payload; null if none was there.
    pub data: Data<'a>,
    /// Items go up; else they come down.
    pub up: bool,
    /// Items up to, not including, this number may be sent.
    pub credit: u64,
}

/// What is said of a stream that was opened.
#[derive(Clone, Debug, PartialEq)]
pub enum OfStream<'a> {
    /// An item that goes up.
    Item {
        /// The stream.
        id: u64,
        /// Its number in the stream.
        n: u64,
        /// The payload; null if none was there.
        data: Data<'a>,
    },
    /// Items up to, not including, `n` may come down.
    Credit {
        /// The stream.
        id: u64,
        /// The number.
        n: u64,
    },
    /// No item follows.
    End {
        /// The stream.
        id: u64,
        /// How many there were, if it is said.
        n: Option<u64>,
        /// Whether all that was meant to be said was.
        error: Option<PeerFailure<'a>>,
    },
    /// The stream is wanted no more.
    Cancel {
        /// The stream.
        id: u64,
    },
}

/// The `error` of a `reply`.
#[derive(Clone, Debug, PartialEq)]
pub struct PeerFailure<'a> {
    /// The code.
    pub code: Cow<'a, str>,
    /// For people; empty if there was none.
    pub message: Cow<'a, str>,
    /// For programs.
    pub details: Option<Data<'a>>,
    /// Whether the same may be tried again.
    pub retry: bool,
}
