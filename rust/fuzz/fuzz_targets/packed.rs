//! Frames that are compressed as the hello agreed.
//! What must hold is said in `rust/core/tests/any`, where plain `cargo test` runs it too.
#![no_main]

#[path = "../../core/tests/any/packed.rs"]
mod any;

/// A Brotli stream may have a window of 22 bits, and says so in its first byte. The ring for it has room for 42 bytes of a
/// word and for one copy beyond; what the library adds is below a KiB.
const BROTLI_RING: usize = (1 << 22) + 1024;

libfuzzer_sys::fuzz_target!(
    init: rtcore_fuzz::allow_window(BROTLI_RING),
    |bytes: &[u8]| any::must_hold(bytes)
);
