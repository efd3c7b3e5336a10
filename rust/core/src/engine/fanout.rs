//! From one entry to all who listen: encoded once for each encoding in use, referenced by each outbox.

use super::encoding;
use super::history::shown;
use super::steps::{MEMBERS, ROOMS};
use super::{Engine, size};
use crate::frame::deflate::Deflater;
use crate::ids::{ConnId, RoomId, SessionId};
use crate::log::entry::{ENCODINGS, Entry};
use crate::log::position::Position;
use crate::outbox::{Arena, Meta, Segment};
use crate::room::settings::Policy;

/// What it takes to write an entry in an encoding that nobody needed before.
pub(super) struct Writing<'a> {
    pub deflater: &'a mut Deflater,
    /// The smallest message that is compressed.
    pub compress_from: usize,
    pub epoch: &'a str,
    /// How often that was done.
    pub encoded: &'a mut crate::stats::Counter,
}

/// The frame of an entry in one encoding, in the arena: found if it is there, else copied from the
/// entry, which makes it if nobody needed it before.
pub(super) fn entry_frame(
    entry: &Entry,
    encoding: u8,
    meta: Meta,
    arena: &mut Arena,
    writing: Writing<'_>,
) -> Segment {
    if entry.seq > 0
        && let Some(found) = arena.find(entry.seq, encoding)
    {
        return found;
    }
    let bytes = entry.encoded(encoding as usize, |entry| {
        let Writing { deflater, compress_from, epoch, encoded } = writing;
        *encoded += 1;
        let (_, deflate) = encoding::parts(encoding);
        let mut out = Vec::with_capacity(entry.data.len() + 192);
        let deflater = deflate.then_some((deflater, compress_from));
        let position = (entry.seq > 0).then(|| Position { epoch, seq: entry.seq }.to_string());
        encoding::event(&mut out, encoding, deflater, &shown(entry), position.as_deref());
        out
    });
    let meta = match meta {
        Meta::Entry { seq, room, .. } => Meta::Entry { seq, room, encoding },
        other => other,
    };
    arena.frame(meta, |out| out.extend_from_slice(bytes))
}

impl Engine {
    /// Say an entry to all members of a room who are live. Who lags finds it in the ring.
    pub(super) fn fan_out(&mut self, room: RoomId, entry: &Entry, meta: Meta) {
        let bound = size(self.config.limits.outbox);
        let compress_from = size(self.config.limits.compress_from);
        let mut frames: [Option<Segment>; ENCODINGS] = [None; ENCODINGS];
        let mut behind: Vec<SessionId> = Vec::new();
        let mut said = 0u64;
        {
            let Self { rooms, listeners, outboxes, arena, deflater, dirty, conns, log, stats, steps, .. } =
                self;
            let Some(place) = rooms.get(room.index(), room.generation()) else { return };
            steps.spend(1 + place.members.len() / MEMBERS);
            // What waits in an outbox is as old as it is much: where the newest counts, a quarter must do.
            let bound = if place.settings.policy == Policy::Latest { bound / 4 } else { bound };
            for member in place.members.rows() {
                let listener = &listeners[member.session.index()];
                if !listener.live || entry.exclude == Some(member.session) {
                    continue;
                }
                let (encoding, slot) = (listener.encoding, listener.conn as usize);
                let frame = *frames[encoding as usize].get_or_insert_with(|| {
                    let encoded = &mut stats.encoded;
                    let writing = Writing { deflater, compress_from, epoch: log.epoch(), encoded };
                    let frame = entry_frame(entry, encoding, meta, arena, writing);
                    arena.hold(frame); // until everybody has it
                    frame
                });
                let outbox = &mut outboxes[slot];
                if !outbox.offer(frame, bound, arena) {
                    if entry.seq > 0 {
                        behind.push(member.session);
                    }
                    continue;
                }
                said += 1;
                if !outbox.dirty {
                    outbox.dirty = true;
                    if let Some(generation) = conns.generation(slot) {
                        dirty.push(ConnId::new(listener.conn, generation));
                    }
                }
            }
            for frame in frames.into_iter().flatten() {
                arena.release(frame);
            }
        }
        self.stats.delivered += said;
        for session in behind {
            self.fall_behind(session, entry.seq - 1);
        }
    }

    /// A listener's outbox is full: from now on it keeps its cursor, and nothing else.
    pub(super) fn fall_behind(&mut self, session: SessionId, cursor: u64) {
        if self.stop_hearing(session, cursor) {
            self.stats.lagged += 1;
        }
    }

    /// A session has no connection from now on. Everything up to the head was handed to it, unless it lagged.
    pub(super) fn let_go_of_conn(&mut self, session: SessionId) {
        let head = self.log.head();
        if let Some(held) = self.session_mut(session) {
            held.conn = None;
        }
        self.stop_hearing(session, head);
    }

    /// From now on a session keeps its cursor: everything up to there was handed over. False: it did so already.
    pub(super) fn stop_hearing(&mut self, session: SessionId, cursor: u64) -> bool {
        let Self { sessions, rooms, listeners, steps, .. } = self;
        let Some(held) = sessions.get_mut(session.index(), session.generation()) else { return false };
        if held.lagging {
            return false;
        }
        held.lagging = true;
        held.cursor = cursor;
        steps.spend(1 + held.rooms.len() / ROOMS);
        listeners[session.index()].live = false;
        for joined in &mut held.rooms {
            if let Some(place) = rooms.get(joined.room.index(), joined.room.generation()) {
                // A snapshot within the window that is open may know more than the last window told.
                joined.mark = joined.mark.max(place.presence.told());
            }
        }
        true
    }
}
