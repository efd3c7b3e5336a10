//! Out again: what is due on which connection, and what becomes of it once it has left.
//!
//! Parts: Conns, Durable, Out, Sessions, Steps.

use super::steps::of_bytes;
use super::{AppEvent, Engine, Op, size};
use crate::conn::{Conn, Phase};
use crate::ids::{ConnId, Now};
use crate::limits::fixed::FLUSH_STEPS;
use crate::session::Rare;
use crate::store::Ask;

impl Engine {
    /// Connections with output, each once. What is an answer over plain HTTP is put together here, where all that
    /// this turn has for it is known. A bounded part (`FLUSH_STEPS`): while `has_dirty`, there is more.
    pub fn take_dirty(&mut self, into: &mut Vec<ConnId>, now: Now) {
        self.meter.fanned_out();
        if !self.trails.is_empty() {
            self.trails.fanned_out(self.meter.moment());
        }
        let end = self.steps.done().saturating_add(FLUSH_STEPS);
        while self.steps.done() < end
            && let Some((id, waits)) = self.out.next_listed()
        {
            if waits.gathers {
                self.steps.spend(of_bytes(waits.data));
                if self.complete(id, now) {
                    continue; // the answer put it on the list again
                }
                if !self.out.is_empty(id) {
                    into.push(id);
                }
            } else if !waits.empty {
                into.push(id);
            }
        }
        self.follow_up(now);
    }

    /// Whether something is to be written or done.
    #[must_use]
    pub fn has_dirty(&self) -> bool {
        self.out.has_listed()
            || !self.ops.is_empty()
            || self.durable.groups.is_ready()
            || self.durable.reads.is_ready()
    }

    /// What the hands must do. Whatever waits for the disk leaves here, so that a turn makes one group of it.
    pub fn take_ops(&mut self, into: &mut Vec<Op>) {
        self.reserve_more();
        if let Some(group) = self.durable.groups.leave() {
            self.ops.push(Op::Store(Ask::Write(group)));
        }
        while let Some(read) = self.durable.reads.leave() {
            self.ops.push(Op::Store(Ask::Read(read)));
        }
        into.append(&mut self.ops);
    }

    /// The output of a connection, in order, at most `max` pieces. It stays until it is `written`.
    pub fn gather<'a>(&'a self, id: ConnId, into: &mut Vec<&'a [u8]>, max: usize) {
        self.out.gather(id, into, max);
    }

    /// The kernel took `n` bytes. True: a session that lagged was fed, so there is more to write now.
    pub fn written(&mut self, id: ConnId, n: usize, now: Now) -> bool {
        self.entry(now, |engine| engine.took(id, n, now))
    }

    fn took(&mut self, id: ConnId, n: usize, now: Now) -> bool {
        let Some(conn) = self.conns.get_mut(id) else { return false };
        let waiting = self.out.left(id, n);
        conn.go_on(now.tick);
        let (since, transport, session) = (conn.due_since(), conn.transport(), conn.session());
        if waiting.empty {
            conn.set_due_since(0);
            self.meter.written(transport, since, session);
        } else if since == 0 {
            conn.set_due_since(self.meter.moment());
        }
        self.stats.bytes_out += n as u64;
        let data = waiting.data;
        let doubted = conn.is_doubted();
        let low = size(self.config.limits.session_low);
        if data <= low && conn.drained() {
            self.events.list.push(AppEvent::RawDrained { conn: id });
        }
        let (paused, session_id) = (conn.is_paused(), conn.session());
        let mut fed = false;
        if let Some(session_id) = session_id
            && conn.phase() == Phase::Open
            && let Some(session) = self.sessions.get(session_id)
        {
            let (lagging, waits) =
                (self.sessions.lags(session_id), session.rare().is_some_and(Rare::wants_drained));
            if data * 2 <= self.out.bound() && (lagging || session.streams().is_some()) {
                self.feed_on(session_id, now);
                self.feed_streams(session_id);
                fed = self.out.data_bytes(id) > data;
            }
            if waits && self.unsent(session_id) <= low {
                if let Some(session) = self.session_mut(session_id) {
                    session.make_rare().want_drained(false);
                }
                self.events.list.push(AppEvent::Drained { session: session_id });
            }
        }
        if doubted {
            self.trust(id);
        }
        if waiting.gathers && self.out.is_empty(id) {
            self.out.enlist(id); // perhaps this was all
        }
        if !paused {
            return fed;
        }
        // While a head is waited for: the answer has left, and the next request may be read.
        let may_read = match self.conn(id).map(Conn::phase) {
            Some(Phase::Head) => self.out.is_empty(id),
            _ => (waiting.control as u64) * 2 <= self.config.limits.unsent_replies,
        };
        if may_read {
            self.wake_input(id, now);
        }
        fed
    }

    /// Whether a connection's output has all left.
    #[must_use]
    pub fn is_flushed(&self, id: ConnId) -> bool {
        self.out.is_empty(id)
    }
}
