//! What proxies say of a request: who sent it, and how it came to them. RFC 7239, and the fields that are older than it.
//!
//! Anybody can write these fields, so they are read from their end, where the nearest proxy wrote, and only as far as
//! the word of one who is trusted reaches. And each proxy writes one family of them and lets what else its client wrote
//! through; so which fields are believed is a setting, and the others are not looked at.

use super::authority::Authority;
use super::cidr::Cidr;
use super::http::Head;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The fields that are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent fields")]
pub struct Believed {
    /// `Forwarded`, with all that is in it.
    pub forwarded: bool,
    /// `X-Forwarded-For`.
    pub x_for: bool,
    /// `X-Forwarded-Proto`.
    pub x_proto: bool,
    /// `X-Forwarded-Host`.
    pub x_host: bool,
    /// `X-Forwarded-Port`.
    pub x_port: bool,
}

impl Default for Believed {
    /// What nginx, `HAProxy`, Traefik, Caddy and load balancers of clouds write, and what none of them lets through from a
    /// client unless it was told to. (A client's `X-Forwarded-Host` passes through most of them; `Host` passes through all.)
    fn default() -> Self {
        Self { forwarded: false, x_for: true, x_proto: true, x_host: false, x_port: false }
    }
}

impl Believed {
    /// The names of all that may be believed.
    pub const NAMES: [&'static str; 5] =
        ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port"];

    /// These fields and no others. The error says what is wrong.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut believed =
            Self { forwarded: false, x_for: false, x_proto: false, x_host: false, x_port: false };
        for name in names {
            let place = match name.trim().to_ascii_lowercase().as_str() {
                "forwarded" => &mut believed.forwarded,
                "x-forwarded-for" => &mut believed.x_for,
                "x-forwarded-proto" => &mut believed.x_proto,
                "x-forwarded-host" => &mut believed.x_host,
                "x-forwarded-port" => &mut believed.x_port,
                _ => {
                    let shown: String = name.chars().take(80).collect(); // enough to find it, and still one line
                    return Err(format!("{shown:?} is none of {}", Self::NAMES.join(", ")));
                }
            };
            *place = true;
        }
        let older = believed.x_for || believed.x_proto || believed.x_host || believed.x_port;
        if believed.forwarded && older {
            return Err("a proxy writes \"forwarded\" or the fields that begin with x-, and lets the others through: \
                        believe one of them"
                .to_owned());
        }
        Ok(believed)
    }
}

/// Who asks, and how. Of one request: a proxy sends those of many clients over one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The client's address.
    pub address: IpAddr,
    /// Its port; 0: not known.
    pub port: u16,
    /// Whether it came by TLS.
    pub secure: bool,
    /// By which name, where that is another one than `Host` says.
    pub host: Option<String>,
}

/// Who sent this, as far as trusted proxies say; `peer` is who connected. The walk goes from the right and ends at the
/// first address that is no trusted proxy's, and before what is no address.
#[must_use]
pub fn client_of(head: &Head<'_>, peer: Client, trusted: &[Cidr], believed: Believed) -> Client {
    let mut found = Client { address: peer.address.to_canonical(), ..peer };
    let is_trusted = |ip: IpAddr| trusted.iter().any(|block| block.contains(ip));
    if trusted.is_empty() || !is_trusted(found.address) {
        return found;
    }
    if believed.forwarded {
        by_forwarded(head, &mut found, is_trusted);
    } else {
        by_older_fields(head, &mut found, believed, is_trusted);
    }
    found
}

fn by_forwarded(head: &Head<'_>, found: &mut Client, is_trusted: impl Fn(IpAddr) -> bool) {
    for line in head.headers_named("forwarded").rev() {
        // A line that is not well-formed says nothing, and nothing to the left of it counts.
        let Some(elements) = split(line, b',') else { return };
        for element in elements.into_iter().rev() {
            // It was written by the one whom the walk has come to, who is trusted.
            let Some(pairs) = pairs(element) else { return };
            let said = |name: &str| {
                let mut values = pairs.iter().filter(|pair| pair.0.eq_ignore_ascii_case(name.as_bytes()));
                values.next().map(|pair| pair.1.as_slice()).filter(|_| values.next().is_none())
            };
            if let Some(secure) = said("proto").and_then(is_secure) {
                found.secure = secure;
            }
            if let Some(host) = said("host").and_then(host_in) {
                found.host = Some(host);
            }
            let Some((address, port)) = said("for").and_then(node) else { return };
            (found.address, found.port) = (address, port);
            if !is_trusted(address) {
                return;
            }
        }
    }
}

