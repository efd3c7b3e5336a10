//! What a connection does in one step, with all that changes by it.

use super::{Carrier, Conn, Header, Parting, Peer, Request, Shape, Step};
use crate::compress::Algorithm;
use crate::frame::websocket::{Decoder, Role};
use crate::ids::{Form, SessionId, Tick};
use crate::shares::User;
use std::net::IpAddr;

impl Conn {
    /// The head asked for a WebSocket under the prefix, and it is switched.
    pub fn begin_frames(&mut self, form: Form, deflate: bool, agent: Option<Box<str>>) {
        self.form = form;
        self.switch(Step::Upgrade, deflate, agent);
    }

    /// The head asked for a raw socket, and it is switched: the application hears of it, and must hear of its end.
    pub fn begin_raw(&mut self, deflate: bool, agent: Option<Box<str>>, max_message: usize) {
        self.max_message = max_message;
        self.raw_open = true;
        self.switch(Step::Raw, deflate, agent);
    }

    fn switch(&mut self, step: Step, deflate: bool, agent: Option<Box<str>>) {
        self.deflate = deflate;
        self.decoder = Decoder::new(Role::Server, deflate);
        self.agent = agent;
        self.step(step);
    }

    /// It becomes an event stream, counted with the connections of this user. The request that asked for it.
    pub fn begin_events(&mut self, shape: Shape, user: Option<User>) -> Option<Box<Request>> {
        debug_assert!(self.counted_user.is_none(), "it is counted once");
        self.form = Form::Json;
        self.carrier = Carrier::Events { plain: shape.plain, wrap: shape.wrap };
        self.beat = shape.beat;
        self.counted_user = user;
        self.request.take()
    }

    /// The hello agreed on this.
    pub fn agree(&mut self, agreed: Option<Algorithm>) {
        self.agreed = agreed;
    }

    /// A session hears by it from now on.
    pub fn open(&mut self, session: SessionId, max_message: usize, now: Tick) {
        debug_assert!(self.session.is_none(), "it is of one session");
        self.step(Step::Open);
        self.session = Some(session);
        self.max_message = max_message;
        self.heard = now;
    }

    /// The poll waits: its session hears by it meanwhile.
    pub fn park(&mut self, session: SessionId) {
        debug_assert!(self.session.is_none(), "it is of one session");
        self.step(Step::Park);
        self.session = Some(session);
        self.form = Form::Json;
        self.carrier = Carrier::Poll;
    }

    /// The poll waits no more. Its session.
    pub fn unpark(&mut self) -> Option<SessionId> {
        self.step(Step::Wait);
        self.session.take()
    }

    /// No session hears by it any more.
    pub fn let_go(&mut self) {
        self.session = None;
    }

    /// It is counted with the connections of a user.
    pub fn count_for(&mut self, user: User) {
        debug_assert!(self.counted_user.is_none(), "it is counted once");
        self.counted_user = Some(user);
    }

    /// It is so no more: whose it was.
    pub fn uncount(&mut self) -> Option<User> {
        self.counted_user.take()
    }

    /// A request over plain HTTP is on its way. It is there until it has its answer.
    pub fn ask(&mut self, request: Request) {
        self.request = Some(Box::new(request));
    }

    /// It has its answer, or is a stream from now on.
    pub fn take_request(&mut self) -> Option<Box<Request>> {
        self.request.take()
    }

    /// A PROXY header comes first.
    pub fn expect_header(&mut self) {
        self.header = Header::Due;
    }

    /// It came, and says who connected; or nothing of that, and the connection is the proxy's own.
    pub fn introduced(&mut self, client: Option<(IpAddr, u16, bool)>) {
        self.header = Header::Nobody;
        if let Some((address, port, secure)) = client {
            self.introduce(Peer { address, port, secure, ..self.peer });
        }
    }

    /// None comes: it is from no proxy, or stood before its first request.
    pub fn expect_no_header(&mut self) {
        self.header = Header::None;
    }

    /// This is who connected, as a PROXY header said.
    pub fn introduce(&mut self, peer: Peer) {
        self.header = Header::Told;
        self.peer = peer;
        (self.port, self.secure) = (peer.port, peer.secure);
    }

    /// Its present request came from here.
    pub fn sent_by(&mut self, address: IpAddr) {
        self.address = address;
    }

    /// A proxy says who sent the present request: from this port, and by TLS or not.
    pub fn sent_through(&mut self, port: u16, secure: bool) {
        (self.port, self.secure) = (port, secure);
    }

