//! The first half of a turn: what came.
//!
//! One read per socket that is ready, of at most the read buffer's size. A socket with more is
//! ready again in the next turn, behind all others that are: nobody's flood delays anybody by more
//! than one buffer each. And a turn reads a bounded part of what all have sent (`TURN_READ`): who was reported ready
//! behind that stands in `ready`, and is read in the next turns, before the poller is asked again. So a thousand large
//! messages keep nobody's answer waiting, and what was read is dealt with while the processor has it in its caches.
//!
//! What came is read before deadlines are looked at, all of it: who has answered in time is not silent because
//! we had no time to read. And the time that this server itself stood still (it was stopped, a handler blocked)
//! is nobody's silence: on the shard's clock it has not passed.

use crate::driven::Driven;
use crate::inbox::Mail;
use crate::poller::{CONNECTIONS, INBOX, Poller, Ready, System, TIMER};
use crate::shard::{Shard, find};
use crate::socket::Heard;
use rtcore_core::ids::{ConnId, Now, Tick};
use rtcore_core::limits::fixed::TURN_READ;
use std::io;
use std::time::Duration;

/// How late a deadline may be looked at by chance (ns). The poller reports at the first one: beyond this it is the
/// server that stands still, and its clock with it.
const LATE_NS: u64 = 250_000_000;

/// Having stood still for longer than this (ns) the server has something to read, first of all.
const STOOD_NS: u64 = 50_000_000;

/// After that, deadlines wait for so long (ms): what came meanwhile is read first, also by who reads streams.
const READ_FIRST_MS: u64 = 250;

impl Shard {
    /// The time. It stands still while a deadline waits for a turn that does not come.
    pub fn look(&mut self, engine: &mut impl Driven) -> Now {
        let before = self.now.tick;
        self.now = self.clock.now();
        engine.moment(self.clock.seen());
        if let Some(deadline) = engine.deadline() {
            let latest = Tick(deadline.max(self.reading_until).0.saturating_add(LATE_NS)).max(before);
            let stood = self.now.tick.0.saturating_sub(latest.0);
            if stood > 0 {
                self.clock.stand(stood);
                self.now.tick = latest;
            }
            if stood > STOOD_NS {
                self.reading_until = latest.plus_ms(READ_FIRST_MS);
            }
        }
        self.now
    }

    /// Give the engine what came, and the time. Waits for up to `linger` if there is nothing.
    ///
    /// Returns how much was ready. An error is the poller's own: a bug, or a kernel without memory.
    pub fn turn(&mut self, engine: &mut impl Driven, linger: Duration) -> io::Result<usize> {
        let mut ready = std::mem::take(&mut self.ready);
        let mut result = Ok(());
        if ready.is_empty() {
            result = self.poller.wait(&mut ready, linger);
            self.reported = ready.len();
        }
        self.look(engine);
        self.turns = self.turns.wrapping_add(1);
        self.taken = 0;
        let mut count = 0;
        while result.is_ok()
            && self.taken < TURN_READ
            && let Some(next) = ready.get(count)
        {
            count += 1;
            result = self.take(engine, *next);
        }
        ready.drain(..count);
        self.ready = ready;
        result?;
        if self.is_due(engine) {
            engine.advance(self.now);
        }
        self.end_rest()?;
        self.arm(engine)?;
        Ok(count)
    }

    /// Whether deadlines are looked at in this turn. Put off while there is more to read of what was reported, and while
    /// the kernel may have more, but for no more turns than it takes to read everybody once.
    fn is_due(&mut self, engine: &impl Driven) -> bool {
        let now = self.now.tick;
        if !self.ready.is_empty()
            || now < self.reading_until
            || engine.deadline().is_none_or(|deadline| deadline > now)
        {
            return false;
        }
        if self.reported >= System::BATCH && self.put_off <= self.open / System::BATCH {
            self.put_off += 1;
            return false;
        }
        self.put_off = 0;
        true
    }

    fn take(&mut self, engine: &mut impl Driven, ready: Ready) -> io::Result<()> {
        match ready.token {
            CONNECTIONS.. => self.take_connection(engine, ready),
            TIMER => {
                // Set again at the end of the turn, where the next deadline is known. Should there be
                // none, the report must still be taken back, or it would come in each turn.
                self.armed = None;
                self.poller.set_timer(None, self.now.tick)?;
            }
            INBOX => self.read_mail(engine)?,
            listener => self.accept(engine, listener)?,
        }
        Ok(())
    }

    fn take_connection(&mut self, engine: &mut impl Driven, ready: Ready) {
        let conn = ConnId(ready.token);
        let Some(socket) = find(&mut self.sockets, conn) else { return };
        if ready.write {
            self.writable.push(conn);
        }
        if !socket.wants_reading() {
            // Paused, or at the end: still, that the peer is gone must be noticed, and this report
            // cannot be switched off.
            if ready.broken {
                self.gone(engine, conn);
            }
            return;
        }
        if !ready.read && !ready.broken {
            return;
        }
        socket.heard_in = self.turns;
        match socket.read(&mut self.buffer) {
            Heard::Bytes(n) => {
                self.taken += n;
                engine.receive(conn, &mut self.buffer[..n], self.now);
            }
            Heard::End => {
                socket.ended = true;
                let over = socket.is_over();
                engine.end_of_input(conn, self.now);
                if over {
                    self.gone(engine, conn);
                } else {
                    self.sync(engine, conn);
                }
            }
            Heard::Nothing if ready.broken => self.gone(engine, conn),
            Heard::Nothing => {}
            Heard::Broken => self.gone(engine, conn),
        }
    }

    fn read_mail(&mut self, engine: &mut impl Driven) -> io::Result<()> {
        for mail in self.inbox.take() {
            match mail {
                Mail::Listen(fd) => self.listen(fd)?,
                Mail::Adopt(fd, bytes, told) => self.adopt(engine, fd, bytes, told),
                Mail::StopAccepting => self.listeners.clear(),
                Mail::Report(report) => engine.report(report, self.now),
            }
        }
        Ok(())
    }
}
