//! What the application decides, beside its answers to what it was asked.
//!
//! Parts: Durable, Log, Out, Rooms, Sessions.

use super::ask_session::ended;
use super::events::Leaving;
use super::fanout::write_entry;
use super::rooms::Left;
use super::{Engine, size};
use crate::codes::close;
use crate::durable::notices::{Goodbye, Notice};
use crate::error::Fault;
use crate::ids::{Form, Now, RoomId, Seq, SessionId};
use crate::limits::fixed::SESSION_RING_ENTRIES;
use crate::log::book::Entered;
use crate::log::entry::Where;
use crate::log::ring::Bounds;
use crate::outbox::Meta;
use crate::room::grants::Grants;
use crate::room::members::Member;
use crate::shares::Holder;

/// An event that the application says in a room.
#[derive(Clone, Copy, Debug)]
pub struct Publication<'a> {
    /// The room's name.
    pub room: &'a str,
    /// The event's name.
    pub event: &'a str,
    /// Its data.
    pub data: &'a [u8],
    /// How that is written.
    pub form: Form,
    /// Who does not hear it.
    pub exclude: Option<SessionId>,
    /// Who says it; none: the application.
    pub sender: Option<SessionId>,
    /// Whether it must be of the sender's rights in the room.
    pub rights: bool,
    /// The backend that says it, by the name of its API key; none: the application itself.
    pub backend: Option<&'a str>,
    /// An idempotency key.
    pub key: Option<&'a str>,
    /// Not kept, not replayed, dropped for listeners that lag.
    pub volatile: bool,
    /// A W3C traceparent.
    pub trace: Option<&'a str>,
    /// The request (`AppEvent::Request`) whose handler says it: its ack leaves when this is on disk.
    pub request: Option<u64>,
    /// Whether somebody waits until it is on disk. Else its number comes at once, and the request's ack says what became of it.
    pub waits: bool,
}

/// Why something was not published.
#[derive(Debug)]
pub enum Unpublished {
    /// It cannot be.
    Fault(Fault),
    /// Not now: `AppEvent::Unblocked` with this ticket says when to try again.
    Blocked(u64),
    /// It is on its way to the disk: `AppEvent::Stored` with this ticket says what became of it.
    Storing(u64),
}

impl From<Fault> for Unpublished {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Engine {
    /// The application publishes.
    pub fn publish(&mut self, publication: &Publication<'_>, now: Now) -> Result<Seq, Unpublished> {
        self.entry(now, |engine| {
            let trace = engine.follow_publication(publication);
            let said = engine.say_for_app(publication, trace.as_deref(), now);
            if matches!(said, Err(Unpublished::Blocked(_))) {
                engine.trails.undo();
            }
            engine.trails.leave();
            said
        })
    }

    /// Say an event to one session alone.
    pub fn send(&mut self, session: SessionId, event: &str, data: &[u8], now: Now) -> Result<Seq, Fault> {
        self.entry(now, |engine| engine.say_alone(session, event, data, now))
    }

    fn say_alone(&mut self, session_id: SessionId, event: &str, data: &[u8], now: Now) -> Result<Seq, Fault> {
        self.config.names().check(format_args!("the name of an event"), event)?;
        self.has_number()?;
        let bounds = Bounds { count: SESSION_RING_ENTRIES, bytes: self.own_bytes(), age_ms: u64::MAX };
        let Some(session) = self.sessions.get_mut(session_id) else {
            return Err(ended());
        };
        session.know();
        let entry = self.log.draft(Where::Session(session_id), event.into(), data, Form::Json, now);
        let ring = session.make_rare().own.filling(|| self.log.ring_of_old());
        let Entered { entry, forgotten } = self.log.enter(entry, ring, &bounds);
        let (seq, conn) = (entry.seq, session.conn());
        self.stats.forgotten += forgotten;
        self.keep_budget();
        self.stats.published += 1;
        let live = self.sessions.listeners().live(session_id);
        if live.is_some() && self.durable.wall.holds(session_id) {
            self.fall_behind(session_id, seq - 1); // it waits for what has a lower number
        } else if let Some(conn) = conn
            && let Some(listener) = live
        {
            let encoding = listener.encoding;
            let meta = Meta::Entry { seq, room: u32::MAX, encoding };
            let Self { out, stats, log, .. } = self;
            let taken = out.feeding(conn).is_some_and(|mut feeding| {
                feeding.offer(meta, encoding, |out, packing| {
                    write_entry(&entry, encoding, out, packing, log, &mut stats.encoded);
                })
            });
            self.book_copies();
            if taken {
                self.stats.delivered += 1;
            } else {
                self.fall_behind(session_id, seq - 1);
            }
        }
        Ok(seq)
    }

    /// Bytes said to a session alone that have not left yet.
    #[must_use]
    pub fn unsent(&self, session_id: SessionId) -> usize {
        let Some(session) = self.session(session_id) else { return 0 };
        let Some(ring) = session.own_ring() else { return 0 };
        let waiting = session.conn().map_or(0, |conn| {
            self.out
                .waiting(conn)
                .filter(|(meta, _)| matches!(meta, Meta::Entry { room: u32::MAX, .. }))
                .map(|(_, bytes)| bytes)
                .sum()
        });
        if self.sessions.lags(session_id) {
            waiting + ring.after(session.cursor()).map(|entry| entry.data.len()).sum::<usize>()
        } else {
            waiting
        }
    }

    /// Whether `AppEvent::Drained` will come; false: there is room now.
    pub fn want_drained(&mut self, session_id: SessionId) -> bool {
        let waits = self.unsent(session_id) > size(self.config.limits.session_high);
        if let Some(session) = self.session_mut(session_id) {
            session.know();
            session.make_rare().want_drained(waits);
            return waits;
        }
        false
    }

