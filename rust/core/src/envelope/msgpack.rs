//! The `MessagePack` scanner: <https://github.com/msgpack/msgpack/blob/master/spec.md>.
//!
//! The same two ways as in JSON: `check` by the rules, with a depth of at most 128 (so recursion is bounded),
//! and `skip` by the lengths alone.

use super::flaw::{Flaw, What};
use super::number::Number;
use super::span::{Field, Fields, Kind, Marks, Span};
use crate::limits::fixed::DEPTH;

/// The first bytes of a value: what it is, and how much follows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Head {
    Null,
    Bool(bool),
    Number(Number<'static>),
    Text(usize),
    Binary(usize),
    Extension(usize),
    List(usize),
    Map(usize),
    Unused,
}

fn take<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// A length of `N` bytes at `at`, and the place behind it.
fn length<const N: usize>(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let length = take::<N>(bytes, at)?.iter().fold(0, |n, &b| n << 8 | usize::from(b));
    Some((length, at.saturating_add(N)))
}

/// A number of `N` bytes at `at`, and the place behind it.
fn number<const N: usize>(
    bytes: &[u8],
    at: usize,
    of: fn([u8; N]) -> Number<'static>,
) -> Option<(Head, usize)> {
    Some((Head::Number(of(take(bytes, at)?)), at.saturating_add(N)))
}

fn signed(n: i64) -> Number<'static> {
    u64::try_from(n).map_or(Number::Negative(n), Number::Unsigned)
}

/// Read the head at `at`; the place behind it. None if the bytes end within.
pub(super) fn head(bytes: &[u8], at: usize) -> Option<(Head, usize)> {
    use Number as N;
    let byte = *bytes.get(at)?;
    let at = at.saturating_add(1); // behind the byte
    let low = |mask: u8| usize::from(byte & mask);
    let extension = |n: usize| Head::Extension(n.saturating_add(1)); // its type is one more
    let sized = |(n, after), of: fn(usize) -> Head| (of(n), after);
    Some(match byte {
        0x00..=0x7f => (Head::Number(N::Unsigned(byte.into())), at),
        0x80..=0x8f => (Head::Map(low(15)), at),
        0x90..=0x9f => (Head::List(low(15)), at),
        0xa0..=0xbf => (Head::Text(low(31)), at),
        0xc0 => (Head::Null, at),
        0xc1 => (Head::Unused, at),
        0xc2 | 0xc3 => (Head::Bool(byte == 0xc3), at),
        0xc4 => sized(length::<1>(bytes, at)?, Head::Binary),
        0xc5 => sized(length::<2>(bytes, at)?, Head::Binary),
        0xc6 => sized(length::<4>(bytes, at)?, Head::Binary),
        // One byte of type, then the content.
        0xc7 => sized(length::<1>(bytes, at)?, extension),
        0xc8 => sized(length::<2>(bytes, at)?, extension),
        0xc9 => sized(length::<4>(bytes, at)?, extension),
        0xca => number(bytes, at, |b| N::Float(f32::from_be_bytes(b).into()))?,
        0xcb => number(bytes, at, |b| N::Float(f64::from_be_bytes(b)))?,
        0xcc => number(bytes, at, |b| N::Unsigned(u8::from_be_bytes(b).into()))?,
        0xcd => number(bytes, at, |b| N::Unsigned(u16::from_be_bytes(b).into()))?,
        0xce => number(bytes, at, |b| N::Unsigned(u32::from_be_bytes(b).into()))?,
        0xcf => number(bytes, at, |b| N::Unsigned(u64::from_be_bytes(b)))?,
        0xd0 => number(bytes, at, |b| signed(i8::from_be_bytes(b).into()))?,
        0xd1 => number(bytes, at, |b| signed(i16::from_be_bytes(b).into()))?,
        0xd2 => number(bytes, at, |b| signed(i32::from_be_bytes(b).into()))?,
        0xd3 => number(bytes, at, |b| signed(i64::from_be_bytes(b)))?,
        0xd4 => (extension(1), at),
        0xd5 => (extension(2), at),
        0xd6 => (extension(4), at),
        0xd7 => (extension(8), at),
        0xd8 => (extension(16), at),
        0xd9 => sized(length::<1>(bytes, at)?, Head::Text),
        0xda => sized(length::<2>(bytes, at)?, Head::Text),
        0xdb => sized(length::<4>(bytes, at)?, Head::Text),
        0xdc => sized(length::<2>(bytes, at)?, Head::List),
        0xdd => sized(length::<4>(bytes, at)?, Head::List),
        0xde => sized(length::<2>(bytes, at)?, Head::Map),
        0xdf => sized(length::<4>(bytes, at)?, Head::Map),
        0xe0..=0xff => (Head::Number(N::Negative(i64::from(byte.cast_signed()))), at),
    })
}

