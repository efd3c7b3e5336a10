//! The frame codec, against RFC 6455 and against its slow twins.

use rtcore_core::codes::close;
use rtcore_core::error::Broken;
use rtcore_core::frame::deflate::{Deflater, Inflater};
use rtcore_core::frame::websocket::{
    Decoder, Event, Kind, Payload, Role, close_payload, frame_len, header_len, opcode, write_close,
    write_frame, write_header,
};

#[path = "frame_websocket/laws.rs"]
mod laws;

const MAX: usize = 1 << 20;
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// An event with its payload taken out of the input.
#[derive(Clone, Debug, PartialEq)]
enum Heard {
    Text(String),
    Bytes(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, String),
}

fn heard(event: Event, input: &[u8]) -> Heard {
    match event {
        Event::Message { kind: Kind::Text, payload } => {
            Heard::Text(String::from_utf8(payload.bytes(input).to_vec()).expect("text is checked"))
        }
        Event::Message { kind: Kind::Binary, payload } => Heard::Bytes(payload.bytes(input).to_vec()),
        Event::Ping(payload) => Heard::Ping(payload.bytes(input).to_vec()),
        Event::Pong(payload) => Heard::Pong(payload.bytes(input).to_vec()),
        Event::Close { code, reason } => Heard::Close(code, reason),
    }
}

/// Read `pieces` one after the other, as a caller does that keeps what is left over.
fn read(decoder: &mut Decoder, pieces: &[&[u8]], max: usize) -> (Vec<Heard>, Option<Broken>) {
    let mut inflater = Inflater::new(false);
    let (mut events, mut kept) = (Vec::new(), Vec::new());
    for piece in pieces {
        kept.extend_from_slice(piece);
        loop {
            let (taken, event) = match decoder.next(&mut kept, max, &mut inflater) {
                Ok(taken) => taken,
                Err(broken) => return (events, Some(broken)),
            };
            let more = event.is_some();
            events.extend(event.map(|event| heard(event, &kept)));
            kept.drain(..taken);
            if !more {
                assert!(kept.len() < 14, "what is left is less than a header");
                break;
            }
        }
    }
    (events, None)
}

fn server(bytes: &[u8]) -> (Vec<Heard>, Option<Broken>) {
    read(&mut Decoder::new(Role::Server, false), &[bytes], MAX)
}

fn breaks(bytes: &[u8]) -> u16 {
    server(bytes).1.unwrap_or_else(|| panic!("{bytes:02x?} was taken")).code
}

/// A frame of a client: the first byte, and the payload to be masked.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_frame(&mut out, first & 0x0f, false, Some(KEY), payload);
    out[0] = first;
    out
}

#[test]
fn an_idle_decoder_is_small_and_holds_nothing() {
    assert!(size_of::<Decoder>() <= 64, "{}", size_of::<Decoder>());
    let mut decoder = Decoder::new(Role::Server, true);
    assert_eq!(decoder.held(), 0);
    read(&mut decoder, &[&frame(0x01, b"a"), &frame(0x80, b"b"), &frame(0x82, b"c")[..3]], MAX);
    assert_eq!(decoder.held(), 0);
    assert_eq!(decoder.held(), 0);
}

