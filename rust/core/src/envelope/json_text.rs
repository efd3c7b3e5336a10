//! The strings of JSON, RFC 8259 §7.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "every sum is an offset a few bytes beyond one that is within the input, or counts bytes of it: a slice has \
              isize::MAX bytes at most"
)]

use super::flaw::{Flaw, What};
use std::borrow::Cow;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The high bit of each byte that needs a second look: quote, backslash, below 0x20. Only the lowest
/// bit that is set is exact (a borrow may run upwards from it), and only that one is used.
const fn special(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let slash = word ^ (ONES * b'\\' as u64);
    ((quote.wrapping_sub(ONES) & !quote)
        | (slash.wrapping_sub(ONES) & !slash)
        | (word.wrapping_sub(ONES * 0x20) & !word))
        & HIGH
}

const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// From `at`, the first byte that cannot stand in a string as it is; the length if there is none. Eight bytes a
/// step, and once a string is known to be no short one, 32 while there is none among them.
pub(super) fn plain_until(bytes: &[u8], mut at: usize) -> usize {
    let long = at + 16;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let hits = special(u64::from_le_bytes(*chunk));
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
        if at == long {
            at = plain_blocks(bytes, at);
        }
    }
    plain_until_slowly(bytes, at)
}

/// Go on over blocks without a special byte. The compiler makes vector instructions of this.
fn plain_blocks(bytes: &[u8], mut at: usize) -> usize {
    let (blocks, _) = bytes[at..].as_chunks::<32>();
    for block in blocks {
        let mut found = 0_u8;
        for &byte in block {
            found |= u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\');
        }
        if found != 0 {
            break;
        }
        at += 32;
    }
    at
}

/// The twin of `plain_until`, and its judge in the tests.
fn plain_until_slowly(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..).and_then(|rest| rest.iter().position(|&b| is_special(b))).map_or(bytes.len(), |n| at + n)
}

/// The string whose opening quote is at `at`, if it is short and plain: what stands between its quotes, and the place
/// behind it. Nearly every key is one, and is found in one step. None: it is to be looked at by `check`.
#[inline]
pub(super) fn short(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = bytes.get(at + 1..)?;
    let hits = special(u64::from_le_bytes(*rest.first_chunk()?));
    let length = (hits.trailing_zeros() / 8) as usize; // 8 where there is none
    (rest.get(length) == Some(&b'"')).then(|| (&rest[..length], at + length + 2))
}

/// Check the string whose opening quote is at `at`. Gives the place after its closing quote, and whether
/// there are escapes in it.
pub(super) fn check(bytes: &[u8], at: usize) -> Result<(usize, bool), Flaw> {
    let mut at = at + 1;
    let mut escaped = false;
    loop {
        at = plain_until(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok((at + 1, escaped)),
            Some(b'\\') => {
                escaped = true;
                at = escape(bytes, at)?.1;
            }
            Some(_) => return Err(What::ControlByte.at(at)),
            None => return Err(What::Cut.at(at)),
        }
    }
}

/// What stands between the quotes of the string from `at` to `end`, which was checked.
pub(super) fn between_quotes(bytes: &[u8], at: usize, end: usize) -> &[u8] {
    bytes.get(at + 1..end - 1).unwrap_or_default()
}

/// Find the end of the string whose opening quote is at `at`, whatever is in it.
pub(super) fn skip(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// The character that the escape at `at` stands for, and the place after it.
fn escape(bytes: &[u8], at: usize) -> Result<(char, usize), Flaw> {
    let plain = match bytes.get(at + 1) {
        Some(b'u') => return unicode(bytes, at),
        Some(&b @ (b'"' | b'\\' | b'/')) => b as char,
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(_) => return Err(What::BadEscape.at(at)),
        None => return Err(What::Cut.at(at)),
    };
    Ok((plain, at + 2))
}

/// `\uXXXX`, or two of them for a character beyond the first plane. Half of a pair alone is no character: it
/// could not be said in UTF-8, so not in `MessagePack` either.
fn unicode(bytes: &[u8], at: usize) -> Result<(char, usize), Flaw> {
    let first = four_hex(bytes, at + 2).ok_or(What::BadEscape.at(at))?;
    if !(0xd800..0xe000).contains(&first) {
        return Ok((char::from_u32(first).ok_or(What::Surrogate.at(at))?, at + 6));
    }
    if first >= 0xdc00 || bytes.get(at + 6..at + 8) != Some(br"\u") {
        return Err(What::Surrogate.at(at));
    }
    match four_hex(bytes, at + 8) {
        Some(second @ 0xdc00..0xe000) => {
            let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            Ok((char::from_u32(code).ok_or(What::Surrogate.at(at))?, at + 12))
        }
        _ => Err(What::Surrogate.at(at)),
    }
}

fn four_hex(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.iter().try_fold(0, |code, &b| Some(code << 4 | (b as char).to_digit(16)?))
}

/// The text between the quotes, with its escapes undone. Borrows where there are none.
pub(super) fn decode(content: &[u8]) -> Result<Cow<'_, str>, Flaw> {
    let Some(first) = memchr::memchr(b'\\', content) else {
        return as_text(content).map(Cow::Borrowed);
    };
    let mut text = String::with_capacity(content.len());
    text.push_str(as_text(&content[..first])?);
    let mut at = first;
    while at < content.len() {
        let (c, after) = escape(content, at)?;
        text.push(c);
        let next = memchr::memchr(b'\\', &content[after..]).map_or(content.len(), |n| after + n);
        text.push_str(as_text(&content[after..next])?);
        at = next;
    }
    Ok(Cow::Owned(text))
}

