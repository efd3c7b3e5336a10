//! Feeding a listener that lags, or that came back: from its cursor, in number order over all its
//! rooms, until it is live again.
//!
//! Parts: Conns, Durable, Log, Out, Rooms, Sessions, Steps.
//!
//! Replay and live delivery cannot interleave wrongly, because there is no switch from one to the
//! other: a listener is either live, and everything up to the head was handed to its outbox, or it
//! has a cursor, and everything up to there was handed over or reported as a gap.

use super::fanout::write_entry;
use super::steps::{BYTES, ROOMS};
use super::{Engine, encoding};
use crate::codes::close;
use crate::conn::Conn;
use crate::durable::wall::Wall;
use crate::envelope::write as envelope;
use crate::ids::{ConnId, Now, RoomId, Seq, SessionId};
use crate::log::cursor::merge;
use crate::log::entry::{Entry, Where};
use crate::log::ring::{Reason, Ring};
use crate::outbox::{Lane, Meta};
use crate::room::grants::Grants;
use crate::room::settings::Policy;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A gap that a listener must be told: the room (none: what is said to it alone), and the range.
struct Missing {
    room: Option<(RoomId, Arc<str>)>,
    from: Seq,
    to: Seq,
    why: &'static str,
}

/// What the rings say about a listener's cursor.
enum Found {
    Gaps(Vec<Missing>),
    /// A room whose policy is `disconnect` has let go of what it still needed.
    Disconnect(Arc<str>),
}

impl Engine {
    /// Feed a session that came back.
    pub(super) fn feed(&mut self, session: SessionId, now: Now) {
        self.feed_as(session, true, now);
    }

    /// Feed a session that has room again.
    pub(super) fn feed_on(&mut self, session: SessionId, now: Now) {
        self.feed_as(session, false, now);
    }

    fn feed_as(&mut self, session_id: SessionId, returning: bool, now: Now) {
        let Some(session) = self.session(session_id) else { return };
        let Some(conn) = session.conn().filter(|_| self.sessions.lags(session_id)) else {
            return self.say_live(session_id);
        };
        if self.waits_for_filling(session_id) {
            return; // it is fed when they are filled
        }
        let before = self.out.data_bytes(conn);
        match self.missing(session_id, returning) {
            Found::Gaps(gaps) => {
                for gap in gaps {
                    self.tell_gap(conn, &gap);
                }
            }
            Found::Disconnect(room) => {
                let reason = format!("this reader fell behind what room {room:?} keeps");
                self.close_conn(conn, close::TOO_SLOW, &reason, None, now);
                return;
            }
        }
        // Gaps take nothing of the room that entries have: with a gap at each feed a large entry would never leave.
        let gaps = self.out.data_bytes(conn).saturating_sub(before);
        if self.feed_entries(conn, session_id, gaps) {
            self.be_live(conn, session_id);
            self.say_live(session_id);
        }
        self.unblock_rooms_of(session_id);
    }

    /// It went on: publishers that waited for it may publish again.
    fn unblock_rooms_of(&mut self, session_id: SessionId) {
        let blocked: Vec<RoomId> = self.session(session_id).map_or_else(Vec::new, |session| {
            let blocked = |room: &RoomId| self.room(*room).is_some_and(|room| room.blocked.is_some());
            session.rooms.iter().map(|joined| joined.room).filter(blocked).collect()
        });
        for room_id in blocked {
            self.may_unblock(room_id);
        }
    }

