//! The PROXY protocol: each form that its text names, what breaks them, and laws over any addresses.

use proptest::prelude::*;
use rtcore_core::frame::proxy::{Told, parse};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fn second(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[0x20 | command, family], &length, body].concat()
}

fn addresses(from: IpAddr, port: u16) -> (u8, Vec<u8>) {
    let ports = [port.to_be_bytes(), 443_u16.to_be_bytes()].concat();
    match from {
        IpAddr::V4(from) => (0x11, [&from.octets()[..], &[127, 0, 0, 1], &ports].concat()),
        IpAddr::V6(from) => (0x21, [&from.octets()[..], &Ipv6Addr::LOCALHOST.octets(), &ports].concat()),
    }
}

fn client(address: IpAddr, port: u16, secure: bool) -> Told {
    Told::Client { address: address.to_canonical(), port, secure }
}

#[test]
fn a_line_of_version_1_names_the_client() {
    let line = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\n";
    let told = client(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)), 56324, false);
    assert_eq!(parse(line), Ok(Some((told, 45))));
    let line = b"PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n";
    assert_eq!(parse(line), Ok(Some((client("2001:db8::7".parse().unwrap(), 1, false), line.len()))));
    let line = b"PROXY UNKNOWN ffff:: whatever this says 65535\r\n";
    assert_eq!(parse(line), Ok(Some((Told::Nothing, line.len()))));
    assert_eq!(parse(b"PROXY UNKNOWN\r\n"), Ok(Some((Told::Nothing, 15))));
}

/// A line that two readers could read in two ways would let a client choose its own address.
#[test]
fn a_line_that_is_not_as_the_text_has_it_is_refused() {
    for line in [
        "PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n",
        "PROXY TCP4  192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 +1 2\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 65536 2\r\n",
        "PROXY TCP4 192.0.2.07 198.51.100.1 1 2\r\n",
        "PROXY TCP4 2001:db8::7 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.7 1 2\r\n",
        "PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY tcp4 192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY \r\n",
        "GET / HTTP/1.1\r\n",
        "proxy TCP4 192.0.2.7 198.51.100.1 1 2\r\n",
    ] {
        assert!(parse(line.as_bytes()).is_err(), "{line:?}");
    }
    assert!(parse(&[b"PROXY ", &[b'x'; 200][..]].concat()).is_err(), "it does not end");
}

#[test]
fn a_header_of_version_2_names_the_client_and_whether_it_came_by_tls() {
    let from = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
    let (family, body) = addresses(from, 9);
    let header = second(1, family, &body);
    assert_eq!(parse(&header), Ok(Some((client(from, 9, false), header.len()))));
    // No-op and an authority first, then TLS with what is in it.
    let more = [&body[..], &[4, 0, 2, 0, 0], &[2, 0, 1, b'a'], &[0x20, 0, 5, 1, 0, 0, 0, 0]].concat();
    let header = second(1, family, &more);
    assert_eq!(parse(&header), Ok(Some((client(from, 9, true), header.len()))));
    let plain = [&body[..], &[0x20, 0, 5, 0, 0, 0, 0, 0]].concat();
    assert_eq!(parse(&second(1, family, &plain)).unwrap().unwrap().0, client(from, 9, false));
}

#[test]
fn what_speaks_of_no_client_names_none() {
    let (family, body) = addresses(IpAddr::V6(Ipv6Addr::LOCALHOST), 9);
    for header in
        [second(0, family, &body), second(0, 0, b""), second(1, 0, b"xyz"), second(1, 0x31, &[0; 216])]
    {
        assert_eq!(parse(&header), Ok(Some((Told::Nothing, header.len()))));
    }
}

#[test]
fn a_header_of_version_2_that_is_not_as_the_text_has_it_is_refused() {
    let (family, body) = addresses(IpAddr::V4(Ipv4Addr::LOCALHOST), 9);
    let mut version = second(1, family, &body);
    version[12] = 0x31;
    for header in [
        version,
        second(2, family, &body),
        second(1, 0x12, &body),
        second(1, 0x41, &body),
        second(1, family, &body[..11]),
        second(1, 0x21, &body),
        second(1, family, &[&body[..], &[1, 0]].concat()),
        second(1, family, &[&body[..], &[1, 0, 9, 0]].concat()),
        second(1, family, &vec![0; 5_000]),
    ] {
        assert!(parse(&header).is_err(), "{header:?}");
    }
}

proptest! {
    #[test]
    fn each_version_says_whatever_address_there_is(from: IpAddr, port: u16, behind in prop::collection::vec(any::<u8>(), 0..40)) {
        let (family, body) = addresses(from, port);
        let header = second(1, family, &body);
        let read = parse(&[&header[..], &behind].concat());
        prop_assert_eq!(read, Ok(Some((client(from, port, false), header.len()))));
        let (word, to) = if from.is_ipv4() { ("TCP4", "127.0.0.1") } else { ("TCP6", "::1") };
        let line = format!("PROXY {word} {from} {to} {port} 443\r\n");
        let read = parse(&[line.as_bytes(), &behind].concat());
        prop_assert_eq!(read, Ok(Some((client(from, port, false), line.len()))));
    }

    #[test]
    fn where_a_header_is_cut_changes_nothing(from: IpAddr, port: u16, cut in 0_usize..60, first: bool) {
        let (family, body) = addresses(from, port);
        let (word, to) = if from.is_ipv4() { ("TCP4", "127.0.0.1") } else { ("TCP6", "::1") };
        let line = format!("PROXY {word} {from} {to} {port} 443\r\n").into_bytes();
        let whole = if first { line } else { second(1, family, &body) };
        let cut = cut.min(whole.len() - 1);
        prop_assert_eq!(parse(&whole[..cut]), Ok(None));
    }
}
