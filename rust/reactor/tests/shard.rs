//! The shard against real sockets. Nothing here sleeps: the poller waits.

#[allow(dead_code, reason = "each test program uses its part of it")]
mod common;

use common::{LIMIT, Server};
use rtcore_core::engine::Op;
use rtcore_core::ids::{ConnId, Tick};
use rtcore_core::store::Report;
use rtcore_reactor::Mail;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

const NO_WAIT: Duration = Duration::ZERO;

#[test]
fn what_is_sent_comes_back() {
    let mut server = Server::new();
    let (mut stream, conn) = server.peer();
    assert!(server.engine.peers[0].address.is_loopback());
    assert_eq!(server.engine.peers[0].port, stream.local_addr().unwrap().port());
    stream.write_all(b"again").unwrap();
    server.until(|server| server.engine.heard[&conn].ends_with(b"again"));
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"again");
    assert_eq!(server.shard.open(), 1);
}

#[test]
fn many_slices_leave_in_one_write_and_in_order() {
    let mut server = Server::new();
    server.engine.slice = 3;
    let (mut stream, conn) = server.peer();
    for size in [300, 700, 60_000] {
        let bytes: Vec<u8> = (0..=255).cycle().take(size).collect();
        server.engine.writes.clear();
        server.engine.say(conn, &bytes);
        let due = server.engine.output[&conn].len().min(256 * 3);
        server.turn(NO_WAIT);
        assert_eq!(server.engine.writes[0], due, "256 slices at most, in one write");
        assert!(server.read(&mut stream, size) == bytes);
    }
}

#[test]
fn long_slices_are_not_copied_and_arrive_whole() {
    let mut server = Server::new();
    server.engine.slice = 10_000;
    let (mut stream, conn) = server.peer();
    let bytes: Vec<u8> = (0..=250).cycle().take(95_000).collect();
    server.engine.say(conn, &bytes);
    assert!(server.read(&mut stream, bytes.len()) == bytes);
}

/// A peer that does not read must cost a turn nothing: no writing in vain, and no waking for it.
#[test]
fn a_peer_that_does_not_read_is_left_alone_until_it_does() {
    let mut server = Server::new();
    let (mut stream, conn) = server.peer();
    let bytes = vec![b'x'; 32 * 1024 * 1024];
    server.engine.say(conn, &bytes);
    server.turn(NO_WAIT);
    // The kernel moves what it took to the peer's side, and then takes some more.
    server.until(|server| server.turn(Duration::from_millis(50)) == 0);
    let writes = server.engine.writes.len();
    server.engine.say(conn, b"more");
    server.turn(NO_WAIT);
    assert_eq!(server.engine.writes.len(), writes, "the kernel was asked in vain");
    assert!(server.read(&mut stream, bytes.len() + 4).ends_with(b"xmore"));
    server.turn(NO_WAIT);
    assert_eq!(server.turn(NO_WAIT), 0, "still watched for writing");
}

#[test]
fn the_end_of_input_is_heard_once_and_writing_goes_on() {
    let mut server = Server::new();
    let (mut stream, conn) = server.peer();
    stream.shutdown(Shutdown::Write).unwrap();
    server.until(|server| !server.engine.ends.is_empty());
    assert_eq!(server.turn(NO_WAIT), 0, "the end of input makes the poller spin");
    server.engine.say(conn, b"late");
    server.turn(NO_WAIT);
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(server.engine.ends, [conn]);
    assert_eq!(server.engine.lost, []);
}

#[test]
fn a_connection_is_over_when_both_sides_have_finished() {
    let mut server = Server::new();
    let (mut stream, conn) = server.peer();
    stream.write_all(b"finish\n").unwrap();
    let mut rest = Vec::new();
    server.until(|server| server.engine.heard[&conn].ends_with(b"finish\n"));
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"bye\n", "written before writing was shut down");
    assert_eq!(server.shard.open(), 1, "the peer may still say something");
    drop(stream);
    server.until(|server| !server.engine.lost.is_empty());
    assert_eq!((server.engine.lost.as_slice(), server.shard.open()), (&[conn][..], 0));
}

