//! The end of a connection whose request was refused while more of it may come: that is read and thrown away, within
//! bounds, so that the refusal is not lost in a reset.
//!
//! Parts: Conns, Timers.

use super::Engine;
use crate::ids::{ConnId, Now};
use crate::timers::Due;

impl Engine {
    /// Nothing more is taken or said, where a request was refused that may not be all here.
    pub(super) fn begin_parting(&mut self, id: ConnId, now: Now) {
        let limits = &self.config.limits;
        let (left, until) = (limits.parting_bytes, now.tick.plus_ms(limits.parting_ms));
        if let Some(conn) = self.conn_mut(id) {
            conn.part(left, until);
        }
        self.begin_closing(id, now);
    }

    /// So many bytes came on a connection that closes. As long as a refused request goes on, its peer has not read why.
    pub(super) fn throw_away(&mut self, id: ConnId, count: usize, now: Now) {
        let more = now.tick.plus_ms(self.config.limits.close_ms);
        // The end that was put off is looked at when the present deadline comes.
        if self.conn_mut(id).is_some_and(|conn| conn.throw_away(count, more)) {
            self.drop_conn(id, now);
        }
    }

    /// A connection that closes has had its time, unless something came meanwhile.
    pub(super) fn closing_due(&mut self, id: ConnId, now: Now) {
        let Some(conn) = self.conn_mut(id) else { return };
        if conn.closing_until() <= now.tick {
            self.drop_conn(id, now);
            return;
        }
        let due = conn.closing_until();
        self.timers.set(Due::Conn(id), due);
    }
}
