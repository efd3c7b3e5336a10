//! The application's own idempotency keys: the same key with the same content is carried out once.
//!
//! A key belongs to a scope (user and room for a publish, user and event for an emit), so nobody reaches
//! another's result by guessing a key. The first claim makes a record and gets the ticket to finish it; a
//! later claim finds the record whether or not the work is done, so there is no moment at which two are
//! first.
//!
//! Invariants:
//! - A record is kept for `keep_ms` from its claim, and longer only while it is in progress. Nothing else
//!   removes it but its own `release`: when a quota is full, new keys are refused, and no old one forgotten.
//!   Forgetting one early would be a second execution.
//! - `order` holds a ticket for each record, oldest claim first, except those that came due in progress;
//!   these return to its front when they are finished, and those of earlier lives, which stand at its front in no
//!   order, since all of them are over before the first of this life. It may also hold tickets of records that are gone,
//!   at most about as many as there are records, so expiry is amortised O(1) a claim.
//! - `held` names the records of each user; `bytes` is the cost of all, and what `Shares` holds of keys is the same sum
//!   by owner.
//!
//! The share is checked at the claim, when the size of the result is not known yet: so many bytes are set aside for it.
//! Of one that is larger, and for which its owner then has no place (`has_place`), the caller keeps only that it was done.

mod kept;

pub use super::claim::{Claim, Digest, KeyLimits, Kind, Scope, ScopeUser, Ticket, Wanted};
use super::late::Late;
use super::record::{Place, Record, State, cost};
use crate::ids::Tick;
use crate::shares::{Account, Full, Holder, Shares, What};
use foldhash::quality::FixedState;
use hashbrown::{HashMap, HashSet, HashTable};
use std::collections::{BTreeSet, VecDeque};
use std::hash::BuildHasher;

/// Records that a claim looks at for expiry on its way: more than it adds, so that a backlog shrinks.
const SWEEP: usize = 16;

/// All keys of the process: `T` is a result, `W` one that waits for it.
#[derive(Debug)]
pub struct Keys<T, W> {
    places: Vec<Place<T, W>>,
    free: Vec<u32>,
    table: HashTable<u32>,
    order: VecDeque<(Tick, Ticket)>,
    held: HashMap<ScopeUser, HashSet<u32, FixedState>, FixedState>,
    hasher: FixedState,
    bytes: usize,
    limits: KeyLimits,
    pub(super) late: Late<W>,
}

impl<T: Clone, W: Ord> Keys<T, W> {
    /// No keys yet. `seed` is the process's secret: peers choose the keys, and must not choose their places.
    #[must_use]
    pub fn new(seed: u64, limits: KeyLimits) -> Self {
        let hasher = FixedState::with_seed(seed);
        Self {
            places: Vec::new(),
            free: Vec::new(),
            table: HashTable::new(),
            order: VecDeque::new(),
            held: HashMap::with_hasher(hasher.clone()),
            hasher,
            bytes: 0,
            limits,
            late: Late::new(),
        }
    }

    /// Claim a key for a content.
    pub fn claim(&mut self, wanted: &Wanted<'_>, shares: &mut Shares, now: Tick) -> Claim<T> {
        let Wanted { scope, key, digest, owner, result, on_disk, beside } = *wanted;
        self.expire(now, SWEEP, shares);
        let hash = self.hash_of(scope, key);
        if let Some(ticket) = self.find(hash, scope, key) {
            if !self.is_over(ticket, now) {
                return self.known(ticket, &digest);
            }
            self.remove(ticket, shares);
        }
        let held = self.held.get(&scope.user).map_or(0, HashSet::len) + on_disk;
        if held >= self.limits.per_user && scope.user != ScopeUser::Application {
            return Claim::QuotaFull { held, limit: self.limits.per_user };
        }
        let bare = cost::<T, W>(scope, key);
        let cost = bare + result;
        if let Some(full) = no_place(owner, cost, beside, shares) {
            return Claim::MemoryFull(full);
        }
        let record = Record {
            scope: scope.clone(),
            key: key.into(),
            hash,
            digest,
            claimed: now,
            owner: owner.clone(),
            bare,
            cost,
            begun: false,
            overdue: false,
            state: State::Open(BTreeSet::new()),
        };
        shares.take(owner, What::Key, cost as u64);
        Claim::New(self.insert(record, false))
    }

    /// The result that is kept for a key with this content, if one is. It claims nothing.
    #[must_use]
    pub fn result(&self, scope: &Scope, key: &str, digest: &Digest, now: Tick) -> Option<T> {
        let ticket = self.find(self.hash_of(scope, key), scope, key)?;
        match self.record(ticket)? {
            Record { state: State::Done(result), digest: of, .. } if of == digest => {
                (!self.is_over(ticket, now)).then(|| result.clone())
            }
            _ => None,
        }
    }

