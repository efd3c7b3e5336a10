//! A request that is not taken, and the HTTP answer that says why.

use crate::codes::Code;
use std::borrow::Cow;

/// The answer to a request that is refused. The connection closes after it, unless all of the request was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The stable code, for programs.
    pub code: Code,
    /// For people: what was wrong, the measured value, the limit.
    pub message: Cow<'static, str>,
    /// What the status asks for beside: `Retry-After`, `Sec-WebSocket-Version`, `Allow`.
    pub headers: Vec<(&'static str, String)>,
    /// The number of the newest hello, where that is why.
    pub n: Option<u64>,
}

/// What a refusal answers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answering {
    /// Another request may follow on the connection.
    pub keep: bool,
    /// It asks with `HEAD`: the answer is its head alone, whatever it says, RFC 9110 §9.3.2. A body behind it would be
    /// read as the next answer, by a proxy as that of somebody else.
    pub head_only: bool,
}

/// Append a header field. Nothing that a value holds may begin another line.
pub(super) fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend(value.bytes().filter(|byte| !byte.is_ascii_control()));
    out.extend_from_slice(b"\r\n");
}

impl Refusal {
    /// A refusal without further headers.
    pub fn new(status: u16, code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), headers: Vec::new(), n: None }
    }

    /// A request that breaks the rules of HTTP or of the handshake: 400.
    pub(super) fn bad(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, Code::InvalidMessage, message)
    }

    /// The same, with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same, with the number of the hello that has the session.
    #[must_use]
    pub fn with_n(self, n: u64) -> Self {
        Self { n: Some(n), ..self }
    }

    /// Append the whole response, after which the connection closes. No cache keeps it.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.write_as(Answering::default(), out);
    }

    /// The same, to a request of which more is known. The page's origin decides what is answered, so `Vary` says so.
    pub fn write_as(&self, to: Answering, out: &mut Vec<u8>) {
        let mut body = Vec::with_capacity(self.message.len().saturating_add(64));
        body.extend_from_slice(b"{\"code\":\"");
        body.extend_from_slice(self.code.word().as_bytes());
        body.extend_from_slice(b"\",\"message\":\"");
        escape(&self.message, &mut body);
        body.push(b'"');
        let mut number = itoa::Buffer::new();
        if let Some(n) = self.n {
            body.extend_from_slice(b",\"n\":");
            body.extend_from_slice(number.format(n).as_bytes());
        }
        body.push(b'}');

        out.extend_from_slice(b"HTTP/1.1 ");
        out.extend_from_slice(number.format(self.status).as_bytes());
        out.push(b' ');
        out.extend_from_slice(phrase(self.status).as_bytes());
        out.extend_from_slice(b"\r\nContent-Type: application/json\r\nContent-Length: ");
        out.extend_from_slice(number.format(body.len()).as_bytes());
        out.extend_from_slice(b"\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
        out.extend_from_slice(b"Vary: Origin\r\n");
        let mut closes = false;
        for (name, value) in &self.headers {
            // An answer that demands an upgrade names the field in `Connection`, RFC 9110 §7.8.
            if name.eq_ignore_ascii_case("upgrade") {
                out.extend_from_slice(b"Connection: close, Upgrade\r\n");
                closes = true;
            }
            field(out, name, value);
        }
        if !closes && !to.keep {
            out.extend_from_slice(b"Connection: close\r\n");
        }
        out.extend_from_slice(b"\r\n");
        if !to.head_only {
            out.extend_from_slice(&body);
        }
    }
}

/// Append `text` as the inside of a JSON string, RFC 8259 §7.
fn escape(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..=0x1f => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
            _ => out.push(byte),
        }
    }
}

pub(super) const fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        413 => "Content Too Large",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "Refused",
    }
}
