//! Random steps of a world, held against a plain model of what each client must hear.
//! What must hold is said in `rust/core/tests/any`, where plain `cargo test` runs it too.
#![no_main]

#[path = "../../core/tests/any/world.rs"]
mod any;
#[path = "../../core/tests/support/mod.rs"]
mod support;

use rtcore_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| any::must_hold(bytes));
