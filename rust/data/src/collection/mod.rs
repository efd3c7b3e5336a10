//! A collection, as its server has it: documents, who writes them, and the one place where changes are decided.
//!
//! How it is driven. [`Collection::join`] is what a member is told. [`Collection::begin`] reads a push, and
//! [`Collection::step`] goes on with it: it asks what the application must say, tells what was decided of one change, or ends
//! with the ack. What was decided is done in that step, with the number that the caller named: where there is an entry,
//! the caller says it under that number, at once. [`Collection::write`] is for the application's own changes,
//! [`Collection::pull`] answers pages.
//!
//! A collection on disk decides ahead of the disk: each decision has a serial number and rows to keep, and
//! [`Collection::kept`] or [`Collection::lost`] says what became of them. What is not kept yet is in no page, and an ack that
//! depends on it waits ([`Ack::after`]).
//!
//! Invariants: `ahead` has what was decided and is not kept, oldest first; `front` has, of each key in it, the newest. Numbers
//! of entries rise.

mod ahead;
mod carry;
mod decide;
mod document;
mod kept;
mod outcome;
mod page;
mod plan;
mod push;
mod shelf;
mod stored;
mod texts;
mod upgrade;
mod writers;

pub use document::{Document, Field, Stamp, WriterNo, name_of, writer_in};
pub use kept::{Restoring, Row};
pub use outcome::{Held, Outcome};
pub use page::{Listed, Page, Pull};
pub use plan::Lost;
pub use push::{Ack, Answer, Push, Question, Step, What};
pub use stored::{Place, Stored};
pub use writers::{Who, WriterId};

use crate::change::{Change, Moment, Op, Timing, check_key};
use crate::limits::Limits;
use crate::position::Seq;
use crate::schema::{Schema, Strategy};
use crate::value::{Map, Value};
use crate::why::Why;
use ahead::Ahead;
use decide::{Ruling, Said, There, decide};
use shelf::{Shelf, Slot};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use writers::Writers;

/// Whose parts of a CRDT are the application's.
pub const APPLICATION: &str = "app";

/// How a collection is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// How contested changes are decided.
    pub strategy: Strategy,
    /// What its documents are.
    pub schema: Schema,
    /// Older schemas whose changes the application can upgrade.
    pub upgrades: Vec<u64>,
    /// Its bounds.
    pub limits: Limits,
    /// It is on disk: what is decided counts when it is there.
    pub durable: bool,
    /// The application is asked about each change: may it be done, and is it of the type.
    pub asks: bool,
}

/// A collection.
#[derive(Debug)]
pub struct Collection {
    setup: Setup,
    shelf: Shelf,
    writers: Writers,
    ahead: VecDeque<Ahead>,
    front: BTreeMap<Arc<str>, Slot>,
    serial: u64,
    /// Texts whose updates should be merged: key and field.
    apart: Vec<(Box<str>, Box<str>)>,
}

/// An entry to be said in the collection's room, under the number that the caller named.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its number.
    pub seq: Seq,
    /// Its time (ms since 1970).
    pub time: u64,
    /// Its data. The event is `change`.
    pub data: Value,
}

/// A key that was changed, and the entry that says so.
type Changed = (Arc<str>, Entry);

/// What was decided of one change.
#[derive(Debug)]
pub struct Decided {
    /// The writer's number of the change; none for the application.
    pub n: Option<u64>,
    /// What came of it.
    pub outcome: Outcome,
    /// What is to be said. None: nothing changed, and the number was not used.
    pub entry: Option<Entry>,
    /// What is to be kept, all in one transaction with the entry. Empty where the collection is in memory alone.
    pub rows: Vec<Row>,
    /// By which `kept` and `lost` name it.
    pub serial: u64,
}

/// What a member is told of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// Its number, to be said with each push: `Who::number`.
    pub number: WriterNo,
    /// `writer` of a join's ack: name, `n`, and the outcomes that it may not have.
    pub writer: Value,
}

impl Collection {
    /// One that begins at this number of the log, and in which nothing is.
    #[must_use]
    pub fn new(setup: Setup, began: Seq) -> Self {
        let shelf = Shelf::new(began);
        Self {
            setup,
            shelf,
            writers: Writers::default(),
            ahead: VecDeque::new(),
            front: BTreeMap::new(),
            serial: 0,
            apart: Vec::new(),
        }
    }

    /// How it is set up.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The highest number below which deletes may be forgotten.
    #[must_use]
    pub fn horizon(&self) -> Seq {
        self.shelf.horizon
    }

