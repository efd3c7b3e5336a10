//! A world without sockets: an engine, a clock that only moves when told, peers that read when and as much
//! as they like, and an application that answers by script.
//!
//! Everything that happens follows from the list of steps and one seed, so that a failure can be had again
//! from what the test prints.
#![allow(dead_code, reason = "each test program uses a part of this")]

pub mod app;
pub mod client;
pub mod link;
pub mod record;
pub mod rng;
pub mod rooms;
pub mod truth;
pub mod wire;
pub mod world;

use proptest::prelude::ProptestConfig;

/// So many cases in the ordinary run; `PROPTEST_CASES` says another number.
pub fn cases(many: u32) -> ProptestConfig {
    let set = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig { cases: set.unwrap_or(many), failure_persistence: None, ..ProptestConfig::default() }
}
