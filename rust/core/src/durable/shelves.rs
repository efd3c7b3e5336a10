//! What is on disk of rooms whose rings do not have it: rooms that nobody needs now, and rooms that are being filled.
//!
//! Invariant: a room that is being filled is asked for once, and who waits for it is told when that is answered.

use crate::ids::{RoomId, Seq};
use crate::store::ReadId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A room that nobody needs now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shelf {
    /// Its newest entry.
    pub last: Seq,
    /// The highest number that it let go of.
    pub freed: Seq,
}

/// A room that is being filled.
#[derive(Debug)]
struct Filling {
    room: RoomId,
    freed: Seq,
    /// Tickets of those who wait for it.
    waiting: Vec<u64>,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Shelves {
    rooms: BTreeMap<Arc<str>, Shelf>,
    filling: BTreeMap<ReadId, Filling>,
    last: ReadId,
}

impl Shelves {
    /// A room is on disk, and nobody needs it now.
    pub fn put(&mut self, name: Arc<str>, shelf: Shelf) {
        if shelf.last > 0 {
            self.rooms.insert(name, shelf);
        }
    }

    /// A room is made: what is on disk of it.
    pub fn take(&mut self, name: &str) -> Option<Shelf> {
        self.rooms.remove(name)
    }

    /// It is read from now on, under this number.
    pub fn fill(&mut self, room: RoomId, freed: Seq) -> ReadId {
        self.last += 1;
        self.filling.insert(self.last, Filling { room, freed, waiting: Vec::new() });
        self.last
    }

    /// Whether a room is being filled.
    #[must_use]
    pub fn is_filling(&self, room: RoomId) -> bool {
        !self.filling.is_empty() && self.filling.values().any(|filling| filling.room == room)
    }

    /// Who waits for a room under this ticket is told when it is filled. False: it is not being filled.
    pub fn wait(&mut self, room: RoomId, ticket: u64) -> bool {
        let found = self.filling.values_mut().find(|filling| filling.room == room);
        found.map(|filling| filling.waiting.push(ticket)).is_some()
    }

    /// It was read: which room, up to where it had let go, and who waits.
    pub fn filled(&mut self, read: ReadId) -> Option<(RoomId, Seq, Vec<u64>)> {
        self.filling.remove(&read).map(|filling| (filling.room, filling.freed, filling.waiting))
    }

    /// How many are being filled.
    #[must_use]
    pub fn filling(&self) -> usize {
        self.filling.len()
    }
}
