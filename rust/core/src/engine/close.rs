//! How connections and sessions end.
//!
//! Parts: Conns, Durable, Keys, Log, Next, Out, Sessions, Shares, Steps, Timers.
//!
//! A connection that we close is told why (`bye`, then the close frame with the same code), shut down
//! for writing once that has left, and dropped when the peer has closed too, or after `close_ms`:
//! dropped at once, the kernel would answer what is still on its way with a reset, and the peer might
//! never read why (RFC 6455 §7.1.1).
//!
//! A session does not end with its connection: only the client's `bye`, the application or the
//! resume window ends it.

use super::events::Leaving;
use super::next::Follow;
use super::steps::{ROOMS, SESSION, TASK};
use super::{AppEvent, Engine, Op};
use crate::codes::{Code, close};
use crate::conn::{Carrier, Conn, Phase, Request};
use crate::durable::notices::Goodbye;
use crate::envelope::write as envelope;
use crate::error::Broken;
use crate::frame::http::Refusal;
use crate::frame::websocket::write_close;
use crate::ids::{ConnId, Now, SessionId};
use crate::log::dedupe::ScopeUser;
use crate::outbox::{Lane, Meta};
use crate::session::Hold;
use crate::session::Joined;
use crate::session::Link;
use crate::session::Session;
use crate::shares::{Account, Holder, What};
use crate::stream::Streams;
use crate::timers::Due;

impl Engine {
    /// Say why, and close. What waits is dropped: the session resumes from its position.
    pub(super) fn close_conn(&mut self, id: ConnId, code: u16, reason: &str, after: Option<f64>, now: Now) {
        let Some(conn) = self.conn_mut(id) else { return };
        let session = conn.session();
        match conn.phase() {
            Phase::Closing => return,
            Phase::Body if conn.request().is_some_and(Request::is_whole) => {
                self.refuse_by_close(id, code, reason, after, now);
                return;
            }
            Phase::Head | Phase::Body => {
                self.drop_conn(id, now);
                return;
            }
            Phase::Answering => {
                self.answer_send(id, now);
                return;
            }
            Phase::Parked => {
                self.stats.closed(code);
                self.close_poll(id, code, reason, after, now);
                return;
            }
            Phase::Checking if conn.request().is_some() => {
                self.refuse_by_close(id, code, reason, after, now);
                return;
            }
            Phase::Open if conn.carrier() != Carrier::Frames => {
                self.stats.closed(code);
                self.end_events(id, code, reason, after);
                if let Some(session) = session {
                    self.detach(id, session, now);
                }
                self.begin_closing(id, now);
                return;
            }
            Phase::Raw => conn.end_with(code, reason),
            // It was told.
            Phase::Hello | Phase::Checking | Phase::Open if conn.is_leaving() => self.out.drop_data(id),
            Phase::Hello | Phase::Checking | Phase::Open => {
                self.out.drop_data(id);
                self.tell(id, |out, form| envelope::bye(out, form, code, reason, after));
            }
        }
        self.stats.closed(code);
        self.out.say(id, Lane::Control, Meta::Control, |out| write_close(out, code, reason));
        if let Some(session) = session {
            self.detach(id, session, now);
        }
        self.begin_closing(id, now);
    }

    /// A peer broke the framing, or its message was over a bound.
    pub(super) fn broken(&mut self, id: ConnId, broken: &Broken, now: Now) {
        self.close_conn(id, broken.code, &broken.reason, None, now);
    }

    /// Nothing more is taken or said; what was said leaves first.
    pub(super) fn begin_closing(&mut self, id: ConnId, now: Now) {
        self.leave_door(id);
        let due = now.tick.plus_ms(self.config.limits.close_ms);
        self.told_who(id);
        let Some(conn) = self.conn_mut(id) else { return };
        let raw_end = conn.raw_end((close::NO_STATUS, ""));
        if conn.close(due) {
            self.ops.push(Op::Resume(id)); // its end must be heard
        }
        self.ops.push(Op::Finish(id));
        self.timers.set(Due::Conn(id), due);
        if let Some((code, reason)) = raw_end {
            let reason = reason.into();
            self.events.list.push(AppEvent::RawClosed { conn: id, code, reason });
        }
    }

    /// The peer's close frame.
    pub(super) fn heard_close(&mut self, id: ConnId, code: u16, reason: &str, now: Now) {
        let Some(conn) = self.conn_mut(id) else { return };
        let session = conn.session();
        conn.end_with(code, reason);
        // RFC 6455 §5.5.1: the answer usually has the code that came.
        let answer = if code == close::NO_STATUS { close::NORMAL } else { code };
        self.out.drop_data(id);
        self.out.say(id, Lane::Control, Meta::Control, |out| write_close(out, answer, ""));
        if let Some(session) = session {
            self.detach(id, session, now);
        }
        self.begin_closing(id, now);
    }

