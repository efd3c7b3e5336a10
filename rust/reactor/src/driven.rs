//! What a shard drives: an engine, seen from the hands.
//!
//! There is one engine. It is named by a trait so that the shard's own tests can drive something
//! that only echoes, and a fault of theirs is then a fault of the shard.

use rtcore_core::engine::{Engine, Op, Peer};
use rtcore_core::ids::{ConnId, Now, Tick};
use rtcore_core::store::Report;

/// Takes bytes and times; says which bytes are due and what is to be done.
pub trait Driven {
    /// A peer has connected. None: it may not stay, and its socket is closed at once.
    fn connect(&mut self, peer: Peer, now: Now) -> Option<ConnId>;
    /// A peer comes back that was handed over; `begun`: with bytes of its next request; `told`: who it is was said by a
    /// PROXY header. None: close it.
    fn adopt(&mut self, peer: Peer, begun: bool, told: bool, now: Now) -> Option<ConnId>;
    /// Bytes that arrived; they may be changed in place.
    fn receive(&mut self, conn: ConnId, bytes: &mut [u8], now: Now);
    /// The peer will send no more.
    fn end_of_input(&mut self, conn: ConnId, now: Now);
    /// The socket is gone.
    fn lost(&mut self, conn: ConnId, now: Now);
    /// Whether something is to be written or done.
    fn has_dirty(&self) -> bool;
    /// How much was done since the start, in steps.
    fn steps(&self) -> u64;
    /// Append connections with output, each once: a bounded part, and the next behind it while `has_dirty`.
    fn take_dirty(&mut self, into: &mut Vec<ConnId>, now: Now);
    /// What is due on a connection, in order and not yet consumed, in at most `max_slices` pieces.
    fn gather<'a>(&'a self, conn: ConnId, into: &mut Vec<&'a [u8]>, max_slices: usize);
    /// The kernel took `n` bytes. True: there is more.
    fn written(&mut self, conn: ConnId, n: usize, now: Now) -> bool;
    /// What is to be done, in order.
    fn take_ops(&mut self, into: &mut Vec<Op>);
    /// When `advance` wants to be called.
    fn deadline(&self) -> Option<Tick>;
    /// It is that time.
    fn advance(&mut self, now: Now);
    /// What the store reports of something that it was asked for.
    fn report(&mut self, report: Report, now: Now);
    /// It is this moment of the kernel's clock (ns), by which stages are measured.
    fn moment(&mut self, ns: u64) {
        let _ = ns;
    }
}

impl Driven for Engine {
    fn connect(&mut self, peer: Peer, now: Now) -> Option<ConnId> {
        Self::connect(self, peer, now)
    }
    fn adopt(&mut self, peer: Peer, begun: bool, told: bool, now: Now) -> Option<ConnId> {
        Self::adopt(self, peer, begun, told, now)
    }
    fn receive(&mut self, conn: ConnId, bytes: &mut [u8], now: Now) {
        Self::receive(self, conn, bytes, now);
    }
    fn end_of_input(&mut self, conn: ConnId, now: Now) {
        Self::end_of_input(self, conn, now);
    }
    fn lost(&mut self, conn: ConnId, now: Now) {
        Self::lost(self, conn, now);
    }
    fn has_dirty(&self) -> bool {
        Self::has_dirty(self)
    }
    fn steps(&self) -> u64 {
        Self::steps(self)
    }
    fn take_dirty(&mut self, into: &mut Vec<ConnId>, now: Now) {
        Self::take_dirty(self, into, now);
    }
    fn gather<'a>(&'a self, conn: ConnId, into: &mut Vec<&'a [u8]>, max_slices: usize) {
        Self::gather(self, conn, into, max_slices);
    }
    fn written(&mut self, conn: ConnId, n: usize, now: Now) -> bool {
        Self::written(self, conn, n, now)
    }
    fn take_ops(&mut self, into: &mut Vec<Op>) {
        Self::take_ops(self, into);
    }
    fn deadline(&self) -> Option<Tick> {
        Self::deadline(self)
    }
    fn advance(&mut self, now: Now) {
        Self::advance(self, now);
    }
    fn report(&mut self, report: Report, now: Now) {
        Self::report(self, report, now);
    }
    fn moment(&mut self, ns: u64) {
        Self::moment(self, ns);
    }
}
