//! A connection that begins with a PROXY header is its client's: for limits, for the application, and when it comes back.

mod support;

use rtcore_core::engine::{AppEvent, Config, Engine, Op, Peer, Refused};
use rtcore_core::frame::Cidr;
use rtcore_core::{ConnId, Limits, Now, Tick};
use std::net::IpAddr;
use support::yard::{Yard, config};

const LINE: &str = "PROXY TCP4 192.0.2.7 10.0.0.2 4321 443\r\n";

fn proxied(limits: Limits) -> Yard {
    let proxies = vec![Cidr::parse("10.0.0.0/24").unwrap()];
    Yard::with(Config { proxies, proxy_protocol: true, limits, ..config() })
}

fn from(yard: &mut Yard, address: &str) -> ConnId {
    let address: IpAddr = address.parse().unwrap();
    let peer = Peer { address, port: 1, secure: false, stream: true };
    yard.engine.connect(peer, yard.now).expect("there is room")
}

/// Who the application is asked about.
fn asked(yard: &mut Yard) -> Option<(String, bool)> {
    yard.later.drain(..).find_map(|event| match event {
        AppEvent::Authenticate { address, secure, .. } => Some((address.to_string(), secure)),
        _ => None,
    })
}

const HELLO: &str = "POST /rt/session HTTP/1.1\r\nHost: a\r\nContent-Length: 16\r\n\r\n{\"type\":\"hello\"}";

#[test]
fn the_application_sees_the_client_however_the_header_is_cut() {
    let whole = format!("{LINE}{HELLO}");
    for cut in 0..whole.len() {
        let mut yard = proxied(Limits::default());
        yard.thinks = true;
        let conn = from(&mut yard, "10.0.0.9");
        yard.say(conn, &whole.as_bytes()[..cut]);
        yard.say(conn, &whole.as_bytes()[cut..]);
        assert_eq!(asked(&mut yard), Some(("192.0.2.7".to_owned(), false)), "cut at {cut}");
    }
}

/// Else anybody who reaches the port could be whom he likes.
#[test]
fn a_header_from_elsewhere_is_refused_and_the_log_says_why() {
    let second = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\x7f\x00\x00\x01\x10\xe1\x01\xbb";
    for header in [LINE.as_bytes(), second] {
        let mut yard = proxied(Limits::default());
        let conn = from(&mut yard, "203.0.113.5");
        yard.say(conn, header);
        let text = yard.told.iter().find_map(|event| match event {
            AppEvent::Refused { what: Refused::Request, address, text }
                if address.to_string() == "203.0.113.5" =>
            {
                Some(text.clone())
            }
            _ => None,
        });
        let text = text.expect("it is told");
        assert!(text.contains("none of the configured proxies"), "{text}");
        let heard = yard.hear(conn);
        assert!(heard.starts_with("HTTP/1.1 400 ") && heard.contains("--proxy"), "{heard}");
    }
}

#[test]
fn whoever_comes_directly_is_served_as_himself() {
    let mut yard = proxied(Limits::default());
    yard.thinks = true;
    let conn = from(&mut yard, "203.0.113.5");
    yard.say(conn, HELLO.as_bytes());
    assert_eq!(asked(&mut yard), Some(("203.0.113.5".to_owned(), false)));
}

#[test]
fn where_none_is_expected_a_header_is_refused_with_the_option_that_is_missing() {
    let mut yard = Yard::new();
    let conn = from(&mut yard, "10.0.0.9");
    yard.say(conn, LINE.as_bytes());
    let heard = yard.hear(conn);
    assert!(heard.starts_with("HTTP/1.1 400 ") && heard.contains("--proxy-protocol"), "{heard}");
}

/// To guess whether there is one lets a client behind a proxy that sends none write its own.
#[test]
fn a_proxy_s_connection_without_a_header_is_refused() {
    let mut yard = proxied(Limits::default());
    let conn = from(&mut yard, "10.0.0.9");
    yard.say(conn, HELLO.as_bytes());
    let heard = yard.hear(conn);
    assert!(heard.starts_with("HTTP/1.1 400 ") && heard.contains("PROXY header"), "{heard}");
}

#[test]
fn a_proxy_that_speaks_for_itself_is_itself() {
    let mut yard = proxied(Limits::default());
    yard.thinks = true;
    let conn = from(&mut yard, "10.0.0.9");
    yard.say(conn, format!("PROXY UNKNOWN\r\n{HELLO}").as_bytes());
    assert_eq!(asked(&mut yard), Some(("10.0.0.9".to_owned(), false)));
}

/// What speaks of nobody: a health check, or a client that the proxy does not know, whose bytes are its own.
fn of_nobody() -> Vec<Vec<u8>> {
    let second = |command: u8, family: u8, body: &[u8]| {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &length[..], body].concat()
    };
    vec![
        b"PROXY UNKNOWN\r\n".to_vec(),
        b"PROXY UNKNOWN 192.0.2.7 10.0.0.2 4321 443\r\n".to_vec(),
        second(0x20, 0x00, b""),
        second(0x20, 0x11, b"\xc0\x00\x02\x07\x7f\x00\x00\x01\x10\xe1\x01\xbb"),
        second(0x21, 0x00, b""),
        second(0x21, 0x31, &[b'/'; 216]),
    ]
}

