//! What became of what was on its way to the disk: told and acknowledged, taken back, or passed because nobody knows yet.
//!
//! Parts: Durable, Log, Next, Out, Rooms, Sessions, Steps.

use super::say::{refused, unknown};
use crate::durable::Refusing;
use crate::durable::promise::{Fate, Promise, Publisher, Said};
use crate::engine::next::Follow;
use crate::engine::steps::MEMBERS;
use crate::engine::{AppEvent, Engine, encoding, errors};
use crate::envelope::write as envelope;
use crate::error::Fault;
use crate::ids::{Now, RoomId, Seq, SessionId};
use crate::log::acks::Kept;
use crate::log::entry::Where;
use crate::log::ring::Reason;
use crate::outbox::{Meta, Part};
use crate::room::blocked::Publisher as Held;
use crate::session::Hold;
use crate::store::Trouble;
use std::sync::Arc;

impl Engine {
    /// Keep the next promise whose fate is known; after the last of them go on with who was held up.
    pub(in crate::engine) fn keep_promise(&mut self, now: Now) {
        if let Some((promise, fate)) = self.durable.settled() {
            self.promise_is(&promise, &fate, now);
        }
        if self.durable.groups.has_settled() {
            self.next.add(Follow::Settle);
            return;
        }
        for session in self.durable.wall.take_before() {
            self.next.add(Follow::Feed(session));
        }
        if !self.durable.wall.is_full() || self.durable.refusing().is_some() {
            self.release_held(now);
        }
    }

    fn promise_is(&mut self, promise: &Promise, fate: &Fate, now: Now) {
        match *promise {
            Promise::Say(ref said) => self.entry_is(said, fate, now),
            Promise::Begin(request) => self.request_is(request, fate, now),
            Promise::Answer(request, ref kept) => self.leave_answer(request, kept, now),
            Promise::Join(ticket) => self.join_is(ticket, fate, now),
            Promise::Notice(number) => self.notice_is(number, now),
            Promise::Change(ref room, serial) if *fate == Fate::Written => {
                self.changes_are_kept(room, serial, now);
            }
            Promise::Change(..) => {} // what was lost was told at once
            Promise::Load(ref room) => self.read_on(room),
            Promise::Ids(session, upto) => self.ids_are_aside(session, upto),
            Promise::Reserve(upto) => {
                self.durable.reserving = false;
                if !self.durable.ended {
                    self.log.reserve(upto);
                }
            }
        }
    }

    /// Those who would publish, and waited because too much waited for the disk, may try again.
    fn release_held(&mut self, now: Now) {
        for (place, publisher) in std::mem::take(&mut self.durable.held).into_waiting() {
            match publisher {
                Held::Application(ticket) => {
                    if self.answered(ticket).is_some() {
                        self.events.list.push(AppEvent::Unblocked { ticket });
                    }
                }
                Held::Session(session) => self.release_hold(session, Hold::Store(place), now),
            }
        }
    }

    fn entry_is(&mut self, said: &Said, fate: &Fate, now: Now) {
        let seq = said.entry.seq;
        if said.passed {
            self.durable.wall.found_out(seq, said.room);
        } else {
            self.durable.wall.lower(seq);
        }
        if !self.trails.is_empty() {
            let ns = self.meter.moment();
            self.trails.committed(seq, said.since, ns, matches!(fate, Fate::Written));
        }
        let outcome = match fate {
            Fate::Written => {
                if let Some(room) = self.rooms.get(said.room) {
                    self.meter.committed(room.settings().class, said.since);
                }
                if !said.passed {
                    self.fan_out_stored(said.room, &said.entry);
                }
                Ok(seq)
            }
            Fate::Refused(trouble) => {
                if let Some(room) = self.rooms.get_mut(said.room) {
                    self.log.take_back(room.ring_mut(), seq);
                }
                Err(refused(&Refusing::Trouble(trouble.clone())))
            }
        };
        self.trails.leave();
        let kept = match &outcome {
            Ok(seq) => Kept::Seq(*seq),
            Err(fault) => errors::kept(fault),
        };
        match (said.key, &outcome) {
            (Some(key), Ok(_)) => self.finish_key(key, &kept, now),
            (Some(key), Err(_)) => self.free_key(key, &kept, now),
            (None, _) => {}
        }
        match said.publisher {
            Publisher::Session(session, Some(id)) if said.passed => {
                self.durable.unknown.remove(&(session, id));
                self.keep_ack(session, id, kept); // it was answered
            }
            Publisher::Session(session, id) => match &outcome {
                Ok(_) => self.finish_request(session, id, kept),
                Err(fault) => self.fail_request(session, id, fault),
            },
            Publisher::Change(serial) => {
                if let (Where::Room(_, room), Ok(_)) = (&said.entry.room, &outcome) {
                    self.changes_are_kept(room, serial, now);
                }
            }
            Publisher::Application(..) if said.passed => {} // it was told
            Publisher::Application(ticket, request) => self.tell_app(ticket, request, outcome, now),
        }
        self.free_if_idle(said.room);
        self.stir_room(said.room);
    }

