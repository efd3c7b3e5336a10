//! Random operations on an engine: peers that connect, say sense and nonsense, stop reading and vanish; an application
//! that answers late, wrongly or not at all; time that passes.
//!
//! What must hold whatever happens: nothing panics, a connection hears numbers that only rise (law 2), and what is kept
//! stays within its bounds (law 4).

use rtcore_core::engine::{AppEvent, Config, Engine, Op, Peer, Publication, StreamPath};
use rtcore_core::envelope::ErrorOut;
use rtcore_core::frame::websocket::Kind;
use rtcore_core::log::ring::Bounds;
use rtcore_core::room::grants::Grants;
use rtcore_core::room::settings::{Policy, Settings};
use rtcore_core::{ConnId, Form, Limits, Now, Seq, SessionId, Tick};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

#[path = "engine_said.rs"]
mod said;
#[path = "engine_told.rs"]
mod told;
use said::{ASKED, SAID, UPGRADE, news, welcomed};
use told::Told;

const NO: ErrorOut<'static> = ErrorOut::new("INTERNAL", "no");
/// The input, taken byte by byte; when it is used up there is nothing more to do.
struct Dice<'a>(&'a [u8]);

impl Dice<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn of(&mut self, many: usize) -> Option<usize> {
        Some(usize::from(self.byte()?) % many.max(1))
    }
}

/// A connection as its peer sees it.
#[derive(Default)]
struct Heard {
    bytes: Vec<u8>,
    upgraded: bool,
    /// It speaks plain HTTP.
    plain: bool,
    newest: Seq,
}

impl Heard {
    /// Take what was written, and hold it against law 2.
    fn take(&mut self, slices: &[u8]) {
        self.bytes.extend_from_slice(slices);
        if self.plain {
            return;
        }
        if !self.upgraded {
            let Some(end) = self.bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return };
            self.upgraded = self.bytes.starts_with(b"HTTP/1.1 101");
            self.bytes.drain(..end + 4);
        }
        while self.upgraded && self.bytes.len() >= 2 {
            assert_eq!(self.bytes[1] & 0x80, 0, "a server masks nothing");
            let (begin, length) = match self.bytes[1] {
                126 if self.bytes.len() >= 4 => {
                    (4, usize::from(u16::from_be_bytes([self.bytes[2], self.bytes[3]])))
                }
                127 if self.bytes.len() >= 10 => {
                    (10, usize::try_from(u64::from_be_bytes(self.bytes[2..10].try_into().unwrap())).unwrap())
                }
                126 | 127 => return,
                short => (2, usize::from(short)),
            };
            if self.bytes.len() < begin + length {
                return;
            }
            let frame: Vec<u8> = self.bytes.drain(..begin + length).skip(begin).collect();
            self.message(&frame);
        }
    }

    fn message(&mut self, frame: &[u8]) {
        if !frame.starts_with(br#"{"type":"event""#) {
            return;
        }
        let text = String::from_utf8_lossy(frame);
        // Data of ours holds no such field, so the first one is the envelope's.
        if let Some((_, rest)) = text.split_once(r#""seq":"#) {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            let seq: Seq = digits.parse().expect("a number");
            assert!(seq > self.newest, "{seq} after {}", self.newest);
            self.newest = seq;
        }
    }
}

struct World {
    engine: Engine,
    now: Now,
    peers: Vec<(ConnId, Heard)>,
    asked: Vec<AppEvent>,
    sessions: Vec<SessionId>,
    /// Name and key of the session over plain HTTP that was made last.
    spoken: (String, String),
    told: Told,
}

fn settings(pattern: &str, bounds: Bounds) -> Settings {
    Settings { relay: true, ..Settings::new(pattern, bounds) }
}

