//! Groups of facts: one is gathered, one is under way, and of what was answered the promises are kept in order.
//!
//! Invariants:
//! - At most one group is under way. Its number is above those of all before it.
//! - Promises are settled in the order in which their facts were gathered, but for those that are taken back before their
//!   facts have left.
//! - What has happened (a session's end, say) is written again in a later group, should the store refuse it.
//! - What is promised behind facts is settled after them, and never the first of what is gathered: so no group is without facts.
//! - What is gathered leaves when the store is idle and somebody waits for it; what nobody waits for, at the latest
//!   `BEHIND_MS` after it came.

use super::promise::{Facts, Fate, Promise, Said};
use crate::ids::{Seq, Tick};
use crate::limits::fixed::BEHIND_MS;
use crate::log::dedupe::Ticket;
use crate::store::{Group, GroupId, Record, Sync, Trouble};
use std::collections::VecDeque;
use std::sync::Arc;

#[derive(Debug)]
struct Item {
    facts: Facts,
    promise: Option<Promise>,
    sync: Sync,
    /// It has no facts of its own.
    is_behind: bool,
}

#[derive(Debug)]
struct UnderWay {
    id: GroupId,
    /// In order. What cannot be refused, since it has happened, is here with its facts: they are written again.
    items: Vec<Item>,
}

impl Item {
    /// Whether nothing of it is so before it is on disk.
    fn may_be_refused(&self) -> bool {
        self.promise.as_ref().is_some_and(Promise::may_be_refused)
    }

    /// The ticket of the join that it is.
    fn join(&self) -> Option<u64> {
        match self.promise {
            Some(Promise::Join(ticket)) => Some(ticket),
            _ => None,
        }
    }
}

/// Something that was decided in the collection of a room, and never will be on disk: its serial number, and why.
pub type Lost = (Arc<str>, u64, Trouble);

/// All groups.
#[derive(Debug, Default)]
pub struct Groups {
    gathering: Vec<Item>,
    /// Somebody waits for what is gathered.
    wanted: bool,
    /// When it is to leave though nobody waits for it.
    behind: Option<Tick>,
    under_way: Option<UnderWay>,
    settled: VecDeque<(Promise, Fate)>,
    last: GroupId,
    /// What was decided in collections, is not kept, and was not taken out yet.
    lost: Vec<Lost>,
    /// The store takes none.
    stopped: bool,
}

impl Groups {
    /// These facts belong into the next group, and somebody waits for them.
    pub fn gather(&mut self, facts: Facts, sync: Sync, promise: Option<Promise>) {
        self.wanted = true;
        self.gathering.push(Item { facts, promise, sync, is_behind: false });
    }

    /// A promise that is to be kept when all facts that were gathered so far are decided.
    pub fn promise_behind(&mut self, promise: Promise) {
        self.wanted |= !self.gathering.is_empty();
        self.gathering.push(Item {
            facts: Vec::new(),
            promise: Some(promise),
            sync: Sync::Commit,
            is_behind: true,
        });
        self.move_up();
    }

    /// The joins that are on their way to the disk, by their tickets.
    pub fn joins(&self) -> impl Iterator<Item = u64> {
        let under_way = self.under_way.iter().flat_map(|group| &group.items);
        under_way.chain(&self.gathering).filter_map(Item::join)
    }

    /// Whether this join has no facts of its own, and waits for those that were gathered before.
    #[must_use]
    pub fn is_behind(&self, ticket: u64) -> bool {
        let under_way = self.under_way.iter().flat_map(|group| &group.items);
        under_way.chain(&self.gathering).any(|item| item.is_behind && item.join() == Some(ticket))
    }

    /// A join without facts of its own has the fate of an earlier one, which is on its way to the disk.
    pub fn join_with(&mut self, earlier: u64, ticket: u64) {
        let under_way = self.under_way.as_mut().map(|group| &mut group.items);
        let found = |items: &&mut Vec<Item>| items.iter().any(|item| item.join() == Some(earlier));
        if let Some(items) = under_way.filter(found).or(Some(&mut self.gathering).filter(found)) {
            let (facts, promise) = (Vec::new(), Some(Promise::Join(ticket)));
            items.push(Item { facts, promise, sync: Sync::Commit, is_behind: false });
        }
    }

    /// What is promised behind facts that are not gathered any more goes behind the group that is under way; without one, all
    /// that it waited for is decided.
    fn move_up(&mut self) {
        let behind = self.gathering.iter().take_while(|item| item.is_behind).count();
        for item in self.gathering.drain(..behind) {
            match &mut self.under_way {
                Some(group) => group.items.push(item),
                None => self.settled.extend(item.promise.map(|promise| (promise, Fate::Written))),
            }
        }
        self.wanted &= !self.gathering.is_empty();
    }

    /// Of the group that is under way nobody knows: a join that is promised behind it, and has no facts of its own, waits no
    /// longer.
    pub fn let_go_behind(&mut self) {
        let Some(group) = &mut self.under_way else { return };
        let is_join = |item: &mut Item| item.is_behind && matches!(item.promise, Some(Promise::Join(_)));
        for item in group.items.extract_if(.., is_join) {
            self.settled.extend(item.promise.map(|promise| (promise, Fate::Written)));
        }
    }

