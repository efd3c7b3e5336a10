//! What is read from disk: what for, how often it was tried, and for how long it has been waited for.
//!
//! Invariants:
//! - The store has at most `READS` of them at a time; the others stand in a line. What it has not answered in its time counts
//!   as one of them until it has.
//! - Each that was asked for is answered once: by what was read, or by the trouble of the last try, or because it took too
//!   long. So nobody waits for longer than `STORE_MS`.

use crate::ids::{RoomId, Seq, SessionId, Tick};
use crate::limits::fixed::{READ_TRIES, READS, STORE_MS};
use crate::store::{Page, Read, ReadId, Trouble, Wanted};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// What something is read for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum For {
    /// The ring of a room.
    Ring(RoomId),
    /// A listener that is fed: what this room has above `after`, up to `upto`.
    Feed {
        /// Who listens.
        session: SessionId,
        /// The room.
        room: RoomId,
        /// Above this number.
        after: Seq,
        /// Up to this one.
        upto: Seq,
    },
    /// Who waits under this ticket.
    Ticket(u64),
    /// The collection of a room: the next page of what is kept of it.
    Collection(Arc<str>),
    /// The key of this hash.
    Key(u64),
}

#[derive(Debug)]
struct Open {
    wanted: Wanted,
    purpose: For,
    tries: u32,
    /// None: it was asked for in this turn.
    due: Option<Tick>,
}

/// All reads.
#[derive(Debug, Default)]
pub struct Reads {
    open: BTreeMap<ReadId, Open>,
    line: VecDeque<ReadId>,
    /// Those that the store has.
    under_way: BTreeSet<ReadId>,
    last: ReadId,
}

impl Reads {
    /// This is to be read.
    pub fn ask(&mut self, purpose: For, wanted: Wanted) {
        self.last += 1;
        self.open.insert(self.last, Open { wanted, purpose, tries: 0, due: None });
        self.line.push_back(self.last);
    }

    /// The time of those that were asked for in this turn begins. False: there are none.
    #[inline]
    pub fn begin(&mut self, now: Tick) -> bool {
        if self.open.is_empty() {
            return false; // as nearly always, and each entry of the engine asks
        }
        let new = self.open.values_mut().rev().take_while(|open| open.due.is_none());
        new.map(|open| open.due = Some(now.plus_ms(STORE_MS))).count() > 0
    }

    /// The next that the store is to be asked for.
    pub fn leave(&mut self) -> Option<Read> {
        while self.under_way.len() < READS {
            let id = self.line.pop_front()?;
            if let Some(open) = self.open.get_mut(&id) {
                open.tries += 1;
                self.under_way.insert(id);
                return Some(Read { id, wanted: open.wanted.clone() });
            }
        }
        None
    }

    /// The store has answered: what it was for. None: it is tried again, or nobody waits for it.
    pub fn answered(
        &mut self,
        id: ReadId,
        page: Result<Page, Trouble>,
    ) -> Option<(For, Result<Page, Trouble>)> {
        self.under_way.remove(&id);
        let open = self.open.get(&id)?;
        if page.is_err() && open.tries < READ_TRIES {
            self.line.push_back(id);
            return None;
        }
        let open = self.open.remove(&id)?;
        Some((open.purpose, page))
    }

    /// One that has been waited for too long.
    pub fn overdue(&mut self, now: Tick) -> Option<For> {
        let (id, open) = self.open.first_key_value()?;
        if open.due.is_none_or(|due| due > now) {
            return None;
        }
        let id = *id;
        self.line.retain(|other| *other != id);
        self.open.remove(&id).map(|open| open.purpose)
    }

    /// When the first of them has been waited for too long.
    #[must_use]
    pub fn due(&self) -> Option<Tick> {
        self.open.first_key_value().and_then(|(_, open)| open.due)
    }

    /// Whether the store is to be asked for one.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.line.is_empty() && self.under_way.len() < READS
    }

    /// How many are waited for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}
