//! From a frame to the things said in it, each to the file that does it.
//!
//! Parts: Conns, Out, Sessions, Steps, Timers.
// Numbers of a peer come in here: a sum that could wrap or panic is an error of the build, or has its reason beside it.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::history::Wish;
use super::lines::Line;
use super::steps::of_bytes;
use super::{Engine, Refused, size};
use crate::codes::{Code, close};
use crate::conn::{Carrier, Conn, Phase};
use crate::envelope::{Heard, Said, Utf8, hear, messages, read, type_of};
use crate::error::Fault;
use crate::ids::{ConnId, Form, Now, SessionId};
use crate::session::Session;
use crate::stream::Streams;
use crate::timers::Due;

/// What a peer may have taken now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Take {
    All,
    /// Answers, pings and goodbyes: requests wait or are refused.
    Answers,
    Nothing,
}

impl Engine {
    fn takes(&self, id: ConnId, now: Now) -> Take {
        let Some(conn) = self.conn(id) else { return Take::Nothing };
        let limits = &self.config.limits;
        match conn.phase() {
            Phase::Checking | Phase::Answering | Phase::Parked => return Take::Nothing,
            // What follows a request for a stream is never looked at.
            Phase::Open if conn.carrier() != Carrier::Frames => return Take::Nothing,
            Phase::Raw => {
                let (messages, bytes) = conn.raw_waiting();
                let full = u64::from(messages) >= limits.waiting_requests
                    || u64::from(bytes) >= limits.waiting_bytes
                    || self.out.data_bytes(id) as u64 > limits.session_high
                    || self.out.control_bytes(id) as u64 > limits.unsent_replies;
                return if full { Take::Nothing } else { Take::All };
            }
            _ => {}
        }
        if self.out.control_bytes(id) as u64 > limits.unsent_replies {
            return Take::Nothing;
        }
        let Some(session) = conn.session().and_then(|id| self.session(id)) else { return Take::All };
        if session.is_held() {
            return Take::Nothing;
        }
        if session.has_posted() && self.has_room(session) {
            return Take::Nothing; // what came by `send` before is not done yet, and is next
        }
        let patient = conn.full_since().is_none_or(|since| now.tick.ms_since(since) < limits.ping_ms);
        let streams = session.streams();
        if streams.is_some_and(|streams| streams.waiting() as u64 >= limits.session_high) {
            return if patient { Take::Nothing } else { Take::Answers };
        }
        if self.has_room(session) {
            return Take::All;
        }
        // What an open stream needs must come through: credit, or it would wait for ever.
        let answers = !session.asks().is_empty() || streams.is_some_and(|streams| streams.open() > 0);
        if !answers && patient { Take::Nothing } else { Take::Answers }
    }

    /// Whether another request of a session may wait for its handlers.
    fn has_room(&self, session: &Session) -> bool {
        let limits = &self.config.limits;
        u64::from(session.waiting()) < limits.waiting_requests
            && u64::from(session.waiting_bytes()) < limits.waiting_bytes
    }

    /// Whether a message that came by `send` may be taken now.
    pub(super) fn session_takes(&self, session_id: SessionId) -> bool {
        self.session(session_id).is_some_and(|session| !session.is_held() && self.has_room(session))
    }

    /// Whether the next message of this connection may be taken; if not, what follows waits.
    pub(super) fn may_take(&mut self, id: ConnId, now: Now) -> bool {
        let takes = self.takes(id, now);
        let Some(conn) = self.conns.get_mut(id) else { return false };
        let full = takes != Take::All
            && conn.session().and_then(|id| self.sessions.get(id)).is_some_and(|session| !session.is_held());
        if !full {
            if conn.ease() {
                self.timers.drop(Due::Patience(id));
            }
        } else if conn.fill(now.tick) {
            self.timers.set(Due::Patience(id), now.tick.plus_ms(self.config.limits.ping_ms));
        }
        takes != Take::Nothing
    }

    /// A frame: one message, or an array of them in which each stands for itself.
    pub(super) fn frame(&mut self, id: ConnId, data: &[u8], now: Now) {
        let Some(form) = self.conn(id).map(Conn::form) else { return };
        let mut all = messages(form, data);
        // The first was looked at before its frame was taken.
        while let Some(message) = all.next() {
            let taken = self.message(id, message, now);
            if all.is_over() {
                return;
            }
            let Some(conn) = self.conn(id) else { return };
            if conn.phase() == Phase::Closing {
                return;
            }
            let waits = !conn.backlog.is_empty();
            let spent = self.steps.is_spent();
            if waits || !taken || spent || !self.may_take(id, now) {
                if let Some(conn) = self.conn_mut(id) {
                    conn.backlog.keep(all.rest());
                }
                if spent {
                    self.wait_turn(id, self.steps.line(), now);
                } else {
                    self.pause(id);
                }
                return;
            }
        }
    }

