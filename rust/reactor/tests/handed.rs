//! Sockets that are handed over, and come back.

#[allow(dead_code, reason = "each test program uses its part of it")]
mod common;

use common::{LIMIT, Server};
use rtcore_reactor::Mail;
use std::io::Write;

/// Two sockets come back in one turn, the first with a request that is not ours either: it is handed over again while room is
/// made for the second. Nothing is due then, and still somebody waits for that socket.
#[test]
fn a_socket_that_is_handed_over_as_another_comes_is_not_forgotten() {
    let mut server = Server::new();
    let mut streams = Vec::new();
    for _ in 0..2 {
        let (mut stream, conn) = server.peer();
        stream.write_all(b"hand over\n").unwrap();
        server.until(|server| server.engine.heard[&conn].ends_with(b"over\n"));
        streams.push(stream);
    }
    let handed = server.shard.take_handed();
    assert_eq!(handed.len(), 2);
    let sender = server.shard.sender();
    for (handed, read) in handed.into_iter().zip([&b"hand over\n"[..], b""]) {
        sender.send(Mail::Adopt(handed.fd, read.to_vec(), handed.told)).unwrap();
    }
    server.shard.turn(&mut server.engine, LIMIT).unwrap();
    assert!(server.shard.needs_flush(&server.engine), "a socket was handed over, and nobody would take it");
    server.shard.flush(&mut server.engine).unwrap();
    assert_eq!(server.shard.take_handed().len(), 1);
    assert!(!server.shard.needs_flush(&server.engine));
}
