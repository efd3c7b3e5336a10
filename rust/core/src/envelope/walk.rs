//! One walk over a value for each form; what to do on the way is the visitor's affair.
//!
//! Both walks check as they go, so that they are safe on any bytes. Recursion is bounded by the depth of
//! `data`.

use super::flaw::{Flaw, What};
use super::json_skip::after_space;
use super::msgpack::Head;
use super::number::{self, Number};
use super::{bin, json_text, msgpack};
use crate::ids::Form;
use crate::limits::fixed::DEPTH;

/// The two containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    List,
    Map,
}

/// Who is told what stands in a value, in order.
pub(super) trait Visit {
    fn null(&mut self);
    fn boolean(&mut self, value: bool);
    fn number(&mut self, value: Number<'_>);
    fn text(&mut self, value: &str);
    fn binary(&mut self, value: &[u8]);
    /// A container begins; `count` where the form says it in advance. The answer comes back with `close`.
    fn open(&mut self, holds: Holds, count: Option<usize>) -> usize;
    fn key(&mut self, key: &str);
    fn close(&mut self, holds: Holds, opened: usize, count: usize);
}

/// Show one whole value to `visit`.
pub(super) fn walk(bytes: &[u8], form: Form, visit: &mut impl Visit) -> Result<(), Flaw> {
    let end = match form {
        Form::Json => after_space(bytes, json(bytes, after_space(bytes, 0), 0, visit)?),
        Form::Msgpack => packed(bytes, 0, 0, visit)?,
    };
    if end < bytes.len() { Err(What::Trailing.at(end)) } else { Ok(()) }
}

#[expect(clippy::arithmetic_side_effects, reason = "there is a byte at `at`")]
fn wanted(bytes: &[u8], at: usize, byte: u8, what: What) -> Result<usize, Flaw> {
    match bytes.get(at) {
        Some(&b) if b == byte => Ok(at + 1),
        Some(_) => Err(what.at(at)),
        None => Err(What::Cut.at(at)),
    }
}

/// The value at `at`, its first byte; the place behind it.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "offsets and counts of bytes that are there; a depth below DEPTH"
)]
fn json(bytes: &[u8], at: usize, depth: u32, visit: &mut impl Visit) -> Result<usize, Flaw> {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.first() {
        Some(b'"') => {
            let (end, _) = json_text::check(bytes, at)?;
            visit.text(&json_text::decode(json_text::between_quotes(bytes, at, end))?);
            Ok(end)
        }
        Some(b'{' | b'[') if depth == DEPTH => Err(What::Deep.at(at)),
        Some(b'{') => json_map(bytes, at + 1, depth + 1, visit),
        Some(b'[') => json_list(bytes, at + 1, depth + 1, visit),
        Some(b'-' | b'0'..=b'9') => {
            let (end, _) = number::check(bytes, at)?;
            visit.number(number::parse(&bytes[at..end]).ok_or(What::Range.at(at))?);
            Ok(end)
        }
        Some(b'n') if rest.starts_with(b"null") => {
            visit.null();
            Ok(at + 4)
        }
        Some(b't') if rest.starts_with(b"true") => {
            visit.boolean(true);
            Ok(at + 4)
        }
        Some(b'f') if rest.starts_with(b"false") => {
            visit.boolean(false);
            Ok(at + 5)
        }
        Some(_) => Err(What::NoValue.at(at)),
        None => Err(What::Cut.at(at)),
    }
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "offsets and counts of bytes that are there; a depth below DEPTH"
)]
fn json_list(bytes: &[u8], at: usize, depth: u32, visit: &mut impl Visit) -> Result<usize, Flaw> {
    let opened = visit.open(Holds::List, None);
    let mut at = after_space(bytes, at);
    let mut count = 0;
    if bytes.get(at) != Some(&b']') {
        loop {
            at = after_space(bytes, json(bytes, at, depth, visit)?);
            count += 1;
            if bytes.get(at) != Some(&b',') {
                break;
            }
            at = after_space(bytes, at + 1);
        }
    }
    at = wanted(bytes, at, b']', What::NoComma)?;
    visit.close(Holds::List, opened, count);
    Ok(at)
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "offsets and counts of bytes that are there; a depth below DEPTH"
)]
fn json_map(bytes: &[u8], at: usize, depth: u32, visit: &mut impl Visit) -> Result<usize, Flaw> {
    let mut at = after_space(bytes, at);
    let (mut opened, mut count) = (0, 0);
    let mut dollar = false;
    if bytes.get(at) == Some(&b'}') {
        opened = visit.open(Holds::Map, None);
    } else {
        loop {
            wanted(bytes, at, b'"', What::NoKey)?;
            let (end, _) = json_text::check(bytes, at)?;
            let key = json_text::decode(json_text::between_quotes(bytes, at, end))?;
            at = after_space(bytes, wanted(bytes, after_space(bytes, end), b':', What::NoColon)?);
            if count == 0 {
                if let Some((text, end)) = bin::text(key.as_bytes(), bytes, at) {
                    visit.binary(&bin::decode(&text, at)?);
                    return Ok(end);
                }
                dollar = key.starts_with('$');
                opened = visit.open(Holds::Map, None);
            }
            visit.key(&key);
            at = after_space(bytes, json(bytes, at, depth, visit)?);
            count += 1;
            if bytes.get(at) != Some(&b',') {
                break;
            }
            at = after_space(bytes, at + 1);
        }
    }
    at = wanted(bytes, at, b'}', What::NoComma)?;
    if dollar && count == 1 {
        return Err(What::Reserved.at(at));
    }
    visit.close(Holds::Map, opened, count);
    Ok(at)
}

/// The value at `at`; the place behind it.
fn packed(bytes: &[u8], at: usize, depth: u32, visit: &mut impl Visit) -> Result<usize, Flaw> {
    let (head, after) = msgpack::head(bytes, at).ok_or(What::Cut.at(bytes.len()))?;
    if depth == DEPTH && matches!(head, Head::List(_) | Head::Map(_)) {
        return Err(What::Deep.at(at));
    }
    match head {
        Head::Null => visit.null(),
        Head::Bool(value) => visit.boolean(value),
        Head::Number(Number::Float(f)) if !f.is_finite() => return Err(What::NotFinite.at(at)),
        Head::Number(value) => visit.number(value),
        Head::Text(length) => {
            let (text, end) = msgpack::text(bytes, after, length)?;
            visit.text(text);
            return Ok(end);
        }
        Head::Binary(length) => {
            let (content, end) = msgpack::content(bytes, after, length)?;
            visit.binary(content);
            return Ok(end);
        }
        Head::List(count) => {
            let opened = visit.open(Holds::List, Some(count));
            let mut at = after;
            for _ in 0..count {
                at = packed(bytes, at, depth.saturating_add(1), visit)?;
            }
            visit.close(Holds::List, opened, count);
            return Ok(at);
        }
        Head::Map(count) => {
            let opened = visit.open(Holds::Map, Some(count));
            let mut end = after;
            for _ in 0..count {
                let (key, after) = msgpack::key(bytes, end)?;
                if count == 1 && key.starts_with('$') {
                    return Err(What::Reserved.at(end));
                }
                visit.key(key);
                end = packed(bytes, after, depth.saturating_add(1), visit)?;
            }
            visit.close(Holds::Map, opened, count);
            return Ok(end);
        }
        Head::Extension(_) => return Err(What::Extension.at(at)),
        Head::Unused => return Err(What::UnusedByte.at(at)),
    }
    Ok(after)
}
