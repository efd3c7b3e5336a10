//! `publish`: from a member or the application into the log.
//!
//! Parts: Durable, Keys, Log, Rooms, Sessions, Shares.
// Numbers of a peer come in here: a sum that could wrap or panic is an error of the build, or has its reason beside it.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::block::Coming;
use super::shared::check_room_to_say;
use super::{Engine, Publication, Unpublished, durable, size};
use crate::asked::Waiting;
use crate::codes::Code;
use crate::durable::promise::Publisher;
use crate::envelope::{Publish, digest, field};
use crate::error::Fault;
use crate::ids::{Form, Now, RoomId, Seq, SessionId};
use crate::log::acks::{Kept, Seen};
use crate::log::dedupe::{Claim, Digest, Kind, Scope, ScopeUser, Ticket, Wanted};
use crate::log::entry::{Author, Entry, Where};
use crate::outbox::Meta;
use crate::room::settings::Durability;
use crate::shares::Holder;
use std::sync::Arc;

/// An event on its way into a room.
struct Draft<'a> {
    event: &'a str,
    data: &'a [u8],
    form: Form,
    from: Option<Arc<Author>>,
    exclude: Option<SessionId>,
    trace: Option<&'a str>,
    volatile: bool,
}

impl Draft<'_> {
    fn coming(&self) -> Coming<'_> {
        Coming {
            event: self.event,
            data: self.data,
            form: self.form,
            trace: self.trace,
            authored: self.from.is_some(),
        }
    }
}

/// What a member publishes.
fn coming_of<'a>(publish: &'a Publish<'_>) -> Coming<'a> {
    Coming {
        event: &publish.event,
        data: &publish.data.bytes,
        form: publish.data.form,
        trace: publish.trace.as_deref(),
        authored: true,
    }
}

impl Engine {
    pub(super) fn said_publish(
        &mut self,
        session_id: SessionId,
        publish: &Publish<'_>,
        source: &[u8],
        now: Now,
    ) -> Result<(), Fault> {
        let id = publish.id;
        let mut undone = false;
        if let Some(id) = id
            && self.session(session_id).is_some_and(|session| id <= session.acks().taken())
        {
            let settings = self.rooms.settings_for(&publish.room);
            let durable = settings.is_some_and(|settings| settings.durable != Durability::Off);
            undone = self.was_not_done(session_id, id, durable && !publish.volatile)?;
            if !undone {
                return self.seen_before(session_id, id);
            }
        }
        if id.is_some() {
            self.has_place_for_ack(session_id)?;
        }
        let mine = self.may_publish(session_id, publish);
        // A room whose ring may not let go yet holds the publisher, before the id is taken.
        if let Ok(room) = mine
            && !publish.volatile
            && self.is_blocked(room, &coming_of(publish), now)
        {
            self.hold_publisher(session_id, room, source);
            return Ok(());
        }
        if let Ok(room) = mine
            && self.is_store_full(room, publish.volatile)
        {
            self.hold_for_store(session_id, source);
            return Ok(());
        }
        let kind = || Kind::Publish((&*publish.room).into());
        let mine = match mine.and_then(|room| {
            let at_hand = self.has_key(session_id, (kind, publish.key.as_deref()), source, now)?;
            Ok(at_hand.then_some(room))
        }) {
            Ok(None) => return Ok(()),
            Ok(Some(room)) => Ok(room),
            Err(fault) => Err(fault),
        };
        if let Some(id) = id
            && !self.take_id(session_id, id, undone)?
        {
            return Ok(());
        }
        let trace = publish.trace.as_deref();
        let followed = self.trails.wants(&publish.event, trace);
        if followed {
            self.follow_said(session_id, &publish.event, Some(&publish.room), trace);
        }
        let done = mine.and_then(|room| self.publish_once(session_id, room, publish, now));
        if followed {
            self.begun(done.is_ok());
        }
        match done {
            Ok(Some(kept)) => self.finish_request(session_id, id, kept),
            // It is on its way to the disk; or the same key is in progress, whose result answers this one, too.
            Ok(None) => {}
            Err(fault) => self.fail_request(session_id, id, &fault),
        }
        Ok(())
    }

