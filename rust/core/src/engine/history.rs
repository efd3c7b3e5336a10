//! `history`: past entries of a room, on request.
//!
//! Parts: Durable, Log, Rooms, Sessions, Steps.
// Numbers of a peer come in here: a sum that could wrap or panic is an error of the build, or has its reason beside it.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::feed::misses;
use super::steps::of_bytes;
use super::{Engine, size};
use crate::codes::Code;
use crate::durable::wall::Wall;
use crate::envelope::write::{self as envelope, EventOut, HistoryOut};
use crate::error::Fault;
use crate::ids::{Now, RoomId, Seq, SessionId};
use crate::log::entry::{Entry, Where};
use crate::log::position::Since;
use crate::log::ring::Reason;
use crate::room::grants::Grants;
use crate::room::table::Room;
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
    /// An entry in their midst of which nobody knows whether it is on disk.
    passed: Option<Seq>,
}

impl Past {
    /// An entry, if this session may hear it, and if it is known to be there.
    fn push(&mut self, entry: &Arc<Entry>, hears: Option<SessionId>, wall: &Wall) {
        if misses(entry, wall).is_some() {
            self.passed = Some(entry.seq);
        } else if hears.is_none_or(|session| entry.heard_by(session)) {
            self.entries.push(Arc::clone(entry));
        }
    }

    /// The gap of what nobody knows of.
    fn missed(&self) -> Option<(Seq, Seq, &'static str)> {
        self.passed.map(|seq| (seq, seq, Reason::Store.word()))
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
            session.acks.note(id);
        }
        let room_id = self.may_read(session_id, name)?;
        // Nobody would hear the answer to a request without an id: it is not read.
        let (Some(id), Some(form)) = (id, self.form_of(session_id)) else { return Ok(()) };
        self.expire_room(room_id, now);
        let past = match *wish {
            Wish::After(after, limit) => {
                self.past(room_id, after, limit.unwrap_or(u64::MAX), Some(session_id))
            }
            Wish::Last(last) => {
                let Some(room) = self.room(room_id) else { return Ok(()) };
                let (upto, last) = (self.told_upto(room_id), Some(last));
                self.newest(room, &Newest { since: None, last, upto, hears: session_id, allowed: true })
            }
        };
        self.steps.spend(past.looked_at);
        let shown: Vec<EventOut<'_>> = past.entries.iter().map(|entry| shown(entry)).collect();
        let mut bytes = Vec::with_capacity(256);
        let Past { upto: seq, complete, more, gap, .. } = past;
        let told = HistoryOut { entries: &shown, seq, complete, more, gap };
        envelope::history(&mut bytes, form, id, &told);
        self.tell_reply(session_id, Some(id), |out, _| out.extend_from_slice(&bytes));
        Ok(())
    }

    /// The room of this name whose past a session may read: one with the right to it, or of rtcore's own one that it is in.
    fn may_read(&self, session: SessionId, name: &str) -> Result<RoomId, Fault> {
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
    pub(super) fn newest(&self, room: &Room, wanted: &Newest<'_>) -> Past {
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
        for entry in room.ring.after(after).rev().filter(|entry| entry.seq <= upto) {
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
        let (forgotten, why) = (room.ring.forgotten(), room.ring.forgotten_why().word());
        past.gap = if !known {
            let to = past.entries.first().map_or(upto, |entry| entry.before());
            Some((0, to, Reason::Epoch.word()))
        } else if let Some(seq) = left_out {
            Some((after.saturating_add(1), seq, Reason::Ring.word()))
        } else if !by_last && !room.ring.complete_since(after) {
            Some((after.saturating_add(1), forgotten.min(upto), why))
        } else if by_last && forgotten > 0 && few {
            Some((1, forgotten, why))
        } else {
            past.missed()
        };
        past.complete = past.gap.is_none();
        past
    }

    /// The number up to which a room's past may be told: what is above it waits for the disk.
    pub(super) fn told_upto(&self, room: RoomId) -> Seq {
        let head = self.log.head();
        self.durable.wall.first_of(room, 0).map_or(head, |first| head.min(first.saturating_sub(1)))
    }

    /// The oldest entries after a position (none: of all that is held), bounded by count and bytes.
    pub(super) fn past(
        &self,
        room_id: RoomId,
        after: Option<&str>,
        limit: u64,
        hears: Option<SessionId>,
    ) -> Past {
        let upto = self.told_upto(room_id);
        let mut past = Past { upto, complete: true, ..Past::default() };
        let Some(room) = self.room(room_id) else { return past };
        let known = self.log.since(after).after();
        let from = known.unwrap_or(0);
        let most = size(limit.min(self.config.limits.history_entries));
        let mut left = size(self.config.limits.history_bytes);
        for entry in room.ring.after(from).take_while(|entry| entry.seq <= upto) {
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
        if known.is_none() {
            let to = past.entries.first().map_or(self.log.head(), |entry| entry.before());
            past.gap = Some((0, to, Reason::Epoch.word()));
        } else if !room.ring.complete_since(from) {
            past.gap =
                Some((from.saturating_add(1), room.ring.forgotten(), room.ring.forgotten_why().word()));
        } else {
            past.gap = past.missed();
        }
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
