//! The PROXY protocol's header, either version.

use rtcore_core::frame::proxy::{Told, begins, parse};

pub fn must_hold(bytes: &[u8]) {
    match parse(bytes) {
        Ok(None) => {
            assert!(bytes.len() < 16 + 4096, "it waits for no more than a header may have");
            assert!(bytes.is_empty() || begins(bytes));
        }
        Ok(Some((told, length))) => {
            assert!(begins(bytes) && length <= bytes.len());
            // Where it is cut changes nothing, and nothing behind it matters.
            assert_eq!(parse(&bytes[..length]), Ok(Some((told, length))));
            for cut in 0..length.min(64) {
                assert_eq!(parse(&bytes[..cut]), Ok(None), "the first {cut} bytes");
            }
            if let Told::Client { address, .. } = told {
                assert_eq!(address, address.to_canonical());
            }
        }
        Err(why) => assert!(!why.is_empty() && why.len() < 1_000 && !why.chars().any(char::is_control)),
    }
}