    /// Wait for the result of what is in progress. The waiter comes back if nothing is, or no longer.
    pub fn wait(&mut self, ticket: Ticket, waiter: W) -> Result<(), W> {
        match self.record_mut(ticket).map(|record| &mut record.state) {
            Some(State::Open(waiters)) => {
                waiters.insert(waiter);
                Ok(())
            }
            _ => Err(waiter),
        }
    }

    /// Who waits for the result of what is in progress: they wait no longer.
    pub fn take_waiters(&mut self, ticket: Ticket) -> Vec<W> {
        match self.record_mut(ticket).map(|record| &mut record.state) {
            Some(State::Open(waiters)) => std::mem::take(waiters).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// One who waited is gone.
    pub fn forget_waiter(&mut self, ticket: Ticket, waiter: &W) {
        if let Some(Record { state: State::Open(waiters), .. }) = self.record_mut(ticket) {
            waiters.remove(waiter);
        }
    }

    /// Keep the result, of that many bytes, and say who waits for it. It is kept until `keep_ms` after the
    /// claim; if that is over, until the next expiry.
    pub fn finish(&mut self, ticket: Ticket, result: T, bytes: usize, shares: &mut Shares) -> Vec<W> {
        let Some(record) = self.record_mut(ticket) else { return Vec::new() };
        let waiters = match &mut record.state {
            State::Open(waiters) => std::mem::take(waiters).into_iter().collect(),
            State::Done(_) => return Vec::new(),
        };
        let before = record.keep(result, bytes, shares);
        let (overdue, claimed, cost) = (record.overdue, record.claimed, record.cost);
        record.overdue = false;
        self.bytes = self.bytes - before + cost;
        if overdue {
            self.order.push_front((claimed, ticket));
        }
        waiters
    }

    /// Keep this result, of that many bytes, in place of the one that is kept.
    pub fn amend(&mut self, ticket: Ticket, result: T, bytes: usize, shares: &mut Shares) {
        if let Some(record @ Record { state: State::Done(_), .. }) = self.record_mut(ticket) {
            let before = record.keep(result, bytes, shares);
            let cost = record.cost;
            self.bytes = self.bytes - before + cost;
        }
    }

    /// Whether a result is kept for it.
    pub(super) fn is_kept(&self, ticket: Ticket) -> bool {
        matches!(self.record(ticket), Some(Record { state: State::Done(_), .. }))
    }

    /// Give the key back: it was not done, and may be claimed again. Says who waited; the first of them may.
    pub fn release(&mut self, ticket: Ticket, shares: &mut Shares) -> Vec<W> {
        if !matches!(self.record_mut(ticket), Some(Record { state: State::Open(_), .. })) {
            return Vec::new();
        }
        let waiters = match self.remove(ticket, shares).map(|record| record.state) {
            Some(State::Open(waiters)) => waiters.into_iter().collect(),
            _ => Vec::new(),
        };
        self.tidy();
        waiters
    }

    /// Nobody will say this key again: its result is forgotten. One in progress stays.
    pub fn let_go(&mut self, ticket: Ticket, shares: &mut Shares) {
        if self.is_kept(ticket) {
            self.remove(ticket, shares);
            self.tidy();
        }
    }

    /// Forget all keys of a user that is no more: an anonymous session, whose keys nobody else can say.
    pub fn end(&mut self, user: &ScopeUser, shares: &mut Shares) {
        for index in self.held.remove(user).into_iter().flatten() {
            let generation = self.places[index as usize].generation;
            self.remove(Ticket { index, generation }, shares);
        }
        self.tidy();
    }

    /// Whether the owner has place for a result of so many bytes.
    #[must_use]
    pub fn has_place(&self, ticket: Ticket, bytes: usize, shares: &Shares) -> bool {
        self.record(ticket).is_none_or(|record| {
            let more = (record.bare + bytes).saturating_sub(record.cost);
            more == 0 || shares.full_for(&record.owner, What::Key, more as u64).is_none()
        })
    }

    /// Without this, claiming and giving back in turns would fill `order` for as long as keys are kept.
    fn tidy(&mut self) {
        if self.order.len() > 2 * self.len() + SWEEP {
            let places = &self.places;
            self.order.retain(|(_, ticket)| places[ticket.index as usize].generation == ticket.generation);
        }
    }

    /// Forget what is over, looking at no more than `budget` records.
    pub fn expire(&mut self, now: Tick, budget: usize, shares: &mut Shares) {
        for _ in 0..budget {
            let Some(&(claimed, ticket)) = self.order.front() else { return };
            if now < claimed.plus_ms(self.limits.keep_ms) {
                return;
            }
            self.order.pop_front();
            match self.record_mut(ticket) {
                Some(record) if matches!(record.state, State::Open(_)) => record.overdue = true,
                Some(_) => drop(self.remove(ticket, shares)),
                None => {}
            }
        }
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// How many wait for the results of those in progress.
    #[must_use]
    pub fn waiters(&self) -> usize {
        let open = self.places.iter().filter_map(|place| match &place.record.as_ref()?.state {
            State::Open(waiters) => Some(waiters.len()),
            State::Done(_) => None,
        });
        open.sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// What they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// When the oldest is over, if one is: when `expire` next has something to do.
    #[cfg(test)]
    #[must_use]
    pub fn next_expiry(&self) -> Option<Tick> {
        self.order.front().map(|(claimed, _)| claimed.plus_ms(self.limits.keep_ms))
    }

    /// How many tickets wait for their time, those of keys that are gone included.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.order.len()
    }

    fn known(&self, ticket: Ticket, digest: &Digest) -> Claim<T> {
        match self.record(ticket) {
            Some(record) if record.digest != *digest => Claim::Conflict,
            Some(Record { state: State::Done(result), .. }) => Claim::Done(result.clone()),
            _ => Claim::InProgress(ticket),
        }
    }

    fn is_over(&self, ticket: Ticket, now: Tick) -> bool {
        self.record(ticket).is_some_and(|record| {
            matches!(record.state, State::Done(_)) && now >= record.claimed.plus_ms(self.limits.keep_ms)
        })
    }

    /// What a key takes without its result.
    #[must_use]
    pub fn cost_of(&self, scope: &Scope, key: &str) -> usize {
        cost::<T, W>(scope, key)
    }

    /// The hash of a key, by this process's secret.
    #[must_use]
    pub fn hash_of(&self, scope: &Scope, key: &str) -> u64 {
        self.hasher.hash_one((scope, key))
    }

    fn find(&self, hash: u64, scope: &Scope, key: &str) -> Option<Ticket> {
        let places = &self.places;
        let same = |index: &u32| {
            let record = places[*index as usize].record.as_ref();
            record.is_some_and(|record| *record.key == *key && record.scope == *scope)
        };
        let index = *self.table.find(hash, same)?;
        Some(Ticket { index, generation: places[index as usize].generation })
    }

    fn record(&self, ticket: Ticket) -> Option<&Record<T, W>> {
        let place = self.places.get(ticket.index as usize)?;
        place.record.as_ref().filter(|_| place.generation == ticket.generation)
    }

    fn record_mut(&mut self, ticket: Ticket) -> Option<&mut Record<T, W>> {
        let place = self.places.get_mut(ticket.index as usize)?;
        place.record.as_mut().filter(|_| place.generation == ticket.generation)
    }

    fn insert(&mut self, record: Record<T, W>, of_old: bool) -> Ticket {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { generation: 0, record: None });
            u32::try_from(self.places.len() - 1).expect("the budget allows far fewer than 2^32 keys")
        });
        let (hash, claimed) = (record.hash, record.claimed);
        let hasher = self.hasher.clone();
        let held = self.held.entry_ref(&record.scope.user);
        held.or_insert_with(|| HashSet::with_hasher(hasher)).insert(index);
        self.bytes += record.cost;
        let place = &mut self.places[index as usize];
        place.record = Some(record);
        let ticket = Ticket { index, generation: place.generation };
        let places = &self.places;
        self.table.insert_unique(hash, index, |&other| {
            places[other as usize].record.as_ref().map_or(0, |record| record.hash)
        });
        if of_old {
            self.order.push_front((claimed, ticket));
        } else {
            self.order.push_back((claimed, ticket));
        }
        ticket
    }

