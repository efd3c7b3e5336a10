//! The PROXY protocol, versions 1 and 2: what a proxy that passes bytes on says of its client, before the first byte of
//! that (haproxy.org, `doc/proxy-protocol.txt`).
//!
//! Whoever may say it is decided elsewhere: anybody could write such a header. It is never guessed at, either: a
//! connection of which it is expected begins with it, and any other has none (section 2 of that text).

use crate::limits::fixed::PROXY_HEADER;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How version 2 begins.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// How version 1 begins.
const WORD: &[u8; 6] = b"PROXY ";
/// Longest line of version 1, its line end included.
const LINE: usize = 107;
/// What stands before the addresses in version 2: the signature, version and command, family, length.
const BEFORE: usize = 16;
/// The extension that says how the client reached the proxy by TLS, and its bit for "it did".
const TLS: u8 = 0x20;
const BY_TLS: u8 = 1;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing of a client: the proxy speaks for itself (it looks whether we are well), or does not know.
    Nothing,
    /// Who connected to the proxy.
    Client {
        /// From where.
        address: IpAddr,
        /// From which port.
        port: u16,
        /// By TLS. Version 1 has no word for that.
        secure: bool,
    },
}

/// Whether bytes begin as a header does, as far as they go.
#[must_use]
pub fn begins(bytes: &[u8]) -> bool {
    let like = |sign: &[u8]| {
        let most = bytes.len().min(sign.len());
        most > 0 && bytes[..most] == sign[..most]
    };
    like(WORD) || like(SIGNATURE)
}

/// Read a header from the beginning of `bytes`: what it says, and how long it is. `None`: its end is not here yet.
///
/// # Errors
///
/// What is wrong, for people.
pub fn parse(bytes: &[u8]) -> Result<Option<(Told, usize)>, String> {
    if !begins(bytes) {
        if bytes.is_empty() {
            return Ok(None);
        }
        return Err("a PROXY header was expected, and the connection begins with something else".to_owned());
    }
    if bytes.starts_with(SIGNATURE) {
        second(bytes)
    } else if bytes.starts_with(WORD) {
        first(bytes)
    } else {
        Ok(None)
    }
}

/// Version 1: a line of text.
fn first(bytes: &[u8]) -> Result<Option<(Told, usize)>, String> {
    let most = bytes.len().min(LINE);
    let Some(end) = memchr::memchr(b'\n', &bytes[..most]) else {
        if most == LINE {
            return Err(format!("the PROXY line does not end within {LINE} bytes"));
        }
        return Ok(None);
    };
    let line = bytes[..end].strip_suffix(b"\r").and_then(|line| std::str::from_utf8(line).ok());
    let Some(line) = line else { return Err("the PROXY line is no text that ends with CR LF".to_owned()) };
    let told = told_by(line).ok_or_else(|| format!("the PROXY line is malformed: {line:?}"))?;
    Ok(Some((told, end.saturating_add(1))))
}

fn told_by(line: &str) -> Option<Told> {
    let mut words = line.split(' ').skip(1);
    let family = words.next()?;
    if family == "UNKNOWN" {
        return Some(Told::Nothing); // whatever stands behind it
    }
    let (from, to) = (words.next()?, words.next()?);
    let (port, _) = (port_in(words.next()?)?, port_in(words.next()?)?);
    let address = match family {
        "TCP4" => {
            to.parse::<Ipv4Addr>().ok()?;
            IpAddr::V4(from.parse().ok()?)
        }
        "TCP6" => {
            to.parse::<Ipv6Addr>().ok()?;
            IpAddr::V6(from.parse().ok()?)
        }
        _ => return None,
    };
    let client = Told::Client { address: address.to_canonical(), port, secure: false };
    words.next().is_none().then_some(client)
}

fn port_in(word: &str) -> Option<u16> {
    let plain = word == "0" || !word.starts_with('0');
    let digits = plain && (1..=5).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit());
    word.parse().ok().filter(|_| digits)
}

/// Version 2: binary.
fn second(bytes: &[u8]) -> Result<Option<(Told, usize)>, String> {
    let Some((before, rest)) = bytes.split_at_checked(BEFORE) else { return Ok(None) };
    let [.., version, family, high, low] = *before else { return Ok(None) };
    if version >> 4 != 2 {
        return Err(format!("the PROXY header has version {}; there are 1 and 2", version >> 4));
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > PROXY_HEADER {
        return Err(format!(
            "the PROXY header has {length} bytes behind its first {BEFORE}; {PROXY_HEADER} is the limit"
        ));
    }
    let Some(body) = rest.get(..length) else { return Ok(None) };
    let told = match version & 0x0f {
        0 => Told::Nothing,
        1 => client(family, body)?,
        command => {
            return Err(format!("the PROXY header has command {command}; there are LOCAL (0) and PROXY (1)"));
        }
    };
    Ok(Some((told, BEFORE.saturating_add(length))))
}

fn client(family: u8, body: &[u8]) -> Result<Told, String> {
    let short =
        |least: usize| format!("the PROXY header has {} bytes of addresses, and needs {least}", body.len());
    let (address, port, rest) = match family {
        0x11 => {
            let (parts, rest) = body.split_first_chunk::<12>().ok_or_else(|| short(12))?;
            let [a, b, c, d, _, _, _, _, high, low, ..] = *parts;
            (IpAddr::V4(Ipv4Addr::new(a, b, c, d)), u16::from_be_bytes([high, low]), rest)
        }
        0x21 => {
            let (parts, rest) = body.split_first_chunk::<36>().ok_or_else(|| short(36))?;
            let (from, others) = parts.split_first_chunk::<16>().ok_or_else(|| short(36))?;
            let [.., high, low, _, _] = *others else { return Err(short(36)) };
            (IpAddr::V6(Ipv6Addr::from(*from)).to_canonical(), u16::from_be_bytes([high, low]), rest)
        }
        // Not known, or a Unix socket: the client is whoever the proxy is.
        0x00 | 0x31 => return Ok(Told::Nothing),
        other => {
            return Err(format!(
                "the PROXY header speaks of 0x{other:02x}; only TCP over IPv4 (0x11) and IPv6 (0x21) come here"
            ));
        }
    };
    Ok(Told::Client { address, port, secure: came_by_tls(rest)? })
}

/// Whether the extensions say that the client came by TLS.
fn came_by_tls(mut rest: &[u8]) -> Result<bool, String> {
    let mut secure = false;
    while !rest.is_empty() {
        let extension = rest.split_first_chunk::<3>().and_then(|(&[kind, high, low], after)| {
            let (value, after) = after.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
            Some((kind, value, after))
        });
        let Some((kind, value, after)) = extension else {
            return Err("an extension of the PROXY header goes beyond its end".to_owned());
        };
        secure |= kind == TLS && value.first().is_some_and(|bits| bits & BY_TLS != 0);
        rest = after;
    }
    Ok(secure)
}
