//! The budget of a flush, against real sockets. Nothing here sleeps: the poller waits.

#[allow(dead_code, reason = "each test program uses its part of it")]
mod common;

use common::{LIMIT, Server};
use std::io::{Read, Write};
use std::time::Duration;

const NO_WAIT: Duration = Duration::ZERO;

/// A fan-out that takes long is cut: who has something to say meanwhile is read, and answered, before it is over;
/// and the poller reports without anybody having sent anything.
#[test]
fn a_large_fan_out_does_not_keep_others_from_being_read() {
    const SIZE: usize = 64 * 1024;
    let mut server = Server::new();
    let mut crowd: Vec<_> = (0..80).map(|_| server.peer()).collect();
    let (mut quick, quick_conn) = server.peer();
    server.until(|server| !server.shard.needs_flush(&server.engine));
    let message = vec![b'x'; SIZE];
    for (_, conn) in &crowd {
        server.engine.say(*conn, &message);
    }
    quick.write_all(b"me too").unwrap();
    server.engine.writes.clear();
    server.shard.flush(&mut server.engine).unwrap();
    let first = server.engine.writes.len();
    assert!((2..crowd.len()).contains(&first), "one flush wrote to {first} of {}", crowd.len());
    assert!(server.shard.needs_flush(&server.engine));

    server.shard.turn(&mut server.engine, NO_WAIT).unwrap();
    assert!(server.engine.heard[&quick_conn].ends_with(b"me too"), "read before the rest was written");
    server.shard.flush(&mut server.engine).unwrap();
    assert!(server.engine.output[&quick_conn].is_empty(), "and answered before it");
    assert!(
        server.engine.output[&crowd[crowd.len() - 1].1].len() == SIZE,
        "which the last one still waits for"
    );
    assert!(
        server.shard.turn(&mut server.engine, LIMIT).unwrap() > 0,
        "nobody sent anything, and yet it reports"
    );

    let mut answer = [0; 6];
    quick.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"me too");
    for (stream, _) in &mut crowd {
        assert!(server.read(stream, SIZE) == message);
    }
}