    fn remove(&mut self, ticket: Ticket, shares: &mut Shares) -> Option<Record<T, W>> {
        let place = self.places.get_mut(ticket.index as usize)?;
        if place.generation != ticket.generation {
            return None;
        }
        let record = place.record.take()?;
        place.generation = place.generation.wrapping_add(1);
        if let Ok(found) = self.table.find_entry(record.hash, |&index| index == ticket.index) {
            found.remove();
        }
        self.free.push(ticket.index);
        self.bytes -= record.cost;
        shares.give_back(&record.owner, What::Key, record.cost as u64);
        if let Some(held) = self.held.get_mut(&record.scope.user) {
            held.remove(&ticket.index);
            if held.is_empty() {
                self.held.remove(&record.scope.user);
            }
        }
        Some(record)
    }
}

/// Whether a share has no place for so many bytes more. The first key of a user is taken however small its share.
fn no_place(owner: &Holder, cost: usize, beside: u64, shares: &Shares) -> Option<Full> {
    owner.accounts().find_map(|account| {
        let first = matches!(account, Account::User(_)) && shares.held(account, What::Key) == 0;
        let beside = if matches!(account, Account::Address(_)) { beside } else { 0 };
        if first { None } else { shares.full(account, What::Key, beside.saturating_add(cost as u64)) }
    })
}
