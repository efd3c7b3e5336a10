//! What happens because time passes.
//!
//! Deadlines stand in a heap and are looked at when they come; a connection that was heard from
//! meanwhile is simply given its next one. So a message costs no timer work at all, and a silent
//! connection one look a ping.
//!
//! Invariant: each connection has an entry at its `deadline`, or will be dropped; an entry that is
//! not a connection's `deadline` any more is stale and ignored.

use super::Engine;
use super::conn::Phase;
use super::encoding::Carrier;
use crate::codes::close;
use crate::envelope::write as envelope;
use crate::frame::websocket::opcode;
use crate::ids::{ConnId, Now, RoomId, SessionId, Tick};
use crate::outbox::Lane;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Conn(u64),
    Session(u64),
    Presence(u64),
    Blocked(u64),
    Sweep,
    Grace,
}

/// How often old entries and keys are let go of where nothing happens (ms).
const SWEEP_MS: u64 = 10_000;
/// Keys looked at in one sweep.
const SWEEP_KEYS: usize = 4096;

/// All deadlines.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Tick, Due)>>,
    sweeping: bool,
}

impl Timers {
    fn add(&mut self, at: Tick, due: Due) {
        self.heap.push(Reverse((at, due)));
    }
    pub fn conn(&mut self, at: Tick, id: ConnId) {
        self.add(at, Due::Conn(id.0));
    }
    pub fn session(&mut self, at: Tick, id: SessionId) {
        self.add(at, Due::Session(id.0));
    }
    pub fn presence(&mut self, at: Tick, id: RoomId) {
        self.add(at, Due::Presence(id.0));
    }
    pub fn blocked(&mut self, at: Tick, id: RoomId) {
        self.add(at, Due::Blocked(id.0));
    }
    pub fn grace(&mut self, at: Tick) {
        self.add(at, Due::Grace);
    }
    pub fn len(&self) -> usize {
        self.heap.len()
    }
    /// Whether so many are stale that it is time to let go of them: what is live has some four each.
    fn crowded(&self, live: usize) -> bool {
        self.heap.len() > 8 * live + 64
    }
}

impl Engine {
    /// When `advance` wants to be called next, should nothing happen before.
    #[must_use]
    pub fn deadline(&self) -> Option<Tick> {
        let due = self.timers.heap.peek().map(|Reverse((at, _))| *at);
        [due, self.steps.due()].into_iter().flatten().min()
    }

    /// Time has passed.
    pub fn advance(&mut self, now: Now) {
        self.plan_sweep(now);
        let until = self.steps.after_a_turn(self.config.limits.turn_steps);
        while let Some(Reverse((at, due))) = self.timers.heap.peek().copied()
            && at <= now.tick
            && self.steps.done() < until
        {
            self.timers.heap.pop();
            self.steps.spend(1);
            match due {
                Due::Conn(id) => self.conn_due(ConnId(id), at, now),
                Due::Session(id) => self.session_due(SessionId(id), now),
                Due::Presence(id) => self.flush_presence(RoomId(id)),
                Due::Blocked(id) => self.block_timeout(RoomId(id), at, now),
                Due::Sweep => self.sweep(now),
                Due::Grace => self.shut_down(0, now),
            }
        }
        self.serve_waiting(now);
    }

    fn plan_sweep(&mut self, now: Now) {
        if !self.timers.sweeping && (self.log.wants_sweep() || self.keys.bytes() > 0) {
            self.timers.sweeping = true;
            self.timers.add(now.tick.plus_ms(SWEEP_MS), Due::Sweep);
        }
    }

    /// Let go of stale deadlines once they are the most: a peer that comes and goes, or is full and empty again, as fast
    /// as it can leaves one each time, and they would be kept for the resume window. Amortised O(1) a deadline.
    pub(super) fn drop_stale_timers(&mut self) {
        if !self.timers.crowded(self.conns.len() + self.sessions.len() + self.rooms.len()) {
            return;
        }
        let mut heap = std::mem::take(&mut self.timers.heap);
        heap.retain(|Reverse((at, due))| self.is_awaited(*at, *due));
        self.timers.heap = heap;
    }

    /// Whether a deadline means anything still.
    fn is_awaited(&self, at: Tick, due: Due) -> bool {
        match due {
            Due::Conn(id) => self.conn(ConnId(id)).is_some_and(|conn| {
                let patience = conn.full_since.map(|since| since.plus_ms(self.config.limits.ping_ms));
                conn.deadline == at || patience == Some(at)
            }),
            Due::Session(id) => self.session(SessionId(id)).is_some_and(|held| {
                held.expires_at == Some(at)
                    || (held.conn.is_none() && held.until == at)
                    || held.streams().is_some_and(|streams| streams.held_until == Some(at))
            }),
            Due::Presence(id) => self.room(RoomId(id)).is_some_and(|room| room.presence_timed),
            Due::Blocked(id) => self
                .room(RoomId(id))
                .and_then(|room| room.blocked.as_ref())
                .is_some_and(|held| held.due == at),
            Due::Sweep | Due::Grace => true,
        }
    }

    fn sweep(&mut self, now: Now) {
        self.timers.sweeping = false;
        self.log.sweeping();
        self.expire_rings(now);
        self.keys.expire(now.tick, SWEEP_KEYS, &mut self.shares);
        // Where nobody is left no other deadline would come, and what is held would stay for ever.
        self.plan_sweep(now);
    }

