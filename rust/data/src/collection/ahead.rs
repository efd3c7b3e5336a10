//! What was decided and is not kept yet: it is in front of the shelf, and moves there when it is.

use super::shelf::Slot;
use super::{Changed, Collection, Decided, Outcome, Row, WriterId};
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

    /// The write failed: nothing that was decided and is not kept was done. Its numbers are never used again, and each of
    /// those pushes gets `UNAVAILABLE`.
    pub fn lost(&mut self) {
        self.front.clear();
        for Ahead { writer, .. } in std::mem::take(&mut self.ahead) {
            if let Some((id, _)) = writer
                && let Some(writer) = self.writers.by_id.get_mut(&id)
            {
                writer.back();
            }
        }
    }
}
