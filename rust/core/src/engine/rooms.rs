//! The rooms themselves: made when somebody needs one, freed when nobody does.
//!
//! Parts: Durable, Log, Rooms, Sessions, Shared, Shares, Steps, Timers.

use super::Engine;
use super::events::{AppEvent, Leaving};
use super::presence::Shown;
use super::steps::ROOMS;
use crate::codes::Code;
use crate::durable::promise::Promise;
use crate::durable::shelves::Shelf;
use crate::error::Fault;
use crate::ids::{Now, RoomId, SessionId};
use crate::room::grants::Grants;
use crate::room::members::Member;
use crate::room::presence::Who;
use crate::room::settings::Durability;
use crate::room::table::{Room, Rooms};
use crate::shares::{Holder, Resting, What};
use std::sync::Arc;

/// What came of a session's leaving a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It was not in it.
    Not,
    /// It is not any more.
    Done,
    /// The same, and that is told when it is on disk.
    Kept,
}

impl Engine {
    /// The room with this name, made if need be, in this owner's share. `NOT_FOUND` if no setting names it.
    pub(super) fn make_room(&mut self, name: &str, owner: &Holder) -> Result<RoomId, Fault> {
        if let Some(id) = self.rooms.named(name) {
            return Ok(id);
        }
        let Some(settings) = self.rooms.settings_for(name).map(Arc::clone) else {
            return Err(Fault::new(Code::NotFound, format!("there is no room {name:?}")));
        };
        let owner = Rooms::is_counted(name, &settings).then(|| owner.clone());
        if let Some(owner) = &owner {
            self.make_place(owner)?;
        }
        let durable = settings.durable != Durability::Off;
        let soft = settings.durable == Durability::Commit;
        let shelf = self.durable.shelves.take(name).filter(|_| durable).unwrap_or_default();
        let shelf = Shelf { soft, ..shelf };
        // What is said in a durable room is on disk: of that nothing is gone that freed rooms let go of.
        let ring =
            if durable { self.log.ring_behind(shelf.last.max(shelf.freed)) } else { self.log.new_ring() };
        let room = self.rooms.make(name, settings, owner, ring, &mut self.shares);
        if durable {
            self.durable.shelves.open(room, shelf);
            self.fill_room(room, shelf);
        }
        Ok(room)
    }

    /// Free a room that nobody is in and that holds nothing.
    pub(super) fn free_if_idle(&mut self, id: RoomId) {
        if id != self.all && self.rooms.get(id).is_some_and(Room::is_idle) {
            self.free_room(id);
        }
    }

    /// The room goes, with what its ring holds.
    fn free_room(&mut self, id: RoomId) {
        let Some(room) = self.rooms.remove(id, &mut self.shares) else { return };
        if room.is_durable() {
            for ticket in self.durable.shelves.close(id, Arc::clone(room.name()), room.ring().top()) {
                // Who joined is in it no more, and is told so.
                self.durable.groups.promise_behind(Promise::Join(ticket));
            }
        }
        self.shared.let_go(room.name());
        self.timers.forget_room(id);
        self.stats.forgotten += self.log.free_room(room.ring());
    }

    /// Place for one more room of this owner: if need be, rooms that nobody is in go, the longest empty first.
    fn make_place(&mut self, owner: &Holder) -> Result<(), Fault> {
        loop {
            match self.shares.place_for(owner, What::Room, Resting::Room) {
                Ok(None) => return Ok(()),
                Ok(Some(id)) => {
                    self.stats.pushed_out += 1;
                    self.free_room(RoomId(id));
                }
                Err(full) => {
                    let told = format!("{full}, and somebody is in each of these rooms: try again later");
                    return Err(Fault::new(Code::Overloaded, told).retry());
                }
            }
        }
    }

    /// Something was done with the room: if nobody is in it, it rests from now on.
    pub(super) fn stir_room(&mut self, id: RoomId) {
        self.rooms.stir(id, &mut self.shares);
    }

