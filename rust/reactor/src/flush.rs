//! The second half of a turn: what is due.
//!
//! All that a turn has for one connection leaves in one call. Where the kernel takes less, the rest
//! stays with the engine, and the poller says when it takes more; until then the connection is left
//! alone, whatever else becomes due on it.
//!
//! A flush has a budget: what is due on thousands of connections would keep everybody else from being read
//! for as long as it takes, and so would what is read from the past for them. Whoever is left out stands in `left`, once, and is written in the next flushes,
//! each after a turn that reads; what comes due on them meanwhile leaves in the same call. While somebody
//! stands there, who was heard in this turn is answered first: so a fan-out that takes long costs others the
//! length of a flush, and not its own.

use crate::driven::Driven;
use crate::poller::{Interest, Poller};
use crate::shard::{Handed, Shard, find, is_before};
use crate::socket::MAX_SLICES;
use rtcore_core::engine::Op;
use rtcore_core::ids::ConnId;
use rtcore_core::limits::fixed::{FLUSH_BYTES, FLUSH_ROUNDS, FLUSH_STEPS, FLUSH_WRITES};
use rustix::io::Errno;
use std::io;

/// What a call counts for in `FLUSH_BYTES`: bytes that it might have copied instead.
const CALL: usize = 512;

/// More connections than this with something due may be too many for one flush.
const MANY: usize = 1024;

impl Shard {
    /// Whether `flush` would do anything, or has nothing left to do but what is taken after it: a turn that makes room for
    /// a connection that comes (`clear_slots`) hands sockets over itself.
    #[must_use]
    pub fn needs_flush(&self, engine: &impl Driven) -> bool {
        engine.has_dirty()
            || !self.handed.is_empty()
            || !self.foreign.0.is_empty()
            || !self.foreign.1.is_empty()
            || !self.writable.is_empty()
            || !self.dirty.is_empty()
            || !self.left.is_empty()
            || !self.ops.is_empty()
            || is_before(self.deadline(engine), self.armed)
    }

    /// Write what is due, do what the engine wants done, and set the timer.
    pub fn flush(&mut self, engine: &mut impl Driven) -> io::Result<()> {
        self.look(engine);
        self.spent = 0;
        self.enough = engine.steps().saturating_add(FLUSH_STEPS);
        self.write_again(engine);
        for _ in 0..FLUSH_ROUNDS {
            self.write_dirty(engine);
            self.do_ops(engine);
            if !engine.has_dirty() || self.is_spent(engine, 1) {
                break;
            }
        }
        if !self.left.is_empty() || engine.has_dirty() {
            // `fd` is to be readable while there is something to do.
            self.inbox.ring()?;
        }
        self.arm(engine)
    }

    /// Whether such a part of the budget is used up.
    fn is_spent(&self, engine: &impl Driven, part: usize) -> bool {
        self.spent >= FLUSH_BYTES / part || engine.steps() >= self.enough
    }

    /// Those to whom the kernel takes bytes again: for half of the budget, and the poller names the others
    /// again in the next turn, since it tells how things are and not how they change.
    fn write_again(&mut self, engine: &mut impl Driven) {
        let mut writable = std::mem::take(&mut self.writable);
        for conn in writable.drain(..) {
            if self.is_spent(engine, 2) {
                break;
            }
            self.write(engine, conn);
        }
        self.writable = writable;
    }

    fn write_dirty(&mut self, engine: &mut impl Driven) {
        let mut dirty = std::mem::take(&mut self.dirty);
        engine.take_dirty(&mut dirty, self.now);
        if !self.left.is_empty() || dirty.len() > MANY {
            for conn in &dirty {
                if find(&mut self.sockets, *conn).is_some_and(|socket| socket.heard_in == self.turns) {
                    self.write_unless_blocked(engine, *conn);
                }
            }
        }
        self.write_left(engine);
        for conn in dirty.drain(..) {
            let over = self.is_spent(engine, 1);
            match find(&mut self.sockets, conn) {
                Some(socket) if socket.left => {}
                Some(socket) if over => {
                    socket.left = true;
                    self.left.push(conn);
                }
                Some(socket) if socket.blocked() => {}
                Some(_) => self.write(engine, conn),
                None => self.foreign.0.push(conn),
            }
        }
        self.dirty = dirty;
    }

    fn write_left(&mut self, engine: &mut impl Driven) {
        let mut left = std::mem::take(&mut self.left);
        let mut done = 0;
        while done < left.len() && !self.is_spent(engine, 1) {
            let conn = left[done];
            done += 1;
            if let Some(socket) = find(&mut self.sockets, conn) {
                socket.left = false;
                self.write_unless_blocked(engine, conn);
            }
        }
        left.drain(..done);
        self.left = left;
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
        for _ in 0..FLUSH_WRITES {
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
                    self.spent += CALL + n;
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
        if socket.interest.write {
            let wanted = Interest { read: socket.interest.read, write: false };
            self.watch(engine, conn, wanted);
        }
    }

    pub(crate) fn do_ops(&mut self, engine: &mut impl Driven) {
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
            Op::Store(_) => self.foreign.1.push(op),
            Op::HandOver { conn, bytes, address, port, secure, told } => match self.take_out(conn) {
                Some(socket) => {
                    // A descriptor that the poller does not know is as good as one that it forgot.
                    let _ = self.poller.remove(socket.fd());
                    self.handed.push(Handed {
                        conn,
                        fd: socket.into_fd(),
                        bytes,
                        address,
                        port,
                        secure,
                        told,
                    });
                }
                None => self.foreign.1.push(Op::HandOver { conn, bytes, address, port, secure, told }),
            },
        }
    }
}