    /// The peer will send nothing more.
    pub fn end_of_input(&mut self, id: ConnId, now: Now) {
        self.entry(now, |engine| engine.input_ended(id, now));
    }

    fn input_ended(&mut self, id: ConnId, now: Now) {
        let Some(conn) = self.conn_mut(id) else { return };
        let hears = match conn.phase() {
            Phase::Answering => true,
            // A stream is never opened to a peer that has ended its side: so it ends when it is open.
            Phase::Checking => conn.door().is_none_or(|pending| pending.subscription.is_none()),
            _ => false,
        };
        if hears && let Some(request) = conn.request_mut() {
            request.is_last(); // it may still hear the answer
            return;
        }
        self.drop_conn(id, now);
    }

    /// The link broke; the caller closes it.
    pub fn lost(&mut self, id: ConnId, now: Now) {
        self.entry(now, |engine| engine.forget_conn(id, now));
    }

    /// Close it now.
    pub(super) fn drop_conn(&mut self, id: ConnId, now: Now) {
        if self.forget_conn(id, now) {
            self.ops.push(Op::Drop(id));
        }
    }

    /// Give the connection to somebody else.
    pub(super) fn hand_over(&mut self, id: ConnId, bytes: Vec<u8>) {
        let Some(conn) = self.vacate(id) else { return };
        self.stats.handed_over += 1;
        self.ops.push(Op::HandOver {
            conn: id,
            bytes,
            address: conn.address(),
            port: conn.port(),
            secure: conn.secure(),
            told: conn.told(),
        });
    }

    fn forget_conn(&mut self, id: ConnId, now: Now) -> bool {
        let Some(conn) = self.conn(id) else { return false };
        match (conn.phase(), conn.session()) {
            (Phase::Parked, _) => self.poll_lost(id, now),
            (_, Some(session)) => {
                if conn.carrier() != Carrier::Frames {
                    self.stream_lost(id, session, now);
                }
                self.detach(id, session, now);
            }
            _ => {}
        }
        self.send_lost(id);
        self.leave_door(id);
        let Some(mut conn) = self.vacate(id) else { return false };
        if let Some((code, reason)) = conn.raw_end((close::ABNORMAL, "the link broke")) {
            self.events.list.push(AppEvent::RawClosed { conn: id, code, reason: reason.into() });
        }
        true
    }

    /// Take a connection out of its place, with all that stands there by its index: the next in this place is as new.
    fn vacate(&mut self, id: ConnId) -> Option<Conn> {
        self.told_who(id);
        let conn = self.conns.remove(id)?;
        self.timers.forget_conn(id);
        self.out.close(id);
        self.shares.give_back(&Holder::peer(conn.address(), None), What::Connection, 1);
        if let Some(user) = conn.counted_user() {
            self.shares.give_back_in(Account::User(user), What::Connection, 1);
        }
        Some(conn)
    }

    /// The session has no connection from now on: the resume window runs.
    pub(super) fn detach(&mut self, id: ConnId, session_id: SessionId, now: Now) {
        if let Some(conn) = self.conn_mut(id) {
            conn.let_go();
            if let Some(user) = conn.uncount() {
                self.shares.give_back_in(Account::User(&user), What::Connection, 1);
            }
        }
        if self.session(session_id).is_some_and(|session| session.conn() == Some(id)) {
            self.let_go_of_conn(session_id);
            self.go_away(session_id, now);
        }
    }

    /// Nobody is there: the resume window runs.
    pub(super) fn go_away(&mut self, session_id: SessionId, now: Now) {
        let usual = self.config.limits.resume_ms;
        let Some(session) = self.session_mut(session_id) else { return };
        let window = session.rare().and_then(|rare| rare.window_ms).unwrap_or(usual);
        // A stream without a session of its own takes its session with it, unless its reader may come back.
        let ephemeral = session.link().is_some_and(Link::is_ephemeral);
        let window = if ephemeral { self.hold_items(session_id) } else { window };
        let until = now.tick.plus_ms(window);
        let Some(session) = self.session_mut(session_id) else { return };
        session.stay_until(until);
        if let Some(link) = session.link_mut() {
            link.go_away();
        }
        let rooms: Vec<_> = session.rooms().iter().map(Joined::room).collect();
        let known = session.is_known();
        if window > 0 || !ephemeral {
            self.rest_session(session_id);
        }
        self.steps.spend(1 + rooms.len() / ROOMS);
        self.timers.set(Due::Away(session_id), until);
        for room in rooms {
            self.may_unblock(room);
        }
        if self.config.lifecycle && known && !ephemeral {
            self.events.list.push(AppEvent::Away { session: session_id });
        }
    }

    /// The session is over: its rooms hear that it left, its ring is freed.
    pub(super) fn end_session(&mut self, session_id: SessionId, reason: &'static str, code: u16, now: Now) {
        let goodbye = Goodbye { code, reason: reason.into(), own: code == close::NORMAL, poll: None };
        self.end_session_so(session_id, reason, goodbye, now);
    }

