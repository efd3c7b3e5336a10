//! The PROXY protocol's header.
//! What must hold is said in `rust/core/tests/any`, where plain `cargo test` runs it too.
#![no_main]

#[path = "../../core/tests/any/proxy.rs"]
mod any;

use rtcore_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| any::must_hold(bytes));
