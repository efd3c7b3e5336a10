//! Collections at a server and at a client, and what is kept of them, whatever a peer, a file or a disk says.
//! What must hold is said in `rust/data/tests/any`, where plain `cargo test` runs it too.
#![no_main]

#[path = "../../data/tests/any/shared.rs"]
mod any;

use rtcore_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| any::must_hold(bytes));
