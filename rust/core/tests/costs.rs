//! Work is counted in steps: what a message costs depends on what it says and on its own sender, and not on what others
//! hold; and however much a peer says at once, a turn does a bounded part of it, with the others in between.

use rtcore_core::engine::{AppEvent, Config, Engine, Op, Peer, StreamPath};
use rtcore_core::frame::websocket::{opcode, write_frame};
use rtcore_core::log::ring::Bounds;
use rtcore_core::room::settings::Settings;
use rtcore_core::{ConnId, Form, Limits, Now, Tick};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

const PEER: Peer = Peer { address: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 5, secure: false, stream: false };
/// What a message may cost more in one world than in another: a table that grows, an entry that expires.
const NEAR: u64 = 4;

/// An engine whose time stands still but for turns, and who reads all that it says.
struct World {
    engine: Engine,
    now: Now,
    paused: BTreeSet<u64>,
}

impl World {
    fn new(limits: Limits) -> Self {
        let bounds = Bounds { count: 1024, bytes: 1 << 20, age_ms: 3_600_000 };
        let room = |pattern: &str| Settings { relay: true, ..Settings::new(pattern, bounds) };
        let config = Config {
            limits,
            rooms: vec![room("*"), Settings { authorize: true, ..room("asked*") }],
            events: vec!["late".into()],
            streams: vec![StreamPath { name: "down".into(), up: false }],
            ..Config::default()
        };
        let now = Now { tick: Tick(1_000_000), wall_ms: 1 };
        Self { engine: Engine::new(config, [7; 32], now), now, paused: BTreeSet::new() }
    }

    /// A turn begins.
    fn tick(&mut self) {
        self.now.tick = Tick(self.now.tick.0 + 1_000);
    }

    fn dial(&mut self) -> ConnId {
        self.engine.connect(PEER, self.now).expect("there is room")
    }

    fn receive(&mut self, conn: ConnId, bytes: &[u8]) {
        self.engine.receive(conn, &mut bytes.to_vec(), self.now);
    }

