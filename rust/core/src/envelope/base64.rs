//! Binary inside JSON: base64 of RFC 4648 §4, with padding, in its one canonical form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Whether `text` is canonical base64. It allocates nothing; what passes here is decoded by `decode_into`.
pub(super) fn is_valid(text: &[u8]) -> bool {
    let Some((last, whole)) = text.split_last_chunk::<4>().map(|(whole, last)| (last, whole)) else {
        return text.is_empty();
    };
    let inner = |b: &u8| sextet(*b).is_some();
    if !text.len().is_multiple_of(4) || !whole.iter().all(inner) || !last[..2].iter().all(inner) {
        return false;
    }
    // The bits that the padding leaves over must be zero, else two texts would be the same bytes.
    match (sextet(last[1]), sextet(last[2]), last[2], sextet(last[3]), last[3]) {
        (_, Some(_), _, Some(_), _) => true,
        (_, Some(third), _, None, b'=') => third.trailing_zeros() >= 2,
        (Some(second), None, b'=', None, b'=') => second.trailing_zeros() >= 4,
        _ => false,
    }
}

#[expect(clippy::arithmetic_side_effects, reason = "each arm holds its range: 61 at most")]
const fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// The bytes that `text` stands for.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Append `bytes` as base64.
pub(super) fn encode_into(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.resize(start.saturating_add(bytes.len().div_ceil(3).saturating_mul(4)), 0);
    let written = STANDARD.encode_slice(bytes, &mut out[start..]).unwrap_or(0);
    out.truncate(start.saturating_add(written));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_check_agrees_with_the_decoder(text in "[A-Za-z0-9+/=_. -]{0,12}") {
            prop_assert_eq!(is_valid(text.as_bytes()), decode(text.as_bytes()).is_some());
        }

        #[test]
        fn what_is_encoded_is_decoded(bytes: Vec<u8>) {
            let mut out = Vec::new();
            encode_into(&mut out, &bytes);
            prop_assert!(is_valid(&out));
            prop_assert_eq!(decode(&out).unwrap(), bytes);
        }
    }
}
