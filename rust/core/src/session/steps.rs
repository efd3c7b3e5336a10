//! What a session does in one step, with all that changes by it. (Who hears, and from where, is with `Sessions`.)

use super::{Hold, Joined, Link, Rare, Session};
use crate::ids::{Ends, Now, RoomId, Tick};
use crate::limits::fixed::CLOCK_EVERY_MS;

/// Whether something counts now that counts once in so long (ms). `again`: from when on (s).
fn may_count(again: &mut u32, now: Tick, every: u64) -> bool {
    let counts = now.ms() / 1000 >= u64::from(*again);
    if counts {
        *again = u32::try_from(now.ms().saturating_add(every) / 1000).unwrap_or(u32::MAX);
    }
    counts
}

impl Session {
    /// It is in a room from now on, by a `join` with this id, or was already and has joined again.
    pub fn enter(&mut self, room: RoomId, join_id: u64, mark: u64) {
        match self.joined_mut(room) {
            Some(joined) => joined.again(join_id),
            None => self.rooms.push(Joined::new(room, join_id, mark)),
        }
    }

    /// Whether its report counts now: not again for `every` (ms).
    pub fn may_report(&mut self, now: Tick, every: u64) -> bool {
        may_count(&mut self.counts_again[0], now, every)
    }

    /// Whether what it says of its clock counts now.
    pub fn may_tell_clock(&mut self, now: Tick) -> bool {
        may_count(&mut self.counts_again[1], now, CLOCK_EVERY_MS)
    }

    /// It is in it no more.
    pub fn leave(&mut self, room: RoomId) {
        self.rooms.retain(|joined| joined.room() != room);
    }

    /// It ends, and leaves all of them.
    pub fn leave_all(&mut self) -> Vec<Joined> {
        std::mem::take(&mut self.rooms)
    }

    /// Its acks are counted in its holder's share with so many bytes.
    pub fn count_acks(&mut self, bytes: usize) {
        self.acks_counted = bytes;
    }

    /// It ends: they are counted no more. With how many they were.
    pub fn uncount_acks(&mut self) -> usize {
        std::mem::take(&mut self.acks_counted)
    }

    /// A request waits for the application, which has the session's handle with it.
    pub fn begin_waiting(&mut self, bytes: u32) {
        self.known = true;
        self.waiting = self.waiting.saturating_add(1);
        self.waiting_bytes = self.waiting_bytes.saturating_add(bytes);
    }

    /// One of them waits no more.
    pub fn end_waiting(&mut self, bytes: u32) {
        self.waiting = self.waiting.saturating_sub(1);
        self.waiting_bytes = self.waiting_bytes.saturating_sub(bytes);
    }

    /// What it says next waits for this.
    pub fn hold(&mut self, hold: Hold) {
        debug_assert!(!self.is_ending(), "nothing more is taken of a session that ends");
        self.hold = Some(hold);
    }

    /// That is over. False: it does not wait for it any more.
    pub fn release(&mut self, hold: Hold) -> bool {
        let holds = self.hold == Some(hold);
        if holds {
            self.hold = None;
        }
        holds
    }

    /// It is about to end: nothing more is taken of it. What it waited for until then.
    pub fn doom(&mut self) -> Option<Hold> {
        self.hold.replace(Hold::End)
    }

    /// Its token is valid until then.
    pub fn renew(&mut self, expires: Option<Ends>) {
        (self.expires, self.told_expiring) = (expires, false);
    }

    /// It was told that its token ends soon.
    pub fn tell_expiring(&mut self) {
        self.told_expiring = true;
    }

    /// While it has no connection: it is over then.
    pub fn stay_until(&mut self, until: Tick) {
        self.until = until;
    }

    /// Nobody is there for it: it is among those that go first, since this stamp.
    pub fn rest(&mut self, stamp: u64) {
        debug_assert!(self.resting == 0, "it rests once");
        self.resting = stamp;
    }

    /// Somebody is there, or it ends. The stamp of its rest. 0: it did not rest.
    pub fn wake(&mut self) -> u64 {
        std::mem::take(&mut self.resting)
    }

    /// Its round trip was measured (us).
    pub fn measured(&mut self, micros: u32) {
        self.latency_us = Some(micros);
    }

    /// It says a message, at most `rate` a second and twice as many at once. False: that is more than it may.
    pub fn spend(&mut self, rate: u64, now: Now) -> bool {
        let (held, since) = self.budget;
        let most = u64::from(u32::MAX).min(rate.saturating_mul(2000));
        let held = now.tick.ms_since(since).saturating_mul(rate).saturating_add(held.into()).min(most);
        let left = held.saturating_sub(1000);
        #[expect(clippy::cast_possible_truncation, reason = "at most u32::MAX, above")]
        let left = left as u32;
        self.budget = (left, now.tick);
        held >= 1000
    }

    /// The application has its handle: it must hear of its end.
    pub fn know(&mut self) {
        self.known = true;
    }

    /// This hello has it: its number, if it has one, and who says it.
    pub fn greet(&mut self, n: Option<u64>, program: &[u64]) {
        self.counts = n.is_some();
        self.hello_n = n.unwrap_or(self.hello_n);
        if let Some(mark) = program.first() {
            self.program = *mark;
        }
    }

    /// What was missed is being told: its end is to be said.
    pub fn owe_live(&mut self) {
        self.owes_live = true;
    }

    /// That was said.
    pub fn say_live(&mut self) {
        self.owes_live = false;
    }

    /// Its newest `hello` came over plain HTTP. Whether it is the first that did.
    pub fn link_up(&mut self, mut link: Link) -> bool {
        let old = self.link.take();
        let first = old.is_none();
        if let Some(old) = old {
            link.follow(&old);
        }
        self.link = Some(Box::new(link));
        first
    }

    /// It came by WebSocket.
    pub fn unlink(&mut self) {
        self.link = None;
    }

    /// It ends. What is rare of it, if anything is.
    pub fn into_rare(self) -> Option<Box<Rare>> {
        self.rare
    }
}