    /// A WebSocket that was welcomed.
    fn open(&mut self) -> ConnId {
        let conn = self.dial();
        let head = "GET /rt/ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
        self.receive(conn, head.as_bytes());
        self.say(conn, r#"{"type":"hello"}"#);
        conn
    }

    /// Say something, and have the turns that it takes.
    fn say(&mut self, conn: ConnId, text: &str) {
        self.tick();
        self.receive(conn, &frame(text));
        self.rest();
    }

    /// The end of a turn: all is read. What the connection heard.
    fn flush(&mut self, conn: ConnId) -> String {
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
    fn turn(&mut self) -> bool {
        self.tick();
        let waits = self.engine.deadline().is_some_and(|due| due <= self.now.tick);
        if waits {
            self.engine.advance(self.now);
        }
        waits
    }

    fn rest(&mut self) {
        self.flush(ConnId(0));
        while self.turn() {
            self.flush(ConnId(0));
        }
    }

    /// Steps that something takes, with all that comes of it.
    fn cost(&mut self, work: impl FnOnce(&mut Self)) -> u64 {
        let before = self.engine.steps();
        work(self);
        self.rest();
        self.engine.steps() - before
    }
}

fn frame(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write_frame(&mut out, opcode::TEXT, false, Some([1, 2, 3, 4]), text.as_bytes());
    out
}

fn array(one: &str, times: usize) -> String {
    format!("[{}]", vec![one; times].join(","))
}

fn post(path: &str, who: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: a\r\n{who}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn field(text: &str, name: &str) -> String {
    text.split_once(&format!("\"{name}\":\"")).expect("it is there").1.split('"').next().unwrap().to_owned()
}

/// Others: each with a room of its own, entries in it, requests and a join that wait, a connection; and half of them absent.
fn others(world: &mut World, many: usize) {
    for n in 0..many {
        let conn = world.open();
        world.say(conn, &format!(r#"{{"type":"join","room":"of {n}"}}"#));
        world.say(
            conn,
            &array(&format!(r#"{{"type":"publish","room":"of {n}","event":"e","key":"k{n}"}}"#), 3),
        );
        world.say(conn, &array(r#"{"type":"emit","event":"late"}"#, 3));
        world.say(conn, &format!(r#"{{"type":"join","room":"asked {n}"}}"#));
        if n % 2 == 1 {
            world.engine.lost(conn, world.now);
        }
    }
    world.engine.events().clear();
}

/// What is said by WebSocket, in order; `#` is the id.
const SAID: [(&str, &str); 17] = [
    ("join", r#"{"type":"join","id":#,"room":"mine"}"#),
    ("join again", r#"{"type":"join","id":#,"room":"mine","last":3}"#),
    ("publish", r#"{"type":"publish","id":#,"room":"mine","event":"e","data":1}"#),
    ("publish with a key", r#"{"type":"publish","id":#,"room":"mine","event":"e","key":"mine"}"#),
    ("publish once more", r#"{"type":"publish","id":5,"room":"mine","event":"e","key":"mine"}"#),
    ("publish elsewhere", r#"{"type":"publish","id":#,"room":"of 0","event":"e"}"#),
    ("history", r#"{"type":"history","id":#,"room":"mine"}"#),
    ("history without an id", r#"{"type":"history","room":"mine"}"#),
    ("leave", r#"{"type":"leave","id":#,"room":"mine"}"#),
    ("emit", r#"{"type":"emit","id":#,"event":"late","key":"mine"}"#),
    ("emit nothing", r#"{"type":"emit","id":#,"event":"none"}"#),
    ("reply", r#"{"type":"reply","id":#,"data":1}"#),
    ("auth", r#"{"type":"auth","id":#,"token":"t"}"#),
    ("ping", r#"{"type":"ping","time":1}"#),
    ("open", r#"{"type":"open","id":#,"stream":"down","credit":1}"#),
    ("cancel", r#"{"type":"cancel","id":16}"#),
    ("nonsense", "1"),
];

/// What each kind of message costs beside so many others.
fn costs(many: usize) -> Vec<(String, u64)> {
    let mut world = World::new(Limits { rooms: many as u64 + 5, ..Limits::default() });
    others(&mut world, many);
    let mut costs = Vec::new();
    let mut conn = ConnId(0);
    costs.push(("hello".to_owned(), world.cost(|world| conn = world.open())));
    for (id, (name, said)) in (2..).zip(SAID) {
        let said = said.replace('#', &id.to_string());
        costs.push((name.to_owned(), world.cost(|world| world.say(conn, &said))));
    }
    // The world is full of rooms, each in use: a join is refused, and nobody looks for one that could go.
    let mut fill = 0;
    while world.engine.sizes().rooms < many + 5 {
        world.say(conn, &format!(r#"{{"type":"join","room":"fill {fill}"}}"#));
        fill += 1;
    }
    let refused = r#"{"type":"join","id":100,"room":"one more"}"#;
    costs.push(("join that is refused".to_owned(), world.cost(|world| world.say(conn, refused))));
    let plain = world.dial();
    let mut who = String::new();
    costs.push((
        "POST /rt/session".to_owned(),
        world.cost(|world| {
            world.receive(plain, post("/rt/session", "", r#"{"type":"hello"}"#).as_bytes());
            let welcome = world.flush(plain);
            who = format!(
                "Authorization: Session {}:{}\r\n",
                field(&welcome, "session"),
                field(&welcome, "key")
            );
        }),
    ));
    let refused = r#"[{"type":"join","id":1,"room":"one more"},{"type":"emit","id":2,"event":"none"}]"#;
    costs.push((
        "POST /rt/send".to_owned(),
        world.cost(|world| {
            world.receive(plain, post("/rt/send", &who, refused).as_bytes());
        }),
    ));
    costs.push((
        "GET /rt/poll".to_owned(),
        world.cost(|world| {
            world.receive(plain, format!("GET /rt/poll?wait=0 HTTP/1.1\r\nHost: a\r\n{who}\r\n").as_bytes());
        }),
    ));
    costs.push((
        "GET /rt/sse that is refused".to_owned(),
        world.cost(|world| {
            world.receive(plain, b"GET /rt/sse?room=one+more HTTP/1.1\r\nHost: a\r\n\r\n");
        }),
    ));
    costs.push(("a link that breaks".to_owned(), world.cost(|world| world.engine.lost(plain, world.now))));
    world.say(conn, &array(r#"{"type":"emit","event":"late"}"#, 30));
    costs.push(("bye".to_owned(), world.cost(|world| world.say(conn, r#"{"type":"bye"}"#))));
    costs
}

#[test]
fn no_message_costs_more_because_of_what_others_hold() {
    let small = costs(1);
    for many in [2, 3, 5, 8, 16, 32, 64, 128, 256] {
        for ((name, at_first), (_, now)) in small.iter().zip(costs(many)) {
            assert!(
                now <= at_first + NEAR,
                "{name}: {at_first} steps beside one other session, {now} beside {many}"
            );
        }
    }
}

/// What asks for much with few bytes, by WebSocket and by `send`.
const MUCH: [&str; 8] = [
    "1",
    r#"{"type":"reply","id":1}"#,
    r#"{"type":"ping"}"#,
    r#"{"type":"join","room":"a"},{"type":"leave","room":"a"}"#,
    r#"{"type":"publish","room":"crowd","event":"e","volatile":true}"#,
    r#"{"type":"publish","room":"crowd","event":"e","key":"k"}"#,
    r#"{"type":"history","id":1,"room":"crowd"}"#,
    r#"{"type":"join","id":1,"room":"crowd","last":1000}"#,
];
/// Many of them (bytes): as large as a message may be.
const LARGE: usize = 400_000;
/// Steps of a turn, in these worlds.
const TURN: u64 = 4_096;
/// What one message may cost that was begun when a portion had a step left: a room's past, or a member's row each.
const ONE: u64 = 3_000;

fn crowded() -> (World, ConnId) {
    let mut world = World::new(Limits { turn_steps: TURN, ..Limits::default() });
    let peer = world.open();
    world.say(peer, r#"{"type":"join","room":"crowd"}"#);
    for _ in 0..300 {
        let member = world.open();
        world.say(member, r#"{"type":"join","room":"crowd"}"#);
    }
    world.say(peer, &array(r#"{"type":"publish","room":"crowd","event":"e"}"#, 1000));
    for n in 0..900 {
        world.say(peer, &format!(r#"{{"type":"join","room":"q{n}"}}"#));
    }
    (world, peer)
}

/// Turn after turn, until nothing waits: each is bounded, and one who asks for little is answered in the next turn.
fn bounded_turns(world: &mut World, other: ConnId, what: &str) {
    let mut turns = 0;
    loop {
        let before = world.engine.steps();
        world.tick();
        world.receive(other, &frame(r#"{"type":"ping","time":7}"#));
        let went_on = world.engine.deadline().is_some_and(|due| due <= world.now.tick);
        if went_on {
            world.engine.advance(world.now);
        }
        let heard = world.flush(other);
        assert!(heard.contains("pong"), "{what}: the other one was not answered in its turn");
        let spent = world.engine.steps() - before;
        assert!(spent <= 2 * TURN + ONE, "{what}: {spent} steps in one turn");
        turns += 1;
        if !went_on {
            return;
        }
        assert!(turns < 100_000, "{what}: it never ends");
    }
}

#[test]
fn a_turn_does_a_bounded_part_of_what_a_websocket_asks_for() {
    for much in MUCH {
        let (mut world, peer) = crowded();
        let other = world.open();
        let text = frame(&array(much, LARGE / (much.len() + 1)));
        for piece in text.chunks(64 * 1024) {
            world.tick();
            let before = world.engine.steps();
            world.receive(peer, piece);
            let spent = world.engine.steps() - before;
            assert!(spent <= TURN + ONE, "{much}: {spent} steps for one read");
            bounded_turns(&mut world, other, much);
        }
        world.say(peer, r#"{"type":"leave","id":7777,"room":"q1"}"#);
        assert!(world.paused.is_empty(), "{much}: it is read again");
    }
}

#[test]
fn a_turn_does_a_bounded_part_of_what_one_send_asks_for() {
    for much in MUCH {
        let (mut world, _) = crowded();
        let other = world.open();
        let plain = world.dial();
        world.receive(plain, post("/rt/session", "", r#"{"type":"hello"}"#).as_bytes());
        let welcome = world.flush(plain);
        let who =
            format!("Authorization: Session {}:{}\r\n", field(&welcome, "session"), field(&welcome, "key"));
        world.receive(plain, post("/rt/send", &who, r#"{"type":"join","id":1,"room":"crowd"}"#).as_bytes());
        world.rest();
        let last = r#"{"type":"leave","id":9999,"room":"crowd"}"#;
        let body = format!("[{},{last}]", vec![much; LARGE / (much.len() + 1)].join(","));
        let whole = post("/rt/send", &who, &body).into_bytes();
        let before = world.engine.steps();
        world.tick();
        world.receive(plain, &whole);
        let spent = world.engine.steps() - before;
        assert!(spent <= TURN + ONE, "{much}: {spent} steps for one request");
        bounded_turns(&mut world, other, much);
        assert!(world.engine.is_flushed(plain), "{much}: it was answered");
    }
}

#[test]
fn one_who_is_alone_with_its_work_has_the_whole_of_each_turn() {
    let (mut world, peer) = crowded();
    let many = array(r#"{"type":"publish","room":"crowd","event":"e","volatile":true}"#, 1000);
    let cost = world.cost(|world| world.say(peer, &many));
    let mut turns = 0;
    world.tick();
    world.receive(peer, &frame(&many));
    while world.engine.deadline().is_some_and(|due| due <= world.now.tick) {
        world.engine.advance(world.now);
        world.flush(ConnId(0));
        turns += 1;
        world.tick();
    }
    assert!(turns <= cost / TURN + 1, "{turns} turns for {cost} steps");
}

#[test]
fn requests_that_wait_for_the_result_of_a_key_are_bounded_like_any_that_wait() {
    let mut world = World::new(Limits { waiting_requests: 8, ..Limits::default() });
    let peer = world.open();
    let emits: Vec<String> =
        (1..1000).map(|id| format!(r#"{{"type":"emit","id":{id},"event":"late","key":"k"}}"#)).collect();
    world.say(peer, &format!("[{}]", emits.join(",")));
    assert!(world.paused.contains(&peer.0), "999 requests, of which 8 may wait");
    let request = world.engine.events().list.iter().find_map(|event| match event {
        AppEvent::Request { request, .. } => Some(*request),
        _ => None,
    });
    let now = world.now;
    world.engine.ack(request.expect("the first one is the application's"), b"7", Form::Json, now);
    let mut heard = world.flush(peer);
    while world.turn() {
        heard += &world.flush(peer);
    }
    for id in [1, 2, 8, 9, 999] {
        assert!(heard.contains(&format!(r#""id":{id},"data":7"#)), "the ack of {id}");
    }
    assert!(world.paused.is_empty());
}

#[test]
fn many_messages_that_wait_are_held_as_they_came() {
    let mut world = World::new(Limits::default());
    let peer = world.open();
    // Nothing is read by the peer: errors of 256 KiB wait, and the rest of the array does.
    world.receive(peer, &frame(&array("1", 500_000)));
    let now = world.now;
    for _ in 0..1000 {
        world.tick();
        world.engine.advance(now);
    }
    assert!(world.engine.held_of(peer) <= 1_000_001, "{} bytes are held", world.engine.held_of(peer));
}
