//! Connections: what was heard on each, and how far it has come.
//!
//! Invariants:
//! - A phase changes by a step of the table in `phase`, and in no other way.
//! - A connection has somebody at its door while it is `Checking`, and in no other phase.
//! - A handle finds its connection until that is taken out, and never the next in its place.
//! - `late` is how many of those that are here came while the server was stopping.

mod backlog;
pub mod carrier;
mod door;
mod phase;
mod read;
mod request;
mod steps;

pub use backlog::Backlog;
pub use carrier::Carrier;
pub use door::{Allowed, PendingHello, Returning, Shape, Subscription, Wanted};
pub use phase::{Phase, Step};
pub use request::{Request, Route};

use crate::compress::Algorithm;
use crate::frame::websocket::{Decoder, Role};
use crate::ids::{ConnId, Form, SessionId, Tick};
use crate::shares::User;
use crate::slab::Slab;
use std::net::IpAddr;

/// Who is at the other end of a connection, as the transport sees it.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The address that connected.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// Whether the bytes came through TLS.
    pub secure: bool,
    /// Whether the stream shell carries it (else the reactor).
    pub stream: bool,
}

/// What a connection has to do with a PROXY header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Header {
    /// It has none.
    None,
    /// It begins with one.
    Due,
    /// It said who connected.
    Told,
    /// It came from a proxy and said of nobody that he connected.
    Nobody,
}

/// What may still come of a request that was refused before all of it was there. It is read and thrown away: a socket
/// that is closed with bytes unread is reset, and the refusal lost with it (RFC 9112 §9.6).
#[derive(Debug)]
struct Parting {
    /// Bytes.
    left: u64,
    until: Tick,
}

/// One transport link.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts; the phase is an enum")]
pub struct Conn {
    phase: Phase,
    door: Option<Box<PendingHello>>,
    /// Our copy of the codec for this peer.
    pub decoder: Decoder,
    /// Read and not yet taken: part of a head or of a frame's header, or what must wait.
    pub input: Vec<u8>,
    /// The rest of an array whose earlier message must be decided first, or was all that a portion of a turn allows.
    pub backlog: Backlog,
    /// It waits for its turn.
    queued: bool,
    session: Option<SessionId>,
    carrier: Carrier,
    /// The request over plain HTTP that has no answer yet.
    request: Option<Box<Request>>,
    form: Form,
    deflate: bool,
    /// What compresses its messages both ways, from `welcome` on; none: nothing beside permessage-deflate.
    agreed: Option<Algorithm>,
    /// Whether the shell was told to stop reading.
    paused: bool,
    /// Since when more requests wait for the application than may.
    full_since: Option<Tick>,
    /// When a byte was last heard.
    heard: Tick,
    /// When we sent the ping that has no answer yet.
    pinged: Option<Tick>,
    /// When the kernel last took bytes, or had none to take.
    progress: Tick,
    /// The moment since which the kernel has not taken all that is due; 0: it has.
    due_since: u64,
    /// While it closes: until when it may take.
    closing_until: Tick,
    /// While it closes: a request was refused of which more may come.
    parting: Option<Box<Parting>>,
    /// It came while the server was stopping: nobody waits for its end.
    late: bool,
    /// The request asks with `HEAD`.
    head_only: bool,
    /// The configured size of one message here.
    max_message: usize,
    /// Who connected. It never changes, while `address`, `port` and `secure` are facts of a request: a proxy sends
    /// those of many clients over one connection.
    peer: Peer,
    /// A PROXY header comes first, or has said who connected.
    header: Header,
    /// Whether the present request came to us, or to the proxy before us, by TLS.
    secure: bool,
    /// An event stream whose signs of life are messages.
    beat: bool,
    /// Who sent the present request: the peer, or who a configured proxy says.
    address: IpAddr,
    port: u16,
    /// Counted with the connections of this user.
    counted_user: Option<User>,
    /// The application is asked who this is.
    asking: bool,
    agent: Option<Box<str>>,
    /// Raw: what of it waits in the application.
    raw_waiting: (u32, u32),
    /// Raw: the application asked to hear when what waits for it is little again.
    wants_drained: bool,
    /// Raw: the application has heard of it and not of its end.
    raw_open: bool,
    /// The server stops, and it was told so: only the acks of what runs are still to come.
    leaving: bool,
    /// Its hello named a session that is not there: what was said before its `welcome` has left may have been done there.
    doubted: bool,
    /// Peer's close code and reason, for the event that ends a raw socket.
    closed: Option<(u16, Box<str>)>,
}

