//! Request heads: what is read, and what is refused because two readers could read it in two ways.

use proptest::prelude::*;
use rtcore_core::codes::Code;
use rtcore_core::frame::http::{Head, Parsed, Refusal, parse};

const MAX: usize = 4096;

fn head(text: &str) -> Head<'_> {
    match parse(text.as_bytes(), MAX) {
        Ok(Parsed::Head(head, length)) => {
            assert_eq!(length, text.find("\r\n\r\n").unwrap() + 4);
            head
        }
        other => panic!("{text:?}: {other:?}"),
    }
}

fn refused(bytes: impl AsRef<[u8]>) -> Refusal {
    match parse(bytes.as_ref(), MAX) {
        Err(refusal) => refusal,
        other => panic!("{:?} was taken: {other:?}", String::from_utf8_lossy(bytes.as_ref())),
    }
}

/// A POST with these lines beside a good `Host`.
fn with(lines: &str) -> String {
    format!("POST /a HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n")
}

fn bad(bytes: impl AsRef<[u8]>, says: &str) {
    let refusal = refused(bytes);
    assert_eq!((refusal.status, refusal.code), (400, Code::InvalidMessage), "{refusal:?}");
    assert!(refusal.message.contains(says), "{:?} does not say {says:?}", refusal.message);
}

#[test]
fn a_head_is_read_and_what_follows_is_left() {
    let text =
        "GET /a/b?c=d?e HTTP/1.1\r\nHost: tea\r\nX-One: 1\r\nx-one:\t 2, 3 \r\nX-Bytes: \u{e9}\r\n\r\nrest";
    let head = head(text);
    assert_eq!((head.method, head.target, head.minor), ("GET", "/a/b?c=d?e", 1));
    assert_eq!((head.path(), head.query()), ("/a/b", Some("c=d?e")));
    assert_eq!(head.header("X-ONE"), Some(&b"1"[..]));
    assert_eq!(head.headers_named("x-one").collect::<Vec<_>>(), [&b"1"[..], b"2, 3"]);
    assert_eq!(head.header_tokens("x-one").collect::<Vec<_>>(), ["1", "2", "3"]);
    assert_eq!(head.header("none"), None);
    assert_eq!(head.iter().count(), 4);
}

#[test]
fn a_token_that_is_no_utf8_is_not_overlooked() {
    let bytes = b"GET / HTTP/1.1\r\nHost: a\r\nX: a, \xff, b\r\n\r\n";
    let Ok(Parsed::Head(head, _)) = parse(bytes, MAX) else { panic!() };
    assert_eq!(head.header_tokens("x").collect::<Vec<_>>(), ["a", "\u{fffd}", "b"]);
}

#[test]
fn http_1_0_is_taken_without_a_host() {
    assert_eq!(head("GET / HTTP/1.0\r\n\r\n").minor, 0);
}

#[test]
fn the_absolute_form_has_a_path_too() {
    for (target, path, query) in [
        ("http://a/b?c", "/b", Some("c")),
        ("HTTPS://A:443/b", "/b", None),
        ("http://a", "/", None),
        ("http://a?x=/y", "/", Some("x=/y")),
    ] {
        let text = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        let head = head(&text);
        assert_eq!((head.path(), head.query()), (path, query), "{target}");
    }
    assert_eq!(head("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").path(), "*");
}