    /// The application hears what became of what it said; and an ack may leave that waited for it. What is lost and was not
    /// waited for is told under no ticket, and by that ack.
    fn tell_app(&mut self, ticket: Option<u64>, request: Option<u64>, outcome: Result<Seq, Fault>, now: Now) {
        let lost = outcome.is_err();
        let hears = ticket.is_some_and(|ticket| self.answered(ticket).is_some());
        if hears || lost && ticket.is_none() {
            self.events.list.push(AppEvent::Stored { ticket: ticket.unwrap_or(0), done: outcome });
        }
        if let Some(request) = request {
            self.request_decided(request, lost && !hears, now);
        }
    }

    /// Nobody waits for what became of something any more.
    pub fn forget_stored(&mut self, ticket: u64) {
        let _ = self.answered(ticket);
        self.durable.histories.remove(&ticket);
    }

    /// Something waits for the disk for too long.
    pub(in crate::engine) fn store_due(&mut self, now: Now) {
        self.reads_due(now);
        self.durable.groups.hurry(now.tick);
        self.forget_joins();
        let overdue = self.durable.write_due().is_some_and(|due| due <= now.tick);
        if overdue && !self.durable.groups.has_settled() {
            self.durable.is_slow();
            let told = "what was before it has not been written in its time";
            self.durable.groups.take_back(&Trouble { kind: "slow", text: told.into() });
            self.lose_changes(now);
            self.pass_overdue(now);
            self.notices_due(now);
            self.joins_due(now);
            self.requests_due(now);
            if self.durable.wall.is_empty() {
                self.durable.groups.let_go_behind();
            }
            self.next.add(Follow::Settle);
        }
        self.time_store(now);
    }

    /// Entries of which nobody knows whether they are on disk, and that have waited for as long as anybody is held up.
    fn pass_overdue(&mut self, now: Now) {
        let crate::durable::Durable { groups, wall, .. } = &mut self.durable;
        let passed: Vec<_> = groups
            .said_under_way()
            .filter(|said| !said.passed && wall.is_overdue(said.entry.seq, now.tick))
            .map(|said| {
                said.passed = true;
                (Arc::clone(&said.entry), said.room, said.publisher, said.key)
            })
            .collect();
        let fault = unknown();
        for (entry, room, publisher, key) in passed {
            self.stats.passed += 1;
            self.durable.wall.pass(entry.seq, room);
            self.tell_passed(room, entry.seq, entry.exclude);
            if let Some(key) = key {
                self.doubt_key(key, &errors::kept(&fault), now);
            }
            match publisher {
                Publisher::Session(session, Some(id)) => {
                    self.durable.unknown.insert((session, id));
                    self.tell_kept(session, id, &errors::kept(&fault));
                }
                Publisher::Session(session, None) => self.tell_fault(session, &fault),
                Publisher::Change(serial) => self.doubt_changes(room, serial, now),
                Publisher::Application(ticket, request) => {
                    self.tell_app(ticket, request, Err(fault.clone()), now);
                }
            }
        }
    }

    /// Who listens and has everything else is told that it misses this one. Who lags is told when it is fed.
    fn tell_passed(&mut self, room_id: RoomId, seq: Seq, exclude: Option<SessionId>) {
        let mut behind: Vec<SessionId> = Vec::new();
        let Self { rooms, sessions, out, steps, stats, .. } = self;
        let Some(room) = rooms.get(room_id) else { return };
        steps.spend(1 + room.members().len() / MEMBERS);
        let slot = u32::try_from(room_id.index()).expect("a slot's index");
        let mut copies = out.copies(Meta::Volatile { room: slot }, Part::Whole);
        let listeners = sessions.listeners();
        for member in room.members().rows() {
            let Some(listener) = listeners.live(member.session) else { continue };
            if exclude == Some(member.session) || member.began >= seq {
                continue;
            }
            let encoding = listener.encoding;
            let taken = copies.offer(listener.conn as usize, encoding, |out, packing| {
                encoding::message(out, encoding, packing, |out, form| {
                    envelope::gap(out, form, Some(room.name()), seq, seq, Reason::Store.word());
                });
            });
            if taken {
                stats.gaps += 1;
            } else {
                behind.push(member.session);
            }
        }
        drop(copies);
        for session in behind {
            self.fall_behind(session, seq.saturating_sub(1));
        }
    }
}
