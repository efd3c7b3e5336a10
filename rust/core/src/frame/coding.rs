//! Content codings, RFC 9110 §8.4 and §12.5.3: what a body came in, and what an answer may be in.
//!
//! `gzip`, `br` and `zstd` are known. `deflate` is not: half of those who say it mean another thing.

use super::refusal::Refusal;
use crate::codes::Code;
use crate::compress::{Algorithm, Bad};

/// The codings that an answer may have, the dearest to us first where the peer likes two as much.
const OURS: [Algorithm; 3] = [Algorithm::Zstd, Algorithm::Brotli, Algorithm::Gzip];
/// A weight of 1, in thousandths.
const WHOLE: u16 = 1000;

/// What the peer takes best, of the values of its `Accept-Encoding` fields; none: nothing that we know, or the plain body as much.
#[must_use]
pub fn accepted<'a>(values: impl Iterator<Item = &'a [u8]>) -> Option<Algorithm> {
    let mut best = None;
    for (ours, weight) in OURS.iter().zip(weights(values)) {
        if weight > best.map_or(0, |(_, best)| best) {
            best = Some((*ours, weight));
        }
    }
    best.map(|(ours, _)| ours)
}

/// Whether the peer takes this one at all, by the values of its `Accept-Encoding` fields.
pub fn takes<'a>(values: impl Iterator<Item = &'a [u8]>, algorithm: Algorithm) -> bool {
    OURS.iter().zip(weights(values)).any(|(ours, weight)| *ours == algorithm && weight > 0)
}

/// How gladly the peer takes each of ours, in thousandths.
fn weights<'a>(values: impl Iterator<Item = &'a [u8]>) -> [u16; 3] {
    let mut named: [Option<u16>; 3] = [None; 3];
    let mut others = None;
    for item in values.flat_map(|value| value.split(|byte| *byte == b',')) {
        let mut parts = item.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let Some(name) = parts.next() else { continue };
        let weight = parts.find_map(weight).unwrap_or(WHOLE);
        if name == b"*" {
            others = Some(weight);
        }
        for (ours, place) in OURS.iter().zip(&mut named) {
            if is(name, *ours) {
                *place = Some(weight);
            }
        }
    }
    named.map(|place| place.or(others).unwrap_or(0))
}

/// What a body came in, of the values of its `Content-Encoding` fields; none: as it is.
pub fn of_body<'a>(values: impl Iterator<Item = &'a [u8]>) -> Result<Option<Algorithm>, Refusal> {
    let mut found = None;
    for name in values.flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii) {
        if name.is_empty() || name.eq_ignore_ascii_case(b"identity") {
            continue;
        }
        let known = OURS.into_iter().find(|ours| is(name, *ours));
        if known.is_none() || found.is_some() {
            let message = format!(
                "a body comes in one Content-Encoding of zstd, br and gzip, or in none, not in {:?}",
                String::from_utf8_lossy(name)
            );
            // RFC 9110 §12.5.3: beside 415 it says what would be taken.
            return Err(Refusal::new(415, Code::InvalidMessage, message)
                .with_header("Accept-Encoding", "zstd, br, gzip".to_owned()));
        }
        found = known;
    }
    Ok(found)
}

/// What a body is answered with that cannot be inflated: 413 if it is too large, else 400.
#[must_use]
pub fn refusal(bad: Bad, came: usize) -> Refusal {
    match bad {
        Bad::TooLarge(_) => Refusal::new(413, Code::TooLarge, bad.message(came)),
        Bad::Broken(_) => Refusal::new(400, Code::InvalidMessage, bad.message(came)),
    }
}

fn is(name: &[u8], algorithm: Algorithm) -> bool {
    // RFC 9110 §8.4.1.3: `x-gzip` is the same.
    name.eq_ignore_ascii_case(algorithm.word().as_bytes())
        || (algorithm == Algorithm::Gzip && name.eq_ignore_ascii_case(b"x-gzip"))
}

/// `q=0.5`, RFC 9110 §12.4.2, in thousandths. What is no weight counts as none, and what is above 1 as 1.
fn weight(parameter: &[u8]) -> Option<u16> {
    let value = parameter.strip_prefix(b"q=").or_else(|| parameter.strip_prefix(b"Q="))?;
    let (whole, part) = match value {
        [whole, b'.', part @ ..] => (*whole, part),
        [whole] => (*whole, &[][..]),
        _ => return Some(0),
    };
    let digits = part.len() <= 3 && part.iter().all(u8::is_ascii_digit);
    match (whole, digits) {
        (b'1', true) => Some(WHOLE),
        (b'0', true) => {
            let scale = [100, 10, 1];
            Some(
                part.iter()
                    .zip(scale)
                    .map(|(digit, scale)| u16::from(digit.saturating_sub(b'0')).saturating_mul(scale))
                    .sum(),
            )
        }
        _ => Some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peer_says_what_it_takes_and_how_gladly() {
        let cases: [(&[&str], Option<Algorithm>); 14] = [
            (&[], None),
            (&["identity"], None),
            (&["gzip"], Some(Algorithm::Gzip)),
            (&["x-gzip"], Some(Algorithm::Gzip)),
            (&["GZIP, deflate, br"], Some(Algorithm::Brotli)),
            (&["gzip, deflate, br, zstd"], Some(Algorithm::Zstd)),
            (&["gzip;q=1.0, br;q=0.5, zstd;q=0.4"], Some(Algorithm::Gzip)),
            (&["gzip;q=0.1", "br;q=0.25"], Some(Algorithm::Brotli)),
            (&["zstd;q=0, gzip"], Some(Algorithm::Gzip)),
            (&["zstd;q=0"], None),
            (&["*"], Some(Algorithm::Zstd)),
            (&["*;q=0.5, zstd;q=0"], Some(Algorithm::Brotli)),
            (&["*;q=0"], None),
            (&["gzip;q=high, br ; q=0.001"], Some(Algorithm::Brotli)),
        ];
        for (values, expected) in cases {
            assert_eq!(accepted(values.iter().map(|value| value.as_bytes())), expected, "{values:?}");
        }
    }

    #[test]
    fn what_is_taken_least_gladly_is_taken_and_what_weighs_nothing_is_not() {
        let takes = |value: &str| takes(std::iter::once(value.as_bytes()), Algorithm::Gzip);
        assert!(takes("br, zstd, gzip;q=0.1") && takes("*") && takes("X-GZIP"));
        assert!(!takes("") && !takes("br, zstd") && !takes("*, gzip;q=0") && !takes("*;q=0"));
    }

    #[test]
    fn a_body_has_one_coding_or_none() {
        let of =
            |values: &[&str]| of_body(values.iter().map(|value| value.as_bytes())).map_err(|bad| bad.status);
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&["identity"]), Ok(None));
        assert_eq!(of(&["gzip"]), Ok(Some(Algorithm::Gzip)));
        assert_eq!(of(&["identity, br"]), Ok(Some(Algorithm::Brotli)));
        for bad in [&["gzip, gzip"][..], &["gzip", "br"], &["deflate"], &["lz4"], &["aes128gcm"]] {
            assert_eq!(of(bad), Err(415), "{bad:?}");
        }
    }
}
