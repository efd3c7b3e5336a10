//! `join`; `leave` is in `leave.rs`.
//!
//! Parts: Conns, Log, Rooms, Sessions, Shared, Shares, Steps.
//!
//! A join takes the present (members, state) and the number from which live entries follow in one
//! step, so nothing falls between them and nothing is heard twice. Its history is the past up to
//! that number.
// Numbers of a peer come in here: a sum that could wrap or panic is an error of the build, or has its reason beside it.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::history::{Held, Newest, Past, Shelf, shown};
use super::shared::read_sync;
use super::steps::{BYTES, MEMBERS};
use super::{AppEvent, Engine, Refused};
use crate::asked::{Entering, Joining, Waiting};
use crate::codes::Code;
use crate::conn::Allowed;
use crate::durable::notices::Notice;
use crate::envelope::Join;
use crate::envelope::write::{self as envelope, EventOut, JoinedOut, MemberOut};
use crate::error::Fault;
use crate::ids::{Form, Now, RoomId, Seq, SessionId};
use crate::room::grants::Grants;
use crate::room::members::Member;
use crate::room::settings::is_own;
use crate::session::{Hold, Joined};
use crate::shares::What;

/// What the application says about a join that it allows.
#[derive(Debug, Default)]
pub(super) struct Admitted<'a> {
    pub grants: Option<Grants>,
    pub info: Option<&'a [u8]>,
    pub state: Option<&'a [u8]>,
}

impl Engine {
    pub(super) fn said_join(&mut self, session_id: SessionId, join: Join<'_>, now: Now) -> Result<(), Fault> {
        let id = join.id;
        self.may_join_now(session_id, &join.room, id)?;
        if let (Some(id), Some(session)) = (id, self.session_mut(session_id)) {
            session.acks_mut().note(id);
        }
        let fault = |fault: Fault| fault.with_id(id);
        if is_own(&join.room) {
            return Err(fault(own_room(&join.room)));
        }
        let sync = read_sync(&join).map_err(fault)?;
        let Some(settings) = self.rooms.settings_for(&join.room) else {
            return Err(fault(Fault::new(Code::NotFound, format!("there is no room {:?}", join.room))));
        };
        let asks = settings.authorize || settings.state;
        let limit = self.config.limits.rooms_per_session;
        let is_in = self.rooms.named(&join.room).is_some_and(|room| {
            self.session(session_id).is_some_and(|session| session.joined(room).is_some())
        });
        // The session did not ask for `$all`, nor for `$user/ID` if it has a user: neither counts.
        let rooms = self.session(session_id).map_or(0, |session| {
            session.rooms().len().saturating_sub(if session.user().is_some() { 2 } else { 1 })
        }) as u64;
        if !is_in && rooms >= limit {
            let told = format!("this session is in {limit} rooms, the limit: leave one first");
            return Err(fault(Fault::new(Code::Overloaded, told)));
        }
        let joining = Joining {
            session: session_id,
            id,
            room: (&*join.room).into(),
            since: join.since.as_deref().map(Into::into),
            last: join.last,
            sync,
        };
        if !asks {
            return self.finish_join(&joining, &Admitted::default(), now).map_err(fault);
        }
        if let Some(full) = self.shares.full_for(&self.holder_of(session_id), What::Question, 1) {
            return Err(fault(Fault::new(Code::Overloaded, full.to_string()).retry()));
        }
        let ticket = self.ticket(Waiting::Join(joining));
        self.know(session_id);
        if let Some(session) = self.session_mut(session_id) {
            session.hold(Hold::Join(ticket));
        }
        let (form, data) = match &join.data {
            Some(data) => (data.form, Some(self.events.keep(&data.bytes))),
            None => (Form::Json, None),
        };
        let room = join.room.into_owned();
        self.events.list.push(AppEvent::Authorize {
            session: session_id,
            ticket,
            room,
            form,
            data,
            resuming: false,
        });
        Ok(())
    }

