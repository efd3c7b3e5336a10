//! Law 1: what was acknowledged is in the log, once, under the number that the ack says. (What must be on disk first is
//! the store's: the engine has only memory.)

use crate::law::law;
use crate::once::{settled, token};
use crate::steps::{bounds, steps};
use proptest::prelude::any;
use std::collections::BTreeMap;

#[test]
fn what_was_acknowledged_is_in_the_log() {
    let cases = (bounds(), steps(4, 60), any::<u64>());
    law("what_was_acknowledged_is_in_the_log", 1000, &cases, |(bounded, steps, seed)| {
        let world = settled(bounded, &steps, seed);
        let logged: BTreeMap<u64, u64> =
            world.truth.entries.iter().map(|(seq, entry)| (token(&entry.data), *seq)).collect();
        for client in &world.clients {
            for (id, ack) in &client.acks {
                let asked = &client.asked[id];
                let (Some("publish"), Some(seq)) = (asked["type"].as_str(), ack["data"]["seq"].as_u64())
                else {
                    continue;
                };
                assert_ne!(asked["volatile"], true, "a volatile event has no number: {ack}");
                match logged.get(&asked["data"]["n"].as_u64().expect("our data has a number")) {
                    Some(logged) => assert_eq!(*logged, seq, "request {asked} was acknowledged"),
                    // A ring can let go of an entry within the step that said it; then no other may have its number.
                    None => assert!(
                        seq <= world.head() && !world.truth.entries.contains_key(&seq),
                        "request {asked} was acknowledged as {seq}, where something else is"
                    ),
                }
            }
        }
    });
}