#[test]
fn finishing_waits_for_what_is_not_written_yet() {
    let mut server = Server::new();
    let (mut stream, conn) = server.peer();
    let bytes = vec![b'y'; 8 * 1024 * 1024];
    server.engine.say(conn, &bytes);
    server.engine.ops.push(Op::Finish(conn));
    server.turn(NO_WAIT);
    assert!(server.read(&mut stream, bytes.len() + 1) == bytes, "then the end");
}

#[test]
fn a_dropped_connection_closes_at_once_and_is_not_called_lost() {
    let mut server = Server::new();
    let (mut stream, conn) = server.peer();
    stream.write_all(b"drop\n").unwrap();
    server.until(|server| server.shard.open() == 0);
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(server.engine.lost, []);
    assert_eq!(server.engine.ends, []);
    let _ = conn;
}

/// A client that floods while its requests wait must be held back by TCP, not by our memory.
#[test]
fn a_paused_connection_is_not_read_until_it_is_resumed() {
    let mut server = Server::new();
    let (mut stream, conn) = server.peer();
    stream.write_all(b"pause\n").unwrap();
    server.until(|server| server.engine.heard[&conn].ends_with(b"pause\n"));
    stream.write_all(b"held").unwrap();
    assert_eq!(server.turn(NO_WAIT), 0);
    server.engine.ops.push(Op::Resume(conn));
    assert!(server.shard.needs_flush(&server.engine));
    server.turn(NO_WAIT);
    server.until(|server| server.engine.heard[&conn].ends_with(b"held"));
}

/// A peer that dies while we do not read from it must not stay until its memory is missed.
#[test]
fn a_paused_connection_whose_peer_vanished_is_noticed() {
    let mut server = Server::new();
    let (mut stream, conn) = server.peer();
    stream.write_all(b"pause\n").unwrap();
    server.until(|server| server.engine.heard[&conn].ends_with(b"pause\n"));
    // What is unread when a socket is closed makes the kernel send a reset, RFC 9293 §3.6.
    server.engine.say(conn, b"unread");
    server.turn(NO_WAIT);
    drop(stream);
    server.until(|server| !server.engine.lost.is_empty());
    assert_eq!((server.engine.lost.as_slice(), server.shard.open()), (&[conn][..], 0));
}

#[test]
fn a_reset_is_a_loss() {
    let mut server = Server::new();
    let (stream, conn) = server.peer();
    server.engine.say(conn, b"unread");
    server.turn(NO_WAIT);
    drop(stream);
    server.until(|server| !server.engine.lost.is_empty());
    assert_eq!(server.engine.lost, [conn]);
}

/// The slot of a closed connection is used again; what is said to the old one must not reach the new.
#[test]
fn what_concerns_an_old_handle_does_not_reach_the_new_owner_of_its_slot() {
    let mut server = Server::new();
    let (first, old) = server.peer();
    server.engine.ops.push(Op::Drop(old));
    server.turn(NO_WAIT);
    server.engine.free(old);
    drop(first);
    let (mut stream, new) = server.peer();
    assert_eq!((new.index(), new.generation()), (old.index(), old.generation() + 1));
    server.engine.ops.extend([Op::Pause(old), Op::Drop(old)]);
    server.engine.say(old, b"secret");
    server.turn(NO_WAIT);
    stream.write_all(b"ok").unwrap();
    server.until(|server| server.engine.heard[&new].ends_with(b"ok"));
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"ok");
    let (dirty, ops) = server.shard.take_foreign();
    assert_eq!((dirty.as_slice(), ops.len()), (&[old][..], 2), "somebody else's, for all the shard knows");
}

#[test]
fn a_refused_connection_is_closed() {
    let mut server = Server::new();
    server.engine.refuse = true;
    let mut stream = server.dial();
    server.until(|server| server.shard.counters().refused == 1);
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(server.shard.open(), 0);
}

