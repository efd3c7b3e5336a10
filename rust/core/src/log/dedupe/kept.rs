//! Keys that are on disk too: what is written of one, and one that comes back.

use super::{Digest, Keys, Record, Scope, State, Ticket, cost};
use crate::ids::Tick;
use crate::shares::{Holder, Shares, What};

impl<T: Clone, W: Ord> Keys<T, W> {
    /// What a record is of: where its key is unique, the key, what stands for the content, and when it was claimed.
    #[must_use]
    pub fn named(&self, ticket: Ticket) -> Option<(&Scope, &str, Digest, Tick)> {
        self.record(ticket).map(|record| (&record.scope, &*record.key, record.digest, record.claimed))
    }

    /// It is on disk that this was begun.
    pub fn is_begun(&mut self, ticket: Ticket) {
        if let Some(record) = self.record_mut(ticket) {
            record.begun = true;
        }
    }

    /// Whether that was so: from here on it is not.
    pub fn take_begun(&mut self, ticket: Ticket) -> bool {
        self.record_mut(ticket).is_some_and(|record| std::mem::take(&mut record.begun))
    }

    /// A key of an earlier life, with its result and the bytes of that: whatever the bounds say, for it was within them.
    /// One that is there already stays as it is.
    pub fn restore(
        &mut self,
        (scope, key, digest): (&Scope, &str, Digest),
        claimed: Tick,
        (result, bytes): (T, usize),
        owner: &Holder,
        shares: &mut Shares,
    ) {
        let (hash, bare) = (self.hash_of(scope, key), cost::<T, W>(scope, key));
        if self.find(hash, scope, key).is_some() {
            return;
        }
        let (scope, key, owner) = (scope.clone(), key.into(), owner.clone());
        let (cost, state) = (bare + bytes, State::Done(result));
        shares.take(&owner, What::Key, cost as u64);
        let (begun, overdue) = (false, false);
        let record = Record { scope, key, hash, digest, claimed, owner, bare, cost, begun, overdue, state };
        self.insert(record, true);
    }
}