#[test]
fn an_absolute_target_that_is_not_the_host_is_refused() {
    bad("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "different hosts");
    bad("GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n", "different hosts");
    bad("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "no valid host");
    bad("GET a/b HTTP/1.1\r\nHost: a\r\n\r\n", "neither a path");
    bad("GET * HTTP/1.1\r\nHost: a\r\n\r\n", "neither a path");
    bad("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "neither a path");
}

#[test]
fn one_empty_line_before_the_request_is_tolerated_and_a_second_is_not() {
    let text = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let Ok(Parsed::Head(head, length)) = parse(text.as_bytes(), MAX) else { panic!() };
    assert_eq!((head.method, length), ("GET", text.len()));
    bad(format!("\r\n{text}"), "no HTTP request begins");
    bad("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "no HTTP request begins");
}

#[test]
fn every_cut_of_a_head_is_incomplete() {
    let text = "\r\nGET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\n";
    for end in 0..text.len() {
        assert!(matches!(parse(&text.as_bytes()[..end], MAX), Ok(Parsed::Incomplete)), "{end}");
    }
}

#[test]
fn a_head_over_the_limit_is_refused_while_it_is_incomplete_too() {
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(MAX));
    for text in [format!("{long}\r\n\r\n"), long[..MAX].to_owned(), "G".repeat(MAX)] {
        let refusal = refused(&text);
        assert_eq!((refusal.status, refusal.code), (431, Code::TooLarge));
        assert!(refusal.message.contains("4096"), "{}", refusal.message);
    }
    assert!(matches!(parse(&long.as_bytes()[..MAX - 1], MAX), Ok(Parsed::Incomplete)));
    let fits = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(MAX - 32));
    assert_eq!(fits.len(), MAX);
    head(&fits);
}

#[test]
fn more_than_100_header_fields_are_refused_before_they_end() {
    let lines = |n: usize| "a:b\r\n".repeat(n);
    head(&format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", lines(99)));
    for end in ["", "\r\n"] {
        let refusal = refused(format!("GET / HTTP/1.1\r\nHost: a\r\n{}{end}", lines(100)));
        assert_eq!((refusal.status, refusal.code), (431, Code::TooLarge));
    }
}

#[test]
fn a_malformed_head_is_refused() {
    bad("GET / HTTP/1.1\r\nHost a\r\n\r\n", "malformed");
    bad("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "malformed");
    bad("GET / x HTTP/1.1\r\nHost: a\r\n\r\n", "malformed");
    bad("G\u{e9}T / HTTP/1.1\r\nHost: a\r\n\r\n", "malformed");
    bad("GET /\r\n", "not a request line");
    bad("SSH-2.0-OpenSSH_9.2\r\n", "not a request line");
    bad("GET / HTTP/1.1\r\n: a\r\nHost: a\r\n\r\n", "malformed");
}

#[test]
fn another_version_of_http_is_refused_as_soon_as_its_line_is_there() {
    for version in ["HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/11"] {
        assert_eq!(refused(format!("GET / {version}\r\n")).status, 505, "{version}");
    }
}

#[test]
fn the_http2_preface_is_refused_with_a_hint() {
    let refusal = refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert_eq!(refusal.status, 505);
    assert!(refusal.message.contains("HTTP/2"), "{}", refusal.message);
}

#[test]
fn a_tls_client_hello_is_refused_with_a_hint() {
    bad(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "this port speaks http:// and ws://, not TLS");
}

#[test]
fn obsolete_folding_is_refused() {
    bad(with("X: a\r\n b"), "malformed");
    bad(with("X: a\r\n\tb"), "malformed");
    bad("POST /a HTTP/1.1\r\n Host: a\r\nHost: a\r\n\r\n", "malformed");
}

#[test]
fn white_space_before_the_colon_is_refused() {
    bad(with("Content-Length : 5"), "malformed");
    bad(with("Content-Length\t: 5"), "malformed");
}

#[test]
fn bare_line_feeds_and_carriage_returns_are_refused() {
    bad("GET / HTTP/1.1\nHost: a\r\n\r\n", "LF alone");
    bad(with("X: a\nY: b"), "LF alone");
    bad("GET / HTTP/1.1\r\nHost: a\r\n\n", "LF alone");
    bad(with("X: a\rY: b"), "malformed");
    bad(with("X: a\r\r"), "malformed");
    bad("GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", "malformed");
}

#[test]
fn nul_and_other_controls_are_refused() {
    for byte in ["\0", "\x01", "\x0b", "\x7f"] {
        bad(with(&format!("X: a{byte}b")), "malformed");
        bad(with(&format!("X{byte}: a")), "malformed");
        let refusal = refused(format!("GET /{byte} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(refusal.status, 400);
    }
}

#[test]
fn a_target_that_is_not_ascii_is_refused() {
    bad("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", "percent-encoded");
    bad(b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", "");
    bad("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "percent-encoded");
}

#[test]
fn connect_is_refused() {
    let refusal = refused("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n");
    assert_eq!(refusal.status, 405);
    assert_eq!(refusal.headers[0].0, "Allow");
}

#[test]
fn content_length_with_transfer_encoding_is_refused() {
    bad(with("Content-Length: 5\r\nTransfer-Encoding: chunked"), "both");
    bad(with("Transfer-Encoding: chunked\r\nContent-Length: 5"), "both");
}

#[test]
fn two_lengths_are_refused() {
    bad(with("Content-Length: 5\r\nContent-Length: 5"), "more than one Content-Length");
    bad(with("Content-Length: 5\r\ncontent-length: 6"), "more than one Content-Length");
    bad(with("Content-Length: 5, 5"), "one decimal number");
}

#[test]
fn a_length_that_is_no_number_is_refused() {
    for length in ["", "+5", "-5", "0x5", "5 5", "\u{665}", "18446744073709551616"] {
        bad(with(&format!("Content-Length: {length}")), "one decimal number");
    }
    head(&with("Content-Length: 18446744073709551615"));
}

#[test]
fn a_transfer_encoding_other_than_chunked_once_is_refused() {
    head(&with("Transfer-Encoding: Chunked"));
    bad(with("Transfer-Encoding: chunked, chunked"), "chunked");
    bad(with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), "more than one");
    bad(with("Transfer-Encoding: xchunked"), "chunked");
    bad(with("Transfer-Encoding: \"chunked\""), "chunked");
    bad(with("Transfer-Encoding: chunked;a=b"), "chunked");
    bad(with("Transfer-Encoding:"), "chunked");
    bad("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0");
    assert_eq!(refused(with("Transfer-Encoding: gzip")).status, 501);
}

#[test]
fn a_host_that_is_missing_double_or_bad_is_refused() {
    bad("GET / HTTP/1.1\r\n\r\n", "no Host");
    bad("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", "more than one Host");
    bad("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", "more than one Host");
    for host in
        ["", "a b", "a,b", "a/b", "u@a", "a:b", "a:99999", "[::1", "[x]", "[::1]a", "a:1:2", "\u{e9}", ":80"]
    {
        bad(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"), "is not a host");
    }
    for host in ["a", "a.b-c_d", "127.0.0.1:8000", "[::1]", "[2001:db8::1]:80", "a:"] {
        head(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    }
}

#[test]
fn an_upgrade_with_a_body_is_refused() {
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    bad(with(&format!("{upgrade}Content-Length: 5")), "no body");
    bad(with(&format!("{upgrade}Transfer-Encoding: chunked")), "no body");
    assert!(head(&with(&format!("{upgrade}Content-Length: 0"))).upgrades_to_websocket());
}

#[test]
fn an_upgrade_is_seen_over_several_fields_and_any_case() {
    let two = "Upgrade: h2c, WebSocket\r\nConnection: keep-alive\r\nConnection: x, UPGRADE";
    assert!(head(&with(two)).upgrades_to_websocket());
    assert!(!head(&with("Upgrade: websocket")).upgrades_to_websocket());
    assert!(!head(&with("Upgrade: websockets\r\nConnection: upgrade")).upgrades_to_websocket());
}

fn rewritten(text: &str) -> String {
    let mut out = Vec::new();
    head(text).rewrite_for_backend(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn the_backend_gets_no_upgrade_and_hears_whether_more_will_come() {
    let text = "GET http://a/b?c HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade, HTTP2-Settings\r\n\
                Keep-Alive: timeout=5\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nX: y\r\n\r\n";
    assert_eq!(rewritten(text), "GET /b?c HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n");
    assert_eq!(rewritten("GET / HTTP/1.0\r\n\r\n"), "GET / HTTP/1.0\r\nConnection: close\r\n\r\n");
    assert_eq!(
        rewritten("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
        "GET / HTTP/1.0\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(
        rewritten("OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n"),
        "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    );
}

#[test]
fn the_backend_gets_its_websockets_without_extensions() {
    let text = "GET /b HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n\
                Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Key: k\r\n\r\n";
    assert_eq!(
        rewritten(text),
        "GET /b HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Key: k\r\n\r\n"
    );
}

#[test]
fn a_refusal_is_a_whole_response() {
    let refusal = Refusal::new(503, Code::Overloaded, "a \"full\"\n\u{e9}\\")
        .with_header("Retry-After", "5\r\nX: y".to_owned());
    let mut out = Vec::new();
    refusal.write(&mut out);
    let text = String::from_utf8(out).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "{\"code\":\"OVERLOADED\",\"message\":\"a \\\"full\\\"\\u000a\u{e9}\\\\\"}");
    let mut lines = head.split("\r\n");
    assert_eq!(lines.next(), Some("HTTP/1.1 503 Service Unavailable"));
    let lines: Vec<&str> = lines.collect();
    let length = format!("Content-Length: {}", body.len());
    for line in [
        "Content-Type: application/json",
        length.as_str(),
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Vary: Origin",
        "Retry-After: 5X: y",
        "Connection: close",
    ] {
        assert!(lines.contains(&line), "{line} is not in {head}");
    }
}

proptest! {
    /// A peer that sends whatever it likes gets an answer, never a panic, and what is taken goes on to
    /// the backend as a head that is taken again.
    #[test]
    fn any_bytes_are_read_or_refused(
        start in prop::sample::select(vec![
            "",
            "GET / HTTP/1.1\r\nHost: a\r\n",
            "POST http://a?b HTTP/1.1\r\nHost: a\r\n",
        ]),
        middle in "[a-zA-Z:,;= \r\n/\\-\u{0}\u{e9}]{0,60}",
        end in prop::sample::select(vec!["", "\r\n\r\n"]),
        max in 1usize..200,
    ) {
        let bytes = format!("{start}{middle}{end}");
        if let Ok(Parsed::Head(head, length)) = parse(bytes.as_bytes(), max) {
            prop_assert!(length <= max);
            let mut out = Vec::new();
            head.rewrite_for_backend(&mut out);
            let Ok(Parsed::Head(again, all)) = parse(&out, MAX) else {
                return Err(TestCaseError::fail("the rewritten head is refused"));
            };
            prop_assert_eq!(all, out.len());
            prop_assert_eq!(again.path(), head.path());
            prop_assert_eq!(again.query(), head.query());
        }
    }
}
