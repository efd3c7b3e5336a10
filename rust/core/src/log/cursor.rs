//! A listener's way through several rings: one cursor, one number order.
//!
//! A listener keeps a single number, "everything up to here was handed over or reported as a gap". What it
//! has yet to hear is the union of its rings above that number, in number order. Live delivery, catching up
//! after a drop, and a slow reader are this one reading at different distances, so there is no moment at
//! which replay changes into live and nothing to be lost or repeated there.
//!
//! Each ring is in order already, so a heap over their heads is enough: O(log rings) an entry.
// Numbers of a peer come in here: a sum that could wrap or panic is an error of the build, or has its reason beside it.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::entry::Entry;
use crate::ids::Seq;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::collections::vec_deque;
use std::sync::Arc;

/// One ring's next entry, and what follows it. The greatest is the one with the lowest number.
struct Head<'a> {
    entry: &'a Arc<Entry>,
    rest: vec_deque::Iter<'a, Arc<Entry>>,
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.entry.seq == other.entry.seq
    }
}
impl Eq for Head<'_> {}
impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.entry.seq.cmp(&self.entry.seq)
    }
}

/// Walk through `sources`, each what a room has above the cursor, in number order, up to and with `upto` (the wall: what lies
/// behind it is not on disk yet). `each` gets them in number order until it answers false. True when all that may be heard
/// now was walked through.
pub fn merge<'a>(
    sources: impl Iterator<Item = vec_deque::Iter<'a, Arc<Entry>>>,
    upto: Seq,
    mut each: impl FnMut(&'a Arc<Entry>) -> bool,
) -> bool {
    let heads: Vec<_> = sources
        .filter_map(|mut rest| {
            let entry = rest.next().filter(|entry| entry.seq <= upto)?;
            Some(Head { entry, rest })
        })
        .collect();
    let mut heap = BinaryHeap::from(heads);
    while let Some(mut head) = heap.peek_mut() {
        if !each(head.entry) {
            return false;
        }
        match head.rest.next().filter(|entry| entry.seq <= upto) {
            Some(next) => head.entry = next,
            None => drop(PeekMut::pop(head)),
        }
    }
    true
}