    /// This fact belongs into a group, within a second.
    pub fn add(&mut self, fact: Record, now: Tick) {
        self.behind.get_or_insert(now.plus_ms(BEHIND_MS));
        self.gathering.push(Item { facts: vec![fact], promise: None, sync: Sync::Commit, is_behind: false });
    }

    /// When what nobody waits for is to leave.
    #[must_use]
    pub fn due(&self) -> Option<Tick> {
        self.behind.filter(|_| !self.wanted)
    }

    /// It is time for what nobody waits for.
    pub fn hurry(&mut self, now: Tick) {
        self.wanted |= self.behind.is_some_and(|behind| behind <= now);
    }

    /// It is time for all that is gathered.
    pub fn hurry_all(&mut self) {
        self.wanted |= !self.gathering.is_empty();
    }

    /// Whether a group is to leave.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.wanted && self.under_way.is_none() && !self.stopped
    }

    /// The group that is to leave, if one is.
    pub fn leave(&mut self) -> Option<Group> {
        if !self.is_ready() {
            return None;
        }
        self.last += 1;
        (self.wanted, self.behind) = (false, None);
        let mut group = Group { id: self.last, sync: Sync::Commit, records: Vec::new() };
        let mut items = std::mem::take(&mut self.gathering);
        for item in &mut items {
            group.sync = group.sync.max(item.sync);
            if item.may_be_refused() {
                group.records.append(&mut item.facts);
            } else {
                group.records.extend(item.facts.iter().cloned());
            }
        }
        self.under_way = Some(UnderWay { id: group.id, items });
        Some(group)
    }

    /// The store says what became of a group. False: no such group is under way.
    pub fn answered(&mut self, id: GroupId, fate: &Fate, now: Tick) -> bool {
        let Some(group) = self.under_way.take_if(|group| group.id == id) else { return false };
        let mut again = Vec::new();
        for item in group.items {
            if *fate == Fate::Written || item.may_be_refused() || item.is_behind && again.is_empty() {
                self.settle(item.promise, fate);
            } else {
                again.push(item);
            }
        }
        if matches!(fate, Fate::Refused(_)) {
            // What was decided in collections since was decided on what is not there.
            self.refuse(fate, |item| item.promise.as_ref().is_some_and(|promise| promise.change().is_some()));
        }
        if !again.is_empty() {
            self.behind.get_or_insert(now.plus_ms(BEHIND_MS)); // not at once: the store would be asked all the time
            self.gathering.splice(0..0, again);
        }
        self.move_up();
        true
    }

    /// What has not left, and of which nothing was done, will not be done.
    pub fn take_back(&mut self, trouble: &Trouble) {
        self.refuse(&Fate::Refused(trouble.clone()), Item::may_be_refused);
        self.move_up();
    }

    /// The entries of the group that is under way.
    pub fn said_under_way(&mut self) -> impl Iterator<Item = &mut Said> {
        self.under_way.iter_mut().flat_map(|group| &mut group.items).filter_map(|item| {
            match &mut item.promise {
                Some(Promise::Say(said)) => Some(said),
                _ => None,
            }
        })
    }

    /// The number of the entry whose key this is, while it is on its way to the disk.
    #[must_use]
    pub fn number_under(&self, key: Ticket) -> Option<Seq> {
        let under_way = self.under_way.iter().flat_map(|group| &group.items);
        under_way.chain(&self.gathering).find_map(|item| match &item.promise {
            Some(Promise::Say(said)) if said.key == Some(key) => Some(said.entry.seq),
            _ => None,
        })
    }

    /// What was decided in collections and is not kept, since this was asked last.
    pub fn take_lost(&mut self) -> Vec<Lost> {
        std::mem::take(&mut self.lost)
    }

    /// These have not left, and will not.
    fn refuse(&mut self, fate: &Fate, which: impl Fn(&Item) -> bool) {
        let gone: Vec<Item> = self.gathering.extract_if(.., |item| which(item)).collect();
        for item in gone {
            self.settle(item.promise, fate);
        }
    }

    /// The fate of an item is known.
    fn settle(&mut self, promise: Option<Promise>, fate: &Fate) {
        let Some(promise) = promise else { return };
        if let (Some((room, serial)), Fate::Refused(trouble)) = (promise.change(), fate) {
            self.lost.push((Arc::clone(room), serial, trouble.clone()));
        }
        self.settled.push_back((promise, fate.clone()));
    }

    /// The next promise whose fate is known.
    pub fn settled(&mut self) -> Option<(Promise, Fate)> {
        self.settled.pop_front()
    }

    /// Whether there is one.
    #[must_use]
    pub fn has_settled(&self) -> bool {
        !self.settled.is_empty()
    }

    /// The store takes none for now.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// It takes them again.
    pub fn go_on(&mut self) {
        self.stopped = false;
    }

    /// Whether nothing is gathered, under way or to be settled.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.gathering.is_empty() && self.under_way.is_none() && self.settled.is_empty()
    }

    /// How many decisions wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.gathering.len()
            + self.settled.len()
            + self.under_way.as_ref().map_or(0, |group| group.items.len())
    }

    /// Whether none does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
