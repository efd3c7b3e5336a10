//! The opening handshake from both sides, and origins.

use rtcore_core::codes::Code;
use rtcore_core::frame::handshake::{self, Agreed, Answer, Switched};
use rtcore_core::frame::http::{Head, Parsed, Refusal, parse};
use rtcore_core::frame::origin::{host_ok, origin_ok};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const GOOD: &str = "GET /rt/ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

fn head(text: &str) -> Head<'_> {
    match parse(text.as_bytes(), 16 * 1024) {
        Ok(Parsed::Head(head, _)) => head,
        other => panic!("{text:?}: {other:?}"),
    }
}

fn refused(text: &str) -> Refusal {
    handshake::check(&head(&format!("{text}\r\n"))).expect_err("it was taken")
}

fn deflates(offer: &str) -> bool {
    let text = format!("{GOOD}Sec-WebSocket-Extensions: {offer}\r\n\r\n");
    handshake::check(&head(&text)).expect("an offer never harms the connection").deflate
}

#[test]
fn the_example_of_rfc_6455_1_3() {
    assert_eq!(&handshake::accept(KEY), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn a_good_handshake_is_taken() {
    let text = format!("{GOOD}Sec-WebSocket-Protocol: b, a\r\nSec-WebSocket-Protocol: c\r\n\r\n");
    let wanted = handshake::check(&head(&text)).unwrap();
    assert_eq!(wanted.key, KEY);
    assert_eq!(wanted.protocols, ["b", "a", "c"]);
    assert!(!wanted.deflate);
}

#[test]
fn what_is_no_upgrade_gets_426() {
    let refusal = refused("GET /rt/ws HTTP/1.1\r\nHost: a\r\n");
    assert_eq!((refusal.status, refusal.code), (426, Code::UpgradeRequired));
    assert_eq!(refusal.headers, [("Upgrade", "websocket".to_owned())]);
    assert_eq!(refused(&GOOD.replace("Connection: Upgrade", "Connection: close")).status, 426);
    assert_eq!(refused(&GOOD.replace("websocket\r\nC", "h2c\r\nC")).status, 426);
}

#[test]
fn another_version_gets_426_with_ours() {
    for version in ["8", "13, 8", "013", ""] {
        let refusal = refused(&GOOD.replace("Version: 13", &format!("Version: {version}")));
        assert_eq!((refusal.status, refusal.code), (426, Code::UpgradeRequired));
        assert_eq!(refusal.headers, [("Sec-WebSocket-Version", "13".to_owned())]);
    }
    assert_eq!(refused(&GOOD.replace("Sec-WebSocket-Version: 13\r\n", "")).status, 426);
    assert_eq!(refused(&format!("{GOOD}Sec-WebSocket-Version: 13\r\n")).status, 426);
}

#[test]
fn a_bad_key_gets_400() {
    for key in ["", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQAA", "dGhlIHNhbXBsZSBub25jZ!==", "YQ=="]
    {
        assert_eq!(refused(&GOOD.replace(KEY, key)).status, 400, "{key}");
    }
    assert_eq!(refused(&format!("{GOOD}Sec-WebSocket-Key: {KEY}\r\n")).status, 400);
    assert_eq!(refused(&GOOD.replace("Sec-WebSocket-Key", "X")).status, 400);
}

#[test]
fn another_method_or_http_1_0_is_refused() {
    assert_eq!(refused(&GOOD.replace("GET", "POST")).status, 405);
    assert_eq!(refused(&GOOD.replace("HTTP/1.1", "HTTP/1.0")).status, 400);
}

#[test]
fn subprotocols_are_tokens_each_once_and_not_too_many() {
    for names in ["a, a", "a b", "a, \"b\"", &["x"; 9].join(",")] {
        assert_eq!(refused(&format!("{GOOD}Sec-WebSocket-Protocol: {names}\r\n")).status, 400, "{names}");
    }
    let many: Vec<String> = (0..65).map(|n| format!("p{n}")).collect();
    assert_eq!(refused(&format!("{GOOD}Sec-WebSocket-Protocol: {}\r\n", many.join(","))).status, 400);
}

#[test]
fn offers_of_deflate_are_taken_or_declined_and_never_harm_the_connection() {
    for offer in [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=10; server_no_context_takeover",
        "Permessage-Deflate;client_no_context_takeover ; server_max_window_bits=\"15\"",
        "permessage-deflate; server_max_window_bits = 15",
        "x-webkit-deflate-frame, permessage-deflate",
        "permessage-deflate; server_max_window_bits=10, permessage-deflate",
        "permessage-deflate; what, permessage-deflate; client_max_window_bits=8",
    ] {
        assert!(deflates(offer), "{offer}");
    }
    for offer in [
        "",
        "deflate",
        "permessage-deflate; server_max_window_bits=10",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=08",
        "permessage-deflate; client_max_window_bits=+9",
        "permessage-deflate; client_max_window_bits=",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; unknown",
        "permessage-deflate;",
        "permessage-deflate; ;",
        "\u{e9}",
    ] {
        assert!(!deflates(offer), "{offer}");
    }
}

#[test]
fn the_switch_says_what_was_agreed() {
    let mut out = Vec::new();
    handshake::write_switch(KEY, Some("rtcore.v1.json"), true, &mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: rtcore.v1.json\r\n\
         Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
         client_no_context_takeover\r\n\r\n"
    );
}

#[test]
fn client_and_server_agree() {
    for (protocols, chosen, deflate) in
        [(&[][..], None, false), (&["a", "b"][..], Some("b"), true), (&["a"][..], None, false)]
    {
        let mut request = Vec::new();
        let offer = deflate.then_some("permessage-deflate; client_max_window_bits");
        handshake::write_request(
            "h:1",
            "/rt/ws",
            KEY,
            protocols,
            offer,
            &[("Origin", "http://h:1")],
            &mut request,
        );
        let text = String::from_utf8(request).unwrap();
        let head = head(&text);
        let wanted = handshake::check(&head).unwrap();
        origin_ok(&head, &[], false).unwrap();
        assert_eq!((wanted.key, &wanted.protocols[..], wanted.deflate), (KEY, protocols, deflate));
        let mut response = Vec::new();
        handshake::write_switch(wanted.key, chosen, wanted.deflate, &mut response);
        let length = response.len();
        response.extend_from_slice(b"\x81\x01a");
        for end in 0..length {
            let answer = handshake::check_response(&response[..end], KEY, protocols, deflate);
            assert_eq!(answer, Ok(Answer::Incomplete));
        }
        let both = Agreed { server_no_context_takeover: true, client_no_context_takeover: true };
        let switched = Switched { protocol: chosen, deflate: deflate.then_some(both) };
        let answer = handshake::check_response(&response, KEY, protocols, deflate);
        assert_eq!(answer, Ok(Answer::Switched(switched, length)));
    }
}

#[test]
fn a_client_refuses_what_it_did_not_ask_for() {
    let answer = |key: &str, protocol: Option<&str>, deflate: bool| {
        let mut response = Vec::new();
        handshake::write_switch(key, protocol, deflate, &mut response);
        handshake::check_response(&response, KEY, &["a"], false).is_err()
    };
    assert!(!answer(KEY, Some("a"), false));
    assert!(answer("AAAAAAAAAAAAAAAAAAAAAA==", None, false));
    assert!(answer(KEY, Some("b"), false));
    assert!(answer(KEY, None, true));
    let refused = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n{}";
    let length = refused.len() - 2;
    assert_eq!(handshake::check_response(refused, KEY, &[], false), Ok(Answer::Refused(403, length)));
    assert!(handshake::check_response(b"SSH-2.0\r\n", KEY, &[], false).is_err());
    assert!(handshake::check_response(&vec![b'H'; 20_000], KEY, &[], false).is_err());
}

fn origin(host: &str, lines: &str, configured: &[&str]) -> bool {
    let text = format!("GET / HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n");
    let configured: Vec<String> = configured.iter().map(ToString::to_string).collect();
    let plain = origin_ok(&head(&text), &configured, false);
    assert_eq!(plain.is_ok(), origin_ok(&head(&text), &configured, true).is_ok());
    if let Err(refusal) = &plain {
        assert_eq!((refusal.status, refusal.code), (403, Code::ForbiddenOrigin));
    }
    plain.is_ok()
}

#[test]
fn an_origin_is_that_of_the_host() {
    assert!(origin("a.b", "", &[]));
    for (host, from) in [
        ("a.b", "http://a.b"),
        ("a.b", "https://A.B"),
        ("a.b:443", "http://a.b:80"),
        ("a.b:80", "https://a.b"),
        ("a.b:8000", "http://a.b:8000"),
        ("[::1]:8000", "http://[::1]:8000"),
    ] {
        assert!(origin(host, &format!("Origin: {from}\r\n"), &[]), "{host} {from}");
    }
    for (host, from) in [
        ("a.b", "http://b"),
        ("a.b", "http://a.b.evil"),
        ("a.b", "http://evil-a.b"),
        ("a.b:8000", "http://a.b"),
        ("a.b", "http://a.b:8000"),
        ("a.b:8000", "http://a.b:8001"),
    ] {
        assert!(!origin(host, &format!("Origin: {from}\r\n"), &[]), "{host} {from}");
    }
}

#[test]
fn null_two_origins_and_nonsense_are_refused_whatever_is_configured() {
    for lines in [
        "Origin: null\r\n",
        "Origin:\r\n",
        "Origin: http://a http://b\r\n",
        "Origin: http://a\r\nOrigin: http://a\r\n",
        "Origin: a\r\n",
        "Origin: http://a/\r\n",
        "Origin: http://u@a\r\n",
        "Origin: ://a\r\n",
    ] {
        assert!(!origin("a", lines, &["*", "http://a"]), "{lines}");
    }
}

#[test]
fn configured_origins_compare_scheme_host_and_port() {
    let from = |from: &str, entry: &str| origin("h", &format!("Origin: {from}\r\n"), &[entry]);
    assert!(from("https://example.org", "https://Example.org"));
    assert!(from("https://example.org", "https://example.org:443/"));
    assert!(from("http://example.org:3000", "http://example.org:3000"));
    assert!(from("https://anything", "*"));
    assert!(!from("http://example.org", "https://example.org"));
    assert!(!from("http://example.org:443", "http://example.org"));
    assert!(!from("https://example.org:444", "https://example.org"));
    assert!(!from("https://a.example.org", "https://example.org"));
    assert!(!from("https://example.org", "example.org"));
}

#[test]
fn a_server_on_loopback_takes_only_loopback_names() {
    let ok = |host: &str, loopback: bool, configured: &[&str]| {
        let text = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let configured: Vec<String> = configured.iter().map(ToString::to_string).collect();
        let answer = host_ok(&head(&text), loopback, &configured);
        if let Err(refusal) = &answer {
            assert_eq!((refusal.status, refusal.code), (403, Code::Forbidden));
        }
        answer.is_ok()
    };
    for host in
        ["localhost", "LocalHost:8000", "a.localhost", "localhost.", "127.0.0.1:80", "127.9.9.9", "[::1]:1"]
    {
        assert!(ok(host, true, &[]), "{host}");
    }
    for host in
        ["example.org", "localhost.evil", "xlocalhost", "128.0.0.1", "127.0.0.1.evil", "[::2]", "0.0.0.0"]
    {
        assert!(!ok(host, true, &[]), "{host}");
        assert!(ok(host, false, &[]), "{host}");
        assert!(ok(host, true, &["*"]), "{host}");
    }
    assert!(ok("My.dev:8000", true, &["my.dev"]));
    assert!(ok("my.dev:8000", true, &["my.dev:8000"]));
    assert!(!ok("my.dev:8001", true, &["my.dev:8000"]));
    assert!(host_ok(&head("GET / HTTP/1.0\r\n\r\n"), true, &[]).is_ok());
}
