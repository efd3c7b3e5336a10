//! From one entry to all who listen: encoded once for each encoding in use, referenced by each outbox.
//!
//! Parts: Durable, Log, Out, Rooms, Sessions, Steps.

use super::encoding;
use super::history::shown;
use super::steps::{MEMBERS, ROOMS};
use super::{AppEvent, Engine};
use crate::durable::wall::Wall;
use crate::ids::{RoomId, SessionId};
use crate::log::book::{Held, Log};
use crate::log::entry::{Entry, Where};
use crate::outbox::{Meta, Packing, Part};
use crate::room::members::Member;
use crate::room::settings::Policy;
use crate::room::table::Room;
use crate::stats::Encoded;
use std::sync::Arc;

/// Append the frame of an entry in one encoding: copied from the entry, which makes it if nobody needed it before.
/// `encoded` counts how often that was done.
pub(super) fn write_entry(
    entry: &Entry,
    encoding: u8,
    out: &mut Vec<u8>,
    packing: Packing<'_>,
    log: &mut Log,
    encoded: &mut Encoded,
) {
    let mut made = 0;
    let bytes = entry.encoded(encoding as usize, |entry| {
        encoded[encoding as usize] += 1;
        let mut out = Vec::with_capacity(entry.data.len() + 192);
        let about = match &entry.room {
            Where::Room(room, _) => room.0 + 1,
            Where::Session(_) => 0,
        };
        let packing = Packing { about, ..packing };
        let position = (entry.seq > 0).then(|| log.position(entry.seq).to_string());
        encoding::event(&mut out, encoding, packing, &shown(entry), position.as_deref());
        made = out.len();
        out
    });
    out.extend_from_slice(bytes);
    if made > 0 && encoding::is_packed(encoding) {
        log.note_grown(entry, made);
    }
}

/// When an entry is said, of those that wait for the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// None waits.
    Now,
    /// Some do: who waits for one falls behind.
    Behind,
    /// It has waited itself, and those that wait now have higher numbers.
    Stored,
}

impl When {
    /// Whether a member hears the entry now.
    fn reaches(self, member: &Member, entry: &Entry, wall: &Wall) -> bool {
        match self {
            Self::Now => true,
            Self::Behind => !wall.holds(member.session),
            Self::Stored => member.began < entry.seq, // it may have joined while this waited
        }
    }
}

impl Engine {
    /// Say an entry to all members of a room that are live. A member that lags finds it in the ring.
    pub(super) fn fan_out(&mut self, room: RoomId, entry: &Entry, meta: Meta) {
        // Who waits for an entry with a lower number hears this one after it. What is volatile has no number.
        let walled = entry.seq > 0 && !self.durable.wall.is_empty();
        self.fan(room, entry, meta, if walled { When::Behind } else { When::Now });
    }

    /// The same for an entry that has waited for the disk and is there.
    pub(super) fn fan_out_stored(&mut self, room: RoomId, entry: &Entry) {
        let slot = u32::try_from(room.index()).expect("a slot's index");
        self.fan(room, entry, Meta::Entry { seq: entry.seq, room: slot, encoding: 0 }, When::Stored);
    }

