//! What the engine wants done: by the hands (`Op`), and by the application (`AppEvent`).
//!
//! Parts: none.

use super::config::Peer;
use crate::envelope::{Data, transcode};
use crate::error::Fault;
use crate::frame::websocket::Kind;
use crate::ids::{ConnId, Form, Seq, SessionId};
use crate::limits::fixed::REFUSALS_TOLD;
use crate::store::Ask;
use std::net::IpAddr;
use std::sync::Arc;

/// Room (bytes) that a turn's events may leave behind, however little they needed of it.
const KEPT: usize = 1 << 20;

/// What the caller must now do with a connection.
#[derive(Debug)]
pub enum Op {
    /// Stop reading.
    Pause(ConnId),
    /// Read again.
    Resume(ConnId),
    /// Shut writing down once everything is written.
    Finish(ConnId),
    /// Close it now.
    Drop(ConnId),
    /// It is not ours any more.
    HandOver {
        /// The connection; its handle finds nothing any more.
        conn: ConnId,
        /// What was read of it, its first head rewritten for the backend.
        bytes: Vec<u8>,
        /// The address of the client, behind configured proxies.
        address: IpAddr,
        /// Its port; 0: not known.
        port: u16,
        /// Whether it came by TLS, to us or to such a proxy.
        secure: bool,
        /// Who connected, where a PROXY header said so: to be said when it comes back.
        told: Option<Peer>,
    },
    /// Of the store: write this, or read it. The answer comes by `Engine::report`.
    Store(Ask),
}

/// A range of `Events::bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Where it begins.
    pub start: u32,
    /// How long it is.
    pub len: u32,
}

/// What needs the application's judgement, in the order in which it came.
#[derive(Debug)]
pub enum AppEvent {
    /// An `emit`: answer with `ack` or `fail`. One with a key begins with `begin`.
    Request { session: SessionId, request: u64, handler: u32, form: Form, data: Blob, keyed: bool },
    /// A message on a raw socket. Text was checked to be UTF-8.
    RawMessage { conn: ConnId, kind: Kind, data: Blob },
    /// The same, where it was put together or inflated: it is moved, and not copied once more.
    RawWhole { conn: ConnId, kind: Kind, data: Vec<u8> },
    /// A `hello`: answer with `authenticated` or `refuse_hello`.
    Authenticate {
        conn: ConnId,
        token: Option<String>,
        client: Option<String>,
        address: IpAddr,
        agent: Option<String>,
        secure: bool,
    },
    /// A `join`, or a room of a returning session: answer with `admit` or `deny`.
    Authorize {
        session: SessionId,
        ticket: u64,
        room: String,
        form: Form,
        data: Option<Blob>,
        resuming: bool,
    },
    /// A change that was pushed into the collection of a room: answer with `answer_change`. `what` is asked
    /// (`rtcore_data::collection::What`) of `change`; `theirs` is the document as it is.
    Change {
        session: SessionId,
        ticket: u64,
        room: Arc<str>,
        what: u8,
        change: (Form, Blob),
        theirs: Option<(Form, Blob)>,
    },
    /// Nobody wants an answer any more: to the question of this ticket, or (ticket 0) to who is at the door of this
    /// connection.
    Unasked { conn: ConnId, ticket: u64 },
    /// An `auth`: answer with `reauthenticated`.
    Reauthenticate { session: SessionId, ticket: u64, token: String },
    /// The answer to a request of the server's own.
    Reply {
        session: SessionId,
        request: u64,
        form: Form,
        data: Option<Blob>,
        error: Option<(String, String)>,
    },
    /// A session began.
    Opened { session: SessionId },
    /// It has a connection again.
    Resumed { session: SessionId },
    /// Its connection is gone; the resume window runs.
    Away { session: SessionId },
    /// It is over.
    Ended { session: SessionId, reason: &'static str },
    /// A session is in a room whose settings are `hooked`.
    Joined { session: SessionId, room: Arc<str> },
    /// It is not any more; `empty`: nobody is.
    Left { session: SessionId, room: Arc<str>, why: Leaving, empty: bool },
    /// What the application waited for was said in this room, or was not held back any more.
    Said { room: Arc<str> },
    /// A raw socket is open.
    RawOpened { conn: ConnId, path: u32, target: String, headers: Vec<(Vec<u8>, Vec<u8>)>, address: IpAddr },
    /// It is closed.
    RawClosed { conn: ConnId, code: u16, reason: String },
    /// What waits for it fell below the low mark.
    RawDrained { conn: ConnId },
    /// What waits for the session alone fell below the low mark.
    Drained { session: SessionId },
    /// A publication that was blocked may be tried again.
    Unblocked { ticket: u64 },
    /// So many updates of a text lie apart that they should be merged.
    Apart { collection: String, key: Box<str>, field: Box<str> },
    /// What waited for the disk under this ticket is there, with the number of its entry (0: it has none); or why not.
    Stored { ticket: u64, done: Result<Seq, Fault> },
    /// A stream of items begins: it is over for us when `end_stream` or `fail_stream` says so, whatever comes first.
    StreamOpened { session: SessionId, id: u64, stream: u32, form: Form, data: Blob },
    /// A stream down may make its next item.
    StreamWants { session: SessionId, id: u64 },
    /// An item came up.
    StreamItem { session: SessionId, id: u64, form: Form, data: Blob },
    /// No item follows; with an error, because the peer has failed.
    StreamEnd { session: SessionId, id: u64, error: Option<(String, String)> },
    /// Something was refused, by us or by the application. Nothing is to be answered.
    Refused { what: Refused, address: IpAddr, text: String },
    /// Nobody wants the stream any more.
    StreamCancelled { session: SessionId, id: u64 },
}

/// Why a session is not in a room any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// It wanted to.
    Wish = 0,
    /// It was taken out.
    Removed = 1,
    /// It is over.
    Ended = 2,
}

