//! An engine that only echoes, for tests of the shard that drives it.
//!
//! A line `drop`, `finish`, `pause` or `hand over` asks for that op; everything else comes
//! back. What happened is written down.

use rtcore_core::engine::{Op, Peer};
use rtcore_core::ids::{ConnId, Now, Tick};
use rtcore_core::store::Report;
use rtcore_reactor::{Driven, Mail, Shard};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// Longer than anything here takes; a test that needs it has failed.
pub const LIMIT: Duration = Duration::from_secs(60);

#[derive(Default)]
pub struct Echo {
    pub output: BTreeMap<ConnId, Vec<u8>>,
    pub heard: BTreeMap<ConnId, Vec<u8>>,
    pub ends: Vec<ConnId>,
    pub lost: Vec<ConnId>,
    pub peers: Vec<Peer>,
    pub adopted: Vec<bool>,
    pub advanced: Vec<Tick>,
    pub deadline: Option<Tick>,
    pub refuse: bool,
    pub reads: usize,
    /// Slices of this length, so that a write has many.
    pub slice: usize,
    /// Handles as the engine makes them: slots are used again under a new generation.
    pub generations: Vec<(u32, bool)>,
    pub dirty: Vec<ConnId>,
    pub ops: Vec<Op>,
    pub writes: Vec<usize>,
    pub reports: Vec<Report>,
    /// What a write costs it, as one that feeds who lags has to read the past.
    pub cost: u64,
    pub steps: u64,
}

impl Echo {
    pub fn say(&mut self, conn: ConnId, bytes: &[u8]) {
        self.output.entry(conn).or_default().extend_from_slice(bytes);
        if !self.dirty.contains(&conn) {
            self.dirty.push(conn);
        }
    }

    pub fn free(&mut self, conn: ConnId) {
        self.generations[conn.index()] = (conn.generation() + 1, false);
        self.output.remove(&conn);
    }

    fn hand_over(&mut self, conn: ConnId, bytes: &[u8]) {
        let address = self.peers[0].address;
        self.ops.push(Op::HandOver {
            conn,
            bytes: bytes.to_vec(),
            address,
            port: 7,
            secure: false,
            told: None,
        });
    }
}

impl Driven for Echo {
    fn connect(&mut self, peer: Peer, _now: Now) -> Option<ConnId> {
        self.peers.push(peer);
        if self.refuse {
            return None;
        }
        let index = self.generations.iter().position(|(_, used)| !used).unwrap_or(self.generations.len());
        if index == self.generations.len() {
            self.generations.push((1, true));
        }
        self.generations[index].1 = true;
        Some(ConnId::new(u32::try_from(index).unwrap(), self.generations[index].0))
    }
    fn adopt(&mut self, peer: Peer, begun: bool, _told: bool, now: Now) -> Option<ConnId> {
        self.adopted.push(begun);
        self.connect(peer, now)
    }
    fn receive(&mut self, conn: ConnId, bytes: &mut [u8], _now: Now) {
        self.reads += 1;
        self.heard.entry(conn).or_default().extend_from_slice(bytes);
        match &*bytes {
            b"drop\n" => self.ops.push(Op::Drop(conn)),
            b"finish\n" => {
                self.say(conn, b"bye\n");
                self.ops.push(Op::Finish(conn));
            }
            b"pause\n" => self.ops.push(Op::Pause(conn)),
            b"hand over\n" => self.hand_over(conn, b"head"),
            other => self.say(conn, other),
        }
    }
    fn end_of_input(&mut self, conn: ConnId, _now: Now) {
        self.ends.push(conn);
    }
    fn lost(&mut self, conn: ConnId, _now: Now) {
        self.lost.push(conn);
        self.free(conn);
    }
    fn has_dirty(&self) -> bool {
        !self.dirty.is_empty() || !self.ops.is_empty()
    }
    fn steps(&self) -> u64 {
        self.steps
    }
    fn take_dirty(&mut self, into: &mut Vec<ConnId>, _now: Now) {
        into.append(&mut self.dirty);
    }
    fn gather<'a>(&'a self, conn: ConnId, into: &mut Vec<&'a [u8]>, max_slices: usize) {
        let output = self.output.get(&conn).map_or(&[][..], Vec::as_slice);
        let slice = if self.slice == 0 { output.len().max(1) } else { self.slice };
        into.extend(output.chunks(slice).take(max_slices));
    }
    fn report(&mut self, report: Report, _now: Now) {
        self.reports.push(report);
    }
    fn written(&mut self, conn: ConnId, n: usize, _now: Now) -> bool {
        self.writes.push(n);
        self.steps += self.cost;
        let Some(output) = self.output.get_mut(&conn) else { return false };
        output.drain(..n);
        !output.is_empty()
    }
    fn take_ops(&mut self, into: &mut Vec<Op>) {
        into.append(&mut self.ops);
    }
    fn deadline(&self) -> Option<Tick> {
        self.deadline
    }
    fn advance(&mut self, now: Now) {
        self.advanced.push(now.tick);
        self.deadline = None;
    }
}

/// A shard with a listener on a loopback port, and its engine.
pub struct Server {
    pub shard: Shard,
    pub engine: Echo,
    pub port: u16,
}

impl Server {
    pub fn new() -> Self {
        let shard = Shard::new(64 * 1024).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        shard.sender().send(Mail::Listen(listener.into())).unwrap();
        Self { shard, engine: Echo::default(), port }
    }

    pub fn dial(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.set_write_timeout(Some(LIMIT)).unwrap();
        stream
    }

    /// Turns until `done`; the poller does the waiting, and the test fails after `LIMIT`.
    pub fn until(&mut self, mut done: impl FnMut(&mut Self) -> bool) {
        let end = Instant::now() + LIMIT;
        while !done(self) {
            assert!(Instant::now() < end, "this took longer than {LIMIT:?}");
            self.turn(Duration::from_millis(20));
        }
    }

    pub fn turn(&mut self, linger: Duration) -> usize {
        let count = self.shard.turn(&mut self.engine, linger).unwrap();
        self.shard.flush(&mut self.engine).unwrap();
        count
    }

    /// What the peer reads, until it is `n` bytes or the end.
    pub fn read(&mut self, stream: &mut TcpStream, n: usize) -> Vec<u8> {
        let mut bytes = vec![0; n];
        let mut filled = 0;
        stream.set_nonblocking(true).unwrap();
        self.until(|_| match stream.read(&mut bytes[filled..]) {
            Ok(more) => {
                filled += more;
                more == 0 || filled == n
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                false
            }
        });
        stream.set_nonblocking(false).unwrap();
        bytes.truncate(filled);
        bytes
    }

    /// A peer that is connected on both sides.
    pub fn peer(&mut self) -> (TcpStream, ConnId) {
        let mut stream = self.dial();
        stream.write_all(b"hi").unwrap();
        let before: Vec<ConnId> = self.engine.heard.keys().copied().collect();
        self.until(|server| server.engine.heard.len() > before.len());
        let conn = *self.engine.heard.keys().find(|conn| !before.contains(conn)).unwrap();
        let mut answer = [0; 2];
        stream.read_exact(&mut answer).unwrap();
        (stream, conn)
    }
}
