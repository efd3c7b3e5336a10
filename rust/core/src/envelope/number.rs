//! Numbers, as both forms have them.
//!
//! JSON bounds no number; `MessagePack` has 64 bits. What fits is exact in both. What does not is kept as it
//! was written and becomes the nearest float where `MessagePack` is spoken.

use super::flaw::{Flaw, What};

/// A number, as exact as its form had it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number<'a> {
    Unsigned(u64),
    Negative(i64),
    Float(f64),
    /// JSON's alone: an integer outside of 64 bits, or beyond what a float can hold.
    Wide(&'a str),
}

impl Number<'_> {
    /// The same as a non-negative integer, if it is one: `1.0` is 1, for whoever has only floats.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked before")]
    pub(super) fn whole(self) -> Option<u64> {
        match self {
            Self::Unsigned(n) => Some(n),
            Self::Negative(n) => u64::try_from(n).ok(),
            Self::Float(f) if (0.0..=9_007_199_254_740_992.0).contains(&f) && f.fract() == 0.0 => {
                Some(f as u64)
            }
            Self::Float(_) | Self::Wide(_) => None,
        }
    }

    /// The nearest float that is finite: beyond the range, the last one before infinity.
    #[allow(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
    pub(super) fn float(self) -> f64 {
        match self {
            Self::Unsigned(n) => n as f64,
            Self::Negative(n) => n as f64,
            Self::Float(f) => f,
            Self::Wide(text) => text.parse().unwrap_or(0.0_f64).clamp(f64::MIN, f64::MAX),
        }
    }
}

/// Check the number of JSON (RFC 8259 §6) at `at`. Gives the place after it, and whether it is an integer.
pub(super) fn check(bytes: &[u8], at: usize) -> Result<(usize, bool), Flaw> {
    let digits = |from: usize| {
        let run = bytes.get(from..).map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_digit()).count());
        if run == 0 { Err(What::BadNumber.at(at)) } else { Ok(from + run) }
    };
    let first = at + usize::from(bytes.get(at) == Some(&b'-'));
    if bytes.get(first) == Some(&b'I') {
        return Err(What::NotFinite.at(at));
    }
    let mut end = digits(first)?;
    if bytes[first] == b'0' && end > first + 1 {
        return Err(What::BadNumber.at(at));
    }
    let mut integer = true;
    if bytes.get(end) == Some(&b'.') {
        integer = false;
        end = digits(end + 1)?;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        integer = false;
        let signed = matches!(bytes.get(end + 1), Some(b'+' | b'-'));
        end = digits(end + 1 + usize::from(signed))?;
    }
    Ok((end, integer))
}

/// Whether this checked integer is outside of 64 bits.
pub(super) fn is_wide(text: &[u8]) -> bool {
    // 18 digits and a sign always fit; asking the parser is for the few that are longer.
    text.len() > 18 && matches!(parse(text), Some(Number::Wide(_)))
}

/// Read a number that `check` let pass.
pub(super) fn parse(text: &[u8]) -> Option<Number<'_>> {
    let text = std::str::from_utf8(text).ok()?;
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        if let Ok(n) = text.parse() {
            return Some(Number::Unsigned(n));
        }
        return Some(match text.parse::<i64>() {
            Ok(0) => Number::Unsigned(0),
            Ok(n) => Number::Negative(n),
            Err(_) => Number::Wide(text),
        });
    }
    let float: f64 = text.parse().ok()?;
    Some(if float.is_finite() { Number::Float(float) } else { Number::Wide(text) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_json_writes_them() {
        for (text, wanted) in [
            ("0", Some(Number::Unsigned(0))),
            ("-0", Some(Number::Unsigned(0))),
            ("18446744073709551615", Some(Number::Unsigned(u64::MAX))),
            ("18446744073709551616", Some(Number::Wide("18446744073709551616"))),
            ("-9223372036854775808", Some(Number::Negative(i64::MIN))),
            ("-9223372036854775809", Some(Number::Wide("-9223372036854775809"))),
            ("1.5e+2", Some(Number::Float(150.0))),
            ("1e400", Some(Number::Wide("1e400"))),
            ("01", None),
            ("-", None),
            ("1.", None),
            ("1e", None),
            ("1e+", None),
            ("-Infinity", None),
        ] {
            let read = check(text.as_bytes(), 0).ok().filter(|(end, _)| *end == text.len());
            assert_eq!(read.and_then(|_| parse(text.as_bytes())), wanted, "{text}");
        }
        assert_eq!(check(b".5", 0), Err(What::BadNumber.at(0)));
        assert_eq!(check(b"-Infinity", 0), Err(What::NotFinite.at(0)));
    }

    #[test]
    #[allow(clippy::float_cmp, reason = "the last float is exactly itself")]
    fn what_is_beyond_a_float_becomes_the_last_one() {
        assert_eq!(Number::Wide("-1e400").float(), f64::MIN);
        assert_eq!(Number::Wide("36893488147419103232").float(), 36_893_488_147_419_103_232.0);
    }

    #[test]
    fn whole_numbers() {
        assert_eq!(Number::Float(7.0).whole(), Some(7));
        for n in [Number::Float(7.5), Number::Float(-1.0), Number::Float(1e17), Number::Negative(-1)] {
            assert_eq!(n.whole(), None, "{n:?}");
        }
    }
}
