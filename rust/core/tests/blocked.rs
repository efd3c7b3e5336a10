//! A room with the policy `block` lets go of nothing that a connected member has yet to hear, whatever its events are made of.

mod support;

use proptest::prelude::*;
use rtcore_core::Limits;
use rtcore_core::engine::{Config, Unpublished};
use rtcore_core::log::ring::Bounds;
use rtcore_core::room::settings::{Policy, Settings};
use support::said::publication;
use support::yard::Yard;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The attack: events with long names and traces, which the ring weighs and the publisher's bound did not: it let them in,
    /// and the slow member was told of a gap that such a room promises not to have.
    #[test]
    fn whoever_waits_is_held_before_the_ring_lets_go(
        events in prop::collection::vec((1usize..250, 0usize..600, 0usize..200, any::<bool>()), 1..60)
    ) {
        let bounds = Bounds { count: 1_000, bytes: 6_000, age_ms: 60_000 };
        let mut yard = Yard::with(Config {
            limits: Limits { outbox: 1, ..Limits::default() },
            rooms: vec![Settings { policy: Policy::Block, key: Some("k".into()), ..Settings::new("block", bounds) }],
            ..Config::default()
        });
        let (slow, _) = yard.socket();
        yard.frame(slow, r#"{"type":"join","id":1,"room":"block"}"#);
        yard.hear(slow);
        let mut said = 0;
        for (event, data, trace, slotted) in events {
            let (event, trace) = ("e".repeat(event), "t".repeat(trace));
            let data = format!("{{\"{}\":\"{}\"}}", if slotted { "k" } else { "x" }, "d".repeat(data));
            let mut publication = publication("block", &event, data.as_bytes());
            publication.trace = Some(&trace);
            match yard.engine.publish(&publication, yard.now) {
                Ok(_) => said += 1,
                Err(Unpublished::Blocked(_)) => break,
                Err(other) => panic!("{other:?}"),
            }
            yard.turn();
        }
        let heard = yard.hear(slow);
        prop_assert!(!heard.contains("\"type\":\"gap\""), "{said} were said");
        prop_assert_eq!(heard.matches("\"type\":\"event\"").count(), said);
    }
}
