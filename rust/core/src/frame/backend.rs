//! The head of a request as the backend gets it.

use super::http::Head;
use super::rules;

/// Fields that speak of this connection and not of the request, RFC 9110 §7.6.1.
const OF_THE_LINK: [&str; 5] = ["connection", "keep-alive", "proxy-connection", "upgrade", "http2-settings"];

impl Head<'_> {
    /// Append this head for a backend that serves one request, and gives the connection back after it.
    ///
    /// The target is in origin form, so that the backend cannot see another path than the one that
    /// was judged here. A WebSocket keeps what upgrades it; but it gets no extensions, and nobody gets
    /// HTTP/2 over clear text. Whose client will not go on after this request is told so.
    pub fn rewrite_for_backend(&self, out: &mut Vec<u8>) {
        let upgrades = self.upgrades_to_websocket();
        out.extend_from_slice(self.method.as_bytes());
        out.push(b' ');
        let (_, rest) = rules::split_target(self.target);
        if !rest.starts_with(['/', '*']) {
            out.push(b'/');
        }
        out.extend_from_slice(rest.as_bytes());
        out.extend_from_slice(if self.minor == 0 { b" HTTP/1.0\r\n" } else { b" HTTP/1.1\r\n" });
        for (name, value) in self.iter() {
            let is = |other: &str| name.eq_ignore_ascii_case(other);
            if !upgrades && OF_THE_LINK.iter().any(|link| is(link)) {
                continue;
            }
            if upgrades && (is("sec-websocket-extensions") || is("http2-settings")) {
                continue;
            }
            if is("upgrade") {
                without_h2c(name, value, out);
            } else {
                field(name, value, out);
            }
        }
        if !upgrades && !self.is_persistent() {
            field("Connection", b"close", out);
        }
        out.extend_from_slice(b"\r\n");
    }

    /// Whether the connection may carry another request after this one, RFC 9112 §9.3. HTTP/1.0 asked for it in a way
    /// that proxies passed on without knowing it, so there it may not.
    fn is_persistent(&self) -> bool {
        self.minor == 1 && !self.has_token("connection", "close")
    }
}

fn field(name: &str, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// `Upgrade` as it is, less the offers of HTTP/2.
fn without_h2c(name: &str, value: &[u8], out: &mut Vec<u8>) {
    let offers = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let kept: Vec<&[u8]> = offers.filter(|offer| !offer.eq_ignore_ascii_case(b"h2c")).collect();
    if !kept.is_empty() {
        field(name, &kept.join(&b", "[..]), out);
    }
}
