//! Feeding a listener that lags, or that came back: from its cursor, in number order over all its
//! rooms, until it is live again.
//!
//! Parts: Conns, Durable, Log, Next, Out, Rooms, Sessions, Steps.
//!
//! Replay and live delivery cannot interleave wrongly, because there is no switch from one to the
//! other: a listener is either live, and everything up to the head was handed to its outbox, or it
//! has a cursor, and everything up to there was handed over or reported as a gap.

use super::durable::Want;
use super::fanout::write_entry;
use super::next::Follow;
use super::steps::{BYTES, ROOMS};
use super::{Engine, encoding};
use crate::codes::close;
use crate::conn::Conn;
use crate::durable::reach::Reach;
use crate::durable::wall::Wall;
use crate::envelope::write as envelope;
use crate::ids::{ConnId, Now, RoomId, Seq, SessionId};
use crate::log::cursor::merge;
use crate::log::entry::{Entry, Where};
use crate::log::ring::{Reason, Ring};
use crate::outbox::{Lane, Meta};
use crate::room::grants::Grants;
use crate::room::settings::Policy;
use crate::session::Joined;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A gap that a listener must be told: the room (none: what is said to it alone), and the range.
struct Missing {
    room: Option<(RoomId, Arc<str>)>,
    from: Seq,
    to: Seq,
    why: &'static str,
}

/// What a listener misses, and up to where it may be fed.
struct Missed {
    gaps: Vec<Missing>,
    /// What must be read from disk first.
    wants: Vec<Want>,
    /// Up to here it has all that it needs; then it is looked at anew.
    until: Seq,
}

/// What the rings and the disk say about a listener's cursor.
enum Found {
    Gaps(Missed),
    /// A room whose policy is `disconnect` has let go of what it still needed.
    Disconnect(Arc<str>),
}

