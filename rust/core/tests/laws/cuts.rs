//! Law 5: where TCP cuts the stream changes nothing.

use crate::steps::{Step, steps};
use crate::support::cases;
use crate::support::link::Reads;
use crate::support::rooms::Bounded;
use crate::support::world::World;
use proptest::prelude::*;

/// All that every connection was sent, byte for byte.
fn heard(steps: &[Step], cuts: bool, seed: u64) -> Vec<(usize, Vec<u8>, String)> {
    // Whether an outbox is full depends on when its socket drains: that is another law. Here it never is.
    let mut world = World::new(Bounded { outbox: 65_536, ring: 4, ..Bounded::default() }, 3, seed);
    world.cuts = cuts;
    for step in steps {
        // A shell that is told to pause holds back other bytes with each cut, and then what is a turn
        // differs; so here the application decides at once, and nobody waits for a reader.
        match step {
            Step::Thinks(_) | Step::Reads(_, Reads::Nothing | Reads::Upto(_)) => {}
            step => world.step(step),
        }
    }
    world
        .clients
        .iter()
        .map(|client| {
            let down = client.link.as_ref().map_or(Vec::new(), |link| link.down.clone());
            (client.heard_bytes, down, format!("{:?}", client.inbox))
        })
        .collect()
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn where_the_stream_is_cut_changes_nothing(steps in steps(3, 50), seed: u64) {
        prop_assert_eq!(heard(&steps, false, seed), heard(&steps, true, seed));
    }
}