    /// The application's word: the session may be in the room.
    pub fn admit(
        &mut self,
        ticket: u64,
        grants: Option<Grants>,
        info: Option<&[u8]>,
        state: Option<&[u8]>,
        now: Now,
    ) {
        let admitted = Admitted { grants, info, state };
        self.entry(now, |engine| engine.let_in(ticket, &admitted, now));
    }

    fn let_in(&mut self, ticket: u64, admitted: &Admitted<'_>, now: Now) {
        match self.answered(ticket) {
            Some(Waiting::Join(joining)) => {
                if let Err(fault) = self.finish_join(&joining, admitted, now) {
                    self.tell_fault(joining.session, &fault.with_id(joining.id));
                }
                self.release_hold(joining.session, Hold::Join(ticket), now);
            }
            Some(Waiting::Returning { conn, room, .. }) => {
                let default =
                    self.rooms.settings_for(&room).map_or(Grants::NONE, |settings| settings.member_grants());
                let state = admitted.state.map(|state| (state.into(), self.log.head()));
                let allowed = Allowed {
                    room,
                    grants: Some(admitted.grants.unwrap_or(default)),
                    info: admitted.info.map(Into::into),
                    state,
                };
                self.room_allowed(conn, allowed, now);
            }
            _ => {}
        }
    }

    /// The application's word: it may not.
    pub fn deny(&mut self, ticket: u64, code: &str, message: &str, now: Now) {
        self.entry(now, |engine| {
            if let Some(waiting) = engine.answered(ticket) {
                engine.denied(ticket, waiting, code, message, now);
            }
        });
    }

    /// What a refusal means for who waited under this ticket.
    pub(super) fn denied(&mut self, ticket: u64, waiting: Waiting, code: &str, message: &str, now: Now) {
        match waiting {
            Waiting::Join(joining) => {
                let told = format!("{message}, in {:?}", joining.room);
                self.tell_refused_of(joining.session, Refused::Join, code, &told);
                let error = envelope::ErrorOut::new(code, message);
                self.tell_reply(joining.session, joining.id, |out, form| match joining.id {
                    Some(id) => envelope::ack_error(out, form, id, &error),
                    None => envelope::error(out, form, &error),
                });
                // Who was in it under earlier rights is not in it any more.
                if let Some(room) = self.rooms.named(&joining.room)
                    && self.grants_in(room, joining.session).is_some()
                {
                    self.take_out(joining.session, &joining.room, message, now);
                }
                // (Behind that: what ended began earlier, and this one is asked anew when it comes again.)
                self.note_move(joining.session, &joining.room, joining.id);
                self.release_hold(joining.session, Hold::Join(ticket), now);
            }
            Waiting::Reauth { session, id, bytes } => {
                self.settle(session, bytes);
                self.tell_refused_of(session, Refused::Token, code, message);
                let error = envelope::ErrorOut::new(code, message);
                self.tell_reply(session, id, |out, form| match id {
                    Some(id) => envelope::ack_error(out, form, id, &error),
                    None => envelope::error(out, form, &error),
                });
                self.go_on(session, now);
            }
            Waiting::Returning { conn, room, .. } => {
                let allowed = Allowed { room, grants: None, info: None, state: None };
                self.room_allowed(conn, allowed, now);
            }
            _ => {}
        }
    }

