//! What the fields of a request head may say together, so that no two readers of it can disagree
//! about where the request goes or where it ends.

use super::authority::Authority;
use super::http::Head;
use super::path;
use super::refusal::Refusal;
use crate::codes::Code;

/// Judge a head that follows the grammar.
pub(super) fn check(head: &Head<'_>) -> Result<(), Refusal> {
    method(head)?;
    target(head)?;
    path::check(head.path(), head.path().starts_with(path::STREAMS))?;
    host(head)?;
    let has_body = framing(head)?;
    if has_body && head.has_token("upgrade", "websocket") {
        // The bytes of the body would be read as frames by one side only.
        return Err(Refusal::bad("a request that upgrades to WebSocket has no body"));
    }
    Ok(())
}

fn method(head: &Head<'_>) -> Result<(), Refusal> {
    if head.method == "CONNECT" {
        // RFC 9110 §9.3.6: it would make this server a tunnel to wherever the target says.
        let methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
        return Err(Refusal::new(405, Code::InvalidMessage, "CONNECT is not served here: this is no proxy")
            .with_header("Allow", methods.to_owned()));
    }
    Ok(())
}

/// RFC 9112 §3.2: a path, an absolute URI whose authority is the `Host`, or `*` for OPTIONS.
fn target(head: &Head<'_>) -> Result<(), Refusal> {
    let target = head.target;
    if let Some(byte) = target.bytes().find(|byte| !byte.is_ascii_graphic() || *byte == b'#') {
        return Err(Refusal::bad(format!(
            "the request's target holds the byte 0x{byte:02x}, which must be percent-encoded"
        )));
    }
    if target.starts_with('/') || (target == "*" && head.method == "OPTIONS") {
        return Ok(());
    }
    let (Some(authority), rest) = split_target(target) else {
        return Err(Refusal::bad("the request's target is neither a path nor an http:// address"));
    };
    let Some(authority) = Authority::parse(authority.as_bytes()) else {
        return Err(Refusal::bad("the request's target names no valid host"));
    };
    if !(rest.is_empty() || rest.starts_with(['/', '?'])) {
        return Err(Refusal::bad("the request's target is malformed"));
    }
    // A server obeys the target's authority and a proxy before it perhaps `Host`: they must agree.
    if let Some(host) = head.header("host").and_then(Authority::parse)
        && !host.same(&authority)
    {
        return Err(Refusal::bad("the request's target and its Host field name different hosts"));
    }
    Ok(())
}

/// The authority of a target in absolute form, and the rest; or all as the rest.
pub(super) fn split_target(target: &str) -> (Option<&str>, &str) {
    let after = |scheme: &str| {
        let head = target.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then(|| &target[scheme.len()..])
    };
    match after("http://").or_else(|| after("https://")) {
        Some(rest) => {
            let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            (Some(authority), rest)
        }
        None => (None, target),
    }
}

/// RFC 9112 §3.2: exactly one in HTTP/1.1, at most one in HTTP/1.0, and a valid one.
fn host(head: &Head<'_>) -> Result<(), Refusal> {
    let mut hosts = head.headers_named("host");
    let Some(host) = hosts.next() else {
        return if head.minor == 0 { Ok(()) } else { Err(Refusal::bad("the request has no Host field")) };
    };
    if hosts.next().is_some() {
        return Err(Refusal::bad("the request has more than one Host field"));
    }
    match Authority::parse(host) {
        Some(_) => Ok(()),
        None => {
            Err(Refusal::bad(format!("the Host field, {:?}, is not a host", String::from_utf8_lossy(host))))
        }
    }
}

/// RFC 9112 §6: one way to tell where the body ends, or none. Whether there is a body.
fn framing(head: &Head<'_>) -> Result<bool, Refusal> {
    let mut lengths = head.headers_named("content-length");
    let mut codings = head.headers_named("transfer-encoding");
    let (length, coding) = (lengths.next(), codings.next());
    if lengths.next().is_some() {
        return Err(Refusal::bad("the request has more than one Content-Length field"));
    }
    if let Some(value) = length {
        if coding.is_some() {
            return Err(Refusal::bad("the request has both Content-Length and Transfer-Encoding"));
        }
        let digits = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
        return match digits.and_then(|digits| digits.parse::<u64>().ok()) {
            Some(length) => Ok(length > 0),
            None => Err(Refusal::bad(format!(
                "Content-Length is one decimal number, not {:?}",
                String::from_utf8_lossy(value)
            ))),
        };
    }
    let Some(coding) = coding else { return Ok(false) };
    if head.minor == 0 {
        // RFC 9112 §6.1: HTTP/1.0 has no chunks, so some reader before us did not see them.
        return Err(Refusal::bad("an HTTP/1.0 request has no Transfer-Encoding"));
    }
    if codings.next().is_some() {
        return Err(Refusal::bad("the request has more than one Transfer-Encoding field"));
    }
    if coding.eq_ignore_ascii_case(b"chunked") {
        return Ok(true);
    }
    let mut known = coding.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    if known.any(|coding| !["gzip", "deflate", "compress"].iter().any(|name| coding == name.as_bytes())) {
        return Err(Refusal::bad(format!(
            "Transfer-Encoding is chunked, once, not {:?}",
            String::from_utf8_lossy(coding)
        )));
    }
    let message = format!("Transfer-Encoding {:?} is not served here", String::from_utf8_lossy(coding));
    Err(Refusal::new(501, Code::InvalidMessage, message))
}
