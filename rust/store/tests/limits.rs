//! Rooms let go of what is beyond their bounds, and the file shrinks.

mod world;

use proptest::prelude::*;
use rtcore_core::store::Report;
use rtcore_store::{Bounds, Options};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use world::{World, options, said};

fn bounded(bounds: Bounds, clock: &Arc<AtomicU64>) -> Options {
    let clock = Arc::clone(clock);
    let mut options = options();
    options.bounds = Box::new(move |name| if name.starts_with('b') { bounds } else { Bounds::default() });
    options.clock = Box::new(move || clock.load(Ordering::Relaxed));
    options
}

fn freed(world: &World) -> u64 {
    let upto = |report| if let Report::Freed { upto, .. } = report { Some(upto) } else { None };
    world.said().into_iter().filter_map(upto).max().unwrap_or(0)
}

#[test]
fn a_room_holds_as_many_entries_as_it_may_and_says_what_it_let_go_of() {
    let clock = Arc::default();
    let bounds = Bounds { count: 10, ..Bounds::default() };
    let mut world = World::new(bounded(bounds, &clock));
    world.write((1..=3_000).map(|seq| said(seq, if seq % 2 == 0 { "b" } else { "a" })).collect());
    world.store().settle();
    assert_eq!(freed(&world), 2_980);
    let (entries, complete, freed) = world.after("b", 0, 99);
    assert_eq!((entries[0].seq, entries.len(), complete, freed), (2_982, 10, true, 2_980));
    assert_eq!(world.numbers("a").len(), 1_500);
    world.again(bounded(bounds, &clock));
    let room = world.kept.rooms.iter().find(|room| &*room.name == "b").unwrap();
    assert_eq!((room.first, room.last, room.count, room.freed), (2_982, 3_000, 10, 2_980));
}

#[test]
fn a_room_holds_as_many_bytes_as_it_may() {
    let clock = Arc::default();
    let mut world = World::new(bounded(Bounds { bytes: 4_000, ..Bounds::default() }, &clock));
    world.write((1..=500).map(|seq| said(seq, "b")).collect());
    world.store().settle();
    let held = world.numbers("b").len();
    assert!((50..150).contains(&held), "{held}");
}

#[test]
fn a_room_holds_entries_as_old_as_they_may_be() {
    let clock = Arc::<AtomicU64>::default();
    let mut world = World::new(bounded(Bounds { age_ms: 5_000, ..Bounds::default() }, &clock));
    // An entry's time is 1,000 more than its number.
    world.write((1..=500).map(|seq| said(seq, "b")).collect());
    clock.store(6_300, Ordering::Relaxed);
    world.store().settle();
    assert_eq!(world.numbers("b")[0], 300);
    clock.store(60_000, Ordering::Relaxed);
    world.store().settle();
    assert_eq!(world.numbers("b"), []);
    assert_eq!(world.after("b", 0, 9), (vec![], true, 500));
    world.write(vec![said(501, "b")]);
    world.again(bounded(Bounds::default(), &clock));
    let room = &world.kept.rooms[0];
    assert_eq!((room.first, room.last, room.count, room.freed), (501, 501, 1, 500));
}

#[test]
fn the_file_shrinks_when_its_rooms_do() {
    let clock = Arc::default();
    let mut world = World::new(bounded(Bounds { count: 10, ..Bounds::default() }, &clock));
    world.write((1..=9_000).map(|seq| said(seq, "a")).collect());
    world.store().settle();
    let full = world.store().health().log_bytes;
    // The same file, in which the same room may hold less.
    let mut less = options();
    less.bounds = Box::new(|_| Bounds { count: 10, ..Bounds::default() });
    world.again(less);
    world.store().settle();
    let small = world.store().health();
    assert!(small.log_bytes < full / 4, "{full} to {}", small.log_bytes);
    assert_eq!(small.journal_bytes, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is written, let go of, folded and begun again: a room holds the newest of what it may, in order.
    #[test]
    fn what_is_held_is_the_newest_whatever_was_folded(
        steps in prop::collection::vec((0u8..4, 1u64..90), 1..30), count in 1u64..40,
    ) {
        let clock = Arc::default();
        let bounds = || Bounds { count, ..Bounds::default() };
        let mut world = World::new(bounded(bounds(), &clock));
        let mut model: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        let mut seq = 0;
        for (kind, many) in steps {
            match kind {
                0 | 1 => {
                    let records = (0..many).map(|n| {
                        seq += 1 + n % 3;
                        let room = ["a", "b1", "b2"][(seq % 3) as usize];
                        model.entry(room.into()).or_default().push(seq);
                        said(seq, room)
                    });
                    let records = records.collect();
                    world.store().write(rtcore_core::store::Group { id: 1, sync: rtcore_core::store::Sync::Commit, records });
                }
                2 => world.store().settle(),
                _ => world.again(bounded(bounds(), &clock)),
            }
        }
        world.store().settle();
        for (room, said) in &model {
            let kept = if room == "a" { 0 } else { said.len().saturating_sub(usize::try_from(count).unwrap()) };
            world.said();
            prop_assert_eq!(&world.numbers(room), &said[kept..], "{}", room);
            let newest: Vec<u64> = world.last(room, seq, 5).0.iter().map(|entry| entry.seq).collect();
            prop_assert_eq!(&newest[..], &said[kept.max(said.len().saturating_sub(5))..]);
        }
    }
}