    /// The same, with what is said on its connection. Where something of the session is on disk, that is said when its end is,
    /// too: a crash in between would bring it back.
    pub(super) fn end_session_so(
        &mut self,
        session_id: SessionId,
        reason: &'static str,
        goodbye: Goodbye,
        now: Now,
    ) {
        let (code, kept) = (goodbye.code, self.keep_end(session_id));
        if kept {
            self.durable.notices.decided();
        }
        let Some(session) = self.session_mut(session_id) else { return };
        if let Some(rare) = session.rare_mut() {
            rare.drop_posted(); // nothing more of it is done
        }
        let hold = session.held_for();
        // Those that the application has for it.
        let tasks = usize::from(session.waiting() > 0) + session.streams().map_or(0, Streams::open);
        let sending = session.sending();
        if let Some(opening) = session.link_mut().and_then(Link::opened) {
            self.refuse_by_close(opening, code, &goodbye.reason, None, now);
        }
        match self.session(session_id).and_then(Session::conn) {
            Some(conn) if kept => self.part_later(conn, session_id, goodbye, now),
            Some(conn) => self.close_ended(conn, session_id, &goodbye, now),
            None => {}
        }
        if let Some(sending) = sending.filter(|_| kept) {
            self.answer_later(sending, now);
        }
        // Taken out at once: to look for each of a thousand among a thousand would be a million steps.
        let rooms = self.session_mut(session_id).map(Session::leave_all).unwrap_or_default();
        self.steps.spend(SESSION + TASK * tasks + rooms.len());
        for joined in rooms {
            self.leave(session_id, joined.room(), Leaving::Ended, now);
        }
        self.forget_waiting(session_id, now);
        match hold {
            Some(Hold::Room(room, place)) => self.leave_queue(room, place),
            Some(Hold::Store(place)) => self.durable.held.leave(place),
            _ => {}
        }
        self.durable.forget(session_id);
        self.wake_session(session_id);
        self.drop_acks(session_id);
        let place = self.place_of(session_id);
        let Some(session) = self.sessions.remove(session_id) else {
            return;
        };
        self.timers.forget_session(session_id);
        if let Some(place) = place {
            self.shares.give_back(&place, What::Session, 1);
        }
        if session.user().is_none() {
            // Nobody can say them again.
            let user = ScopeUser::Session(session_id);
            self.keys.end(&user, &mut self.shares);
            self.durable.lookups.end(&user);
        }
        if let Some(ring) = session.own_ring() {
            self.log.free_own(ring);
        }
        self.stats.ended += 1;
        if let Some(sending) = session.sending() {
            self.out.enlist(sending); // nothing more will come of what it waits for
        }
        if session.is_known() {
            self.events.list.push(AppEvent::Ended { session: session_id, reason });
        }
        if let Some(owner) = session.link().and_then(Link::owner)
            && let Some(rare) = self.session_mut(owner).and_then(|session| session.rare_mut())
        {
            rare.give_back(session_id);
        }
        let Some(rare) = session.into_rare() else { return };
        for &borrower in rare.lent() {
            self.end_later(borrower, reason, code);
        }
        for &conn in rare.wanted_by() {
            self.next.add(Follow::GiveUp(conn, session_id));
        }
    }

    fn close_ended(&mut self, conn: ConnId, session: SessionId, goodbye: &Goodbye, now: Now) {
        if self.answers_bye(conn, goodbye) {
            self.out.drop_data(conn);
            self.detach(conn, session, now);
            self.close_by_frame(conn, goodbye.code, now);
        } else {
            self.close_conn(conn, goodbye.code, &goodbye.reason, None, now);
        }
    }

    /// Whether the client has said bye itself, by WebSocket: that is answered by the close frame alone.
    pub(super) fn answers_bye(&self, conn: ConnId, goodbye: &Goodbye) -> bool {
        goodbye.own && self.conn(conn).is_some_and(|conn| conn.carrier() == Carrier::Frames)
    }

    /// Close by the close frame alone.
    pub(super) fn close_by_frame(&mut self, conn: ConnId, code: u16, now: Now) {
        self.out.say(conn, Lane::Control, Meta::Control, |out| write_close(out, code, ""));
        self.begin_closing(conn, now);
    }

    /// No head came in time.
    pub(super) fn head_timeout(&mut self, id: ConnId, now: Now) {
        let begun = self.conn(id).is_some_and(|conn| !conn.input.is_empty());
        if !begun {
            self.drop_conn(id, now);
            return;
        }
        let limit = self.config.limits.hello_ms;
        let message = format!("the request head did not end within {limit} ms");
        self.refuse(id, &Refusal::new(408, Code::Timeout, message), now);
    }
}