    /// What the rings have let go of that this listener still needs.
    fn missing(&mut self, session_id: SessionId, returning: bool) -> Found {
        let mut gaps = Vec::new();
        let Self { sessions, rooms, out, steps, .. } = self;
        let Some(session) = sessions.get_mut(session_id) else {
            return Found::Gaps(gaps);
        };
        steps.spend(1 + session.rooms.len() / ROOMS);
        let cursor = session.cursor();
        let left = session.conn().map_or(0, |conn| out.bound().saturating_sub(out.data_bytes(conn)));
        if let Some(rare) = &mut session.rare
            && let Some(ring) = &rare.ring
        {
            let at = cursor.max(rare.ring_floor);
            if !ring.complete_since(at) {
                let to = ring.forgotten();
                gaps.push(Missing { room: None, from: at + 1, to, why: ring.forgotten_why().word() });
                rare.ring_floor = to;
            }
        }
        for joined in &mut session.rooms {
            let Some(room) = rooms.get_mut(joined.room) else { continue };
            let policy = room.settings().policy;
            let Some(member) = room.members.get_mut(session_id) else { continue };
            let at = cursor.max(member.began).max(member.floor);
            let complete = room.ring.complete_since(at);
            let latest = policy == Policy::Latest;
            // A session that lags in a room of this policy wants what is new, also where the ring still holds what is old:
            // unless all of it leaves at once. (One that comes back has said where it was, and hears what the ring holds.)
            let lags = latest && !returning && !fits(&room.ring, at, left);
            if complete && !lags {
                continue;
            }
            let (mut after, mut why) = (at, room.ring.forgotten_why().word());
            let mut to = room.ring.forgotten();
            match policy {
                Policy::Disconnect if !returning => return Found::Disconnect(Arc::clone(room.name())),
                Policy::Latest => {
                    steps.spend(room.ring.len());
                    // Only the newest of each slot is told of what is left: the others are in the gap.
                    let newest: BTreeSet<Seq> =
                        room.ring.newest_per_slot(at).iter().map(|entry| entry.seq).collect();
                    let passed = room.ring.after(at).rev().find(|entry| !newest.contains(&entry.seq));
                    let passed = passed.map_or(0, |entry| entry.seq);
                    if complete {
                        // Passed over, and not told yet: a gap that came again with each feed would leave no room for
                        // what is new.
                        after = at.max(joined.latest_until);
                        if passed <= after {
                            continue;
                        }
                        why = Reason::Ring.word();
                    }
                    to = to.max(passed);
                    joined.latest_until = to;
                    member.floor = room.ring.forgotten();
                }
                _ => member.floor = to,
            }
            gaps.push(Missing {
                room: Some((joined.room, Arc::clone(room.name()))),
                from: after + 1,
                to,
                why,
            });
        }
        Found::Gaps(gaps)
    }

    fn tell_gap(&mut self, conn: ConnId, gap: &Missing) {
        self.stats.gaps += 1;
        let Some(encoding) = self.conn(conn).map(Conn::encoding) else { return };
        let name = gap.room.as_ref().map(|(_, name)| &**name);
        let meta = match &gap.room {
            Some((room, _)) => Meta::Volatile { room: u32::try_from(room.index()).expect("a slot's index") },
            None => Meta::Control,
        };
        self.post(conn, Lane::Data, meta, encoding, |out, form| {
            envelope::gap(out, form, name, gap.from, gap.to, gap.why);
        });
    }

