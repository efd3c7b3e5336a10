//! A session comes back: its rooms are authorized again, the older connection gives way, and its
//! cursor goes on from the position that it names.
//!
//! Parts: Asked, Conns, Log, Rooms, Sessions, Timers.
// Numbers of a peer come in here: a sum that could wrap or panic is an error of the build, or has its reason beside it.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::events::Leaving;
use super::standing::OVER;
use super::{AppEvent, Engine};
use crate::asked::{Owner, Waiting};
use crate::codes::close;
use crate::conn::{Allowed, Conn, PendingHello, Phase, Returning};
use crate::envelope::write::{self as envelope, JoinedOut};
use crate::ids::{ConnId, Ends, Form, Now, RoomId, Seq, SessionId};
use crate::log::position::Since;
use crate::room::grants::Grants;
use crate::room::settings::is_own;
use crate::session::Joined;
use crate::session::Session;
use crate::timers::Due;
use std::sync::Arc;

impl Engine {
    /// The key was right. Rooms that need the application's word are asked for first: nothing is
    /// taken over before all of them are answered.
    pub(super) fn begin_return(
        &mut self,
        id: ConnId,
        session_id: SessionId,
        mut pending: PendingHello,
        expires: Option<Ends>,
        now: Now,
    ) {
        let Some(session) = self.session(session_id) else { return };
        let user = session.user().cloned();
        let later: Vec<Arc<str>> = session
            .rooms()
            .iter()
            .rev()
            .filter_map(|joined| {
                let room = self.room(joined.room())?;
                (room.settings().authorize || room.settings().state).then(|| Arc::clone(room.name()))
            })
            .collect();
        let open = u32::try_from(later.len()).expect("rooms of a session are bounded");
        let full = self.question_full(id).filter(|_| open > 0);
        let (rooms, resuming) = (Vec::new(), true);
        pending.returning =
            Some(Returning { session: session_id, user, expires, open, later, resuming, rooms });
        let Some(conn) = self.conn_mut(id) else { return };
        conn.greet(pending);
        if let Some(full) = full {
            self.close_full(id, &full, now);
            return;
        }
        self.ask_rooms(id);
        if !self.timers.is_set(Due::Welcome(id)) {
            self.time_welcome(id, now); // nobody had to be asked who this is
        }
        if open == 0 {
            self.finish_return(id, now);
        }
    }

    /// Ask the application whether a session may be in its rooms: one that returns, or that of a stream that begins. Of many
    /// rooms not all are asked for at once, since each question may be a task: each answer asks for the next.
    pub(super) fn ask_rooms(&mut self, id: ConnId) {
        let Some(pending) = self.conn(id).and_then(Conn::door) else { return };
        let Some(returning) = &pending.returning else { return };
        let (session_id, most) = (returning.session, self.config.limits.questions_at_once.max(1));
        if returning.open > 0
            && let Some(session) = self.session_mut(session_id)
        {
            session.know();
            session.make_rare().want_back(id);
        }
        for asked in 0..most {
            // The first is always asked: its answer asks for the next.
            if (asked > 0 && self.question_full(id).is_some()) || !self.ask_room(id) {
                break;
            }
        }
    }

    /// Ask for the next room; false: there is none.
    fn ask_room(&mut self, id: ConnId) -> bool {
        let Some(pending) = self.conn_mut(id).and_then(Conn::door_mut) else {
            return false;
        };
        let Some(returning) = &mut pending.returning else { return false };
        let (session, resuming) = (returning.session, returning.resuming);
        let Some(name) = returning.later.pop() else { return false };
        let room = name.to_string();
        let ticket = self.ticket(Waiting::Returning { conn: id, room: name });
        let (form, data) = (Form::Json, None);
        self.events.list.push(AppEvent::Authorize { session, ticket, room, form, data, resuming });
        true
    }

    /// The application's word about one room of a returning session.
    pub(super) fn room_allowed(&mut self, id: ConnId, allowed: Allowed, now: Now) {
        let Some(conn) = self.conn_mut(id) else { return };
        let Some(pending) = conn.door_mut() else { return };
        let Some(returning) = &mut pending.returning else { return };
        returning.rooms.push(allowed);
        returning.open = returning.open.saturating_sub(1);
        if returning.open == 0 {
            self.finish_return(id, now);
        } else {
            self.ask_room(id);
        }
    }

