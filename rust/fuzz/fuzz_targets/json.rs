//! Any bytes as a JSON frame.
//! What must hold is said in `rust/core/tests/any`, where plain `cargo test` runs it too.
#![no_main]

#[path = "../../core/tests/any/envelope.rs"]
#[allow(dead_code, reason = "the other form has a target of its own")]
mod any;

use rtcore_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| any::json(bytes));
