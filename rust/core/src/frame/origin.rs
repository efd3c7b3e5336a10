//! Which pages may speak to this server, and by which names it may be called.
//!
//! A browser lets any page open a WebSocket to anywhere, with the cookies of anywhere, and tells the
//! server only which page it was. So the server has to look: without it, every page that a user visits
//! speaks with the user's rights. The check of `Host` closes the other way to a server that listens on
//! loopback: a name of the attacker's that begins to mean 127.0.0.1 (DNS rebinding), whose pages
//! then are of the same origin.

use super::authority::Authority;
use super::http::Head;
use super::refusal::Refusal;
use crate::codes::Code;

/// Whether the page that sent this may speak to us. No origin: no browser, so no page. Its host and port
/// are those of `Host` (80 and 443 count as none), or it is configured: `https://example.org`, or `*` for
/// every page that says where it comes from. `null` or two of them: never. `secure` is whether the
/// request came through TLS.
pub fn origin_ok(head: &Head<'_>, configured: &[String], secure: bool) -> Result<(), Refusal> {
    let mut origins = head.headers_named("origin");
    let Some(value) = origins.next() else { return Ok(()) };
    if origins.next().is_some() {
        return Err(forbidden("the request has more than one Origin field"));
    }
    let Some(origin) = Origin::parse(value) else {
        let value = String::from_utf8_lossy(value);
        return Err(forbidden(format!("the origin {value:?} is not that of a page at a host")));
    };
    if origin.may_speak(head, configured) {
        return Ok(());
    }
    let own = head.header("host").map(String::from_utf8_lossy).unwrap_or_default();
    let scheme = if secure { "https" } else { "http" };
    Err(forbidden(format!(
        "pages of the origin {} may not speak to {scheme}://{own}: allow that origin in the settings",
        String::from_utf8_lossy(value)
    )))
}

/// Whether the server may be called by the name in `Host`: when it listens on loopback only, a name of
/// loopback, or one of those configured (`name`, `name:port`, or `*`).
pub fn host_ok(head: &Head<'_>, loopback_only: bool, configured: &[String]) -> Result<(), Refusal> {
    // Only HTTP/1.0 has no Host, and no browser speaks that.
    let Some(value) = head.header("host") else { return Ok(()) };
    if !loopback_only {
        return Ok(());
    }
    let host = Authority::parse(value);
    let fits = |host: &Authority<'_>| host.is_loopback() || configured.iter().any(|entry| named(host, entry));
    if host.as_ref().is_some_and(fits) {
        return Ok(());
    }
    let message = format!(
        "this server listens on loopback and is not called {:?}: allow that host in the settings",
        String::from_utf8_lossy(value)
    );
    Err(Refusal::new(403, Code::Forbidden, message))
}

fn named(host: &Authority<'_>, entry: &str) -> bool {
    entry == "*"
        || Authority::parse(entry.as_bytes()).is_some_and(|entry| {
            // An entry without a port stands for every port.
            host.same_host(&entry) && (entry.port.is_none() || host.port == entry.port)
        })
}

/// Whether a text can stand in `Host`: `name` or `name:port`.
#[must_use]
pub fn is_host(text: &str) -> bool {
    Authority::parse(text.as_bytes()).is_some()
}

/// Whether an address (as in `Referer`, RFC 9110 §10.1.3) is that of a page that may speak to us.
pub(super) fn is_ours(head: &Head<'_>, page: &[u8], configured: &[String]) -> bool {
    let Some(begin) = page.windows(3).position(|three| three == b"://").map(|at| at.saturating_add(3)) else {
        return false;
    };
    let end = page[begin..].iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
    let page = end.map_or(page, |end| &page[..begin.saturating_add(end)]);
    Origin::parse(page).is_some_and(|origin| origin.may_speak(head, configured))
}

pub(super) fn forbidden(message: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(403, Code::ForbiddenOrigin, message)
}

/// `scheme://host[:port]`, RFC 6454 §6.2.
struct Origin<'a> {
    scheme: &'a str,
    place: Authority<'a>,
    /// The port with the scheme's own filled in: to tell `http://a:443` from `http://a`.
    port: Option<u16>,
}

impl<'a> Origin<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (scheme, place) = std::str::from_utf8(bytes).ok()?.split_once("://")?;
        let part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        if scheme.is_empty() || !scheme.bytes().all(part) {
            return None;
        }
        let parsed = Authority::parse(place.as_bytes())?;
        let named = place[parsed.host.len()..].strip_prefix(':').and_then(|port| port.parse().ok());
        let own = match scheme.to_ascii_lowercase().as_str() {
            "http" | "ws" => Some(80),
            "https" | "wss" => Some(443),
            _ => None,
        };
        Some(Self { scheme, place: parsed, port: named.or(own) })
    }

    /// Whether it is that of `Host`, or configured.
    fn may_speak(&self, head: &Head<'_>, configured: &[String]) -> bool {
        let host = head.header("host").and_then(Authority::parse);
        host.is_some_and(|host| host.same(&self.place)) || configured.iter().any(|entry| self.is(entry))
    }

    fn is(&self, entry: &str) -> bool {
        entry == "*"
            || Origin::parse(entry.trim_end_matches('/').as_bytes()).is_some_and(|entry| {
                entry.scheme.eq_ignore_ascii_case(self.scheme)
                    && entry.place.same_host(&self.place)
                    && entry.port == self.port
            })
    }
}
