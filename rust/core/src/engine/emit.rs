//! `emit`: requests that the application answers, and whoever else waits for its word.
//!
//! Parts: Asked, Durable, Keys, Sessions, Shares, Steps.
// Numbers of a peer come in here: a sum that could wrap or panic is an error of the build, or has its reason beside it.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::join::own_room;
use super::publish::{Claimed, content_of, scope_user};
use super::{AppEvent, Engine, errors, size};
use crate::asked::{Owner, Waiting};
use crate::codes::Code;
use crate::durable::requests::Begins;
use crate::envelope::{Emit, write as envelope};
use crate::error::Fault;
use crate::ids::{Ends, Form, Now, SessionId};
use crate::limits::fixed::RESULT;
use crate::log::acks::Kept;
use crate::log::dedupe::{Kind, Scope, Ticket};
use crate::shares::What;
use std::sync::Arc;

impl Engine {
    /// A ticket that comes back with the decision.
    pub(super) fn ticket(&mut self, waiting: Waiting) -> u64 {
        if let Some(holder) = self.holder_of_question(&waiting) {
            self.shares.take(&holder, What::Question, 1);
        }
        self.asked.add(waiting)
    }

    /// The decision came: who waited for it. `None`: nobody does any more.
    pub(super) fn answered(&mut self, ticket: u64) -> Option<Waiting> {
        let waiting = self.asked.take(ticket)?;
        self.not_asked(&waiting);
        Some(waiting)
    }

    pub(super) fn said_emit(
        &mut self,
        session_id: SessionId,
        emit: &Emit<'_>,
        source: &[u8],
        now: Now,
    ) -> Result<(), Fault> {
        let id = emit.id;
        let mut undone = false;
        if let Some(id) = id
            && let Some(session) = self.session(session_id)
        {
            undone = id <= session.acks().taken();
            if undone {
                let handler = self.handlers.get(&*emit.event).copied();
                let durable = handler.is_some_and(|handler| self.is_durable_event(handler));
                if !self.was_not_done(session_id, id, durable)? {
                    return self.emitted_before(session_id, emit, id, now);
                }
            }
            self.has_place_for_ack(session_id)?;
        }
        let kind = || Kind::Emit((&*emit.event).into());
        let at_hand = self.has_key(session_id, (kind, emit.key.as_deref()), source, now);
        if at_hand == Ok(false) {
            return Ok(());
        }
        if let Some(id) = id
            && !self.take_id(session_id, id, undone)?
        {
            return Ok(());
        }
        let trace = emit.trace.as_deref();
        let followed = self.trails.wants(&emit.event, trace);
        if followed {
            self.follow_said(session_id, &emit.event, None, trace);
        }
        let begun = at_hand.and_then(|_| self.begin_emit(session_id, emit, now));
        if followed {
            self.begun(begun.is_ok());
        }
        if let Err(fault) = begun {
            self.fail_request(session_id, id, &fault);
        }
        Ok(())
    }

    fn begin_emit(&mut self, session_id: SessionId, emit: &Emit<'_>, now: Now) -> Result<(), Fault> {
        let Some(&handler) = self.handlers.get(&*emit.event) else {
            if emit.event.starts_with('$') {
                return Err(Fault::new(Code::Forbidden, "events that begin with $ are rtcore's own"));
            }
            return Err(Fault::new(Code::NotFound, format!("there is no event {:?}", emit.event)));
        };
        self.may_ask(handler)?;
        let id = emit.id;
        let mut key = None;
        if let Some(text) = &emit.key
            && let Some(author) = self.session(session_id).map(|session| Arc::clone(session.author()))
        {
            let scope = Scope { user: scope_user(&author), kind: Kind::Emit((&*emit.event).into()) };
            let content = content_of(&emit.event, &emit.data.bytes, emit.data.form);
            let (owner, result) = (self.holder_of(session_id), self.expected_result());
            match self.claim(&scope, text, content, &owner, result, now)? {
                Claimed::Done(kept) => {
                    self.finish_request(session_id, id, kept);
                    return Ok(());
                }
                Claimed::InProgress(first) => {
                    self.wait_for_key(session_id, id, emit.data.bytes.len(), first);
                    return Ok(());
                }
                Claimed::New(ticket) => {
                    self.note_key(session_id, id, text, ticket);
                    key = Some(ticket);
                }
            }
        }
        let data = &emit.data;
        let bytes = u32::try_from(data.bytes.len()).unwrap_or(u32::MAX);
        let keyed = key.is_some();
        let asked = self.meter.moment();
        let request =
            self.ticket(Waiting::Emit { session: session_id, id, bytes, key, begun: false, handler, asked });
        if !self.trails.is_empty() {
            self.trails.asked(request);
        }
        let (form, kept) = self.events.keep_data(&mut self.scratch, data);
        self.count_waiting(session_id, bytes);
        self.stats.emitted += 1;
        if let (true, Some(id)) = (self.is_durable_event(handler), id) {
            let data = self.events.bytes_of(kept).into();
            let begins = Begins { session: session_id, id, handler, form, data, keyed };
            self.take_durably(request, begins, now);
            return Ok(());
        }
        self.events.list.push(AppEvent::Request {
            session: session_id,
            request,
            handler,
            form,
            data: kept,
            keyed,
        });
        Ok(())
    }

