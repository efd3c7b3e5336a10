//! The second half of a turn: what is due.
//!
//! All that a turn has for one connection leaves in one call. Where the kernel takes less, the rest
//! stays with the engine, and the poller says when it takes more; until then the connection is left
//! alone, whatever else becomes due on it.

use crate::driven::Driven;
use crate::poller::{Interest, Poller};
use crate::shard::{Handed, Shard, find, is_before};
use crate::socket::MAX_SLICES;
use rtcore_core::engine::Op;
use rtcore_core::ids::ConnId;
use rustix::io::Errno;
use std::io;

/// Writes to one connection in one flush. A session that was behind is fed while the kernel takes
/// everything; after that it is the others' turn.
const WRITES: usize = 4;

/// Rounds of one flush: what is written or closed may make more due, for others. The rest is left
/// to the next flush, which `needs_flush` asks for, and for which the poller reports at once: a peer
/// that has said all its requests already says nothing more that would.
const ROUNDS: usize = 4;

impl Shard {
    /// Whether `flush` would do anything.
    #[must_use]
    pub fn needs_flush(&self, engine: &impl Driven) -> bool {
        engine.has_dirty()
            || !self.writable.is_empty()
            || !self.dirty.is_empty()
            || !self.ops.is_empty()
            || is_before(self.deadline(engine), self.armed)
    }

    /// Write what is due, do what the engine wants done, and set the timer.
    pub fn flush(&mut self, engine: &mut impl Driven) -> io::Result<()> {
        self.now = self.clock.now();
        self.write_again(engine);
        for _ in 0..ROUNDS {
            self.write_dirty(engine);
            self.do_ops(engine);
            if !engine.has_dirty() {
                break;
            }
        }
        if engine.has_dirty() {
            self.armed = Some(self.now.tick);
            return self.poller.set_timer(self.armed, self.now.tick);
        }
        self.arm(engine)
    }

    fn write_again(&mut self, engine: &mut impl Driven) {
        let mut writable = std::mem::take(&mut self.writable);
        for conn in writable.drain(..) {
            self.write(engine, conn);
        }
        self.writable = writable;
    }

    fn write_dirty(&mut self, engine: &mut impl Driven) {
        let mut dirty = std::mem::take(&mut self.dirty);
        // What was collected before comes first; the engine is given an empty list.
        for conn in dirty.drain(..) {
            self.write_unless_blocked(engine, conn);
        }
        engine.take_dirty(&mut dirty, self.now);
        for conn in dirty.drain(..) {
            self.write_unless_blocked(engine, conn);
        }
        self.dirty = dirty;
    }

    fn write_unless_blocked(&mut self, engine: &mut impl Driven, conn: ConnId) {
        match find(&mut self.sockets, conn) {
            Some(socket) if socket.blocked() => {}
            Some(_) => self.write(engine, conn),
            None => self.foreign.0.push(conn),
        }
    }

    /// Write what is due on a connection, as far as the kernel takes it.
    fn write(&mut self, engine: &mut impl Driven, conn: ConnId) {
        for _ in 0..WRITES {
            let Some(socket) = find(&mut self.sockets, conn) else { return };
            let mut slices = self.slices.take();
            engine.gather(conn, &mut slices, MAX_SLICES);
            let full = slices.len() >= MAX_SLICES;
            let due: usize = slices.iter().map(|slice| slice.len()).sum();
            let wrote = if due == 0 { Ok(0) } else { socket.write(&slices, &mut self.copy) };
            self.slices.give_back(slices);
            match wrote {
                Ok(0) if due == 0 => return self.drained(engine, conn),
                Ok(n) => {
                    let more = engine.written(conn, n, self.now);
                    if n < due {
                        break;
                    }
                    if !more && !full {
                        return self.drained(engine, conn);
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(_) => return self.gone(engine, conn),
            }
        }
        // Refused, or enough for now: the poller says when it can go on.
        if let Some(socket) = find(&mut self.sockets, conn) {
            let wanted = Interest { read: socket.interest.read, write: true };
            self.watch(engine, conn, wanted);
        }
    }

    /// Everything is written.
    fn drained(&mut self, engine: &mut impl Driven, conn: ConnId) {
        let Some(socket) = find(&mut self.sockets, conn) else { return };
        if socket.finishing && !socket.finished {
            socket.finish();
            if socket.is_over() {
                return self.gone(engine, conn);
            }
        }
        let wanted = Interest { read: socket.interest.read, write: false };
        self.watch(engine, conn, wanted);
    }

    fn do_ops(&mut self, engine: &mut impl Driven) {
        let mut ops = std::mem::take(&mut self.ops);
        for op in ops.drain(..) {
            self.do_op(engine, op);
        }
        engine.take_ops(&mut ops);
        for op in ops.drain(..) {
            self.do_op(engine, op);
        }
        self.ops = ops;
        // Only now: who was paused and resumed in one turn costs no call.
        let mut unsynced = std::mem::take(&mut self.unsynced);
        for conn in unsynced.drain(..) {
            self.sync(engine, conn);
        }
        self.unsynced = unsynced;
    }

    fn do_op(&mut self, engine: &mut impl Driven, op: Op) {
        match op {
            Op::Pause(conn) => match find(&mut self.sockets, conn) {
                Some(socket) => {
                    socket.paused = true;
                    self.unsynced.push(conn);
                }
                None => self.foreign.1.push(op),
            },
            Op::Resume(conn) => match find(&mut self.sockets, conn) {
                Some(socket) => {
                    socket.paused = false;
                    self.unsynced.push(conn);
                }
                None => self.foreign.1.push(op),
            },
            Op::Finish(conn) => match find(&mut self.sockets, conn) {
                Some(socket) => {
                    socket.finishing = true;
                    self.write_unless_blocked(engine, conn);
                }
                None => self.foreign.1.push(op),
            },
            Op::Drop(conn) => {
                if self.take_out(conn).is_none() {
                    self.foreign.1.push(op);
                }
            }
            Op::HandOver { conn, bytes, address, port } => match self.take_out(conn) {
                Some(socket) => {
                    // A descriptor that the poller does not know is as good as one that it forgot.
                    let _ = self.poller.remove(socket.fd());
                    self.handed.push(Handed { conn, fd: socket.into_fd(), bytes, address, port });
                }
                None => self.foreign.1.push(Op::HandOver { conn, bytes, address, port }),
            },
        }
    }
}
