//! What was decided and is not kept yet: it is in front of the shelf, and moves there when it is.

use super::shelf::Slot;
use super::{Changed, Collection, Decided, Outcome, Row, WriterId};
use crate::position::Seq;
use std::sync::Arc;

/// What was decided and is not kept yet.
#[derive(Debug)]
pub(super) struct Ahead {
    pub serial: u64,
    pub slot: Option<(Arc<str>, Slot)>,
    pub writer: Option<(WriterId, u64)>,
}

impl Collection {
    /// Book what was decided.
    pub(super) fn done(
        &mut self,
        writer: Option<(WriterId, u64)>,
        outcome: Outcome,
        changed: Option<Changed>,
        mut rows: Vec<Row>,
    ) -> Decided {
        self.serial += 1;
        let n = writer.as_ref().map(|(_, n)| *n);
        let (key, entry) = changed.unzip();
        if self.setup.durable {
            let slot = key.and_then(|key| self.front.get(&key).cloned().map(|slot| (key, slot)));
            rows.extend(slot.iter().map(|(key, slot)| Row::of(key, slot)));
            self.ahead.push_back(Ahead { serial: self.serial, slot, writer });
        } else if let Some((id, n)) = writer
            && let Some(writer) = self.writers.by_id.get_mut(&id)
        {
            writer.kept_n = n;
        }
        Decided { n, outcome, entry, rows, serial: self.serial }
    }

    /// Everything that was decided up to this serial number is kept.
    pub fn kept(&mut self, serial: u64) {
        while self.ahead.front().is_some_and(|ahead| ahead.serial <= serial) {
            let Some(Ahead { slot, writer, .. }) = self.ahead.pop_front() else { break };
            if let Some((key, slot)) = slot {
                if self.front.get(&key).is_some_and(|newest| newest.seq() == slot.seq()) {
                    self.front.remove(&key);
                }
                self.shelf.put(&key, slot);
            }
            if let Some((id, n)) = writer
                && let Some(writer) = self.writers.by_id.get_mut(&id)
            {
                writer.kept_n = writer.kept_n.max(n);
            }
        }
    }

    /// The write failed: what was decided under this serial number and above was not done. Its numbers are never used again,
    /// and each of those pushes gets `UNAVAILABLE`. Whether a change of the application's was among it.
    pub fn lost_from(&mut self, serial: u64) -> bool {
        let kept = self.ahead.partition_point(|ahead| ahead.serial < serial);
        let gone = self.ahead.split_off(kept);
        if gone.is_empty() {
            return false;
        }
        let own = gone.iter().any(|ahead| ahead.writer.is_none());
        let slots = self.ahead.iter().filter_map(|ahead| ahead.slot.clone());
        self.front = slots.collect(); // of each key the newest, since it comes last
        for Ahead { writer, .. } in gone {
            if let Some((id, n)) = writer
                && let Some(writer) = self.writers.by_id.get_mut(&id)
            {
                writer.back_before(n);
            }
        }
        own
    }

    /// The same of all that was decided and is not kept.
    pub fn lost(&mut self) {
        let _ = self.lost_from(0);
    }

    /// Whether everything that was decided is kept.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.ahead.is_empty()
    }

    /// Whether everything up to this serial number is kept.
    #[must_use]
    pub fn has_kept(&self, serial: u64) -> bool {
        self.ahead.front().is_none_or(|ahead| ahead.serial > serial)
    }

    /// The serial number of the last that was decided and is not kept.
    #[must_use]
    pub fn last_ahead(&self) -> Option<u64> {
        self.ahead.back().map(|ahead| ahead.serial)
    }

    /// Up to which number everything is kept, where the log has come to `head`.
    #[must_use]
    pub fn kept_upto(&self, head: Seq) -> Seq {
        let first = self.ahead.iter().find_map(|ahead| ahead.slot.as_ref());
        first.map_or(head, |(_, slot)| head.min(slot.seq().saturating_sub(1)))
    }
}