    fn publish_once(
        &mut self,
        session_id: SessionId,
        room: RoomId,
        publish: &Publish<'_>,
        now: Now,
    ) -> Result<Option<Kept>, Fault> {
        self.may_say(room, publish.volatile)?;
        let Some(session) = self.session(session_id) else { return Ok(None) };
        let author = Arc::clone(session.author());
        let mut ticket = None;
        if let Some(key) = &publish.key {
            let kind = Kind::Publish((&*publish.room).into());
            let scope = Scope { user: scope_user(&author), kind };
            let content = content_of(&publish.event, &publish.data.bytes, publish.data.form);
            let owner = self.holder_of(session_id);
            match self.claim(&scope, key, content, &owner, Kept::Seq(0).size(), now)? {
                Claimed::Done(kept) => return Ok(Some(kept)),
                Claimed::InProgress(first) => {
                    // The first is on its way to the disk: what becomes of it answers both.
                    self.wait_for_key(session_id, publish.id, publish.data.bytes.len(), first);
                    return Ok(None);
                }
                Claimed::New(new) => {
                    self.note_key(session_id, publish.id, key, new);
                    ticket = Some(new);
                }
            }
        }
        let draft = Draft {
            event: &publish.event,
            data: &publish.data.bytes,
            form: publish.data.form,
            from: Some(author),
            exclude: (!publish.echo).then_some(session_id),
            trace: publish.trace.as_deref(),
            volatile: publish.volatile,
        };
        if !publish.volatile && self.is_durable(room) {
            if let Some(entry) = self.draft_entry(room, &draft, now) {
                let publisher = Publisher::Session(session_id, publish.id);
                self.store_entry(room, entry, publisher, ticket, Vec::new(), now);
            }
            return Ok(None);
        }
        let seq = self.enter_log(room, &draft, now);
        let kept = Kept::Seq(seq);
        if let Some(ticket) = ticket {
            self.finish_key(ticket, &kept, now);
        }
        Ok(Some(kept))
    }

    /// Claim an idempotency key.
    pub(super) fn claim(
        &mut self,
        scope: &Scope,
        key: &str,
        content: Digest,
        owner: &Holder,
        result: usize,
        now: Now,
    ) -> Result<Claimed, Fault> {
        let (on_disk, beside) = (self.keys_on_disk(&scope.user, now), self.bytes_on_disk(owner));
        let wanted = Wanted { scope, key, digest: content, owner, result, on_disk, beside };
        match self.keys.claim(&wanted, &mut self.shares, now.tick) {
            Claim::New(ticket) => Ok(Claimed::New(ticket)),
            Claim::InProgress(ticket) => Ok(Claimed::InProgress(ticket)),
            Claim::Done(kept) => Ok(Claimed::Done(kept)),
            Claim::Conflict => {
                Err(Fault::new(Code::KeyConflict, "this key was used with another event or other data"))
            }
            Claim::QuotaFull { held, limit } => Err(Fault::new(
                Code::Overloaded,
                format!("this user holds {held} keys, the limit is {limit}: they are kept for an hour"),
            )
            .retry()),
            Claim::MemoryFull(full) => {
                Err(Fault::new(Code::Overloaded, format!("{full}: keys are kept for an hour")).retry())
            }
        }
    }

    pub(super) fn say_for_app(
        &mut self,
        publication: &Publication<'_>,
        trace: Option<&str>,
        now: Now,
    ) -> Result<Seq, Unpublished> {
        self.config.names().check(format_args!("the name of a room"), publication.room)?;
        self.config.names().check(format_args!("the name of an event"), publication.event)?;
        check_room_to_say(publication.room)?;
        if let Some(sender) = publication.sender.filter(|_| publication.rights) {
            self.may_be_said_by(sender, publication.room)?;
        }
        let owner = match (publication.backend, publication.sender) {
            (Some(name), _) => Holder::backend(name),
            (None, Some(session)) => self.holder_of(session),
            (None, None) => Holder::APPLICATION,
        };
        let room = self.make_room(publication.room, &owner).or_else(|fault| {
            // What its peer has no place for is the application's own.
            if owner.is_peer() { self.make_room(publication.room, &Holder::APPLICATION) } else { Err(fault) }
        })?;
        self.may_say(room, publication.volatile)?;
        let draft = Draft {
            event: publication.event,
            data: publication.data,
            form: publication.form,
            from: publication
                .sender
                .and_then(|session| self.session(session))
                .map(|session| Arc::clone(session.author())),
            exclude: publication.exclude,
            trace: publication.trace.or(trace),
            volatile: publication.volatile,
        };
        let mut ticket = None;
        if let Some(key) = publication.key {
            self.config.names().check_key(key)?;
            let user = draft.from.as_ref().map_or(ScopeUser::Application, |author| scope_user(author));
            let scope = Scope { user, kind: Kind::Publish(publication.room.into()) };
            if let Some(hash) = self.on_disk_alone(&scope, key, now) {
                self.was_readable(hash)?;
                return Err(Unpublished::Blocked(self.look_up(None, hash, &scope, key)));
            }
            let content = content_of(draft.event, draft.data, draft.form);
            match self.claim(&scope, key, content, &owner, Kept::Seq(0).size(), now)? {
                Claimed::Done(Kept::Seq(seq)) => return Ok(seq),
                Claimed::New(new) => ticket = Some(new),
                Claimed::InProgress(first) => return self.wait_for_publication(first, publication),
                Claimed::Done(_) => return Err(Fault::new(Code::KeyConflict, "this key is in use").into()),
            }
        }
        if !draft.volatile && self.is_blocked(room, &draft.coming(), now) {
            if let Some(ticket) = ticket {
                let _ = self.keys.release(ticket, &mut self.shares);
            }
            return Err(Unpublished::Blocked(self.hold_publication(room)));
        }
        if self.is_store_full(room, draft.volatile) {
            if let Some(ticket) = ticket {
                let _ = self.keys.release(ticket, &mut self.shares);
            }
            return Err(Unpublished::Blocked(self.hold_app_for_store()));
        }
        if !draft.volatile && self.is_durable(room) {
            return self.store_publication(room, &draft, publication, ticket, now);
        }
        let seq = self.enter_log(room, &draft, now);
        if let Some(ticket) = ticket {
            self.finish_key(ticket, &Kept::Seq(seq), now);
        }
        if seq == 0 || self.room(room).is_some_and(|room| room.members().is_empty()) {
            self.free_if_idle(room);
            self.stir_room(room);
        }
        Ok(seq)
    }

