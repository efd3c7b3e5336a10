//! Out again: what is due on which connection, and what becomes of it once it has left.

use super::conn::Phase;
use super::{AppEvent, Engine, Op, size};
use crate::ids::{ConnId, Now};

impl Engine {
    /// Connections with output, each once. What is an answer over plain HTTP is put together here, where all that
    /// this turn has for it is known.
    pub fn take_dirty(&mut self, into: &mut Vec<ConnId>, now: Now) {
        while !self.dirty.is_empty() {
            let mut dirty = std::mem::take(&mut self.dirty);
            for id in dirty.drain(..) {
                if self.conns.get(id.index(), id.generation()).is_none() {
                    continue; // whoever has its place now stands on the list by itself
                }
                let outbox = &mut self.outboxes[id.index()];
                outbox.dirty = false;
                // An answer puts it on the list again.
                if (outbox.answers && self.complete(id, now)) || self.outboxes[id.index()].is_empty() {
                    continue;
                }
                into.push(id);
            }
            if self.dirty.is_empty() {
                self.dirty = dirty; // its room is used again
                return;
            }
        }
    }

    /// There is something to do for a connection at the end of the turn, though perhaps nothing to write yet.
    pub(super) fn mark_ready(&mut self, id: ConnId) {
        let outbox = &mut self.outboxes[id.index()];
        if !outbox.dirty && self.conns.get(id.index(), id.generation()).is_some() {
            outbox.dirty = true;
            self.dirty.push(id);
        }
    }

    /// Whether something is to be written or done.
    #[must_use]
    pub fn has_dirty(&self) -> bool {
        !self.dirty.is_empty() || !self.ops.is_empty()
    }

    /// What the hands must do.
    pub fn take_ops(&mut self, into: &mut Vec<Op>) {
        into.append(&mut self.ops);
    }

    /// The output of a connection, in order, at most `max` pieces. It stays until it is `written`.
    pub fn gather<'a>(&'a self, id: ConnId, into: &mut Vec<&'a [u8]>, max: usize) {
        if self.conn(id).is_some() {
            self.outboxes[id.index()].gather(&self.arena, into, max);
        }
    }

    /// The kernel took `n` bytes. True: a session that lagged was fed, so there is more to write now.
    pub fn written(&mut self, id: ConnId, n: usize, now: Now) -> bool {
        let Some(conn) = self.conns.get_mut(id.index(), id.generation()) else { return false };
        let outbox = &mut self.outboxes[id.index()];
        outbox.consume(n, &mut self.arena);
        conn.progress = now.tick;
        self.stats.bytes_out += n as u64;
        let (data, control) = (outbox.data_bytes(), outbox.control_bytes());
        let low = size(self.config.limits.session_low);
        if conn.wants_drained && data <= low {
            conn.wants_drained = false;
            self.events.list.push(AppEvent::RawDrained { conn: id });
        }
        let (paused, session) = (conn.paused, conn.session);
        let mut fed = false;
        if let Some(session) = session
            && matches!(conn.phase, Phase::Open)
            && let Some(held) = self.sessions.get(session.index(), session.generation())
        {
            let (lagging, waits) = (held.lagging, held.rare.as_ref().is_some_and(|rare| rare.wants_drained));
            if data * 2 <= size(self.config.limits.outbox) && (lagging || held.streams().is_some()) {
                self.feed_on(session, now);
                self.feed_streams(session);
                fed = self.outboxes[id.index()].data_bytes() > data;
            }
            if waits && self.unsent(session) <= low {
                if let Some(held) = self.session_mut(session) {
                    held.rare().wants_drained = false;
                }
                self.events.list.push(AppEvent::Drained { session });
            }
        }
        if self.outboxes[id.index()].answers && self.outboxes[id.index()].is_empty() {
            self.mark_ready(id); // perhaps this was all
        }
        let waits_for_head = matches!(self.conn(id).map(|conn| &conn.phase), Some(Phase::Head));
        if paused && waits_for_head {
            if self.outboxes[id.index()].is_empty() {
                self.wake_input(id, now); // the answer has left: the next request may be read
            }
        } else if paused && (control as u64) * 2 <= self.config.limits.unsent_replies {
            self.wake_input(id, now);
        }
        fed
    }

    /// Whether a connection's output has all left.
    #[must_use]
    pub fn is_flushed(&self, id: ConnId) -> bool {
        self.conn(id).is_none() || self.outboxes[id.index()].is_empty()
    }
}
