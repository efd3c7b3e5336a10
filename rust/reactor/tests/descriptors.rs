//! When descriptors have run out. A program of its own, because the limit is the whole process's.

#[allow(dead_code, reason = "each test program uses its part of it")]
mod common;

use common::Server;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::File;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A listening socket stays readable while nothing can be accepted: a server that goes on trying
/// burns a core exactly when it is overloaded.
#[test]
fn without_descriptors_accepting_rests_instead_of_spinning() {
    let mut server = Server::new();
    let (first, _) = server.peer();
    let crowd: Vec<TcpStream> = (0..3).map(|_| server.dial()).collect();
    let before = getrlimit(Resource::Nofile);
    let mut hoard: Vec<File> = Vec::new();
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), ..before }).unwrap();
    while let Ok(file) = File::open("/dev/null") {
        hoard.push(file);
    }
    let start = Instant::now();
    server.until(|server| server.shard.counters().rests == 1);
    let mut turns = 0;
    while server.shard.counters().rests < 3 {
        server.turn(Duration::from_secs(1));
        turns += 1;
    }
    assert!(start.elapsed() >= Duration::from_millis(200), "100 ms each");
    assert!(turns <= 12, "{turns} turns of which at most a few had something to do");
    assert_eq!(server.shard.open(), 1);
    drop(hoard);
    setrlimit(Resource::Nofile, before).unwrap();
    server.until(|server| server.shard.open() == 4);
    drop((first, crowd));
}
