//! The head of a request, RFC 9112.
//!
//! Every head on the port is read here, also those that go on to the backend; so what two readers
//! could read in two ways is not read at all, it is refused. `httparse` knows the grammar; what it is
//! lenient about (a bare line feed, any number of empty lines before the request) is found while the
//! end of the head is looked for, and what the fields say together is judged in `rules`.
//!
//! A head may come one byte at a time, and is then looked at once a byte. Until its last line is
//! there, the only work is one search for line feeds (16 KiB in under a microsecond), and not more
//! than [`HEADERS`] of them are looked at.

use super::rules;
use crate::codes::Code;
use crate::limits::fixed::HEADERS;
use std::mem::MaybeUninit;

pub use super::refusal::Refusal;

/// What is there of a request's head.
#[derive(Debug)]
pub enum Parsed<'a> {
    /// Not all of it.
    Incomplete,
    /// All of it, and how many bytes it took, the blank line included.
    Head(Head<'a>, usize),
}

/// A request's head, checked. Its parts are in the bytes that were given.
#[derive(Debug)]
pub struct Head<'a> {
    /// As it stands there: methods are case-sensitive, RFC 9110 §9.1.
    pub method: &'a str,
    /// As it stands there, in whichever form.
    pub target: &'a str,
    /// The x of HTTP/1.x: 0 or 1.
    pub minor: u8,
    headers: Vec<(&'a str, &'a [u8])>,
}

/// Read the head of a request at the start of `bytes`.
pub fn parse(bytes: &[u8], max_head: usize) -> Result<Parsed<'_>, Refusal> {
    let Some(start) = beginning(bytes)? else { return Ok(Parsed::Incomplete) };
    let Some(end) = end(bytes, start, max_head)? else { return Ok(Parsed::Incomplete) };
    let head = read(&bytes[start..end])?;
    rules::check(&head)?;
    Ok(Parsed::Head(head, end))
}

/// Whether what has come of a request begins as one that asks with `HEAD`: also where the rest is missing, or broken.
#[must_use]
pub fn asks_for_head_only(bytes: &[u8]) -> bool {
    bytes.strip_prefix(b"\r\n").unwrap_or(bytes).starts_with(b"HEAD ")
}

/// Where the request line begins: one empty line before it is tolerated, RFC 9112 §2.2.
fn beginning(bytes: &[u8]) -> Result<Option<usize>, Refusal> {
    let start = match bytes {
        [] | [b'\r'] => return Ok(None),
        // A TLS record of type "handshake", RFC 8446 §5.1.
        [0x16, ..] => return Err(Refusal::bad("this port speaks http:// and ws://, not TLS")),
        [b'\r', b'\n', ..] => 2,
        _ => 0,
    };
    match bytes.get(start) {
        None => Ok(None),
        // Each character that a method may begin with, RFC 9110 §5.6.2.
        Some(byte) if is_token(&[*byte]) => Ok(Some(start)),
        Some(byte) => Err(Refusal::bad(format!("no HTTP request begins with the byte 0x{byte:02x}"))),
    }
}

/// Where the head ends, after its blank line.
#[expect(clippy::arithmetic_side_effects, reason = "offsets of line feeds that are there, and their count")]
fn end(bytes: &[u8], start: usize, max_head: usize) -> Result<Option<usize>, Refusal> {
    let window = &bytes[..bytes.len().min(max_head)];
    let mut line = start;
    let mut lines = 0;
    for found in memchr::memchr_iter(b'\n', window.get(start..).unwrap_or_default()) {
        let feed = start + found;
        if feed == line || window[feed - 1] != b'\r' {
            // RFC 9112 §2.2 lets a reader take a bare line feed as a line's end; not every reader does.
            return Err(Refusal::bad("a line of the request head ends with LF alone, not with CRLF"));
        }
        if feed - 1 == line {
            return Ok(Some(feed + 1));
        }
        if lines == 0 {
            version(&window[line..feed - 1])?;
        }
        lines += 1;
        if lines > HEADERS + 1 {
            return Err(too_many());
        }
        line = feed + 1;
    }
    if bytes.len() >= max_head {
        return Err(Refusal::new(
            431,
            Code::TooLarge,
            format!("the request head is longer than {max_head} bytes, which is the limit"),
        ));
    }
    Ok(None)
}

