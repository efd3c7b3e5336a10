//! `history`: past entries of a room, on request.
//!
//! Parts: Durable, Log, Rooms, Sessions, Steps.
// Numbers of a peer come in here: a sum that could wrap or panic is an error of the build, or has its reason beside it.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::feed::misses;
use super::shared::check_room_to_say;
use super::steps::of_bytes;
use super::{Engine, size};
use crate::asked::{self, Waiting};
use crate::codes::Code;
use crate::durable::wall::Wall;
use crate::envelope::write::{self as envelope, EventOut, HistoryOut};
use crate::error::Fault;
use crate::ids::{Form, Now, RoomId, Seq, SessionId};
use crate::log::entry::{Entry, Where};
use crate::log::position::Since;
use crate::log::ring::{Reason, Ring};
use crate::room::grants::Grants;
use crate::room::table::Room;
use crate::session::Hold;
use std::collections::{VecDeque, vec_deque};
use std::sync::Arc;

/// Entries of one answer.
#[derive(Default)]
pub(super) struct Past {
    pub entries: Vec<Arc<Entry>>,
    /// Entries looked at, in steps.
    pub looked_at: usize,
    /// The number up to which they speak.
    pub upto: Seq,
    /// There are more after the last of them.
    pub more: bool,
    /// Nothing between the position and the first of them is missing.
    pub complete: bool,
    pub gap: Option<(Seq, Seq, &'static str)>,
}

impl Past {
    /// An entry, if this session may hear it, and if it is known to be there.
    fn push(&mut self, entry: &Arc<Entry>, hears: Option<SessionId>, wall: &Wall) {
        if misses(entry, wall).is_none() && hears.is_none_or(|session| entry.heard_by(session)) {
            self.entries.push(Arc::clone(entry));
        }
    }
}

/// What is held of a room's past: by its ring, or a page that was read from disk.
pub(super) struct Held {
    /// The entries, oldest first.
    pub entries: VecDeque<Arc<Entry>>,
    /// Up to here they are not all.
    pub forgotten: Seq,
    pub why: Reason,
    /// There are more after the last of them.
    pub more: bool,
}

/// The same, wherever it is.
#[derive(Clone, Copy)]
pub(super) enum Shelf<'a> {
    Ring(&'a Ring),
    Page(&'a Held),
}

impl<'a> Shelf<'a> {
    fn after(self, at: Seq) -> vec_deque::Iter<'a, Arc<Entry>> {
        match self {
            Self::Ring(ring) => ring.after(at),
            Self::Page(page) => page.entries.range(page.entries.partition_point(|entry| entry.seq <= at)..),
        }
    }

    fn forgotten(self) -> (Seq, Reason) {
        match self {
            Self::Ring(ring) => (ring.forgotten(), ring.forgotten_why()),
            Self::Page(page) => (page.forgotten, page.why),
        }
    }

    /// The number of the last entry, if there are more after it.
    fn breaks_off(self) -> Option<Seq> {
        match self {
            Self::Page(page) if page.more => page.entries.back().map(|entry| entry.seq),
            _ => None,
        }
    }
}

/// What is wanted of a room's newest entries.
pub(super) struct Newest<'a> {
    /// None from before this position.
    pub since: Option<&'a str>,
    /// So many at most.
    pub last: Option<u64>,
    /// None above this number.
    pub upto: Seq,
    pub hears: SessionId,
    /// Whether it may hear of them at all.
    pub allowed: bool,
}

/// Which of a room's entries a `history` wants.
pub(super) enum Wish<'a> {
    /// The oldest after a position (none: of all that is held), so many at most.
    After(Option<&'a str>, Option<u64>),
    /// So many of the newest.
    Last(u64),
}

impl Engine {
    pub(super) fn said_history(
        &mut self,
        session_id: SessionId,
        id: Option<u64>,
        name: &str,
        wish: &Wish<'_>,
        now: Now,
    ) -> Result<(), Fault> {
        if let (Some(id), Some(session)) = (id, self.session_mut(session_id)) {
            session.acks_mut().note(id);
        }
        let room_id = self.may_read(session_id, name)?;
        // Nobody would hear the answer to a request without an id: it is not read.
        let (Some(id), Some(form)) = (id, self.form_of(session_id)) else { return Ok(()) };
        self.expire_room(room_id, now);
        let Some(room) = self.room(room_id) else { return Ok(()) };
        let upto = self.told_upto(room_id);
        let wanted = match *wish {
            Wish::After(after, limit) => {
                let (since, limit) = (self.log.since(after).after(), limit.unwrap_or(u64::MAX));
                let (after, known) = (Some(since.unwrap_or(0)), since.is_some());
                asked::Past { session: session_id, id, room: room_id, after, known, upto, limit }
            }
            Wish::Last(limit) => {
                asked::Past { session: session_id, id, room: room_id, after: None, known: true, upto, limit }
            }
        };
        let on_disk = match wanted.after {
            Some(after) => self.is_on_disk(room_id, room, after),
            None => self.newest_are_on_disk(room_id, room, (0, upto), wanted.limit),
        };
        if !on_disk {
            self.tell_past(&wanted, form, None);
            return Ok(());
        }
        let (after, limit, room_name) = (wanted.after, wanted.limit, Arc::clone(room.name()));
        let ticket = self.ticket(Waiting::Past(Box::new(wanted)));
        if let Some(session) = self.session_mut(session_id) {
            session.hold(Hold::Join(ticket)); // what it says next is taken when this is answered
        }
        match after {
            Some(after) => self.read_after(ticket, room_name, after, upto, limit),
            None => self.read_last(ticket, room_id, upto, limit),
        }
        Ok(())
    }