/// What was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A request: its origin, its host, its head, or for want of a place.
    Request = 0,
    /// A `hello`, or an `auth`: who it is.
    Token = 1,
    /// A `join`.
    Join = 2,
    /// A message that cannot be read or done. Only told where the application asks for it.
    Message = 3,
}

/// Events with their bytes beside them, so that a message on its way to the application costs no
/// allocation of its own.
#[derive(Debug, Default)]
pub struct Events {
    /// In order.
    pub list: Vec<AppEvent>,
    /// What their `Blob`s point into.
    pub bytes: Vec<u8>,
    /// How many refusals of each kind are in it.
    refused: [u32; 4],
}

impl Events {
    /// Something was refused: for the log, if there were not enough of its kind.
    pub fn refuse(&mut self, what: Refused, address: IpAddr, text: impl FnOnce() -> String) {
        let told = &mut self.refused[what as usize];
        if *told < REFUSALS_TOLD {
            *told += 1;
            self.list.push(AppEvent::Refused { what, address, text: text() });
        }
    }

    /// Keep a copy of `bytes` until the events are cleared.
    pub fn keep(&mut self, bytes: &[u8]) -> Blob {
        let start = u32::try_from(self.bytes.len()).expect("a turn's events are shorter than 4 GiB");
        self.bytes.extend_from_slice(bytes);
        Blob { start, len: u32::try_from(bytes.len()).expect("a message is shorter than 4 GiB") }
    }

    /// A payload for the application. It reads `$bin` as bytes from `MessagePack` only (`scratch`: to make that in).
    pub(super) fn keep_data(&mut self, scratch: &mut Vec<u8>, data: &Data<'_>) -> (Form, Blob) {
        if data.form == Form::Json && data.has_bin {
            scratch.clear();
            if transcode(&data.bytes, Form::Json, Form::Msgpack, scratch).is_ok() {
                return (Form::Msgpack, self.keep(scratch));
            }
        }
        (data.form, self.keep(&data.bytes))
    }

    /// The bytes of a blob.
    #[must_use]
    pub fn bytes_of(&self, blob: Blob) -> &[u8] {
        &self.bytes[blob.start as usize..(blob.start + blob.len) as usize]
    }

    /// Everything was converted.
    pub fn clear(&mut self) {
        self.list.clear();
        self.refused = [0; 4];
        // What turns need again is not given back each time: the kernel would have to clear the pages anew.
        if self.bytes.capacity() > KEPT && self.bytes.len() < self.bytes.capacity() / 4 {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
    }
}
