//! `POST /rt/send`: one message or an array of them up, and down what is ready within a moment.
//!
//! The messages go the way of any others. Those that must wait (for the application's word about a join, or for
//! a handler) wait in the session and not on the connection, which is answered all the same: the client may lose
//! it, and what it sent is taken. Who sends more than may wait is told 429, before anything of it is taken but the
//! answers in it, which others wait for.

use super::request::Route;
use crate::codes::{Code, close};
use crate::engine::Engine;
use crate::engine::conn::Phase;
use crate::engine::route::{expects_ack, id_of, is_answer};
use crate::engine::session::Session;
use crate::engine::standing::{Standing, over};
use crate::envelope::{Said, messages, read, write as envelope};
use crate::error::Fault;
use crate::frame::http::Refusal;
use crate::ids::{ConnId, Form, Now, SessionId};

impl Engine {
    pub(super) fn send_arrived(&mut self, id: ConnId, session: SessionId, body: &[u8], now: Now) {
        match self.standing(session, now) {
            Standing::Good => {}
            Standing::Expired => return self.refuse_request(id, &over(), true, now),
            Standing::Gone => return self.refuse_request(id, &super::no_session(), true, now),
            // Told as a poll is: what still comes on the old way is not done.
            Standing::Moved => return self.answer(id, &parting(), None, now),
        }
        let Some(held) = self.session(session) else { return };
        // A client sends one after the other: an earlier one has what it has.
        if let Some(earlier) = held.link.as_ref().and_then(|link| link.sending) {
            self.answer_send(earlier, now);
        }
        if self.is_crowded(session, body.len()) && !only_answers(body) {
            self.take_answers(session, body, now);
            let refusal = self.crowded(session);
            self.refuse_request(id, &refusal, true, now);
            return;
        }
        self.wake_session(session);
        let Some(held) = self.session_mut(session) else { return };
        if let Some(link) = &mut held.link {
            link.sending = Some(id);
            if link.here && held.conn.is_none() {
                self.stay_until_silent(session, now);
            }
        }
        self.outboxes[id.index()].answers = true;
        if let Some(conn) = self.conn_mut(id) {
            conn.phase = Phase::Answering;
            if let Some(request) = &mut conn.request {
                request.taking = true;
            }
        }
        for message in messages(Form::Json, body) {
            if self.session(session).is_none() {
                break; // it said bye
            }
            self.take_or_keep(session, message, now);
        }
        if let Some(request) = self.conn_mut(id).and_then(|conn| conn.request.as_mut()) {
            request.taking = false;
        }
        let due = now.tick.plus_ms(self.config.limits.send_wait_ms);
        if self.answer_if_done(id, session, now) {
            return;
        }
        if let Some(conn) = self.conn_mut(id) {
            conn.deadline = due;
            self.timers.conn(due, id);
        }
    }

    /// Whether more waits than may: for handlers, for the past to be decided, or to be read.
    fn is_crowded(&self, session: SessionId, more: usize) -> bool {
        let limits = &self.config.limits;
        let Some(held) = self.session(session) else { return false };
        let posted = held.rare.as_ref().map_or(0, |rare| rare.posted_bytes);
        let mail = held.link.as_ref().map_or(0, |link| link.mail_bytes());
        u64::from(held.waiting) >= limits.waiting_requests
            || u64::from(held.waiting_bytes) >= limits.waiting_bytes
            || (posted > 0 && (posted + more) as u64 > limits.waiting_bytes)
            || mail as u64 > limits.unsent_replies
    }

    /// Whether so many answers wait to be read over plain HTTP that no further request is taken. One request may have a
    /// long answer, a room's past, and one `send` may hold ten thousand of them.
    pub(in crate::engine) fn is_owed_much(&self, session: SessionId) -> bool {
        let Some(held) = self.session(session) else { return false };
        let Some(link) = held.link.as_deref() else { return false };
        let answering = link.sending.and_then(|id| self.conn(id)?.request.as_ref());
        let waiting = link.mail_bytes()
            + answering.map_or(0, |request| request.reply_bytes())
            + held.conn.map_or(0, |id| self.outboxes[id.index()].control_bytes());
        waiting as u64 > self.config.limits.unsent_replies
    }

    /// A request of one to whom much is owed is not taken. One that was taken before gets neither its ack, which may be
    /// long too, nor the advice to try again, which would have it done twice: it is asked for again later.
    pub(in crate::engine) fn put_off(&mut self, session: SessionId, said: &Said<'_>) {
        if self.was_taken(session, said) {
            self.stats.faults += 1;
            return;
        }
        let limit = self.config.limits.unsent_replies;
        let told = format!("answers of more than {limit} bytes wait to be read: this was not taken");
        self.refuse_for_now(session, said, told);
    }

    fn crowded(&self, session: SessionId) -> Refusal {
        let waiting = self.session(session).map_or(0, |held| held.waiting);
        let message = format!(
            "{waiting} requests of this session wait for an answer, or as many bytes as may: send this again in a \
             moment"
        );
        Refusal::new(429, Code::Overloaded, message).with_header("Retry-After", "1".to_owned())
    }

