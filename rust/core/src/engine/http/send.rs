//! `POST /rt/send`: one message or an array of them up, and down what is ready within a moment.
//!
//! Parts: Conns, Next, Out, Sessions, Steps, Timers.
//!
//! The messages go the way of any others. Those that must wait (for the application's word about a join, or for
//! a handler) wait in the session and not on the connection, which is answered all the same: the client may lose
//! it, and what it sent is taken. Who sends more than may wait is told 429, before anything of it is taken but the
//! answers in it, which others wait for.

use super::Came;
use crate::codes::{Code, close};
use crate::conn::{Conn, Request, Route, Step};
use crate::engine::Engine;
use crate::engine::lines::Line;
use crate::engine::next::Follow;
use crate::engine::route::{expects_ack, id_of, is_answer, is_large};
use crate::engine::standing::{Standing, over};
use crate::engine::steps::of_bytes;
use crate::envelope::{Heard, Messages, Said, Utf8, hear, messages, read, write as envelope};
use crate::error::Fault;
use crate::frame::http::Refusal;
use crate::ids::{ConnId, Form, Now, SessionId};
use crate::session::Link;
use crate::session::Rare;
use crate::session::Session;
use crate::timers::Due;

impl Engine {
    pub(super) fn send_arrived(&mut self, id: ConnId, session_id: SessionId, body: &[u8], now: Now) {
        let hello = self.conn(id).and_then(Conn::request).and_then(|request| request.hello);
        match self.standing(session_id, hello, now) {
            Standing::Good => {}
            Standing::Expired => return self.refuse_request(id, &over(), Came::Whole, now),
            Standing::Gone | Standing::Unheard => {
                return self.refuse_request(id, &super::no_session(), Came::Whole, now);
            }
            // Told as a poll is: what still comes on the old way is not done.
            Standing::Moved => return self.answer(id, &parting(), None, now),
        }
        let Some(session) = self.session(session_id) else { return };
        // A client sends one after the other: an earlier one has what it has.
        if let Some(earlier) = session.sending() {
            self.answer_send(earlier, now);
        }
        if self.is_crowded(session_id, body.len()) && !self.only_answers(body) {
            self.take_answers(session_id, body, now);
            let refusal = self.crowded(session_id);
            self.refuse_request(id, &refusal, Came::Whole, now);
            return;
        }
        self.wake_session(session_id);
        let Some(session) = self.session_mut(session_id) else { return };
        if let Some(link) = session.link_mut() {
            link.send_by(id);
            if link.is_here() && session.conn().is_none() {
                self.stay_until_silent(session_id, now);
            }
        }
        self.out.gather_for(id);
        if let Some(conn) = self.conn_mut(id) {
            conn.step(Step::Wait);
        }
        self.begin_taking(session_id);
        let mut all = messages(Form::Json, body);
        while let Some(session) = self.session(session_id) {
            let behind = session.rare().is_some_and(Rare::has_unseen);
            if behind || self.steps.is_spent() {
                self.look_later(session_id, &all, now);
                break;
            }
            let Some(message) = all.next() else { break };
            self.take_or_keep(session_id, message, now);
        }
        self.end_taking(session_id);
        let due = now.tick.plus_ms(self.config.limits.send_wait_ms);
        if self.answer_if_done(id, session_id, now) {
            return;
        }
        if self.conn(id).is_some() {
            self.timers.set(Due::Conn(id), due);
        }
    }

    /// Whether more waits than may: for handlers, for the past to be decided, or to be read.
    fn is_crowded(&self, session_id: SessionId, more: usize) -> bool {
        let limits = &self.config.limits;
        let Some(session) = self.session(session_id) else { return false };
        let posted = session.rare().map_or(0, Rare::posted_bytes);
        let mail = session.link().map_or(0, Link::mail_bytes);
        u64::from(session.waiting()) >= limits.waiting_requests
            || u64::from(session.waiting_bytes()) >= limits.waiting_bytes
            || (posted > 0 && posted.saturating_add(more) as u64 > limits.waiting_bytes)
            || mail as u64 > limits.unsent_replies
    }

    /// Whether so many answers wait to be read over plain HTTP that no further request is taken. One request may have a
    /// long answer, a room's past, and one `send` may hold ten thousand of them.
    pub(in crate::engine) fn is_owed_much(&self, session_id: SessionId) -> bool {
        let Some(session) = self.session(session_id) else { return false };
        let Some(link) = session.link() else { return false };
        let answering = link.sending().and_then(|id| self.conn(id)?.request());
        let waiting = link
            .mail_bytes()
            .saturating_add(answering.map_or(0, Request::reply_bytes))
            .saturating_add(session.conn().map_or(0, |id| self.out.control_bytes(id)));
        waiting as u64 > self.config.limits.unsent_replies
    }

    /// A request of one to whom much is owed is not taken. One that was taken before gets neither its ack, which may be
    /// long too, nor the advice to try again, which would have it done twice: it is asked for again later.
    pub(in crate::engine) fn put_off(&mut self, session: SessionId, said: &Said<'_>) {
        if self.was_taken(session, said) {
            self.stats.fault(Code::Overloaded);
            return;
        }
        let limit = self.config.limits.unsent_replies;
        let told = format!("answers of more than {limit} bytes wait to be read: this was not taken");
        self.refuse_for_now(session, said, told);
    }

