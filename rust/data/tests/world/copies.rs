//! Copies of one file that go on writing, each by itself.
//!
//! Each change adds a mark of its own to a set, so that one that was done twice, or lost, is seen.

use super::{Step, World, steps};
use proptest::prelude::*;
use rtcore_data::{Strategy, Value};
use std::collections::BTreeSet;

/// What a change adds to the set, as it is said (`add`) or heard (`e`).
fn marks(value: Option<&Value>, field: &str) -> Vec<String> {
    match value.and_then(|it| it.get("tags")?.get(field)) {
        Some(Value::Map(map)) => map.iter().map(|(mark, _)| mark.to_string()).collect(),
        Some(Value::List(list)) => list.iter().filter_map(Value::as_text).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

proptest! {
    #[test]
    fn what_copies_of_a_file_say_is_done_once_or_told(steps in steps(), from in 0_usize..4) {
        let mut world = World::new(Strategy::Merge);
        let copy = Step::Copy(from, (from + 1) % 4);
        // The copy is there early, and both are opened anew after it: under one number, or one of them later.
        world.step(&Step::Change(from, 0, 0, false));
        world.step(&copy);
        for step in &steps {
            match step {
                Step::Change(at, key, 2..=3, off) => world.step(&Step::Change(*at, *key, 2, *off)),
                Step::Change(_, _, 0, _) => world.step(step),
                Step::Change(..) | Step::Decide(..) | Step::Server(true) | Step::Copy(..) => {}
                step => world.step(step),
            }
        }
        world.heal();
        world.judge()?;
        let mut done: Vec<String> = world.log.iter().flat_map(|(_, _, data)| marks(data.get("value"), "e")).collect();
        done.sort_unstable();
        prop_assert!(done.windows(2).all(|two| two[0] != two[1]), "done twice: {:?}", done);
        let told: BTreeSet<String> = world.clients.iter().flat_map(|client| {
            let refused = client.replica.refused.iter().map(|it| &it.change);
            let failed = refused.chain(client.replica.conflicts.iter().map(|it| &it.change));
            failed.flat_map(|change| marks(change.said.get("value"), "add")).collect::<Vec<_>>()
        }).collect();
        for mark in &world.marks {
            prop_assert!(done.contains(mark) || told.contains(mark), "{} is lost", mark);
        }
    }
}
