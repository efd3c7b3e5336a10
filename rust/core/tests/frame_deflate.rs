//! permessage-deflate against RFC 7692, and against those who would use it as a lever.

use proptest::prelude::*;
use rtcore_core::codes::close;
use rtcore_core::frame::deflate::{Deflater, Inflater};

fn deflated(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Deflater::new(6, false).deflate(data, &mut out);
    out
}

fn inflated(data: &[u8]) -> Result<Vec<u8>, u16> {
    Inflater::new(false).inflate(data, 1 << 20).map_err(|broken| broken.code)
}

const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

/// RFC 7692 §7.2.3.1.
#[test]
fn one_block() {
    assert_eq!(inflated(&HELLO).unwrap(), b"Hello");
    assert_eq!(deflated(b"Hello"), HELLO);
}

/// RFC 7692 §7.2.3.2: the second message refers to the first.
#[test]
fn a_shared_window() {
    let mut inflater = Inflater::new(true);
    assert_eq!(inflater.inflate(&HELLO, 10).unwrap(), b"Hello");
    assert_eq!(inflater.inflate(&[0xf2, 0x00, 0x11, 0x00, 0x00], 10).unwrap(), b"Hello");
    let mut deflater = Deflater::new(6, true);
    let (mut first, mut second) = (Vec::new(), Vec::new());
    deflater.deflate(b"Hello", &mut first);
    deflater.deflate(b"Hello", &mut second);
    assert_eq!(first, HELLO);
    assert_eq!(second, [0xf2, 0x00, 0x11, 0x00, 0x00]);
    // Without takeover there is nothing to refer to.
    let mut inflater = Inflater::new(false);
    inflater.inflate(&HELLO, 10).unwrap();
    assert_eq!(inflater.inflate(&[0xf2, 0x00, 0x11, 0x00, 0x00], 10).unwrap_err().code, close::BAD_DATA);
}

/// RFC 7692 §7.2.3.3.
#[test]
fn a_stored_block() {
    let bytes = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
    assert_eq!(inflated(&bytes).unwrap(), b"Hello");
    let mut out = Vec::new();
    Deflater::new(0, false).deflate(b"Hello", &mut out);
    assert_eq!(inflated(&out).unwrap(), b"Hello");
}

/// RFC 7692 §7.2.3.4: a block with BFINAL set, and the empty block after it.
#[test]
fn a_final_block() {
    let bytes = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    assert_eq!(inflated(&bytes).unwrap(), b"Hello");
    // Not quite right, but it can mean nothing else.
    assert_eq!(inflated(&bytes[..7]).unwrap(), b"Hello");
    let mut inflater = Inflater::new(true);
    for _ in 0..3 {
        assert_eq!(inflater.inflate(&bytes, 10).unwrap(), b"Hello");
    }
}

/// RFC 7692 §7.2.3.5.
#[test]
fn two_blocks() {
    let bytes = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(inflated(&bytes).unwrap(), b"Hello");
}

/// RFC 7692 §7.2.3.6.
#[test]
fn an_empty_message() {
    assert_eq!(deflated(b""), [0x00]);
    assert_eq!(inflated(&[0x00]).unwrap(), b"");
    assert_eq!(inflated(b"").unwrap(), b"");
    let (mut deflater, mut inflater) = (Deflater::new(6, true), Inflater::new(true));
    for data in [&b"a"[..], b"", b"", b"a", b""] {
        let mut out = Vec::new();
        deflater.deflate(data, &mut out);
        assert_eq!(inflater.inflate(&out, 10).unwrap(), data);
    }
}

#[test]
fn garbage_is_broken_also_after_a_final_block() {
    for bytes in [
        &[0xff; 20][..],
        &[0x06][..],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0xff, 0xff, 0xff],
        &[0x00, 0x05, 0x00, 0x00, 0x00, 0x48],
    ] {
        assert_eq!(inflated(bytes), Err(close::BAD_DATA), "{bytes:02x?}");
    }
    // The shared inflater serves the next message as if nothing had been.
    let mut inflater = Inflater::new(false);
    assert!(inflater.inflate(&[0xff; 20], 100).is_err());
    assert_eq!(inflater.inflate(&HELLO, 100).unwrap(), b"Hello");
}

#[test]
fn a_message_that_is_cut_off_is_broken() {
    let whole = deflated(&(0..=255).cycle().take(5000).collect::<Vec<u8>>());
    for end in [1, 5, 100, whole.len() - 2] {
        assert_eq!(inflated(&whole[..end]), Err(close::BAD_DATA), "{end}");
    }
}

/// A bomb: 64 KiB that become 64 MiB. Never more than the limit is held, whatever it would become.
#[test]
fn a_bomb_is_bounded_while_it_goes_off() {
    let bomb = deflated(&vec![0; 64 << 20]);
    assert!(bomb.len() < 80_000);
    for max in [0, 1, 1000, 1 << 20] {
        let broken = Inflater::new(false).inflate(&bomb, max).unwrap_err();
        assert_eq!(broken.code, close::TOO_BIG);
        assert!(broken.reason.contains(&max.to_string()), "{}", broken.reason);
    }
    let exact = Inflater::new(false).inflate(&bomb, 64 << 20).unwrap();
    assert_eq!(exact.len(), 64 << 20);
    assert!(exact.capacity() <= (64 << 20) + 64);
}

/// Two bytes each that make the receiver begin anew.
#[test]
fn endless_final_blocks_are_broken() {
    assert_eq!(inflated(&[0x03, 0x00].repeat(60)).unwrap(), b"");
    assert_eq!(inflated(&[0x03, 0x00].repeat(1000)), Err(close::BAD_DATA));
}

proptest! {
    #[test]
    fn what_is_deflated_is_inflated(
        messages in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..3000),
                "[abc]{0,3000}".prop_map(String::into_bytes),
                (0usize..200_000).prop_map(|len| vec![7; len]),
            ],
            1..6,
        ),
        level in 0u32..10,
        takeover in any::<bool>(),
    ) {
        let (mut deflater, mut inflater) = (Deflater::new(level, takeover), Inflater::new(takeover));
        for message in messages {
            let mut out = b"before".to_vec();
            deflater.deflate(&message, &mut out);
            prop_assert_eq!(&out[..6], b"before");
            prop_assert!(!out.ends_with(&[0, 0, 0xff, 0xff]) || message.ends_with(&[0xff]));
            let back = inflater.inflate(&out[6..], message.len()).unwrap();
            prop_assert!(back.capacity() <= message.len() + 64);
            prop_assert_eq!(back, message);
        }
    }

    #[test]
    fn any_bytes_are_inflated_or_broken(
        bytes in prop::collection::vec(any::<u8>(), 0..500),
        max in 0usize..2000,
        takeover in any::<bool>(),
    ) {
        if let Ok(out) = Inflater::new(takeover).inflate(&bytes, max) {
            prop_assert!(out.len() <= max && out.capacity() <= max + 64);
        }
    }
}
