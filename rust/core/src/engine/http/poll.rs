//! `GET /rt/poll`: what there is at once, or as soon as there is something.
//!
//! Parts: Conns, Out, Sessions, Timers.
//!
//! Answers are numbered. A poll names how many it has had (`after`); the newest answer is kept until the next
//! number is asked for, so that a poll whose answer was lost on the way has the same one again.

use super::Came;
use crate::codes::{Code, close};
use crate::conn::{Conn, Phase, Request, Step};
use crate::engine::Engine;
use crate::engine::standing::{OVER, Standing};
use crate::envelope::write as envelope;
use crate::frame::http::{Head, Refusal};
use crate::frame::query::Query;
use crate::ids::{ConnId, Form, Now, SessionId};
use crate::outbox::{Lane, Meta};
use crate::session::Link;
use crate::session::Start;
use crate::timers::Due;

/// What is said on the old way of a session that has moved.
pub(super) const MOVED: &str = "a newer connection took this session over";
/// What stands around the messages of an answer, at most (bytes).
const AROUND: usize = 40;
/// An answer's room is used again for the next, unless it is larger than this and than twice what is needed: one
/// large answer should not be paid for by every idle poll.
const KEPT: usize = 1024;

impl Engine {
    pub(super) fn poll(
        &mut self,
        id: ConnId,
        request: Request,
        head: &Head<'_>,
        query: &Query<'_>,
        now: Now,
    ) -> Result<(), Refusal> {
        let session_id = self.speaker(head, query)?;
        let after = query.number("after")?.unwrap_or(0);
        let most = self.config.limits.poll_wait_ms;
        let wait = query.milliseconds("wait")?.map_or(most, |wait| wait.min(most));
        let agent = head.agent();
        let standing = self.standing(session_id, request.hello, now);
        if matches!(standing, Standing::Gone | Standing::Unheard) {
            return Err(super::no_session());
        }
        if let Some(conn) = self.conn_mut(id) {
            conn.call(agent);
            conn.ask(request);
            conn.step(Step::Wait);
        }
        let goodbye = match standing {
            Standing::Expired => Some((close::EXPIRED, OVER)),
            Standing::Moved => Some((close::SUPERSEDED, MOVED)),
            Standing::Good | Standing::Gone | Standing::Unheard => None,
        };
        if let Some((code, reason)) = goodbye {
            let body = farewell(after.saturating_add(1), code, reason);
            self.answer(id, &body, None, now);
            return Ok(());
        }
        let Some(session) = self.session(session_id) else { return Ok(()) };
        let Some(link) = session.link() else { return Ok(()) };
        let (n, wait) = (link.answers(), link.quiet_ms(wait));
        if after > n && link.is_renewed() {
            // No answer of this hello had such a number: it is a poll of an earlier one.
            let body =
                farewell(after.saturating_add(1), close::SUPERSEDED, "a newer hello took this session over");
            self.answer(id, &body, None, now);
            return Ok(());
        }
        if after != n && Some(after) != n.checked_sub(1) {
            let message = format!(
                "\"after\" is {after}: it must be {n}, or {} for the last answer",
                n.saturating_sub(1)
            );
            self.refuse_request(id, &Refusal::new(400, Code::InvalidMessage, message), Came::Whole, now);
            return Ok(());
        }
        if let Some(old) = session.conn() {
            if self.conn(old).is_some_and(|conn| conn.phase() == Phase::Parked) {
                self.give_way(old, now);
            } else {
                self.supersede(old, session_id, now);
            }
        }
        self.be_here(session_id);
        let Some(link) = self.session(session_id).and_then(|session| session.link()) else {
            return Ok(());
        };
        if after < link.answers() {
            self.answer_last(id, session_id, now);
            self.stay_until_silent(session_id, now);
            return Ok(());
        }
        self.park(id, session_id, wait, now);
        Ok(())
    }

    /// Somebody is there again who was away.
    pub(super) fn be_here(&mut self, session_id: SessionId) {
        self.wake_session(session_id);
        let lifecycle = self.config.lifecycle;
        let Some(link) = self.session_mut(session_id).and_then(|session| session.link_mut()) else {
            return;
        };
        if link.be_here() {
            self.stats.resumed += 1;
            if lifecycle {
                self.know(session_id);
                self.events.list.push(crate::engine::AppEvent::Resumed { session: session_id });
            }
        }
    }

    /// Let a poll wait, and feed it what there is: what it then has to say leaves at the end of the turn.
    fn park(&mut self, id: ConnId, session_id: SessionId, wait_ms: u64, now: Now) {
        let due = now.tick.plus_ms(wait_ms);
        let until = due.plus_ms(self.config.limits.silence_ms);
        let Some(session) = self.session_mut(session_id) else { return };
        let cursor = session.cursor();
        session.stay_until(until);
        let mut mail = std::collections::VecDeque::new();
        let mut first = false;
        if let Some(link) = session.link_mut() {
            first = link.park(now.tick);
            mail = link.take_mail();
        }
        let Some(conn) = self.conn_mut(id) else { return };
        conn.park(session_id);
        let encoding = conn.encoding();
        self.out.gather_for(id);
        self.sessions.attach(session_id, id, encoding, cursor, Start::Fed);
        self.timers.set(Due::Away(session_id), until);
        self.timers.set(Due::Conn(id), due);
        self.deliver_mail(id, mail);
        if first {
            self.feed(session_id, now); // as one who comes back: what its rooms have let go of is told, whatever their policy
        } else {
            self.feed_on(session_id, now);
        }
        self.feed_streams(session_id);
        if wait_ms == 0 {
            self.end_poll(id, now);
        }
    }

