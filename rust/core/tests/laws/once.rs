//! Laws 1 and 3: what was acknowledged is in the log; a request is carried out at most once, however often it
//! is sent.

use crate::steps::steps;
use crate::support::cases;
use crate::support::rooms::Bounded;
use crate::support::world::World;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;

/// The number that each data has of its own.
fn token(data: &str) -> u64 {
    let data: Value = serde_json::from_str(data).expect("data is JSON");
    data["n"].as_u64().expect("our data has a number")
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_request_is_carried_out_at_most_once(steps in steps(4, 60), seed: u64) {
        let mut world = World::new(Bounded::default(), 4, seed);
        world.cuts = seed % 2 == 0;
        for step in &steps {
            world.step(step);
        }
        world.come_to_rest();
        for (data, count) in &world.app.done {
            prop_assert_eq!(*count, 1, "the handler ran {} times for {}", count, data);
        }
        let mut said = BTreeMap::new();
        for (seq, entry) in &world.truth.entries {
            let before = said.insert(token(&entry.data), *seq);
            prop_assert_eq!(before, None, "{} was said twice", &entry.data);
        }
        for client in &world.clients {
            for (id, ack) in &client.acks {
                let asked = &client.asked[id];
                if let (Some("publish"), Some(seq)) = (asked["type"].as_str(), ack["data"]["seq"].as_u64()) {
                    let logged = said.get(&asked["data"]["n"].as_u64().expect("our data has a number"));
                    prop_assert_eq!(logged, Some(&seq), "request {} was acknowledged", asked);
                }
            }
        }
    }
}
