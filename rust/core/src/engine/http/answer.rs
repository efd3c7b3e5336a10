//! Answering a request, and what its connection does then.
//!
//! Parts: Conns, Out, Timers.

use crate::codes::{Code, close};
use crate::conn::Conn;
use crate::conn::{Phase, Route};
use crate::engine::Engine;
use crate::envelope::write::{self as envelope, ErrorOut};
use crate::frame::answer::{self, About};
use crate::frame::http::Refusal;
use crate::frame::{Answering, cors};
use crate::ids::{ConnId, Now};
use crate::outbox::{Lane, Meta};
use crate::timers::Due;

/// How much was read of a request that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Came {
    /// All of it: the next may follow.
    Whole,
    /// More of it may come, which is read and thrown away.
    InPart,
}

impl Engine {
    /// Answer the request of a connection with JSON.
    pub(super) fn answer(&mut self, id: ConnId, body: &[u8], cookie: Option<&str>, now: Now) {
        self.answer_with(id, now, |out, about| answer::json(out, &About { cookie, ..*about }, body));
    }

    /// The same, compressed where the peer takes that and it pays. Not for what holds a key or a ticket.
    pub(super) fn answer_packed(&mut self, id: ConnId, body: &[u8], now: Now) {
        let excludes = self.excludes;
        let coding = self.conn(id).and_then(Conn::request).and_then(|request| request.accepts);
        let packed = coding
            .filter(|_| !excludes)
            .and_then(|coding| Some((coding.word(), self.out.pack_body(coding, body)?)));
        match packed {
            Some((coding, body)) => self.answer_with(id, now, |out, about| {
                answer::json(out, &About { coding: Some(coding), ..*about }, &body);
            }),
            None => self.answer(id, body, None, now),
        }
    }

    /// Answer with an error of the application's, as JSON: with this status, and when to come back.
    pub(super) fn answer_error(&mut self, id: ConnId, status: u16, error: &ErrorOut<'_>, now: Now) {
        let retry = error.after_ms.map(|ms| ms.div_ceil(1000).max(1));
        let mut body = Vec::new();
        envelope::bare_error(&mut body, error);
        self.answer_with(id, now, |out, about| answer::refused(out, about, (status, retry), &body));
    }

    /// Answer that there is nothing, and never will be: 204 lets an `EventSource` stay away, HTML §9.2.3.
    pub(super) fn answer_nothing(&mut self, id: ConnId, now: Now) {
        self.answer_with(id, now, answer::empty);
    }

    fn answer_with(&mut self, id: ConnId, now: Now, write: impl FnOnce(&mut Vec<u8>, &About<'_>)) {
        let stopping = self.stopping;
        let Some(request) = self.conn_mut(id).and_then(Conn::take_request) else { return };
        self.out.gather_no_more(id);
        let keep = request.keep && !stopping;
        let about = About { keep, origin: request.origin.as_deref(), ..About::default() };
        self.out.say(id, Lane::Control, Meta::Control, |out| write(out, &about));
        self.after_answer(id, keep, now);
    }

    /// Refuse the request of a connection.
    pub(in crate::engine) fn refuse_request(&mut self, id: ConnId, refusal: &Refusal, came: Came, now: Now) {
        self.tell_refused(id, refusal);
        self.answer_refusal(id, refusal, came, now);
    }

    fn answer_refusal(&mut self, id: ConnId, refusal: &Refusal, came: Came, now: Now) {
        self.stats.refuse(refusal.code);
        let stopping = self.stopping;
        let Some(request) = self.conn_mut(id).and_then(Conn::take_request) else { return };
        self.out.gather_no_more(id);
        let keep = came == Came::Whole && request.keep && !stopping;
        let head_only = self.conn(id).is_some_and(Conn::head_only);
        let refusal = cors::readable_by(refusal.clone(), request.origin.as_deref());
        self.out.say(id, Lane::Control, Meta::Control, |out| {
            refusal.write_as(Answering { keep, head_only }, out);
        });
        match came {
            Came::Whole => self.after_answer(id, keep, now),
            Came::InPart => self.begin_parting(id, now),
        }
    }

    fn after_answer(&mut self, id: ConnId, keep: bool, now: Now) {
        if !keep {
            self.begin_closing(id, now);
            return;
        }
        self.leave_door(id);
        let due = now.tick.plus_ms(self.config.limits.keep_alive_ms);
        let max_message = super::size(self.config.limits.max_first_message);
        let Some(conn) = self.conn_mut(id) else { return };
        conn.begin_request(max_message);
        self.timers.set(Due::Conn(id), due);
    }

    /// The turn ends: answer what has its answer. True: it has, and what is to be written is new.
    pub(in crate::engine) fn complete(&mut self, id: ConnId, now: Now) -> bool {
        let Some(conn) = self.conn(id) else { return false };
        match (conn.phase(), conn.request().map(|request| request.route)) {
            (Phase::Parked, _) if !self.out.is_empty(id) => {
                self.end_poll(id, now);
                true
            }
            (Phase::Answering, Some(Route::Send(session))) => self.answer_if_done(id, session, now),
            (Phase::Checking, Some(Route::Stream { .. })) => self.open_if_begun(id, now),
            (Phase::Open, None) => self.end_with_stream(id, now),
            _ => false,
        }
    }

    /// What a close code means for a request that has no answer yet.
    pub(in crate::engine) fn refuse_by_close(
        &mut self,
        id: ConnId,
        code: u16,
        reason: &str,
        after: Option<f64>,
        now: Now,
    ) {
        let (status, word) = match code {
            close::UNAUTHORIZED | close::EXPIRED => (401, Code::Unauthorized),
            close::FORBIDDEN => (403, Code::Forbidden),
            close::HELLO_EXPECTED | close::BAD_DATA => (400, Code::InvalidMessage),
            close::INTERNAL => (500, Code::Internal),
            _ => (503, Code::Overloaded),
        };
        let mut refusal = Refusal::new(status, word, reason.to_owned());
        if status == 503 {
            let seconds = after.unwrap_or(1.0).ceil().max(1.0);
            refusal = refusal.with_header("Retry-After", format!("{seconds:.0}"));
        }
        self.answer_refusal(id, &refusal, Came::Whole, now);
    }

    /// Whether a connection carries a `send` that waits for acks.
    pub(in crate::engine) fn waiting_send(
        &mut self,
        id: ConnId,
        answers: Option<u64>,
    ) -> Option<&mut crate::conn::Request> {
        let request = self.conn_mut(id)?.request_mut()?;
        let here = matches!(request.route, Route::Send(_))
            && (request.taking || answers.is_some_and(|answers| request.awaits(answers)));
        here.then_some(request)
    }
}
