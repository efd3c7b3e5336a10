//! The rooms themselves: made when somebody needs one, freed when nobody does.

use super::session::Joined;
use super::{Engine, size};
use crate::codes::Code;
use crate::error::Fault;
use crate::ids::{Now, RoomId, Seq, SessionId, Tick};
use crate::log::memory;
use crate::log::ring::{Freed, Ring};
use crate::room::grants::Grants;
use crate::room::members::{Member, Members};
use crate::room::presence::{Presence, Who};
use crate::room::settings::Settings;
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
    /// Whether a timer for the next presence difference is set.
    pub presence_timed: bool,
    /// Who waits for room in the ring, under the policy `block`.
    pub blocked: Option<Box<Blocked>>,
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
    /// Until when they wait.
    pub due: Tick,
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

    /// The room with this name, made if need be. `NOT_FOUND` if no setting names it.
    pub(super) fn make_room(&mut self, name: &str) -> Result<RoomId, Fault> {
        if let Some(id) = self.room_named(name) {
            return Ok(id);
        }
        let Some(settings) = self.patterns.find(name) else {
            return Err(Fault::new(Code::NotFound, format!("there is no room {name:?}")));
        };
        let settings = Arc::clone(settings);
        if self.rooms.len() as u64 >= self.config.limits.rooms && !name.starts_with('$') {
            self.free_idle_rooms();
            if self.rooms.len() as u64 >= self.config.limits.rooms {
                let limit = self.config.limits.rooms;
                return Err(
                    Fault::new(Code::Overloaded, format!("the server has {limit} rooms, its limit")).retry()
                );
            }
        }
        let name: Arc<str> = name.into();
        let (index, generation) = self.rooms.insert(Room {
            name: Arc::clone(&name),
            settings,
            ring: Ring::new(self.freed),
            members: Members::default(),
            presence: Presence::default(),
            presence_timed: false,
            blocked: None,
            last_event: None,
        });
        let id = RoomId::new(index, generation);
        self.rooms_by_name.insert(name, id);
        Ok(id)
    }

    /// Free a room that nobody is in and that holds nothing.
    pub(super) fn free_if_idle(&mut self, id: RoomId) {
        let idle = id != self.all
            && self.room(id).is_some_and(|room| {
                room.members.is_empty() && room.ring.is_empty() && room.blocked.is_none()
            });
        if idle && let Some(room) = self.rooms.remove(id.index(), id.generation()) {
            self.freed = self.freed.max(room.ring.top().max(room.ring.forgotten()));
            self.rooms_by_name.remove(&room.name);
        }
    }

    fn free_idle_rooms(&mut self) {
        let ids: Vec<RoomId> = self
            .rooms
            .iter()
            .filter(|(_, _, room)| room.members.is_empty() && room.ring.is_empty())
            .map(|(index, generation, _)| RoomId::new(index, generation))
            .collect();
        for id in ids {
            self.free_if_idle(id);
        }
    }

    /// Put a session into a room. Its presence is told if the room tells it.
    pub(super) fn enter(&mut self, session: SessionId, room: RoomId, member: Member, join_id: u64, now: Now) {
        let began = member.began;
        let Some(place) = self.rooms.get_mut(room.index(), room.generation()) else { return };
        let tells = place.settings.presence && member.visible;
        let old = place.members.add(member);
        if let Some(held) = self.sessions.get_mut(session.index(), session.generation()) {
            let mark = place.presence.mark();
            match held.rooms.iter_mut().find(|joined| joined.room == room) {
                Some(joined) => joined.join_id = join_id,
                None => held.rooms.push(Joined { room, join_id, latest_until: 0, mark }),
            }
        }
        debug_assert!(old.is_none() || began > 0 || self.head == 0);
        if tells && old.is_none() {
            self.tell_presence(room, session, true, now);
        }
    }

    /// Take a session out of a room; whether it was in it.
    pub(super) fn leave(&mut self, session: SessionId, room: RoomId, now: Now) -> bool {
        if let Some(held) = self.session_mut(session) {
            held.rooms.retain(|joined| joined.room != room);
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

    /// Entries were let go of, or added.
    pub(super) fn account(&mut self, added: usize, freed: Freed) {
        self.ring_bytes = (self.ring_bytes + added).saturating_sub(freed.bytes);
        self.stats.forgotten += freed.entries as u64;
        if self.ring_bytes > size(self.config.limits.ring_memory) {
            self.shed();
        }
    }

    /// All rings together, of rooms and of sessions, hold too much: the oldest entries go, a tenth of the
    /// budget at once, so that a full budget costs one walk over the rings for many publications.
    fn shed(&mut self) {
        let budget = size(self.config.limits.ring_memory);
        let over = self.ring_bytes - budget + budget / 10;
        // A session's ring is named by its index behind the last room's.
        let behind = self.rooms.slots();
        let of_rooms = self.rooms.iter().map(|(index, _, room)| (index as usize, &room.ring));
        let of_sessions = self.sessions.iter().filter_map(|(index, _, held)| {
            let ring = held.rare.as_ref()?.ring.as_ref()?;
            Some((behind + index as usize, ring))
        });
        for (index, count) in memory::plan(of_rooms.chain(of_sessions), over) {
            let ring = if index < behind {
                self.rooms.at_mut(index).map(|room| &mut room.ring)
            } else {
                let rare = self.sessions.at_mut(index - behind).and_then(|held| held.rare.as_mut());
                rare.and_then(|rare| rare.ring.as_mut())
            };
            let Some(ring) = ring else { continue };
            for _ in 0..count {
                let freed = ring.forget_oldest();
                self.ring_bytes = self.ring_bytes.saturating_sub(freed.bytes);
                self.stats.shed += freed.entries as u64;
            }
            // A room that nobody is in and that holds nothing now is freed by the sweep.
            self.timers.emptied = true;
        }
    }

    /// Let go of what is too old in a room that is about to be read.
    pub(super) fn expire_room(&mut self, room: RoomId, now: Now) {
        let Some(place) = self.room_mut(room) else { return };
        let bounds = place.settings.bounds;
        let freed = place.ring.expire(now.wall_ms, &bounds);
        self.account(0, freed);
    }

    /// Let go of what is too old, everywhere; rooms that are empty then are freed.
    pub(super) fn expire_rings(&mut self, now: Now) {
        let mut idle = Vec::new();
        for index in 0..self.rooms.slots() {
            let Some(room) = self.rooms.at_mut(index) else { continue };
            let bounds = room.settings.bounds;
            let freed = room.ring.expire(now.wall_ms, &bounds);
            self.ring_bytes = self.ring_bytes.saturating_sub(freed.bytes);
            self.stats.forgotten += freed.entries as u64;
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
