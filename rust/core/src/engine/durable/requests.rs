//! Durable requests, and ids of an earlier life.
//!
//! Parts: Asked, Durable, Keys, Sessions.

use super::say::refused;
use crate::asked::Waiting;
use crate::codes::Code;
use crate::durable::Refusing;
use crate::durable::promise::{Fate, Promise};
use crate::durable::requests::Begins;
use crate::engine::{AppEvent, Engine, errors};
use crate::error::Fault;
use crate::ids::{Now, SessionId};
use crate::log::acks::{Kept, Seen};
use crate::store::{KeyState, Record, Sync};
use std::sync::Arc;

impl Engine {
    /// Whether the requests of an event are on disk before their handlers begin.
    pub(in crate::engine) fn is_durable_event(&self, handler: u32) -> bool {
        if !self.config.store || self.config.durable_events.is_empty() {
            return false;
        }
        let event = self.config.events.get(handler as usize);
        event.is_some_and(|event| self.config.durable_events.contains(event))
    }

    /// A durable request was taken: its handler begins when that is on disk.
    pub(in crate::engine) fn take_durably(&mut self, request: u64, begins: Begins, now: Now) {
        let (session_id, id) = (begins.session, begins.id);
        self.keep_row(session_id, now);
        self.durable.requests.take(request, begins, now.tick);
        let Some(session) = self.session(session_id) else { return };
        let mut facts = vec![Record::Taken { session: Arc::clone(session.name()), id }];
        if let Some(key) = self.key_of(request) {
            facts.extend(self.fact_of_key(key, KeyState::Begun, now));
        }
        self.durable.keep(facts, Sync::Full, Some(Promise::Begin(request)));
        self.time_store(now);
    }

    /// It is on disk, or never will be.
    pub(super) fn request_is(&mut self, request: u64, fate: &Fate, now: Now) {
        let Some(begins) = self.durable.requests.begin(request) else { return };
        match fate {
            Fate::Written => {
                self.durable.requests.runs(request);
                if let Some(key) = self.key_of(request) {
                    self.keys.is_begun(key);
                }
                let data = self.events.keep(&begins.data);
                let Begins { session, handler, form, keyed, .. } = begins;
                self.events.list.push(AppEvent::Request { session, request, handler, form, data, keyed });
            }
            Fate::Refused(trouble) => {
                let fault = refused(&Refusing::Trouble(trouble.clone()));
                self.leave_answer(request, &errors::kept(&fault), now);
            }
        }
    }

    /// Requests that have waited for as long as anything does: nothing of them was done, and nothing will be. That they were taken
    /// may be on disk all the same: after a crash nobody knows.
    pub(super) fn requests_due(&mut self, now: Now) {
        while let Some(request) = self.durable.requests.overdue(now.tick) {
            if let Some(key) = self.key_of(request) {
                self.keys.is_begun(key); // perhaps, on disk: there it is given back too
            }
            self.leave_answer(request, &errors::kept(&refused(&Refusing::Slow)), now);
        }
    }

    /// Whether requests of an event can be taken now: those that are on disk first only while the store takes something.
    pub(in crate::engine) fn may_ask(&self, handler: u32) -> Result<(), Fault> {
        match self.durable.refusing() {
            Some(refusing) if self.is_durable_event(handler) => Err(refused(refusing)),
            _ => Ok(()),
        }
    }

    /// Whether this answers a durable request: then it leaves when it is on disk.
    pub(in crate::engine) fn answers_durably(
        &mut self,
        request: u64,
        answer: impl FnOnce() -> Kept,
        now: Now,
    ) -> bool {
        if self.durable.requests.is_empty() || !self.durable.requests.answered(request) {
            return false;
        }
        let Some(Waiting::Emit { session, id: Some(id), .. }) = self.asked.get_mut(request) else {
            return false;
        };
        let (session, id, kept) = (*session, *id, answer());
        let mut facts = self.facts_of_ack(session, id, kept.clone());
        facts.extend(self.fact_of_result(request, &kept, now));
        self.durable.keep(facts, Sync::Full, Some(Promise::Answer(request, kept)));
        true
    }

    /// Whether an id up to the highest that was taken is of a request that was not done, and is to be done: of an earlier life,
    /// which wrote down what it did for good. What it may have done without that is answered so.
    pub(in crate::engine) fn was_not_done(
        &mut self,
        session_id: SessionId,
        id: u64,
        durable: bool,
    ) -> Result<bool, Fault> {
        let Some(session) = self.session_mut(session_id) else { return Ok(false) };
        let Some(row) = session.rare().and_then(|rare| rare.row()) else { return Ok(false) };
        if id > row.old || id <= row.let_go {
            return Ok(false); // of this life; or no ack of it is kept
        }
        let cut_off = row.cut_off.contains(&id);
        if session.acks_mut().take(id) != Seen::Expired {
            return Ok(false); // it is known
        }
        if durable && !cut_off {
            return Ok(true); // it would be on disk
        }
        let told = format!("request {id} may have been done before the server began anew, or not");
        Err(Fault::new(Code::OutcomeUnknown, told).with_id(Some(id)))
    }

    /// Take a request's id, or again one that was taken in an earlier life and not done. False: it is taken already.
    pub(in crate::engine) fn take_id(
        &mut self,
        session_id: SessionId,
        id: u64,
        undone: bool,
    ) -> Result<bool, Fault> {
        self.is_aside(session_id, id)?;
        let Some(session) = self.session_mut(session_id) else { return Ok(false) };
        if undone {
            session.acks_mut().reopen(id);
            return Ok(true);
        }
        let new = session.acks_mut().take(id) == Seen::New;
        if new {
            self.note_taken(session_id, id);
        }
        Ok(new)
    }
}
