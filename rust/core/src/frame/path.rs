//! The path of a request, before anybody decides by it.
//!
//! A proxy before us may decide by the path, too: it denies `/metrics`, or lets only `/rt/` through. Then the path must not be
//! written in a way that it reads as one thing and we, or the application behind us, as another (RFC 3986 §6.2.2, §7.3). To
//! put such ways right would help whoever wants to pass by it; so they are refused. What needs an escape may have one.

use super::refusal::Refusal;

/// What the name of a stream stands behind, which may have a slash in it.
pub const STREAMS: &str = "/rt/stream/";

/// Judge a path as it stands in the request: of rtcore's own (`ours`), or of whatever is mounted.
pub(super) fn check(path: &str, ours: bool) -> Result<(), Refusal> {
    if path.starts_with("//") {
        return Err(bad("begins with two slashes, which some read as the name of a host"));
    }
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err(bad("has a segment . or .., which a client resolves itself"));
    }
    if path.contains('\\') {
        return Err(bad("has a backslash, which some read as a slash"));
    }
    if !path.contains('%') {
        return Ok(());
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            decoded.push(*first);
            continue;
        }
        let digits = tail.get(..2).filter(|pair| pair.iter().all(u8::is_ascii_hexdigit));
        let byte = digits.and_then(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        let Some(byte) = byte else {
            return Err(bad("has a % without two hexadecimal digits behind it"));
        };
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' => {
                return Err(bad(&format!(
                    "writes {:?} as %{byte:02x}: it needs no escape",
                    char::from(byte)
                )));
            }
            0..=0x1f | 0x7f => return Err(bad(&format!("has the control character %{byte:02x}"))),
            b'\\' => return Err(bad("has an escaped backslash, which some read as a slash")),
            // In the name of a stream it is a slash of that name, and nothing else.
            b'/' if !ours => return Err(bad("has an escaped slash, which some read as a slash")),
            byte => decoded.push(byte),
        }
        rest = &tail[2..];
    }
    match std::str::from_utf8(&decoded) {
        Ok(_) => Ok(()),
        Err(_) => Err(bad("is no UTF-8 once its escapes are undone")),
    }
}

fn bad(what: &str) -> Refusal {
    Refusal::bad(format!("the request's path {what}"))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn what_two_readers_could_read_in_two_ways_is_refused() {
        for path in [
            "/%6detrics",
            "/%6Detrics",
            "/metric%73",
            "/%31",
            "/a%2db",
            "/a%5Fb",
            "/x/%2e%2e/metrics",
            "/%2E/metrics",
            "/./metrics",
            "/x/../metrics",
            "/..",
            "/.",
            "/x/..",
            "//metrics",
            "//evil.example/x",
            "/metrics%00",
            "/%0d%0aX",
            "/%7f",
            "/x\\metrics",
            "/x%5cmetrics",
            "/a%2fb",
            "/a%2Fb",
            "/%",
            "/%4",
            "/%zz",
            "/%+1",
            "/%c0%ae%c0%ae/x",
            "/%e0%80%af",
            "/%ff",
            "/%ed%a0%80",
        ] {
            assert!(check(path, false).is_err(), "{path}");
        }
    }

    #[test]
    fn what_needs_an_escape_has_one() {
        for path in [
            "/",
            "/a//b",
            "/a;x=1",
            "/...",
            "/a.b/..c",
            "/a%20b",
            "/%C3%A9",
            "/%7Euser",
            "/100%25",
            "/%3Fa%23b",
            "/x:y@z",
            "*",
        ] {
            assert!(check(path, false).is_ok(), "{path}");
        }
        assert!(check("/rt/stream/a%2Fb", true).is_ok());
        assert!(check("/rt/stream/a%2Fb/../x", true).is_err());
    }
}