    pub(super) fn finish_return(&mut self, id: ConnId, now: Now) {
        if self.return_waits_for_collection(id) {
            return; // what is told of it is not here yet
        }
        let Some(conn) = self.conn_mut(id) else { return };
        let Some(pending) = conn.door_mut() else { return };
        let mut pending = std::mem::take(pending);
        let Some(returning) = pending.returning.take() else { return };
        self.not_returning(id, returning.session);
        if returning.expires.is_some_and(|expires| expires.has_come(now)) {
            // It was over before the last room was decided.
            if pending.subscription.is_some() {
                self.end_session(returning.session, OVER, close::EXPIRED, now);
            }
            self.close_conn(id, close::EXPIRED, OVER, None, now);
            return;
        }
        if let Some(subscription) = pending.subscription.take() {
            self.finish_subscription(id, &subscription, returning, now);
            return;
        }
        let session_id = returning.session;
        let own = |session: &Session| !session.is_ending() && session.is_of(&pending.program);
        if !self.session(session_id).is_some_and(own) {
            // It ended, or another program has it, while we asked: the same as any other session that is not there.
            self.begin_session(id, &pending, returning.user.as_deref(), returning.expires, now);
            return;
        }
        if !self.is_newest(id, session_id, &pending, now) {
            return;
        }
        if let Some(old) = self.sessions.conn_of(session_id) {
            self.supersede(old, session_id, now);
        }
        if self.conn(id).is_some_and(|conn| conn.request().is_none())
            && !self.admit_user(id, returning.user.as_ref(), now)
        {
            return; // (a stream of plain HTTP is counted where it opens)
        }
        let mut states: Vec<(RoomId, Box<[u8]>, Seq)> = Vec::new();
        for allowed in returning.rooms {
            let Some(room_id) = self.rooms.named(&allowed.room) else { continue }; // it was put out of it meanwhile
            if let Some(grants) = allowed.grants {
                let room = self.room_mut(room_id);
                // A state function says nothing of rights: those that the application gave since stay.
                let decided = room.as_ref().is_some_and(|room| room.settings().authorize);
                if decided && let Some(member) = room.and_then(|room| room.member_mut(session_id)) {
                    member.grants = grants;
                }
                if allowed.info.is_some() {
                    self.show_info(room_id, session_id, allowed.info, now);
                }
                if let Some((state, seq)) = allowed.state {
                    states.push((room_id, state, seq));
                }
            } else {
                self.leave(session_id, room_id, Leaving::Removed, now);
            }
        }
        self.expire_rooms_of(session_id, now);
        let since = self.log.since(pending.position.as_deref());
        let began = self.session(session_id).map_or(0, Session::began);
        self.renew(session_id, returning.expires, now);
        let all = self.renew_floors(session_id, since);
        let seq = match since {
            Since::Known(seq) => seq,
            Since::Nothing => began,
            Since::Unknown => all.min(self.may_hear_upto(session_id)), // what waits for the disk is still to come
        };
        self.arrive(id, session_id, seq, &pending, now);
        self.welcome(id, session_id, seq, Some(since != Since::Unknown), now);
        for (room_id, name) in self.plain_rooms(session_id) {
            let at = states.iter().position(|(of, ..)| *of == room_id).map(|at| states.swap_remove(at));
            let (state, seq) = at.map_or((None, self.log.head()), |(_, state, seq)| (Some(state), seq));
            let grants = self.grants_in(room_id, session_id).unwrap_or(Grants::NONE);
            self.tell_room(session_id, room_id, grants, &name, state.as_deref(), seq);
        }
        if since == Since::Unknown {
            self.tell_unknown_past(session_id);
        }
        self.ask_again(session_id);
        self.stats.resumed += 1;
        if self.config.lifecycle {
            self.know(session_id);
            self.events.list.push(AppEvent::Resumed { session: session_id });
        }
        self.feed(session_id, now);
        self.resume_streams(session_id, &pending.streams, now);
        self.wake_backlog(id, now);
    }

    /// The session that this connection wants has ended while its rooms were asked for: it goes on as if it had never been.
    pub(super) fn give_up_return(&mut self, id: ConnId, now: Now) {
        self.unask(id);
        self.finish_return(id, now);
    }

