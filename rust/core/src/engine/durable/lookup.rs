//! A key that may be on disk from an earlier life is read before it is claimed; who said it waits for that.
//!
//! Parts: Durable, Keys, Sessions, Steps.

use super::say::AGAIN_MS;
use crate::asked::Waiting;
use crate::codes::Code;
use crate::durable::reads::For;
use crate::engine::publish::scope_user;
use crate::engine::{AppEvent, Engine};
use crate::error::Fault;
use crate::ids::{Now, SessionId};
use crate::log::acks::Kept;
use crate::log::dedupe::{Kind, Scope, ScopeUser};
use crate::session::{Hold, Session};
use crate::shares::{Account, Holder, block};
use crate::store::{KeyName, Page, Wanted};

impl Engine {
    /// A key is on disk from an earlier life, claimed at this running time (ms).
    pub(super) fn know_key(&mut self, name: &KeyName, claimed: u64) {
        if let Some(scope) = self.scope_of(&name.owner, &name.kind) {
            let hash = self.keys.hash_of(&scope, &name.key);
            let place = match &scope.user {
                ScopeUser::Session(session) => self.session(*session).map(Session::address),
                ScopeUser::User(_) | ScopeUser::Application => None,
            };
            let bytes = self.keys.cost_of(&scope, &name.key) + Kept::Seq(0).size();
            let place = place.map(|address| (block(address), bytes as u64));
            self.durable.lookups.know(hash, scope.user, claimed, place);
        }
    }

    /// How many keys of a user are on disk alone and not over: they count to its quota.
    pub(in crate::engine) fn keys_on_disk(&mut self, user: &ScopeUser, now: Now) -> usize {
        if self.durable.lookups.is_empty() {
            return 0;
        }
        let over = self.durable.running.at(now.tick).checked_sub(self.config.limits.key_ms);
        self.durable.lookups.held(user, over)
    }

    /// Bytes of keys on disk alone that are counted to the address of this owner.
    pub(in crate::engine) fn bytes_on_disk(&self, owner: &Holder) -> u64 {
        if self.durable.lookups.is_empty() {
            return 0;
        }
        let at = |account| if let Account::Address(address) = account { Some(address) } else { None };
        owner.accounts().find_map(at).map_or(0, |address| self.durable.lookups.bytes_at(address))
    }

    /// Whether a key may be on disk alone: its hash then.
    pub(in crate::engine) fn on_disk_alone(&mut self, scope: &Scope, key: &str, now: Now) -> Option<u64> {
        if self.durable.lookups.is_empty() {
            return None;
        }
        if self.durable.running.of_this_life(now.tick) > self.config.limits.key_ms {
            self.durable.lookups.forget(); // their time is over
            return None;
        }
        Some(self.keys.hash_of(scope, key)).filter(|hash| self.durable.lookups.knows(*hash))
    }

    /// Whether the key of a session's request is at hand if there is one. False: its input waits until it was read.
    pub(in crate::engine) fn has_key(
        &mut self,
        session_id: SessionId,
        (kind, key): (impl FnOnce() -> Kind, Option<&str>),
        source: &[u8],
        now: Now,
    ) -> Result<bool, Fault> {
        let Some(key) = key.filter(|_| !self.durable.lookups.is_empty()) else { return Ok(true) };
        let Some(session) = self.session(session_id) else { return Ok(true) };
        let scope = Scope { user: scope_user(session.author()), kind: kind() };
        let Some(hash) = self.on_disk_alone(&scope, key, now) else { return Ok(true) };
        self.was_readable(hash)?;
        let ticket = self.look_up(Some(session_id), hash, &scope, key);
        if let Some(session) = self.session_mut(session_id) {
            session.hold(Hold::Join(ticket));
        }
        self.put_back(session_id, source);
        Ok(false)
    }

    /// Look up a key, for a session or for the application: a ticket says when it was read.
    pub(in crate::engine) fn look_up(
        &mut self,
        session: Option<SessionId>,
        hash: u64,
        scope: &Scope,
        key: &str,
    ) -> u64 {
        let ticket = self.ticket(Waiting::Key { session });
        if self.durable.lookups.wait(hash, ticket)
            && let Some(owner) = self.owner_of(scope)
        {
            let name = KeyName { owner, kind: scope.kind.clone(), key: key.into() };
            self.durable.reads.ask(For::Key(hash), Wanted::Key(name));
        }
        ticket
    }

    /// It was read, and is in memory if it is kept; none: it cannot be read. Who waited tries again.
    pub(super) fn key_is(&mut self, hash: u64, page: Option<Page>, now: Now) {
        let waiting = self.durable.lookups.was_read(hash, page.is_some());
        if let Some(Page::Key(Some(kept))) = page {
            self.restore_key(&kept);
        }
        self.steps.spend(1 + waiting.len());
        for ticket in waiting {
            match self.answered(ticket) {
                Some(Waiting::Key { session: Some(session) }) => {
                    self.release_hold(session, Hold::Join(ticket), now);
                }
                Some(Waiting::Key { session: None }) => {
                    self.events.list.push(AppEvent::Unblocked { ticket });
                }
                _ => {} // it is gone
            }
        }
    }

    /// What is told of a request whose key could not be read.
    pub(in crate::engine) fn was_readable(&mut self, hash: u64) -> Result<(), Fault> {
        if !self.durable.lookups.take_unreadable(hash) {
            return Ok(());
        }
        let told = "this key may have been used before the server began anew, and the log cannot be read now";
        Err(Fault::new(Code::Unavailable, told).retry_after(AGAIN_MS))
    }
}
