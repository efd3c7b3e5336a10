//! What proxies say of a request, and whose word it is.

use rtcore_core::frame::Cidr;
use rtcore_core::frame::forwarded::{Believed, Client, client_of};
use rtcore_core::frame::http::{Head, Parsed, parse};
use std::net::IpAddr;

fn head(text: &str) -> Head<'_> {
    match parse(text.as_bytes(), 16 * 1024) {
        Ok(Parsed::Head(head, _)) => head,
        other => panic!("{text:?}: {other:?}"),
    }
}

fn client(peer: &str, lines: &str, believed: Believed) -> Client {
    let trusted = [Cidr::parse("10.0.0.0/8").unwrap(), Cidr::parse("fd00::/8").unwrap()];
    let text = format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    let peer = Client { address: peer.parse().unwrap(), port: 77, secure: false, host: None };
    client_of(&head(&text), peer, &trusted, believed)
}

/// With the fields believed that `lines` has: those of one family are.
fn address(peer: &str, lines: &str) -> String {
    let standard = Believed::of(["forwarded"]).unwrap();
    let believed = if lines.starts_with("Forwarded") { standard } else { Believed::default() };
    client(peer, lines, believed).address.to_string()
}

#[test]
fn a_family_of_fields_that_is_not_believed_is_not_looked_at() {
    let both = "X-Forwarded-For: 8.8.8.8\r\nX-Forwarded-Proto: http\r\nForwarded: for=9.9.9.9;proto=https;host=evil\r\n";
    let told = client("10.0.0.1", both, Believed::default());
    assert_eq!((told.address.to_string().as_str(), told.secure, told.host), ("8.8.8.8", false, None));
    let told = client("10.0.0.1", both, Believed::of(["forwarded"]).unwrap());
    assert_eq!((told.address.to_string().as_str(), told.secure), ("9.9.9.9", true));
    assert_eq!(told.host.as_deref(), Some("evil"));
    let none = client("10.0.0.1", both, Believed::of([]).unwrap());
    assert_eq!((none.address.to_string().as_str(), none.port, none.secure), ("10.0.0.1", 77, false));
    let stranger = client("1.1.1.1", both, Believed::default());
    assert_eq!((stranger.address.to_string().as_str(), stranger.port), ("1.1.1.1", 77));
    assert!(Believed::of(["forwarded", "x-forwarded-proto"]).is_err());
    assert!(Believed::of(["x-real-ip"]).unwrap_err().contains("x-forwarded-for"));
}

#[test]
fn a_trusted_proxy_says_the_scheme() {
    let secure = |lines: &str| client("10.0.0.1", lines, Believed::default()).secure;
    for (lines, wanted) in [
        ("X-Forwarded-Proto: https\r\n", true),
        ("X-Forwarded-Proto: WSS\r\n", true),
        ("X-Forwarded-Proto: http\r\n", false),
        ("X-Forwarded-Proto: gopher\r\n", false),
        ("X-Forwarded-Proto: \r\n", false),
        ("", false),
        // One proxy that adds its own behind what its client made up.
        ("X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https, http\r\n", false),
        ("X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n", false),
        // Two of them that do: what the outer one says is how the client came.
        ("X-Forwarded-For: 9.9.9.9, 10.0.0.2\r\nX-Forwarded-Proto: https, http\r\n", true),
        ("X-Forwarded-For: 9.9.9.9, 10.0.0.2\r\nX-Forwarded-Proto: http, https, http\r\n", true),
        // Two, of which the inner one says it anew.
        ("X-Forwarded-For: 9.9.9.9, 10.0.0.2\r\nX-Forwarded-Proto: https\r\n", true),
    ] {
        assert_eq!(secure(lines), wanted, "{lines:?}");
    }
    assert!(!client("1.1.1.1", "X-Forwarded-Proto: https\r\n", Believed::default()).secure);
}

#[test]
fn host_and_port_are_believed_where_a_setting_says_so() {
    let all = Believed::of(Believed::NAMES.into_iter().skip(1)).unwrap();
    let host = |lines: &str, believed| client("10.0.0.1", lines, believed).host;
    assert_eq!(host("X-Forwarded-Host: b\r\nX-Forwarded-Port: 8443\r\n", Believed::default()), None);
    for (lines, wanted) in [
        ("X-Forwarded-Host: b.example\r\n", Some("b.example")),
        ("X-Forwarded-Host: b:81\r\nX-Forwarded-Port: 8443\r\n", Some("b:8443")),
        ("X-Forwarded-Host: [::1]:81\r\nX-Forwarded-Port: 8443\r\n", Some("[::1]:8443")),
        ("X-Forwarded-Host: [::1]\r\nX-Forwarded-Port: 8443\r\n", Some("[::1]:8443")),
        ("X-Forwarded-Port: 8443\r\n", Some("a:8443")),
        ("X-Forwarded-Port: 0\r\n", None),
        ("X-Forwarded-Port: 99999\r\n", None),
        ("X-Forwarded-Host: a b\r\n", None),
        ("X-Forwarded-Host: evil/x\r\n", None),
        ("X-Forwarded-Host: made-up, b\r\n", Some("b")),
    ] {
        assert_eq!(host(lines, all).as_deref(), wanted, "{lines:?}");
    }
    let told = client("10.0.0.1", "X-Forwarded-For: 9.9.9.9:4711\r\n", Believed::default());
    assert_eq!(told.port, 4711);
    let told = client("10.0.0.1", "X-Forwarded-For: 9.9.9.9\r\n", Believed::default());
    assert_eq!(told.port, 0, "the proxy's own port is not the client's");
    let quoted = "Forwarded: for=\"[2001:db8::1]:4711\";host=\"b:81\";proto=\"https\"\r\n";
    let told = client("10.0.0.1", quoted, Believed::of(["forwarded"]).unwrap());
    assert_eq!((told.port, told.secure, told.host.as_deref()), (4711, true, Some("b:81")));
}

