//! The JSON scanner: RFC 8259, in one pass, without recursion and without allocating.
//!
//! Two ways lead over a value. `check` reads every byte by the grammar and notes what was seen. `skip` only
//! finds the end: it counts brackets outside of strings. When `check` stops at a flaw, `skip` carries on from
//! the beginning of that value, so that the fields behind it can still be read and the fault finds its
//! request.
//!
//! Depth is held in two words of 128 bits, one bit a level: whether the level is an object, and whether it is
//! an object whose only key so far begins with `$`.

use super::flaw::{Flaw, What};
use super::json_skip::skip;
use super::span::{Field, Fields, Kind, Marks, Span};
use super::{base64, bin, json_text, number};
use crate::limits::fixed::DEPTH;

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    breaks: bool,
}

impl<'a> Scan<'a> {
    /// Go past the byte that was looked at.
    #[expect(clippy::arithmetic_side_effects, reason = "there is a byte at `at`: it is below the length")]
    fn pass(&mut self) {
        self.at += 1;
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Go to the next byte that is no space (RFC 8259 §2), and look at it. Mostly it is the one that is here.
    #[inline]
    fn next(&mut self) -> Option<u8> {
        match self.bytes.get(self.at) {
            Some(&byte) if byte > b' ' => Some(byte),
            _ => self.next_behind_spaces(),
        }
    }

    #[expect(clippy::arithmetic_side_effects, reason = "there is a byte at `at`: it is below the length")]
    fn next_behind_spaces(&mut self) -> Option<u8> {
        let mut at = self.at;
        let found = loop {
            match self.bytes.get(at) {
                Some(b' ' | b'\t') => {}
                Some(b'\n' | b'\r') => self.breaks = true,
                other => break other.copied(),
            }
            at += 1;
        };
        self.at = at;
        found
    }

    /// What went wrong if another byte was wanted here.
    fn wrong(&self, what: What) -> Flaw {
        if self.at < self.bytes.len() { what.at(self.at) } else { What::Cut.at(self.at) }
    }

    /// A string: what stands between its quotes, and whether there are escapes in it.
    #[inline]
    fn string(&mut self) -> Result<(&'a [u8], bool), Flaw> {
        if let Some((content, end)) = json_text::short(self.bytes, self.at) {
            self.at = end;
            return Ok((content, false));
        }
        self.long_string()
    }

    fn long_string(&mut self) -> Result<(&'a [u8], bool), Flaw> {
        let (end, escaped) = json_text::check(self.bytes, self.at)?;
        let content = json_text::between_quotes(self.bytes, self.at, end);
        self.at = end;
        Ok((content, escaped))
    }

    #[inline]
    fn colon(&mut self) -> Result<(), Flaw> {
        if self.next() != Some(b':') {
            return Err(self.wrong(What::NoColon));
        }
        self.pass();
        self.next();
        Ok(())
    }

    /// A key and its colon, up to its value; its content, and whether there are escapes in it.
    fn key(&mut self) -> Result<(&'a [u8], bool), Flaw> {
        if self.next() != Some(b'"') {
            return Err(self.wrong(What::NoKey));
        }
        let key = self.string()?;
        self.colon()?;
        Ok(key)
    }

    /// A value that is no container.
    fn scalar(&mut self, marks: &mut Marks) -> Result<Kind, Flaw> {
        let (word, kind): (&[u8], _) = match self.peek() {
            Some(b'"') => {
                marks.escaped |= self.string()?.1;
                return Ok(Kind::Text);
            }
            Some(b'-' | b'0'..=b'9') => {
                let (end, integer) = number::check(self.bytes, self.at)?;
                let text = &self.bytes[self.at..end];
                marks.wide |= integer && number::is_wide(text);
                // (An integer that fits into 64 bits is not, whatever else there is.)
                if !(integer && text.len() <= 18) && number::is_beyond(text) {
                    marks.meaning.get_or_insert(What::Range);
                }
                self.at = end;
                return Ok(Kind::Number);
            }
            Some(b't') => (b"true", Kind::Bool),
            Some(b'f') => (b"false", Kind::Bool),
            Some(b'n') => (b"null", Kind::Null),
            Some(b'N' | b'I') => return Err(What::NotFinite.at(self.at)),
            _ => return Err(self.wrong(What::NoValue)),
        };
        if !self.bytes[self.at..].starts_with(word) {
            return Err(What::NoValue.at(self.at));
        }
        self.at = self.at.saturating_add(word.len());
        Ok(kind)
    }

    /// The first key of an object, at `depth`. Sets the level's bit in `dollars` if the key begins with `$`
    /// and the object is not, as a whole, binary.
    fn first_key(&mut self, marks: &mut Marks) -> Result<bool, Flaw> {
        let (content, escaped) = self.key()?;
        let name = if escaped { json_text::decode(content)? } else { "".into() };
        let name = if escaped { name.as_bytes() } else { content };
        if name.first() != Some(&b'$') {
            return Ok(false);
        }
        // Look ahead: the text itself is read again by the loop.
        let Some((text, _)) = bin::text(name, self.bytes, self.at) else { return Ok(true) };
        if base64::is_valid(text.as_bytes()) {
            marks.bin = true;
        } else {
            marks.meaning.get_or_insert(What::Base64);
        }
        Ok(false)
    }

    /// Any value, by the grammar. Starts at its first byte and ends behind its last.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "the depth is from 1 to DEPTH where it is counted down or shifts"
    )]
    fn value(&mut self, marks: &mut Marks) -> Result<Kind, Flaw> {
        let kind = match self.peek() {
            Some(b'{') => Kind::Map,
            Some(b'[') => Kind::List,
            _ => return self.scalar(marks),
        };
        let (mut maps, mut dollars) = (0_u128, 0_u128);
        let mut depth = 0;
        loop {
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    if depth == DEPTH {
                        return Err(What::Deep.at(self.at));
                    }
                    let bit = 1 << depth;
                    depth += 1;
                    self.pass();
                    let next = self.next();
                    dollars &= !bit;
                    if open == b'{' {
                        maps |= bit;
                        if next != Some(b'}') {
                            if self.first_key(marks)? {
                                dollars |= bit;
                            }
                            continue;
                        }
                    } else {
                        maps &= !bit;
                        if next != Some(b']') {
                            continue;
                        }
                    }
                }
                _ => {
                    self.scalar(marks)?;
                }
            }
            // Behind a value: close what ends here, up to a comma or to the end of it all.
            loop {
                let bit = 1_u128 << (depth - 1);
                let in_map = maps & bit != 0;
                match self.next() {
                    Some(b',') => {
                        self.pass();
                        if in_map {
                            dollars &= !bit;
                            self.key()?;
                        } else {
                            self.next();
                        }
                        break;
                    }
                    Some(close @ (b'}' | b']')) if in_map == (close == b'}') => {
                        if dollars & bit != 0 {
                            marks.meaning.get_or_insert(What::Reserved);
                        }
                        self.pass();
                        depth -= 1;
                        if depth == 0 {
                            return Ok(kind);
                        }
                    }
                    _ => return Err(self.wrong(What::NoComma)),
                }
            }
        }
    }
}

