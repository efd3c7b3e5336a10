//! All rooms, by handle and by name, and the settings that each name has.
//!
//! Invariants:
//! - Each room stands in `names` under its own name, and no other name does.
//! - A room with an owner is counted in that owner's share from the step that makes it to the step that removes it.
//! - A room rests, which means that it is among those that go first, only while nobody is in it.

use super::blocked::Blocked;
use super::members::{Member, Members};
use super::presence::Presence;
use super::settings::{Durability, Patterns, Settings, is_own};
use crate::ids::{RoomId, SessionId};
use crate::log::ring::{Bounds, Ring};
use crate::shares::{Holder, Resting, Shares, What};
use crate::slab::Slab;
use foldhash::quality::FixedState;
use hashbrown::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

/// A named place where events are heard.
#[derive(Debug)]
pub struct Room {
    name: Arc<str>,
    settings: Arc<Settings>,
    /// Its last entries. The log's book fills it.
    ring: Ring,
    /// Who is in it. `Rooms::enter` and `Rooms::leave` put in and take out.
    members: Members,
    /// Who came and went.
    presence: Presence,
    /// Who waits for room in the ring, under the policy `block`.
    blocked: Option<Box<Blocked>>,
    owner: Option<Holder>,
    /// Since when it rests. 0: it does not.
    resting: u64,
    /// The application waits for what is said next.
    awaited: bool,
    /// The name of the last event, so that a busy room makes it once.
    last_event: Option<Arc<str>>,
}

impl Room {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether what is said in it is on disk before anybody hears it.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        self.settings.durable != Durability::Off
    }

    /// What the application set for it.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether the application waits for what is said next.
    #[must_use]
    #[inline]
    pub fn is_awaited(&self) -> bool {
        self.awaited
    }

    /// Whose share it is in. None: what a setting names exactly is bounded by the settings, and rtcore's own by the sessions.
    #[must_use]
    pub fn owner(&self) -> Option<&Holder> {
        self.owner.as_ref()
    }

    /// The name of an event, shared with the last if it is the same.
    #[must_use]
    pub fn event(&mut self, name: &str) -> Arc<str> {
        match &self.last_event {
            Some(event) if **event == *name => Arc::clone(event),
            _ => {
                let event: Arc<str> = name.into();
                self.last_event = Some(Arc::clone(&event));
                event
            }
        }
    }

    /// Its last entries.
    #[must_use]
    #[inline]
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// The same, for the log's book to take from.
    pub fn ring_mut(&mut self) -> &mut Ring {
        &mut self.ring
    }

    /// What was kept of a room that is made again: nothing was said in it since.
    pub fn restore_ring(&mut self, ring: Ring) {
        debug_assert!(self.ring.is_empty(), "nothing was said in it");
        self.ring = ring;
    }

    /// Who is in it. `Rooms::enter` and `Rooms::leave` put in and take out.
    #[must_use]
    #[inline]
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// What a session is in it, if it is in it.
    #[must_use]
    pub fn member(&self, session: SessionId) -> Option<&Member> {
        self.members.get(session)
    }

    /// The same, to change what it may and was told.
    pub fn member_mut(&mut self, session: SessionId) -> Option<&mut Member> {
        self.members.get_mut(session)
    }

    /// A member that is fed, what it is fed from, and the room's name.
    pub fn feeding(&mut self, session: SessionId) -> Option<(&mut Member, &Ring, &Arc<str>)> {
        Some((self.members.get_mut(session)?, &self.ring, &self.name))
    }

    /// Who came and went.
    #[must_use]
    pub fn presence(&self) -> &Presence {
        &self.presence
    }

    /// The same, to say so.
    pub fn presence_mut(&mut self) -> &mut Presence {
        &mut self.presence
    }

    /// Who waits for room in the ring, under the policy `block`.
    #[must_use]
    pub fn blocked(&self) -> Option<&Blocked> {
        self.blocked.as_deref()
    }

    /// The same, to join or leave them.
    pub fn blocked_mut(&mut self) -> Option<&mut Blocked> {
        self.blocked.as_deref_mut()
    }

    /// Somebody waits from now on. Whether nobody did before.
    pub fn block(&mut self) -> bool {
        let first = self.blocked.is_none();
        self.blocked.get_or_insert_default();
        first
    }

    /// They may go on: nobody waits any more.
    pub fn take_blocked(&mut self) -> Option<Box<Blocked>> {
        self.blocked.take()
    }

    /// Its ring, for the book to fill, and what that may hold.
    pub fn filling(&mut self) -> (&mut Ring, &Bounds) {
        (&mut self.ring, &self.settings.bounds)
    }

    /// Whether nobody is in it, it holds nothing, and nobody waits.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.members.is_empty() && self.ring.is_empty() && self.blocked.is_none()
    }
}

/// All rooms.
#[derive(Debug)]
pub struct Rooms {
    slots: Slab<Room>,
    names: HashMap<Arc<str>, RoomId, FixedState>,
    patterns: Patterns,
    /// Rooms that are not there, and for whose next entry the application waits.
    awaited: HashSet<Box<str>, FixedState>,
}

impl Rooms {
    /// No room yet. Peers choose names: `hash` is seeded.
    #[must_use]
    pub fn new(patterns: Patterns, hash: &FixedState) -> Self {
        let (names, awaited) = (HashMap::with_hasher(hash.clone()), HashSet::with_hasher(hash.clone()));
        Self { slots: Slab::default(), names, patterns, awaited }
    }

