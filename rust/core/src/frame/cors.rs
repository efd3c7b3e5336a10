//! Cross-origin requests, as the Fetch standard has them (§3.2): what a page of another origin is
//! told before it asks, and beside each answer that it may read.
//!
//! Only called once `origin::origin_ok` has allowed the origin.

use super::http::Head;
use super::refusal::Refusal;

/// What a page may send (Fetch §3.2.3).
const METHODS: &str = "GET, POST, OPTIONS";
/// Header fields that a page may add.
const FIELDS: &str = "authorization, content-type, last-event-id";
/// How long a browser remembers the answer (s): an hour, in which a setting rarely changes.
const REMEMBERED: u32 = 3_600;

/// The origin that a request names, if any, fit to be given back in a header.
#[must_use]
pub fn origin<'a>(head: &Head<'a>) -> Option<&'a str> {
    std::str::from_utf8(head.header("origin")?).ok().filter(|text| !text.chars().any(char::is_control))
}

/// Append the answer to an `OPTIONS` request; false if it is none that asks for a page.
pub fn preflight(head: &Head<'_>, out: &mut Vec<u8>) -> bool {
    let Some(origin) = origin(head).filter(|_| head.method == "OPTIONS") else { return false };
    let answer = format!(
        "HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: {origin}\r\n\
         Access-Control-Allow-Credentials: true\r\nAccess-Control-Allow-Methods: {METHODS}\r\n\
         Access-Control-Allow-Headers: {FIELDS}\r\nAccess-Control-Max-Age: {REMEMBERED}\r\n\
         Vary: Origin\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    );
    out.extend_from_slice(answer.as_bytes());
    true
}

/// A refusal that the page may read.
#[must_use]
pub fn readable(refusal: Refusal, head: &Head<'_>) -> Refusal {
    readable_by(refusal, origin(head))
}

/// The same, where the origin is known.
#[must_use]
pub fn readable_by(refusal: Refusal, origin: Option<&str>) -> Refusal {
    match origin {
        Some(origin) => refusal
            .with_header("Access-Control-Allow-Origin", origin.to_owned())
            .with_header("Access-Control-Allow-Credentials", "true".to_owned())
            .with_header("Access-Control-Expose-Headers", "Retry-After".to_owned()),
        None => refusal,
    }
}
