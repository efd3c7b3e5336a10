//! What follows a request's head: its body in chunks, and beside it the query and the credentials of a head.
//!
//! Where TCP cuts a body changes nothing, and what is taken for its bytes is what a plain reader finds.

use rtcore_core::frame::body::Body;
use rtcore_core::frame::credentials::{authorization, cookie};
use rtcore_core::frame::http::{Parsed, parse};
use rtcore_core::frame::query::{Query, decode_path};

/// Most bytes of a body here.
const MOST: usize = 200;

/// RFC 9112 §7.1, said as plainly as can be: the body and how much of the input it took; none: it is not whole, or
/// not one that is taken.
fn plainly(input: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    let line = |at: &mut usize| {
        let end = input[*at..].windows(2).position(|two| two == b"\r\n")? + *at;
        let line = &input[*at..end];
        *at = end + 2;
        (!line.contains(&b'\n')).then_some(line)
    };
    loop {
        let size = line(&mut at)?;
        let digits = size.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let size = usize::from_str_radix(std::str::from_utf8(&size[..digits]).ok()?, 16).ok()?;
        if size == 0 {
            while !line(&mut at)?.is_empty() {}
            return Some((body, at));
        }
        body.extend_from_slice(input.get(at..at.checked_add(size)?)?);
        at += size;
        if !line(&mut at)?.is_empty() {
            return None;
        }
    }
}

fn begin() -> Body {
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    match parse(head, 1 << 14) {
        Ok(Parsed::Head(head, _)) => Body::of(&head, MOST).expect("chunked").expect("a body"),
        other => panic!("a good head is read as {other:?}"),
    }
}

/// The body and how much of the input it took; none: not whole, or refused.
fn read(pieces: &[&[u8]]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut used) = (begin(), 0);
    for piece in pieces {
        used += body.next(piece).ok()?;
        if body.is_done() {
            return Some((body.into_bytes(), used));
        }
    }
    None
}

pub fn must_hold(bytes: &[u8]) {
    let whole = read(&[bytes]);
    if let Some((body, used)) = &whole {
        assert!(body.len() <= MOST && *used <= bytes.len());
        assert_eq!(plainly(bytes).as_ref(), whole.as_ref(), "another reader finds another body");
    }
    let one_by_one: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(read(&one_by_one), whole, "a cut changes the body");
    let cut = bytes.first().map_or(0, |byte| usize::from(*byte)).min(bytes.len());
    assert_eq!(read(&[&bytes[..cut], &bytes[cut..]]), whole, "a cut changes the body");

    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(query) = Query::parse(Some(text)) {
        let _ = (query.one("room"), query.number("after"), query.all("room").count());
    }
    let _ = decode_path(text);
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {text}\r\nCookie: {text}\r\n\r\n");
    if let Ok(Parsed::Head(head, _)) = parse(head.as_bytes(), 1 << 14) {
        let _ = (authorization(&head), cookie(&head, "rt_a"));
    }
}
