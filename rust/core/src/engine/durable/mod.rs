//! The store's side of the engine: what it reports comes in here.
//!
//! Parts: none.

use crate::engine::Engine;
use crate::ids::Now;
use crate::store::{Kept, Report};

impl Engine {
    /// What the store had kept, before the first connection comes.
    pub fn restore(&mut self, kept: &Kept, now: Now) {
        let _ = (kept, now);
    }

    /// The store says what became of what it was asked for (`Op::Store`).
    pub fn report(&mut self, report: Report, now: Now) {
        drop(report);
        self.entry(now, |_| ());
    }
}
