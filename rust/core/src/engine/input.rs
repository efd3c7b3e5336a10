//! From bytes to what they carry: the request head (`head.rs` reads it), then bodies and frames.
//!
//! Parts: Conns, Out, Sessions, Shares, Steps, Timers.

use super::admission::full_refusal;
use super::config::Peer;
use super::head::Taken;
use super::steps::BYTES;
use super::{AppEvent, Engine, Op, size};
use crate::codes::{Code, close};
use crate::compress::MARK;
use crate::conn::{Conn, Phase};
use crate::error::Broken;
use crate::frame::Answering;
use crate::frame::http::Refusal;
use crate::frame::websocket::{Event, Kind, Payload, check_text, opcode};
use crate::ids::{ConnId, Form, Now};
use crate::limits::fixed::REFUSED_AT_ONCE;
use crate::outbox::{Lane, Meta};
use crate::shares::{Holder, What};
use crate::timers::Due;

impl Engine {
    /// A connection was accepted. `None`: there are too many even to say so; close it.
    pub fn connect(&mut self, peer: Peer, now: Now) -> Option<ConnId> {
        self.entry(now, |engine| engine.let_in_peer(peer, false, now))
    }

    /// The same; `told`: who this is was said by a PROXY header that stood before TLS.
    pub fn connect_told(&mut self, peer: Peer, told: bool, now: Now) -> Option<ConnId> {
        self.entry(now, |engine| engine.let_in_peer(peer, told, now))
    }

    fn let_in_peer(&mut self, peer: Peer, told: bool, now: Now) -> Option<ConnId> {
        let id = self.accept(peer, now)?;
        if peer.secure {
            self.past_header(id, peer, told);
        }
        Some(id)
    }

    pub(super) fn accept(&mut self, peer: Peer, now: Now) -> Option<ConnId> {
        let limits = &self.config.limits;
        let most = size(limits.connections).saturating_add(REFUSED_AT_ONCE);
        if limits.connections > 0 && self.conns.len() >= most {
            self.stats.refuse(Code::Overloaded);
            return None;
        }
        let from = Holder::peer(peer.address, None);
        let full = self.shares.full_for(&from, What::Connection, 1);
        let deadline = now.tick.plus_ms(limits.hello_ms);
        let mut conn = Conn::new(&peer, now.tick, size(limits.max_first_message), self.stopping);
        if !peer.secure && self.begins_with_header(&peer) {
            conn.expect_header();
        }
        let id = self.conns.add(conn);
        self.out.open(id);
        self.shares.take(&from, What::Connection, 1);
        self.stats.connections += 1;
        self.timers.set(Due::Conn(id), deadline);
        if let Some(full) = full {
            self.refuse(id, &full_refusal(&full), now);
        }
        Some(id)
    }

    /// Answer a request with a refusal and close.
    pub(super) fn refuse(&mut self, id: ConnId, refusal: &Refusal, now: Now) {
        self.stats.refuse(refusal.code);
        self.tell_refused(id, refusal);
        let head_only = self.conn(id).is_some_and(Conn::head_only);
        let to = Answering { keep: false, head_only };
        self.out.say(id, Lane::Control, Meta::Control, |out| refusal.write_as(to, out));
        self.begin_parting(id, now);
    }

    /// Bytes that arrived. They are unmasked where they lie.
    pub fn receive(&mut self, id: ConnId, bytes: &mut [u8], now: Now) {
        self.entry(now, |engine| engine.hear(id, bytes, now));
    }