#[test]
fn the_examples_of_rfc_6455_5_7() {
    let masked = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(server(&masked), (vec![Heard::Text("Hello".into())], None));
    let mut client = Decoder::new(Role::Client, false);
    let single = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    let fragments = [0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f];
    let ping = [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    let long = [&[0x82, 0x7e, 0x01, 0x00][..], &[7; 256]].concat();
    let longer = [&[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0][..], &vec![7; 65536]].concat();
    let (events, error) = read(&mut client, &[&single, &fragments, &ping, &long, &longer], MAX);
    let hello = || "Hello".to_owned();
    assert_eq!(error, None);
    assert_eq!(events[..3], [Heard::Text(hello()), Heard::Text(hello()), Heard::Ping(hello().into())]);
    assert_eq!(events[3..], [Heard::Bytes(vec![7; 256]), Heard::Bytes(vec![7; 65536])]);
    let answer = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(server(&answer), (vec![Heard::Pong(hello().into())], None));
}

#[test]
fn a_whole_frame_is_neither_copied_nor_allocated() {
    let mut input = [frame(0x81, b"tea"), frame(0x82, b"x")].concat();
    let mut decoder = Decoder::new(Role::Server, false);
    let taken = decoder.next(&mut input, MAX, &mut Inflater::new(false)).unwrap();
    assert_eq!(taken, (9, Some(Event::Message { kind: Kind::Text, payload: Payload::Here(6..9) })));
    assert_eq!(&input[6..9], b"tea");
    assert_eq!(decoder.held(), 0);
}

#[test]
fn reserved_bits_and_opcodes_are_broken() {
    for first in [0xc1, 0xa1, 0x91, 0xf1, 0x83, 0x87, 0x8b, 0x8f, 0xc9] {
        assert_eq!(breaks(&frame(first, b"")), close::PROTOCOL_ERROR, "{first:#x}");
        assert_eq!(breaks(&frame(first, b"")[..2]), close::PROTOCOL_ERROR, "seen after two bytes");
    }
}

#[test]
fn masking_is_checked_both_ways() {
    assert_eq!(breaks(&[0x81, 0x01, b'a']), close::PROTOCOL_ERROR);
    let (_, error) = read(&mut Decoder::new(Role::Client, false), &[&frame(0x81, b"a")], MAX);
    assert_eq!(error.unwrap().code, close::PROTOCOL_ERROR);
}

#[test]
fn control_frames_are_short_and_whole() {
    for opcode in [0x8, 0x9, 0xa] {
        assert_eq!(breaks(&frame(opcode, b"")), close::PROTOCOL_ERROR);
        assert_eq!(breaks(&frame(0x80 | opcode, &[0; 126])), close::PROTOCOL_ERROR);
    }
    assert_eq!(server(&frame(0x89, &[7; 125])).0, [Heard::Ping(vec![7; 125])]);
}

#[test]
fn lengths_are_minimal_and_their_highest_bit_is_zero() {
    let zeros = [0; 4];
    assert_eq!(breaks(&[&[0x82, 0xfe, 0, 125][..], &zeros].concat()), close::PROTOCOL_ERROR);
    assert_eq!(
        breaks(&[&[0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff][..], &zeros].concat()),
        close::PROTOCOL_ERROR
    );
    assert_eq!(breaks(&[0x82, 0xff, 0x80, 0, 0, 0, 0, 1, 0, 0]), close::PROTOCOL_ERROR);
}

#[test]
fn fragments_follow_each_other() {
    let (first, more, last) = (frame(0x01, b"a"), frame(0x00, b"b"), frame(0x80, b"c"));
    let text = vec![Heard::Text("abc".into())];
    assert_eq!(server(&[&first[..], &more, &last].concat()), (text, None));
    assert_eq!(breaks(&more), close::PROTOCOL_ERROR);
    assert_eq!(breaks(&last), close::PROTOCOL_ERROR);
    assert_eq!(breaks(&[&first[..], &first].concat()), close::PROTOCOL_ERROR);
    assert_eq!(breaks(&[&first[..], &frame(0x82, b"")].concat()), close::PROTOCOL_ERROR);
    assert_eq!(breaks(&[&first[..], &last, &last].concat()), close::PROTOCOL_ERROR);
}

#[test]
fn control_frames_may_come_between_fragments() {
    let bytes = [frame(0x01, b"a"), frame(0x89, b"p"), frame(0x00, b""), frame(0x8a, b""), frame(0x80, b"b")];
    let want = vec![Heard::Ping(b"p".to_vec()), Heard::Pong(Vec::new()), Heard::Text("ab".into())];
    assert_eq!(server(&bytes.concat()), (want, None));
}

#[test]
fn text_that_is_not_utf8_is_broken_as_early_as_it_can_be_seen() {
    assert_eq!(breaks(&frame(0x81, b"\xff")), close::BAD_DATA);
    assert_eq!(breaks(&frame(0x81, b"a\xe2\x82")), close::BAD_DATA);
    // A surrogate, an overlong slash, and beyond the last character.
    for bytes in [&b"\xed\xa0\x80"[..], b"\xc0\xaf", b"\xf4\x90\x80\x80"] {
        assert_eq!(breaks(&frame(0x81, bytes)), close::BAD_DATA);
    }
    // Within a frame that is not all there, and in the first fragment.
    let long = frame(0x81, b"tea \xf4\x90\x80\x80 and more");
    assert_eq!(breaks(&long[..12]), close::BAD_DATA);
    assert_eq!(server(&long[..11]), (vec![], None));
    assert_eq!(breaks(&frame(0x01, b"\xf4\x90")), close::BAD_DATA);
    let split = [frame(0x01, b"\xe2"), frame(0x00, b"\x82"), frame(0x80, b"\xac")].concat();
    assert_eq!(server(&split), (vec![Heard::Text("\u{20ac}".into())], None));
    assert_eq!(breaks(&[frame(0x01, b"\xe2\x82"), frame(0x80, b"")].concat()), close::BAD_DATA);
    assert_eq!(server(&frame(0x82, b"\xff")).1, None);
}

#[test]
fn close_frames_are_checked() {
    let closing = |payload: &[u8]| server(&frame(0x88, payload));
    assert_eq!(closing(b"").0, [Heard::Close(close::NO_STATUS, String::new())]);
    assert_eq!(closing(b"\x03\xe8").0, [Heard::Close(1000, String::new())]);
    assert_eq!(closing(b"\x11\x94bye").0, [Heard::Close(4500, "bye".into())]);
    assert_eq!(breaks(&frame(0x88, b"\x03")), close::PROTOCOL_ERROR);
    assert_eq!(breaks(&frame(0x88, b"\x03\xe8\xff")), close::BAD_DATA);
    for code in [0u16, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        assert_eq!(breaks(&frame(0x88, &code.to_be_bytes())), close::PROTOCOL_ERROR, "{code}");
    }
    for code in [1000u16, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999] {
        assert_eq!(closing(&code.to_be_bytes()).0, [Heard::Close(code, String::new())]);
    }
}

/// A header that promises more than is allowed costs nothing: it is refused before its payload.
#[test]
fn a_message_over_the_limit_is_refused_at_its_header() {
    let too_big = |bytes: &[u8]| {
        let (_, error) = read(&mut Decoder::new(Role::Server, false), &[bytes], 100);
        let error = error.expect("it was taken");
        assert_eq!(error.code, close::TOO_BIG);
        error.reason.into_owned()
    };
    let reason = too_big(&frame(0x82, &[0; 101])[..6]);
    assert!(reason.contains("101") && reason.contains("100"), "{reason}");
    too_big(&frame(0x82, &[0; 101]));
    too_big(&[&[0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..], &KEY].concat());
    let reason = too_big(&[frame(0x02, &[0; 60]), frame(0x00, &[0; 41])[..6].to_vec()].concat());
    assert!(reason.contains("101"), "{reason}");
    assert_eq!(read(&mut Decoder::new(Role::Server, false), &[&frame(0x82, &[0; 100])], 100).1, None);
}

/// A peer that announces much and sends little: memory follows what came.
#[test]
fn what_is_announced_is_not_reserved() {
    let mut decoder = Decoder::new(Role::Server, false);
    read(&mut decoder, &[&frame(0x82, &vec![0; MAX])[..100]], MAX);
    assert!(decoder.held() > 0);
    assert!(decoder.held() < 512, "{}", decoder.held());
    // And what came in pieces is not held twice over.
    let mut decoder = Decoder::new(Role::Server, false);
    let bytes = frame(0x82, &vec![0; 100_000]);
    let pieces: Vec<&[u8]> = bytes[..bytes.len() - 1].chunks(1000).collect();
    read(&mut decoder, &pieces, MAX);
    assert!(decoder.held() <= 100_000 + 512, "{}", decoder.held());
}

/// Empty fragments bring a message no nearer to its end and no nearer to the limit of its size.
#[test]
fn endless_empty_fragments_are_refused() {
    let mut bytes = frame(0x01, b"");
    for _ in 0..1024 {
        bytes.extend_from_slice(&frame(0x00, b""));
    }
    assert_eq!(breaks(&bytes), close::TOO_BIG);
    let fine = [frame(0x02, b"a"), frame(0x00, b"b").repeat(5000), frame(0x80, b"c")].concat();
    assert_eq!(server(&fine).1, None);
}

#[test]
fn rsv1_is_for_the_first_frame_of_a_compressed_message() {
    let code =
        |bytes: &[u8]| read(&mut Decoder::new(Role::Server, true), &[bytes], MAX).1.map(|error| error.code);
    assert_eq!(code(&frame(0xc9, b"")), Some(close::PROTOCOL_ERROR));
    assert_eq!(code(&[frame(0x01, b"a"), frame(0xc0, b"")].concat()), Some(close::PROTOCOL_ERROR));
    assert_eq!(code(&[frame(0x41, b"\x4a"), frame(0x80, b"\x04\x00")].concat()), None);
    assert_eq!(code(&frame(0x81, b"plain")), None);
}

#[test]
fn a_compressed_message_is_bounded_and_checked() {
    let code = |payload: &[u8], max: usize| {
        let mut out = Vec::new();
        write_frame(&mut out, opcode::TEXT, true, Some(KEY), payload);
        let (_, error) = read(&mut Decoder::new(Role::Server, true), &[&out], max);
        error.map(|error| error.code)
    };
    let mut bomb = Vec::new();
    Deflater::new(9, false).deflate(&vec![b'a'; 100_000], &mut bomb);
    assert!(bomb.len() < 500);
    assert_eq!(code(&bomb, 99_999), Some(close::TOO_BIG));
    assert_eq!(code(&bomb, 100_000), None);
    assert_eq!(code(&[0; 200], 100), Some(close::TOO_BIG), "compressed data longer than what it may hold");
    let mut latin1 = Vec::new();
    Deflater::new(1, false).deflate(b"caf\xe9", &mut latin1);
    assert_eq!(code(&latin1, 100), Some(close::BAD_DATA));
}

#[test]
fn frames_are_written_as_they_are_measured() {
    for len in [0, 1, 125, 126, 127, 65535, 65536, 100_000] {
        let mut header = Vec::new();
        write_header(&mut header, opcode::BINARY, false, len);
        assert_eq!(header.len(), header_len(len));
        let mut whole = Vec::new();
        write_frame(&mut whole, opcode::BINARY, false, None, &vec![7; len]);
        assert_eq!(whole[..header.len()], header);
        assert_eq!(frame_len(&header), whole.len());
        assert_eq!(frame_len(&[&whole[..], &whole].concat()), whole.len());
        assert_eq!(frame_len(&header[..header.len() - 1]), 0);
    }
}

#[test]
fn a_close_frame_is_cut_between_characters() {
    let mut out = Vec::new();
    write_close(&mut out, 4000, &"\u{20ac}".repeat(50));
    let (events, error) = read(&mut Decoder::new(Role::Client, false), &[&out], MAX);
    assert_eq!((events, error), (vec![Heard::Close(4000, "\u{20ac}".repeat(41))], None));
    assert_eq!(close_payload(close::NO_STATUS, "x"), b"");
    assert_eq!(close_payload(close::ABNORMAL, "x"), b"");
    assert_eq!(close_payload(1000, &"a".repeat(200)).len(), 125);
}
