//! Law 5: where TCP cuts the stream changes nothing. Two worlds live the same steps, one with its bytes whole
//! and one with them in random pieces: every client hears the same, in the same order.

use crate::listen::bounds;
use crate::steps::{Step, steps};
use crate::support::cases;
use crate::support::rooms::Bounded;
use crate::support::world::World;
use proptest::prelude::*;

fn live(bounded: Bounded, steps: &[Step], seed: u64, cuts: bool) -> World {
    let mut world = World::new(bounded, 4, seed);
    world.cuts = cuts;
    for step in steps {
        world.step(step);
    }
    world
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn where_the_stream_is_cut_changes_nothing(bounded in bounds(), steps in steps(4, 60), seed: u64) {
        let whole = live(bounded, &steps, seed, false);
        let pieces = live(bounded, &steps, seed, true);
        prop_assert_eq!(whole.head(), pieces.head());
        for (whole, pieces) in whole.clients.iter().zip(&pieces.clients) {
            prop_assert_eq!(&whole.inbox, &pieces.inbox);
            prop_assert_eq!(&whole.closes, &pieces.closes);
        }
    }
}
