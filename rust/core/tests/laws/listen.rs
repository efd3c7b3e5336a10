//! Law 2: a listener hears each entry of its rooms at most once, in number order; what it does not hear is
//! covered by a gap that it was told of. And presence, applied as sets, is who is there.

use crate::law::law;
use crate::steps::{bounds, steps};
use crate::support::rooms::Bounded;
use crate::support::steps::Step;
use crate::support::world::World;
use proptest::prelude::any;
use std::collections::BTreeSet;

fn live(bounded: Bounded, steps: &[Step], seed: u64) -> World {
    let mut world = World::new(bounded, 4, seed);
    world.cuts = seed.is_multiple_of(2);
    for step in steps {
        world.step(step);
        world.check_heard();
    }
    world.come_to_rest();
    world
}

#[test]
fn what_is_not_heard_is_told_as_a_gap() {
    let cases = (bounds(), steps(4, 60), any::<u64>());
    law("what_is_not_heard_is_told_as_a_gap", 1000, &cases, |(bounded, steps, seed)| {
        live(bounded, &steps, seed);
    });
}

#[test]
fn presence_applied_as_sets_is_who_is_there() {
    let cases = (bounds(), steps(4, 60), any::<u64>());
    law("presence_applied_as_sets_is_who_is_there", 1000, &cases, |(bounded, steps, seed)| {
        let world = live(bounded, &steps, seed);
        for client in world.clients.iter().filter(|client| client.welcomed) {
            for (room, seen) in &client.seen {
                let members = world.engine.members(room).unwrap_or_default();
                let there: BTreeSet<String> = members.iter().map(|member| member.name.to_string()).collect();
                assert_eq!(seen, &there, "in {room}");
            }
        }
    });
}