    /// Others wait for these: they pass whatever else waits.
    fn take_answers(&mut self, session: SessionId, body: &[u8], now: Now) {
        for message in messages(Form::Json, body) {
            let Ok(bytes) = message else { continue };
            if let Ok(said) = read(Form::Json, bytes)
                && is_answer(&said)
                && self.session(session).is_some()
            {
                self.said(session, said, bytes, now);
            }
        }
    }

    fn take_or_keep(&mut self, session: SessionId, message: Result<&[u8], Fault>, now: Now) {
        if !self.within_rate(session, now) {
            let limit = self.config.limits.messages_per_second;
            let told = format!("more than {limit} messages per second: this one was not taken");
            let fault = Fault::new(Code::Overloaded, told).retry();
            let id =
                message.ok().and_then(|bytes| read(Form::Json, bytes).ok()).and_then(|said| id_of(&said));
            self.tell_fault(session, &fault.with_id(id));
            return;
        }
        let waits = self.session(session).is_some_and(Session::has_posted);
        if !waits && self.session_takes(session) {
            self.message_of(session, Form::Json, message, now);
            return;
        }
        let Ok(bytes) = message else { return };
        if let Ok(said) = read(Form::Json, bytes)
            && is_answer(&said)
        {
            self.said(session, said, bytes, now);
            return;
        }
        self.keep_posted(session, bytes, false);
    }

    fn keep_posted(&mut self, session: SessionId, bytes: &[u8], first: bool) {
        let Some(held) = self.session_mut(session) else { return };
        let rare = held.rare();
        rare.posted_bytes += bytes.len();
        if first {
            rare.posted.push_front(bytes.into());
        } else {
            rare.posted.push_back(bytes.into());
        }
    }

    /// A message that was begun must wait after all.
    pub(in crate::engine) fn put_back(&mut self, session: SessionId, source: &[u8]) {
        let conn = self.session(session).filter(|held| held.link.is_none()).and_then(|held| held.conn);
        match conn.and_then(|conn| self.conn_mut(conn)) {
            Some(conn) => conn.backlog.push_front(source.into()),
            None => self.keep_posted(session, source, true),
        }
    }

    /// Go on with messages that came by `send`, as far as they may be taken.
    pub(in crate::engine) fn take_posted(&mut self, session: SessionId, now: Now) {
        while self.session(session).is_some_and(Session::has_posted) && self.session_takes(session) {
            let Some(rare) = self.session_mut(session).and_then(|held| held.rare.as_mut()) else { return };
            let Some(message) = rare.posted.pop_front() else { return };
            rare.posted_bytes -= message.len();
            self.message_of(session, Form::Json, Ok(&message), now);
        }
        if let Some(id) = self.session(session).and_then(|held| held.link.as_ref()?.sending) {
            self.answer_if_done(id, session, now);
        }
    }

    /// A request of the `send` that is being taken will have an ack.
    pub(in crate::engine) fn expect_ack(&mut self, session: SessionId, said: &Said<'_>) {
        let Some(ack) = expects_ack(said) else { return };
        let Some(id) = self.session(session).and_then(|held| held.link.as_ref()?.sending) else { return };
        if let Some(request) = self.conn_mut(id).and_then(|conn| conn.request.as_mut()) {
            request.expect(ack);
        }
    }

    /// Answer a `send` if it has all that it waits for; whether it was answered.
    pub(super) fn answer_if_done(&mut self, id: ConnId, session: SessionId, now: Now) -> bool {
        // Where the session ended, or speaks by WebSocket now, no ack will take this way.
        let held = self.session(session).filter(|held| held.link.is_some());
        let waits = held.is_some_and(Session::has_posted);
        let gone = held.is_none();
        let done = self
            .conn(id)
            .and_then(|conn| conn.request.as_ref())
            .is_none_or(|request| gone || (!waits && request.is_answered()));
        if done {
            self.answer_send(id, now);
        }
        done
    }

    /// The connection of a `send` is gone: acks that it waited for take the other way.
    pub(in crate::engine) fn send_lost(&mut self, id: ConnId) {
        let Some(Route::Send(session)) = self.conn(id).and_then(|conn| Some(conn.request.as_ref()?.route))
        else {
            return;
        };
        if let Some(link) = self.session_mut(session).and_then(|held| held.link.as_mut())
            && link.sending == Some(id)
        {
            link.sending = None;
        }
    }

    /// Answer a `send` with what there is.
    pub(in crate::engine) fn answer_send(&mut self, id: ConnId, now: Now) {
        let Some(request) = self.conn_mut(id).and_then(|conn| conn.request.as_mut()) else { return };
        let Route::Send(session) = request.route else { return };
        let body = request.messages();
        if let Some(link) = self.session_mut(session).and_then(|held| held.link.as_mut())
            && link.sending == Some(id)
        {
            link.sending = None;
        }
        self.answer(id, &body, None, now);
    }
}

/// The answer to a `send` of a session that has moved.
fn parting() -> Vec<u8> {
    let mut body = b"{\"messages\":[".to_vec();
    envelope::bye(&mut body, Form::Json, close::SUPERSEDED, super::poll::MOVED, None);
    body.extend_from_slice(b"]}");
    body
}

/// Whether a body holds nothing but what others wait for.
fn only_answers(body: &[u8]) -> bool {
    messages(Form::Json, body).all(|message| {
        message.ok().and_then(|bytes| read(Form::Json, bytes).ok()).is_some_and(|said| is_answer(&said))
    })
}