    /// The patterns of settings, by their number.
    pub fn classes(&self) -> &[Box<str>] {
        self.patterns.classes()
    }

    /// The settings of the room with this name, whether it is there now or not; none: there is no such room.
    #[must_use]
    pub fn settings_for(&self, name: &str) -> Option<&Arc<Settings>> {
        self.patterns.find(name)
    }

    /// The room with this name, if it is there now.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<RoomId> {
        self.names.get(name).copied()
    }

    /// What stands for a name where the name itself would take too much.
    #[must_use]
    pub fn hash_of(&self, name: &str) -> u64 {
        self.names.hasher().hash_one(name)
    }

    /// A room.
    #[must_use]
    pub fn get(&self, id: RoomId) -> Option<&Room> {
        self.slots.get(id.index(), id.generation())
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, id: RoomId) -> Option<&mut Room> {
        self.slots.get_mut(id.index(), id.generation())
    }

    /// Whether rooms of these settings are counted in the share of who makes them: peers choose such names.
    #[must_use]
    pub fn is_counted(name: &str, settings: &Settings) -> bool {
        !is_own(name) && settings.pattern.contains('*')
    }

    /// Make a room that is not there, in its owner's share, which has place for it. Nobody is in it yet: it rests.
    pub fn make(
        &mut self,
        name: &str,
        settings: Arc<Settings>,
        owner: Option<Holder>,
        ring: Ring,
        shares: &mut Shares,
    ) -> RoomId {
        debug_assert!(!self.names.contains_key(name), "a name has one room");
        if let Some(owner) = &owner {
            shares.take(owner, What::Room, 1);
        }
        let name: Arc<str> = name.into();
        let (index, generation) = self.slots.insert(Room {
            name: Arc::clone(&name),
            settings,
            ring,
            members: Members::default(),
            presence: Presence::default(),
            blocked: None,
            owner,
            resting: 0,
            awaited: self.awaited.remove(&*name),
            last_event: None,
        });
        let id = RoomId::new(index, generation);
        self.names.insert(name, id);
        self.stir(id, shares);
        id
    }

    /// The room goes.
    pub fn remove(&mut self, id: RoomId, shares: &mut Shares) -> Option<Room> {
        let mut room = self.slots.remove(id.index(), id.generation())?;
        debug_assert!(room.members.is_empty(), "nobody is in a room that goes");
        self.names.remove(&room.name);
        debug_assert_eq!(self.names.len(), self.slots.len(), "each room has its name");
        wake(&mut room, id, shares);
        if room.awaited {
            self.awaited.insert((&*room.name).into());
        }
        if let Some(owner) = &room.owner {
            shares.give_back(owner, What::Room, 1);
        }
        Some(room)
    }

    /// Something was done with the room. If nobody is in it, it rests from now on.
    pub fn stir(&mut self, id: RoomId, shares: &mut Shares) {
        let Some(room) = self.slots.get_mut(id.index(), id.generation()) else { return };
        if room.members.is_empty() {
            wake(room, id, shares);
            if let Some(owner) = &room.owner {
                room.resting = shares.rest(owner, Resting::Room, id.0);
            }
        }
    }

    /// Put a member into the room, which rests no more; what the session was there before.
    pub fn enter(&mut self, id: RoomId, member: Member, shares: &mut Shares) -> Option<Member> {
        let room = self.slots.get_mut(id.index(), id.generation())?;
        let before = room.members.add(member);
        wake(room, id, shares);
        before
    }

    /// Take a session out of the room; whether it was in it.
    pub fn leave(&mut self, id: RoomId, session: SessionId) -> bool {
        self.get_mut(id).is_some_and(|room| room.members.remove(session).is_some())
    }

    /// The application waits for what is said next in the room with this name, whether it is there now or not.
    pub fn want_said(&mut self, name: &str) {
        match self.named(name).and_then(|id| self.get_mut(id)) {
            Some(room) => room.awaited = true,
            None => {
                self.awaited.insert(name.into());
            }
        }
    }

    /// It was said: nobody waits any more.
    pub fn is_said(&mut self, id: RoomId) {
        if let Some(room) = self.get_mut(id) {
            room.awaited = false;
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.len() == 0
    }

    /// How many have a name: all.
    #[must_use]
    pub fn names(&self) -> usize {
        self.names.len()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (RoomId, &Room)> {
        self.slots.iter().map(|(index, generation, room)| (RoomId::new(index, generation), room))
    }

    /// How many slots there are: one above the highest index of a room.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots.slots()
    }

    /// The room in a slot, to change it.
    pub fn at_mut(&mut self, index: usize) -> Option<&mut Room> {
        self.slots.at_mut(index)
    }

    /// Slots that walks through the whole table looked at.
    #[must_use]
    pub fn walked(&self) -> u64 {
        self.slots.walked()
    }
}

/// It rests no more.
fn wake(room: &mut Room, id: RoomId, shares: &mut Shares) {
    let stamp = std::mem::take(&mut room.resting);
    if let Some(owner) = room.owner.as_ref().filter(|_| stamp > 0) {
        shares.wake(owner, Resting::Room, stamp, id.0);
    }
}
