//! How long the server ran, over all its lives: what keys on disk grow old by. Neither a clock that is set nor a time in
//! which no server ran ends one early.
//!
//! Invariant: what is on disk is never more than what was run.

use crate::ids::Tick;
use crate::limits::fixed::RUNNING_MS;

/// The running time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Running {
    /// Of all lives before (ms).
    before: u64,
    /// When this one began.
    began: Tick,
    /// What is on disk, or on its way there.
    written: u64,
}

impl Running {
    /// A life begins at this tick, after others that took so long (ms).
    pub fn resume(&mut self, before: u64, began: Tick) {
        *self = Self { before, began, written: before };
    }

    /// The running time at a tick (ms), also at one before this life.
    #[must_use]
    pub fn at(&self, tick: Tick) -> u64 {
        if tick >= self.began {
            self.before.saturating_add(tick.ms_since(self.began))
        } else {
            self.before.saturating_sub(self.began.ms_since(tick))
        }
    }

    /// The tick of a running time (ms) of an earlier life; where that was before all ticks, the first.
    #[must_use]
    pub fn tick_of(&self, running: u64) -> Tick {
        let ago = self.before.saturating_sub(running);
        Tick(self.began.0.saturating_sub(Tick::default().plus_ms(ago).0))
    }

    /// How long this life runs (ms).
    #[must_use]
    pub fn of_this_life(&self, now: Tick) -> u64 {
        now.ms_since(self.began)
    }

    /// The running time, if it is to be written down again.
    pub fn due(&mut self, now: Tick) -> Option<u64> {
        let running = self.at(now);
        if running < self.written.saturating_add(RUNNING_MS) {
            return None;
        }
        self.written = running;
        Some(running)
    }
}
