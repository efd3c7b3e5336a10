//! What is kept of a collection: its documents and tombstones, in the order of their last changes.
//!
//! Where a collection is on disk, this is what is on disk. What was decided since lies in front of it, and moves here when
//! it is there. So a page never shows what may yet be undone.

use super::document::{Document, Stamp};
use crate::digest::Checksum;
use crate::limits::{DATA_GRAVES, Limits};
use crate::position::Seq;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is at a key.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Slot {
    Document(Arc<Document>),
    /// Deleted by this change, in the entry of this time (ms since 1970).
    Tombstone(Stamp, u64),
}

impl Slot {
    pub fn seq(&self) -> Seq {
        match self {
            Self::Document(document) => document.seq(),
            Self::Tombstone(stamp, _) => stamp.seq,
        }
    }
}

/// What a key costs beside its document (bytes): its places in three trees, measured.
const PLACE: usize = 256;

fn cost(key: &str, slot: &Slot) -> usize {
    let document = match slot {
        Slot::Document(document) => document.size(),
        Slot::Tombstone(..) => 0,
    };
    PLACE + key.len() + document
}

/// Invariants: `order` has the number of each slot, and no other; `graves` those of tombstones, with their time; `sum` is
/// over all documents.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelf {
    pub slots: BTreeMap<Arc<str>, Slot>,
    pub order: BTreeMap<Seq, Arc<str>>,
    graves: BTreeMap<Seq, u64>,
    pub sum: Checksum,
    /// What all of it takes, roughly (bytes).
    pub bytes: usize,
    /// Tombstones up to here were let go.
    pub horizon: Seq,
}

impl Shelf {
    /// One that begins at this number of the log: what was before is not known.
    pub fn new(began: Seq) -> Self {
        Self { horizon: began, ..Self::default() }
    }

    /// How many documents there are.
    pub fn documents(&self) -> usize {
        self.slots.len() - self.graves.len()
    }

    pub fn put(&mut self, key: &Arc<str>, slot: Slot) {
        self.take(key);
        match &slot {
            Slot::Document(document) => self.sum.add(key, document.seq()),
            Slot::Tombstone(stamp, told_ms) => {
                self.graves.insert(stamp.seq, *told_ms);
            }
        }
        self.bytes += cost(key, &slot);
        self.order.insert(slot.seq(), key.clone());
        self.slots.insert(key.clone(), slot);
    }

    /// Take out what is at a key. It is to come back, or to be forgotten.
    pub fn take(&mut self, key: &str) -> Option<Slot> {
        let slot = self.slots.remove(key)?;
        self.order.remove(&slot.seq());
        self.bytes = self.bytes.saturating_sub(cost(key, &slot));
        match &slot {
            Slot::Document(document) => self.sum.take(key, document.seq()),
            Slot::Tombstone(stamp, _) => {
                self.graves.remove(&stamp.seq);
            }
        }
        Some(slot)
    }

    /// Whether there are so many tombstones that the oldest should go now, and not when it is time to look.
    pub fn is_overgrown(&self, limits: &Limits) -> bool {
        self.graves.len() > limits.tombstones.saturating_add((limits.tombstones / 8).max(DATA_GRAVES))
    }

    /// Let go of the oldest tombstones. Their keys.
    pub fn sweep(&mut self, now_ms: u64, limits: &Limits) -> Vec<Arc<str>> {
        let mut gone = Vec::new();
        while let Some((&seq, &told_ms)) = self.graves.first_key_value() {
            if self.graves.len() <= limits.tombstones && told_ms.saturating_add(limits.tombstone_ms) >= now_ms
            {
                break;
            }
            if let Some(key) = self.order.get(&seq).cloned() {
                self.take(&key);
                gone.push(key);
            }
            self.graves.remove(&seq);
            self.horizon = self.horizon.max(seq);
        }
        gone
    }
}
