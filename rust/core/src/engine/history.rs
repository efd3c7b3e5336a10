//! `history`: past entries of a room, on request.
//!
//! Parts: Log, Rooms, Sessions, Steps.
// Numbers of a peer come in here: a sum that could wrap or panic is an error of the build, or has its reason beside it.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::requests::refuse_own;
use super::steps::of_bytes;
use super::{Engine, size};
use crate::codes::Code;
use crate::envelope::write::{self as envelope, EventOut};
use crate::error::Fault;
use crate::ids::{Now, RoomId, Seq, SessionId};
use crate::log::entry::{Entry, Where};
use crate::log::ring::Reason;
use crate::room::grants::Grants;
use std::sync::Arc;

/// Entries of one answer.
pub(super) struct Past {
    pub entries: Vec<Arc<Entry>>,
    /// Entries looked at, in steps.
    pub looked_at: usize,
    /// There are more after the last of them.
    pub more: bool,
    /// Nothing between the position and the first of them is missing.
    pub complete: bool,
    pub gap: Option<(Seq, Seq, &'static str)>,
}

impl Engine {
    pub(super) fn said_history(
        &mut self,
        session: SessionId,
        id: Option<u64>,
        room: &str,
        after: Option<&str>,
        limit: Option<u64>,
        now: Now,
    ) -> Result<(), Fault> {
        refuse_own(room)?;
        if let (Some(id), Some(held)) = (id, self.session_mut(session)) {
            held.acks.note(id);
        }
        if self.rooms.settings_for(room).is_none() {
            return Err(Fault::new(Code::NotFound, format!("there is no room {room:?}")));
        }
        let may = self
            .rooms
            .named(room)
            .and_then(|room| Some((room, self.grants_in(room, session)?)))
            .filter(|(_, grants)| grants.contains(Grants::HISTORY));
        let Some((room, _)) = may else {
            return Err(Fault::new(
                Code::Forbidden,
                format!("this session may not read the past of {room:?}"),
            ));
        };
        // Nobody would hear the answer to a request without an id: it is not read.
        let (Some(id), Some(form)) = (id, self.form_of(session)) else { return Ok(()) };
        self.expire_room(room, now);
        let past = self.past(room, after, limit.unwrap_or(u64::MAX), Some(session));
        self.steps.spend(past.looked_at);
        let shown: Vec<EventOut<'_>> = past.entries.iter().map(|entry| shown(entry)).collect();
        let mut bytes = Vec::with_capacity(256);
        envelope::history(&mut bytes, form, id, &shown, past.complete, past.more, past.gap);
        self.tell_reply(session, Some(id), |out, _| out.extend_from_slice(&bytes));
        Ok(())
    }

    /// The oldest entries after a position (none: of all that is held), bounded by count and bytes.
    pub(super) fn past(
        &self,
        room: RoomId,
        after: Option<&str>,
        limit: u64,
        hears: Option<SessionId>,
    ) -> Past {
        let mut past = Past { entries: Vec::new(), looked_at: 0, more: false, complete: true, gap: None };
        let Some(place) = self.room(room) else { return past };
        let known = self.log.since(after).after();
        let from = known.unwrap_or(0);
        let most = size(limit.min(self.config.limits.history_entries));
        let mut left = size(self.config.limits.history_bytes);
        for entry in place.ring.after(from) {
            past.looked_at = past.looked_at.saturating_add(of_bytes(entry.data.len()));
            let cost = shown_cost(entry);
            if past.entries.len() >= most || (cost > left && !past.entries.is_empty()) {
                past.more = true;
                break;
            }
            left = left.saturating_sub(cost);
            if hears.is_none_or(|session| entry.heard_by(session)) {
                past.entries.push(Arc::clone(entry));
            }
        }
        if known.is_none() {
            let to = past.entries.first().map_or(self.log.head(), |entry| entry.before());
            past.gap = Some((0, to, Reason::Epoch.word()));
        } else if !place.ring.complete_since(from) {
            past.gap =
                Some((from.saturating_add(1), place.ring.forgotten(), place.ring.forgotten_why().word()));
        }
        past.complete = past.gap.is_none();
        past
    }
}

/// What an entry takes of the bytes of a history: its payload, and what is written around it.
pub(super) fn shown_cost(entry: &Entry) -> usize {
    const AROUND: usize = 200;
    entry.data.len().saturating_add(AROUND)
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
