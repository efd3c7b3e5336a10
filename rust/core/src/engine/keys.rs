//! What becomes of an idempotency key when what is done under it ends, in whatever way.
//!
//! Parts: Durable, Keys, Next, Sessions, Shares.
//!
//! A result is kept. An error that may be tried again frees the key, so that it can be. A key whose handler had begun and was
//! cancelled is not free, for the handler may have done what it was to do: it says `OUTCOME_UNKNOWN` until its time is over.

use super::next::Follow;
use super::publish::{content_of, scope_user};
use super::{AppEvent, Engine, Publication, Unpublished, errors, size};
use crate::asked::Waiting;
use crate::codes::Code;
use crate::envelope::Emit;
use crate::error::Fault;
use crate::ids::{Now, Seq, SessionId};
use crate::log::acks::{Kept, Seen};
use crate::log::dedupe::{Kind, Scope, Ticket};

impl Engine {
    /// The result of a key: kept, and told to those who asked the same meanwhile.
    pub(super) fn finish_key(&mut self, key: Ticket, kept: &Kept, now: Now) {
        let fits = self.keys.has_place(key, kept.size(), &self.shares);
        let remembered = if fits { kept.clone() } else { too_large() };
        let size = remembered.size();
        let waiters = self.keys.finish(key, remembered, size, &mut self.shares);
        self.tell_waiters(waiters, kept, now);
    }

    /// What was done under a key failed and may be tried again: the key is free, and who waited for it is told the same.
    pub(super) fn free_key(&mut self, key: Ticket, kept: &Kept, now: Now) {
        self.keep_freed(key, now);
        let waiters = self.keys.release(key, &mut self.shares);
        self.tell_waiters(waiters, kept, now);
    }

    /// What was to be done under a key will not be: its session ended. `begun`, by this request: the application may have done
    /// it all the same, and may yet say what came of it.
    pub(super) fn give_up_key(&mut self, key: Ticket, begun: Option<u64>, now: Now) {
        if let Some(request) = begun {
            let told = "the session that was first with this key ended while it was done: it may have been done or not";
            self.finish_key(key, &errors::kept(&Fault::new(Code::OutcomeUnknown, told)), now);
            self.keys.goes_on(request, key);
        } else {
            let fault = Fault::new(Code::Internal, "the session that was first with this key ended").retry();
            self.free_key(key, &errors::kept(&fault), now);
        }
    }

    /// A request whose session ended came to its end all the same: who asks under its key hears what came of it.
    pub(super) fn learn_outcome(&mut self, request: u64, outcome: impl FnOnce() -> Kept) {
        let Some(key) = self.keys.take_late(&request) else { return };
        let kept = outcome();
        if matches!(&kept, Kept::Error(error) if error.retry) {
            self.keys.let_go(key, &mut self.shares);
            return;
        }
        let fits = self.keys.has_place(key, kept.size(), &self.shares);
        let kept = if fits { kept } else { too_large() };
        let size = kept.size();
        self.keys.amend(key, kept, size, &mut self.shares);
    }

    /// The handler of a request with a key ended without a word, because it was cancelled: nobody will learn more of it.
    pub fn abandon(&mut self, request: u64) {
        self.keys.take_late(&request);
    }

    /// Nobody knows what became of what is done under a key, and it may be long before it is known: who waits is told so.
    pub(super) fn doubt_key(&mut self, key: Ticket, kept: &Kept, now: Now) {
        let waiters = self.keys.take_waiters(key);
        self.tell_waiters(waiters, kept, now);
    }

    /// The same publication of the application's is on its way to the disk: what becomes of it answers this one, or the request
    /// whose handler does not wait for it.
    pub(super) fn wait_for_publication(
        &mut self,
        first: Ticket,
        publication: &Publication<'_>,
    ) -> Result<Seq, Unpublished> {
        let in_use = || Fault::new(Code::KeyConflict, "this key is in use").into();
        let waiting = match (publication.waits, publication.request) {
            (true, _) => Waiting::Storing,
            (false, Some(request)) => Waiting::Behind { request },
            (false, None) => return self.durable.groups.number_under(first).ok_or_else(in_use),
        };
        let seq = self.durable.groups.number_under(first);
        let ticket = self.ticket(waiting);
        if (seq.is_none() && !publication.waits) || self.keys.wait(first, ticket).is_err() {
            let _ = self.answered(ticket);
            return Err(in_use());
        }
        if publication.waits {
            return Err(Unpublished::Storing(ticket));
        }
        if let Some(request) = publication.request {
            self.durable.answers.said(request);
        }
        seq.ok_or_else(in_use)
    }

    /// A key was claimed. One that begins with `$` was made by a client library for this request alone: it goes with the
    /// request's ack, once the client says that it has that. The first requests of a client come before it has any ack to
    /// tell of, so their keys are known too; of one that never tells, no more than may wait for their ack at a time.
    pub(super) fn note_key(&mut self, session_id: SessionId, id: Option<u64>, key: &str, ticket: Ticket) {
        let most = size(self.config.limits.acks).max(1);
        if let (Some(id), Some(session)) = (id, self.session_mut(session_id))
            && key.starts_with('$')
        {
            session.make_rare().keep_key(id, ticket, most);
        }
    }

    fn tell_waiters(&mut self, waiters: Vec<u64>, kept: &Kept, now: Now) {
        for ticket in waiters {
            match self.answered(ticket) {
                Some(Waiting::SameKey { session, id, bytes, .. }) => {
                    self.settle(session, bytes);
                    self.finish_request(session, id, kept.clone());
                    self.go_on(session, now);
                }
                Some(Waiting::Storing) => {
                    let done = match kept {
                        Kept::Seq(seq) => Ok(*seq),
                        Kept::Error(error) => Err(errors::fault(error)),
                        Kept::Data { .. } => Ok(0),
                    };
                    self.events.list.push(AppEvent::Stored { ticket, done });
                }
                Some(Waiting::Behind { request }) => {
                    self.next.add(Follow::Decided(request, matches!(kept, Kept::Error(_))));
                }
                _ => {}
            }
        }
    }

    /// An `emit` whose id was taken before. That its outcome was unknown is no last word: what is kept for its key now is.
    pub(super) fn emitted_before(
        &mut self,
        session_id: SessionId,
        emit: &Emit<'_>,
        id: u64,
        now: Now,
    ) -> Result<(), Fault> {
        let Some(session) = self.session_mut(session_id) else { return Ok(()) };
        if let (Some(key), Seen::Done(kept)) = (&emit.key, session.acks_mut().take(id))
            && is_unknown(&kept)
        {
            let scope = Scope { user: scope_user(session.author()), kind: Kind::Emit((&*emit.event).into()) };
            let content = content_of(&emit.event, &emit.data.bytes, emit.data.form);
            let known = self.keys.result(&scope, key, &content, now.tick).unwrap_or(kept);
            self.tell_kept(session_id, id, &known);
            return Ok(());
        }
        self.seen_before(session_id, id)
    }
}

/// Whether an ack says that the outcome is not known.
fn is_unknown(kept: &Kept) -> bool {
    matches!(kept, Kept::Error(error) if error.code == Code::OutcomeUnknown.word())
}

/// What is kept of a result for which its owner has no place: that it was done.
fn too_large() -> Kept {
    let told = "this key was used and its request done, but there was no place to keep the result";
    errors::kept(&Fault::new(Code::AckExpired, told))
}