fn world() -> World {
    let bounds = Bounds { count: 4, bytes: 512, age_ms: 10_000 };
    let limits = Limits {
        outbox: 256,
        session_high: 512,
        session_low: 128,
        waiting_requests: 3,
        acks: 4,
        ack_bytes: 256,
        ring_memory: 2048,
        keys_per_user: 3,
        resume_ms: 20_000,
        messages_per_second: 0,
        connections: 20,
        sessions: 12,
        rooms: 12,
        ..Limits::default()
    };
    let config = Config {
        limits,
        authenticates: true,
        lifecycle: true,
        rooms: vec![
            Settings { hooked: true, ..settings("relay*", bounds) },
            Settings { authorize: true, state: true, ..settings("asked*", bounds) },
            Settings { policy: Policy::Block, hooked: true, ..settings("block", bounds) },
        ],
        events: vec!["work".into()],
        streams: ["down", "up"].map(|name| StreamPath::new(name, name == "up")).to_vec(),
        ..Config::default()
    };
    let now = Now { tick: Tick(1), wall_ms: 1_700_000_000_000 };
    World {
        engine: Engine::new(config, [7; 32], now),
        now,
        peers: Vec::new(),
        spoken: Default::default(),
        asked: Vec::new(),
        sessions: Vec::new(),
        told: Told::default(),
    }
}

