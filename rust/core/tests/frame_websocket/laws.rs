//! What holds of any messages, any bytes and any cuts.

use super::{Heard, MAX, read};
use proptest::prelude::*;
use rtcore_core::frame::deflate::Deflater;
use rtcore_core::frame::mask;
use rtcore_core::frame::utf8::Utf8;
use rtcore_core::frame::websocket::{Decoder, Kind, Role, opcode, write_frame};

/// What one side may send, as frames of a message with control frames in between.
#[derive(Clone, Debug)]
struct Message {
    kind: Kind,
    data: Vec<u8>,
    compressed: bool,
    cuts: Vec<usize>,
    ping: Option<Vec<u8>>,
}

fn message() -> impl Strategy<Value = Message> {
    let data = prop_oneof![
        "[a-z\u{e9}\u{20ac}\u{1f375}]{0,90}".prop_map(|text| (Kind::Text, text.into_bytes())),
        prop::collection::vec(any::<u8>(), 0..400).prop_map(|data| (Kind::Binary, data)),
        (0usize..70_000).prop_map(|len| (Kind::Binary, vec![7; len])),
        // Mostly no UTF-8: the error, too, must not depend on the cuts.
        prop::collection::vec(any::<u8>(), 0..6).prop_map(|data| (Kind::Text, data)),
    ];
    let ping = prop::option::of(prop::collection::vec(any::<u8>(), 0..126));
    (data, any::<bool>(), prop::collection::vec(0usize..1000, 0..4), ping)
        .prop_map(|((kind, data), compressed, cuts, ping)| Message { kind, data, compressed, cuts, ping })
}

fn write(message: &Message, key: Option<[u8; 4]>, deflate: bool, out: &mut Vec<u8>) {
    let compressed = message.compressed && deflate;
    let payload = if compressed {
        let mut packed = Vec::new();
        Deflater::new(1, false).deflate(&message.data, &mut packed);
        packed
    } else {
        message.data.clone()
    };
    let mut cuts: Vec<usize> = message.cuts.iter().map(|cut| cut * payload.len() / 1000).collect();
    cuts.sort_unstable();
    cuts.push(payload.len());
    let (mut start, last) = (0, cuts.len() - 1);
    for (index, end) in cuts.into_iter().enumerate() {
        let opcode = match (index, message.kind) {
            (0, Kind::Text) => opcode::TEXT,
            (0, Kind::Binary) => opcode::BINARY,
            _ => opcode::CONTINUATION,
        };
        let at = out.len();
        write_frame(out, opcode, compressed && index == 0, key, &payload[start..end]);
        if index != last {
            out[at] &= 0x7f;
        }
        if let Some(ping) = &message.ping {
            write_frame(out, opcode::PING, false, key, ping);
        }
        start = end;
    }
}