/// The `length` bytes at `at`, and the place behind them.
pub(super) fn content(bytes: &[u8], at: usize, length: usize) -> Result<(&[u8], usize), Flaw> {
    let content = at.checked_add(length).and_then(|end| Some((bytes.get(at..end)?, end)));
    content.ok_or(What::Cut.at(bytes.len()))
}

/// The `length` bytes at `at`, as text, and the place behind them.
pub(super) fn text(bytes: &[u8], at: usize, length: usize) -> Result<(&str, usize), Flaw> {
    let (content, end) = content(bytes, at, length)?;
    Ok((simdutf8::basic::from_utf8(content).map_err(|_| What::NotUtf8.at(at))?, end))
}

/// The key at `at` and the place behind it.
pub(super) fn key(bytes: &[u8], at: usize) -> Result<(&str, usize), Flaw> {
    match head(bytes, at).ok_or(What::Cut.at(bytes.len()))? {
        (Head::Text(length), after) => text(bytes, after, length),
        _ => Err(What::KeyKind.at(at)),
    }
}

/// Check the value at `at`.
pub(super) fn check(bytes: &[u8], at: usize) -> Result<Span, Flaw> {
    let mut marks = Marks::default();
    let (kind, end) = value(bytes, at, 0, &mut marks)?;
    Ok(Span { start: at, end, kind, marks })
}

fn value(bytes: &[u8], at: usize, depth: u32, marks: &mut Marks) -> Result<(Kind, usize), Flaw> {
    let (head, after) = head(bytes, at).ok_or(What::Cut.at(bytes.len()))?;
    if depth == DEPTH && matches!(head, Head::List(_) | Head::Map(_)) {
        return Err(What::Deep.at(at));
    }
    Ok(match head {
        Head::Null => (Kind::Null, after),
        Head::Bool(_) => (Kind::Bool, after),
        Head::Number(Number::Float(f)) if !f.is_finite() => return Err(What::NotFinite.at(at)),
        Head::Number(_) => (Kind::Number, after),
        Head::Text(length) => (Kind::Text, text(bytes, after, length)?.1),
        Head::Binary(length) => {
            marks.bin = true;
            (Kind::Binary, content(bytes, after, length)?.1)
        }
        Head::Extension(length) => {
            let end = content(bytes, after, length)?.1;
            marks.meaning.get_or_insert(What::Extension);
            (Kind::Extension, end)
        }
        Head::List(n) => {
            let mut end = after;
            for _ in 0..n {
                end = value(bytes, end, depth.saturating_add(1), marks)?.1;
            }
            (Kind::List, end)
        }
        Head::Map(n) => {
            let mut end = after;
            for _ in 0..n {
                let (key, after) = key(bytes, end)?;
                if n == 1 && key.starts_with('$') {
                    marks.meaning.get_or_insert(What::Reserved);
                }
                end = value(bytes, after, depth.saturating_add(1), marks)?.1;
            }
            (Kind::Map, end)
        }
        Head::Unused => return Err(What::UnusedByte.at(at)),
    })
}

/// The place behind the value at `at`, whatever it holds. Needs no stack: a container only adds to what is
/// still due.
pub(super) fn skip(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut due = 1_u64;
    while due > 0 {
        let (head, after) = head(bytes, at)?;
        at = after;
        due = due.saturating_sub(1);
        match head {
            Head::Text(n) | Head::Binary(n) | Head::Extension(n) => at = at.checked_add(n)?,
            Head::List(n) => due = due.checked_add(n as u64)?,
            Head::Map(n) => due = due.checked_add((n as u64).checked_mul(2)?)?,
            Head::Null | Head::Bool(_) | Head::Number(_) | Head::Unused => {}
        }
        // Each value that is still due takes a byte at least: a length that lies is seen at once.
        if due > (bytes.len().checked_sub(at)?) as u64 {
            return None;
        }
    }
    Some(at)
}

