//! One connection: what was heard on it, and how far it has come.
//!
//! Parts: none.

use super::backlog::Backlog;
use super::config::Peer;
use super::encoding::Carrier;
use super::http::Request;
use super::session::PendingHello;
use crate::frame::websocket::Decoder;
use crate::ids::{Form, SessionId, Tick};
use crate::shares::User;
use std::net::IpAddr;

/// How far a connection has come. It only ever goes down this list; but with plain HTTP, where each answer
/// leads back to the head of the next request.
#[derive(Debug)]
pub(super) enum Phase {
    /// The request head is not complete.
    Head,
    /// The body of `request` is not.
    Body,
    /// A WebSocket under the prefix that has not said `hello`.
    Hello,
    /// The application decides who this is, or which rooms of a returning session it may keep.
    Checking(Box<PendingHello>),
    /// The answer to `request` waits for acks.
    Answering,
    /// A poll waits for something to say.
    Parked,
    /// `welcome` was said, or an event stream is open.
    Open,
    /// A raw socket.
    Raw,
    /// We have said all that we had to say; what still comes is ignored.
    Closing,
}

/// What may still come of a request that was refused before all of it was there. It is read and thrown away: a socket
/// that is closed with bytes unread is reset, and the refusal lost with it (RFC 9112 §9.6).
#[derive(Debug)]
pub(super) struct Parting {
    /// Bytes.
    pub left: u64,
    pub until: Tick,
}

/// One transport link.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts; the phase is an enum")]
pub(super) struct Conn {
    pub phase: Phase,
    /// Our copy of the codec for this peer.
    pub decoder: Decoder,
    /// Read and not yet taken: part of a head or of a frame's header, or what must wait.
    pub input: Vec<u8>,
    /// The rest of an array whose earlier message must be decided first, or was all that a portion of a turn allows.
    pub backlog: Backlog,
    /// It waits for its turn.
    pub queued: bool,
    pub session: Option<SessionId>,
    pub carrier: Carrier,
    /// The request over plain HTTP that has no answer yet.
    pub request: Option<Box<Request>>,
    pub form: Form,
    pub deflate: bool,
    /// Whether the shell was told to stop reading.
    pub paused: bool,
    /// Since when more requests wait for the application than may.
    pub full_since: Option<Tick>,
    /// When a byte was last heard.
    pub heard: Tick,
    /// When we sent the ping that has no answer yet.
    pub pinged: Option<Tick>,
    /// When the kernel last took bytes, or had none to take.
    pub progress: Tick,
    /// While it closes: until when it may take.
    pub closing_until: Tick,
    /// While it closes: a request was refused of which more may come.
    pub parting: Option<Box<Parting>>,
    /// It came while the server was stopping: nobody waits for its end.
    pub late: bool,
    /// The request asks with `HEAD`.
    pub head_only: bool,
    /// The configured size of one message here.
    pub max_message: usize,
    /// Who connected. It never changes, while `address`, `port` and `secure` are facts of a request: a proxy sends
    /// those of many clients over one connection.
    pub peer: Peer,
    /// Whether the present request came to us, or to the proxy before us, by TLS.
    pub secure: bool,
    /// An event stream whose signs of life are messages.
    pub beat: bool,
    /// Who sent the present request: the peer, or who a configured proxy says.
    pub address: IpAddr,
    pub port: u16,
    /// Counted with the connections of this user.
    pub counted_user: Option<User>,
    /// The application is asked who this is.
    pub asking: bool,
    pub agent: Option<Box<str>>,
    /// Raw: what of it waits in the application.
    pub raw_waiting: (u32, u32),
    /// Raw: the application asked to hear when what waits for it is little again.
    pub wants_drained: bool,
    /// Raw: the application has heard of it and not of its end.
    pub raw_open: bool,
    /// The server stops, and it was told so: only the acks of what runs are still to come.
    pub leaving: bool,
    /// Its hello named a session that is not there: what was said before its `welcome` has left may have been done there.
    pub doubted: bool,
    /// Peer's close code and reason, for the event that ends a raw socket.
    pub closed: Option<(u16, Box<str>)>,
}

impl Conn {
    pub fn new(peer: &Peer, now: Tick, max_message: usize) -> Self {
        Self {
            phase: Phase::Head,
            decoder: Decoder::new(crate::frame::websocket::Role::Server, false),
            input: Vec::new(),
            backlog: Backlog::default(),
            queued: false,
            session: None,
            carrier: Carrier::Frames,
            request: None,
            form: Form::Json,
            deflate: false,
            paused: false,
            full_since: None,
            heard: now,
            pinged: None,
            progress: now,
            closing_until: now,
            parting: None,
            late: false,
            head_only: false,
            max_message,
            peer: *peer,
            secure: peer.secure,
            beat: false,
            address: peer.address,
            port: peer.port,
            counted_user: None,
            asking: false,
            agent: None,
            raw_waiting: (0, 0),
            wants_drained: false,
            raw_open: false,
            leaving: false,
            doubted: false,
            closed: None,
        }
    }

    /// A request over plain HTTP has its answer, and the head of the next may come: nothing of what it asked for, and
    /// nothing of whose it was, stays.
    pub fn begin_request(&mut self, max_message: usize) {
        self.phase = Phase::Head;
        self.session = None;
        self.request = None;
        self.carrier = Carrier::Frames;
        self.form = Form::Json;
        self.max_message = max_message;
        self.full_since = None;
        self.agent = None;
    }

    /// The way of writing in which this connection hears.
    pub fn encoding(&self) -> u8 {
        self.carrier.encoding(self.form, self.deflate)
    }
}
