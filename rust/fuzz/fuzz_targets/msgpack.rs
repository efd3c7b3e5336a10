//! Any bytes as a `MessagePack` frame: see `envelope.rs` beside this file for what must hold.
#![no_main]

mod envelope;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| envelope::must_hold(rtcore_core::Form::Msgpack, bytes));
