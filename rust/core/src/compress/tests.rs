use super::*;
use crate::codes::close;
use proptest::prelude::*;

fn packed(algorithm: Algorithm, input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Tools::default().compress(algorithm, input, &mut out);
    out
}

fn inflated(algorithm: Algorithm, input: &[u8], max: usize) -> Result<Vec<u8>, Bad> {
    Tools::default().inflate(algorithm, input, max)
}

/// Bytes that do not shrink, the same each time.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..count).map(step).collect()
}

proptest! {
    /// What is compressed is what it was; and so with tools that were used before, also for what was broken.
    #[test]
    fn what_goes_in_comes_out(inputs in prop::collection::vec(prop::collection::vec(0u8..8, 0..5000), 1..5)) {
        let mut tools = Tools::default();
        for algorithm in Algorithm::ALL {
            for input in &inputs {
                let mut out = b"before".to_vec();
                tools.compress(algorithm, input, &mut out);
                let frame = &out[6..];
                let read = tools.inflate(algorithm, frame, input.len());
                prop_assert_eq!(read.as_ref(), Ok(input));
                if !input.is_empty() {
                    prop_assert_eq!(tools.inflate(algorithm, frame, input.len() - 1), Err(Bad::TooLarge(input.len() - 1)));
                }
                prop_assert_eq!(tools.inflate(algorithm, &frame[..frame.len() - 1], 1 << 20), Err(Bad::Broken(algorithm)));
            }
        }
    }

    /// No bytes make a decoder panic, or give more than may come.
    #[test]
    fn no_bytes_do_harm(bytes: Vec<u8>, max in 0usize..3000) {
        for algorithm in Algorithm::ALL {
            if let Ok(out) = inflated(algorithm, &bytes, max) {
                prop_assert!(out.len() <= max);
            }
            let mut begun = packed(algorithm, b"a message that is long enough to be one, one, one");
            let at = begun.len().min(bytes.len());
            begun.truncate(begun.len() - at);
            begun.extend_from_slice(&bytes);
            if let Ok(out) = inflated(algorithm, &begun, max) {
                prop_assert!(out.len() <= max);
            }
        }
    }
}

#[test]
fn each_has_a_number_and_a_word_of_its_own() {
    for algorithm in Algorithm::ALL {
        assert_eq!(Algorithm::numbered(algorithm.number()), Some(algorithm));
        assert_eq!(Algorithm::named(algorithm.word()), Some(algorithm));
    }
    assert_eq!(Algorithm::numbered(0), None);
    assert_eq!(Algorithm::numbered(5), None);
    assert_eq!(Algorithm::named("deflate"), None);
}

/// The attack: a second frame, or anything else, behind the first; nothing at all; a frame that is cut off anywhere.
#[test]
fn exactly_one_frame_and_nothing_after_it() {
    for algorithm in Algorithm::ALL {
        let frame = packed(algorithm, &[b'x'; 3000]);
        assert_eq!(inflated(algorithm, &frame, 3000).map(|out| out.len()), Ok(3000));
        for more in [&frame[..], b"x", b"\0"] {
            let two = [&frame[..], more].concat();
            assert_eq!(inflated(algorithm, &two, 1 << 20), Err(Bad::Broken(algorithm)), "{algorithm:?}");
        }
        for cut in 0..frame.len() {
            assert_eq!(
                inflated(algorithm, &frame[..cut], 3000),
                Err(Bad::Broken(algorithm)),
                "{algorithm:?} {cut}"
            );
        }
    }
}

/// The attack: some bytes that inflate to a gigabyte. No more than the limit is ever held, and the error says both numbers.
#[test]
fn a_bomb_ends_at_the_limit() {
    for algorithm in Algorithm::ALL {
        let bomb = packed(algorithm, &vec![0; 4 << 20]);
        assert!(bomb.len() < 50_000, "{algorithm:?}: {}", bomb.len());
        let bad = inflated(algorithm, &bomb, 1000).expect_err("too much");
        assert_eq!(bad, Bad::TooLarge(1000));
        let broken = bad.of_frame(bomb.len());
        assert_eq!(broken.code, close::TOO_BIG);
        assert!(broken.reason.contains("1000") && broken.reason.contains(&bomb.len().to_string()));
    }
}