/// Check the value at `at`, which is its first byte.
pub(super) fn check(bytes: &[u8], at: usize) -> Result<Span, Flaw> {
    let mut scan = Scan { bytes, at, breaks: false };
    let mut marks = Marks::default();
    let kind = scan.value(&mut marks)?;
    marks.breaks = scan.breaks;
    Ok(Span { start: at, end: scan.at, kind, marks })
}

/// Find the fields of the one object that `bytes` is.
pub(super) fn find(bytes: &[u8], fields: &mut Fields) {
    let mut scan = Scan { bytes, at: 0, breaks: false };
    if let Err(flaw) = members(&mut scan, fields) {
        fields.note(flaw);
    } else if scan.next().is_some() {
        fields.note(What::Trailing.at(scan.at));
    }
}

fn members(scan: &mut Scan<'_>, fields: &mut Fields) -> Result<(), Flaw> {
    if scan.next() != Some(b'{') {
        return Err(scan.wrong(What::NotAnObject));
    }
    scan.pass();
    if scan.next() == Some(b'}') {
        scan.pass();
        return Ok(());
    }
    loop {
        let field = name(scan, fields)?;
        let found = value(scan, fields)?;
        if let (Some(field), Some(found)) = (field, found) {
            fields.put(field, found);
        }
        match scan.next() {
            Some(b',') => scan.pass(),
            Some(b'}') => {
                scan.pass();
                return Ok(());
            }
            // What follows looks like a key: the id may be behind it.
            Some(b'"') => fields.note(What::NoComma.at(scan.at)),
            _ => return Err(scan.wrong(What::NoComma)),
        }
    }
}

