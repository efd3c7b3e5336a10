//! Law 2: a listener hears each entry of its rooms at most once, in number order; what it does not hear is
//! covered by a gap that it was told of. And presence, applied as sets, is who is there.

use crate::steps::{Step, steps};
use crate::support::cases;
use crate::support::rooms::Bounded;
use crate::support::world::World;
use proptest::prelude::*;
use std::collections::BTreeSet;

pub fn bounds() -> impl Strategy<Value = Bounded> {
    let ring = prop_oneof![Just(2_usize), Just(4), Just(1024)];
    let outbox = prop_oneof![Just(200_u64), Just(700), Just(64 * 1024)];
    let memory = prop_oneof![4 => Just(256_u64 << 20), 1 => Just(4_000)];
    (ring, outbox, memory).prop_map(|(ring, outbox, memory)| Bounded { ring, outbox, memory })
}

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

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn what_is_not_heard_is_told_as_a_gap(bounded in bounds(), steps in steps(4, 60), seed: u64) {
        live(bounded, &steps, seed);
    }

    #[test]
    fn presence_applied_as_sets_is_who_is_there(bounded in bounds(), steps in steps(4, 60), seed: u64) {
        let world = live(bounded, &steps, seed);
        for client in world.clients.iter().filter(|client| client.welcomed) {
            for (room, seen) in &client.seen {
                let members = world.engine.members(room).unwrap_or_default();
                let there: BTreeSet<String> = members.iter().map(|member| member.name.to_string()).collect();
                prop_assert_eq!(seen, &there, "in {}", room);
            }
        }
    }
}