    /// Whether the disk has something of a room above this number that the ring does not hold.
    pub(super) fn is_on_disk(&self, room_id: RoomId, room: &Room, after: Seq) -> bool {
        room.is_durable()
            && !room.ring().complete_since(after)
            && room.ring().forgotten() > self.durable.shelves.of(room_id).freed
    }

    /// Whether the disk has some of the newest entries of a room that are wanted, and the ring does not.
    pub(super) fn newest_are_on_disk(
        &self,
        room_id: RoomId,
        room: &Room,
        (after, upto): (Seq, Seq),
        last: u64,
    ) -> bool {
        let most = size(last.min(self.config.limits.history_entries));
        let few = || room.ring().after(after).take_while(|entry| entry.seq <= upto).take(most).count() < most;
        self.is_on_disk(room_id, room, after) && few()
    }

    /// Answer a `history` by a page that was read.
    pub(super) fn tell_history(&mut self, wanted: &asked::Past, held: &Held) {
        if let Some(form) = self.form_of(wanted.session)
            && self.grants_in(wanted.room, wanted.session).is_some()
        {
            self.tell_past(wanted, form, Some(held));
        }
    }

    fn tell_past(&mut self, wanted: &asked::Past, form: Form, held: Option<&Held>) {
        let &asked::Past { session, id, room, after, known, upto, limit } = wanted;
        let Some(ring) = self.room(room).map(Room::ring) else { return };
        let held = held.map_or(Shelf::Ring(ring), Shelf::Page);
        let past = if let Some(after) = after {
            self.past(room, held, known.then_some(after), limit, (upto, Some(session)))
        } else {
            let (last, allowed) = (Some(limit), true);
            self.newest(room, held, &Newest { since: None, last, upto, hears: session, allowed })
        };
        let looked_at = past.looked_at;
        let shown: Vec<EventOut<'_>> = past.entries.iter().map(|entry| shown(entry)).collect();
        let mut bytes = Vec::with_capacity(256);
        let Past { upto: seq, complete, more, gap, .. } = past;
        let told = HistoryOut { entries: &shown, seq, complete, more, gap };
        envelope::history(&mut bytes, form, id, &told);
        self.steps.spend(looked_at);
        self.tell_reply(session, Some(id), |out, _| out.extend_from_slice(&bytes));
    }

    /// The room of this name whose past a session may read: one with the right to it, or of rtcore's own one that it is in.
    fn may_read(&self, session: SessionId, name: &str) -> Result<RoomId, Fault> {
        check_room_to_say(name)?;
        let own = name.starts_with('$');
        if !own && self.rooms.settings_for(name).is_none() {
            return Err(Fault::new(Code::NotFound, format!("there is no room {name:?}")));
        }
        let room = self.rooms.named(name);
        let rights = room.and_then(|room| Some((room, self.grants_in(room, session)?)));
        match rights {
            Some((room, grants)) if own || grants.contains(Grants::HISTORY) => Ok(room),
            _ => {
                let told = format!("this session may not read the past of {name:?}");
                Err(Fault::new(Code::Forbidden, told))
            }
        }
    }

