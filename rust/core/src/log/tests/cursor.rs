//! Reading several rings by one cursor, and shedding their oldest entries.

use super::shared;
use crate::ids::Seq;
use crate::log::cursor::merge;
use crate::log::memory::plan;
use crate::log::ring::{Bounds, Ring};
use proptest::prelude::*;

const ALL: Bounds = Bounds { count: usize::MAX, bytes: usize::MAX, age_ms: u64::MAX };

/// Entry `n` goes to the ring that the list says, and has that much data.
fn rings(said: &[(usize, usize)], count: usize) -> Vec<Ring> {
    let mut rings: Vec<_> = (0..count).map(|_| Ring::new(0)).collect();
    for (seq, &(ring, size)) in (1..).zip(said) {
        let _ = rings[ring].push(shared(seq, size, 0), &ALL);
    }
    rings
}

fn said() -> impl Strategy<Value = Vec<(usize, usize)>> {
    proptest::collection::vec((0..5_usize, 0..500_usize), 0..60)
}

proptest! {
    #[test]
    fn merged_is_sorted(
        said in said(), floors in proptest::collection::vec(0..60_u64, 5),
        cursor in 0..60_u64, upto in 0..70_u64, stop in 0..60_usize,
    ) {
        let rings = rings(&said, 5);
        let mut expected: Vec<Seq> = rings.iter().zip(&floors)
            .flat_map(|(ring, &floor)| ring.iter().map(|entry| entry.seq).filter(move |&seq| seq > floor))
            .filter(|&seq| seq > cursor && seq <= upto)
            .collect();
        expected.sort_unstable();
        let mut heard = Vec::new();
        let through = merge(rings.iter().zip(&floors).map(|(ring, &floor)| ring.after(cursor.max(floor))), upto, |entry| {
            if heard.len() == stop {
                return false;
            }
            heard.push(entry.seq);
            true
        });
        prop_assert_eq!(through, expected.len() <= stop);
        expected.truncate(stop);
        prop_assert_eq!(heard, expected);
    }

    /// Law 2: in whatever portions a listener reads, it hears each entry once and in order.
    #[test]
    fn portions_make_the_whole(said in said(), portions in proptest::collection::vec(1..9_usize, 60)) {
        let rings = rings(&said, 5);
        let (mut cursor, mut heard) = (0, Vec::new());
        for portion in portions {
            let (mut left, from) = (portion, cursor);
            merge(rings.iter().map(|ring| ring.after(from)), Seq::MAX, |entry| {
                if left == 0 {
                    return false;
                }
                left -= 1;
                heard.push(entry.seq);
                cursor = entry.seq;
                true
            });
        }
        prop_assert_eq!(heard, (1..=said.len() as Seq).collect::<Vec<_>>());
    }

    #[test]
    fn memory_is_freed_oldest_first_and_no_more_than_needed(said in said(), over in 0..60_000_usize) {
        let mut rings = rings(&said, 5);
        let before: usize = rings.iter().map(Ring::bytes).sum();
        let plan = plan(rings.iter().enumerate(), over);
        let (mut freed, mut entries, mut last) = (0, 0, 0);
        for (index, count) in plan {
            prop_assert!(count > 0);
            for _ in 0..count {
                last = last.max(rings[index].oldest().map_or(0, |entry| entry.seq));
                let one = rings[index].forget_oldest();
                freed += one.bytes;
                entries += one.entries;
            }
        }
        prop_assert!(freed >= over.min(before));
        prop_assert_eq!(last, entries as Seq, "exactly the lowest numbers went");
        let cost_of_last = entries.checked_sub(1).map_or(0, |at| shared(last, said[at].1, 0).cost());
        prop_assert!(freed - cost_of_last < over || entries == 0, "without the last it was too little");
    }
}
