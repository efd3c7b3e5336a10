//! The ring, against a list of everything that was ever said.

use super::{entry, shared};
use crate::ids::Seq;
use crate::log::entry::Entry;
use crate::log::ring::{Bounds, Freed, Reason, Ring};
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Clone, Debug)]
enum Step {
    Push { hole: u64, size: usize, later: u64, slot: Option<u8> },
    Expire { later: u64 },
    ForgetOldest,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3_u64, 0..2_000_usize, 0..40_u64, proptest::option::of(0..4_u8))
            .prop_map(|(hole, size, later, slot)| Step::Push { hole, size, later, slot }),
        1 => (0..80_u64).prop_map(|later| Step::Expire { later }),
        1 => Just(Step::ForgetOldest),
    ]
}

fn bounds() -> impl Strategy<Value = Bounds> {
    (0..12_usize, 0..12_000_usize, 1..200_u64).prop_map(|(count, bytes, age_ms)| Bounds {
        count,
        bytes,
        age_ms,
    })
}

fn seqs<'a>(entries: impl IntoIterator<Item = &'a Arc<Entry>>) -> Vec<Seq> {
    entries.into_iter().map(|entry| entry.seq).collect()
}

/// The slow twin: keeps all, and says what should be left.
#[derive(Default)]
struct Model {
    held: Vec<Arc<Entry>>,
    forgotten: Seq,
}

impl Model {
    fn drop_oldest(&mut self) {
        self.forgotten = self.held.remove(0).seq;
    }
    fn expire(&mut self, now: u64, bounds: &Bounds) {
        while self.held.first().is_some_and(|first| now.saturating_sub(first.time) > bounds.age_ms) {
            self.drop_oldest();
        }
    }
    fn push(&mut self, entry: Arc<Entry>, bounds: &Bounds) {
        self.expire(entry.time, bounds);
        self.held.push(entry);
        while self.held.len() > bounds.count || (self.held.len() > 1 && self.cost() > bounds.bytes) {
            self.drop_oldest();
        }
    }
    fn cost(&self) -> usize {
        self.held.iter().map(|entry| entry.cost()).sum()
    }
    fn newest_per_slot(&self, after: Seq) -> Vec<Seq> {
        let mut newest: HashMap<_, Seq> = HashMap::new();
        for entry in self.held.iter().filter(|entry| entry.seq > after) {
            newest.insert(entry.slot.clone(), entry.seq);
        }
        let mut seqs: Vec<_> = newest.into_values().collect();
        seqs.sort_unstable();
        seqs
    }
}

proptest! {
    #[test]
    fn it_holds_what_a_plain_list_says(
        bounds in bounds(), steps in proptest::collection::vec(step(), 0..80),
    ) {
        let (mut ring, mut model, mut seq, mut now) = (Ring::new(0), Model::default(), 0, 1_000);
        let (mut held, mut freed) = (Freed::default(), Freed::default());
        for step in steps {
            match step {
                Step::Push { hole, size, later, slot } => {
                    seq += 1 + hole;
                    now += later;
                    let mut entry = entry(seq, size, now);
                    entry.slot = slot.map(|slot| Box::from([slot]));
                    let entry = Arc::new(entry);
                    let (before, would) = (ring.forgotten(), ring.would_forget(entry.cost(), &bounds, now));
                    held += Freed { bytes: entry.cost(), entries: 1 };
                    freed += ring.push(Arc::clone(&entry), &bounds);
                    model.push(entry, &bounds);
                    prop_assert_eq!(ring.top(), seq);
                    if bounds.count > 0 {
                        prop_assert_eq!(would.unwrap_or(before), ring.forgotten(), "as announced");
                        let newest = ring.newest().map(|entry| entry.seq);
                        prop_assert_eq!(newest, Some(seq), "it is owed to listeners");
                    }
                }
                Step::Expire { later } => {
                    now += later;
                    freed += ring.expire(now, &bounds);
                    model.expire(now, &bounds);
                }
                Step::ForgetOldest => {
                    freed += ring.forget_oldest();
                    if !model.held.is_empty() {
                        model.drop_oldest();
                    }
                }
            }
            prop_assert_eq!(seqs(&ring), seqs(&model.held));
            prop_assert_eq!(ring.forgotten(), model.forgotten);
            prop_assert_eq!(ring.bytes(), model.cost());
            prop_assert_eq!(ring.bytes() + freed.bytes, held.bytes, "there or given back");
            prop_assert_eq!(ring.len() + freed.entries, held.entries);
            for at in 0..=seq + 1 {
                let after: Vec<_> = seqs(&model.held).into_iter().filter(|&seq| seq > at).collect();
                prop_assert_eq!(ring.first_after(at).map(|entry| entry.seq), after.first().copied());
                prop_assert_eq!(seqs(ring.after(at)), after);
                prop_assert_eq!(ring.complete_since(at), at >= model.forgotten);
            }
        }
    }

    #[test]
    fn the_latest_of_each_slot_in_order(
        slots in proptest::collection::vec(proptest::option::of(0..4_u8), 0..40), after in 0..40_u64,
    ) {
        let bounds = Bounds { count: 30, bytes: usize::MAX, age_ms: u64::MAX };
        let (mut ring, mut model) = (Ring::new(0), Model::default());
        for (seq, slot) in (1..).zip(slots) {
            let mut entry = entry(seq, 1, 0);
            entry.slot = slot.map(|slot| Box::from([slot]));
            let entry = Arc::new(entry);
            let _ = ring.push(Arc::clone(&entry), &bounds);
            model.push(entry, &bounds);
        }
        prop_assert_eq!(seqs(&ring.newest_per_slot(after)), model.newest_per_slot(after));
    }
}

