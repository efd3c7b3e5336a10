//! Whether a text is JSON: every editor that hears it will read it.

/// Whether it is, nested at most so deep.
pub(super) fn is_json(text: &str, depth: usize) -> bool {
    let mut rest = text.as_bytes();
    value(&mut rest, depth).is_some() && space(&mut rest).is_empty()
}

fn space<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    while let [b' ' | b'\t' | b'\n' | b'\r', more @ ..] = rest {
        *rest = more;
    }
    rest
}

fn next(rest: &mut &[u8]) -> Option<u8> {
    let (first, more) = rest.split_first()?;
    *rest = more;
    Some(*first)
}

fn is_next(rest: &mut &[u8], wanted: u8) -> bool {
    let is = rest.first() == Some(&wanted);
    if is {
        *rest = &rest[1..];
    }
    is
}

fn word(rest: &mut &[u8], wanted: &[u8]) -> Option<()> {
    *rest = rest.strip_prefix(wanted)?;
    Some(())
}

fn value(rest: &mut &[u8], depth: usize) -> Option<()> {
    let below = depth.checked_sub(1)?;
    match space(rest).first()? {
        b'n' => word(rest, b"null"),
        b't' => word(rest, b"true"),
        b'f' => word(rest, b"false"),
        b'"' => string(rest),
        b'[' => members(rest, b']', |rest| value(rest, below)),
        b'{' => members(rest, b'}', |rest| {
            space(rest);
            string(rest)?;
            space(rest);
            is_next(rest, b':').then_some(())?;
            value(rest, below)
        }),
        _ => number(rest),
    }
}

fn members(rest: &mut &[u8], end: u8, mut member: impl FnMut(&mut &[u8]) -> Option<()>) -> Option<()> {
    next(rest)?;
    space(rest);
    if is_next(rest, end) {
        return Some(());
    }
    loop {
        member(rest)?;
        space(rest);
        match next(rest)? {
            b',' => {}
            other => return (other == end).then_some(()),
        }
    }
}

fn string(rest: &mut &[u8]) -> Option<()> {
    is_next(rest, b'"').then_some(())?;
    loop {
        match next(rest)? {
            b'"' => return Some(()),
            0..0x20 => return None,
            b'\\' => match next(rest)? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                b'u' => {
                    for _ in 0..4 {
                        next(rest).filter(u8::is_ascii_hexdigit)?;
                    }
                }
                _ => return None,
            },
            _ => {}
        }
    }
}

fn digits(rest: &mut &[u8]) -> Option<()> {
    next(rest).filter(u8::is_ascii_digit)?;
    while rest.first().is_some_and(u8::is_ascii_digit) {
        *rest = &rest[1..];
    }
    Some(())
}

fn number(rest: &mut &[u8]) -> Option<()> {
    is_next(rest, b'-');
    if !is_next(rest, b'0') {
        digits(rest)?;
    }
    if is_next(rest, b'.') {
        digits(rest)?;
    }
    if is_next(rest, b'e') || is_next(rest, b'E') {
        let _ = is_next(rest, b'+') || is_next(rest, b'-');
        digits(rest)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::is_json;

    #[test]
    fn what_json_is_and_what_only_looks_like_it() {
        for json in [
            "null",
            " true ",
            "-0.5e+7",
            "\"a\\u00e4\\\"\"",
            "[]",
            "[1, {\"a\": [{}]}]",
            "{\"a\":\"b\",\"c\":0}",
        ] {
            assert!(is_json(json, 9), "{json}");
        }
        for other in [
            "", "nul", "01", "1.", ".5", "+1", "[1,]", "{\"a\"}", "{a:1}", "\"\n\"", "\"\\x\"", "1 2", "[",
            "\"", "\u{c}1",
        ] {
            assert!(!is_json(other, 9), "{other}");
        }
        assert!(is_json("[[[]]]", 3) && !is_json("[[[]]]", 2), "as deep as it may be");
    }
}
