//! The lengths of frames, and those of `MessagePack`.

use rtcore_core::envelope::{digest, field, messages, read, transcode};
use rtcore_core::frame::websocket::{Decoder, Role, opcode, write_frame};
use rtcore_core::frame::{Inflater, websocket};
use rtcore_core::names::Names;
use rtcore_core::{Form, Limits};

const MAX: usize = 1000;
const ENDS: [u64; 9] =
    [1001, 0x1_0000, 1 << 31, 1 << 32, 1 << 53, (1 << 63) - 14, (1 << 63) - 1, 1 << 63, u64::MAX];

fn fragment(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    write_frame(&mut wire, kind, false, Some([0; 4]), payload);
    wire[0] &= 0x7f; // it is not the last
    wire
}

/// A masked header with a length of 64 bits (16, where that is the only right way), and a few bytes of the payload.
fn header(first: u8, len: u64) -> Vec<u8> {
    let length = match u16::try_from(len) {
        Ok(len) => [&[0xfe][..], &len.to_be_bytes()].concat(),
        Err(_) => [&[0xff][..], &len.to_be_bytes()].concat(),
    };
    [&[first][..], &length, &[0; 4], &[b'x'; 20]].concat()
}

fn read_all(wire: &[u8], deflate: bool) -> Result<Decoder, u16> {
    let (mut decoder, mut inflater) = (Decoder::new(Role::Server, deflate), Inflater::new(false));
    let mut rest = wire.to_vec();
    loop {
        let (used, event) = decoder.next(&mut rest, MAX, &mut inflater).map_err(|broken| broken.code)?;
        rest.drain(..used);
        if event.is_none() {
            return Ok(decoder);
        }
    }
}

#[test]
fn a_frame_longer_than_a_message_may_be_is_refused_whatever_came_before() {
    for len in ENDS {
        for before in [None, Some(0), Some(1), Some(999)] {
            for (first, deflate) in
                [(0x82, false), (0x02, false), (0xc2, true), (0x42, true), (0x88, false), (0x89, false)]
            {
                let (begun, first) = match before {
                    None => (Vec::new(), first),
                    Some(_) if first & 0x08 != 0 || deflate => continue,
                    Some(bytes) => (fragment(opcode::BINARY, &vec![b'x'; bytes]), first & 0x80),
                };
                let wire = [begun, header(first, len)].concat();
                // Compressed, it may be longer by the little that deflate adds to what cannot be compressed.
                if deflate && len == ENDS[0] {
                    assert!(read_all(&wire, deflate).is_ok());
                    continue;
                }
                let code = read_all(&wire, deflate).map(|decoder| decoder.held());
                assert!(matches!(code, Err(1002 | 1009)), "{first:02x} {len} after {before:?}: {code:?}");
            }
        }
    }
    let held = read_all(&header(0x82, 1000), false).expect("it may be so long").held();
    assert!(held < 1200, "{held}");
    // Ours: a header that lies is as long as anything can be.
    let lies = [&[0x82, 0x7f][..], &u64::MAX.to_be_bytes()].concat();
    assert_eq!(websocket::frame_len(&lies), usize::MAX);
}

/// Every head that says a length, with the greatest that it can say and those near it.
fn heads() -> impl Iterator<Item = Vec<u8>> {
    let sized =
        [(0xc4, 1), (0xc5, 2), (0xc6, 4), (0xc7, 1), (0xc8, 2), (0xc9, 4), (0xd9, 1), (0xda, 2), (0xdb, 4)];
    let holding = [(0xdc, 2), (0xdd, 4), (0xde, 2), (0xdf, 4)];
    sized.into_iter().chain(holding).flat_map(|(byte, wide)| {
        [u32::MAX, u32::MAX - 1, 1 << 31, (1 << 31) - 1].map(|length| {
            let said = length.to_be_bytes();
            [&[byte][..], &said[..wide]].concat()
        })
    })
}

#[test]
fn a_length_of_messagepack_that_lies_is_seen_at_once() {
    for head in heads().filter(|head| head[1..].iter().any(|byte| *byte > 20)) {
        for after in [&b""[..], b"\x01", b"\xff\xff", &[0xc0; 20]] {
            let value = [&head, after].concat();
            let mut message = b"\x82\xa4type\xa4emit\xa4data".to_vec();
            message.extend_from_slice(&value);
            let key = [&[0x81][..], &value].concat();
            for bytes in [&message, &key, &value] {
                assert!(read(Form::Msgpack, bytes, Names::of(&Limits::default())).is_err(), "{bytes:02x?}");
                assert!(messages(Form::Msgpack, bytes).all(|one| {
                    one.and_then(|one| read(Form::Msgpack, one, Names::of(&Limits::default()))).is_err()
                }));
                let mut out = b"before".to_vec();
                assert!(transcode(bytes, Form::Msgpack, Form::Json, &mut out).is_err(), "{bytes:02x?}");
                assert_eq!(out, b"before");
                assert_eq!(field(bytes, Form::Msgpack, "data"), None);
                let _ = digest(bytes, Form::Msgpack);
            }
            // In an array of messages, and an array of so many messages.
            assert!(messages(Form::Msgpack, &[&[0x91][..], &value].concat()).any(|one| one.is_err()));
        }
    }
}