    /// Put a session into a room. Its presence is told if the room tells it.
    pub(super) fn enter(
        &mut self,
        session_id: SessionId,
        room_id: RoomId,
        member: Member,
        join_id: u64,
        now: Now,
    ) {
        let began = member.began;
        let visible = member.visible;
        let old = self.rooms.enter(room_id, member, &mut self.shares);
        let Some(room) = self.rooms.get(room_id) else { return };
        let tells = room.settings().presence && visible;
        let hooked = (room.settings().hooked && old.is_none()).then(|| Arc::clone(room.name()));
        if let Some(session) = self.sessions.get_mut(session_id) {
            self.steps.spend(1 + session.rooms().len() / ROOMS);
            let mark = room.presence().mark();
            session.enter(room_id, join_id, mark);
        }
        self.move_in(session_id, room_id, join_id);
        if !self.is_durable(room_id) {
            self.keep_member(session_id, room_id, now); // of a durable one its join is
        }
        debug_assert!(old.is_none() || began > 0 || self.log.head() == 0);
        if tells && old.is_none() {
            self.tell_presence(room_id, session_id, Shown::Came, now);
        }
        if let Some(room) = hooked {
            self.know(session_id);
            self.events.list.push(AppEvent::Joined { session: session_id, room });
        }
    }

    /// Take a session out of a room.
    pub(super) fn leave(&mut self, session_id: SessionId, room_id: RoomId, why: Leaving, now: Now) -> Left {
        self.leave_collection(session_id, room_id);
        self.move_out(session_id, room_id);
        let kept = self.keep_leave(session_id, room_id, why, now);
        if let Some(session) = self.session_mut(session_id) {
            let walked = session.rooms().len() / ROOMS;
            session.leave(room_id);
            self.steps.spend(1 + walked);
        }
        let Some(room) = self.room(room_id) else { return Left::Not };
        if room.settings().presence && room.member(session_id).is_some_and(|member| member.visible) {
            self.tell_presence(room_id, session_id, Shown::Went, now);
        }
        let was = self.rooms.leave(room_id, session_id);
        if was && let Some(room) = self.rooms.get(room_id).filter(|room| room.settings().hooked) {
            let (room, empty) = (Arc::clone(room.name()), room.members().is_empty());
            self.events.list.push(AppEvent::Left { session: session_id, room, why, empty });
        }
        self.may_unblock(room_id);
        self.free_if_idle(room_id);
        if was {
            self.stir_room(room_id);
        }
        match (was, kept) {
            (false, _) => Left::Not,
            (true, false) => Left::Done,
            (true, true) => Left::Kept,
        }
    }

    /// A member as others are shown it.
    pub(super) fn who(&self, room: RoomId, session_id: SessionId) -> Option<Who> {
        let member = self.room(room)?.member(session_id)?;
        let session = self.session(session_id)?;
        Some(Who {
            session: session_id,
            wire: Arc::clone(session.name()),
            user: session.user().cloned(),
            info: member.info.clone(),
        })
    }

    /// What a session may in a room, if it is in it.
    pub(super) fn grants_in(&self, room: RoomId, session: SessionId) -> Option<Grants> {
        self.room(room)?.member(session).map(|member| member.grants)
    }

    /// An entry came: if all rings hold too much now, some of it goes.
    pub(super) fn keep_budget(&mut self) {
        if self.log.is_over() {
            self.shed();
        }
    }

    /// Let go of what is too old in a room that is about to be read.
    pub(super) fn expire_room(&mut self, room_id: RoomId, now: Now) {
        let Some(room) = self.rooms.get_mut(room_id) else { return };
        let (ring, bounds) = room.filling();
        self.stats.forgotten += self.log.expire(ring, now.tick.ms(), bounds);
    }

    /// Let go of what is too old, everywhere; rooms that are empty then are freed.
    pub(super) fn expire_rings(&mut self, now: Now) {
        let mut idle = Vec::new();
        self.steps.spend(self.rooms.slots() / ROOMS);
        for index in 0..self.rooms.slots() {
            let Some(room) = self.rooms.at_mut(index) else { continue };
            let (ring, bounds) = room.filling();
            self.stats.forgotten += self.log.expire(ring, now.tick.ms(), bounds);
            if room.members().is_empty() && room.ring().is_empty() {
                idle.push(room.name().clone());
            }
        }
        for name in idle {
            if let Some(id) = self.rooms.named(&name) {
                self.free_if_idle(id);
            }
        }
    }
}
