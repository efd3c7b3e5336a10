//! A world of few parts: an engine, and peers that read all that they are told.

use rtcore_core::engine::{Config, Engine, Op, Peer, StreamPath};
use rtcore_core::frame::websocket::{opcode, write_frame};
use rtcore_core::log::ring::Bounds;
use rtcore_core::room::settings::{Policy, Settings};
use rtcore_core::{ConnId, Limits, Now, Tick};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

const PEER: Peer = Peer { address: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 5, secure: false, stream: false };
/// An engine whose time stands still but for turns, and who reads all that it says.
pub struct World {
    pub engine: Engine,
    pub now: Now,
    pub paused: BTreeSet<u64>,
}

impl World {
    pub fn new(limits: Limits) -> Self {
        let bounds = Bounds { count: 1024, bytes: 1 << 20, age_ms: 3_600_000 };
        let room = |pattern: &str| Settings { relay: true, ..Settings::new(pattern, bounds) };
        let config = Config {
            limits,
            rooms: vec![
                room("*"),
                Settings {
                    policy: Policy::Block,
                    ..Settings { bounds: Bounds { count: 2, ..bounds }, ..room("block") }
                },
                Settings { authorize: true, ..room("asked*") },
            ],
            events: vec!["late".into()],
            streams: vec![StreamPath::new("down", false)],
            ..Config::default()
        };
        let now = Now { tick: Tick(1_000_000), wall_ms: 1 };
        Self { engine: Engine::new(config, [7; 32], now), now, paused: BTreeSet::new() }
    }

    /// A turn begins.
    pub fn tick(&mut self) {
        self.now.tick = Tick(self.now.tick.0 + 1_000);
    }

    pub fn dial(&mut self) -> ConnId {
        self.engine.connect(PEER, self.now).expect("there is room")
    }

    pub fn receive(&mut self, conn: ConnId, bytes: &[u8]) {
        self.engine.receive(conn, &mut bytes.to_vec(), self.now);
    }

    /// A WebSocket that has said nothing.
    pub fn upgrade(&mut self) -> ConnId {
        self.tick();
        let conn = self.dial();
        let head = "GET /rt/ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
        self.receive(conn, head.as_bytes());
        self.flush(conn);
        conn
    }

    /// A WebSocket that was welcomed.
    pub fn open(&mut self) -> ConnId {
        let conn = self.upgrade();
        self.say(conn, r#"{"type":"hello"}"#);
        conn
    }

    /// Say something, and have the turns that it takes.
    pub fn say(&mut self, conn: ConnId, text: &str) {
        self.tick();
        self.receive(conn, &frame(text));
        self.rest();
    }

    /// The end of a turn: all is read. What the connection heard.
    pub fn flush(&mut self, conn: ConnId) -> String {
        let (mut dirty, mut heard) = (Vec::new(), Vec::new());
        while self.engine.has_dirty() {
            self.engine.take_dirty(&mut dirty, self.now);
            let mut ops = Vec::new();
            self.engine.take_ops(&mut ops);
            for op in ops {
                match op {
                    Op::Pause(conn) => drop(self.paused.insert(conn.0)),
                    Op::Resume(conn) => drop(self.paused.remove(&conn.0)),
                    _ => {}
                }
            }
            for id in dirty.drain(..) {
                let mut slices = Vec::new();
                self.engine.gather(id, &mut slices, usize::MAX);
                let bytes = slices.concat();
                self.engine.written(id, bytes.len(), self.now);
                if id == conn {
                    heard.extend_from_slice(&bytes);
                }
            }
        }
        String::from_utf8_lossy(&heard).into_owned()
    }

    /// One turn of those who wait; whether anybody did.
    pub fn turn(&mut self) -> bool {
        self.tick();
        let waits = self.engine.deadline().is_some_and(|due| due <= self.now.tick);
        if waits {
            self.engine.advance(self.now);
        }
        waits
    }

    pub fn rest(&mut self) {
        self.flush(ConnId(0));
        while self.turn() {
            self.flush(ConnId(0));
        }
    }

    /// Steps that something takes, with all that comes of it.
    pub fn cost(&mut self, work: impl FnOnce(&mut Self)) -> u64 {
        let before = self.engine.steps();
        work(self);
        self.rest();
        self.engine.steps() - before
    }
}

pub fn frame(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write_frame(&mut out, opcode::TEXT, false, Some([1, 2, 3, 4]), text.as_bytes());
    out
}

pub fn array(one: &str, times: usize) -> String {
    format!("[{}]", vec![one; times].join(","))
}

pub fn post(path: &str, who: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: a\r\n{who}Content-Length: {}\r\n\r\n{body}", body.len())
}

pub fn field(text: &str, name: &str) -> String {
    text.split_once(&format!("\"{name}\":\""))
        .unwrap_or_else(|| panic!("no {name} in {text}"))
        .1
        .split('"')
        .next()
        .unwrap()
        .to_owned()
}