    /// What waited for the session, ahead of what it is fed.
    pub(super) fn deliver_mail(&mut self, id: ConnId, mail: std::collections::VecDeque<Box<[u8]>>) {
        for message in mail {
            self.tell(id, |out, _| out.extend_from_slice(&message));
        }
    }

    /// Answer a parked poll with what it was given.
    pub(in crate::engine) fn end_poll(&mut self, id: ConnId, now: Now) {
        let Some(session) = self.unpark(id) else { return };
        self.answer_last(id, session, now);
    }

    /// A poll is over: the session keeps its cursor again, and the body of the answer until the next one.
    fn unpark(&mut self, id: ConnId) -> Option<SessionId> {
        let conn = self.conn_mut(id).filter(|conn| conn.phase() == Phase::Parked)?;
        let session = conn.unpark()?;
        self.let_go_of_conn(session);
        let Self { sessions, out, .. } = self;
        let link = sessions.get_mut(session)?.link_mut()?;
        let most = out.control_bytes(id).saturating_add(out.data_bytes(id)).saturating_add(AROUND);
        let (n, body) = link.next_answer(most, KEPT);
        answer_of(body, n, out.pieces(id));
        out.clear(id);
        Some(session)
    }

    /// Answer with the newest body that was put together for a session.
    fn answer_last(&mut self, id: ConnId, session_id: SessionId, now: Now) {
        let link = self.session_mut(session_id).and_then(|session| session.link_mut());
        let Some(body) = link.map(Link::take_answer) else { return };
        self.answer_packed(id, &body, now);
        if let Some(link) = self.session_mut(session_id).and_then(|session| session.link_mut()) {
            link.put_answer(body);
        }
    }

    /// A second poll takes over. What the first was given already is its answer, and will be the second's too; else it
    /// is told that it was superseded, under its own number.
    fn give_way(&mut self, id: ConnId, now: Now) {
        if !self.out.is_empty(id) {
            self.end_poll(id, now);
            return;
        }
        let Some(conn) = self.conn_mut(id) else { return };
        let Some(session_id) = conn.unpark() else { return };
        self.let_go_of_conn(session_id);
        let n = self.session(session_id).and_then(|session| session.link()).map_or(0, Link::answers);
        let body = farewell(n, close::SUPERSEDED, "a newer poll took this session over");
        self.stats.closed(close::SUPERSEDED);
        self.answer(id, &body, None, now);
    }

    /// A parked poll ends for good, and what it is told of that must wait: the number of its answer.
    pub(in crate::engine) fn give_up_poll(&mut self, id: ConnId) -> Option<u64> {
        let session = self.conn_mut(id)?.unpark()?;
        self.let_go_of_conn(session);
        let (n, _) = self.session_mut(session)?.link_mut()?.next_answer(0, KEPT);
        Some(n)
    }

    /// What such a one is told.
    pub(in crate::engine) fn answer_farewell(
        &mut self,
        id: ConnId,
        n: u64,
        (code, reason): (u16, &str),
        now: Now,
    ) {
        self.answer(id, &farewell(n, code, reason), None, now);
    }

    /// A parked poll ends for good: what it is told is `bye`.
    pub(in crate::engine) fn close_poll(
        &mut self,
        id: ConnId,
        code: u16,
        reason: &str,
        after: Option<f64>,
        now: Now,
    ) {
        if self.stopping {
            self.out.drop_data(id); // its acks are heard now, or never
        } else {
            self.out.clear(id);
        }
        let encoding = crate::engine::encoding::POLL;
        self.post(id, Lane::Control, Meta::Control, encoding, |out, form| {
            envelope::bye(out, form, code, reason, after);
        });
        let Some(session) = self.conn(id).and_then(Conn::session) else { return };
        if self.unpark(id).is_some() {
            self.answer_last(id, session, now);
        }
        self.go_away(session, now);
    }

    /// The connection of a parked poll is gone. What it was given already is kept for the poll that asks again; and
    /// if it was idle, something between may have cut it.
    pub(in crate::engine) fn poll_lost(&mut self, id: ConnId, now: Now) {
        let Some(session_id) = self.conn(id).and_then(Conn::session) else { return };
        if self.out.is_empty(id) {
            self.let_go_of_conn(session_id);
            if let Some(link) = self.session_mut(session_id).and_then(|session| session.link_mut()) {
                link.poll_was_cut(now.tick);
            }
        } else {
            self.unpark(id);
        }
        if let Some(conn) = self.conn_mut(id) {
            conn.let_go();
        }
        self.stay_until_silent(session_id, now);
    }
}

/// Append an answer: its number, and messages with a comma behind each.
fn answer_of<'a>(body: &mut Vec<u8>, n: u64, messages: impl Iterator<Item = &'a [u8]>) {
    body.extend_from_slice(b"{\"n\":");
    body.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
    body.extend_from_slice(b",\"messages\":[");
    for piece in messages {
        body.extend_from_slice(piece);
    }
    if body.ends_with(b",") {
        body.pop();
    }
    body.extend_from_slice(b"]}");
}

fn farewell(n: u64, code: u16, reason: &str) -> Vec<u8> {
    let (mut bye, mut body) = (Vec::new(), Vec::new());
    envelope::bye(&mut bye, Form::Json, code, reason, None);
    answer_of(&mut body, n, std::iter::once(bye.as_slice()));
    body
}
