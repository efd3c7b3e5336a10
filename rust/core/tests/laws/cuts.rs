//! Law 5: where TCP cuts the stream changes nothing. Two worlds live the same steps, one with its bytes whole
//! and one with them in random pieces: every client hears the same, in the same order.
//!
//! The application answers at once here, and they are compared while they live: its late words meet bytes that are
//! still on their way in one of the worlds, which is another order of what happens and no other place of a cut.

use crate::law::law;
use crate::steps::{bounds, steps};
use crate::support::rooms::Bounded;
use crate::support::steps::Step;
use crate::support::world::World;
use proptest::prelude::any;

fn live(bounded: Bounded, steps: &[Step], seed: u64, cuts: bool) -> World {
    let mut world = World::new(bounded, 4, seed);
    world.cuts = cuts;
    for step in steps.iter().filter(|step| !matches!(step, Step::Thinks(_))) {
        world.step(step);
    }
    world
}

#[test]
fn where_the_stream_is_cut_changes_nothing() {
    let cases = (bounds(), steps(4, 60), any::<u64>());
    law("where_the_stream_is_cut_changes_nothing", 1000, &cases, |(bounded, steps, seed)| {
        let whole = live(bounded, &steps, seed, false);
        let pieces = live(bounded, &steps, seed, true);
        assert_eq!(whole.head(), pieces.head());
        for (whole, pieces) in whole.clients.iter().zip(&pieces.clients) {
            assert_eq!(&whole.inbox, &pieces.inbox);
            assert_eq!(&whole.closes, &pieces.closes);
        }
    });
}