impl Conn {
    /// One that has just come. `late`: while the server was stopping.
    pub fn new(peer: &Peer, now: Tick, max_message: usize, late: bool) -> Self {
        Self {
            phase: Phase::Head,
            door: None,
            decoder: Decoder::new(Role::Server, false),
            input: Vec::new(),
            backlog: Backlog::default(),
            queued: false,
            session: None,
            carrier: Carrier::Frames,
            request: None,
            form: Form::Json,
            deflate: false,
            agreed: None,
            paused: false,
            full_since: None,
            heard: now,
            pinged: None,
            progress: now,
            due_since: 0,
            closing_until: now,
            parting: None,
            late,
            head_only: false,
            max_message,
            peer: *peer,
            header: Header::None,
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

    /// How far it has come.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// It goes on by a step. False: the table of phases has no such step here, and nothing changes.
    pub fn step(&mut self, step: Step) -> bool {
        let after = self.phase.after(step);
        debug_assert!(after.is_some(), "a connection in {:?} cannot take the step {step:?}", self.phase);
        let Some(after) = after else { return false };
        self.phase = after;
        self.door = (after == Phase::Checking).then(|| self.door.take().unwrap_or_default());
        true
    }

    /// Somebody is at the door.
    pub fn greet(&mut self, pending: PendingHello) {
        if self.step(Step::Greet) {
            self.door = Some(Box::new(pending));
        }
    }

    /// Who is at the door; none: nobody waits there.
    #[must_use]
    pub fn door(&self) -> Option<&PendingHello> {
        debug_assert_eq!(self.door.is_some(), self.phase == Phase::Checking);
        self.door.as_deref()
    }

    /// The same, to change it.
    pub fn door_mut(&mut self) -> Option<&mut PendingHello> {
        self.door.as_deref_mut()
    }

    /// A request over plain HTTP has its answer, and the head of the next may come: nothing of what it asked for, and
    /// nothing of whose it was, stays.
    pub fn begin_request(&mut self, max_message: usize) {
        self.step(Step::Answered);
        self.session = None;
        self.request = None;
        self.carrier = Carrier::Frames;
        self.form = Form::Json;
        self.max_message = max_message;
        self.full_since = None;
        self.agent = None;
    }
}

/// All connections.
#[derive(Debug, Default)]
pub struct Conns {
    table: Slab<Conn>,
    late: usize,
}

impl Conns {
    /// One more.
    pub fn add(&mut self, conn: Conn) -> ConnId {
        self.late += usize::from(conn.late);
        let (index, generation) = self.table.insert(conn);
        ConnId::new(index, generation)
    }

    /// The connection of a handle, if it is still there.
    #[must_use]
    pub fn get(&self, id: ConnId) -> Option<&Conn> {
        self.table.get(id.index(), id.generation())
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, id: ConnId) -> Option<&mut Conn> {
        self.table.get_mut(id.index(), id.generation())
    }

    /// Take one out.
    pub fn remove(&mut self, id: ConnId) -> Option<Conn> {
        let conn = self.table.remove(id.index(), id.generation())?;
        self.late -= usize::from(conn.late);
        debug_assert!(self.late <= self.table.len(), "who came late is one of those that are here");
        Some(conn)
    }

    /// The handles of all.
    #[must_use]
    pub fn ids(&self) -> Vec<ConnId> {
        self.table.iter().map(|(index, generation, _)| ConnId::new(index, generation)).collect()
    }

    /// All.
    pub fn iter(&self) -> impl Iterator<Item = &Conn> {
        self.table.iter().map(|(_, _, conn)| conn)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// How many of them came before the server stopped: it waits for their end.
    #[must_use]
    pub fn awaited(&self) -> usize {
        self.table.len() - self.late
    }

    /// Slots that walks through the whole table looked at.
    #[must_use]
    pub fn walked(&self) -> u64 {
        self.table.walked()
    }
}
