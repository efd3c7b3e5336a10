//! One memory budget over many rings: when it is exceeded, the oldest entries go first, whosever they are.
//!
//! "Oldest first over all rooms" is a merge by number, like a cursor's, that stops when enough is freed:
//! O((rings + freed) log rings). It is a plan and not a deed, so that the owner of the rooms does the letting
//! go and its bookkeeping itself, one room at a time.

use super::ring::Ring;
use crate::ids::Seq;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Which rings must forget how many of their oldest entries, so that at least `over` bytes are freed (or
/// everything, if all rings together hold less). A ring is named by the index it came with.
pub fn plan<'a>(rings: impl Iterator<Item = (usize, &'a Ring)>, over: usize) -> Vec<(usize, usize)> {
    if over == 0 {
        return Vec::new();
    }
    let mut rests = Vec::new();
    let mut heads: Vec<Reverse<(Seq, usize)>> = Vec::new();
    for (index, ring) in rings {
        if let Some(oldest) = ring.oldest() {
            heads.push(Reverse((oldest.seq, rests.len())));
            rests.push((index, 0, ring.iter().peekable()));
        }
    }
    let mut heap = BinaryHeap::from(heads);
    let mut freed = 0;
    while freed < over {
        let Some(Reverse((_, at))) = heap.pop() else { break };
        let (_, count, rest) = &mut rests[at];
        let Some(entry) = rest.next() else { continue };
        freed += entry.cost();
        *count += 1;
        if let Some(next) = rest.peek() {
            heap.push(Reverse((next.seq, at)));
        }
    }
    rests.into_iter().filter(|&(_, count, _)| count > 0).map(|(index, count, _)| (index, count)).collect()
}