    /// One thing said. False: it is large, and waits for its turn.
    pub(super) fn message(&mut self, id: ConnId, message: Result<&[u8], Fault>, now: Now) -> bool {
        self.steps.spend(of_bytes(message.as_ref().map_or(0, |bytes| bytes.len())));
        let Some(conn) = self.conn(id) else { return true };
        let (form, phase, doubted, session) = (conn.form(), conn.phase(), conn.is_doubted(), conn.session());
        if self.steps.puts_off_large()
            && let Ok(bytes) = message
            && is_large(form, bytes)
        {
            if let Some(conn) = self.conn_mut(id) {
                conn.backlog.put_back(bytes);
            }
            self.wait_turn(id, Line::Much, now);
            return false;
        }
        if phase == Phase::Hello {
            self.first_message(id, message, now);
            return true;
        }
        let Some(session) = session else { return true };
        if !self.within_rate(session, now) {
            let limit = self.config.limits.messages_per_second;
            let reason = format!("more than {limit} messages per second");
            self.close_conn(id, close::RATE, &reason, Some(1.0), now);
            return true;
        }
        if doubted && self.refuse_doubted(session, form, &message) {
            return true;
        }
        self.message_of(session, (form, Utf8::Known), message, now);
        true
    }

    /// One thing that a session says, however it came.
    pub(super) fn message_of(
        &mut self,
        session_id: SessionId,
        (form, utf8): (Form, Utf8),
        message: Result<&[u8], Fault>,
        now: Now,
    ) {
        if self.is_over(session_id, now) {
            return; // nothing is done, nor said to be wrong, for who has no right to ask
        }
        let source = message.as_ref().map_or(&[][..], |bytes| bytes);
        let owed = self.is_owed_much(session_id);
        let said = match message.and_then(|bytes| hear(form, bytes, utf8, self.config.names())) {
            Ok(Heard { said, acked }) => {
                if let Some(acked) = acked {
                    self.note_acked(session_id, acked);
                }
                said
            }
            // Nobody waits for the error of what has no id, and a body can hold half a million of those.
            Err(fault) if owed && fault.id.is_none() => {
                self.stats.fault(fault.code);
                return;
            }
            Err(fault) => {
                self.tell_fault(session_id, &fault);
                return;
            }
        };
        if owed && !is_answer(&said) {
            self.put_off(session_id, &said);
            return;
        }
        // Only then can it be that answers alone are taken, and this is the way of every message.
        let conn = self.sessions.conn_of(session_id);
        let full = conn.filter(|id| self.conn(*id).is_some_and(|conn| conn.full_since().is_some()));
        if let Some(id) = full
            && self.takes(id, now) == Take::Answers
            && !is_answer(&said)
            && !self.was_taken(session_id, &said)
        {
            let (requests, items) = self
                .session(session_id)
                .map_or((0, 0), |session| (session.waiting(), session.streams().map_or(0, Streams::waiting)));
            let told = format!("{requests} requests and {items} bytes of items of this session wait already");
            self.refuse_for_now(session_id, &said, told);
            return;
        }
        self.said(session_id, said, source, now);
    }

    /// Not taken now: it may be tried again.
    pub(super) fn refuse_for_now(&mut self, session: SessionId, said: &Said<'_>, told: String) {
        let fault = Fault::new(Code::Overloaded, told).with_id(id_of(said)).retry_after(1000);
        match said {
            Said::Open(open) => self.put_off_stream(session, open.id, &fault),
            _ => self.tell_fault(session, &fault),
        }
    }

    /// Whether it is a request that was taken before: it gets its ack and makes no work. To say of it that it may be
    /// tried again, with a new id, would have it done twice.
    pub(super) fn was_taken(&self, session_id: SessionId, said: &Said<'_>) -> bool {
        matches!(said, Said::Publish(_) | Said::Emit(_) | Said::Open(_))
            && id_of(said).is_some_and(|id| {
                self.session(session_id).is_some_and(|session| id <= session.acks().taken())
            })
    }