    /// Entries from the cursor on, as many as the outbox takes beside so many bytes of gaps; whether nothing is left.
    fn feed_entries(&mut self, conn: ConnId, session_id: SessionId, gaps: usize) -> bool {
        let upto = self.may_hear_upto(session_id);
        let Self { sessions, rooms, out, conns, stats, log, steps, durable, .. } = self;
        let Some(encoding) = conns.get(conn).map(Conn::encoding) else {
            return false;
        };
        let Some(session) = sessions.get(session_id) else { return false };
        let mut cursor = session.cursor();
        let Some(feeding) = out.feeding(conn) else { return false };
        let mut feeding = feeding.beside(gaps);
        let mut newest: BTreeMap<RoomId, (Seq, BTreeSet<Seq>)> = BTreeMap::new();
        for joined in session.rooms.iter().filter(|joined| joined.latest_until > cursor) {
            if let Some(room) = rooms.get(joined.room) {
                steps.spend(room.ring.len());
                let seqs = room.ring.newest_per_slot(cursor).iter().map(|entry| entry.seq).collect();
                newest.insert(joined.room, (joined.latest_until, seqs));
            }
        }
        let own: Option<(&Ring, Seq)> =
            session.rare.as_ref().and_then(|rare| Some((rare.ring.as_ref()?, rare.ring_floor)));
        let sources = session
            .rooms
            .iter()
            .filter_map(|joined| {
                let room = rooms.get(joined.room)?;
                let member = room.members.get(session_id)?;
                Some((&room.ring, member.began.max(member.floor)))
            })
            .chain(own);
        steps.spend(1 + session.rooms.len() / ROOMS);
        let through = merge(sources, cursor, upto, |entry| {
            steps.spend(1 + entry.data.len() / BYTES);
            let (room_id, passed) = match &entry.room {
                Where::Room(room_id, _) => {
                    let passed = newest
                        .get(room_id)
                        .is_some_and(|(until, seqs)| entry.seq <= *until && !seqs.contains(&entry.seq));
                    (u32::try_from(room_id.index()).expect("a slot's index"), passed)
                }
                Where::Session(_) => (u32::MAX, false),
            };
            if passed || !entry.heard_by(session_id) {
                cursor = entry.seq;
                return true;
            }
            if let Some(name) = misses(entry, &durable.wall) {
                let meta = Meta::Volatile { room: room_id };
                let (seq, why) = (entry.seq, Reason::Store.word());
                let taken = feeding.offer(meta, encoding, |out, packing| {
                    encoding::message(out, encoding, packing, |out, form| {
                        envelope::gap(out, form, Some(name), seq, seq, why);
                    });
                });
                stats.gaps += u64::from(taken);
                cursor = if taken { seq } else { cursor };
                return taken;
            }
            let meta = Meta::Entry { seq: entry.seq, room: room_id, encoding };
            let taken = feeding.offer(meta, encoding, |out, packing| {
                write_entry(entry, encoding, out, packing, log, &mut stats.encoded);
            });
            if !taken {
                return false;
            }
            stats.replayed += 1;
            cursor = entry.seq;
            true
        });
        sessions.advance(session_id, if through { upto.max(cursor) } else { cursor });
        through && self.only_waits(session_id, upto)
    }

    /// Nothing is left of the past: what is said from now on goes straight to the outbox.
    fn be_live(&mut self, conn: ConnId, session_id: SessionId) {
        let mut stale = Vec::new();
        let upto = self.may_hear_upto(session_id);
        let Self { sessions, rooms, .. } = self;
        sessions.be_live(session_id, upto);
        if let Some(session) = sessions.get(session_id) {
            // Most often there is nothing, and a poll comes by here each time.
            let behind = |room_id: RoomId, mark| {
                let room = rooms.get(room_id);
                room.is_some_and(|room| {
                    room.settings().presence && (mark == u64::MAX || room.presence.told() > mark)
                })
            };
            let all = session.rooms.iter().map(|joined| (joined.room, joined.mark));
            stale.extend(all.filter(|(room_id, mark)| behind(*room_id, *mark)));
        }
        for (room_id, mark) in stale {
            if self.grants_in(room_id, session_id).is_some_and(|grants| grants.contains(Grants::PRESENCE)) {
                self.catch_up_presence(conn, session_id, room_id, mark);
            }
        }
    }
}

/// The room of an entry of which nobody knows whether it is on disk: who listens is told that it misses it.
pub(super) fn misses<'a>(entry: &'a Entry, wall: &Wall) -> Option<&'a str> {
    match &entry.room {
        Where::Room(room, name) if wall.is_passed(*room, entry.seq) => Some(name),
        _ => None,
    }
}

/// Whether all that a ring holds above `at` fits into so many bytes of an outbox, roughly.
fn fits(ring: &Ring, at: Seq, bytes: usize) -> bool {
    let mut left = bytes;
    ring.after(at).all(|entry| match left.checked_sub(entry.written()) {
        Some(less) => {
            left = less;
            true
        }
        None => false,
    })
}