    /// The application's answer to a request.
    pub fn ack(&mut self, request: u64, data: &[u8], form: Form, now: Now) {
        self.measure_answer(request, false);
        self.entry(now, |engine| {
            let kept = || Kept::Data { bytes: data.into(), form };
            if !engine.holds_answer(request, kept) && !engine.answers_durably(request, kept, now) {
                engine.answer_emit(request, data, form, now);
            }
        });
    }

    /// Whether what a request's handler said is still on its way to the disk: its answer leaves after that.
    fn holds_answer(&mut self, request: u64, answer: impl FnOnce() -> Kept) -> bool {
        !self.durable.answers.is_empty() && self.durable.answers.hold(request, answer()).is_ok()
    }

    /// An answer that was held may leave.
    pub(super) fn leave_answer(&mut self, request: u64, answer: &Kept, now: Now) {
        match answer {
            Kept::Data { bytes, form } => self.answer_emit(request, bytes, *form, now),
            Kept::Error(error) => self.fail_emit(request, &errors::told(error), now),
            Kept::Seq(_) => {}
        }
    }

    fn answer_emit(&mut self, request: u64, data: &[u8], form: Form, now: Now) {
        let Some(Waiting::Emit { session: session_id, id, bytes, key, .. }) = self.answered(request) else {
            self.learn_outcome(request, || Kept::Data { bytes: data.into(), form });
            return;
        };
        self.settle(session_id, bytes);
        if let Some(key) = key {
            let kept = Kept::Data { bytes: data.into(), form };
            self.finish_key(key, &kept, now);
            self.finish_request(session_id, id, kept);
        } else if let Some(id) = id {
            self.tell_reply(session_id, Some(id), |out, form_of| {
                envelope::ack(out, form_of, id, Some((data, form)));
            });
            let bounds = self.ack_bounds();
            if let Some(session) = self.session_mut(session_id) {
                session.acks_mut().finish_data(id, data, form, &bounds);
            }
            self.weigh_acks(session_id);
        }
        self.go_on(session_id, now);
    }

    /// The application begins to do a request with a key. False: nobody waits for it any more, and it must not be done.
    pub fn begin(&mut self, request: u64) -> bool {
        let Some(Waiting::Emit { begun, .. }) = self.asked.get_mut(request) else {
            self.abandon(request);
            return false;
        };
        *begun = true;
        true
    }

    /// The application's error for a request.
    pub fn fail(&mut self, request: u64, error: &envelope::ErrorOut<'_>, now: Now) {
        self.measure_answer(request, true);
        self.entry(now, |engine| {
            let kept = || errors::keep(error);
            if !engine.holds_answer(request, kept) && !engine.answers_durably(request, kept, now) {
                engine.fail_emit(request, error, now);
            }
        });
    }

    fn fail_emit(&mut self, request: u64, error: &envelope::ErrorOut<'_>, now: Now) {
        match self.answered(request) {
            Some(Waiting::Emit { session, id, bytes, key, .. }) => {
                self.settle(session, bytes);
                self.stats.failed += 1;
                let kept = errors::keep(error);
                match key {
                    Some(key) if error.retry => self.free_key(key, &kept, now),
                    Some(key) => self.finish_key(key, &kept, now),
                    None => {}
                }
                if id.is_some() {
                    self.finish_request(session, id, kept);
                } else {
                    // Nobody waits for an ack, but a fault in a message is said all the same.
                    self.tell_reply(session, None, |out, form| envelope::error(out, form, error));
                }
                self.go_on(session, now);
            }
            Some(Waiting::Reauth { session, id, bytes }) => {
                self.settle(session, bytes);
                self.tell_reply(session, id, |out, form| match id {
                    Some(id) => envelope::ack_error(out, form, id, error),
                    None => envelope::error(out, form, error),
                });
                self.go_on(session, now);
            }
            Some(other) => self.denied(request, other, error.code, error.message, now),
            None => self.learn_outcome(request, || errors::keep(error)),
        }
    }

    /// A request waits no more.
    pub(super) fn settle(&mut self, session_id: SessionId, bytes: u32) {
        if let Some(session) = self.session_mut(session_id) {
            session.end_waiting(bytes);
        }
    }

    /// A request of a peer is done: its ack is kept, and said on the newest connection.
    pub(super) fn finish_request(&mut self, session_id: SessionId, id: Option<u64>, kept: Kept) {
        let Some(id) = id else { return };
        self.tell_kept(session_id, id, &kept);
        self.keep_ack(session_id, id, kept);
    }

