//! The policy `block`: the publisher waits while the ring would let go of what a connected member has
//! yet to hear. It waits for a bounded time; then the members that are too slow are closed, and owed a gap.
//!
//! Parts: Durable, Rooms, Sessions, Steps, Timers.

use super::steps::MEMBERS;
use super::{AppEvent, Engine};
use crate::asked::Waiting;
use crate::codes::close;
use crate::envelope::field;
use crate::ids::{ConnId, Form, Now, RoomId, Seq, SessionId};
use crate::log::entry::Weight;
use crate::room::blocked::Blocked;
use crate::room::blocked::Publisher;
use crate::room::members::Member;
use crate::room::settings::Policy;
use crate::room::table::Room;
use crate::session::Hold;
use crate::timers::Due;

/// An event that is to enter a room, as far as it matters for what the room's ring then lets go of.
pub(super) struct Coming<'a> {
    pub event: &'a str,
    pub data: &'a [u8],
    pub form: Form,
    pub trace: Option<&'a str>,
    pub authored: bool,
}

impl Engine {
    /// Policy `block`: whether the ring would let go of what a connected member has yet to hear.
    pub(super) fn is_blocked(&mut self, room_id: RoomId, coming: &Coming<'_>, now: Now) -> bool {
        let Some(room) = self.rooms.get(room_id) else { return false };
        if room.settings().policy != Policy::Block {
            return false;
        }
        let bounds = room.settings().bounds;
        let slot = room.settings().key.as_deref().and_then(|key| field(coming.data, coming.form, key));
        let weight = Weight {
            room: room.name().len(),
            event: coming.event.len(),
            data: coming.data.len(),
            trace: coming.trace.map_or(0, str::len),
            slot: slot.map_or(0, <[u8]>::len),
            authored: coming.authored,
        };
        let Some(needs) = room.ring().would_forget(weight.cost(), &bounds, now.tick.ms()) else {
            return false;
        };
        let Some(slowest) = self.who_needs(room_id, needs) else { return false };
        let due = now.tick.plus_ms(self.config.limits.block_ms);
        let Some(room) = self.room_mut(room_id) else { return false };
        if room.block() {
            self.timers.set(Due::Blocked(room_id), due);
        }
        if let Some(blocked) = self.room_mut(room_id).and_then(|room| room.blocked_mut()) {
            blocked.wait_for(needs, slowest);
        }
        true
    }

    /// A connected member that lags at or before `needs`, if there is one.
    fn who_needs(&mut self, room_id: RoomId, needs: Seq) -> Option<SessionId> {
        let room = self.room(room_id)?;
        let known = room.blocked().and_then(|blocked| room.member(blocked.slowest()?));
        if let Some(member) = known.filter(|member| self.needs(member, needs)) {
            return Some(member.session); // each member that goes on asks: they are not all looked at each time
        }
        let at = room.members().iter().position(|member| self.needs(member, needs));
        let found = at.map(|at| room.members().rows()[at].session);
        let walked = 1 + at.unwrap_or(room.members().len()) / MEMBERS;
        self.steps.spend(walked);
        found
    }

    fn needs(&self, member: &Member, needs: Seq) -> bool {
        self.session(member.session).is_some_and(|session| {
            session.conn().is_some()
                && self.sessions.lags(member.session)
                && session.cursor().max(member.began).max(member.floor) < needs
        })
    }

    /// A session publishes into it: its input waits.
    pub(super) fn hold_publisher(&mut self, session_id: SessionId, room: RoomId, source: &[u8]) {
        if let Some(place) = self.wait_in(room, Publisher::Session(session_id))
            && let Some(session) = self.session_mut(session_id)
        {
            session.hold(Hold::Room(room, place));
        }
        self.put_back(session_id, source);
    }

    /// The application does: a ticket says when it may try again.
    pub(super) fn hold_publication(&mut self, room: RoomId) -> u64 {
        let place = self.room(room).and_then(|room| room.blocked()).map_or(0, Blocked::next);
        let ticket = self.ticket(Waiting::Blocked { room, place });
        self.wait_in(room, Publisher::Application(ticket));
        ticket
    }

    fn wait_in(&mut self, room: RoomId, publisher: Publisher) -> Option<u64> {
        Some(self.room_mut(room)?.blocked_mut()?.add(publisher))
    }

    /// A publisher that waited in a room is gone.
    pub(super) fn leave_queue(&mut self, room: RoomId, place: u64) {
        if let Some(blocked) = self.room_mut(room).and_then(|room| room.blocked_mut()) {
            blocked.leave(place);
        }
    }

    /// A publication of the application's is not tried again.
    pub fn forget_blocked(&mut self, ticket: u64) {
        match self.answered(ticket) {
            Some(Waiting::Blocked { room, place }) => self.leave_queue(room, place),
            Some(Waiting::Full { place }) => self.durable.held.leave(place),
            _ => {}
        }
    }

    /// Those who wait to publish in a room may try again, unless a member must still be waited for.
    pub(super) fn unblock(&mut self, room: RoomId, now: Now) {
        let Some(blocked) = self.room_mut(room).and_then(|room| room.blocked_mut()) else { return };
        let needs = blocked.look_again();
        if let Some(slowest) = self.who_needs(room, needs) {
            if let Some(blocked) = self.room_mut(room).and_then(|room| room.blocked_mut()) {
                blocked.wait_for(needs, slowest);
            }
            return;
        }
        let Some(blocked) = self.room_mut(room).and_then(Room::take_blocked) else { return };
        self.timers.drop(Due::Blocked(room)); // it is not a later wait's
        self.steps.spend(blocked.len() / MEMBERS);
        for (place, publisher) in blocked.into_waiting() {
            match publisher {
                Publisher::Application(ticket) => {
                    if self.answered(ticket).is_some() {
                        self.events.list.push(AppEvent::Unblocked { ticket });
                    }
                }
                Publisher::Session(session) => self.release_hold(session, Hold::Room(room, place), now),
            }
        }
    }

    /// Publishers waited as long as they may: a member that is too slow is closed, and owed a gap.
    pub(super) fn block_timeout(&mut self, room_id: RoomId, now: Now) {
        let Some(room) = self.room(room_id) else { return };
        let Some(needs) = room.blocked().map(Blocked::needs) else { return };
        let slow: Vec<ConnId> = room
            .members()
            .iter()
            .filter_map(|member| {
                let session = self.session(member.session)?;
                let behind = self.sessions.lags(member.session)
                    && session.cursor().max(member.began).max(member.floor) < needs;
                if behind { session.conn() } else { None }
            })
            .collect();
        for conn in slow {
            let reason = "others waited for this member to read, as long as the room allows";
            self.close_conn(conn, close::TOO_SLOW, reason, None, now);
        }
        self.unblock(room_id, now);
    }
}
