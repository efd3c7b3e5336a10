//! Collections: which there are, who of their members writes, and the pushes that are under way.
//!
//! What is decided is decided in `rtcore_data`, which knows no sessions. Here stands who they are: a collection is said in the
//! room `$sync/NAME`, its members are that room's, and a member that said `sync` when it joined is a writer.
//!
//! Invariants: each collection has the room of its name, or somebody kept something in it. In a lane are the pushes of one
//! writer in the order in which they came, and only the first of them is under way. A push is its session's: it goes with the
//! session, and with its membership. What is owed is told when the disk has what it depends on, and only then.

mod owed;
mod said;
pub mod shelved;

pub use owed::{Owed, Whose};
pub use said::{Sync, sync_of};

use crate::ids::{Seq, SessionId};
use crate::room::settings::SYNC;
use crate::store::Trouble;
use rtcore_data::Collection;
use rtcore_data::collection::{Push, Setup, Who, WriterId};
use rtcore_data::limits::DATA_LANES;
use shelved::Shelved;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How often old tombstones and writers are let go of (ms): they are kept for months.
const SWEEP_MS: u64 = 3_600_000;
/// What a collection costs beside its contents (bytes).
const COLLECTION: usize = 1024;

/// A push that came.
#[derive(Debug)]
pub struct Pushing {
    /// Whose.
    pub session: SessionId,
    /// The request's id.
    pub id: Option<u64>,
    /// The push itself.
    pub push: Push,
    /// By which a question about it is known. They rise.
    pub serial: u64,
    /// The application was asked, and has not answered.
    pub asked: bool,
}

/// A collection, and who has to do with it.
#[derive(Debug)]
pub struct Held {
    /// Its documents and writers.
    pub collection: Collection,
    writers: BTreeMap<SessionId, Who>,
    lanes: BTreeMap<WriterId, VecDeque<Pushing>>,
    swept_ms: u64,
    /// What waits for the disk, in the order in which it was decided.
    owed: Vec<Owed>,
    /// A change of the application's was not kept, and it has not asked since.
    pub lost: Option<Trouble>,
    /// Its own row is kept, or on its way.
    pub stated: bool,
    /// What it took when it was last counted.
    counted: usize,
}

impl Held {
    fn new(collection: Collection, now_ms: u64) -> Self {
        Self {
            collection,
            writers: BTreeMap::new(),
            lanes: BTreeMap::new(),
            swept_ms: now_ms,
            owed: Vec::new(),
            lost: None,
            stated: false,
            counted: 0,
        }
    }

    /// Who a member is as a writer; none: it said no `sync`.
    #[must_use]
    pub fn writer(&self, session: SessionId) -> Option<&Who> {
        self.writers.get(&session)
    }

    /// A member writes.
    pub fn set_writer(&mut self, session: SessionId, who: Option<Who>) {
        match who {
            Some(who) => drop(self.writers.insert(session, who)),
            None => drop(self.writers.remove(&session)),
        }
    }

    /// Whether it can be read again from disk, as it is, and nobody writes.
    fn can_go(&self) -> bool {
        self.collection.setup().durable
            && self.collection.is_kept()
            && self.stated
            && self.writers.is_empty()
            && self.lanes.is_empty()
            && self.owed.is_empty()
    }

    /// Whether a lane takes no more now: so many pushes wait in it, or for the disk.
    #[must_use]
    pub fn is_full(&self, writer: &WriterId, session: SessionId) -> bool {
        let owed = self.owed.iter().filter(|owed| owed.is_of(session)).count();
        owed + self.lanes.get(writer).map_or(0, VecDeque::len) >= DATA_LANES
    }

    /// A push came. True: it is the first of its lane.
    pub fn add(&mut self, writer: WriterId, pushing: Pushing) -> bool {
        let lane = self.lanes.entry(writer).or_default();
        lane.push_back(pushing);
        lane.len() == 1
    }

    /// The collection and the push of a lane that is under way.
    pub fn under_way(&mut self, writer: &WriterId) -> Option<(&mut Collection, &mut Pushing)> {
        Some((&mut self.collection, self.lanes.get_mut(writer)?.front_mut()?))
    }

