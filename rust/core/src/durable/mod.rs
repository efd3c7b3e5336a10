//! What waits for the disk: the groups of facts on their way there, and the wall that they make for those who listen.
//!
//! Theory. What must be on disk before it is told becomes *facts* (`store::Record`) with a *promise*: what is to be done when
//! they are there, or when it is known that they never will be. Facts are gathered in the order of their decisions, and
//! leave as a group when the store is idle. Its answer turns each promise, in the same order, into a fate.
//!
//! An entry that waits is in its ring with its number, and nobody hears it: no cursor of its room's listeners passes it.
//! That is the wall. Entries are settled in the order of their numbers, since groups are written one at a time; so the
//! lowest number that waits is all that most questions need.
//!
//! Nothing here knows a connection, nor does anything: the engine asks, and keeps what is promised.

pub mod answers;
pub mod groups;
pub mod joins;
pub mod lookups;
pub mod losses;
pub mod notices;
pub mod pages;
pub mod promise;
pub mod reach;
pub mod reads;
pub mod requests;
pub mod running;
pub mod shelves;
pub mod until;
pub mod wall;

use crate::ids::{SessionId, Tick};
use crate::log::entry::Entry;
use crate::room::blocked::Blocked;
use crate::store::{Sync, Trouble};
use answers::Answers;
use groups::Groups;
use joins::Joins;
use lookups::Lookups;
use losses::Losses;
use notices::Notices;
use pages::Pages;
use promise::{Facts, Fate, Promise};
use reads::Reads;
use requests::Requests;
use running::Running;
use shelves::Shelves;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wall::Wall;

/// Why nothing durable is taken now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusing {
    /// A write has not ended in its time.
    Slow,
    /// The store says so itself.
    Trouble(Trouble),
}

/// All of it.
#[derive(Debug, Default)]
pub struct Durable {
    /// Facts on their way.
    pub groups: Groups,
    /// Who may not hear on.
    pub wall: Wall,
    /// Acks that wait for what their handlers said.
    pub answers: Answers,
    /// Who would publish, and waits until less waits for the disk.
    pub held: Blocked,
    /// Requests that were told that nobody knows what became of them, and will be known.
    pub unknown: BTreeSet<(SessionId, u64)>,
    /// Requests that are on disk before they begin.
    pub requests: Requests,
    /// Joins that are on disk before they are answered.
    pub joins: Joins,
    /// What is told when it is on disk.
    pub notices: Notices,
    /// Keys of earlier lives that are on disk alone.
    pub lookups: Lookups,
    /// What may have been lost with the machine.
    pub losses: Losses,
    /// What is on disk of rooms.
    pub shelves: Shelves,
    /// What is being read.
    pub reads: Reads,
    /// What was read for the application, and not taken yet: entries, whether they are all, whether there are more.
    pub histories: BTreeMap<u64, (Vec<Arc<Entry>>, bool, bool)>,
    /// What was read for listeners beyond the rings.
    pub pages: Pages,
    /// How long the server ran.
    pub running: Running,
    /// When what waits is looked at next, where a timer is set for that.
    pub looked_at: Tick,
    /// No more numbers are given: the server ends.
    pub ended: bool,
    /// More numbers are being reserved.
    pub reserving: bool,
    refusing: Option<Refusing>,
}

impl Durable {
    /// These facts are to be on disk; then the promise is kept.
    pub fn keep(&mut self, facts: Facts, sync: Sync, promise: Option<Promise>) {
        self.groups.gather(facts, sync, promise);
    }

    /// Why nothing durable is taken now, if so.
    #[must_use]
    pub fn refusing(&self) -> Option<&Refusing> {
        self.refusing.as_ref()
    }

    /// A write has not ended in its time: nothing more is taken before the store answers.
    pub fn is_slow(&mut self) {
        self.refusing.get_or_insert(Refusing::Slow);
    }

    /// The store has trouble, and takes nothing until it is up.
    pub fn is_down(&mut self, trouble: Trouble) {
        self.refusing = Some(Refusing::Trouble(trouble));
        self.groups.stop();
    }

    /// The store takes groups again.
    pub fn is_up(&mut self) {
        self.refusing = None;
        self.groups.go_on();
    }

    /// The store has answered: it is not slow any more.
    pub fn has_answered(&mut self) {
        if self.refusing == Some(Refusing::Slow) {
            self.refusing = None;
        }
    }

    /// When to look at what waits for too long.
    #[must_use]
    pub fn due(&self) -> Option<Tick> {
        [self.write_due(), self.groups.due(), self.reads.due()].into_iter().flatten().min()
    }

    /// When the first of what waits for a write has waited for too long.
    #[must_use]
    pub fn write_due(&self) -> Option<Tick> {
        let written = [self.wall.due(), self.notices.due(), self.requests.due(), self.joins.due()];
        written.into_iter().flatten().min()
    }

    /// A session is gone: the next in its place is as new.
    pub fn forget(&mut self, session: SessionId) {
        self.wall.forget(session);
        self.pages.forget(session);
        self.pages.take_deferred(session);
    }

    /// The next promise whose fate is known.
    pub fn settled(&mut self) -> Option<(Promise, Fate)> {
        self.groups.settled()
    }
}