fn as_text(bytes: &[u8]) -> Result<&str, Flaw> {
    std::str::from_utf8(bytes).map_err(|e| What::NotUtf8.at(e.valid_up_to()))
}

/// Write `text` as a JSON string. Of what may be escaped only that is which must be (RFC 8259 §7): so no
/// line break ever leaves, and most strings are one copy.
pub(super) fn write(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    out.push(b'"');
    let mut at = 0;
    loop {
        let end = plain_until(bytes, at);
        out.extend_from_slice(&bytes[at..end]);
        let Some(&byte) = bytes.get(end) else { break };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(br"\n"),
            b'\r' => out.extend_from_slice(br"\r"),
            b'\t' => out.extend_from_slice(br"\t"),
            _ => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(br"\u00");
                out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
        }
        at = end + 1;
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn strings_with_their_faults() {
        for (text, wanted) in [
            (&br#""tea""#[..], Ok((5, false))),
            (br#""\u00e9\ud83d\ude00\/""#, Ok((22, true))),
            (br#""tea"#, Err(What::Cut)),
            (br#""tea\"#, Err(What::Cut)),
            (b"\"a\nb\"", Err(What::ControlByte)),
            (br#""\x""#, Err(What::BadEscape)),
            (br#""\u12""#, Err(What::BadEscape)),
            (br#""\u+123""#, Err(What::BadEscape)),
            (br#""\ud800""#, Err(What::Surrogate)),
            (br#""\ud800\u0041""#, Err(What::Surrogate)),
            (br#""\ud800\n""#, Err(What::Surrogate)),
            (br#""\udc00\ud800""#, Err(What::Surrogate)),
        ] {
            assert_eq!(check(text, 0).map_err(|f| f.what), wanted, "{}", String::from_utf8_lossy(text));
        }
    }

    proptest! {
        #[test]
        fn eight_at_a_time_sees_what_one_at_a_time_sees(bytes: Vec<u8>, at in 0_usize..40) {
            prop_assert_eq!(plain_until(&bytes, at), plain_until_slowly(&bytes, at));
        }

        #[test]
        fn a_short_string_is_what_check_says(content in r#"[a-z"\\ \x00-\x1fé]{0,10}"#, behind in "[\":, ]{0,9}") {
            let text = format!("\"{content}\"{behind}");
            if let Some((found, end)) = short(text.as_bytes(), 0) {
                prop_assert_eq!(check(text.as_bytes(), 0), Ok((end, false)));
                prop_assert_eq!(found, between_quotes(text.as_bytes(), 0, end));
            } else if let Ok((end, false)) = check(text.as_bytes(), 0) {
                prop_assert!(end > 10 || text.len() < 9, "it is short, plain and not found: {text:?}");
            }
        }

        #[test]
        fn long_texts_too(mut bytes in prop::collection::vec(b' '..=b'!', 0..400), at in 0_usize..400, byte: u8) {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            for from in [0, at / 2, at] {
                prop_assert_eq!(plain_until(&bytes, from), plain_until_slowly(&bytes, from));
            }
        }

        #[test]
        fn what_is_written_is_read(text: String) {
            let mut out = Vec::new();
            write(&mut out, &text);
            prop_assert_eq!(check(&out, 0).map(|(end, _)| end), Ok(out.len()));
            prop_assert_eq!(skip(&out, 0), Some(out.len()));
            prop_assert_eq!(decode(&out[1..out.len() - 1]).unwrap(), text);
            prop_assert!(!out.iter().any(|b| matches!(b, b'\n' | b'\r')));
        }
    }
}
