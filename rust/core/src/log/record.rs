//! What is kept of one key, and what that takes.

use super::claim::{Digest, Kind, Scope, ScopeUser, Ticket};
use crate::ids::Tick;
use crate::shares::{Holder, Shares, What};
use foldhash::quality::FixedState;
use hashbrown::HashSet;
use std::collections::BTreeSet;

#[derive(Debug)]
pub(super) enum State<T, W> {
    Open(BTreeSet<W>),
    Done(T),
}

#[derive(Debug)]
pub(super) struct Record<T, W> {
    pub(super) scope: Scope,
    pub(super) key: Box<str>,
    pub(super) hash: u64,
    pub(super) digest: Digest,
    pub(super) claimed: Tick,
    pub(super) owner: Holder,
    /// What it takes without its result.
    pub(super) bare: usize,
    pub(super) cost: usize,
    /// It is on disk that it was begun, and not what came of it.
    pub(super) begun: bool,
    /// Came due while in progress, and so is not in `order`.
    pub(super) overdue: bool,
    pub(super) state: State<T, W>,
}

impl<T, W> Record<T, W> {
    /// Keep a result, whose cost is its owner's; what the record cost before.
    pub(super) fn keep(&mut self, result: T, bytes: usize, shares: &mut Shares) -> usize {
        self.state = State::Done(result);
        shares.give_back(&self.owner, What::Key, self.cost as u64);
        let before = std::mem::replace(&mut self.cost, self.bare + bytes);
        shares.take(&self.owner, What::Key, self.cost as u64);
        before
    }
}

#[derive(Debug)]
pub(super) struct Place<T, W> {
    pub(super) generation: u32,
    pub(super) record: Option<Record<T, W>>,
}

/// What a record takes without its result: itself, its places in `table`, `order` and `held`, and its names
/// (which it may share with others, but may also be the last to hold).
pub(super) fn cost<T, W>(scope: &Scope, key: &str) -> usize {
    let user = match &scope.user {
        ScopeUser::User(name) => name.len(),
        ScopeUser::Session(_) | ScopeUser::Application => 0,
    };
    let (Kind::Publish(name) | Kind::Emit(name)) = &scope.kind;
    let index = 2 * size_of::<(Tick, Ticket)>() + size_of::<(ScopeUser, HashSet<u32, FixedState>)>() + 8;
    size_of::<Place<T, W>>() + index + user + name.len() + key.len()
}