    /// The push that was under way is over.
    pub fn over(&mut self, writer: &WriterId) -> Option<Pushing> {
        let lane = self.lanes.get_mut(writer)?;
        let over = lane.pop_front();
        if lane.is_empty() {
            self.lanes.remove(writer);
        }
        over
    }

    /// A member is one no more: its pushes, which are not gone on with.
    pub fn left(&mut self, session: SessionId) -> Vec<Pushing> {
        let Some(who) = self.writers.remove(&session) else { return Vec::new() };
        let Some(lane) = self.lanes.remove(&who.id) else { return Vec::new() };
        let (gone, stays): (VecDeque<_>, VecDeque<_>) =
            lane.into_iter().partition(|pushing| pushing.session == session);
        if !stays.is_empty() {
            self.lanes.insert(who.id, stays);
        }
        gone.into()
    }

    /// A lane whose first push nobody drives.
    #[must_use]
    pub fn idle_lane(&self) -> Option<WriterId> {
        let idle = |(_, lane): &(&WriterId, &VecDeque<Pushing>)| lane.front().is_some_and(|it| !it.asked);
        self.lanes.iter().find(idle).map(|(id, _)| id.clone())
    }
}

/// All collections.
#[derive(Debug, Default)]
pub struct Shared {
    held: BTreeMap<Arc<str>, Held>,
    shelved: BTreeMap<Arc<str>, Shelved>,
    /// Of those that are shelved, some that are read when nothing else is.
    line: VecDeque<Arc<str>>,
    /// How many are being read.
    reading: usize,
    serial: u64,
    bytes: usize,
}

impl Shared {
    /// The collection of this room.
    pub fn get_mut(&mut self, room: &str) -> Option<&mut Held> {
        self.held.get_mut(room)
    }

    /// The same, to look at.
    #[must_use]
    pub fn get(&self, room: &str) -> Option<&Held> {
        self.held.get(room)
    }

    /// The collection of this room, made if there is none.
    pub fn make(&mut self, room: &Arc<str>, setup: &Setup, began: Seq, now_ms: u64) -> &mut Held {
        let made = || Held::new(Collection::new(setup.clone(), began), now_ms);
        self.held.entry(Arc::clone(room)).or_insert_with(made)
    }

    /// Who a member of a collection is as a writer, wherever that is. (The number is another in each life.)
    #[must_use]
    pub fn writer(&self, room: &str, session: SessionId) -> Option<Box<Who>> {
        if !room.starts_with(SYNC) {
            return None;
        }
        let held = self.held.get(room).and_then(|held| held.writer(session));
        let who = held.or_else(|| self.shelved.get(room)?.writer(session))?;
        Some(Box::new(Who { number: 0, ..who.clone() }))
    }

    /// A number for a push.
    pub fn next_serial(&mut self) -> u64 {
        self.serial = self.serial.wrapping_add(1);
        self.serial
    }

    /// Something of a collection changed: what it takes is counted anew.
    pub fn count(&mut self, room: &str) {
        let Some(held) = self.held.get_mut(room) else { return };
        let now = held.collection.bytes().saturating_add(COLLECTION);
        self.bytes = self.bytes.saturating_sub(held.counted).saturating_add(now);
        held.counted = now;
    }

    /// What all of them take, roughly (bytes).
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Pushes that are under way or wait.
    #[must_use]
    pub fn pushes(&self) -> usize {
        self.held.values().flat_map(|held| held.lanes.values()).map(VecDeque::len).sum()
    }

    /// Its room goes: a collection in which nothing is goes with it.
    pub fn let_go(&mut self, room: &str) {
        if self.held.get(room).is_some_and(|held| held.collection.is_blank())
            && let Some(held) = self.held.remove(room)
        {
            self.bytes = self.bytes.saturating_sub(held.counted);
        }
    }

    /// Let go of what is older than collections keep, in those of which it is time. Their rooms.
    pub fn due(&mut self, now_ms: u64) -> Vec<Arc<str>> {
        let due = |held: &mut Held| now_ms.saturating_sub(held.swept_ms) >= SWEEP_MS;
        let mut rooms = Vec::new();
        for (room, held) in self.held.iter_mut().filter_map(|(room, held)| due(held).then_some((room, held)))
        {
            held.swept_ms = now_ms;
            rooms.push(Arc::clone(room));
        }
        rooms
    }
}