proptest! {
    /// A peer that sends one byte a packet must not get another answer, or more memory.
    #[test]
    fn where_tcp_cuts_the_stream_changes_nothing(
        messages in prop::collection::vec(message(), 1..6),
        cuts in prop::collection::vec(0usize..1000, 0..12),
        key in any::<[u8; 4]>(),
        is_server in any::<bool>(),
        deflate in any::<bool>(),
        flip in prop::option::of((0usize..10_000, 0u8..8)),
    ) {
        let (role, key) = if is_server { (Role::Server, Some(key)) } else { (Role::Client, None) };
        let mut stream = Vec::new();
        for message in &messages {
            write(message, key, deflate, &mut stream);
        }
        // Sometimes a bit is wrong, so that errors are compared as well.
        if let Some((at, bit)) = flip {
            let len = stream.len();
            stream[at % len.min(200)] ^= 1 << bit;
        }
        let whole = read(&mut Decoder::new(role, deflate), &[&stream], 60_000);
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut * stream.len() / 1000).collect();
        at.sort_unstable();
        let mut pieces = Vec::new();
        let mut rest = &stream[..];
        for cut in at.into_iter().rev() {
            let (left, right) = rest.split_at(cut);
            pieces.insert(0, right);
            rest = left;
        }
        pieces.insert(0, rest);
        prop_assert_eq!(&read(&mut Decoder::new(role, deflate), &pieces, 60_000), &whole);
        if stream.len() < 2000 {
            let bytes: Vec<&[u8]> = stream.chunks(1).collect();
            prop_assert_eq!(&read(&mut Decoder::new(role, deflate), &bytes, 60_000), &whole);
        }
    }

    #[test]
    fn what_is_written_is_read(
        messages in prop::collection::vec(message(), 1..6),
        key in prop::option::of(any::<[u8; 4]>()),
        deflate in any::<bool>(),
    ) {
        let role = if key.is_some() { Role::Server } else { Role::Client };
        let (mut stream, mut want) = (Vec::new(), Vec::new());
        for message in &messages {
            let said = match message.kind {
                Kind::Binary => Heard::Bytes(message.data.clone()),
                Kind::Text => match String::from_utf8(message.data.clone()) {
                    Ok(text) => Heard::Text(text),
                    Err(_) => continue,
                },
            };
            write(message, key, deflate, &mut stream);
            let pings = message.ping.iter().map(|ping| Heard::Ping(ping.clone()));
            let count = message.ping.iter().len() * (message.cuts.len() + 1);
            let pings: Vec<Heard> = pings.cycle().take(count).collect();
            let before = pings.len().saturating_sub(1);
            want.extend_from_slice(&pings[..before]);
            want.push(said);
            want.extend_from_slice(&pings[before..]);
        }
        let mut decoder = Decoder::new(role, deflate);
        prop_assert_eq!(read(&mut decoder, &[&stream], MAX), (want, None));
        prop_assert_eq!(decoder.held(), 0);
    }

    #[test]
    fn any_bytes_are_read_or_broken(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        is_server in any::<bool>(),
        deflate in any::<bool>(),
    ) {
        let role = if is_server { Role::Server } else { Role::Client };
        let mut decoder = Decoder::new(role, deflate);
        read(&mut decoder, &[&bytes], 1000);
        prop_assert!(decoder.held() < 3000);
    }

    #[test]
    fn the_fast_mask_is_the_slow_one(
        data in prop::collection::vec(any::<u8>(), 0..200),
        key in any::<[u8; 4]>(),
        cut in 0usize..200,
    ) {
        let mut slow = data.clone();
        mask::apply_slowly(&mut slow, key);
        let mut fast = data.clone();
        mask::apply(&mut fast, key);
        prop_assert_eq!(&fast, &slow);
        let mut parts = data.clone();
        let (left, right) = parts.split_at_mut(cut.min(data.len()));
        mask::apply(left, key);
        mask::apply(right, mask::advance(key, left.len()));
        prop_assert_eq!(&parts, &slow);
    }

    #[test]
    fn utf8_in_pieces_is_utf8_as_a_whole(
        data in prop_oneof![
            "[a\u{e9}\u{20ac}\u{1f375}]{0,90}".prop_map(String::into_bytes),
            prop::collection::vec(
                prop::sample::select(b"a\x80\xbf\xc2\xe0\xa0\xed\xf0\x90\xf4\x8f".to_vec()),
                0..12,
            ),
        ],
        pieces in 1usize..9,
    ) {
        let mut utf8 = Utf8::new();
        let mut failed = None;
        let mut end = 0;
        for piece in data.chunks(pieces) {
            end += piece.len();
            if utf8.feed(piece).is_err() {
                failed = Some(end);
                break;
            }
        }
        let whole = std::str::from_utf8(&data);
        prop_assert_eq!(failed.is_none() && utf8.is_complete(), whole.is_ok());
        // And it is seen in the piece that brings the first impossible byte.
        let first = (0..=data.len()).find(|end| {
            std::str::from_utf8(&data[..*end]).is_err_and(|error| error.error_len().is_some())
        });
        let seen = first.map(|first| (first.div_ceil(pieces) * pieces).min(data.len()));
        prop_assert_eq!(failed, seen);
    }
}