#[test]
fn addresses_are_taken_from_trusted_proxies_only() {
    assert_eq!(address("1.1.1.1", "X-Forwarded-For: 9.9.9.9\r\n"), "1.1.1.1");
    assert_eq!(address("10.0.0.1", ""), "10.0.0.1");
    assert_eq!(address("10.0.0.1", "X-Forwarded-For: 9.9.9.9\r\n"), "9.9.9.9");
    assert_eq!(address("::ffff:10.0.0.1", "X-Forwarded-For: ::ffff:9.9.9.9\r\n"), "9.9.9.9");
    assert_eq!(address("fd00::1", "Forwarded: for=\"[2001:db8::1]:4711\"\r\n"), "2001:db8::1");
    assert_eq!(address("10.0.0.1", "Forwarded: proto=https;For=9.9.9.9:80;by=_x\r\n"), "9.9.9.9");
}

#[test]
fn the_walk_goes_from_the_right_and_ends_at_the_first_stranger() {
    assert_eq!(address("10.0.0.1", "X-Forwarded-For: 6.6.6.6, 9.9.9.9, 10.0.0.2\r\n"), "9.9.9.9");
    assert_eq!(address("10.0.0.1", "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 9.9.9.9\r\n"), "9.9.9.9");
    assert_eq!(address("10.0.0.1", "X-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n"), "10.0.0.3");
    assert_eq!(
        address("10.0.0.1", "Forwarded: for=6.6.6.6, for=9.9.9.9\r\nForwarded: for=10.0.0.2\r\n"),
        "9.9.9.9"
    );
}

#[test]
fn garbage_ends_the_walk() {
    for last in ["unknown", "", "_hidden", "1.2.3", "9.9.9.9:", "9.9.9.9:x", "[::1", "999.1.1.1", "\u{e9}"] {
        assert_eq!(
            address("10.0.0.1", &format!("X-Forwarded-For: 6.6.6.6, {last}\r\n")),
            "10.0.0.1",
            "{last}"
        );
        assert_eq!(
            address("10.0.0.1", &format!("Forwarded: for=6.6.6.6, for={last}\r\n")),
            "10.0.0.1",
            "{last}"
        );
    }
    assert_eq!(address("10.0.0.1", "Forwarded: for=6.6.6.6, proto=http\r\n"), "10.0.0.1");
    assert_eq!(address("10.0.0.1", "Forwarded: for=6.6.6.6;for=7.7.7.7\r\n"), "10.0.0.1");
}

/// A client that opens a quoted string to swallow the comma of the proxy's own element.
#[test]
fn an_open_quote_hides_no_honest_element_and_invents_none() {
    assert_eq!(address("10.0.0.1", "Forwarded: for=\"6.6.6.6, for=9.9.9.9\r\n"), "10.0.0.1");
    assert_eq!(address("10.0.0.1", "Forwarded: for=\"6.6.6.6\r\nForwarded: for=9.9.9.9\r\n"), "9.9.9.9");
    assert_eq!(address("10.0.0.1", "Forwarded: for=9.9.9.9;host=\"a,for=6.6.6.6\"\r\n"), "9.9.9.9");
    assert_eq!(address("10.0.0.1", "Forwarded: for=9.9.9.9;host=\"a\\\",for=6.6.6.6\"\r\n"), "9.9.9.9");
}

#[test]
fn blocks_of_addresses() {
    let holds = |block: &str, ip: &str| Cidr::parse(block).unwrap().contains(ip.parse::<IpAddr>().unwrap());
    assert!(holds("192.0.2.77/24", "192.0.2.1"));
    assert!(!holds("192.0.2.0/24", "192.0.3.1"));
    assert!(holds("0.0.0.0/0", "9.9.9.9"));
    assert!(!holds("0.0.0.0/0", "2001:db8::1"));
    assert!(holds("::/0", "2001:db8::1"));
    assert!(!holds("::/0", "::ffff:9.9.9.9"));
    assert!(holds("::1", "::1"));
    assert!(!holds("127.0.0.1", "127.0.0.2"));
    for bad in ["", "a", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/", "10/8"] {
        assert!(Cidr::parse(bad).is_err(), "{bad}");
    }
}
