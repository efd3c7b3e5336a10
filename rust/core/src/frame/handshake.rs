//! The opening handshake of a WebSocket, RFC 6455 §4.2; the client's side of it is in `dial`.

use super::http::{Head, is_token};
use super::offers;
use super::refusal::Refusal;
use crate::codes::Code;
use crate::limits::fixed::SUBPROTOCOLS;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

pub use super::dial::{Answer, Switched, check_response, write_request};
pub use super::offers::Agreed;

/// Appended to the key before it is hashed, RFC 6455 §1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What a valid handshake asks for.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// To be answered with [`accept`].
    pub key: &'a str,
    /// The subprotocols, the client's favourite first.
    pub protocols: Vec<&'a str>,
    /// Whether the client offered permessage-deflate in a way that [`write_switch`] can accept.
    pub deflate: bool,
}

/// Judge a request as the opening of a WebSocket, RFC 6455 §4.2.1.
pub fn check<'a>(head: &Head<'a>) -> Result<Wanted<'a>, Refusal> {
    if !head.upgrades_to_websocket() {
        let message = "this path speaks WebSocket only: connect with ws:// or wss://. If you did, a proxy \
                       between dropped the Upgrade and Connection fields";
        return Err(
            Refusal::new(426, Code::UpgradeRequired, message).with_header("Upgrade", "websocket".to_owned())
        );
    }
    if head.method != "GET" {
        return Err(Refusal::new(405, Code::InvalidMessage, "a WebSocket is opened with GET")
            .with_header("Allow", "GET".to_owned()));
    }
    if head.minor == 0 {
        return Err(Refusal::bad("a WebSocket is opened with HTTP/1.1, not with HTTP/1.0"));
    }
    let mut versions = head.headers_named("sec-websocket-version");
    if versions.next() != Some(b"13") || versions.next().is_some() {
        return Err(Refusal::new(426, Code::UpgradeRequired, "Sec-WebSocket-Version must be 13, once")
            .with_header("Sec-WebSocket-Version", "13".to_owned()));
    }
    Ok(Wanted { key: key(head)?, protocols: protocols(head)?, deflate: deflate(head) })
}

/// 16 bytes in base64: 22 characters and the padding.
fn key<'a>(head: &Head<'a>) -> Result<&'a str, Refusal> {
    let mut keys = head.headers_named("sec-websocket-key");
    let (first, second) = (keys.next(), keys.next());
    let coded = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let key = first
        .filter(|key| key.len() == 24 && key.ends_with(b"==") && key[..22].iter().all(coded))
        .and_then(|key| std::str::from_utf8(key).ok());
    match key {
        Some(key) if second.is_none() => Ok(key),
        _ => Err(Refusal::bad("Sec-WebSocket-Key must be 16 bytes in base64, once")),
    }
}

fn protocols<'a>(head: &Head<'a>) -> Result<Vec<&'a str>, Refusal> {
    let mut names: Vec<&str> = Vec::new();
    for name in head.header_tokens("sec-websocket-protocol") {
        if names.len() == SUBPROTOCOLS {
            return Err(Refusal::bad(format!("more than {SUBPROTOCOLS} subprotocols are offered")));
        }
        // RFC 6455 §4.1, point 10: tokens, each once.
        if !is_token(name.as_bytes()) || names.contains(&name) {
            return Err(Refusal::bad("Sec-WebSocket-Protocol holds a name that is no token, or one twice"));
        }
        names.push(name);
    }
    Ok(names)
}

fn deflate(head: &Head<'_>) -> bool {
    head.header_tokens("sec-websocket-extensions").any(offers::acceptable)
}

/// The answer to a key: the base64 of a hash, RFC 6455 §4.2.2, point 5.4.
#[must_use]
pub fn accept(key: &str) -> [u8; 28] {
    let hash = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let mut out = [b'='; 28];
    let written = STANDARD.encode_slice(hash, &mut out);
    debug_assert_eq!(written, Ok(28), "20 bytes are 28 characters");
    out
}

/// Append the response after which both sides speak in frames, RFC 6455 §4.2.2.
pub fn write_switch(key: &str, protocol: Option<&str>, deflate: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Accept: ",
    );
    out.extend_from_slice(&accept(key));
    out.extend_from_slice(b"\r\n");
    for (name, value) in [
        ("Sec-WebSocket-Protocol", protocol),
        ("Sec-WebSocket-Extensions", deflate.then_some(offers::ANSWER)),
    ] {
        if let Some(value) = value {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
    out.extend_from_slice(b"\r\n");
}
