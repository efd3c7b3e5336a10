//! A life that goes on where another ended: the epoch, the numbers, and what only memory held.
//!
//! Parts: Durable, Log, Rooms.

use crate::durable::promise::Promise;
use crate::engine::Engine;
use crate::ids::Now;
use crate::limits::fixed::RESERVED;
use crate::store::{Kept, Origin, Record, Sync};

impl Engine {
    /// What the store had kept, before the first connection comes. Numbers are given when more of them are reserved on disk
    /// (`may_begin`).
    pub fn restore(&mut self, kept: &Kept, now: Now) {
        self.entry(now, |engine| engine.begin_life(kept));
    }

    /// Whether there are numbers to be given: until then nothing can be said.
    #[must_use]
    pub fn may_begin(&self) -> bool {
        self.log.has_number()
    }

    fn begin_life(&mut self, kept: &Kept) {
        let goes_on = kept.origin != Origin::Replaced;
        let epoch = kept.epoch.as_deref().filter(|_| goes_on);
        self.log.resume(epoch, kept.head, kept.reserved);
        if epoch.is_none() {
            let facts = vec![Record::Epoch(self.log.epoch().into())];
            self.durable.keep(facts, Sync::Full, None);
        }
        let ring = self.log.ring_of_old();
        let all = self.all;
        if let Some(room) = self.room_mut(all) {
            room.ring = ring; // nothing was said in it
        }
        self.reserve_more();
    }

    /// Reserve numbers on disk if half of them are given.
    pub(in crate::engine) fn reserve_more(&mut self) {
        let left = self.log.reserved().saturating_sub(self.log.head());
        if left < RESERVED / 2 && self.config.store && !self.durable.reserving {
            self.durable.reserving = true;
            let upto = self.log.head().saturating_add(RESERVED);
            self.durable.keep(vec![Record::Reserved(upto)], Sync::Full, Some(Promise::Reserve(upto)));
        }
    }
}
