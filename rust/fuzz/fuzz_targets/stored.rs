//! Random steps of a world whose store answers late, wrongly or not at all.
//! What must hold is said in `rust/core/tests/any`, where plain `cargo test` runs it too.
#![no_main]

#[path = "../../core/tests/any/stored.rs"]
mod any;
#[path = "../../core/tests/support/mod.rs"]
mod support;
#[path = "../../core/tests/any/world.rs"]
#[allow(dead_code, reason = "its dice are used, and its own target plays the rest")]
mod world;

use rtcore_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| any::must_hold(bytes));