    /// The newest entries that are wanted, bounded by count and bytes, and as a gap what of the wish is not among them.
    pub(super) fn newest(&self, room: RoomId, held: Shelf<'_>, wanted: &Newest<'_>) -> Past {
        let (after, known) = match self.log.since(wanted.since) {
            Since::Known(seq) => (seq, true),
            Since::Nothing => (0, true),
            Since::Unknown => (0, false),
        };
        let upto = wanted.upto;
        let mut past = Past { upto, ..Past::default() };
        let most = size(wanted.last.unwrap_or(u64::MAX).min(self.config.limits.history_entries));
        let mut left_out = None; // the highest number that was asked for and is not in the answer
        let mut left = size(self.config.limits.history_bytes);
        for entry in held.after(after).rev().filter(|entry| entry.seq <= upto) {
            past.looked_at = past.looked_at.saturating_add(of_bytes(entry.data.len()));
            let fits = wanted.allowed && past.entries.len() < most;
            let Some(less) = left.checked_sub(entry.written()).filter(|_| fits) else {
                left_out = Some(entry.seq);
                break;
            };
            left = less;
            past.push(entry, Some(wanted.hears), &self.durable.wall);
        }
        past.entries.reverse();
        // With `last` alone, older entries were not asked for.
        let by_last = wanted.since.is_none();
        let few = (past.entries.len() as u64) < wanted.last.unwrap_or(0).min(most as u64);
        if by_last && wanted.allowed && !few {
            left_out = None;
        }
        let (forgotten, why) = held.forgotten();
        let why = why.word();
        let first = past.entries.first().map_or(upto, |entry| entry.before());
        let low = if by_last && !few { first } else { after };
        past.gap = if !known {
            let to = past.entries.first().map_or(upto, |entry| entry.before());
            Some((0, to, Reason::Epoch.word()))
        } else if let Some(seq) = left_out {
            Some((after.saturating_add(1), seq, Reason::Ring.word()))
        } else if !by_last && after < forgotten {
            Some((after.saturating_add(1), forgotten.min(upto), why))
        } else if by_last && forgotten > 0 && few {
            Some((1, forgotten, why))
        } else {
            self.lost_within(room, low, upto)
        };
        past.complete = past.gap.is_none();
        past
    }

    /// What nobody has of a room above `after` and up to `upto`, though neither its ring nor the disk let go of it.
    fn lost_within(&self, room: RoomId, after: Seq, upto: Seq) -> Option<(Seq, Seq, &'static str)> {
        let soft = self.durable.shelves.of(room).soft;
        let lost = if soft { self.durable.losses.within(after, upto) } else { None };
        let lost = lost.map(|(from, to)| (after.max(from).saturating_add(1), to.min(upto), Reason::Restart));
        let passed = || {
            let seq = self.durable.wall.passed_within(room, after, upto)?;
            Some((seq, seq, Reason::Store))
        };
        lost.or_else(passed).map(|(from, to, why)| (from, to, why.word()))
    }

    /// The number up to which a room's past may be told: what is above it waits for the disk.
    pub(super) fn told_upto(&self, room: RoomId) -> Seq {
        let head = self.log.head();
        self.durable.wall.first_of(room, 0).map_or(head, |first| head.min(first.saturating_sub(1)))
    }

    /// The oldest entries above a number (none: the position is not known here), bounded by count and bytes, up to a number and
    /// as a session hears them.
    pub(super) fn past(
        &self,
        room: RoomId,
        held: Shelf<'_>,
        known: Option<Seq>,
        limit: u64,
        (upto, hears): (Seq, Option<SessionId>),
    ) -> Past {
        let mut past = Past { upto, complete: true, ..Past::default() };
        let from = known.unwrap_or(0);
        let most = size(limit.min(self.config.limits.history_entries));
        let mut left = size(self.config.limits.history_bytes);
        for entry in held.after(from).take_while(|entry| entry.seq <= upto) {
            past.looked_at = past.looked_at.saturating_add(of_bytes(entry.data.len()));
            let cost = entry.written();
            if past.entries.len() >= most || (cost > left && !past.entries.is_empty()) {
                past.more = true;
                past.upto = entry.before();
                break;
            }
            left = left.saturating_sub(cost);
            past.push(entry, hears, &self.durable.wall);
        }
        if let Some(last) = held.breaks_off().filter(|_| !past.more) {
            (past.more, past.upto) = (true, last);
        }
        let (forgotten, why) = held.forgotten();
        past.gap = if known.is_none() {
            let to = past.entries.first().map_or(self.log.head(), |entry| entry.before());
            Some((0, to, Reason::Epoch.word()))
        } else if from < forgotten {
            Some((from.saturating_add(1), forgotten, why.word()))
        } else {
            self.lost_within(room, from, past.upto)
        };
        past.complete = past.gap.is_none();
        past
    }
}

/// An entry as the wire shows it, live, in a replay and in a history alike.
pub(super) fn shown(entry: &Entry) -> EventOut<'_> {
    EventOut {
        room: match &entry.room {
            Where::Room(_, name) => Some(name),
            Where::Session(_) => None,
        },
        event: &entry.event,
        data: (&entry.data, entry.form),
        seq: (entry.seq > 0).then_some(entry.seq),
        from: entry.from.as_ref().map(|author| (&*author.wire, author.user.as_deref())),
        in_room: matches!(entry.room, Where::Room(..)),
        time: entry.time,
        trace: entry.trace.as_deref(),
    }
}
