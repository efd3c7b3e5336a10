//! Laws 1 to 3 with a store that answers late, out of step with turns, with an error, or not at all (`support/stored.rs`).

use crate::law::law;
use crate::steps::{bounds, steps};
use crate::support::stored::{Act, Stored};
use proptest::prelude::*;

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        8 => steps(4, 12).prop_map(Act::Steps),
        6 => (0..4_usize).prop_map(Act::Answer),
        1 => Just(Act::Refuse),
        1 => Just(Act::Doubt),
        2 => any::<bool>().prop_map(Act::Decide),
        1 => any::<bool>().prop_map(Act::Quick),
        1 => prop::bool::weighted(0.2).prop_map(Act::Unreadable),
    ];
    prop::collection::vec(act, 1..40)
}

#[test]
fn what_is_told_is_on_disk_whatever_the_store_does() {
    let cases = (bounds(), acts(), any::<u64>());
    law("what_is_told_is_on_disk_whatever_the_store_does", 300, &cases, |(bounded, acts, seed)| {
        let mut stored = Stored::new(bounded, seed);
        for act in &acts {
            stored.act(act);
            stored.check();
        }
        stored.rest();
        stored.check();
        stored.check_done();
    });
}
