//! Numbers, as both forms have them.
//!
//! JSON bounds no number; `MessagePack` has 64 bits. What fits is exact in both. An integer that does not is kept
//! as it was written and becomes the nearest float where `MessagePack` is spoken. What no float comes near, `1e400`
//! or a thousand digits, most readers cannot hold at all, of JSON neither: it is no value here, whoever says it.

use super::flaw::{Flaw, What};

/// A number, as exact as its form had it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number<'a> {
    Unsigned(u64),
    Negative(i64),
    Float(f64),
    /// JSON's alone: an integer outside of 64 bits, and not beyond the floats.
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

    /// The nearest float.
    #[allow(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
    pub(super) fn float(self) -> f64 {
        match self {
            Self::Unsigned(n) => n as f64,
            Self::Negative(n) => n as f64,
            Self::Float(f) => f,
            Self::Wide(text) => text.parse().unwrap_or_default(),
        }
    }
}

/// Check the number of JSON (RFC 8259 §6) at `at`. Gives the place after it, and whether it is an integer.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "offsets: each is at most two bytes behind one that is there"
)]
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

/// Whether this checked number is beyond the floats.
pub(super) fn is_beyond(text: &[u8]) -> bool {
    // 200 digits are not, nor are they with an exponent of two digits, which then begins among the last three
    // bytes. Asking the parser is for the few others.
    let exponent = text.iter().rev().position(|b| matches!(b, b'e' | b'E'));
    (text.len() > 200 || exponent.is_some_and(|digits| digits > 2)) && parse(text).is_none()
}

/// Read a number that `check` let pass. None: it is beyond the floats.
pub(super) fn parse(text: &[u8]) -> Option<Number<'_>> {
    if let Some(n) = short(text) {
        return Some(Number::Unsigned(n));
    }
    let text = std::str::from_utf8(text).ok()?;
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        if let Ok(n) = text.parse() {
            return Some(Number::Unsigned(n));
        }
        return match text.parse::<i64>() {
            Ok(0) => Some(Number::Unsigned(0)),
            Ok(n) => Some(Number::Negative(n)),
            Err(_) => float(text).map(|_| Number::Wide(text)),
        };
    }
    float(text).map(Number::Float)
}

/// The digits of nearly every number: 18 of them fit in any case.
#[expect(clippy::arithmetic_side_effects, reason = "18 digits are below 2^60")]
fn short(text: &[u8]) -> Option<u64> {
    if !(1..=18).contains(&text.len()) {
        return None;
    }
    text.iter().try_fold(0, |n, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| n * 10 + u64::from(digit))
    })
}

fn float(text: &str) -> Option<f64> {
    text.parse().ok().filter(|float: &f64| float.is_finite())
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
            ("1e400", None),
            ("0e400", Some(Number::Float(0.0))),
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
    fn what_is_beyond_64_bits_becomes_the_nearest_float() {
        assert_eq!(Number::Wide("36893488147419103232").float(), 36_893_488_147_419_103_232.0);
    }

    #[test]
    fn what_is_beyond_the_floats_is_seen_and_nothing_else() {
        let digits = |n: usize| "9".repeat(n);
        let fits = [
            "0",
            "-0",
            "-0.0",
            "1e99",
            "1E-99",
            "123456789012345e+99",
            "18446744073709551616",
            "1e308",
            "1e-400",
        ];
        let long = [format!("0.{}", digits(5000)), format!("-{}", digits(308)), format!("0e{}", digits(30))];
        for fits in fits.map(str::to_owned).iter().chain(&long) {
            assert!(!is_beyond(fits.as_bytes()), "{fits}");
        }
        let beyond = ["1e309", "-1E400", "1.5e999"];
        let long = [
            digits(309),
            format!("-{}", digits(5000)),
            format!("{}.5", digits(310)),
            format!("1e{}", digits(30)),
        ];
        for beyond in beyond.map(str::to_owned).iter().chain(&long) {
            assert!(is_beyond(beyond.as_bytes()), "{beyond}");
        }
    }

    #[test]
    fn whole_numbers() {
        assert_eq!(Number::Float(7.0).whole(), Some(7));
        for n in [Number::Float(7.5), Number::Float(-1.0), Number::Float(1e17), Number::Negative(-1)] {
            assert_eq!(n.whole(), None, "{n:?}");
        }
    }
}