/// *A client that the proxy does not know writes `X-Forwarded-For`: the connection has the proxy's address, and that is
/// believed.*
#[test]
fn a_connection_that_speaks_for_nobody_is_believed_nothing() {
    let fields = "Host: a\r\nX-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: https\r\nForwarded: for=198.51.100.1\r\n";
    let hello = HELLO.replace("Host: a\r\n", fields);
    for header in of_nobody() {
        let mut yard = proxied(Limits::default());
        yard.thinks = true;
        let conn = from(&mut yard, "10.0.0.9");
        yard.say(conn, &header);
        yard.say(conn, hello.as_bytes());
        let proxy = Some(("10.0.0.9".to_owned(), false));
        assert_eq!(asked(&mut yard), proxy, "{:?}", String::from_utf8_lossy(&header));
    }
    // Nor where the header stood before TLS, or before a request that was not ours.
    for (secure, comes_back) in [(true, false), (true, true), (false, true)] {
        let mut yard = proxied(Limits::default());
        yard.thinks = true;
        let peer = Peer { address: "10.0.0.9".parse().unwrap(), port: 1, secure, stream: true };
        let conn = if comes_back {
            yard.engine.adopt(peer, true, false, yard.now)
        } else {
            yard.engine.connect_told(peer, false, yard.now)
        };
        yard.say(conn.unwrap(), hello.as_bytes());
        assert_eq!(asked(&mut yard), Some(("10.0.0.9".to_owned(), secure)));
    }
}

/// A proxy that speaks HTTP stands before the one that passes bytes on: it is configured, so it is believed.
#[test]
fn a_proxy_that_the_header_names_is_believed_as_any_other() {
    let hello = HELLO.replace("Host: a\r\n", "Host: a\r\nX-Forwarded-For: 198.51.100.1\r\n");
    let mut yard = proxied(Limits::default());
    yard.thinks = true;
    let conn = from(&mut yard, "10.0.0.9");
    yard.say(conn, format!("{}{hello}", LINE.replace("192.0.2.7", "10.0.0.5")).as_bytes());
    assert_eq!(asked(&mut yard), Some(("198.51.100.1".to_owned(), false)));
    let peer = Peer { address: "10.0.0.5".parse().unwrap(), port: 1, secure: true, stream: true };
    let conn = yard.engine.connect_told(peer, true, yard.now).unwrap();
    yard.say(conn, hello.as_bytes());
    assert_eq!(asked(&mut yard), Some(("198.51.100.1".to_owned(), true)));
}

#[test]
fn what_the_client_writes_of_itself_is_not_believed_behind_the_header() {
    let mut yard = proxied(Limits::default());
    yard.thinks = true;
    let conn = from(&mut yard, "10.0.0.9");
    let hello = HELLO
        .replace("Host: a\r\n", "Host: a\r\nX-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: https\r\n");
    yard.say(conn, format!("{LINE}{hello}").as_bytes());
    assert_eq!(asked(&mut yard), Some(("192.0.2.7".to_owned(), false)));
}

#[test]
fn connections_count_to_the_client_and_not_to_the_proxy() {
    let mut yard = proxied(Limits { connections_per_address: 1, ..Limits::default() });
    let one = from(&mut yard, "10.0.0.9");
    yard.say(one, LINE.as_bytes());
    let other = from(&mut yard, "10.0.0.9");
    yard.say(other, LINE.replace("192.0.2.7", "192.0.2.8").as_bytes());
    yard.say(other, HELLO.as_bytes());
    assert!(yard.hear(other).contains("welcome"), "another client");
    let again = from(&mut yard, "10.0.0.9");
    yard.say(again, LINE.as_bytes());
    assert!(yard.hear(again).starts_with("HTTP/1.1 503 "), "the same client once more");
    yard.lose(again);
    yard.lose(one);
    let again = from(&mut yard, "10.0.0.9");
    yard.say(again, format!("{LINE}{HELLO}").as_bytes());
    assert!(yard.hear(again).contains("welcome"), "its place is free");
}

/// A request of the site's goes to the backend, and the connection comes back: the kernel knows the proxy alone.
#[test]
fn a_connection_that_comes_back_is_still_its_client_s() {
    let now = Now { tick: Tick(1_000_000), wall_ms: 1 };
    let proxies = vec![Cidr::parse("10.0.0.0/24").unwrap()];
    let config =
        Config { proxies, proxy_protocol: true, backend: true, authenticates: true, ..Config::default() };
    let mut engine = Engine::new(config, [7; 32], now);
    let peer = Peer { address: "10.0.0.9".parse().unwrap(), port: 1, secure: false, stream: true };
    let conn = engine.connect(peer, now).unwrap();
    engine.receive(conn, &mut format!("{LINE}GET /site HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes(), now);
    let mut ops = Vec::new();
    engine.take_ops(&mut ops);
    let [Op::HandOver { address, port, told: Some(told), bytes, .. }] = &ops[..] else { panic!("{ops:?}") };
    assert_eq!((address.to_string(), *port), ("192.0.2.7".to_owned(), 4321));
    assert!(bytes.starts_with(b"GET /site "), "the header is ours alone");
    let conn = engine.adopt(*told, true, true, now).unwrap();
    engine.receive(conn, &mut HELLO.as_bytes().to_vec(), now);
    let asked = engine.events().list.iter().find_map(|event| match event {
        AppEvent::Authenticate { address, .. } => Some(address.to_string()),
        _ => None,
    });
    assert_eq!(asked.as_deref(), Some("192.0.2.7"));
    engine.take_ops(&mut ops);
    assert!(!ops.iter().any(|op| matches!(op, Op::Drop(_))));
}

#[test]
fn a_header_that_does_not_end_has_the_time_of_a_head() {
    let mut yard = proxied(Limits::default());
    let conn = from(&mut yard, "10.0.0.9");
    yard.say(conn, b"PROXY TCP4 192.0.2.7 10.");
    yard.pass(9_999);
    assert!(yard.dropped.is_empty() && yard.hear(conn).is_empty());
    yard.pass(10);
    assert!(yard.hear(conn).starts_with("HTTP/1.1 408 "));
}
