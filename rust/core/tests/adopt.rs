//! A connection that was handed over and comes back: counted as before, and answered only if it asks.

use rtcore_core::engine::{Config, Engine, Op, Peer};
use rtcore_core::{ConnId, Limits, Now, Tick};
use std::net::{IpAddr, Ipv4Addr};

const PEER: Peer = Peer { address: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 5, secure: false, stream: false };
const FOREIGN: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn at(ms: u64) -> Now {
    Now { tick: Tick(ms * 1_000_000), wall_ms: ms }
}

fn engine(limits: Limits) -> Engine {
    Engine::new(Config { limits, backend: true, ..Config::default() }, [7; 32], at(0))
}

fn ops(engine: &mut Engine) -> Vec<Op> {
    let mut ops = Vec::new();
    engine.take_ops(&mut ops);
    ops
}

fn output(engine: &Engine, conn: ConnId) -> String {
    let mut slices = Vec::new();
    engine.gather(conn, &mut slices, 16);
    String::from_utf8(slices.concat()).unwrap()
}

/// Hand the next request on a connection over; what of it goes to the backend.
fn hand_over(engine: &mut Engine, conn: ConnId) -> String {
    engine.receive(conn, &mut FOREIGN.to_vec(), at(0));
    match ops(engine).as_slice() {
        [Op::HandOver { conn: handed, bytes, .. }] if *handed == conn => {
            String::from_utf8(bytes.clone()).unwrap()
        }
        other => panic!("not handed over: {other:?}"),
    }
}

#[test]
fn it_goes_to_and_fro_under_the_limit_that_it_fills_alone() {
    let mut engine = engine(Limits { connections_per_address: 1, ..Limits::default() });
    let mut conn = engine.connect(PEER, at(0)).unwrap();
    for round in 0..5 {
        assert!(!hand_over(&mut engine, conn).contains("Connection"), "the backend may keep it open");
        let again = engine.adopt(PEER, round % 2 == 0, false, at(0)).unwrap();
        assert_ne!(again, conn, "an old handle finds nothing");
        assert_eq!(output(&engine, again), "");
        conn = again;
    }
    assert!(engine.metrics().contains("rtcore_connections_total 1\n"), "it connected once");
}

#[test]
fn where_there_is_no_room_it_is_answered_if_it_has_asked_and_else_closed() {
    let mut engine = engine(Limits { connections_per_address: 1, ..Limits::default() });
    let conn = engine.connect(PEER, at(0)).unwrap();
    hand_over(&mut engine, conn);
    engine.connect(PEER, at(0)).unwrap();
    assert!(engine.adopt(PEER, false, false, at(0)).is_none(), "nobody asked, so nothing is said");
    let asks = engine.adopt(PEER, true, false, at(0)).unwrap();
    assert!(output(&engine, asks).starts_with("HTTP/1.1 503 "));
}

#[test]
fn a_server_that_stops_keeps_no_connection_that_waits() {
    let mut engine = engine(Limits::default());
    let conn = engine.connect(PEER, at(0)).unwrap();
    hand_over(&mut engine, conn);
    engine.shut_down(1000, at(0));
    assert!(engine.adopt(PEER, false, false, at(0)).is_none());
    let asks = engine.adopt(PEER, true, false, at(0)).unwrap();
    engine.receive(asks, &mut FOREIGN.to_vec(), at(0)); // only `/healthz` is served now
    assert!(output(&engine, asks).starts_with("HTTP/1.1 503 "));
}

#[test]
fn it_may_wait_for_its_next_request_as_long_as_any_other() {
    let limits = Limits { hello_ms: 100, keep_alive_ms: 1000, ..Limits::default() };
    let mut engine = engine(limits);
    let conn = engine.connect(PEER, at(0)).unwrap();
    hand_over(&mut engine, conn);
    let again = engine.adopt(PEER, false, false, at(10)).unwrap();
    engine.advance(at(1009));
    assert!(ops(&mut engine).is_empty());
    engine.advance(at(1010));
    assert!(matches!(ops(&mut engine).as_slice(), [Op::Drop(gone)] if *gone == again));
}