    /// A connection waits at the door no more, if it did: it goes, or its request was refused. Nobody will hear the answers
    /// to what was asked for it.
    pub(super) fn leave_door(&mut self, id: ConnId) {
        let Some(pending) = self.conn_mut(id).and_then(Conn::door_mut) else { return };
        let pending = std::mem::take(pending);
        self.timers.drop(Due::Welcome(id));
        self.told_who(id);
        if pending.asked {
            self.events.list.push(AppEvent::Unasked { conn: id, ticket: 0 });
        }
        self.unask(id);
        let Some(returning) = pending.returning else { return };
        self.not_returning(id, returning.session);
        if pending.subscription.is_some() {
            self.end_later(returning.session, "its client went away", close::NORMAL);
        }
    }

    fn unask(&mut self, id: ConnId) {
        while let Some((ticket, waiting)) = self.asked.take_of(Owner::Conn(id)) {
            self.not_asked(&waiting);
            self.events.list.push(AppEvent::Unasked { conn: id, ticket });
        }
    }

    fn not_returning(&mut self, id: ConnId, session_id: SessionId) {
        if let Some(rare) = self.session_mut(session_id).and_then(|session| session.rare_mut()) {
            rare.not_wanted_by(id);
        }
    }

    /// Let go of what is too old in the rooms of a session that is about to read.
    pub(super) fn expire_rooms_of(&mut self, session_id: SessionId, now: Now) {
        let rooms: Vec<RoomId> = self
            .session(session_id)
            .map_or_else(Vec::new, |session| session.rooms().iter().map(Joined::room).collect());
        for room in rooms {
            self.expire_room(room, now);
        }
    }

    /// What was told of gaps before a return counts no more: the client says itself what it has.
    ///
    /// Only where its position means nothing is everything owed: what each ring still holds for it, and as a gap (see
    /// `tell_unknown_past`) what came before that. Then the answer is where its feed begins: before all of that.
    pub(super) fn renew_floors(&mut self, session_id: SessionId, since: Since) -> Seq {
        let head = self.log.head();
        let Some(session) = self.sessions.get_mut(session_id) else {
            return head;
        };
        let unknown = since == Since::Unknown;
        let mut begins = head;
        if let Some(rare) = session.rare_mut() {
            begins = begins.min(rare.own.renew(unknown, head));
        }
        for joined in session.rooms_mut() {
            joined.pass_older(0);
            let room = self.rooms.get_mut(joined.room());
            if let Some(room) = room {
                joined.mark_at(room.presence_mut().snapshot(session_id));
                if let Some((member, ring, _)) = room.feeding(session_id) {
                    let first = ring.first_after(member.began);
                    let held = first.map_or(head, |entry| entry.before());
                    member.floor = if unknown { held } else { 0 };
                    begins = begins.min(held);
                }
            }
        }
        begins
    }

    /// A newer connection took the session over: the older one is told so and closed.
    pub(super) fn supersede(&mut self, old: ConnId, session: SessionId, now: Now) {
        if self.conn(old).is_some_and(|conn| conn.phase() != Phase::Parked) {
            self.detach(old, session, now);
        }
        self.close_conn(old, close::SUPERSEDED, "a newer connection took this session over", None, now);
    }

    /// Rooms of a session that are not rtcore's own.
    pub(super) fn plain_rooms(&self, session_id: SessionId) -> Vec<(RoomId, Arc<str>)> {
        let Some(session) = self.session(session_id) else { return Vec::new() };
        session
            .rooms()
            .iter()
            .filter_map(|joined| {
                let name = self.room(joined.room())?.name();
                (!is_own(name)).then(|| (joined.room(), Arc::clone(name)))
            })
            .collect()
    }

    /// The `room` message: what a member is shown of a room, without its past.
    pub(super) fn tell_room(
        &mut self,
        session: SessionId,
        room: RoomId,
        grants: Grants,
        name: &str,
        state: Option<&[u8]>,
        seq: Seq,
    ) {
        let Some(form) = self.form_of(session) else { return };
        let mut bytes = Vec::with_capacity(256);
        let moved = self.stay_of(session, name);
        let sync = self.show_collection(session, room);
        self.with_view((room, session), grants, state, seq, |view| {
            let view = JoinedOut { sync: sync.as_deref().map(|sync| (sync, Form::Json)), ..view };
            envelope::room(&mut bytes, form, name, &view, moved);
        });
        self.tell_session(session, |out, _| out.extend_from_slice(&bytes));
    }
}