    fn finish_join(&mut self, joining: &Joining, admitted: &Admitted<'_>, now: Now) -> Result<(), Fault> {
        let session_id = joining.session;
        if self.session(session_id).is_none() {
            return Ok(());
        }
        let room_id = self.make_room(&joining.room, &self.holder_of(session_id))?;
        self.expire_room(room_id, now);
        self.may_enter(session_id, room_id)?;
        let Some(room) = self.room(room_id) else { return Ok(()) };
        let default = room.settings().member_grants();
        let presence = room.settings().presence;
        let decided = room.settings().authorize;
        let before = room.member(session_id).cloned();
        let joined = self.session(session_id).and_then(|session| session.joined(room_id));
        let (first_id, newest) = (joined.map(Joined::join_id), joined.map(Joined::moved));
        let again = before.is_some();
        let resent = again && joining.id.is_some() && joining.id == first_id;
        // Where no authorizer speaks again, what the application gave or took since stays.
        let kept = before.as_ref().filter(|_| !decided).map(|member| member.grants);
        let grants = admitted.grants.or(kept).unwrap_or(default);
        let head = self.log.head();
        let began = before.as_ref().map_or(head, |member| member.began);
        if let Some(old) = &before {
            // Of one that comes again: what was said of rights since speaks of this very join, so its ack may be the newer
            // or the older. What is said behind that is the newest.
            let redone = joining.id.is_some() && joining.id == newest;
            if old.grants != grants && joining.id.is_some() && !redone {
                self.take_back_presence(session_id, room_id); // the ack says all of it
            } else if old.grants != grants {
                self.change_grants(session_id, &joining.room, grants, now);
            }
            if let Some(member) = self.room_mut(room_id).and_then(|room| room.member_mut(session_id)) {
                member.grants = grants;
            }
            if let Some(info) = admitted.info {
                self.show_info(room_id, session_id, Some(info.into()), now);
            }
        } else {
            let member = Member {
                session: session_id,
                began,
                floor: 0,
                info: admitted.info.map(Into::into),
                grants,
                visible: presence,
            };
            self.enter(session_id, room_id, member, joining.id.unwrap_or(0), now);
        }
        self.note_move(session_id, &joining.room, joining.id);
        if let Some(room) = self.room_mut(room_id)
            && room.settings().presence
        {
            let mark = room.presence_mut().snapshot(session_id);
            if let Some(joined) = self.session_mut(session_id).and_then(|session| session.joined_mut(room_id))
            {
                joined.mark_at(mark);
            }
        }
        let wrote = self.shared.writer(&joining.room, session_id);
        let sync = self.enter_collection(joining, room_id, now);
        let writes = self.shared.writer(&joining.room, session_id) != wrote;
        let entering = Entering {
            joining: joining.clone(),
            sync,
            room: room_id,
            state: admitted.state.map(Into::into),
            again: again && !resent,
            fresh: before.is_none(),
            seq: head,
        };
        if self.is_durable(room_id) {
            self.enter_durably(entering, before.map(|member| member.grants), writes, now);
        } else {
            if writes {
                self.keep_member(session_id, room_id, now);
            }
            self.notify(Notice::Joined(Box::new(entering)), false, now);
        }
        Ok(())
    }

    /// Answer a join that is done.
    pub(super) fn tell_entered(&mut self, entering: Entering) {
        let (session, room_id, wants) = (entering.joining.session, entering.room, &entering.joining);
        let asked = wants.id.is_some() && !entering.again && (wants.since.is_some() || wants.last.is_some());
        let member = self.room(room_id).and_then(|room| Some((room, room.member(session)?)));
        if let Some((room, member)) = member.filter(|_| asked)
            && member.grants.contains(Grants::HISTORY)
        {
            let (upto, last) = (member.began, wants.last.unwrap_or(u64::MAX));
            // A position that means nothing here bounds nothing: the newest that the disk has are owed.
            let after = self.log.since(wants.since.as_deref()).after().unwrap_or(0);
            if self.newest_are_on_disk(room_id, room, (after, upto), last) {
                let ticket = self.ticket(Waiting::Entering(Box::new(entering)));
                return self.read_last(ticket, room_id, upto, last);
            }
        }
        self.tell_entered_with(&entering, None);
    }

    /// The same, with its past if that was read from disk.
    pub(super) fn tell_entered_with(&mut self, entering: &Entering, held: Option<&Held>) {
        let (session_id, room_id) = (entering.joining.session, entering.room);
        let Some(id) = entering.joining.id else { return };
        let Some(form) = self.form_of(session_id) else { return };
        let Some(member) = self.room(room_id).and_then(|room| room.member(session_id)) else {
            let fault = self.not_in_it(&entering.joining);
            return self.tell_fault(session_id, &fault.with_id(Some(id)));
        };
        let (grants, began) = (member.grants, member.began);
        let mut bytes = Vec::with_capacity(256);
        self.answer_join(&mut bytes, (form, id), (entering, held), grants, began);
        let shown = self.room(room_id).map_or(0, |room| room.members().len());
        self.steps.spend((shown / MEMBERS).saturating_add(bytes.len() / BYTES));
        self.tell_reply(session_id, Some(id), |out, _| out.extend_from_slice(&bytes));
    }