    /// Do what was said.
    pub(super) fn said(&mut self, session: SessionId, said: Said<'_>, source: &[u8], now: Now) {
        let request = id_of(&said);
        let joins = matches!(said, Said::Join(_));
        self.expect_ack(session, &said);
        let done = match said {
            Said::Hello(_) => Err(Fault::new(Code::InvalidMessage, "hello was said already")),
            Said::Join(join) => self.said_join(session, join, now),
            Said::Leave { id, room } => self.said_leave(session, id, &room, now),
            Said::Publish(publish) => self.said_publish(session, &publish, source, now),
            Said::History { id, room, after, limit, last } => {
                let wish = last.map_or(Wish::After(after.as_deref(), limit), Wish::Last);
                self.said_history(session, id, &room, &wish, now)
            }
            Said::Emit(emit) => self.said_emit(session, &emit, source, now),
            Said::Reply { id, result } => {
                self.said_reply(session, id, result);
                Ok(())
            }
            Said::Auth { id, token } => {
                self.said_auth(session, id, &token);
                Ok(())
            }
            Said::Ping { time, clock, rtt, .. } => {
                self.said_ping(session, time.as_ref(), rtt, now);
                self.note_clock(session, clock, now);
                Ok(())
            }
            Said::Report(report) => {
                self.said_report(session, &report, now);
                Ok(())
            }
            Said::Open(open) => {
                self.said_open(session, &open);
                Ok(())
            }
            Said::Stream(said) => {
                self.said_of_stream(session, said);
                Ok(())
            }
            Said::Push(push) => self.said_push(session, &push, now),
            Said::Pull(pull) => self.said_pull(session, &pull),
            Said::Bye { .. } => {
                self.said_bye(session, now);
                Ok(())
            }
        };
        if let Err(fault) = done {
            let request = fault.id.or(request);
            if joins {
                self.tell_refused_of(session, Refused::Join, fault.code.word(), &fault.message);
            }
            self.tell_fault(session, &fault.with_id(request));
        }
    }

    fn first_message(&mut self, id: ConnId, message: Result<&[u8], Fault>, now: Now) {
        let Some(form) = self.conn(id).map(Conn::form) else { return };
        let told = match message {
            Err(fault) => fault.message,
            Ok(bytes) => match read(form, bytes, self.config.names()) {
                Ok(Said::Hello(hello)) => {
                    self.said_hello(id, &hello, now);
                    return;
                }
                Err(fault) if type_of(form, bytes).is_some_and(|kind| kind == "hello") => fault.message,
                _ => "the first message must be a hello".into(),
            },
        };
        if self.config.tells_faults
            && let Some(address) = self.conn(id).map(Conn::address)
        {
            self.events.refuse(Refused::Message, address, || told.to_string());
        }
        self.close_conn(id, close::HELLO_EXPECTED, &told, None, now);
    }

    /// A token bucket of two seconds' worth: bursts pass, a flood does not.
    pub(super) fn within_rate(&mut self, id: SessionId, now: Now) -> bool {
        let rate = self.config.limits.messages_per_second;
        if rate == 0 {
            return true;
        }
        let Some(session) = self.session_mut(id) else { return false };
        session.spend(rate, now)
    }

    /// The bound of a session's own ring: what may wait for it, and a little more for what is said
    /// without waiting.
    pub(super) fn own_bytes(&self) -> usize {
        size(self.config.limits.session_high.saturating_mul(2))
    }
}

/// What may take many steps, or a task of the application's, however little is said: the past of a room, whose it is, a
/// session or a stream that begins. A goodbye is none (`said_bye`).
pub(super) fn is_large(form: Form, message: &[u8]) -> bool {
    type_of(form, message).is_some_and(|kind| {
        matches!(&*kind, "hello" | "join" | "history" | "auth" | "open" | "push" | "pull")
    })
}

/// What others wait for, and goodbyes: taken even where requests must wait.
pub(super) fn is_answer(said: &Said<'_>) -> bool {
    matches!(
        said,
        Said::Reply { .. } | Said::Ping { .. } | Said::Report(_) | Said::Bye { .. } | Said::Stream(_)
    )
}

/// The id of a request that will have an ack.
pub(super) fn expects_ack(said: &Said<'_>) -> Option<u64> {
    match said {
        // (What comes of an `open` are its items and its end, and those come down.)
        Said::Hello(_)
        | Said::Ping { .. }
        | Said::Report(_)
        | Said::Bye { .. }
        | Said::Reply { .. }
        | Said::Open(_) => None,
        _ => id_of(said),
    }
}

/// The id of a request.
pub(super) fn id_of(said: &Said<'_>) -> Option<u64> {
    match said {
        Said::Hello(hello) => hello.id,
        Said::Join(join) => join.id,
        Said::Publish(publish) => publish.id,
        Said::Emit(emit) => emit.id,
        Said::Report(report) => report.id,
        Said::Push(push) => push.id,
        Said::Pull(pull) => pull.id,
        Said::Leave { id, .. }
        | Said::History { id, .. }
        | Said::Auth { id, .. }
        | Said::Ping { id, .. }
        | Said::Bye { id } => *id,
        Said::Open(open) => Some(open.id),
        Said::Reply { .. } | Said::Stream(_) => None, // the id is the server's, or a stream's
    }
}
