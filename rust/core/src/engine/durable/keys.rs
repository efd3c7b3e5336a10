//! Idempotency keys of durable requests: on disk with what was done under them, and known again after a restart.
//!
//! Parts: Asked, Durable, Keys, Sessions, Shares.
//!
//! A key of a durable publish is written with its entry, that of a durable handler with its id before the handler begins,
//! and once more with its ack. One that was begun and has no result says `OUTCOME_UNKNOWN` after a restart until its hour is
//! over. Keys of live requests die with the process.

use crate::asked::Waiting;
use crate::codes::Code;
use crate::engine::{Engine, errors};
use crate::error::Fault;
use crate::ids::Now;
use crate::log::acks::Kept;
use crate::log::dedupe::{Kind, Scope, ScopeUser, Ticket};
use crate::shares::{Holder, User};
use crate::store::{KeptKey, Key, KeyOwner, KeyState, Record};
use std::net::IpAddr;
use std::sync::Arc;

impl Engine {
    /// A key as it is kept, with what is known of it. None: it is over.
    pub(super) fn fact_of_key(&mut self, ticket: Ticket, state: KeyState, now: Now) -> Option<Record> {
        let (scope, key, digest, claimed) = self.keys.named(ticket)?;
        let (owner, kind, key) = (self.owner_of(scope)?, scope.kind.clone(), key.into());
        let claimed = self.durable.running.at(claimed);
        self.keep_running(now);
        Some(Record::Key(Key { owner, kind, key, digest, claimed, state }))
    }

    /// The key of a durable request.
    pub(super) fn key_of(&mut self, request: u64) -> Option<Ticket> {
        match self.asked.get_mut(request)? {
            Waiting::Emit { key, .. } => *key,
            _ => None,
        }
    }

    /// What becomes of the key of a durable request with this answer.
    pub(super) fn fact_of_result(&mut self, request: u64, kept: &Kept, now: Now) -> Option<Record> {
        let ticket = self.key_of(request)?;
        if matches!(kept, Kept::Error(error) if error.retry) {
            return self.fact_of_freed(ticket);
        }
        self.fact_of_key(ticket, KeyState::Done(kept.clone()), now)
    }

    /// A key is free again, if it is on disk that it was begun.
    fn fact_of_freed(&mut self, ticket: Ticket) -> Option<Record> {
        if !self.keys.take_begun(ticket) {
            return None;
        }
        let (scope, key, ..) = self.keys.named(ticket)?;
        Some(Record::KeyFreed { owner: self.owner_of(scope)?, kind: scope.kind.clone(), key: key.into() })
    }

    /// The same, for one whose request will not be done. Behind by at most a second: till then it is as one that was begun.
    pub(in crate::engine) fn keep_freed(&mut self, ticket: Ticket, now: Now) {
        if let Some(freed) = self.fact_of_freed(ticket) {
            self.durable.groups.add(freed, now.tick);
            self.time_store(now);
        }
    }

    pub(super) fn owner_of(&self, scope: &Scope) -> Option<KeyOwner> {
        Some(match &scope.user {
            ScopeUser::Application => KeyOwner::Application,
            ScopeUser::User(user) => KeyOwner::User(Arc::clone(user)),
            ScopeUser::Session(session) => KeyOwner::Session(Arc::clone(self.session(*session)?.name())),
        })
    }

    /// How long the server ran, now and then.
    pub(in crate::engine) fn keep_running(&mut self, now: Now) {
        if self.config.store
            && let Some(running) = self.durable.running.due(now.tick)
        {
            self.durable.groups.add(Record::Running(running), now.tick);
            self.time_store(now);
        }
    }

    /// Where a key of an earlier life is unique. None: its session is over.
    pub(super) fn scope_of(&self, owner: &KeyOwner, kind: &Kind) -> Option<Scope> {
        let user = match owner {
            KeyOwner::Application => ScopeUser::Application,
            KeyOwner::User(user) => ScopeUser::User(Arc::clone(user)),
            KeyOwner::Session(name) => ScopeUser::Session(self.sessions.named(name)?),
        };
        Some(Scope { user, kind: kind.clone() })
    }

    /// A key of an earlier life, in the share of who said it.
    pub(super) fn restore_key(&mut self, kept: &KeptKey) {
        let Some(scope) = self.scope_of(&kept.owner, &kept.kind) else { return };
        let anywhere = IpAddr::from([0, 0, 0, 0]); // it is not kept
        let owner = match &scope.user {
            ScopeUser::Application => Holder::APPLICATION,
            ScopeUser::User(user) => Holder::peer(anywhere, Some(User::Named(Arc::clone(user)))),
            ScopeUser::Session(session) => self.holder_of(*session),
        };
        let result = match &kept.state {
            KeyState::Done(result) => result.clone(),
            KeyState::Begun => {
                let told =
                    "this key was in use when the server began anew: its request may have been done, or not";
                errors::kept(&Fault::new(Code::OutcomeUnknown, told))
            }
        };
        let (size, claimed) = (result.size(), self.durable.running.tick_of(kept.claimed));
        let of = (&scope, &*kept.key, kept.digest);
        self.keys.restore(of, claimed, (result, size), &owner, &mut self.shares);
    }
}
