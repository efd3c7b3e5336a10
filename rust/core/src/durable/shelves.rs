//! What is on disk of durable rooms beside what their rings hold: how far, and what is gone of it.
//!
//! Invariant: a room is in one of the two tables, by its handle while it is there and by its name while nobody needs it.

use crate::ids::{RoomId, Seq};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is on disk of a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shelf {
    /// Its newest entry.
    pub last: Seq,
    /// The highest number that it let go of.
    pub freed: Seq,
    /// Its entries are heard before they are synced: some may have been lost with the machine (`Losses`).
    pub soft: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Shelves {
    away: BTreeMap<Arc<str>, Shelf>,
    here: BTreeMap<RoomId, Shelf>,
    /// Rooms that are being filled, and the tickets of those who wait for it.
    filling: BTreeMap<RoomId, Vec<u64>>,
}

impl Shelves {
    /// A room is on disk, and nobody needs it now.
    pub fn put(&mut self, name: Arc<str>, shelf: Shelf) {
        if shelf.last > 0 || shelf.freed > 0 {
            self.away.insert(name, shelf);
        }
    }

    /// What is on disk of a room that is to be made.
    pub fn take(&mut self, name: &str) -> Option<Shelf> {
        self.away.remove(name)
    }

    /// A room is there.
    pub fn open(&mut self, room: RoomId, shelf: Shelf) {
        self.here.insert(room, shelf);
    }

    /// Nobody needs it any more. Its newest entry is this one. Who waited for it to be filled waits for nothing now.
    pub fn close(&mut self, room: RoomId, name: Arc<str>, last: Seq) -> Vec<u64> {
        let waiting = self.filling.remove(&room).unwrap_or_default();
        let shelf = self.here.remove(&room).unwrap_or_default();
        self.put(name, Shelf { last: shelf.last.max(last), ..shelf });
        waiting
    }

    /// What is on disk of a room that is there.
    #[must_use]
    pub fn of(&self, room: RoomId) -> Shelf {
        self.here.get(&room).copied().unwrap_or_default()
    }

    /// What is on disk of a room that nobody needs now.
    #[must_use]
    pub fn named(&self, name: &str) -> Shelf {
        self.away.get(name).copied().unwrap_or_default()
    }

    /// The disk has let go of a room's entries up to this one. `room`: if it is there.
    pub fn freed(&mut self, name: &str, room: Option<RoomId>, upto: Seq) {
        let shelf = match room {
            Some(room) => self.here.get_mut(&room),
            None => self.away.get_mut(name),
        };
        if let Some(shelf) = shelf {
            shelf.freed = shelf.freed.max(upto);
        }
    }

    /// A room's ring is read from now on.
    pub fn fill(&mut self, room: RoomId) {
        self.filling.insert(room, Vec::new());
    }

    /// Whether a room is being filled.
    #[must_use]
    pub fn is_filling(&self, room: RoomId) -> bool {
        self.filling.contains_key(&room)
    }

    /// Who waits for a room under this ticket is told when it is filled. False: it is not being filled.
    pub fn wait(&mut self, room: RoomId, ticket: u64) -> bool {
        self.filling.get_mut(&room).map(|waiting| waiting.push(ticket)).is_some()
    }

    /// It was read, or cannot be: who waits.
    pub fn filled(&mut self, room: RoomId) -> Option<Vec<u64>> {
        self.filling.remove(&room)
    }

    /// How many are being filled.
    #[must_use]
    pub fn filling(&self) -> usize {
        self.filling.len()
    }
}
