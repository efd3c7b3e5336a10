//! `host[:port]`, as it stands in `Host`, in an origin and in a target in absolute form.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host, and a port if one was named.
///
/// Stricter than RFC 3986 §3.2.2, which would also have percent-encodings and `,;=()` in a name: no
/// registered name has them, and each has been used to make two readers see two hosts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Authority<'a> {
    /// A name, an IPv4 address, or an IPv6 address in brackets.
    pub host: &'a str,
    /// The port that was named; 80 and 443 count as none.
    pub port: Option<u16>,
}

impl<'a> Authority<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (host, port) = if text.starts_with('[') {
            let (host, after) = text.split_at(text.find(']')?.saturating_add(1));
            host.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?;
            match after.as_bytes().first() {
                None => (host, None),
                Some(b':') => (host, Some(&after[1..])),
                Some(_) => return None,
            }
        } else {
            let (host, port) = match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            };
            let named = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
            if host.is_empty() || !host.bytes().all(named) {
                return None;
            }
            (host, port)
        };
        let port = match port {
            // "host:" is a host without a port, RFC 3986 §3.2.3.
            None | Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
            Some(_) => return None,
        };
        Some(Self { host, port: port.filter(|port| !matches!(port, 80 | 443)) })
    }

    pub(super) fn same_host(&self, other: &Authority<'_>) -> bool {
        self.host.eq_ignore_ascii_case(other.host)
    }

    pub(super) fn same(&self, other: &Authority<'_>) -> bool {
        self.port == other.port && self.same_host(other)
    }

    /// Whether the name can only mean this machine: RFC 6761 §6.3 for the names.
    pub(super) fn is_loopback(&self) -> bool {
        let host = self.host.strip_suffix('.').unwrap_or(self.host);
        if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            return inner.parse::<Ipv6Addr>().is_ok_and(|ip| IpAddr::V6(ip).to_canonical().is_loopback());
        }
        if let Ok(ip) = host.parse::<Ipv4Addr>() {
            return ip.is_loopback();
        }
        let Some((before, last)) = host.as_bytes().split_last_chunk::<9>() else { return false };
        last.eq_ignore_ascii_case(b"localhost") && before.last().is_none_or(|byte| *byte == b'.')
    }
}
