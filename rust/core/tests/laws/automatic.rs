//! Keys that a client library makes, against a model of a few lines: each goes with the ack that its client says is here.

use crate::law::law;
use crate::support::rooms::{Bounded, config};
use crate::support::steps::Step;
use crate::support::world::World;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;

/// A client that says requests with keys of its library (true) or of its own, and what it has: none of these, it says nothing.
fn keyed() -> impl Strategy<Value = Vec<(bool, Option<usize>)>> {
    let has = prop::option::weighted(0.3, any::<prop::sample::Index>().prop_map(|at| at.index(1000)));
    prop::collection::vec((prop::bool::weighted(0.8), has), 1..30)
}

#[test]
fn keys_of_a_library_go_with_the_acks_that_are_here() {
    law("keys_of_a_library_go_with_the_acks_that_are_here", 300, &(keyed(), 1..6_u64), |(asks, quota)| {
        let mut config = config(Bounded::default());
        config.limits.keys_per_user = quota;
        let mut world = World::with(config, 1, 1);
        world.step(&Step::Connect(0));
        let mut held: BTreeMap<u64, bool> = BTreeMap::new();
        let mut acked = 0;
        for (id, (automatic, has)) in (1..).zip(asks) {
            let key = format!("{}{id}", if automatic { "$" } else { "k" });
            let mut emit = json!({"type": "emit", "id": id, "event": "work", "data": {"n": id}, "key": key});
            if let Some(has) = has {
                acked = acked.max(has as u64 % id);
                emit["acked"] = json!(acked);
                held.retain(|id, automatic| *id > acked || !*automatic);
            }
            let before = world.clients[0].inbox.len();
            world.clients[0].asked.insert(id, emit.clone());
            world.clients[0].say(&emit);
            world.settle();
            let ack = world.clients[0].inbox[before..].iter().find(|said| said["id"] == json!(id));
            let refused = ack.expect("it was answered")["error"]["code"] == "OVERLOADED";
            assert_eq!(refused, held.len() as u64 >= quota, "{id} has {acked}, of {quota}: {held:?}");
            if !refused {
                held.insert(id, automatic);
            }
        }
    });
}