    /// The ack of a request of a peer, for when it is sent again.
    pub(super) fn keep_ack(&mut self, session_id: SessionId, id: u64, kept: Kept) {
        let bounds = self.ack_bounds();
        if let Some(session) = self.session_mut(session_id) {
            session.acks_mut().finish(id, kept, &bounds);
        }
        self.weigh_acks(session_id);
    }

    /// A request could not be done. Its error is its ack, and kept like one.
    pub(super) fn fail_request(&mut self, session: SessionId, id: Option<u64>, fault: &Fault) {
        self.stats.fault(fault.code);
        match id {
            Some(_) => self.finish_request(session, id, errors::kept(fault)),
            None => self.tell_fault(session, fault),
        }
    }

    /// Bytes for which there is place when an `emit` with a key begins: most results fit, and few keys fill no small budget.
    fn expected_result(&self) -> usize {
        size(self.config.limits.key_memory / 64).min(RESULT)
    }

    /// The same is being done under this key. It waits as what it repeats does, so that a peer cannot make more of them wait
    /// than the settings allow.
    pub(super) fn wait_for_key(&mut self, session: SessionId, id: Option<u64>, bytes: usize, first: Ticket) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let ticket = self.ticket(Waiting::SameKey { session, id, bytes, first });
        if self.keys.wait(first, ticket).is_err() {
            let _ = self.answered(ticket); // it is done: who asks finds its result
            return;
        }
        self.count_waiting(session, bytes);
    }

    /// A request waits for the application.
    fn count_waiting(&mut self, session_id: SessionId, bytes: u32) {
        if let Some(session) = self.session_mut(session_id) {
            session.begin_waiting(bytes);
        }
    }

    /// A session ended with decisions open: nobody waits for them any more.
    pub(super) fn forget_waiting(&mut self, session: SessionId, now: Now) {
        while let Some((ticket, waiting)) = self.asked.take_of(Owner::Session(session)) {
            self.not_asked(&waiting);
            self.steps.spend(1);
            self.durable.requests.forget(ticket);
            self.trails.forget(ticket);
            match waiting {
                Waiting::Emit { key: Some(key), begun, .. } => {
                    self.give_up_key(key, begun.then_some(ticket), now);
                }
                Waiting::SameKey { first, .. } => self.keys.forget_waiter(first, &ticket),
                _ => {}
            }
        }
    }

    /// `auth`: a new token for the session that is here.
    pub(super) fn said_auth(&mut self, session_id: SessionId, id: Option<u64>, token: &str) {
        if let (Some(id), Some(session)) = (id, self.session_mut(session_id)) {
            session.acks_mut().note(id);
        }
        if !self.config.authenticates {
            if let Some(id) = id {
                self.tell_reply(session_id, Some(id), |out, form| envelope::auth(out, form, id, None));
            }
            return;
        }
        if let Some(full) = self.shares.full_for(&self.holder_of(session_id), What::Question, 1) {
            let fault = Fault::new(Code::Overloaded, full.to_string()).retry();
            self.tell_fault(session_id, &fault.with_id(id));
            return;
        }
        // It waits as an `emit` does, so a peer cannot make more of them wait than the settings allow.
        let bytes = u32::try_from(token.len()).unwrap_or(u32::MAX);
        let ticket = self.ticket(Waiting::Reauth { session: session_id, id, bytes });
        self.count_waiting(session_id, bytes);
        self.events.list.push(AppEvent::Reauthenticate {
            session: session_id,
            ticket,
            token: token.to_owned(),
        });
    }

    /// The application's word about a new token: it is `user`'s, until `expires`.
    pub fn reauthenticated(&mut self, ticket: u64, user: Option<&str>, expires: Option<u64>, now: Now) {
        self.entry(now, |engine| engine.token_renewed(ticket, user, expires, now));
    }

    fn token_renewed(&mut self, ticket: u64, user: Option<&str>, expires: Option<u64>, now: Now) {
        let Some(Waiting::Reauth { session, id, bytes }) = self.answered(ticket) else { return };
        self.settle(session, bytes);
        self.new_token(session, id, user, expires.map(|date| Ends::on(date, now)), now);
        self.go_on(session, now);
    }

    fn new_token(
        &mut self,
        session_id: SessionId,
        id: Option<u64>,
        user: Option<&str>,
        expires: Option<Ends>,
        now: Now,
    ) {
        let Some(session) = self.session(session_id) else { return };
        if session.user().map(|user| &**user) != user {
            let fault = Fault::new(Code::Unauthorized, "the token belongs to another user").with_id(id);
            self.tell_fault(session_id, &fault);
            return;
        }
        self.renew(session_id, expires, now);
        if let Some(id) = id {
            let date = expires.map(|ends| ends.date);
            self.tell_reply(session_id, Some(id), |out, form| envelope::auth(out, form, id, date));
        }
    }
}

/// A room that a request names and that is none of the application's.
pub(super) fn refuse_own(name: &str) -> Result<(), Fault> {
    if name.starts_with('$') { Err(own_room(name)) } else { Ok(()) }
}