/// A key of the message, up to its value; the field if it is a known one.
fn name(scan: &mut Scan<'_>, fields: &mut Fields) -> Result<Option<Field>, Flaw> {
    scan.next();
    let start = scan.at;
    match scan.key() {
        Ok((content, false)) => Ok(Field::of(content)),
        Ok((content, true)) => Ok(Field::of(json_text::decode(content)?.as_bytes())),
        Err(flaw) => {
            // A bad string: go on behind it, for the sake of an id that may follow.
            fields.note(flaw);
            if scan.bytes.get(start) != Some(&b'"') {
                return Err(flaw);
            }
            scan.at = json_text::skip(scan.bytes, start).ok_or(flaw)?;
            scan.colon()?;
            Ok(None)
        }
    }
}

/// A value of the message. None if it is broken and was passed over.
fn value(scan: &mut Scan<'_>, fields: &mut Fields) -> Result<Option<Span>, Flaw> {
    let start = scan.at;
    let mut marks = Marks::default();
    scan.breaks = false;
    match scan.value(&mut marks) {
        Ok(kind) => {
            marks.breaks = scan.breaks;
            Ok(Some(Span { start, end: scan.at, kind, marks }))
        }
        Err(flaw) => {
            fields.note(flaw);
            scan.at = skip(scan.bytes, start).ok_or(flaw)?;
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Result<Span, What> {
        match check(text.as_bytes(), 0) {
            Ok(span) if span.end == text.len() => Ok(span),
            Ok(_) => Err(What::Trailing),
            Err(flaw) => Err(flaw.what),
        }
    }

    #[test]
    fn values_by_the_grammar() {
        for good in [
            "null",
            "true",
            "[]",
            "{}",
            "[ ]",
            "[1,[2,{}],\"]\"]",
            "{\"a\":{\"b\":[1.5e3]},\"c\":\"}\"}",
            "{\"\":0}",
        ] {
            assert_eq!(whole(good).err(), None, "{good}");
        }
        for (bad, why) in [
            ("", What::Cut),
            ("nul", What::NoValue),
            ("NaN", What::NotFinite),
            ("[1,]", What::NoValue),
            ("[,1]", What::NoValue),
            ("[1 2]", What::NoComma),
            ("[1}", What::NoComma),
            ("{\"a\":1]", What::NoComma),
            ("{\"a\" 1}", What::NoColon),
            ("{\"a\":1,}", What::NoKey),
            ("{a:1}", What::NoKey),
            ("{\"a\":}", What::NoValue),
            ("[[1]", What::Cut),
            ("{\"a\"", What::Cut),
        ] {
            assert_eq!(whole(bad).err(), Some(why), "{bad}");
        }
    }

    #[test]
    fn nesting_ends_at_128() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(whole(&nested(128)).is_ok());
        assert_eq!(whole(&nested(129)).err(), Some(What::Deep));
        let maps = format!("{}1{}", "{\"a\":".repeat(128), "}".repeat(128));
        assert!(whole(&maps).is_ok());
    }

    #[test]
    fn binary_and_reserved_objects() {
        for (text, bin, meaning) in [
            (r#"{"$bin":"aGk="}"#, true, None),
            (r#"[{ "\u0024bin" : "\/w==" }]"#, true, None),
            (r#"{"$bin":"aGk"}"#, false, Some(What::Base64)),
            (r#"{"$bin":5}"#, false, Some(What::Reserved)),
            (r#"{"$ref":{"a":1}}"#, false, Some(What::Reserved)),
            (r#"{"a":[{"$date":1}]}"#, false, Some(What::Reserved)),
            (r#"{"$bin":"no base64","a":1}"#, false, None),
            (r#"{"a":1,"$ref":2}"#, false, None),
            (r#"{"$a":{"b":1},"c":[{}]}"#, false, None),
        ] {
            let marks = whole(text).unwrap().marks;
            assert_eq!((marks.bin, marks.meaning), (bin, meaning), "{text}");
        }
    }

    #[test]
    fn what_is_seen_is_marked() {
        assert!(whole("[1,\n2]").unwrap().marks.breaks);
        assert!(!whole("[1, \"\\n\"]").unwrap().marks.breaks);
        assert!(whole("[18446744073709551616]").unwrap().marks.wide);
        assert!(!whole("[18446744073709551615, 1e30]").unwrap().marks.wide);
        assert_eq!(whole("[18446744073709551616, 1e400]").unwrap().marks.meaning, Some(What::Range));
    }
}