    fn fan(&mut self, room_id: RoomId, entry: &Entry, meta: Meta, when: When) {
        let mut behind: Vec<SessionId> = Vec::new();
        // They read what they are owed: it is the disk that they wait for, and nobody fell behind.
        let mut walled: Vec<SessionId> = Vec::new();
        let mut said = 0u64;
        let class = {
            let Self { rooms, sessions, out, log, stats, steps, durable, events, .. } = self;
            let Some(room) = rooms.get(room_id) else { return };
            steps.spend(1 + room.members().len() / MEMBERS);
            // What waits in an outbox is as old as it is much: where the newest counts, a quarter must do.
            let class = room.settings().class;
            let part = if room.settings().policy == Policy::Latest { Part::Quarter } else { Part::Whole };
            let compress = room.settings().compress;
            let awaited = entry.seq > 0 && room.is_awaited();
            let mut copies = out.copies(meta, part);
            let listeners = sessions.listeners();
            for member in room.members().rows() {
                let Some(listener) = listeners.live(member.session) else { continue };
                if entry.exclude == Some(member.session) {
                    continue;
                }
                if when != When::Now && !when.reaches(member, entry, &durable.wall) {
                    if when == When::Behind {
                        walled.push(member.session);
                    }
                    continue;
                }
                let encoding =
                    if compress { listener.encoding } else { encoding::uncompressed(listener.encoding) };
                let taken = copies.offer(listener.conn as usize, encoding, |out, packing| {
                    write_entry(entry, encoding, out, packing, log, &mut stats.encoded);
                });
                if taken {
                    said += 1;
                } else if entry.seq > 0 {
                    behind.push(member.session);
                }
            }
            if awaited {
                events.list.push(AppEvent::Said { room: Arc::clone(room.name()) });
                rooms.is_said(room_id);
            }
            class
        };
        self.stats.delivered += said;
        self.meter.published(class, said);
        if !self.trails.is_empty() {
            self.mark_said(room_id, said, behind.len() as u64);
        }
        if let Some(last) = behind.last() {
            self.meter.behind(class, room_id, behind.len() as u64, *last);
        }
        for session in behind {
            self.fall_behind(session, entry.seq - 1);
        }
        for session in walled {
            self.stop_hearing(session, entry.seq - 1);
        }
        self.book_copies();
    }

    /// What entries have grown by since, as they were compressed for those who agreed on it, counts in their rings' budget.
    pub(super) fn book_copies(&mut self) {
        let mut grown = false;
        while let Some((held, seq, bytes)) = self.log.next_grown() {
            grown = true;
            let Self { rooms, sessions, log, .. } = self;
            let ring = match held {
                Held::Room(room) => rooms.get_mut(room).map(Room::ring_mut),
                Held::Session(session) => {
                    sessions.get_mut(session).and_then(|session| session.rare_mut()?.own.ring_mut())
                }
            };
            if let Some(ring) = ring {
                log.grow(ring, seq, bytes);
            }
        }
        if grown {
            self.keep_budget();
        }
    }

    /// A listener's outbox is full: from now on it keeps its cursor, and nothing else.
    pub(super) fn fall_behind(&mut self, session: SessionId, cursor: u64) {
        if self.stop_hearing(session, cursor) {
            self.stats.lagged += 1;
        }
    }

    /// A session has no connection from now on. Everything up to the head was handed to it (but what waits for the disk),
    /// unless it lagged.
    pub(super) fn let_go_of_conn(&mut self, session_id: SessionId) {
        let cursor = self.before_the_wall(session_id, self.log.head());
        if self.sessions.detach(session_id, cursor) {
            self.mark_presence(session_id);
        }
    }

    /// From now on a session keeps its cursor: everything up to there was handed over, but what waits for the disk. False: it
    /// did so already.
    pub(super) fn stop_hearing(&mut self, session_id: SessionId, cursor: u64) -> bool {
        let cursor = self.before_the_wall(session_id, cursor);
        let stopped = self.sessions.stop_hearing(session_id, cursor);
        if stopped {
            self.mark_presence(session_id);
        }
        stopped
    }

    /// Up to where it was told who is in its rooms: what it is told from when it is live again.
    fn mark_presence(&mut self, session_id: SessionId) {
        let Self { sessions, rooms, steps, .. } = self;
        let Some(session) = sessions.get_mut(session_id) else { return };
        steps.spend(1 + session.rooms().len() / ROOMS);
        for joined in session.rooms_mut() {
            if let Some(room) = rooms.get(joined.room()) {
                // A snapshot within the window that is open may know more than the last window told.
                joined.mark_past(room.presence().told());
            }
        }
    }
}