#[test]
fn a_socket_that_is_handed_over_is_left_to_its_new_owner() {
    let mut server = Server::new();
    let (mut stream, conn) = server.peer();
    stream.write_all(b"hand over\n").unwrap();
    server.until(|server| server.engine.heard[&conn].ends_with(b"over\n"));
    let mut handed = server.shard.take_handed();
    let handed = handed.pop().unwrap();
    assert_eq!((handed.conn, handed.bytes.as_slice(), handed.port), (conn, &b"head"[..], 7));
    stream.write_all(b"next").unwrap();
    assert_eq!(server.turn(NO_WAIT), 0, "still in the poller");
    let theirs = TcpStream::from(handed.fd);
    assert_eq!(theirs.peer_addr().unwrap(), stream.local_addr().unwrap());
    theirs.set_nonblocking(false).unwrap();
    let mut bytes = [0; 4];
    (&theirs).read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"next");
    assert_eq!(server.shard.open(), 0);
}

#[test]
fn a_socket_that_comes_back_is_heard_again_beginning_with_what_was_read_of_it() {
    let mut server = Server::new();
    let (mut stream, conn) = server.peer();
    for (read, begun) in [(&b"early "[..], true), (b"", false)] {
        stream.write_all(b"hand over\n").unwrap();
        server.until(|server| !server.engine.ops.is_empty() || server.shard.open() == 0);
        let handed = server.shard.take_handed().pop().unwrap();
        server.engine.free(handed.conn);
        server.engine.heard.clear();
        server.shard.sender().send(Mail::Adopt(handed.fd, read.to_vec(), handed.told)).unwrap();
        stream.write_all(b"and late\n").unwrap();
        server.until(|server| server.engine.heard.values().any(|heard| heard.ends_with(b"late\n")));
        let (again, heard) = server.engine.heard.iter().next().unwrap();
        assert_eq!((again.index(), heard.as_slice()), (conn.index(), &[read, b"and late\n"].concat()[..]));
        assert_eq!(server.engine.adopted.pop(), Some(begun));
        let peer = server.engine.peers.pop().unwrap();
        assert_eq!(peer.port, stream.local_addr().unwrap().port(), "whose it is, the kernel knows");
        assert_eq!(server.shard.open(), 1);
        let answer = read.len() + b"and late\n".len();
        assert_eq!(server.read(&mut stream, answer).len(), answer);
    }
}

#[test]
fn a_socket_that_may_not_come_back_is_closed() {
    let mut server = Server::new();
    let (mut stream, conn) = server.peer();
    stream.write_all(b"hand over\n").unwrap();
    server.until(|server| server.engine.heard[&conn].ends_with(b"over\n"));
    let handed = server.shard.take_handed().pop().unwrap();
    server.engine.refuse = true;
    server.shard.sender().send(Mail::Adopt(handed.fd, Vec::new(), handed.told)).unwrap();
    assert_eq!(server.read(&mut stream, 1), b"");
    assert_eq!(server.shard.open(), 0);
}

/// An accept storm: the crowd at the door must not keep those waiting who are in.
#[test]
fn a_crowd_at_the_door_is_let_in_by_batches() {
    let mut server = Server::new();
    let (mut stream, conn) = server.peer();
    let crowd: Vec<TcpStream> = (0..100).map(|_| server.dial()).collect();
    stream.write_all(b"me too").unwrap();
    let before = server.shard.counters().accepted;
    server.turn(Duration::from_millis(20));
    assert_eq!(server.shard.counters().accepted - before, 64);
    assert!(server.engine.heard[&conn].ends_with(b"me too"));
    server.until(|server| server.shard.open() == 101);
    drop(crowd);
}

/// One read a socket and turn: a flood is taken a buffer at a time.
#[test]
fn a_flood_is_taken_one_buffer_a_turn() {
    let mut server = Server::new();
    let (mut stream, conn) = server.peer();
    stream.write_all(b"pause\n").unwrap();
    server.until(|server| server.engine.heard[&conn].ends_with(b"pause\n"));
    let flood = vec![b'z'; 200 * 1024];
    stream.write_all(&flood).unwrap();
    server.engine.ops.push(Op::Resume(conn));
    server.turn(NO_WAIT);
    let (reads, heard) = (server.engine.reads, server.engine.heard[&conn].len());
    server.turn(Duration::from_millis(20));
    assert_eq!(server.engine.reads - reads, 1);
    assert!(server.engine.heard[&conn].len() - heard <= 64 * 1024);
}