#[test]
fn an_entry_larger_than_the_ring_is_held_alone() {
    let bounds = Bounds { count: 10, bytes: 5_000, age_ms: 1_000 };
    let mut ring = Ring::new(0);
    let _ = ring.push(shared(1, 10, 0), &bounds);
    let _ = ring.push(shared(2, 100_000, 0), &bounds);
    assert_eq!(seqs(&ring), [2]);
    let _ = ring.push(shared(3, 10, 0), &bounds);
    assert_eq!(seqs(&ring), [3]);
}

#[test]
fn without_history_nothing_is_kept_and_all_is_a_gap() {
    let bounds = Bounds { count: 0, bytes: 5_000, age_ms: 1_000 };
    let mut ring = Ring::new(4);
    let entry = shared(9, 10, 0);
    let cost = entry.cost();
    assert_eq!(ring.push(entry, &bounds), Freed { bytes: cost, entries: 1 });
    assert!(ring.is_empty() && ring.bytes() == 0);
    assert_eq!((ring.forgotten(), ring.top(), ring.forgotten_why()), (9, 9, Reason::Ring));
    assert!(!ring.complete_since(8) && ring.complete_since(9));
}

#[test]
fn it_says_why_the_last_one_went() {
    let bounds = Bounds { count: 2, bytes: 100_000, age_ms: 100 };
    let mut ring = Ring::new_because(3, Reason::Restart);
    assert_eq!((ring.forgotten(), ring.forgotten_why()), (3, Reason::Restart));
    for seq in 4..=6 {
        let _ = ring.push(shared(seq, 1, 1_000), &bounds);
    }
    assert_eq!((ring.forgotten(), ring.forgotten_why()), (4, Reason::Ring));
    let _ = ring.forget_oldest();
    assert_eq!((ring.forgotten(), ring.forgotten_why()), (5, Reason::Memory));
    let _ = ring.expire(1_100, &bounds);
    assert_eq!(seqs(&ring), [6], "an age of just the bound is allowed");
    let _ = ring.expire(1_101, &bounds);
    assert_eq!((ring.forgotten(), ring.forgotten_why()), (6, Reason::Age));
}

#[test]
fn entries_without_a_slot_are_latest_by_their_event() {
    let bounds = Bounds { count: 10, bytes: 100_000, age_ms: 100 };
    let mut ring = Ring::new(0);
    for (seq, event) in [(1, "price"), (2, "halt"), (3, "price")] {
        let mut entry = entry(seq, 1, 0);
        entry.event = event.into();
        let _ = ring.push(Arc::new(entry), &bounds);
    }
    assert_eq!(seqs(&ring.newest_per_slot(0)), [2, 3]);
}

#[test]
fn a_clock_that_was_set_back_loses_nothing() {
    let bounds = Bounds { count: 10, bytes: 100_000, age_ms: 100 };
    let mut ring = Ring::new(0);
    let _ = ring.push(shared(1, 1, 50_000), &bounds);
    let _ = ring.push(shared(2, 1, 10), &bounds);
    let _ = ring.expire(20, &bounds);
    assert_eq!(seqs(&ring), [1, 2]);
}
