//! The light way over JSON: brackets are counted and strings passed over, nothing is checked.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "every sum is an offset a few bytes beyond one that is within the input, or counts bytes of it: a slice has \
              isize::MAX bytes at most"
)]

use super::json_text;

/// Whether this byte may stand between the parts, RFC 8259 §2.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The place of the first byte from `at` that is no space.
pub(super) fn after_space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|&b| is_space(b)) {
        at += 1;
    }
    at
}

/// The place behind the value at `at`, whatever it holds: brackets are counted, strings passed over.
pub(super) fn skip(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match *bytes.get(at)? {
            b'"' => at = json_text::skip(bytes, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
                continue;
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            b',' | b':' => {
                // Between values this is an end; as the first byte of one it is none.
                depth.checked_sub(1)?;
                at += 1;
                continue;
            }
            byte if is_space(byte) && depth > 0 => {
                at += 1;
                continue;
            }
            _ => {
                let word = bytes[at..].iter().take_while(|&&b| !ends_word(b)).count();
                at += word.max(1);
            }
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

const fn ends_word(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b',' | b':' | b'"' | b'{' | b'}' | b'[' | b']')
}

/// Append a checked value without the space between its parts.
pub(super) fn compact(value: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(&byte) = value.get(at) {
        let end = match byte {
            b'"' => json_text::skip(value, at).unwrap_or(value.len()),
            byte if is_space(byte) => {
                at += 1;
                continue;
            }
            _ => at + 1,
        };
        out.extend_from_slice(&value[at..end]);
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compacting_leaves_strings_alone() {
        let mut out = Vec::new();
        compact(b"{ \"a b\" :\r\n [ 1 ,\t\" \\\" \" ] }", &mut out);
        assert_eq!(out, b"{\"a b\":[1,\" \\\" \"]}");
    }

    #[test]
    fn skipping_finds_the_end_of_nonsense() {
        for (text, end) in [("NaN,1", 3), ("[1 2}],", 5), ("{\"a\" }}", 6), ("\"a\nb\\\"\",", 7), ("01x]", 3)]
        {
            assert_eq!(skip(text.as_bytes(), 0), Some(end), "{text}");
        }
        for text in ["", ",", "]", "[1", "\"a", ":"] {
            assert_eq!(skip(text.as_bytes(), 0), None, "{text}");
        }
    }
}
