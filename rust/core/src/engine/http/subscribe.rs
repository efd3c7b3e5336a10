//! `GET /rt/sse?room=…`: an event stream without a session of the client's own, for `curl` and for an
//! `EventSource` with no script around it.
//!
//! Parts: Conns, Log, Rooms, Sessions, Timers.
//!
//! It has a session all the same, since that is what hears; but one that nobody sees and that ends with the
//! response. It joins all its rooms or none: what is refused is refused before the stream begins.

use super::Came;
use crate::codes::{Code, close};
use crate::conn::{Allowed, PendingHello, Request, Returning, Shape, Subscription};
use crate::engine::admission::full_refusal;
use crate::engine::emit::refuse_own;
use crate::engine::{AppEvent, Engine, size};
use crate::error::Fault;
use crate::frame::http::Refusal;
use crate::frame::query::Query;
use crate::ids::{ConnId, Ends, Now, RoomId, Seq, SessionId};
use crate::log::position::Since;
use crate::room::grants::Grants;
use crate::room::members::Member;
use crate::room::settings::Settings;
use crate::session::Link;
use crate::timers::Due;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Why the session of a stream ends that is not opened.
const REFUSED: &str = "its stream was refused";

impl Engine {
    pub(super) fn subscribe(
        &mut self,
        id: ConnId,
        mut request: Request,
        query: &Query<'_>,
        position: Option<String>,
        shape: Shape,
        now: Now,
    ) -> Result<(), Refusal> {
        let (mut rooms, mut known): (Vec<String>, BTreeSet<&str>) = (Vec::new(), BTreeSet::new());
        for room in query.all("room") {
            self.config
                .names()
                .check(format_args!("the name of a room"), room)
                .map_err(|fault| refusal_of(&fault))?;
            if known.insert(room) {
                rooms.push(room.to_owned());
            }
        }
        if rooms.is_empty() {
            return Err(super::who());
        }
        let most = size(self.config.limits.rooms_per_session);
        if rooms.len() > most {
            let message = format!("{} rooms are asked for; a session may be in {most}", rooms.len());
            return Err(Refusal::new(400, Code::InvalidMessage, message));
        }
        let (since, last) = (query.one("since")?.map(str::to_owned), query.number("last")?);
        if since.is_some() && last.is_some() {
            let message = "a stream has \"since\" or \"last\", not both";
            return Err(Refusal::new(400, Code::InvalidMessage, message));
        }
        // A browser that comes back names its position, whatever the URL began with.
        let last =
            last.filter(|_| position.is_none()).map(|last| last.min(self.config.limits.history_entries));
        let since = position.or(since);
        let token = request.token.take();
        let Some(conn) = self.conn_mut(id) else { return Ok(()) };
        conn.ask(request);
        let subscription = Subscription { rooms, since: since.clone(), last, stream: None, shape };
        let pending = PendingHello {
            position: since,
            subscription: Some(Box::new(subscription)),
            ..PendingHello::default()
        };
        self.greet(id, pending, token, None, now);
        Ok(())
    }

    /// Its session was made: ask for its rooms.
    pub(in crate::engine) fn begin_subscription(
        &mut self,
        id: ConnId,
        session_id: SessionId,
        wanted: &Subscription,
        owner: Option<SessionId>,
        expires: Option<Ends>,
        now: Now,
    ) {
        let until = now.tick.plus_ms(self.config.limits.resume_ms);
        let head = self.log.head();
        let Some(session) = self.session_mut(session_id) else { return };
        session.link_up(Link::ephemeral(head, owner));
        session.stay_until(until);
        let user = session.user().cloned();
        self.timers.set(Due::Away(session_id), until);
        if let Some(owner) = owner.and_then(|owner| self.session_mut(owner)) {
            owner.make_rare().lend(session_id);
        }
        let (mut allowed, mut asked): (Vec<Allowed>, Vec<Arc<str>>) = (Vec::new(), Vec::new());
        for name in &wanted.rooms {
            // The room is made when it may be heard: not for somebody who may not, and not to be freed meanwhile.
            let settings = match self.settings_for(name) {
                Ok(settings) => settings,
                Err(fault) => {
                    self.end_session(session_id, REFUSED, close::FORBIDDEN, now);
                    self.refuse_request(id, &refusal_of(&fault), Came::Whole, now);
                    return;
                }
            };
            if settings.authorize || settings.state {
                asked.push(name.as_str().into());
            } else {
                let grants = Some(settings.member_grants());
                allowed.push(Allowed { room: name.as_str().into(), grants, info: None, state: None });
            }
        }
        let open = u32::try_from(asked.len()).expect("the rooms of a session are bounded");
        if let Some(full) = self.question_full(id).filter(|_| open > 0) {
            self.end_session(session_id, REFUSED, close::OVERLOADED, now);
            self.refuse_request(id, &full_refusal(&full), Came::Whole, now);
            return;
        }
        asked.reverse();
        let (later, resuming) = (asked, false);
        let returning =
            Returning { session: session_id, user, expires, open, later, resuming, rooms: allowed };
        if open == 0 {
            self.finish_subscription(id, wanted, returning, now);
            return;
        }
        let pending = PendingHello {
            subscription: Some(Box::new(wanted.clone())),
            returning: Some(returning),
            ..PendingHello::default()
        };
        let Some(conn) = self.conn_mut(id) else { return };
        conn.greet(pending);
        self.ask_rooms(id);
        self.time_welcome(id, now);
    }

