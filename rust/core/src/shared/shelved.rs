//! Collections that are on disk and not in memory: they are read when somebody wants them, a page at a time.
//!
//! Invariant: a collection is held, or shelved, or there is nothing of it. Of one that is shelved nothing is decided.

use super::{Held, Shared};
use crate::ids::{ConnId, SessionId};
use crate::store::{Row, Trouble};
use rtcore_data::Why;
use rtcore_data::collection::{Restoring, Setup, Who};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A member of a collection that is shelved, as a writer, and up to where it has every outcome.
pub type Writer = (Who, u64);

/// Who waits for a collection.
#[derive(Debug, Default)]
pub struct Waiting {
    /// Joins, by their tickets.
    pub joins: Vec<u64>,
    /// Connections whose session comes back.
    pub conns: Vec<ConnId>,
    /// The application, by its tickets.
    pub app: Vec<u64>,
}

/// A collection on disk.
#[derive(Debug, Default)]
pub struct Shelved {
    /// It is being read.
    restoring: Option<Box<Restoring>>,
    writers: BTreeMap<SessionId, Writer>,
    waiting: Waiting,
    /// Why it could not be read.
    pub trouble: Option<Trouble>,
}

impl Shelved {
    /// A member writes; none: it does not.
    pub fn set_writer(&mut self, session: SessionId, writer: Option<Writer>) {
        match writer {
            Some(writer) => drop(self.writers.insert(session, writer)),
            None => drop(self.writers.remove(&session)),
        }
    }

    /// Who a member is as a writer.
    #[must_use]
    pub fn writer(&self, session: SessionId) -> Option<&Who> {
        self.writers.get(&session).map(|(who, _)| who)
    }

    /// Who waits for it, to add to them.
    pub fn waiting(&mut self) -> &mut Waiting {
        &mut self.waiting
    }
}

impl Shared {
    /// A collection is on disk.
    pub fn shelve(&mut self, room: &Arc<str>) {
        self.shelved.entry(Arc::clone(room)).or_default();
        self.line.push_back(Arc::clone(room));
    }

    /// Whether it is on disk, and not in memory.
    #[must_use]
    pub fn is_shelved(&self, room: &str) -> bool {
        !self.shelved.is_empty() && self.shelved.contains_key(room)
    }

    /// Whether any is.
    #[must_use]
    pub fn has_shelved(&self) -> bool {
        !self.shelved.is_empty()
    }

    /// A collection that is on disk, and not in memory.
    pub fn shelved(&mut self, room: &str) -> Option<&mut Shelved> {
        self.shelved.get_mut(room)
    }

    /// The next of those that nobody waits for yet.
    pub fn next_in_line(&mut self) -> Option<Arc<str>> {
        while let Some(room) = self.line.pop_front() {
            if self.shelved.get(&room).is_some_and(|shelved| shelved.restoring.is_none()) {
                return Some(room);
            }
        }
        None
    }

    /// It is read from now on. False: it is already, or is not shelved.
    pub fn begin_reading(&mut self, room: &str, setup: &Setup) -> bool {
        let Some(shelved) = self.shelved.get_mut(room).filter(|shelved| shelved.restoring.is_none()) else {
            return false;
        };
        // What is on disk says where it began; what says nothing of that is from the beginning.
        shelved.restoring = Some(Box::new(Restoring::new(setup.clone(), 0)));
        shelved.trouble = None;
        self.reading += 1;
        true
    }

    /// How many are being read.
    #[must_use]
    pub fn reading(&self) -> usize {
        self.reading
    }

    /// Some rows of it are here.
    pub fn read(&mut self, room: &str, rows: Vec<Row>) -> Result<(), Why> {
        let Some(restoring) = self.shelved.get_mut(room).and_then(|shelved| shelved.restoring.as_mut())
        else {
            return Ok(());
        };
        let before = restoring.bytes();
        let read = rows.into_iter().try_for_each(|row| restoring.row(row));
        self.bytes = self.bytes.saturating_sub(before).saturating_add(restoring.bytes());
        read
    }

    /// It cannot be read now: who waited for it. Members stay.
    pub fn not_read(&mut self, room: &str, trouble: &Trouble) -> Waiting {
        let Some(shelved) = self.shelved.get_mut(room) else { return Waiting::default() };
        if let Some(restoring) = shelved.restoring.take() {
            self.bytes = self.bytes.saturating_sub(restoring.bytes());
            self.reading -= 1;
        }
        shelved.trouble = Some(trouble.clone());
        std::mem::take(&mut shelved.waiting)
    }

    /// All of it is here: the version of its schema, and who waited for it.
    pub fn is_read(&mut self, room: &Arc<str>, now_ms: u64) -> Result<(u64, Waiting), Why> {
        let Some((name, mut shelved)) = self.shelved.remove_entry(room) else {
            return Ok((0, Waiting::default()));
        };
        let Some(restoring) = shelved.restoring.take() else {
            self.shelved.insert(name, shelved);
            return Ok((0, Waiting::default()));
        };
        self.reading -= 1;
        self.bytes = self.bytes.saturating_sub(restoring.bytes());
        let stated = restoring.is_stated();
        let (collection, version) = match restoring.finish() {
            Ok(read) => read,
            Err(why) => {
                self.shelved.insert(name, shelved);
                return Err(why);
            }
        };
        let mut held = Held { stated, ..Held::new(collection, now_ms) };
        for (session, (mut who, seen)) in std::mem::take(&mut shelved.writers) {
            who.number = held.collection.join(&who.id, seen).number;
            held.set_writer(session, Some(who));
        }
        self.held.insert(name, held);
        self.count(room);
        Ok((version, shelved.waiting))
    }

    /// Let go of collections that are on disk whole and that nobody is in, until no more than so many bytes are held.
    /// `is_wanted` says whether somebody is in a room.
    pub fn make_room(&mut self, most: usize, is_wanted: impl Fn(&str) -> bool) {
        if self.bytes <= most {
            return;
        }
        let idle = self.held.iter().filter(|(room, held)| held.can_go() && !is_wanted(room));
        let idle: Vec<Arc<str>> = idle.map(|(room, _)| Arc::clone(room)).collect();
        for room in idle {
            if self.bytes <= most {
                return;
            }
            if let Some(held) = self.held.remove(&room) {
                self.bytes = self.bytes.saturating_sub(held.counted);
                self.shelved.insert(room, Shelved::default());
            }
        }
    }
}