impl World {
    /// A request over plain HTTP, on a connection of its own or on one that has carried others.
    fn ask(&mut self, dice: &mut Dice<'_>) -> Option<()> {
        let (line, body) = ASKED[dice.of(ASKED.len())?];
        let number = (dice.byte()? % 6).to_string();
        let known: Vec<ConnId> =
            self.peers.iter().filter(|(_, heard)| heard.plain).map(|(conn, _)| *conn).collect();
        let at = dice.of(known.len() + 1)?;
        let conn = if let Some(conn) = known.get(at) {
            *conn
        } else {
            let address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, dice.byte()? % 4));
            let peer = Peer { address, port: 1, secure: false, stream: true };
            let Some(conn) = self.engine.connect(peer, self.now) else { return Some(()) };
            self.peers.push((conn, Heard { plain: true, ..Heard::default() }));
            conn
        };
        let (name, key) = self.spoken.clone();
        let body = body.replace('@', &format!(r#""session":"{name}","key":"{key}""#)).replace('#', &number);
        let mut head = format!("{} HTTP/1.1\r\nHost: a\r\n", line.replace('#', &number));
        if !name.is_empty() && !line.contains("/rt/session") && !line.contains("room=") {
            head = format!("{head}Authorization: Session {name}:{key}\r\n");
        }
        if !body.is_empty() {
            head = format!("{head}Content-Length: {}\r\n", body.len());
        }
        let mut wire = format!("{head}\r\n{body}").into_bytes();
        self.engine.receive(conn, &mut wire, self.now);
        Some(())
    }

    /// One random thing. None: the input is used up.
    fn act(&mut self, dice: &mut Dice<'_>) -> Option<()> {
        match dice.of(20)? {
            16..=19 => self.ask(dice)?,
            0 | 1 => self.connect(dice)?,
            2..=6 => self.say(dice)?,
            7 => self.nonsense(dice)?,
            8 => self.pass(u64::from(dice.byte()?) * 500),
            9 | 10 => self.read(dice)?,
            11 => self.vanish(dice)?,
            12..=14 => self.answer(dice)?,
            _ => self.publish(dice)?,
        }
        self.collect();
        Some(())
    }

    fn connect(&mut self, dice: &mut Dice<'_>) -> Option<()> {
        let address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, dice.byte()? % 4));
        let peer = Peer { address, port: 1, secure: false, stream: true };
        if let Some(conn) = self.engine.connect(peer, self.now) {
            self.peers.push((conn, Heard::default()));
            let mut head = format!("GET /rt/ws HTTP/1.1\r\n{UPGRADE}").into_bytes();
            self.engine.receive(conn, &mut head, self.now);
            if dice.byte()? % 4 > 0 {
                self.frame(conn, SAID[0].as_bytes());
            }
        }
        Some(())
    }

    fn frame(&mut self, conn: ConnId, text: &[u8]) {
        let mut wire = vec![0x81];
        if text.len() < 126 {
            wire.push(0x80 | u8::try_from(text.len()).unwrap());
        } else {
            wire.push(0xfe); // masked, and the length follows in two bytes
            wire.extend_from_slice(&u16::try_from(text.len()).unwrap().to_be_bytes());
        }
        wire.extend_from_slice(&[0; 4]); // a mask of zeros is a mask
        wire.extend_from_slice(text);
        self.engine.receive(conn, &mut wire, self.now);
    }

    #[allow(clippy::option_option, reason = "no dice, and no connection")]
    fn some_conn(&self, dice: &mut Dice<'_>) -> Option<Option<ConnId>> {
        let at = dice.of(self.peers.len())?;
        Some(self.peers.get(at).map(|(conn, _)| *conn))
    }

    fn say(&mut self, dice: &mut Dice<'_>) -> Option<()> {
        let Some(conn) = self.some_conn(dice)? else { return Some(()) };
        let text = SAID[dice.of(SAID.len())?].replace('#', &(dice.byte()? % 6).to_string());
        self.frame(conn, text.as_bytes());
        Some(())
    }

    fn nonsense(&mut self, dice: &mut Dice<'_>) -> Option<()> {
        let Some(conn) = self.some_conn(dice)? else { return Some(()) };
        let count = dice.of(40)?.min(dice.0.len());
        let (bytes, rest) = dice.0.split_at(count);
        dice.0 = rest;
        self.engine.receive(conn, &mut bytes.to_vec(), self.now);
        Some(())
    }

    fn pass(&mut self, ms: u64) {
        self.now.tick = self.now.tick.plus_ms(ms);
        self.now.wall_ms += ms;
        self.engine.advance(self.now);
    }

    /// A peer reads as much as the dice say.
    fn read(&mut self, dice: &mut Dice<'_>) -> Option<()> {
        let at = dice.of(self.peers.len())?;
        let most = usize::from(dice.byte()?) * 16;
        let Some((conn, heard)) = self.peers.get_mut(at) else { return Some(()) };
        let mut slices = Vec::new();
        self.engine.gather(*conn, &mut slices, 16);
        let mut bytes = slices.concat();
        bytes.truncate(most);
        drop(slices);
        heard.take(&bytes);
        if heard.plain
            && let Some(spoken) = welcomed(&heard.bytes)
        {
            self.spoken = spoken;
            heard.bytes.clear();
        }
        let count = bytes.len();
        if count > 0 {
            let conn = *conn;
            self.engine.written(conn, count, self.now);
        }
        Some(())
    }

    fn vanish(&mut self, dice: &mut Dice<'_>) -> Option<()> {
        let Some(conn) = self.some_conn(dice)? else { return Some(()) };
        if dice.byte()? % 2 == 0 {
            self.engine.end_of_input(conn, self.now);
        } else {
            self.engine.lost(conn, self.now);
            self.peers.retain(|(other, _)| *other != conn);
        }
        Some(())
    }

    /// The application answers something that it was asked, and not always as it should.
    fn answer(&mut self, dice: &mut Dice<'_>) -> Option<()> {
        let at = dice.of(self.asked.len())?;
        let how = dice.byte()?;
        if at >= self.asked.len() {
            return Some(());
        }
        let now = self.now;
        let engine = &mut self.engine;
        let event = self.asked.swap_remove(at);
        match event {
            AppEvent::Request { request, .. } if how % 3 == 0 => engine.fail(request, &NO, now),
            AppEvent::Request { request, .. } => engine.ack(request, br#""done""#, Form::Json, now),
            AppEvent::Authenticate { conn, .. } if how > 128 => {
                engine.stay(conn, u64::from(how));
                engine.authenticated(conn, Some("ada"), None, now);
            }
            AppEvent::Authenticate { conn, .. } => match how % 4 {
                0 => engine.refuse_hello(conn, 4501, "no", now),
                1 => engine.authenticated(conn, None, None, now),
                _ => engine.authenticated(conn, Some("ada"), Some(now.wall_ms + u64::from(how) * 300), now),
            },
            AppEvent::Authorize { ticket, .. } => match how % 3 {
                0 => engine.deny(ticket, "FORBIDDEN", "no", now),
                1 => engine.admit(ticket, None, None, Some(b"{}"), now),
                _ => engine.admit(ticket, Some(Grants::HISTORY), Some(b"1"), Some(b"[]"), now),
            },
            AppEvent::Reauthenticate { ticket, .. } => engine.reauthenticated(ticket, Some("ada"), None, now),
            AppEvent::Opened { session } => match how % 5 {
                0 => drop(engine.close_session(session, 4503, "enough", now)),
                1 => drop(engine.ask(session, "question", b"1")),
                2 => drop(engine.put_out(session, "relay1", "go", now)),
                3 => drop(engine.set_grants(session, "relay1", Grants::NONE, now)),
                4 if how > 128 => drop(engine.set_info(session, "relay1", Some(b"2"), now)),
                _ => drop(engine.send(session, "private", br#""psst""#, now)),
            },
            AppEvent::StreamOpened { session, id, .. } | AppEvent::StreamWants { session, id } => {
                match how % 4 {
                    0 => engine.end_stream(session, id, b"1", now),
                    1 => engine.stream_taken(session, id, u64::from(how), now),
                    _ => drop(engine.stream_item(session, id, b"[1,2,3]")),
                }
            }
            AppEvent::StreamCancelled { session, id } => engine.end_stream(session, id, b"null", now),
            AppEvent::RawOpened { conn, .. } => drop(engine.raw_send(conn, Kind::Text, b"x")),
            _ => {}
        }
        Some(())
    }

    fn publish(&mut self, dice: &mut Dice<'_>) -> Option<()> {
        let (room, how) =
            (["relay1", "relay2", "block", "$all", "$user/ada", "nowhere"][dice.of(6)?], dice.byte()?);
        let publication = Publication {
            exclude: self.sessions.get(usize::from(how) % 8).copied(),
            sender: self.sessions.get(usize::from(how) % 9).copied(),
            rights: how % 2 == 0,
            key: (how % 5 == 0).then_some("k"),
            volatile: how % 7 == 0,
            ..news(room)
        };
        self.engine.want_said(room);
        self.engine.publish(&publication, self.now).ok().map(|_| ()).or(Some(()))
    }

    /// Take what the engine asks for, as the hands and the application do after every call.
    fn collect(&mut self) {
        let mut ops = Vec::new();
        self.engine.take_ops(&mut ops);
        for op in ops {
            match op {
                Op::Drop(conn) | Op::HandOver { conn, .. } => self.peers.retain(|(other, _)| *other != conn),
                Op::Pause(_) | Op::Resume(_) | Op::Finish(_) | Op::Store(_) => {}
            }
        }
        self.engine.take_dirty(&mut Vec::new(), self.now);
        let events = self.engine.events();
        let list = std::mem::take(&mut events.list);
        events.clear();
        for event in list {
            if let AppEvent::Opened { session } = event {
                self.sessions.push(session);
            }
            self.told.hear(&event);
            self.asked.push(event);
        }
        self.told.check(&self.engine);
    }
}

pub fn must_hold(bytes: &[u8]) {
    let mut world = world();
    let mut dice = Dice(bytes);
    while world.act(&mut dice).is_some() {}
    // Everybody goes, every window ends, and nothing is left.
    for (conn, _) in std::mem::take(&mut world.peers) {
        world.engine.lost(conn, world.now);
    }
    for _ in 0..4 {
        world.pass(60_000);
        world.collect();
    }
    assert!(world.engine.is_idle(), "a connection is left");
    let members: HashMap<_, _> = ["relay1", "block"].map(|room| (room, world.engine.members(room))).into();
    assert!(members.values().flatten().all(Vec::is_empty), "a session outlived its window");
    world.told.check(&world.engine);
}