/// The attack: a window, a dictionary or a frame of another kind that makes the reader hold what it should not.
#[test]
fn windows_dictionaries_and_frames_of_other_kinds_are_refused() {
    let broken = |algorithm, bytes: &[u8]| {
        assert_eq!(inflated(algorithm, bytes, 1 << 20), Err(Bad::Broken(algorithm)));
    };
    // RFC 8878 §3.1.1.1.2: no content size, a window of 2^27 and of 2^24; then one raw block "abc", the last.
    let framed = |window: u8| [&[0x28, 0xb5, 0x2f, 0xfd, 0x00, window][..], &[0x19, 0, 0], b"abc"].concat();
    broken(Algorithm::Zstd, &framed((27 - 10) << 3));
    broken(Algorithm::Zstd, &framed((24 - 10) << 3));
    assert_eq!(inflated(Algorithm::Zstd, &framed((23 - 10) << 3), 3), Ok(b"abc".to_vec()));
    // One that asks for dictionary 7; one to be skipped, before a good one.
    broken(Algorithm::Zstd, &[0x28, 0xb5, 0x2f, 0xfd, 0x21, 7, 3, 0x19, 0, 0, b'a', b'b', b'c']);
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 9][..], &packed(Algorithm::Zstd, b"abc")].concat();
    broken(Algorithm::Zstd, &skipped);
    // RFC 7932 §9.1: 23 and 24 bits, and the large windows that are no part of it.
    for bits in [23, 24] {
        let mut out = Vec::new();
        let params = ::brotli::enc::BrotliEncoderParams { quality: 5, lgwin: bits, ..Default::default() };
        ::brotli::BrotliCompress(&mut &vec![b'x'; 5 << 20][..], &mut out, &params).unwrap();
        assert_eq!(out[0] & 1, 1);
        broken(Algorithm::Brotli, &out);
    }
    broken(Algorithm::Brotli, &[0x11, 0x16, 0, 0, 0]);
    // LZ4: a dictionary, the format of old, one to be skipped.
    let mut lz4 = packed(Algorithm::Lz4, b"abcabcabcabc");
    lz4[4] |= 1;
    broken(Algorithm::Lz4, &lz4);
    broken(Algorithm::Lz4, &[0x02, 0x21, 0x4c, 0x18, 0, 0, 0, 0]);
    broken(
        Algorithm::Lz4,
        &[&[0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 9][..], &packed(Algorithm::Lz4, b"abc")].concat(),
    );
}

#[test]
fn a_frame_is_of_the_algorithm_that_was_agreed_on_and_not_nested() {
    let mut tools = Tools::default();
    let mut frame = Vec::new();
    assert!(tools.pack(Algorithm::Gzip, &[b'x'; 2000], 0, &mut frame));
    assert_eq!(frame[..2], [MARK, 1]);
    assert_eq!(tools.unpack(Some(Algorithm::Gzip), &frame, 2000), Ok(vec![b'x'; 2000]));
    let code = |agreed, frame: &[u8]| Tools::default().unpack(agreed, frame, 2000).expect_err("refused").code;
    assert_eq!(code(None, &frame), close::UNSUPPORTED);
    assert_eq!(code(Some(Algorithm::Zstd), &frame), close::UNSUPPORTED);
    assert_eq!(code(Some(Algorithm::Gzip), &[MARK, 9, 1]), close::UNSUPPORTED);
    assert_eq!(code(Some(Algorithm::Gzip), &[MARK]), close::BAD_DATA);
    assert_eq!(code(Some(Algorithm::Gzip), &[MARK, 1]), close::BAD_DATA);
    let nested = [&[MARK, 1][..], &packed(Algorithm::Gzip, &frame)].concat();
    assert_eq!(code(Some(Algorithm::Gzip), &nested), close::BAD_DATA);
}

#[test]
fn what_does_not_shrink_is_left_alone_for_a_while_and_then_tried_again() {
    let (noise, text) = (noise(2000), vec![b'x'; 2000]);
    let mut tools = Tools::default();
    let mut pack = |input: &[u8], about| tools.pack(Algorithm::Zstd, input, about, &mut Vec::new());
    for _ in 0..3 {
        assert!(!pack(&noise, 7));
    }
    for at in 0..64 {
        assert!(!pack(&text, 7), "left alone: {at}");
        assert!(pack(&text, 8), "another room is not");
        assert!(pack(&text, 0), "nor what is of none");
    }
    assert!(pack(&text, 7), "tried again");
    assert!(!pack(&noise, 7));
    assert!(pack(&text, 7), "one that does not shrink is no reason");
}

/// A message that shrinks by less than a tenth goes as it is.
#[test]
fn less_than_a_tenth_does_not_pay() {
    let mut tools = Tools::default();
    let mut input = noise(4000);
    input.extend_from_slice(&[b'x'; 300]);
    for algorithm in Algorithm::ALL {
        let mut out = b"before".to_vec();
        assert!(!tools.pack(algorithm, &input, 0, &mut out), "{algorithm:?}");
        assert_eq!(out, b"before");
    }
}
