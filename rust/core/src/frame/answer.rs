//! Answers over plain HTTP, RFC 9112 §4.

use super::refusal::{field, phrase};

/// What every answer says beside its status and body.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// Whether another request may follow on the connection.
    pub keep: bool,
    /// The page of another place that may read it; its origin was allowed.
    pub origin: Option<&'a str>,
    /// A cookie to set, attributes included.
    pub cookie: Option<&'a str>,
    /// What the body is compressed by.
    pub coding: Option<&'a str>,
}

/// Append a whole answer with a JSON body.
pub fn json(out: &mut Vec<u8>, about: &About<'_>, body: &[u8]) {
    begin(out, 200, about);
    out.extend_from_slice(b"Content-Type: application/json\r\nContent-Length: ");
    out.extend_from_slice(itoa::Buffer::new().format(body.len()).as_bytes());
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(body);
}

/// Append a whole answer that is an error: its status, after how many seconds to come back, if that is known, and JSON.
pub fn refused(out: &mut Vec<u8>, about: &About<'_>, (status, retry): (u16, Option<u64>), body: &[u8]) {
    begin(out, status, about);
    let mut number = itoa::Buffer::new();
    if let Some(seconds) = retry {
        field(out, "Retry-After", number.format(seconds));
    }
    field(out, "Content-Type", "application/json");
    field(out, "Content-Length", number.format(body.len()));
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
}

/// Append an answer without a body: 204.
pub fn empty(out: &mut Vec<u8>, about: &About<'_>) {
    begin(out, 204, about);
    out.extend_from_slice(b"\r\n");
}

/// Append the head of an event stream, HTML §9.2.5. It ends with the connection: its end is the peer's sign to
/// come back, and a proxy between must not keep it for somebody else; nor compress it, since what compresses gathers
/// (`no-transform`, RFC 9111 §5.2.2.6).
pub fn event_stream(out: &mut Vec<u8>, about: &About<'_>, chunked: bool) {
    begin_as(out, 200, &About { keep: false, ..*about }, b"no-store, no-transform");
    field(out, "Content-Type", "text/event-stream; charset=utf-8");
    // What proxies of the nginx family understand as "do not gather this".
    field(out, "X-Accel-Buffering", "no");
    if chunked {
        field(out, "Transfer-Encoding", "chunked");
    }
    out.extend_from_slice(b"\r\n");
}

fn begin(out: &mut Vec<u8>, status: u16, about: &About<'_>) {
    begin_as(out, status, about, b"no-store");
}

fn begin_as(out: &mut Vec<u8>, status: u16, about: &About<'_>, caching: &[u8]) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(itoa::Buffer::new().format(status).as_bytes());
    out.push(b' ');
    out.extend_from_slice(phrase(status).as_bytes());
    // What every answer says is copied as a whole: most answers are short, and this is the larger part of them.
    out.extend_from_slice(b"\r\nX-Content-Type-Options: nosniff\r\nVary: Origin\r\nCache-Control: ");
    out.extend_from_slice(caching);
    out.extend_from_slice(b"\r\n");
    if let Some(origin) = about.origin {
        field(out, "Access-Control-Allow-Origin", origin);
        field(out, "Access-Control-Allow-Credentials", "true");
        field(out, "Access-Control-Expose-Headers", "Retry-After");
    }
    if let Some(coding) = about.coding {
        field(out, "Content-Encoding", coding);
        field(out, "Vary", "Accept-Encoding");
    }
    if let Some(cookie) = about.cookie {
        field(out, "Set-Cookie", cookie);
    }
    if !about.keep {
        field(out, "Connection", "close");
    }
}
