//! The first half of a turn: what came.
//!
//! One read per socket that is ready, of at most the read buffer's size. A socket with more is
//! ready again in the next turn, behind all others that are: nobody's flood delays anybody by more
//! than one buffer each.

use crate::driven::Driven;
use crate::inbox::Mail;
use crate::poller::{CONNECTIONS, INBOX, Poller, Ready, TIMER};
use crate::shard::{Shard, find};
use crate::socket::Heard;
use rtcore_core::ids::ConnId;
use std::io;
use std::time::Duration;

impl Shard {
    /// Give the engine what came, and the time. Waits for up to `linger` if there is nothing.
    ///
    /// Returns how much was ready. An error is the poller's own: a bug, or a kernel without memory.
    pub fn turn(&mut self, engine: &mut impl Driven, linger: Duration) -> io::Result<usize> {
        let mut ready = std::mem::take(&mut self.ready);
        let waited = self.poller.wait(&mut ready, linger);
        self.now = self.clock.now();
        self.turns = self.turns.wrapping_add(1);
        let result = waited.and_then(|()| ready.iter().try_for_each(|ready| self.take(engine, *ready)));
        let count = ready.len();
        ready.clear();
        self.ready = ready;
        result?;
        if engine.deadline().is_some_and(|deadline| deadline <= self.now.tick) {
            engine.advance(self.now);
        }
        self.end_rest()?;
        self.arm(engine)?;
        Ok(count)
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
            Heard::Bytes(n) => engine.receive(conn, &mut self.buffer[..n], self.now),
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
                Mail::Adopt(fd, bytes) => self.adopt(engine, fd, bytes),
                Mail::StopAccepting => self.listeners.clear(),
            }
        }
        Ok(())
    }
}
