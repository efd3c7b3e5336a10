//! What is known of a connection.

use super::{Conn, Header, Peer, Phase, Request};
use crate::compress::Algorithm;
use crate::conn::Carrier;
use crate::ids::{Form, SessionId, Tick};
use crate::metrics::Transport;
use crate::shares::User;
use std::net::IpAddr;

impl Conn {
    /// The way of writing in which this connection hears.
    #[must_use]
    pub fn encoding(&self) -> u8 {
        self.carrier.encoding(self.form, self.deflate, self.agreed)
    }

    /// The session that hears by it.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        self.session
    }

    /// What carries what it hears.
    #[must_use]
    pub fn carrier(&self) -> Carrier {
        self.carrier
    }

    /// The same, as it is measured.
    #[must_use]
    pub fn transport(&self) -> Transport {
        match (self.phase, self.carrier) {
            (Phase::Raw, _) => Transport::Raw,
            (_, Carrier::Events { .. }) => Transport::Events,
            (_, Carrier::Poll) => Transport::Poll,
            (Phase::Head | Phase::Body | Phase::Answering | Phase::Parked, _) => Transport::Http,
            (_, Carrier::Frames) => Transport::WebSocket,
        }
    }

    /// The moment since which the kernel has not taken all that is due; 0: it has.
    #[must_use]
    pub fn due_since(&self) -> u64 {
        self.due_since
    }

    /// The form of its messages.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    /// Whether its messages may be compressed.
    #[must_use]
    pub fn deflate(&self) -> bool {
        self.deflate
    }

    /// What its hello agreed on, beside permessage-deflate.
    #[must_use]
    pub fn agreed(&self) -> Option<Algorithm> {
        self.agreed
    }

    /// Whether the shell was told to stop reading.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Whether it waits for its turn.
    #[must_use]
    pub fn is_queued(&self) -> bool {
        self.queued
    }

    /// Since when more requests wait for the application than may.
    #[must_use]
    pub fn full_since(&self) -> Option<Tick> {
        self.full_since
    }

    /// When a byte was last heard.
    #[must_use]
    pub fn heard(&self) -> Tick {
        self.heard
    }

    /// When the ping was sent that has no answer yet.
    #[must_use]
    pub fn pinged(&self) -> Option<Tick> {
        self.pinged
    }

    /// When the kernel last took bytes, or had none to take.
    #[must_use]
    pub fn progress(&self) -> Tick {
        self.progress
    }

    /// While it closes: until when it may take.
    #[must_use]
    pub fn closing_until(&self) -> Tick {
        self.closing_until
    }

    /// Whether its request asks with `HEAD`.
    #[must_use]
    pub fn head_only(&self) -> bool {
        self.head_only
    }

    /// The largest message that it may send (bytes).
    #[must_use]
    pub fn max_message(&self) -> usize {
        self.max_message
    }

    /// Whether the present request came by TLS, to us or to the proxy before us.
    #[must_use]
    pub fn secure(&self) -> bool {
        self.secure
    }

    /// Whether a PROXY header comes first.
    #[must_use]
    pub fn awaits_header(&self) -> bool {
        self.header == Header::Due
    }

    /// Whether it is a proxy's own, which speaks for nobody.
    #[must_use]
    pub fn is_of_nobody(&self) -> bool {
        self.header == Header::Nobody
    }

    /// Who connected, if a PROXY header said so.
    #[must_use]
    pub fn told(&self) -> Option<Peer> {
        (self.header == Header::Told).then_some(self.peer)
    }

    /// Whether it is an event stream whose signs of life are messages.
    #[must_use]
    pub fn beat(&self) -> bool {
        self.beat
    }

    /// Who sent the present request.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// From which port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Raw: how many messages and bytes of it wait in the application.
    #[must_use]
    pub fn raw_waiting(&self) -> (u32, u32) {
        self.raw_waiting
    }

    /// Whether it was told that only acks are still to come.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.leaving
    }

    /// Whether what it says may have been done in another session.
    #[must_use]
    pub fn is_doubted(&self) -> bool {
        self.doubted
    }

    /// Who connected.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// The program at the other end, as it calls itself.
    #[must_use]
    pub fn agent(&self) -> Option<&str> {
        self.agent.as_deref()
    }

    /// The user with whose connections it is counted.
    #[must_use]
    pub fn counted_user(&self) -> Option<&User> {
        self.counted_user.as_ref()
    }

    /// The request over plain HTTP that has no answer yet.
    #[must_use]
    pub fn request(&self) -> Option<&Request> {
        self.request.as_deref()
    }

    /// The same, to change it.
    pub fn request_mut(&mut self) -> Option<&mut Request> {
        self.request.as_deref_mut()
    }

    /// The program at the other end calls itself so.
    pub fn call(&mut self, agent: Option<Box<str>>) {
        self.agent = agent;
    }

    /// The request asks with `HEAD`, or not.
    pub fn answer_head_only(&mut self, head_only: bool) {
        self.head_only = head_only;
    }
}
