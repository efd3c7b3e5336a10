//! A share for each of what all have together.
//!
//! Theory. Whatever is limited for the process is held by somebody: a peer, or the application. What a peer holds
//! is counted in three books, its user's (an anonymous session is its own user), its address's and that of all
//! peers; what the application holds in its own, and that of one API key too. Each book has a limit of its own, so
//! that nobody uses up what others need; and the application's is another than the peers', so that it is never
//! refused because of them. Many users may sit behind one address (a proxy that is not configured), so the share
//! of an address is generous, and that of a user smaller.
//!
//! Some things are there and used by nobody: a room that nobody is in and that still holds its past, a session
//! whose client is away. They *rest*, and they go first, the longest at rest before the others, when somebody
//! needs the place: first those of the one that needs it, then those of its address, then any peer's. So who makes
//! too much loses its own.
//!
//! Invariants: a book holds the sum of what was taken and not given back, and a book that holds nothing is not
//! kept; what rests is counted too. Each step is O(log n) in what rests, and in nothing else.

mod holder;
#[cfg(test)]
mod tests;
mod what;

pub use holder::{Account, Holder, User, block};
pub use what::{Full, What};

use crate::limits::Limits;
use foldhash::quality::FixedState;
use hashbrown::HashMap;
use std::collections::BTreeSet;
use std::net::IpAddr;
use what::KINDS;

/// What may rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resting {
    /// A room that nobody is in.
    Room,
    /// A session without a connection.
    Session,
}

#[derive(Debug, Default)]
struct Book {
    held: [u64; KINDS],
    /// Since when, and which.
    resting: [BTreeSet<(u64, u64)>; 2],
}

/// All books.
#[derive(Debug)]
pub struct Shares {
    peers: Book,
    application: Book,
    addresses: HashMap<IpAddr, Book, FixedState>,
    users: HashMap<User, Book, FixedState>,
    limits: Limits,
    /// Rises with each thing that comes to rest.
    clock: u64,
}

impl Shares {
    /// Nobody holds anything yet. `hash` is seeded: peers choose addresses and users, and must not choose their places.
    #[must_use]
    pub fn new(limits: &Limits, hash: &FixedState) -> Self {
        Self {
            peers: Book::default(),
            application: Book::default(),
            addresses: HashMap::with_hasher(hash.clone()),
            users: HashMap::with_hasher(hash.clone()),
            limits: limits.clone(),
            clock: 0,
        }
    }

    /// Whether so much more would be over the limit of this book.
    #[must_use]
    pub fn full(&self, account: Account<'_>, what: What, more: u64) -> Option<Full> {
        let allowed = what.allowed(account, &self.limits)?;
        let held = self.book(account).map_or(0, |book| book.held[what as usize]);
        (held.saturating_add(more) > allowed.limit).then_some(allowed)
    }

    /// Whether so much more would be over a limit of this owner's: the smallest book's first.
    #[must_use]
    pub fn full_for(&self, owner: &Holder, what: What, more: u64) -> Option<Full> {
        owner.accounts().find_map(|account| self.full(account, what, more))
    }

    /// How much this book holds.
    #[must_use]
    pub fn held(&self, account: Account<'_>, what: What) -> u64 {
        self.book(account).map_or(0, |book| book.held[what as usize])
    }

    /// Count so much more, whatever the limits.
    pub fn take(&mut self, owner: &Holder, what: What, n: u64) {
        for account in owner.accounts() {
            self.take_in(account, what, n);
        }
    }

    /// The same in one book alone.
    pub fn take_in(&mut self, account: Account<'_>, what: What, n: u64) {
        if n > 0 {
            self.book_mut(account).held[what as usize] += n;
        }
    }

    /// Count so much less.
    pub fn give_back(&mut self, owner: &Holder, what: What, n: u64) {
        for account in owner.accounts() {
            self.give_back_in(account, what, n);
        }
    }

    /// The same in one book alone.
    pub fn give_back_in(&mut self, account: Account<'_>, what: What, n: u64) {
        if n > 0 {
            let held = &mut self.book_mut(account).held[what as usize];
            debug_assert!(*held >= n, "{what:?}: {n} given back of {held}");
            *held = held.saturating_sub(n);
            self.close_book(account);
        }
    }

    /// It is used by nobody from now on. The stamp belongs to `wake`.
    pub fn rest(&mut self, owner: &Holder, kind: Resting, id: u64) -> u64 {
        self.clock += 1;
        let stamp = self.clock;
        for account in owner.accounts() {
            self.book_mut(account).resting[kind as usize].insert((stamp, id));
        }
        stamp
    }

    /// It is used again, or gone.
    pub fn wake(&mut self, owner: &Holder, kind: Resting, stamp: u64, id: u64) {
        for account in owner.accounts() {
            self.book_mut(account).resting[kind as usize].remove(&(stamp, id));
            self.close_book(account);
        }
    }

    /// Whether there is place for one more: yes, or once this has gone, or not at all. What has to go is to go before
    /// this is asked again.
    pub fn place_for(&self, owner: &Holder, what: What, kind: Resting) -> Result<Option<u64>, Full> {
        let mut seen = Vec::with_capacity(3);
        for account in owner.accounts() {
            seen.push(account);
            if let Some(full) = self.full(account, what, 1) {
                let oldest = seen.iter().find_map(|own| self.book(*own)?.resting[kind as usize].first());
                return oldest.map_or(Err(full), |&(_, id)| Ok(Some(id)));
            }
        }
        Ok(None)
    }

    /// Addresses and users with a book.
    #[must_use]
    pub fn len(&self) -> (usize, usize) {
        (self.addresses.len(), self.users.len())
    }

    /// The sum of all that is held, of whatever kind.
    #[must_use]
    pub fn in_all(&self) -> u64 {
        self.peers.held.iter().chain(&self.application.held).sum()
    }

    /// How much rests.
    #[must_use]
    pub fn resting(&self) -> usize {
        self.peers.resting.iter().chain(&self.application.resting).map(BTreeSet::len).sum()
    }

    fn book(&self, account: Account<'_>) -> Option<&Book> {
        match account {
            Account::User(user) => self.users.get(user),
            Account::Address(address) => self.addresses.get(&address),
            Account::Peers => Some(&self.peers),
            Account::Application => Some(&self.application),
        }
    }

    fn book_mut(&mut self, account: Account<'_>) -> &mut Book {
        match account {
            Account::User(user) => self.users.entry_ref(user).or_default(),
            Account::Address(address) => self.addresses.entry(address).or_default(),
            Account::Peers => &mut self.peers,
            Account::Application => &mut self.application,
        }
    }

    fn close_book(&mut self, account: Account<'_>) {
        let empty = self.book(account).is_some_and(|book| {
            book.held.iter().all(|held| *held == 0) && book.resting.iter().all(BTreeSet::is_empty)
        });
        match account {
            Account::User(user) if empty => drop(self.users.remove(user)),
            Account::Address(address) if empty => drop(self.addresses.remove(&address)),
            _ => {}
        }
    }
}