/// How far a listener was fed.
enum Fed {
    /// Nothing is left, or what is waits for the disk.
    All,
    /// As far as was looked at: it is fed on.
    Until,
    /// Its outbox is full, or it stands before the wall.
    Some,
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
        let returning = returning | self.durable.pages.take_deferred(session_id);
        if self.waits_for_filling(session_id) || self.durable.pages.is_waiting(session_id) {
            return self.feed_later(session_id, returning); // when they are filled, and it has its pages
        }
        let before = self.out.data_bytes(conn);
        let until = match self.missing(session_id, returning) {
            Found::Gaps(missed) => {
                for gap in missed.gaps {
                    self.tell_gap(conn, &gap);
                }
                if !missed.wants.is_empty() {
                    self.want_pages(session_id, missed.wants);
                    return self.feed_later(session_id, returning);
                }
                missed.until
            }
            Found::Disconnect(room) => {
                let reason = format!("this reader fell behind what room {room:?} keeps");
                self.close_conn(conn, close::TOO_SLOW, &reason, None, now);
                return;
            }
        };
        // Gaps take nothing of the room that entries have: with a gap at each feed a large entry would never leave.
        let gaps = self.out.data_bytes(conn).saturating_sub(before);
        match self.feed_entries(conn, session_id, gaps, until) {
            Fed::All => {
                self.durable.pages.forget(session_id);
                self.be_live(conn, session_id);
                self.say_live(session_id);
            }
            Fed::Until => {
                self.feed_later(session_id, returning);
                self.next.add(Follow::Feed(session_id));
            }
            Fed::Some => {}
        }
        self.unblock_rooms_of(session_id);
    }

    /// The feed goes on when the disk has answered, as that of one who came back if it is that.
    fn feed_later(&mut self, session: SessionId, returning: bool) {
        if returning {
            self.durable.pages.defer(session);
        }
    }

    /// It went on: publishers that waited for it may publish again.
    fn unblock_rooms_of(&mut self, session_id: SessionId) {
        let blocked: Vec<RoomId> = self.session(session_id).map_or_else(Vec::new, |session| {
            let blocked = |room: &RoomId| self.room(*room).is_some_and(|room| room.blocked().is_some());
            session.rooms().iter().map(Joined::room).filter(blocked).collect()
        });
        for room_id in blocked {
            self.may_unblock(room_id);
        }
    }

    /// What the rings have let go of that this listener still needs.
    fn missing(&mut self, session_id: SessionId, returning: bool) -> Found {
        let mut missed = Missed { gaps: Vec::new(), wants: Vec::new(), until: Seq::MAX };
        let Missed { gaps, wants, until } = &mut missed;
        let Self { sessions, rooms, out, steps, durable, .. } = self;
        let Some(session) = sessions.get_mut(session_id) else {
            return Found::Gaps(missed);
        };
        steps.spend(1 + session.rooms().len() / ROOMS);
        let cursor = session.cursor();
        let left = session.conn().map_or(0, |conn| out.bound().saturating_sub(out.data_bytes(conn)));
        if let Some(rare) = session.rare_mut()
            && let Some((from, to, why)) = rare.own.take_gap(cursor)
        {
            gaps.push(Missing { room: None, from, to, why: why.word() });
        }
        for joined in session.rooms_mut() {
            let Some(room) = rooms.get_mut(joined.room()) else { continue };
            let policy = room.settings().policy;
            let in_log = room.is_durable() && (returning || policy != Policy::Latest);
            let Some((member, ring, name)) = room.feeding(session_id) else { continue };
            let at = cursor.max(member.began).max(member.floor);
            // In a durable room the log is the ring. (Who lags where the newest counts wants what is new.)
            if in_log {
                let mut at = at;
                loop {
                    let (reach, upto) = durable.reach(session_id, joined.room(), ring, at);
                    let name = Arc::clone(name);
                    match reach {
                        Reach::Gone(..) if policy == Policy::Disconnect && !returning => {
                            return Found::Disconnect(name);
                        }
                        Reach::Gone(to, why) => {
                            let (room, from, why) = (Some((joined.room(), name)), at + 1, why.word());
                            gaps.push(Missing { room, from, to, why });
                            (at, member.floor) = (to, to);
                        }
                        Reach::Disk(after, upto) => {
                            wants.push(Want { room: joined.room(), name, after, upto });
                            break;
                        }
                        Reach::Ring | Reach::Page => {
                            *until = upto.min(*until);
                            break;
                        }
                    }
                }
                continue;
            }
            let complete = ring.complete_since(at);
            let latest = policy == Policy::Latest;
            // A session that lags in a room of this policy wants what is new, also where the ring still holds what is old:
            // unless all of it leaves at once. (One that comes back has said where it was, and hears what the ring holds.)
            let lags = latest && !returning && !fits(ring, at, left);
            if complete && !lags {
                continue;
            }
            let (mut after, mut why) = (at, ring.forgotten_why().word());
            let mut to = ring.forgotten();
            match policy {
                Policy::Disconnect if !returning => return Found::Disconnect(Arc::clone(name)),
                Policy::Latest => {
                    steps.spend(ring.len());
                    // Only the newest of each slot is told of what is left: the others are in the gap.
                    let newest: BTreeSet<Seq> =
                        ring.newest_per_slot(at).iter().map(|entry| entry.seq).collect();
                    let passed = ring.after(at).rev().find(|entry| !newest.contains(&entry.seq));
                    let passed = passed.map_or(0, |entry| entry.seq);
                    if complete {
                        // Passed over, and not told yet: a gap that came again with each feed would leave no room for
                        // what is new.
                        after = at.max(joined.latest_until());
                        if passed <= after {
                            continue;
                        }
                        why = Reason::Ring.word();
                    }
                    to = to.max(passed);
                    joined.pass_older(to);
                    member.floor = ring.forgotten();
                }
                _ => member.floor = to,
            }
            gaps.push(Missing { room: Some((joined.room(), Arc::clone(name))), from: after + 1, to, why });
        }
        Found::Gaps(missed)
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

    /// Entries from the cursor on and up to `until`, as many as the outbox takes beside so many bytes of gaps.
    fn feed_entries(&mut self, conn: ConnId, session_id: SessionId, gaps: usize, until: Seq) -> Fed {
        let may_hear = self.may_hear_upto(session_id);
        let upto = may_hear.min(until);
        let Self { sessions, rooms, out, conns, stats, log, steps, durable, .. } = self;
        let Some(encoding) = conns.get(conn).map(Conn::encoding) else {
            return Fed::Some;
        };
        let Some(session) = sessions.get(session_id) else { return Fed::Some };
        let from = session.cursor();
        let mut cursor = from;
        let Some(feeding) = out.feeding(conn) else { return Fed::Some };
        let mut feeding = feeding.beside(gaps);
        let mut newest: BTreeMap<RoomId, (Seq, BTreeSet<Seq>)> = BTreeMap::new();
        for joined in session.rooms().iter().filter(|joined| joined.latest_until() > cursor) {
            if let Some(room) = rooms.get(joined.room()) {
                steps.spend(room.ring().len());
                let seqs = room.ring().newest_per_slot(cursor).iter().map(|entry| entry.seq).collect();
                newest.insert(joined.room(), (joined.latest_until(), seqs));
            }
        }
        let own = session.rare().and_then(|rare| rare.own.after(from));
        let sources = session
            .rooms()
            .iter()
            .filter_map(|joined| {
                let room = rooms.get(joined.room())?;
                let member = room.member(session_id)?;
                let at = from.max(member.began).max(member.floor);
                let leaf = room.is_durable().then(|| durable.pages.of(session_id, joined.room())).flatten();
                Some(match leaf.filter(|leaf| leaf.covers(at)) {
                    Some(leaf) => leaf.after(at),
                    None => room.ring().after(at),
                })
            })
            .chain(own);
        steps.spend(1 + session.rooms().len() / ROOMS);
        let through = merge(sources, upto, |entry| {
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
            let compress = match &entry.room {
                Where::Room(room_id, _) => rooms.get(*room_id).is_none_or(|room| room.settings().compress),
                Where::Session(_) => true,
            };
            let encoding = if compress { encoding } else { encoding::uncompressed(encoding) };
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
        self.book_copies();
        match through {
            true if until < may_hear => Fed::Until,
            true if self.only_waits(session_id, upto) => Fed::All,
            _ => Fed::Some,
        }
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
                    room.settings().presence && (mark == u64::MAX || room.presence().told() > mark)
                })
            };
            let all = session.rooms().iter().map(|joined| (joined.room(), joined.mark()));
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