fn by_older_fields(
    head: &Head<'_>,
    found: &mut Client,
    believed: Believed,
    is_trusted: impl Fn(IpAddr) -> bool,
) {
    let mut hops = 1_usize; // trusted proxies that it came through
    if believed.x_for {
        for hop in values(head, "x-forwarded-for").map(node) {
            let Some((address, port)) = hop else { break };
            (found.address, found.port) = (address, port);
            if !is_trusted(address) {
                break;
            }
            hops = hops.saturating_add(1);
        }
    }
    // Most proxies say the scheme anew; where each adds its own, the one of the outermost that is trusted counts.
    let outermost = |name: &'static str| values(head, name).take(hops).last();
    if believed.x_proto
        && let Some(secure) = outermost("x-forwarded-proto").and_then(is_secure)
    {
        found.secure = secure;
    }
    if believed.x_host {
        found.host = outermost("x-forwarded-host").and_then(host_in);
    }
    if believed.x_port
        && let Some(port) = outermost("x-forwarded-port").and_then(port_in)
    {
        let named = found.host.take().or_else(|| host_in(head.header("host")?));
        found.host = named.map(|named| with_port(&named, port));
    }
}

/// The elements of a list over all fields of a name, from the last to the first.
fn values<'a>(head: &Head<'a>, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
    head.headers_named(name).rev().flat_map(|line| line.rsplit(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

fn is_secure(scheme: &[u8]) -> Option<bool> {
    match scheme.to_ascii_lowercase().as_slice() {
        b"https" | b"wss" => Some(true),
        b"http" | b"ws" => Some(false),
        _ => None,
    }
}

/// A host, perhaps with a port, that may stand in `Host`.
fn host_in(text: &[u8]) -> Option<String> {
    Authority::parse(text)?;
    String::from_utf8(text.to_vec()).ok()
}

fn port_in(text: &[u8]) -> Option<u16> {
    let digits = (1..=5).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| digits)?.parse().ok().filter(|port| *port > 0)
}

/// A host that has passed `host_in`, with this port in place of its own.
fn with_port(host: &str, port: u16) -> String {
    let (literal, rest) = host.split_at(host.rfind(']').map_or(0, |bracket| bracket.saturating_add(1)));
    let name = rest.split_once(':').map_or(rest, |(name, _)| name);
    format!("{literal}{name}:{port}")
}

/// Split at a separator outside of quoted strings, RFC 9110 §5.6.4. `None` if a quoted string does not end: then it may
/// hide the commas of an honest proxy.
fn split(text: &[u8], separator: u8) -> Option<Vec<&[u8]>> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text.split(|&byte| {
        let separates = byte == separator && !quoted && !escaped;
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => {}
        }
        separates
    });
    let parts = parts.collect();
    (!quoted).then_some(parts)
}

/// The `name=value` of one element of `Forwarded`, RFC 7239 §4, values out of their quotes.
fn pairs(element: &[u8]) -> Option<Vec<(&[u8], Vec<u8>)>> {
    let parts = split(element, b';')?;
    let pair = |part: &&'_ [u8]| part.iter().position(|byte| *byte == b'=');
    Some(
        parts
            .iter()
            .filter_map(|part| {
                let (name, value) = part.split_at(pair(part)?);
                let value = value.strip_prefix(b"=")?;
                Some((name.trim_ascii(), unquoted(value.trim_ascii())))
            })
            .collect(),
    )
}

fn unquoted(value: &[u8]) -> Vec<u8> {
    let Some(inner) = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")) else {
        return value.to_vec();
    };
    let mut escaped = false;
    let plain = inner.iter().filter(|byte| {
        escaped = !escaped && **byte == b'\\';
        !escaped
    });
    plain.copied().collect()
}

/// `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]`, `[2001:db8::1]:80`; in `X-Forwarded-For` also
/// `2001:db8::1`. Not `unknown`, and no obfuscated name. Where no port is named it is 0.
fn node(text: &[u8]) -> Option<(IpAddr, u16)> {
    let text = std::str::from_utf8(text).ok()?.trim();
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some((ip.to_canonical(), 0));
    }
    let (ip, port) = if let Some(rest) = text.strip_prefix('[') {
        let (inner, after) = rest.split_once(']')?;
        let ip = IpAddr::V6(inner.parse::<Ipv6Addr>().ok()?);
        if after.is_empty() {
            return Some((ip.to_canonical(), 0));
        }
        (ip, after.strip_prefix(':')?)
    } else {
        let (address, port) = text.split_once(':')?;
        (IpAddr::V4(address.parse::<Ipv4Addr>().ok()?), port)
    };
    let is_port = (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    is_port.then(|| (ip.to_canonical(), port.parse().unwrap_or(0)))
}