    fn settings_for(&self, name: &str) -> Result<Arc<Settings>, Fault> {
        refuse_own(name)?;
        let settings = self.rooms.settings_for(name).map(Arc::clone);
        settings.ok_or_else(|| Fault::new(Code::NotFound, format!("there is no room {name:?}")))
    }

    /// The application has spoken: the stream begins, or is refused as a whole.
    pub(in crate::engine) fn finish_subscription(
        &mut self,
        id: ConnId,
        wanted: &Subscription,
        returning: Returning,
        now: Now,
    ) {
        let session_id = returning.session;
        let refused = returning.rooms.iter().find(|allowed| allowed.grants.is_none());
        if let Some(refused) = refused {
            self.end_session(session_id, REFUSED, close::FORBIDDEN, now);
            let message = format!("this stream may not hear room {:?}", refused.room);
            self.refuse_request(id, &Refusal::new(403, Code::Forbidden, message), Came::Whole, now);
            return;
        }
        if self.session(session_id).is_none() {
            self.refuse_request(id, &super::no_session(), Came::Whole, now);
            return;
        }
        let since = self.log.since(wanted.since.as_deref());
        let mut cursor = if let Since::Known(seq) = since { seq } else { self.log.head() };
        let owner = self.holder_of(session_id);
        if self.config.lifecycle {
            self.know(session_id);
            self.events.list.push(AppEvent::Opened { session: session_id });
        }
        for allowed in returning.rooms {
            let room = match self.make_room(&allowed.room, &owner) {
                Ok(room) => room,
                Err(fault) => {
                    self.end_session(session_id, REFUSED, close::OVERLOADED, now);
                    self.refuse_request(id, &refusal_of(&fault), Came::Whole, now);
                    return;
                }
            };
            self.expire_room(room, now);
            let grants = allowed.grants.unwrap_or(Grants::NONE);
            let began = self.began(room, grants, since, wanted.last);
            cursor = cursor.min(began);
            let member =
                Member { session: session_id, began, floor: 0, info: allowed.info, grants, visible: false };
            self.enter(session_id, room, member, 0, now);
        }
        if since == Since::Unknown {
            self.expire_rooms_of(session_id, now);
            cursor = self.renew_floors(session_id, since);
        }
        if let Some(link) = self.session_mut(session_id).and_then(|session| session.link_mut()) {
            link.begin_at(cursor);
        }
        if let Some(stream) = &wanted.stream {
            self.run_stream(id, session_id, wanted, stream, now);
            return;
        }
        self.begin_events(id, session_id, wanted.shape);
        self.timers.drop(Due::Welcome(id));
        let past = since != Since::Nothing || wanted.last.is_some();
        if past && !wanted.shape.plain {
            self.owe_live(session_id);
        }
        self.hear_from(id, session_id, cursor, now);
        self.welcome(id, session_id, cursor, None, now);
        if since == Since::Unknown {
            self.tell_unknown_past(session_id);
        }
        self.feed(session_id, now);
    }

    /// Where a room begins for such a stream.
    fn began(&self, room_id: RoomId, grants: Grants, since: Since, last: Option<u64>) -> Seq {
        let Some(room) = self.room(room_id).filter(|_| grants.contains(Grants::HISTORY)) else {
            return self.log.head();
        };
        match (since, last) {
            (Since::Known(seq), _) => seq,
            (Since::Unknown, _) => room.ring().forgotten(),
            (Since::Nothing, None) => self.log.head(),
            (Since::Nothing, Some(last)) => {
                let before = room.ring().len().saturating_sub(size(last));
                let passed = before.checked_sub(1).and_then(|at| room.ring().iter().nth(at));
                passed.map_or_else(|| room.ring().forgotten(), |entry| entry.seq)
            }
        }
    }
}

fn refusal_of(fault: &Fault) -> Refusal {
    Refusal::new(fault.code.status(), fault.code, fault.message.clone())
}
