//! The budgets of a turn and of a flush, against real sockets. Nothing here sleeps: the poller waits.

#[allow(dead_code, reason = "each test program uses its part of it")]
mod common;

use common::{LIMIT, Server};
use rtcore_core::limits::fixed::{FLUSH_STEPS, TURN_READ};
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

/// What a write makes the engine do counts too: it reads the past for whom it feeds, and that may cost more than the bytes.
#[test]
fn a_flush_does_a_bounded_part_of_the_work_and_the_rest_in_order_in_the_next() {
    let mut server = Server::new();
    let mut crowd: Vec<_> = (0..40).map(|_| server.peer()).collect();
    server.until(|server| !server.shard.needs_flush(&server.engine));
    server.engine.cost = FLUSH_STEPS / 10;
    for (_, conn) in &crowd {
        server.engine.say(*conn, b"all");
    }
    let mut told = 0;
    while server.shard.needs_flush(&server.engine) {
        let before = server.engine.steps;
        server.shard.flush(&mut server.engine).unwrap();
        let done = server.engine.steps - before;
        assert!(done <= FLUSH_STEPS, "{done} steps in one flush");
        let now = crowd.iter().take_while(|(_, conn)| server.engine.output[conn].is_empty()).count();
        assert!(now > told, "each flush goes on");
        let behind = crowd.iter().skip(now).all(|(_, conn)| server.engine.output[conn] == b"all");
        assert!(behind, "in the order in which they were due");
        told = now;
    }
    assert_eq!(told, crowd.len());
    for (stream, _) in &mut crowd {
        assert_eq!(server.read(stream, 3), b"all");
    }
}

/// What many have sent is read in parts, each in its turn, in one order: nobody is read twice before everybody was read
/// once, deadlines wait for the last, and the poller reports what is left though nobody sends anything.
#[test]
fn a_turn_reads_a_bounded_part_of_what_many_have_sent_and_everybody_once_before_anybody_twice() {
    const SIZE: usize = 64 * 1024; // the most that is read of one
    let mut server = Server::new();
    let mut crowd: Vec<_> = (0..16).map(|_| server.peer()).collect();
    server.until(|server| !server.shard.needs_flush(&server.engine));
    server.engine.deadline = None;
    for (stream, _) in &mut crowd {
        stream.set_nonblocking(true).unwrap();
        let mut sent = 0;
        while sent < 2 * SIZE {
            sent += stream.write(&vec![b'x'; 2 * SIZE - sent]).unwrap_or(2 * SIZE);
        }
    }
    let due = server.shard.now().tick;
    server.engine.deadline = Some(due);
    server.engine.advanced.clear();
    let heard = |server: &Server| -> Vec<usize> {
        crowd.iter().map(|(_, conn)| server.engine.heard[conn].len()).collect()
    };
    let mut before = heard(&server);
    let mut read = vec![0; crowd.len()];
    while read.contains(&0) {
        assert!(server.engine.advanced.is_empty(), "a deadline was looked at before everybody was read");
        let count = server.shard.turn(&mut server.engine, LIMIT).unwrap();
        assert!(count > 0, "nobody sends anything, and yet it reports");
        let now = heard(&server);
        let taken: usize = now.iter().sum::<usize>() - before.iter().sum::<usize>();
        assert!(taken < TURN_READ + SIZE, "{taken} bytes were read in one turn");
        for (times, (now, before)) in read.iter_mut().zip(now.iter().zip(&before)) {
            *times += usize::from(now > before);
        }
        assert!(read.iter().all(|times| *times <= 1), "somebody was read twice: {read:?}");
        before = now;
    }
    server.until(|server| !server.engine.advanced.is_empty());
}