    /// The application says something in a durable room: a ticket says what becomes of it, or the ack of the request.
    fn store_publication(
        &mut self,
        room: RoomId,
        draft: &Draft<'_>,
        publication: &Publication<'_>,
        key: Option<Ticket>,
        now: Now,
    ) -> Result<Seq, Unpublished> {
        let Some(entry) = self.draft_entry(room, draft, now) else { return Ok(0) };
        let (request, waits) = (publication.request, publication.waits);
        let ticket = waits.then(|| self.ticket(Waiting::Storing));
        if let Some(request) = request {
            self.durable.answers.said(request);
        }
        let who = Publisher::Application(ticket, request);
        let seq = self.store_entry(room, entry, who, key, Vec::new(), now);
        ticket.map_or(Ok(seq), |ticket| Err(Unpublished::Storing(ticket)))
    }

    /// An event that is said now, without a number.
    fn draft_entry(&mut self, room_id: RoomId, draft: &Draft<'_>, now: Now) -> Option<Entry> {
        self.stats.published += 1;
        let room = self.rooms.get_mut(room_id)?;
        let event = room.event(draft.event);
        let name = Arc::clone(room.name());
        let slot = room.settings().key.as_deref().and_then(|key| field(draft.data, draft.form, key));
        let slot = slot.map(Into::into);
        let mut entry = self.log.draft(Where::Room(room_id, name), event, draft.data, draft.form, now);
        entry.from.clone_from(&draft.from);
        entry.exclude = draft.exclude;
        entry.trace = draft.trace.map(Into::into);
        entry.slot = slot;
        Some(entry)
    }

    /// Give an event its number, keep it, and say it to all who listen. 0: it was volatile.
    fn enter_log(&mut self, room_id: RoomId, draft: &Draft<'_>, now: Now) -> Seq {
        let Some(entry) = self.draft_entry(room_id, draft, now) else { return 0 };
        let slot = u32::try_from(room_id.index()).expect("a slot's index");
        if draft.volatile {
            self.fan_out(room_id, &entry, Meta::Volatile { room: slot });
            return 0;
        }
        let Some(room) = self.rooms.get_mut(room_id) else { return 0 };
        let (ring, bounds) = room.filling();
        let entered = self.log.enter(entry, ring, bounds);
        let seq = entered.entry.seq;
        self.fan_out(room_id, &entered.entry, Meta::Entry { seq, room: slot, encoding: 0 });
        self.stats.forgotten += entered.forgotten;
        self.keep_budget();
        seq
    }

    /// What is known of an id that is not new.
    pub(super) fn seen_before(&mut self, session_id: SessionId, id: u64) -> Result<(), Fault> {
        let Some(session) = self.session_mut(session_id) else { return Ok(()) };
        match session.acks_mut().take(id) {
            Seen::InProgress if self.durable.unknown.contains(&(session_id, id)) => {
                Err(durable::unknown().with_id(Some(id)))
            }
            Seen::New | Seen::InProgress => Ok(()), // its ack comes when it is finished
            Seen::Done(kept) => {
                self.tell_kept(session_id, id, &kept);
                Ok(())
            }
            Seen::Expired => {
                let told = format!("request {id} was taken before and its ack is no longer kept");
                Err(Fault::new(Code::AckExpired, told).with_id(Some(id)))
            }
        }
    }

    /// How large an ack may be to be kept.
    pub(super) fn ack_bounds(&self) -> crate::log::acks::AckBounds {
        let limits = &self.config.limits;
        crate::log::acks::AckBounds { count: size(limits.acks), bytes: size(limits.ack_bytes) }
    }
}

/// A claim that was not refused.
pub(super) enum Claimed {
    New(Ticket),
    InProgress(Ticket),
    Done(Kept),
}

/// Whose keys an author's are: an anonymous session is its own user.
pub(super) fn scope_user(author: &Author) -> ScopeUser {
    author.user.as_ref().map_or(ScopeUser::Session(author.session), |user| ScopeUser::User(Arc::clone(user)))
}

/// What a key compares: the event and its data, as values.
pub(super) fn content_of(event: &str, data: &[u8], form: Form) -> Digest {
    use sha1::{Digest as _, Sha1};
    let mut hash = Sha1::new();
    hash.update((event.len() as u64).to_be_bytes());
    hash.update(event.as_bytes());
    hash.update(digest(data, form));
    hash.finalize().into()
}