    /// How many documents are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shelf.documents()
    }

    /// What it takes, roughly (bytes): documents, tombstones, and writers with their outcomes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.shelf.bytes + self.writers.bytes()
    }

    /// Whether nothing is kept of it: it can go, and be made again.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.shelf.slots.is_empty() && self.front.is_empty() && self.writers.by_id.is_empty()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The document at a key, with what was decided and is not kept yet.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Arc<Document>> {
        match self.newest(key)? {
            Slot::Document(document) => Some(document.clone()),
            Slot::Tombstone(..) => None,
        }
    }

    /// All documents that are kept, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Document)> {
        self.shelf.slots.iter().filter_map(|(key, slot)| match slot {
            Slot::Document(document) => Some((&**key, &**document)),
            Slot::Tombstone(..) => None,
        })
    }

    /// The checksum of what is kept.
    #[must_use]
    pub fn checksum(&self) -> String {
        self.shelf.sum.text()
    }

    fn newest(&self, key: &str) -> Option<&Slot> {
        self.front.get(key).or_else(|| self.shelf.slots.get(key))
    }

    fn there(&self, key: &str) -> There<'_> {
        match self.newest(key) {
            Some(Slot::Document(document)) => There::Document(document),
            Some(Slot::Tombstone(stamp, _)) => There::Deleted(*stamp),
            None => There::Nothing(self.shelf.horizon),
        }
    }

    fn seq_at(&self, key: &str) -> Option<Seq> {
        self.newest(key).map(Slot::seq)
    }

    /// What the collection's part of a join's ack says of a writer. It makes no record: a first push does. `seen` as the
    /// join says it.
    pub fn join(&mut self, id: &WriterId, seen: u64) -> Joined {
        let number = self.writers.number(id);
        let mut outcomes = Vec::new();
        let mut n = 0;
        if let Some(writer) = self.writers.by_id.get_mut(id) {
            writer.has_seen(seen);
            n = writer.kept_n;
            let known = (writer.seen + 1..=writer.kept_n).zip(&writer.outcomes);
            outcomes = known.map(|(n, (_, outcome))| outcome.said(n)).collect();
        }
        let writer = Map::new().with("name", name_of(number)).with("n", n).with("outcomes", outcomes);
        Joined { number, writer: writer.into() }
    }

    /// Answer a `pull` of a member. `disk` is the head of the log on disk; in memory, its head.
    #[must_use]
    pub fn pull(&self, pull: Pull<'_>, id: Option<&WriterId>, epoch: &str, disk: Seq) -> Page {
        let n = id.and_then(|id| self.writers.by_id.get(id)).map_or(0, |writer| writer.kept_n);
        page::page(&self.shelf, pull, n, epoch, disk)
    }

    /// A change of the application's own: on what is there, so nothing contests it.
    pub fn write(&mut self, key: &str, op: Op, moment: &Moment<'_>) -> Result<Decided, Why> {
        check_key(key)?;
        op.check(&self.setup.schema, &self.setup.limits)?;
        let base = Some(moment.head);
        let change = Change { op, key: key.into(), base, schema: None, at: None, was: None, resolves: None };
        let said = Said { writer: 0, timing: Timing::of(None, moment.now_ms) };
        let (outcome, done) =
            match decide(self.there(key), &change, said, self.setup.strategy, &self.setup.schema) {
                Ruling::Do(plan) => self.carry_out(&plan, &change, said, None, moment)?,
                // Only a patch of what is not there, since nothing is contested.
                Ruling::Conflict(fields, gone) => {
                    (Outcome::Conflict { seq: self.seq_at(key), fields, gone }, None)
                }
                Ruling::Ask => return Err(Why::invalid("an application's own change is not contested")),
            };
        Ok(self.done(None, outcome, done, Vec::new()))
    }

    /// Whether it has so many tombstones that it is to be swept now: who deletes without end takes no more memory than is set.
    #[must_use]
    pub fn is_overgrown(&self) -> bool {
        self.shelf.is_overgrown(&self.setup.limits)
    }

    /// Let go of tombstones and writers whose time is over. What is to be kept of that.
    pub fn sweep(&mut self, now_ms: u64) -> Vec<Row> {
        let gone = self.shelf.sweep(now_ms, &self.setup.limits);
        // What is in front is on its way to the disk, in the place of the tombstone.
        let gone = gone.into_iter().filter(|key| !self.front.contains_key(key));
        let mut rows: Vec<Row> = gone.map(|key| Row::NoKey(key.as_ref().into())).collect();
        rows.extend(self.writers.sweep(now_ms).into_iter().map(Row::NoWriter));
        if !rows.is_empty() {
            rows.push(self.state());
        }
        if self.setup.durable { rows } else { Vec::new() }
    }
}