    /// What a member may from now on. False: it is not in that room.
    pub fn set_grants(&mut self, session: SessionId, name: &str, grants: Grants, now: Now) -> bool {
        self.entry(now, |engine| engine.change_grants(session, name, grants, now))
    }

    pub(super) fn change_grants(&mut self, session: SessionId, name: &str, grants: Grants, now: Now) -> bool {
        let Some(id) = self.rooms.named(name) else { return false };
        let Some(before) = self.grants_in(id, session) else { return false };
        if let Some(member) = self.room_mut(id).and_then(|room| room.member_mut(session)) {
            member.grants = grants;
        }
        if before == grants {
            return true;
        }
        let kept = self.keep_rights(session, id);
        let waited = self.take_back_presence(session, id);
        // A member that has not the whole can make nothing of differences.
        let shows = grants.contains(Grants::PRESENCE) && (waited || !before.contains(Grants::PRESENCE));
        let moved = self.stay_of(session, name);
        self.notify(Notice::Grants { session, room: id, name: name.into(), grants, shows, moved }, kept, now);
        true
    }

    /// Rights changed: presence that waits is taken back, since it may not be heard any more, or says in a `room` message
    /// what the rights were. Whether there was any.
    pub(super) fn take_back_presence(&mut self, session_id: SessionId, room: RoomId) -> bool {
        let of_room = |meta: Meta| matches!(meta, Meta::Presence { room: of } if of as usize == room.index());
        let conn = self.sessions.conn_of(session_id);
        let waits = conn.is_some_and(|conn| self.out.waiting(conn).any(|(meta, _)| of_room(meta)));
        if waits {
            self.take_back(session_id, of_room);
        }
        waits
    }

    pub(super) fn take_back(&mut self, session_id: SessionId, refused: impl Fn(Meta) -> bool) {
        if let Some(conn) = self.sessions.conn_of(session_id) {
            self.out.take_back(conn, refused);
        }
    }

    /// Put a session into a room without its asking: it hears what is said from now on.
    pub fn put_in(
        &mut self,
        session: SessionId,
        name: &str,
        grants: Option<Grants>,
        info: Option<&[u8]>,
        now: Now,
    ) -> Result<bool, Fault> {
        self.entry(now, |engine| engine.bring_in(session, name, grants, info, now))
    }

    fn bring_in(
        &mut self,
        session_id: SessionId,
        name: &str,
        grants: Option<Grants>,
        info: Option<&[u8]>,
        now: Now,
    ) -> Result<bool, Fault> {
        let Some(session) = self.session(session_id) else { return Ok(false) };
        let unseen = session.is_ephemeral(); // such a one is a member in no presence
        // What its peer has no place for is the application's own.
        let owner = self.holder_of(session_id);
        let id = self.make_room(name, &owner).or_else(|_| self.make_room(name, &Holder::APPLICATION))?;
        if let Some(before) = self.grants_in(id, session_id) {
            let grants = grants.unwrap_or(before);
            self.change_grants(session_id, name, grants, now);
            return Ok(true);
        }
        let Some(room) = self.room(id) else { return Ok(false) };
        let (grants, visible) =
            (grants.unwrap_or_else(|| room.settings().member_grants()), room.settings().presence && !unseen);
        let member = Member {
            session: session_id,
            began: self.log.head(),
            floor: 0,
            info: info.map(Into::into),
            grants,
            visible,
        };
        self.enter(session_id, id, member, 0, now);
        let kept = self.is_durable(id) && self.keep_member(session_id, id, now);
        if let Some(room) = self.room_mut(id) {
            let mark = room.presence_mut().snapshot(session_id);
            if let Some(joined) = self.session_mut(session_id).and_then(|session| session.joined_mut(id)) {
                joined.mark_at(mark);
            }
        }
        self.know(session_id);
        self.notify(Notice::Room(session_id, id), kept, now);
        Ok(true)
    }

    /// Take a session out of a room: it hears nothing of it any more that has not left already.
    pub fn put_out(&mut self, session: SessionId, room: &str, reason: &str, now: Now) -> bool {
        self.entry(now, |engine| engine.take_out(session, room, reason, now))
    }

    pub(super) fn take_out(&mut self, session: SessionId, room: &str, reason: &str, now: Now) -> bool {
        let Some(id) = self.rooms.named(room) else { return false };
        let moved = self.stay_of(session, room);
        let left = self.leave(session, id, Leaving::Removed, now);
        if left == Left::Not {
            return false;
        }
        if moved > 0 {
            self.end_stay(session, room);
        }
        self.take_back(session, |meta| match meta {
            Meta::Entry { room: of, .. } | Meta::Volatile { room: of } | Meta::Presence { room: of } => {
                of as usize == id.index()
            }
            Meta::Control | Meta::Item { .. } | Meta::Raw => false,
        });
        let told = Notice::Left { session, name: room.into(), reason: reason.into(), moved };
        self.notify(told, left == Left::Kept, now);
        true
    }

    /// End a session.
    pub fn close_session(&mut self, session: SessionId, code: u16, reason: &str, now: Now) -> bool {
        self.entry(now, |engine| engine.ended_by_app(session, code, reason, now))
    }

    fn ended_by_app(&mut self, session_id: SessionId, code: u16, reason: &str, now: Now) -> bool {
        if self.session(session_id).is_none() {
            return false;
        }
        let code = if (4500..=4999).contains(&code) || code == close::NORMAL { code } else { close::ENDED };
        let goodbye = Goodbye { code, reason: reason.into(), own: false, poll: None };
        self.end_session_so(session_id, "the application ended it", goodbye, now);
        true
    }
}
