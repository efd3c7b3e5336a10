//! Until when each of some that came one behind the other waits for the disk.

use crate::ids::Tick;
use crate::limits::fixed::STORE_MS;
use std::collections::VecDeque;

/// By their tickets, in the order in which they came; also such as wait no more, but never the first.
#[derive(Debug, Default)]
pub struct Until(VecDeque<(Tick, u64)>);

impl Until {
    /// One waits from now on.
    pub fn add(&mut self, ticket: u64, now: Tick) {
        self.0.push_back((now.plus_ms(STORE_MS), ticket));
    }

    /// Some wait no more: the first that is left does.
    pub fn tidy(&mut self, waits: impl Fn(u64) -> bool) {
        while self.0.front().is_some_and(|(_, ticket)| !waits(*ticket)) {
            self.0.pop_front();
        }
    }

    /// The one that waits longest.
    #[must_use]
    pub fn oldest(&self) -> Option<u64> {
        self.0.front().map(|(_, ticket)| *ticket)
    }

    /// When it has waited for too long.
    #[must_use]
    pub fn due(&self) -> Option<Tick> {
        self.0.front().map(|(due, _)| *due)
    }

    /// It, if it has.
    #[must_use]
    pub fn overdue(&self, now: Tick) -> Option<u64> {
        self.oldest().filter(|_| self.due().is_some_and(|due| due <= now))
    }
}
