//! The opening handshake as a client does it, RFC 6455 §4.1: for tests, load tools and clients.

use super::handshake::accept;
use super::offers::{self, Agreed};
use crate::codes::close;
use crate::error::Broken;
use crate::limits::fixed::{ANSWER_HEAD, HEADERS};

/// Append a request that opens a WebSocket. `extensions` is the offer, and `headers` are any others.
pub fn write_request(
    host: &str,
    path: &str,
    key: &str,
    protocols: &[&str],
    extensions: Option<&str>,
    headers: &[(&str, &str)],
    out: &mut Vec<u8>,
) {
    let mut line = |parts: &[&str]| {
        for part in parts {
            out.extend_from_slice(part.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    };
    line(&["GET ", path, " HTTP/1.1"]);
    line(&["Host: ", host]);
    line(&["Upgrade: websocket"]);
    line(&["Connection: Upgrade"]);
    line(&["Sec-WebSocket-Version: 13"]);
    line(&["Sec-WebSocket-Key: ", key]);
    if !protocols.is_empty() {
        line(&["Sec-WebSocket-Protocol: ", &protocols.join(", ")]);
    }
    if let Some(extensions) = extensions {
        line(&["Sec-WebSocket-Extensions: ", extensions]);
    }
    for (name, value) in headers {
        line(&[name, ": ", value]);
    }
    line(&[]);
}

/// A response to [`write_request`].
#[derive(Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// Not all of its head is there.
    Incomplete,
    /// The connection is a WebSocket; frames begin after this many bytes.
    Switched(Switched<'a>, usize),
    /// The server says no, with this status; its body begins after this many bytes.
    Refused(u16, usize),
}

/// What was agreed.
#[derive(Debug, PartialEq, Eq)]
pub struct Switched<'a> {
    /// One of the subprotocols that were offered.
    pub protocol: Option<&'a str>,
    /// permessage-deflate, if it was offered and accepted.
    pub deflate: Option<Agreed>,
}

/// Judge the response to a request with this key, these subprotocols, and permessage-deflate or not:
/// RFC 6455 §4.1, "the client MUST validate the server's response".
pub fn check_response<'a>(
    bytes: &'a [u8],
    key: &str,
    protocols: &[&str],
    deflate: bool,
) -> Result<Answer<'a>, Broken> {
    let mut slots = [httparse::EMPTY_HEADER; HEADERS];
    let mut response = httparse::Response::new(&mut slots);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < ANSWER_HEAD => return Ok(Answer::Incomplete),
        Ok(httparse::Status::Partial) => {
            return Err(wrong(format!("the response's head is longer than {ANSWER_HEAD} bytes")));
        }
        Err(error) => return Err(wrong(format!("the response's head is malformed: {error}"))),
    };
    let status = response.code.unwrap_or_default();
    if status != 101 {
        return Ok(Answer::Refused(status, length));
    }
    let headers: &[httparse::Header<'a>] = response.headers;
    let named = |name: &'static str| {
        headers.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    };
    let has = |name, token: &str| {
        named(name).flat_map(elements).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
    };
    if !has("upgrade", "websocket") || !has("connection", "upgrade") {
        return Err(wrong("the response switches, but not to websocket"));
    }
    let mut accepted = named("sec-websocket-accept");
    if accepted.next() != Some(&accept(key)[..]) || accepted.next().is_some() {
        return Err(wrong("Sec-WebSocket-Accept is not the answer to this request's key"));
    }
    let mut chosen = named("sec-websocket-protocol").flat_map(elements);
    let protocol = match (chosen.next().map(std::str::from_utf8), chosen.next()) {
        (None, _) => None,
        (Some(Ok(name)), None) if protocols.contains(&name) => Some(name),
        _ => return Err(wrong("the response chooses a subprotocol that was not offered, or several")),
    };
    let mut extensions = named("sec-websocket-extensions").flat_map(elements);
    let deflate = match (extensions.next().map(std::str::from_utf8), extensions.next()) {
        (None, _) => None,
        (Some(Ok(answer)), None) if deflate => match offers::agreed(answer) {
            Some(agreed) => Some(agreed),
            None => return Err(wrong(format!("the response asks for an extension unfit for us: {answer}"))),
        },
        _ => return Err(wrong("the response has an extension that was not offered")),
    };
    Ok(Answer::Switched(Switched { protocol, deflate }, length))
}

fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

fn wrong(reason: impl Into<std::borrow::Cow<'static, str>>) -> Broken {
    Broken::new(close::PROTOCOL_ERROR, reason)
}