    fn crowded(&self, session_id: SessionId) -> Refusal {
        let waiting = self.session(session_id).map_or(0, Session::waiting);
        let message = format!(
            "{waiting} requests of this session wait for an answer, or as many bytes as may: send this again in a \
             moment"
        );
        Refusal::new(429, Code::Overloaded, message).with_header("Retry-After", "1".to_owned())
    }

    /// What is left of a body is not looked at in this turn, or not before what came earlier.
    fn look_later(&mut self, session: SessionId, rest: &Messages<'_>, now: Now) {
        if rest.is_over() {
            return;
        }
        if let Some(rare) = self.session_mut(session).map(Session::make_rare) {
            rare.look_later(rest.rest());
        }
        self.wait_turn_of(session, self.steps.line(), now);
    }

    /// What is said from now on belongs into the answer of the `send` that brought what is being taken.
    fn begin_taking(&mut self, session_id: SessionId) {
        if let Some(request) = self.sending_of(session_id) {
            request.taking = true;
        }
    }

    /// It does so no more.
    fn end_taking(&mut self, session_id: SessionId) {
        if let Some(request) = self.sending_of(session_id) {
            request.taking = false;
        }
    }

    /// The `send` of a session that waits for its acks.
    fn sending_of(&mut self, session_id: SessionId) -> Option<&mut Request> {
        let sending = self.session(session_id).and_then(Session::sending)?;
        self.conn_mut(sending).and_then(Conn::request_mut)
    }

    /// A message of a body is looked at.
    fn look(&mut self, message: &Result<&[u8], Fault>) {
        self.steps.spend(of_bytes(message.as_ref().map_or(0, |bytes| bytes.len())));
    }

    /// Whether it is large, and waits for its turn.
    fn is_put_off(&self, message: &Result<&[u8], Fault>) -> bool {
        self.steps.puts_off_large() && message.as_ref().is_ok_and(|bytes| is_large(Form::Json, bytes))
    }

    /// Whether a body holds nothing but what others wait for, as far as a portion of a turn goes.
    fn only_answers(&mut self, body: &[u8]) -> bool {
        let names = self.config.names();
        messages(Form::Json, body).all(|message| {
            self.look(&message);
            self.steps.is_spent()
                || message
                    .ok()
                    .and_then(|bytes| read(Form::Json, bytes, names).ok())
                    .is_some_and(|said| is_answer(&said))
        })
    }

    /// Others wait for these: they pass whatever else waits. All of the body will come again, so that a portion of a
    /// turn is enough.
    fn take_answers(&mut self, session: SessionId, body: &[u8], now: Now) {
        for message in messages(Form::Json, body) {
            self.look(&message);
            if self.steps.is_spent() {
                return;
            }
            if let Ok(bytes) = message
                && self.session(session).is_some()
            {
                self.answered_by(session, bytes, now);
            }
        }
    }

    /// Take a message that others wait for, and what it says of acks. False: it is another one.
    fn answered_by(&mut self, session: SessionId, bytes: &[u8], now: Now) -> bool {
        let heard = hear(Form::Json, bytes, Utf8::Unknown, self.config.names());
        let Some(Heard { said, acked }) = heard.ok().filter(|heard| is_answer(&heard.said)) else {
            return false;
        };
        if let Some(acked) = acked {
            self.note_acked(session, acked);
        }
        self.said(session, said, bytes, now);
        true
    }

    fn take_or_keep(&mut self, session_id: SessionId, message: Result<&[u8], Fault>, now: Now) {
        let names = self.config.names();
        self.look(&message);
        if !self.within_rate(session_id, now) {
            let limit = self.config.limits.messages_per_second;
            let told = format!("more than {limit} messages per second: this one was not taken");
            let fault = Fault::new(Code::Overloaded, told).retry_after(1000);
            let said = message.ok().and_then(|bytes| read(Form::Json, bytes, names).ok());
            if said.as_ref().is_some_and(|said| self.was_taken(session_id, said)) {
                return self.stats.fault(Code::Overloaded); // it is asked for again later, as what is put off
            }
            self.tell_fault(session_id, &fault.with_id(said.as_ref().and_then(id_of)));
            return;
        }
        let waits = self.session(session_id).and_then(|session| session.rare()).is_some_and(Rare::has_posted);
        let large = self.is_put_off(&message);
        if large {
            self.wait_turn_of(session_id, Line::Much, now);
        }
        if !waits && !large && self.session_takes(session_id) {
            self.message_of(session_id, (Form::Json, Utf8::Unknown), message, now);
            return;
        }
        let Ok(bytes) = message else { return };
        if self.answered_by(session_id, bytes, now) {
            return;
        }
        if let Some(rare) = self.session_mut(session_id).map(Session::make_rare) {
            rare.post(bytes);
        }
    }

