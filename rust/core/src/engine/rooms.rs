//! The rooms themselves: made when somebody needs one, freed when nobody does.

use super::Engine;
use super::session::Joined;
use super::steps::ROOMS;
use crate::codes::Code;
use crate::error::Fault;
use crate::ids::{Now, RoomId, Seq, SessionId};
use crate::log::ring::Ring;
use crate::room::grants::Grants;
use crate::room::members::{Member, Members};
use crate::room::presence::{Presence, Who};
use crate::room::settings::Settings;
use crate::shares::{Holder, Resting, What};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A named place where events are heard.
#[derive(Debug)]
pub(super) struct Room {
    pub name: Arc<str>,
    pub settings: Arc<Settings>,
    pub ring: Ring,
    pub members: Members,
    pub presence: Presence,
    /// Who waits for room in the ring, under the policy `block`.
    pub blocked: Option<Box<Blocked>>,
    /// Whose share it is in. None: what a setting names exactly is bounded by the settings, and rtcore's own by the sessions.
    pub owner: Option<Holder>,
    /// Nobody is in it, and it is among those that go first: since this stamp. 0: it is not.
    pub resting: u64,
    /// The name of the last event, so that a busy room makes it once.
    pub last_event: Option<Arc<str>>,
}

/// Publishers that wait for the slowest member.
#[derive(Debug, Default)]
pub(super) struct Blocked {
    /// In the order in which they came.
    pub waiting: BTreeMap<u64, Publisher>,
    /// The place of the next.
    pub next: u64,
    /// The number that would be forgotten: members below it are waited for.
    pub needs: Seq,
    /// A member that was waited for when it was looked at last: most often it is so still.
    pub slowest: Option<SessionId>,
}

/// Somebody who waits to publish.
#[derive(Clone, Copy, Debug)]
pub(super) enum Publisher {
    /// The application, under this ticket.
    Application(u64),
    /// A session, whose input is held.
    Session(SessionId),
}

impl Blocked {
    /// One more waits; its place.
    pub fn add(&mut self, publisher: Publisher) -> u64 {
        self.next += 1;
        self.waiting.insert(self.next, publisher);
        self.next
    }
}

impl Engine {
    /// The room with this name, if it exists now.
    pub(super) fn room_named(&self, name: &str) -> Option<RoomId> {
        self.rooms_by_name.get(name).copied()
    }

    /// The room with this name, made if need be, in this owner's share. `NOT_FOUND` if no setting names it.
    pub(super) fn make_room(&mut self, name: &str, owner: &Holder) -> Result<RoomId, Fault> {
        if let Some(id) = self.room_named(name) {
            return Ok(id);
        }
        let Some(settings) = self.patterns.find(name) else {
            return Err(Fault::new(Code::NotFound, format!("there is no room {name:?}")));
        };
        let settings = Arc::clone(settings);
        let counted = !name.starts_with('$') && settings.pattern.contains('*');
        let owner = counted.then(|| owner.clone());
        if let Some(owner) = &owner {
            self.make_place(owner)?;
            self.shares.take(owner, What::Room, 1);
        }
        let name: Arc<str> = name.into();
        let (index, generation) = self.rooms.insert(Room {
            name: Arc::clone(&name),
            settings,
            ring: self.log.new_ring(),
            members: Members::default(),
            presence: Presence::default(),
            blocked: None,
            owner,
            resting: 0,
            last_event: None,
        });
        let id = RoomId::new(index, generation);
        self.rooms_by_name.insert(name, id);
        self.stir_room(id);
        Ok(id)
    }

    /// Free a room that nobody is in and that holds nothing.
    pub(super) fn free_if_idle(&mut self, id: RoomId) {
        let idle = id != self.all
            && self.room(id).is_some_and(|room| {
                room.members.is_empty() && room.ring.is_empty() && room.blocked.is_none()
            });
        if idle {
            self.free_room(id);
        }
    }

