//! What is said on a raw socket: copied or lent, it is the same bytes.

use rtcore_core::engine::{Config, Engine, Peer, RawPath};
use rtcore_core::frame::websocket::Kind;
use rtcore_core::outbox::Lent;
use rtcore_core::{ConnId, Now, Tick};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

const NOW: Now = Now { tick: Tick(1), wall_ms: 1 };
const DEFLATE: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; \
                       server_no_context_takeover\r\n";

/// A raw socket that is open, and has read its handshake.
fn open(fields: &str) -> (Engine, ConnId) {
    let raws = vec![RawPath { path: "/raw".into(), max_message: 1 << 20 }];
    let mut engine = Engine::new(Config { raws, ..Config::default() }, [7; 32], NOW);
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let peer = Peer { address, port: 5, secure: false, stream: false };
    let conn = engine.connect(peer, NOW).expect("there is room");
    let head = format!(
        "GET /raw HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{fields}\r\n"
    );
    engine.receive(conn, &mut head.into_bytes(), NOW);
    let answer = String::from_utf8(written(&mut engine, conn, usize::MAX)).unwrap();
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    assert_eq!(answer.contains("permessage-deflate"), !fields.is_empty(), "{answer}");
    (engine, conn)
}

/// What leaves, at most so many bytes at a time.
fn written(engine: &mut Engine, conn: ConnId, most: usize) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let mut slices = Vec::new();
        engine.gather(conn, &mut slices, usize::MAX);
        let mut bytes = slices.concat();
        bytes.truncate(most);
        if bytes.is_empty() {
            return all;
        }
        engine.written(conn, bytes.len(), NOW);
        all.append(&mut bytes);
    }
}

#[test]
fn what_is_lent_leaves_as_what_is_copied_whatever_the_kernel_takes_at_a_time() {
    for fields in ["", DEFLATE] {
        for size in [0, 125, 126, 65_535, 65_536, 200_000] {
            let message: Vec<u8> = (b'a'..=b'z').cycle().take(size).collect();
            for most in [1_000, 65_536, usize::MAX] {
                let ((mut copied, a), (mut lent, b)) = (open(fields), open(fields));
                for kind in [Kind::Text, Kind::Binary] {
                    let waits = copied.raw_send(a, kind, &message);
                    assert!(waits.is_some_and(|waits| waits > 0));
                    assert_eq!(lent.raw_lend(b, kind, Lent::new(message.clone())), waits, "{size} bytes");
                }
                assert!(written(&mut copied, a, most) == written(&mut lent, b, most), "{size} bytes");
                assert!(lent.is_flushed(b));
            }
        }
    }
}

#[test]
fn a_socket_that_is_closed_takes_nothing_and_gives_back_what_was_lent() {
    let (mut engine, conn) = open("");
    let owned: Arc<[u8]> = vec![1; 100_000].into();
    engine.raw_lend(conn, Kind::Binary, Lent::new(Arc::clone(&owned))).expect("it is open");
    engine.raw_close(conn, 4001, "done", NOW);
    assert_eq!(engine.raw_send(conn, Kind::Text, b"late"), None);
    assert_eq!(engine.raw_lend(conn, Kind::Text, Lent::new("late")), None);
    let all = written(&mut engine, conn, usize::MAX);
    assert!(all.ends_with(b"\x0f\xa1done"), "what waited, and then the close frame");
    assert_eq!(Arc::strong_count(&owned), 1, "it has left");
    engine.lost(conn, NOW);
    assert_eq!(engine.raw_send(conn, Kind::Text, b"gone"), None);
}

#[test]
fn a_raw_path_that_ends_with_a_star_stands_for_all_that_begin_so_and_go_on() {
    let raw = |path: &str| RawPath { path: path.into(), max_message: 1 };
    let all = [
        raw("/yjs/*"),
        raw("/yjs/own"),
        raw("/yjs/own/*"),
        raw("/plain"),
        raw("/odd*"),
        raw("/yjs/own/*/last"),
    ];
    let found = |path: &str| RawPath::find(&all, path).map(|at| all[at].path.as_str());
    for (path, wanted) in [
        ("/yjs/tea", Some("/yjs/*")),
        ("/yjs/tea/and/milk", Some("/yjs/*")),
        // What is just so comes first, whatever was registered before it; then the longest.
        ("/yjs/own", Some("/yjs/own")),
        ("/yjs/own/tea", Some("/yjs/own/*")),
        ("/yjs/owner", Some("/yjs/*")),
        // There must be something in the place of the star.
        ("/yjs/", None),
        ("/yjs", None),
        ("/yjs/own/", Some("/yjs/*")),
        ("/plain", Some("/plain")),
        ("/plain/more", None),
        ("/plai", None),
        // A star elsewhere is a character like any other.
        ("/oddity", None),
        ("/odd*", Some("/odd*")),
        ("/yjs/own/tea/last", Some("/yjs/own/*")),
        // Paths are compared as they are written: an escape is not undone, and nothing is made of dots.
        ("/%79js/tea", None),
        ("/YJS/tea", None),
        ("/yjs/../plain", Some("/yjs/*")),
        ("/yjs/%2F", Some("/yjs/*")),
        ("/yjs/*", Some("/yjs/*")),
        ("", None),
        ("/", None),
    ] {
        assert_eq!(found(path), wanted, "{path}");
    }
}

#[test]
fn a_socket_opens_on_a_path_that_goes_on_and_nothing_is_there_where_it_does_not() {
    for (path, wanted) in
        [("/yjs/tea", 101), ("/yjs/tea?x=1", 101), ("/yjs/", 404), ("/yjs", 404), ("/other", 404)]
    {
        let raws = vec![RawPath { path: "/yjs/*".into(), max_message: 1 << 20 }];
        let mut engine = Engine::new(Config { raws, ..Config::default() }, [7; 32], NOW);
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let peer = Peer { address, port: 5, secure: false, stream: false };
        let conn = engine.connect(peer, NOW).expect("there is room");
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        );
        engine.receive(conn, &mut head.into_bytes(), NOW);
        let answer = String::from_utf8(written(&mut engine, conn, usize::MAX)).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {wanted}")), "{path}: {answer}");
    }
}
