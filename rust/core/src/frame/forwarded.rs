//! The address of the client behind proxies, RFC 7239.
//!
//! Anybody can write these fields, so they are read from their end, where the nearest proxy wrote,
//! and only as far as the word of one who is trusted reaches. A proxy that writes one of the two fields
//! must drop the other from what it passes on: else its client writes it.

use super::http::Head;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A block of addresses: `10.0.0.0/8`, `fd00::/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    bits: u128,
    prefix: u32,
    v4: bool,
}

impl Cidr {
    /// Read a block. Bits after the prefix are of no matter. The error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text.trim(), None),
        };
        let ip: IpAddr = address
            .parse()
            .map_err(|_| format!("{text:?} is no block of addresses, like 10.0.0.0/8 or fd00::/8"))?;
        let (bits, width, v4) = match ip {
            IpAddr::V4(ip) => (u128::from(ip.to_bits()) << 96, 32, true),
            IpAddr::V6(ip) => (ip.to_bits(), 128, false),
        };
        let prefix = match prefix {
            None => width,
            Some(digits) => digits
                .parse()
                .ok()
                .filter(|prefix| *prefix <= width)
                .ok_or_else(|| format!("{text:?}: the prefix is a number from 0 to {width}"))?,
        };
        Ok(Self { bits: bits & Self::mask(prefix), prefix, v4 })
    }

    /// Whether the address is in the block. An IPv4 address in IPv6's clothes is an IPv4 address.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        let (bits, v4) = match ip.to_canonical() {
            IpAddr::V4(ip) => (u128::from(ip.to_bits()) << 96, true),
            IpAddr::V6(ip) => (ip.to_bits(), false),
        };
        v4 == self.v4 && bits & Self::mask(self.prefix) == self.bits
    }

    const fn mask(prefix: u32) -> u128 {
        match prefix {
            0 => 0,
            prefix => u128::MAX << (128 - prefix),
        }
    }
}

/// Who sent this, as far as trusted proxies say: `Forwarded` if it is there, else `X-Forwarded-For`,
/// from the right. The walk ends at the first address that is no trusted proxy's, and before what is
/// no address.
#[must_use]
pub fn forwarded_for(head: &Head<'_>, peer: IpAddr, trusted: &[Cidr]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |ip: IpAddr| trusted.iter().any(|block| block.contains(ip));
    if !is_trusted(peer) {
        return peer;
    }
    if head.header("forwarded").is_some() {
        // A line that is not well-formed says nothing, and nothing to the left of it counts.
        let lines = head.headers_named("forwarded").rev().map(elements);
        let hops = lines.flat_map(|line| match line {
            Some(elements) => elements.into_iter().rev().map(for_parameter).collect(),
            None => vec![None],
        });
        return walk(peer, hops, is_trusted);
    }
    let lines = head.headers_named("x-forwarded-for").rev();
    let hops = lines.flat_map(|line| line.rsplit(|byte| *byte == b',')).map(node);
    walk(peer, hops, is_trusted)
}

fn walk(
    peer: IpAddr,
    hops: impl Iterator<Item = Option<IpAddr>>,
    is_trusted: impl Fn(IpAddr) -> bool,
) -> IpAddr {
    let mut at = peer;
    for hop in hops {
        let Some(ip) = hop else { break };
        at = ip;
        if !is_trusted(at) {
            break;
        }
    }
    at
}

/// The elements of one `Forwarded` field, each a list of `name=value`, RFC 7239 §4. `None` if a quoted
/// string does not end: then it may hide the commas of an honest proxy.
fn elements(line: &[u8]) -> Option<Vec<&[u8]>> {
    split(line, b',')
}

/// Split at a separator outside of quoted strings, RFC 9110 §5.6.4.
fn split(text: &[u8], separator: u8) -> Option<Vec<&[u8]>> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == separator && !quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (!quoted).then_some(parts)
}

/// The address in an element's `for`, which may be there once.
fn for_parameter(element: &[u8]) -> Option<IpAddr> {
    let mut found = None;
    for pair in split(element, b';')? {
        let Some(equals) = pair.iter().position(|byte| *byte == b'=') else { continue };
        if pair[..equals].trim_ascii().eq_ignore_ascii_case(b"for") {
            if found.is_some() {
                return None;
            }
            let value = pair[equals + 1..].trim_ascii();
            let inner = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
            found = Some(inner.unwrap_or(value));
        }
    }
    node(found?)
}

/// `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]`, `[2001:db8::1]:80`; in `X-Forwarded-For` also
/// `2001:db8::1`. Not `unknown`, and no obfuscated name.
fn node(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(ip.to_canonical());
    }
    let (ip, port) = if let Some(rest) = text.strip_prefix('[') {
        let (inner, after) = rest.split_once(']')?;
        let ip = IpAddr::V6(inner.parse::<Ipv6Addr>().ok()?);
        if after.is_empty() {
            return Some(ip.to_canonical());
        }
        (ip, after.strip_prefix(':')?)
    } else {
        let (address, port) = text.split_once(':')?;
        (IpAddr::V4(address.parse::<Ipv4Addr>().ok()?), port)
    };
    let is_port = (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    is_port.then(|| ip.to_canonical())
}