/// Find the fields of the one map that `bytes` is.
pub(super) fn find(bytes: &[u8], fields: &mut Fields) {
    match members(bytes, fields) {
        Ok(end) if end < bytes.len() => fields.note(What::Trailing.at(end)),
        Ok(_) => {}
        Err(flaw) => fields.note(flaw),
    }
}

fn members(bytes: &[u8], fields: &mut Fields) -> Result<usize, Flaw> {
    let Some((Head::Map(n), mut at)) = head(bytes, 0) else {
        return Err(if bytes.is_empty() { What::Cut.at(0) } else { What::NotAnObject.at(0) });
    };
    for _ in 0..n {
        let field = match key(bytes, at) {
            Ok((name, after)) => {
                at = after;
                Field::of(name.as_bytes())
            }
            Err(flaw) => {
                fields.note(flaw);
                at = skip(bytes, at).ok_or(flaw)?;
                None
            }
        };
        match check(bytes, at) {
            Ok(span) => {
                at = span.end;
                if let Some(field) = field {
                    fields.put(field, span);
                }
            }
            Err(flaw) => {
                fields.note(flaw);
                at = skip(bytes, at).ok_or(flaw)?;
            }
        }
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(bytes: &[u8]) -> Result<Marks, What> {
        match check(bytes, 0) {
            Ok(span) if span.end == bytes.len() => Ok(span.marks),
            Ok(_) => Err(What::Trailing),
            Err(flaw) => Err(flaw.what),
        }
    }

    #[test]
    fn values_by_the_rules() {
        for good in [
            &b"\xc0"[..],
            b"\x93\x01\xa1a\xc3",
            b"\x81\xa1a\x80",
            b"\xcb\x3f\xf8\0\0\0\0\0\0",
            b"\xdc\0\x01\x01",
            b"\xd9\x01a",
        ] {
            assert!(whole(good).is_ok(), "{good:x?}");
        }
        for (bad, why) in [
            (&b""[..], What::Cut),
            (b"\x92\x01", What::Cut),
            (b"\xa5tea", What::Cut),
            (b"\xdd\xff\xff\xff\xff\x01", What::Cut),
            (b"\xc6\xff\xff\xff\xff", What::Cut),
            (b"\xa1\xff", What::NotUtf8),
            (b"\xa3\xed\xa0\x80", What::NotUtf8), // a surrogate
            (b"\x81\x01\x02", What::KeyKind),
            (b"\x81\xc4\x01a\x02", What::KeyKind),
            (b"\xcb\x7f\xf8\0\0\0\0\0\0", What::NotFinite),
            (b"\xca\x7f\x80\0\0", What::NotFinite),
            (b"\xc1", What::UnusedByte),
        ] {
            assert_eq!(whole(bad).err(), Some(why), "{bad:x?}");
        }
    }

    #[test]
    fn what_is_seen_is_marked() {
        assert!(whole(b"\x91\xc4\x02hi").unwrap().bin);
        assert_eq!(whole(b"\x91\xd4\x01\x00").unwrap().meaning, Some(What::Extension));
        assert_eq!(whole(b"\xc7\x02\x01ab").unwrap().meaning, Some(What::Extension));
        assert_eq!(whole(b"\x81\xa2$x\x01").unwrap().meaning, Some(What::Reserved));
        assert_eq!(whole(b"\x82\xa2$x\x01\xa1a\x01").unwrap().meaning, None);
    }

    #[test]
    fn nesting_ends_at_128() {
        let nested = |n: usize| [vec![0x91; n], vec![0xc0]].concat();
        assert!(whole(&nested(128)).is_ok());
        assert_eq!(whole(&nested(129)).err(), Some(What::Deep));
        assert_eq!(skip(&nested(100_000), 0), Some(100_001));
    }

    #[test]
    fn a_length_that_lies_costs_nothing() {
        assert_eq!(skip(b"\xdd\xff\xff\xff\xff\x01\x01", 0), None);
        assert_eq!(skip(b"\xdf\xff\xff\xff\xff\x01\x01", 0), None);
    }
}
