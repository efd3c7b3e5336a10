//! Law 3: a request is carried out at most once, however often it is sent, over drops and in whatever dialect.

use crate::law::law;
use crate::steps::{bounds, steps};
use crate::support::rooms::Bounded;
use crate::support::steps::Step;
use crate::support::world::World;
use proptest::prelude::any;
use serde_json::Value;
use std::collections::BTreeSet;

/// The number that each data has of its own.
pub fn token(data: &str) -> u64 {
    let data: Value = serde_json::from_str(data).expect("data is JSON");
    data["n"].as_u64().expect("our data has a number")
}

/// A world that lived these steps, and in which nobody owes anything any more.
pub fn settled(bounded: Bounded, steps: &[Step], seed: u64) -> World {
    let mut world = World::new(bounded, 4, seed);
    world.cuts = seed.is_multiple_of(2);
    for step in steps {
        world.step(step);
    }
    world.come_to_rest();
    world
}

#[test]
fn a_request_is_carried_out_at_most_once() {
    let cases = (bounds(), steps(4, 60), any::<u64>());
    law("a_request_is_carried_out_at_most_once", 1000, &cases, |(bounded, steps, seed)| {
        let world = settled(bounded, &steps, seed);
        for (data, count) in &world.app.done {
            assert_eq!(*count, 1, "the handler ran {count} times for {data}");
        }
        let mut said = BTreeSet::new();
        for entry in world.truth.entries.values() {
            assert!(said.insert(token(&entry.data)), "{} was said twice", &entry.data);
        }
    });
}