    /// A message that was begun must wait after all.
    pub(in crate::engine) fn put_back(&mut self, session_id: SessionId, source: &[u8]) {
        let conn =
            self.session(session_id).filter(|session| session.link().is_none()).and_then(Session::conn);
        match conn.and_then(|conn| self.conn_mut(conn)) {
            Some(conn) => conn.backlog.put_back(source),
            None => {
                if let Some(rare) = self.session_mut(session_id).map(Session::make_rare) {
                    rare.put_back(source);
                }
            }
        }
    }

    /// Go on with messages that came by `send`. Within what is done for another they only get their turn.
    pub(in crate::engine) fn wake_posted(&mut self, session: SessionId, now: Now) {
        if !self.session(session).is_some_and(Session::has_posted) {
            self.answer_sending(session, now);
        } else if self.steps.is_serving() {
            self.wait_turn_of(session, Line::Little, now);
        } else {
            self.next.add(Follow::Posted(session));
        }
    }

    /// The same, as far as they may be taken and a portion of a turn goes.
    pub(in crate::engine) fn take_posted(&mut self, session_id: SessionId, now: Now) {
        self.begin_taking(session_id);
        while let Some(session) = self.session(session_id).filter(|session| session.has_posted()) {
            if self.steps.is_spent() {
                self.wait_turn_of(session_id, self.steps.line(), now);
                break;
            }
            let looked_at = session.rare().is_some_and(Rare::has_posted);
            let takes = looked_at && self.session_takes(session_id);
            let Some(rare) = self.session_mut(session_id).map(Session::make_rare) else { break };
            let message = if takes { rare.next_posted() } else { rare.next_unseen() };
            let (bytes, range) = match message {
                Some(Ok(found)) => found,
                Some(Err(fault)) => {
                    self.message_of(session_id, (Form::Json, Utf8::Unknown), Err(fault), now);
                    continue;
                }
                None if looked_at && !takes => break,
                None => continue,
            };
            let bytes = &bytes[range];
            let message = Ok(bytes);
            if takes && self.is_put_off(&message) {
                self.put_back(session_id, bytes);
                self.wait_turn_of(session_id, Line::Much, now);
                break;
            }
            if takes {
                self.look(&message);
                self.message_of(session_id, (Form::Json, Utf8::Unknown), message, now);
            } else {
                self.take_or_keep(session_id, message, now);
            }
        }
        self.end_taking(session_id);
        let Some(session) = self.session(session_id) else { return };
        if let Some(conn) = session.conn().filter(|_| !session.has_posted()) {
            self.wake_backlog(conn, now); // a WebSocket that took the session over waited for these
        }
        self.answer_sending(session_id, now);
    }

    /// Answer the `send` that waits, if it has all that it waits for.
    fn answer_sending(&mut self, session_id: SessionId, now: Now) {
        if let Some(id) = self.session(session_id).and_then(Session::sending) {
            self.answer_if_done(id, session_id, now);
        }
    }

    /// A request of the `send` that is being taken will have an ack.
    pub(in crate::engine) fn expect_ack(&mut self, session_id: SessionId, said: &Said<'_>) {
        let Some(ack) = expects_ack(said) else { return };
        let Some(id) = self.session(session_id).and_then(Session::sending) else {
            return;
        };
        if let Some(request) = self.conn_mut(id).and_then(Conn::request_mut) {
            request.expect(ack);
        }
    }

    /// Answer a `send` if it has all that it waits for; whether it was answered.
    pub(super) fn answer_if_done(&mut self, id: ConnId, session_id: SessionId, now: Now) -> bool {
        // Where the session ended, or speaks by WebSocket now, no ack will take this way.
        let session = self.session(session_id).filter(|session| session.link().is_some());
        let waits = session.is_some_and(Session::has_posted);
        let gone = session.is_none();
        let done = self
            .conn(id)
            .and_then(Conn::request)
            .is_none_or(|request| !request.is_held() && (gone || (!waits && request.is_answered())));
        if done {
            self.answer_send(id, now);
        }
        done
    }

    /// The connection of a `send` is gone: acks that it waited for take the other way.
    pub(in crate::engine) fn send_lost(&mut self, id: ConnId) {
        let Some(Route::Send(session_id)) = self.conn(id).and_then(|conn| Some(conn.request()?.route)) else {
            return;
        };
        if let Some(link) = self.session_mut(session_id).and_then(|session| session.link_mut()) {
            link.sent(id);
        }
    }

    /// Answer a `send` with what there is.
    pub(in crate::engine) fn answer_send(&mut self, id: ConnId, now: Now) {
        let Some(request) = self.conn_mut(id).and_then(Conn::request_mut) else { return };
        let Route::Send(session_id) = request.route else { return };
        if request.is_held() {
            return; // it has its time
        }
        let body = request.messages();
        if let Some(link) = self.session_mut(session_id).and_then(|session| session.link_mut()) {
            link.sent(id);
        }
        self.answer_packed(id, &body, now);
    }
}

/// The answer to a `send` of a session that has moved.
fn parting() -> Vec<u8> {
    let mut body = b"{\"messages\":[".to_vec();
    envelope::bye(&mut body, Form::Json, close::SUPERSEDED, super::poll::MOVED, None);
    body.extend_from_slice(b"]}");
    body
}
