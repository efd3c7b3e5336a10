//! Rings of durable rooms are filled from disk when somebody needs the room; who needs its past waits for that alone.
//!
//! Parts: Durable, Log, Next, Rooms, Sessions, Steps.

use crate::durable::promise::Fate;
use crate::durable::reads::For;
use crate::durable::shelves::Shelf;
use crate::engine::Engine;
use crate::engine::next::Follow;
use crate::ids::{Now, RoomId, Seq, SessionId, Tick};
use crate::log::entry::{Author, Entry, Where};
use crate::store::{self, Page, Wanted};
use std::sync::Arc;

impl Engine {
    /// A room is made of which the disk has entries: its ring is filled.
    pub(in crate::engine) fn fill_room(&mut self, room_id: RoomId, shelf: Shelf) {
        let Some(room) = self.room(room_id).filter(|_| shelf.last > shelf.freed) else { return };
        let bounds = room.settings().bounds;
        let (room, upto) = (Arc::clone(room.name()), shelf.last);
        self.durable.shelves.fill(room_id);
        let wanted = Wanted::Last { room, upto, count: bounds.count, bytes: bounds.bytes };
        self.durable.reads.ask(For::Ring(room_id), wanted);
    }

    /// Whether a room that this session hears is being filled: it waits for that, since it has one cursor.
    pub(in crate::engine) fn waits_for_filling(&self, session: SessionId) -> bool {
        self.durable.shelves.filling() > 0
            && self.session(session).is_some_and(|session| {
                session.rooms().iter().any(|joined| self.durable.shelves.is_filling(joined.room()))
            })
    }

    /// What a ring is filled with is here; none: it cannot be had, and is read page by page where it is needed.
    pub(super) fn ring_is(&mut self, room_id: RoomId, page: Option<Page>, now: Now) {
        let Some(waiting) = self.durable.shelves.filled(room_id) else { return };
        if let Some(Page::Entries { entries, complete, freed: gone }) = page {
            let shelf = self.durable.shelves.of(room_id);
            let first = entries.first().map_or(0, |entry| entry.seq.saturating_sub(1));
            let freed = if complete { shelf.freed.max(gone) } else { first.max(gone) };
            if let Some(name) = self.room(room_id).map(|room| Arc::clone(room.name()))
                && complete
            {
                self.durable.shelves.freed(&name, Some(room_id), gone);
            }
            let entries = entries.into_iter().map(|entry| self.recall(room_id, entry, now)).collect();
            if let Some(room) = self.rooms.get_mut(room_id) {
                let (ring, bounds) = room.filling();
                self.log.fill(ring, entries, (freed, shelf.last.max(shelf.freed)), bounds);
            }
            self.keep_budget();
        }
        for ticket in waiting {
            self.join_is(ticket, &Fate::Written, now);
        }
        let listeners: Vec<SessionId> = self.room(room_id).map_or_else(Vec::new, |room| {
            room.members().rows().iter().map(|member| member.session).collect()
        });
        self.steps.spend(1 + listeners.len() / crate::engine::steps::MEMBERS);
        for session in listeners {
            if self.sessions.lags(session) {
                self.next.add(Follow::Feed(session));
            }
        }
        self.free_if_idle(room_id);
    }

    /// The disk has let go of what a room held up to this number, by the room's limits.
    pub(super) fn disk_freed(&mut self, name: &str, upto: Seq) {
        let room = self.rooms.named(name);
        self.durable.shelves.freed(name, room, upto);
    }

    /// An entry as it was kept.
    pub(super) fn recall(&mut self, room: RoomId, kept: store::Entry, now: Now) -> Arc<Entry> {
        let age = now.wall_ms.saturating_sub(kept.time);
        let born = Tick(now.tick.0.saturating_sub(Tick::default().plus_ms(age).0));
        let said = Now { tick: born, wall_ms: kept.time };
        let place = Where::Room(room, kept.room);
        let mut entry = self.log.recall(kept.seq, place, kept.event, kept.data, kept.form, said);
        // Who is gone has no handle any more: this one finds nobody.
        let handle = |name: &str| self.sessions.named(name);
        entry.from = kept.from.map(|author| {
            let session = handle(&author.session).unwrap_or(SessionId(u64::MAX));
            Arc::new(Author { session, wire: author.session, user: author.user })
        });
        entry.exclude = kept.exclude.and_then(|name| handle(&name));
        entry.trace = kept.trace;
        entry.slot = kept.slot;
        Arc::new(entry)
    }
}