    /// The room goes, with what its ring holds.
    fn free_room(&mut self, id: RoomId) {
        let Some(room) = self.rooms.remove(id.index(), id.generation()) else { return };
        self.timers.forget_room(id);
        self.rooms_by_name.remove(&room.name);
        if let Some(owner) = &room.owner {
            if room.resting > 0 {
                self.shares.wake(owner, Resting::Room, room.resting, id.0);
            }
            self.shares.give_back(owner, What::Room, 1);
        }
        self.stats.forgotten += self.log.free_room(&room.ring);
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

    /// Nobody is in the room, and something was done with it: it rests from now on.
    pub(super) fn stir_room(&mut self, id: RoomId) {
        let Some(room) = self.rooms.get_mut(id.index(), id.generation()) else { return };
        let Some(owner) = room.owner.as_ref().filter(|_| room.members.is_empty()) else { return };
        if room.resting > 0 {
            self.shares.wake(owner, Resting::Room, room.resting, id.0);
        }
        room.resting = self.shares.rest(owner, Resting::Room, id.0);
    }

    /// Put a session into a room. Its presence is told if the room tells it.
    pub(super) fn enter(&mut self, session: SessionId, room: RoomId, member: Member, join_id: u64, now: Now) {
        let began = member.began;
        let Some(place) = self.rooms.get_mut(room.index(), room.generation()) else { return };
        let tells = place.settings.presence && member.visible;
        let old = place.members.add(member);
        if let Some(owner) = place.owner.as_ref().filter(|_| place.resting > 0) {
            let stamp = std::mem::take(&mut place.resting);
            self.shares.wake(owner, Resting::Room, stamp, room.0);
        }
        if let Some(held) = self.sessions.get_mut(session.index(), session.generation()) {
            self.steps.spend(1 + held.rooms.len() / ROOMS);
            let mark = place.presence.mark();
            match held.rooms.iter_mut().find(|joined| joined.room == room) {
                Some(joined) => joined.join_id = join_id,
                None => held.rooms.push(Joined { room, join_id, latest_until: 0, mark }),
            }
        }
        debug_assert!(old.is_none() || began > 0 || self.log.head() == 0);
        if tells && old.is_none() {
            self.tell_presence(room, session, true, now);
        }
    }

    /// Take a session out of a room; whether it was in it.
    pub(super) fn leave(&mut self, session: SessionId, room: RoomId, now: Now) -> bool {
        if let Some(held) = self.session_mut(session) {
            let walked = held.rooms.len() / ROOMS;
            held.rooms.retain(|joined| joined.room != room);
            self.steps.spend(1 + walked);
        }
        let Some(place) = self.room(room) else { return false };
        if place.settings.presence && place.members.get(session).is_some_and(|member| member.visible) {
            self.tell_presence(room, session, false, now);
        }
        let Some(place) = self.room_mut(room) else { return false };
        let was = place.members.remove(session).is_some();
        if place.blocked.is_some() {
            self.unblock(room, now);
        }
        self.free_if_idle(room);
        if was {
            self.stir_room(room);
        }
        was
    }

    /// A member as others are shown it.
    pub(super) fn who(&self, room: RoomId, session: SessionId) -> Option<Who> {
        let member = self.room(room)?.members.get(session)?;
        let held = self.session(session)?;
        Some(Who {
            session,
            wire: Arc::clone(held.name()),
            user: held.user().cloned(),
            info: member.info.clone(),
        })
    }

    /// What a session may in a room, if it is in it.
    pub(super) fn grants_in(&self, room: RoomId, session: SessionId) -> Option<Grants> {
        self.room(room)?.members.get(session).map(|member| member.grants)
    }

    /// An entry came: if all rings hold too much now, some of it goes.
    pub(super) fn keep_budget(&mut self) {
        if self.log.is_over() {
            self.shed();
        }
    }

    /// Let go of what is too old in a room that is about to be read.
    pub(super) fn expire_room(&mut self, room: RoomId, now: Now) {
        let Some(place) = self.rooms.get_mut(room.index(), room.generation()) else { return };
        self.stats.forgotten += self.log.expire(&mut place.ring, now.tick.ms(), &place.settings.bounds);
    }

    /// Let go of what is too old, everywhere; rooms that are empty then are freed.
    pub(super) fn expire_rings(&mut self, now: Now) {
        let mut idle = Vec::new();
        self.steps.spend(self.rooms.slots() / ROOMS);
        for index in 0..self.rooms.slots() {
            let Some(room) = self.rooms.at_mut(index) else { continue };
            self.stats.forgotten += self.log.expire(&mut room.ring, now.tick.ms(), &room.settings.bounds);
            if room.members.is_empty() && room.ring.is_empty() {
                idle.push(room.name.clone());
            }
        }
        for name in idle {
            if let Some(id) = self.room_named(&name) {
                self.free_if_idle(id);
            }
        }
    }
}
