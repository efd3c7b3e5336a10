//! Updates of Yjs, and state vectors.
//! What must hold is said in `rust/data/tests/any`, where plain `cargo test` runs it too.
#![no_main]

#[path = "../../data/tests/any/yjs.rs"]
mod any;

use rtcore_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| any::must_hold(bytes));
