//! A connection comes back: the backend has answered its request, and the next head is ours to read.
//!
//! Parts: Conns, Shares, Timers.

use super::Engine;
use super::config::Peer;
use crate::ids::{ConnId, Now};
use crate::shares::{Holder, What};
use crate::timers::Due;

impl Engine {
    /// Take back a connection that was handed over, at the boundary of a request. `peer` is who connected, not whom a
    /// proxy spoke for in the request before. `begun`: bytes of the next request are there already. `None`: close it.
    ///
    /// It counts from now on as one that has just connected, but for the total of connections; it may be idle for as
    /// long as one whose last request was ours.
    ///
    /// `told`: who connected was said by a PROXY header, as `Op::HandOver` has it.
    pub fn adopt(&mut self, peer: Peer, begun: bool, told: bool, now: Now) -> Option<ConnId> {
        self.entry(now, |engine| engine.take_over(peer, begun, told, now))
    }

    fn take_over(&mut self, peer: Peer, begun: bool, told: bool, now: Now) -> Option<ConnId> {
        // Nothing was asked, so nothing may be answered; a connection that waits may be closed, RFC 9112 §9.5.
        if !begun && (self.stopping || self.is_full_for(&peer)) {
            return None;
        }
        let id = self.accept(peer, now)?;
        self.stats.connections -= 1;
        self.past_header(id, peer, told);
        if !begun {
            let due = now.tick.plus_ms(self.config.limits.keep_alive_ms);
            if self.conn(id).is_some() {
                self.timers.set(Due::Conn(id), due);
            }
        }
        Some(id)
    }

    fn is_full_for(&self, peer: &Peer) -> bool {
        self.shares.full_for(&Holder::peer(peer.address, None), What::Connection, 1).is_some()
    }
}