    /// Look at a connection when it is next due.
    pub(super) fn time_conn(&mut self, id: ConnId, now: Now) {
        let ping = self.config.limits.ping_ms;
        let Some(conn) = self.conn_mut(id) else { return };
        let at = now.tick.plus_ms(ping);
        conn.deadline = at;
        self.timers.conn(at, id);
    }

    /// Look at a session's token when it is next due.
    pub(super) fn time_expiry(&mut self, id: SessionId, now: Now) {
        let early = self.config.limits.expiring_ms;
        let Some(held) = self.session(id) else { return };
        let Some(expires) = held.expires else { return };
        let before = Tick::default().plus_ms(if held.told_expiring { 0 } else { early });
        let at = Tick(expires.at.0.saturating_sub(before.0)).max(now.tick);
        if let Some(held) = self.session_mut(id) {
            held.expires_at = Some(at);
        }
        self.timers.session(at, id);
        self.drop_stale_timers();
    }

    fn conn_due(&mut self, id: ConnId, at: Tick, now: Now) {
        let Some(conn) = self.conn(id) else { return };
        if conn.full_since.is_some() && conn.paused {
            self.wake_input(id, now); // its patience may be over
        }
        let Some(conn) = self.conn(id) else { return };
        if conn.deadline != at {
            return;
        }
        match conn.phase {
            Phase::Head => self.head_timeout(id, now),
            Phase::Hello if conn.queued => self.time_conn(id, now), // it waits for us
            Phase::Hello => {
                let limit = self.config.limits.hello_ms;
                let reason = format!("no hello came within {limit} ms");
                self.close_conn(id, close::SILENT, &reason, None, now);
            }
            Phase::Closing => self.closing_due(id, now),
            Phase::Body => self.body_timeout(id, now),
            Phase::Answering => self.answer_send(id, now),
            Phase::Parked => self.end_poll(id, now),
            Phase::Checking(_) if conn.request.is_some() => self.time_conn(id, now),
            Phase::Checking(_) | Phase::Open | Phase::Raw => self.look_for_life(id, now),
        }
    }

    /// Silence for `ping` is asked after; silence for `silence` more is death. A connection that takes
    /// nothing of what it is owed for `silence` is too slow.
    fn look_for_life(&mut self, id: ConnId, now: Now) {
        let (ping, silence) = (self.config.limits.ping_ms, self.config.limits.silence_ms);
        let pending = !self.outboxes[id.index()].is_empty();
        let Some(conn) = self.conn_mut(id) else { return };
        if pending && now.tick.ms_since(conn.progress) >= silence {
            let reason = format!("nothing of what waits for this connection was read for {silence} ms");
            self.close_conn(id, close::TOO_SLOW, &reason, None, now);
            return;
        }
        if !pending {
            conn.progress = now.tick;
        }
        if conn.carrier != Carrier::Frames {
            // Nothing is ever heard on a stream; what is written shows whether somebody is there.
            let next = now.tick.plus_ms(self.beat_ms(id));
            self.beat(id, now);
            if let Some(conn) = self.conn_mut(id) {
                conn.deadline = next;
            }
            self.timers.conn(next, id);
            return;
        }
        if conn.paused {
            // We do not read, so nothing can be heard: the clock stands.
            conn.heard = now.tick;
        }
        let quiet = now.tick.ms_since(conn.heard);
        let asked = conn.pinged.filter(|sent| *sent >= conn.heard);
        let next = if let Some(sent) = asked {
            if now.tick.ms_since(sent) >= silence {
                let reason = format!("nothing was heard for {} ms", ping + silence);
                self.close_conn(id, close::SILENT, &reason, None, now);
                return;
            }
            sent.plus_ms(silence).min(now.tick.plus_ms(ping))
        } else if quiet >= ping {
            conn.pinged = Some(now.tick);
            self.stats.pings += 1;
            self.tell_frame(id, Lane::Control, opcode::PING, b"");
            // Not only when `silence` is over: who answered is asked again a `ping` later, or a proxy cuts the line.
            now.tick.plus_ms(silence.min(ping))
        } else {
            conn.heard.plus_ms(ping)
        };
        let Some(conn) = self.conn_mut(id) else { return };
        // A pending write is looked at more often than a silent peer.
        let next = if pending { next.min(conn.progress.plus_ms(silence)) } else { next };
        conn.deadline = next.max(now.tick.plus_ms(1));
        let at = conn.deadline;
        self.timers.conn(at, id);
    }

    fn session_due(&mut self, id: SessionId, now: Now) {
        self.drop_held_streams(id, now);
        let Some(held) = self.session(id) else { return };
        if held.conn.is_none() && held.until <= now.tick {
            if held.link.as_ref().is_some_and(|link| link.here) {
                self.go_away(id, now); // neither poll nor stream came for as long as silence may last
                return;
            }
            self.end_session(id, "it did not come back within the resume window", close::SILENT, now);
            return;
        }
        let Some(expires) = held.expires else { return };
        if self.is_over(id, now) {
            return;
        }
        let Some(held) = self.session(id) else { return };
        if !held.told_expiring && now.tick.plus_ms(self.config.limits.expiring_ms) >= expires.at {
            if let Some(held) = self.session_mut(id) {
                held.told_expiring = true;
            }
            self.tell_session(id, |out, form| envelope::expiring(out, form, expires.date));
        }
        self.time_expiry(id, now);
    }
}