/// Say no as soon as the first line is there when it is not HTTP/1.0 or HTTP/1.1: what speaks another
/// protocol may wait for an answer for ever.
fn version(line: &[u8]) -> Result<(), Refusal> {
    let last = line.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    match last {
        b"HTTP/1.1" | b"HTTP/1.0" => Ok(()),
        b"HTTP/2.0" if line.starts_with(b"PRI * ") => Err(Refusal::new(
            505,
            Code::InvalidMessage,
            "this port speaks HTTP/1.1; HTTP/2 without TLS (\"prior knowledge\") is not served here",
        )),
        _ if last.starts_with(b"HTTP/") => Err(Refusal::new(
            505,
            Code::InvalidMessage,
            format!("{} is not served here, only HTTP/1.1 and HTTP/1.0", String::from_utf8_lossy(last)),
        )),
        _ => Err(Refusal::bad("the first line is not a request line, METHOD TARGET HTTP/1.1")),
    }
}

fn too_many() -> Refusal {
    Refusal::new(
        431,
        Code::TooLarge,
        format!("the request has more than {HEADERS} header fields, which is the limit"),
    )
}

fn read(bytes: &[u8]) -> Result<Head<'_>, Refusal> {
    let mut slots = [const { MaybeUninit::uninit() }; HEADERS];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(bytes, &mut slots) {
        Ok(httparse::Status::Complete(length)) if length == bytes.len() => {}
        Ok(_) => return Err(Refusal::bad("the request head is malformed")),
        Err(httparse::Error::TooManyHeaders) => return Err(too_many()),
        Err(error) => return Err(Refusal::bad(format!("the request head is malformed: {error}"))),
    }
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version) else {
        return Err(Refusal::bad("the request head is malformed"));
    };
    let headers = request.headers.iter().map(|field| (field.name, field.value.trim_ascii())).collect();
    Ok(Head { method, target, minor, headers })
}

/// Whether `bytes` are a token, RFC 9110 §5.6.2.
pub(super) fn is_token(bytes: &[u8]) -> bool {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !bytes.is_empty() && bytes.iter().all(part)
}

impl<'a> Head<'a> {
    /// The target's path, before any `?`: of the absolute form too, RFC 9112 §3.2.2.
    #[must_use]
    pub fn path(&self) -> &'a str {
        let (_, rest) = rules::split_target(self.target);
        match rest.split_once('?').map_or(rest, |(path, _)| path) {
            "" => "/",
            path => path,
        }
    }

    /// What stands after the `?`, if there is one.
    #[must_use]
    pub fn query(&self) -> Option<&'a str> {
        rules::split_target(self.target).1.split_once('?').map(|(_, query)| query)
    }

    /// The first field of this name, in any case of letters.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers_named(name).next()
    }

    /// Every field of this name, in their order.
    #[must_use]
    pub fn headers_named(&self, name: &str) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |field| field.0.eq_ignore_ascii_case(name)).map(|field| field.1)
    }

    /// The elements of a comma-separated field, over all fields of that name, RFC 9110 §5.6.1. One that
    /// is no UTF-8 comes as U+FFFD: it is no token, so it matches nothing and is not overlooked.
    pub fn header_tokens(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.headers_named(name)
            .flat_map(|value| value.split(|byte| *byte == b','))
            .map(|element| std::str::from_utf8(element.trim_ascii()).unwrap_or("\u{fffd}"))
            .filter(|element| !element.is_empty())
    }

    /// Whether this asks to go on as a WebSocket, RFC 6455 §4.2.1, points 3 and 4.
    #[must_use]
    pub fn upgrades_to_websocket(&self) -> bool {
        self.has_token("upgrade", "websocket") && self.has_token("connection", "upgrade")
    }

    /// The same with another name in `Host`: that by which a proxy was called. It was checked to be one.
    #[must_use]
    pub fn renamed<'b>(&'b self, host: &'b [u8]) -> Head<'b> {
        let others = self.headers.iter().filter(|field| !field.0.eq_ignore_ascii_case("host"));
        let headers = std::iter::once(("Host", host)).chain(others.copied()).collect();
        Head { method: self.method, target: self.target, minor: self.minor, headers }
    }

    /// The fields in their order, names as they were written.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.headers.iter().copied()
    }

    /// What the peer calls itself, for people to read.
    #[must_use]
    pub fn agent(&self) -> Option<Box<str>> {
        self.header("user-agent").map(|agent| String::from_utf8_lossy(agent).into())
    }

    /// Whether the peer means to send another request on this connection, RFC 9112 §9.3.
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        self.minor == 1 && !self.has_token("connection", "close")
    }

    /// Whether the peer waits for a word before it sends the body, RFC 9110 §10.1.1.
    #[must_use]
    pub fn expects_continue(&self) -> bool {
        self.minor == 1 && self.has_token("expect", "100-continue")
    }

    pub(super) fn has_token(&self, name: &str, token: &str) -> bool {
        self.header_tokens(name).any(|element| element.eq_ignore_ascii_case(token))
    }
}
