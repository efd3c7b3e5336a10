//! Cross-origin requests, as the Fetch standard has them (§3.2): what a page of another origin is
//! told before it asks, and beside each answer that it may read.
//!
//! Only called once `origin::origin_ok` has allowed the origin.

use super::http::Head;
use super::refusal::Refusal;

/// What a page may send (Fetch §3.2.3).
const METHODS: &str = "GET, POST, OPTIONS";
/// Header fields that a page may add and that mean something here. What else it asks for it may add too:
/// `traceparent`, `baggage`, `sentry-trace` and their like are put onto every request of a page by what watches
/// it, are nothing to us, and would stop the page's request if they were not named.
const FIELDS: &str = "authorization, content-type, content-encoding, last-event-id";
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
    let fields = fields(head);
    let answer = format!(
        "HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: {origin}\r\n\
         Access-Control-Allow-Credentials: true\r\nAccess-Control-Allow-Methods: {METHODS}\r\n\
         Access-Control-Allow-Headers: {fields}\r\nAccess-Control-Max-Age: {REMEMBERED}\r\n\
         Vary: Origin, Access-Control-Request-Headers\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    );
    out.extend_from_slice(answer.as_bytes());
    true
}

/// Ours, and each that the page asks for. What is no name of a field (RFC 9110 §5.1) is left out: the
/// answer is ours, and nothing that a page says may be more in it than a name.
fn fields(head: &Head<'_>) -> String {
    let mut fields = FIELDS.to_owned();
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    for line in head.headers_named("access-control-request-headers") {
        for name in line.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            // `*` would mean itself beside credentials, and everything without.
            let Some(name) = std::str::from_utf8(name).ok().filter(|name| !name.is_empty() && *name != "*")
            else {
                continue;
            };
            if name.bytes().all(is_name) {
                fields.push_str(", ");
                fields.push_str(name);
            }
        }
    }
    fields
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