    fn hear(&mut self, id: ConnId, bytes: &mut [u8], now: Now) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.hear(now.tick);
        self.stats.bytes_in += bytes.len() as u64;
        if conn.phase() == Phase::Closing {
            self.throw_away(id, bytes.len(), now);
            return;
        }
        if conn.is_queued() {
            conn.input.extend_from_slice(bytes);
        } else if conn.input.is_empty() && conn.backlog.is_empty() && !conn.is_paused() {
            let used = self.within(now, |engine| engine.take(id, bytes, now));
            if used < bytes.len()
                && let Some(conn) = self.conn_mut(id)
            {
                conn.input.extend_from_slice(&bytes[used..]);
            }
        } else {
            conn.input.extend_from_slice(bytes);
            self.within(now, |engine| engine.take_input(id, now));
        }
    }

    /// Go on with what had to wait.
    pub(super) fn take_input(&mut self, id: ConnId, now: Now) {
        while let Some(conn) = self.conn(id)
            && !conn.backlog.is_empty()
        {
            if self.steps.is_spent() {
                self.wait_turn(id, self.steps.line(), now);
                return;
            }
            if !self.may_take(id, now) {
                self.pause(id);
                return;
            }
            let taken = match self.conn_mut(id).and_then(|conn| conn.backlog.next()) {
                Some(Ok((bytes, range))) => self.message(id, Ok(&bytes[range]), now),
                Some(Err(fault)) => self.message(id, Err(fault), now),
                None => true,
            };
            if !taken {
                return;
            }
        }
        let Some(conn) = self.conn_mut(id) else { return };
        if !conn.input.is_empty() {
            let mut input = std::mem::take(&mut conn.input);
            let used = self.take(id, &mut input, now);
            if let Some(conn) = self.conn_mut(id)
                && used < input.len()
            {
                input.drain(..used);
                debug_assert!(conn.input.is_empty());
                conn.input = input;
            }
        }
    }

    /// Go on with a connection that was paused, if it now may.
    pub(super) fn wake_input(&mut self, id: ConnId, now: Now) {
        let Some(conn) = self.conn(id) else { return };
        if conn.is_queued() {
            return; // it goes on when its turn comes
        }
        let waits_for_head = conn.phase() == Phase::Head;
        if !conn.is_paused() || (!waits_for_head && !self.may_take(id, now)) {
            return;
        }
        let Some(conn) = self.conn_mut(id) else { return };
        conn.resume(now.tick);
        self.within(now, |engine| engine.take_input(id, now));
        if self.conn(id).is_some_and(|conn| !conn.is_paused()) {
            self.ops.push(Op::Resume(id));
        }
    }

    pub(super) fn pause(&mut self, id: ConnId) {
        let Some(conn) = self.conn_mut(id) else { return };
        if conn.pause() {
            self.stats.pauses += 1;
            self.ops.push(Op::Pause(id));
        }
    }

    /// Take what can be taken of `bytes`; how many were.
    fn take(&mut self, id: ConnId, bytes: &mut [u8], now: Now) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            let Some(conn) = self.conn(id) else { return bytes.len() };
            match conn.phase() {
                Phase::Closing => {
                    self.throw_away(id, bytes.len(), now);
                    return bytes.len();
                }
                _ if conn.is_queued() || self.steps.is_spent() => {
                    self.wait_turn(id, self.steps.line(), now);
                    return at;
                }
                // The answer to the last request leaves before the next one is looked at.
                Phase::Head if !self.out.is_empty(id) => {
                    self.pause(id);
                    return at;
                }
                Phase::Head if conn.awaits_header() => match self.take_header(id, &bytes[at..], now) {
                    Taken::Incomplete => return at,
                    Taken::Bytes(n) => at += n,
                    Taken::Over => return bytes.len(),
                },
                Phase::Head => match self.take_head(id, &bytes[at..], now) {
                    Taken::Incomplete => return at,
                    Taken::Bytes(n) => {
                        at += n;
                        if at == bytes.len() {
                            self.tell_continue(id);
                        }
                    }
                    Taken::Over => return bytes.len(),
                },
                Phase::Body => at += self.take_body(id, &bytes[at..], now),
                _ => {
                    if !self.may_take(id, now) {
                        self.pause(id);
                        return at;
                    }
                    match self.take_frame(id, &mut bytes[at..], now) {
                        Some(n) => at += n,
                        None => return at,
                    }
                }
            }
        }
        at
    }

    /// One frame, or as much of it as is there; `None`: the rest is part of a header.
    fn take_frame(&mut self, id: ConnId, bytes: &mut [u8], now: Now) -> Option<usize> {
        let conn = self.conns.get_mut(id)?;
        let max = conn.max_message();
        let transport = conn.transport();
        let (used, event) = match conn.decoder.next(bytes, max, &mut self.inflater) {
            Ok(taken) => taken,
            Err(broken) => {
                self.broken(id, &broken, now);
                return Some(bytes.len());
            }
        };
        self.steps.spend(1 + used / BYTES);
        let Some(event) = event else { return (used > 0).then_some(used) };
        match event {
            Event::Message { kind, payload } => {
                self.stats.messages_in += 1;
                self.meter.heard(transport);
                match payload {
                    Payload::Here(range) => self.heard(id, kind, &bytes[range], now),
                    Payload::Owned(owned) => {
                        self.steps.spend(owned.len() / BYTES); // it was inflated, or put together
                        self.heard_whole(id, kind, owned, now);
                    }
                }
            }
            Event::Ping(payload) => {
                // RFC 6455 §5.5.3: a pong carries the ping's payload. Who pings faster than it reads
                // its pongs is paused by the bound on the control lane.
                self.tell_frame(id, Lane::Control, opcode::PONG, payload.bytes(bytes));
            }
            Event::Pong(_) => self.heard_pong(id, now),
            Event::Close { code, reason } => self.heard_close(id, code, &reason, now),
        }
        Some(used)
    }

    fn heard_pong(&mut self, id: ConnId, now: Now) {
        let Some(conn) = self.conn_mut(id) else { return };
        if let Some(sent) = conn.pong() {
            let took = now.tick.0.saturating_sub(sent.0);
            let transport = conn.transport();
            let micros = u32::try_from(took / 1000).unwrap_or(u32::MAX);
            if let Some(session) = conn.session().and_then(|id| self.session_mut(id)) {
                session.measured(micros);
            }
            self.meter.round_trip(transport, took);
        }
    }

    /// A message of a WebSocket that is in nobody's buffer.
    fn heard_whole(&mut self, id: ConnId, kind: Kind, data: Vec<u8>, now: Now) {
        if self.conn(id).is_some_and(|conn| conn.phase() == Phase::Raw) {
            self.events.list.push(AppEvent::RawWhole { conn: id, kind, data });
        } else {
            self.heard(id, kind, &data, now);
        }
    }

    /// A frame that is compressed as the hello agreed.
    fn heard_packed(&mut self, id: ConnId, data: &[u8], now: Now) {
        let Some(conn) = self.conn(id) else { return };
        let (agreed, max, form) = (conn.agreed(), conn.max_message(), conn.form());
        let text = |frame: Vec<u8>| match form {
            Form::Json => check_text(&frame).map(|()| frame),
            Form::Msgpack => Ok(frame),
        };
        match self.out.tools().unpack(agreed, data, max).and_then(text) {
            Ok(frame) => {
                self.steps.spend(frame.len() / BYTES); // it was inflated
                self.frame(id, &frame, now);
            }
            Err(broken) => self.broken(id, &broken, now),
        }
    }

    /// A whole message of a WebSocket.
    fn heard(&mut self, id: ConnId, kind: Kind, data: &[u8], now: Now) {
        let Some(conn) = self.conn(id) else { return };
        if conn.phase() == Phase::Raw {
            let data = self.events.keep(data);
            self.events.list.push(AppEvent::RawMessage { conn: id, kind, data });
            return;
        }
        let wanted = match conn.form() {
            Form::Json => Kind::Text,
            Form::Msgpack => Kind::Binary,
        };
        if kind == Kind::Binary && data.first() == Some(&MARK) {
            self.heard_packed(id, data, now);
            return;
        }
        if kind == wanted {
            self.frame(id, data, now);
            return;
        }
        let reason = match conn.form() {
            Form::Json => "a binary frame came: this connection speaks JSON, in text frames",
            Form::Msgpack => "a text frame came: this connection speaks MessagePack, in binary frames",
        };
        self.broken(id, &Broken::new(close::UNSUPPORTED, reason), now);
    }
}