#[test]
fn the_timer_wakes_the_poller_at_the_engines_deadline() {
    let mut server = Server::new();
    server.turn(NO_WAIT);
    let start = Instant::now();
    let deadline = server.shard.now().tick.plus_ms(30);
    server.engine.deadline = Some(deadline);
    assert!(server.shard.needs_flush(&server.engine), "the timer would be late");
    server.turn(NO_WAIT);
    assert!(!server.shard.needs_flush(&server.engine));
    assert!(server.engine.advanced.is_empty());
    while server.engine.advanced.is_empty() {
        assert!(start.elapsed() < LIMIT);
        // It would wait for longer than the test does, did the timer not end it.
        server.turn(LIMIT * 2);
    }
    assert!(server.engine.advanced[0] >= deadline);
    assert_eq!(server.turn(NO_WAIT), 0, "the timer reports for ever");
}

#[test]
fn a_deadline_that_is_over_is_kept_in_the_next_turn() {
    let mut server = Server::new();
    server.engine.deadline = Some(Tick(1));
    server.turn(NO_WAIT);
    assert_eq!(server.engine.advanced.len(), 1);
}

#[test]
fn a_wait_ends_when_its_time_is_over() {
    let mut server = Server::new();
    server.turn(NO_WAIT);
    let start = Instant::now();
    assert_eq!(server.turn(Duration::from_micros(500)), 0);
    assert!(start.elapsed() < LIMIT);
}

#[test]
fn nobody_is_let_in_after_accepting_has_stopped() {
    let mut server = Server::new();
    let (mut stream, conn) = server.peer();
    server.shard.sender().send(Mail::StopAccepting).unwrap();
    server.turn(NO_WAIT);
    let refused = TcpStream::connect(("127.0.0.1", server.port)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    stream.write_all(b"still here").unwrap();
    server.until(|server| server.engine.heard[&conn].ends_with(b"still here"));
}

#[test]
fn what_the_store_reports_from_its_thread_reaches_the_engine_in_order() {
    let mut server = Server::new();
    let sender = server.shard.sender();
    let store = std::thread::spawn(move || {
        for group in 1..=100 {
            sender.send(Mail::Report(Report::Written(group))).unwrap();
        }
    });
    server.until(|server| server.engine.reports.len() == 100);
    store.join().unwrap();
    let groups = server.engine.reports.iter().map(|report| match report {
        Report::Written(group) => *group,
        other => panic!("{other:?}"),
    });
    assert!(groups.eq(1..=100));
}

#[test]
fn two_listeners_and_one_of_them_local() {
    let mut server = Server::new();
    let path = std::env::temp_dir().join(format!("rtcore-shard-{}", std::process::id()));
    let local = UnixListener::bind(&path).unwrap();
    local.set_nonblocking(true).unwrap();
    server.shard.sender().send(Mail::Listen(local.into())).unwrap();
    let other = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    other.set_nonblocking(true).unwrap();
    let other_port = other.local_addr().unwrap().port();
    server.shard.sender().send(Mail::Listen(other.into())).unwrap();
    let mut stream = UnixStream::connect(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let tcp = TcpStream::connect(("127.0.0.1", other_port)).unwrap();
    stream.write_all(b"hello").unwrap();
    server.until(|server| server.engine.reads == 1 && server.shard.open() == 2);
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).unwrap();
    let local = server.engine.peers.iter().find(|peer| peer.port == 0).unwrap();
    assert!(local.address.is_loopback());
    drop(tcp);
}

#[test]
fn what_is_for_a_stream_shell_is_set_aside() {
    let mut server = Server::new();
    let (_stream, ours) = server.peer();
    let theirs = ConnId::new(77, 1);
    server.engine.say(ours, b"a");
    server.engine.say(theirs, b"b");
    server.engine.ops.extend([Op::Pause(theirs), Op::Pause(ours), Op::Resume(ours)]);
    server.shard.collect(&mut server.engine);
    let (dirty, ops) = server.shard.take_foreign();
    assert_eq!((dirty.as_slice(), ops.len()), (&[theirs][..], 1));
    assert!(server.shard.needs_flush(&server.engine), "what is ours still has to be written");
    server.turn(NO_WAIT);
    assert!(!server.shard.needs_flush(&server.engine));
    assert_eq!(server.engine.output[&ours], b"");
}