    /// The ack of a join. `upto`: where the room began for the session.
    fn answer_join(
        &self,
        out: &mut Vec<u8>,
        (form, id): (Form, u64),
        (entering, held): (&Entering, Option<&Held>),
        grants: Grants,
        upto: Seq,
    ) {
        let Entering { joining: wants, room: room_id, state, again, sync, seq, .. } = entering;
        let (room_id, session) = (*room_id, wants.session);
        let Some(room) = self.room(room_id) else { return };
        let asked = |wants: &&Joining| wants.since.is_some() || wants.last.is_some();
        self.with_view((room_id, session), grants, state.as_deref(), *seq, |view| {
            let view = JoinedOut { sync: sync.as_deref().map(|sync| (sync, Form::Json)), ..view };
            if !asked(&wants) {
                envelope::joined(out, form, id, &view);
                return;
            }
            if *again {
                // Its cursor goes on where it is: nothing of the past is told here.
                envelope::joined(out, form, id, &JoinedOut { history: Some(&[]), ..view });
                return;
            }
            let wanted = Newest {
                since: wants.since.as_deref(),
                last: wants.last,
                upto,
                hears: session,
                allowed: grants.contains(Grants::HISTORY),
            };
            let held = held.map_or(Shelf::Ring(room.ring()), Shelf::Page);
            let Past { entries, gap, .. } = self.newest(room_id, held, &wanted);
            let history: Vec<EventOut<'_>> = entries.iter().map(|entry| shown(entry)).collect();
            let view = JoinedOut { history: Some(&history), complete: Some(gap.is_none()), gap, ..view };
            envelope::joined(out, form, id, &view);
        });
    }

    /// Show a room as this member, with these grants, sees it.
    pub(super) fn with_view(
        &self,
        (room_id, session_id): (RoomId, SessionId),
        grants: Grants,
        state: Option<&[u8]>,
        seq: Seq,
        show: impl FnOnce(JoinedOut<'_>),
    ) {
        let Some(room) = self.room(room_id) else { return };
        let sees = grants.contains(Grants::PRESENCE) && room.settings().presence;
        let count = room.members().visible();
        let members: Vec<MemberOut<'_>> = if sees && count as u64 <= self.config.limits.presence_names {
            room.members()
                .iter()
                .filter(|member| member.visible)
                .filter_map(|member| {
                    let session = self.session(member.session)?;
                    Some(MemberOut {
                        session: session.name(),
                        user: session.user().map(|user| &**user),
                        info: member.info.as_deref().map(|info| (info, Form::Json)),
                    })
                })
                .collect()
        } else {
            Vec::new()
        };
        let words: Vec<&str> = grants.words().collect();
        show(JoinedOut {
            seq,
            began: room.member(session_id).map_or(seq, |member| member.began),
            members,
            count: sees.then_some(count as u64),
            state: state.map(|state| (state, Form::Json)),
            grants: &words,
            durable: room.is_durable(),
            history: None,
            complete: None,
            gap: None,
            sync: None,
        });
    }

    /// How what is said to a session is written; none: it is not there.
    pub(super) fn form_of(&self, session_id: SessionId) -> Option<Form> {
        let session = self.session(session_id)?;
        if session.link().is_some() {
            return Some(Form::Json); // plain HTTP speaks nothing else
        }
        Some(self.conn(session.conn()?)?.form())
    }
}

/// Rooms with a `$` are rtcore's own.
pub(super) fn own_room(name: &str) -> Fault {
    let told = format!("{name:?} is a room of rtcore's own: sessions are in it by themselves");
    Fault::new(Code::Forbidden, told)
}