    /// Bytes came.
    pub fn hear(&mut self, now: Tick) {
        self.heard = now;
    }

    /// A ping was sent.
    pub fn ping(&mut self, now: Tick) {
        self.pinged = Some(now);
    }

    /// A pong came: when the ping was sent that it answers.
    pub fn pong(&mut self) -> Option<Tick> {
        self.pinged.take()
    }

    /// The kernel took bytes, or had none to take.
    pub fn go_on(&mut self, now: Tick) {
        self.progress = now;
    }

    /// The moment since which the kernel has not taken all that is due; 0: it has.
    pub fn set_due_since(&mut self, moment: u64) {
        self.due_since = moment;
    }

    /// The shell is to stop reading. False: it was told so already.
    pub fn pause(&mut self) -> bool {
        !std::mem::replace(&mut self.paused, true)
    }

    /// The shell may read again. The silence clock stood while it did not.
    pub fn resume(&mut self, now: Tick) {
        self.paused = false;
        self.heard = now;
    }

    /// It waits for its turn. False: it did so already.
    pub fn queue(&mut self) -> bool {
        !std::mem::replace(&mut self.queued, true)
    }

    /// Its turn has come. False: it does not wait for it any more.
    pub fn unqueue(&mut self) -> bool {
        std::mem::take(&mut self.queued)
    }

    /// More requests wait for the application than may. False: they did so already.
    pub fn fill(&mut self, now: Tick) -> bool {
        let first = self.full_since.is_none();
        self.full_since.get_or_insert(now);
        first
    }

    /// They do not. False: they did not before.
    pub fn ease(&mut self) -> bool {
        self.full_since.take().is_some()
    }

    /// The application is asked who this is.
    pub fn ask_who(&mut self) {
        debug_assert!(!self.asking, "it is asked once at a time");
        self.asking = true;
    }

    /// It has said so. False: it was not asked.
    pub fn told_who(&mut self) -> bool {
        std::mem::take(&mut self.asking)
    }

    /// It was told that the server stops, or why it is closed: only the acks of what runs are still to come.
    pub fn leave(&mut self) {
        self.leaving = true;
    }

    /// Its hello named a session that is not there: what was said before its `welcome` has left may have been done there.
    pub fn doubt(&mut self) {
        self.doubted = true;
    }

    /// What waited for it has left, if `flushed`: what is read from now on was said to the session that it has, unless
    /// something was read before.
    pub fn trust(&mut self, flushed: bool) {
        self.doubted &= !flushed || !self.input.is_empty() || !self.backlog.is_empty();
    }

    /// Raw: so many messages and bytes of it wait in the application.
    pub fn raw_waits(&mut self, messages: u32, bytes: u32) {
        self.raw_waiting = (messages, bytes);
    }

    /// Raw: whether the application is to hear when what waits for it is little again.
    pub fn want_drained(&mut self, wants: bool) {
        self.wants_drained = wants;
    }

    /// Raw: what waits is little again. False: nobody wants to hear of it.
    pub fn drained(&mut self) -> bool {
        std::mem::take(&mut self.wants_drained)
    }

    /// It ends with this code and reason.
    pub fn end_with(&mut self, code: u16, reason: &str) {
        self.closed = Some((code, reason.into()));
    }

    /// Raw, and the application has not heard of its end: how it ended, or this, where nobody said so.
    pub fn raw_end(&mut self, otherwise: (u16, &str)) -> Option<(u16, Box<str>)> {
        let closed = self.closed.take();
        std::mem::take(&mut self.raw_open).then(|| closed.unwrap_or((otherwise.0, otherwise.1.into())))
    }

    /// Nothing more is taken or said; what was said leaves until then. Whether the shell had stopped reading.
    pub fn close(&mut self, until: Tick) -> bool {
        self.step(Step::Close);
        self.input = Vec::new();
        self.backlog.clear();
        self.queued = false;
        self.closing_until = until;
        std::mem::take(&mut self.paused)
    }

    /// A request was refused of which more may come: it is read and thrown away.
    pub fn part(&mut self, left: u64, until: Tick) {
        self.parting = Some(Box::new(Parting { left, until }));
    }

    /// So many bytes of it came: its end is put off until then, as far as may be. True: that was all that may come.
    pub fn throw_away(&mut self, count: usize, until: Tick) -> bool {
        let Some(parting) = &mut self.parting else { return false };
        parting.left = parting.left.saturating_sub(count as u64);
        self.closing_until = self.closing_until.max(until.min(parting.until));
        parting.left == 0
    }
}
