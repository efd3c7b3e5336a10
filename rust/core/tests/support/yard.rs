//! An engine, and connections over which anything can be said, byte by byte: WebSocket and plain HTTP alike. The application
//! answers what it is asked at once, unless it thinks.

use super::disk::Disk;
use super::said::publication;
use rtcore_core::engine::{AppEvent, Config, Engine, Op, Peer, RawPath, StreamPath};
use rtcore_core::envelope::ErrorOut;
use rtcore_core::frame::websocket::{opcode, write_frame};
use rtcore_core::log::ring::Bounds;
use rtcore_core::room::settings::{Policy, Settings};
use rtcore_core::store::Origin;
use rtcore_core::{ConnId, Form, Limits, Now, SessionId, Tick};
use rtcore_data::collection::Setup;
use rtcore_data::crdt::Kind;
use rtcore_data::{Schema, Strategy};
use std::net::{IpAddr, Ipv4Addr};

const UPGRADE: &str = "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

/// A session, as its client knows it.
#[derive(Clone, Debug)]
pub struct Known {
    pub name: String,
    pub key: String,
    pub ticket: String,
}

impl Known {
    /// The field that says whose request it is.
    pub fn field(&self) -> String {
        format!("Authorization: Session {}:{}\r\n", self.name, self.key)
    }

    /// As a welcome says it.
    pub fn of(text: &str) -> Self {
        let part = |name: &str| {
            let begun = text.split_once(&format!("\"{name}\":\"")).map_or("", |(_, rest)| rest);
            begun.split('"').next().unwrap_or_default().to_owned()
        };
        Self { name: part("session"), key: part("key"), ticket: part("ticket") }
    }
}

pub struct Yard {
    pub engine: Engine,
    pub now: Now,
    /// What the application was asked and has not answered.
    pub later: Vec<AppEvent>,
    /// It answers no question at once.
    pub thinks: bool,
    /// For how long a token lasts (ms); none: for ever.
    pub lasts: Option<u64>,
    /// What else it heard of.
    pub told: Vec<AppEvent>,
    /// Connections that the engine closed or gave away.
    pub dropped: Vec<ConnId>,
    /// Its store, if it has one.
    pub disk: Disk,
}

pub fn config() -> Config {
    let bounds = Bounds { count: 64, bytes: 1 << 20, age_ms: 60_000 };
    let relay = |name: &str| Settings { relay: true, ..Settings::new(name, bounds) };
    Config {
        limits: Limits { outbox: 2_000, ..Limits::default() },
        authenticates: true,
        lifecycle: true,
        backend: true,
        rooms: vec![
            relay("tea*"),
            Settings { authorize: true, ..relay("asked*") },
            Settings::of_collections("notes*", collection(false, &[])),
            Settings::of_collections(
                "sets*",
                collection(false, &[("tags", Kind::OrSet), ("sum", Kind::PnCounter)]),
            ),
            Settings { authorize: true, ..Settings::of_collections("asked*", collection(true, &[])) },
            Settings {
                policy: Policy::Block,
                ..Settings { relay: true, ..Settings::new("block", Bounds { count: 2, ..bounds }) }
            },
        ],
        events: vec!["work".into()],
        raws: vec![RawPath { path: "/raw".into(), max_message: 1024 }],
        streams: vec![StreamPath::new("count", false), StreamPath::new("upload", true)],
        ..Config::default()
    }
}

/// A collection; `asks`: the application is asked about each change.
fn collection(asks: bool, crdts: &[(&str, Kind)]) -> Setup {
    let fields = crdts.iter().map(|(name, kind)| ((*name).into(), *kind)).collect();
    Setup {
        strategy: Strategy::Merge,
        schema: Schema { version: 1, whole: None, fields },
        upgrades: Vec::new(),
        limits: rtcore_data::Limits { value: 1_000, ..Default::default() },
        durable: false,
        asks,
    }
}

impl Yard {
    pub fn new() -> Self {
        Self::with(config())
    }

    pub fn with(config: Config) -> Self {
        let now = Now { tick: Tick(1_000_000_000), wall_ms: 1_700_000_000_000 };
        let engine = Engine::new(config, [7; 32], now);
        let (later, told, dropped) = (Vec::new(), Vec::new(), Vec::new());
        let (thinks, lasts, disk) = (false, None, Disk::default());
        Self { engine, now, later, thinks, lasts, told, dropped, disk }
    }

    /// One with a store, on which there is nothing.
    pub fn stored(config: Config) -> Self {
        let mut yard = Self::with(Config { store: true, ..config });
        yard.engine.restore(&yard.disk.kept(Origin::New), yard.now);
        yard.turn();
        yard
    }

    /// The server is gone, and begins anew with what is on disk.
    pub fn begin_anew(&mut self, config: Config) {
        let now = Now { tick: self.now.tick.plus_ms(1_000), wall_ms: self.now.wall_ms + 1_000 };
        let mut disk = std::mem::take(&mut self.disk);
        disk.asked.clear();
        let engine = Engine::new(Config { store: true, ..config }, [9; 32], now);
        *self = Self { engine, now, disk, ..Self::new() };
        let kept = self.disk.begin(Origin::Crash);
        self.engine.restore(&kept, now);
        self.turn();
    }

    pub fn dial(&mut self) -> ConnId {
        let address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
        let peer = Peer { address, port: 1, secure: false, stream: true };
        self.engine.connect(peer, self.now).expect("there is room")
    }

    /// Bytes come.
    pub fn say(&mut self, conn: ConnId, bytes: &[u8]) {
        self.engine.receive(conn, &mut bytes.to_vec(), self.now);
        self.turn();
    }

    /// A request of plain HTTP.
    pub fn ask(&mut self, conn: ConnId, line: &str, fields: &str, body: Option<&str>) {
        let body =
            body.map_or("\r\n".to_owned(), |body| format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        self.say(conn, format!("{line} HTTP/1.1\r\nHost: a\r\n{fields}{body}").as_bytes());
    }

    /// The same, on a connection of its own, which goes with its answer.
    pub fn once(&mut self, line: &str, fields: &str, body: Option<&str>) -> String {
        let conn = self.dial();
        self.ask(conn, line, fields, body);
        let heard = self.hear(conn);
        self.engine.lost(conn, self.now);
        self.turn();
        heard
    }

    /// A message of a WebSocket, or many in an array.
    pub fn frame(&mut self, conn: ConnId, text: &str) {
        let mut wire = Vec::new();
        write_frame(&mut wire, opcode::TEXT, false, Some([0; 4]), text.as_bytes());
        self.say(conn, &wire);
    }

    /// A WebSocket at this path.
    pub fn upgrade(&mut self, path: &str) -> ConnId {
        let conn = self.dial();
        self.upgrade_on(conn, path);
        conn
    }

    pub fn upgrade_on(&mut self, conn: ConnId, path: &str) {
        self.say(conn, format!("GET {path} HTTP/1.1\r\n{UPGRADE}").as_bytes());
    }

    /// A session over a WebSocket.
    pub fn socket(&mut self) -> (ConnId, Known) {
        let conn = self.upgrade("/rt/ws");
        self.frame(conn, r#"{"type":"hello"}"#);
        (conn, Known::of(&self.hear(conn)))
    }

    /// A session over plain HTTP.
    pub fn plain(&mut self) -> Known {
        Known::of(&self.once("POST /rt/session", "", Some(r#"{"type":"hello","ticket":true}"#)))
    }

    /// The handle of a session.
    pub fn session(&self, known: &Known) -> Option<SessionId> {
        self.engine.session_named(&known.name)
    }

    /// What is due for a connection, all of which its peer takes.
    pub fn hear(&mut self, conn: ConnId) -> String {
        let mut heard = Vec::new();
        loop {
            self.engine.take_dirty(&mut Vec::new(), self.now);
            let mut slices = Vec::new();
            self.engine.gather(conn, &mut slices, usize::MAX);
            let bytes = slices.concat();
            if bytes.is_empty() {
                return String::from_utf8_lossy(&heard).into_owned();
            }
            self.engine.written(conn, bytes.len(), self.now);
            self.turn();
            heard.extend_from_slice(&bytes);
        }
    }

    /// The application says something in a room.
    pub fn publish(&mut self, room: &str, data: &str) {
        let publication = publication(room, "said", data.as_bytes());
        let _ = self.engine.publish(&publication, self.now);
        self.turn();
    }

    /// The hands and the application do what there is to do.
    pub fn turn(&mut self) {
        loop {
            let mut ops = Vec::new();
            self.engine.take_ops(&mut ops);
            for op in ops {
                match op {
                    Op::Drop(conn) | Op::HandOver { conn, .. } => self.dropped.push(conn),
                    Op::Store(ask) => self.disk.asked.push_back(ask),
                    _ => {}
                }
            }
            let answered = self.disk.answer(&mut self.engine, self.now);
            self.engine.take_dirty(&mut Vec::new(), self.now);
            let events = std::mem::take(self.engine.events());
            if events.list.is_empty() && !answered {
                return;
            }
            for event in events.list {
                self.heard_of(event);
            }
        }
    }

    fn heard_of(&mut self, event: AppEvent) {
        match event {
            AppEvent::Unasked { conn, ticket } => {
                self.later.retain(|asked| match asked {
                    AppEvent::Authenticate { conn: of, .. } => ticket != 0 || *of != conn,
                    AppEvent::Authorize { ticket: of, .. } => *of != ticket,
                    _ => true,
                });
            }
            AppEvent::Ended { session, .. } => {
                // What runs for a session is cancelled with it; only what its streams have in `finally` is said still.
                self.later.retain(|asked| match asked {
                    AppEvent::Authorize { session: of, .. }
                    | AppEvent::Request { session: of, .. }
                    | AppEvent::Reauthenticate { session: of, .. }
                    | AppEvent::StreamOpened { session: of, .. } => *of != session,
                    _ => true,
                });
                self.told.push(AppEvent::Ended { session, reason: "" });
            }
            AppEvent::StreamCancelled { session, id } => {
                self.later.retain(|asked| !matches!(asked, AppEvent::StreamOpened { session: of, id: its, .. } if (*of, *its) == (session, id)));
                self.engine.end_stream(session, id, b"null", self.now);
            }
            asked @ (AppEvent::Authenticate { .. }
            | AppEvent::Authorize { .. }
            | AppEvent::Reauthenticate { .. }) => {
                if self.thinks {
                    self.later.push(asked);
                } else {
                    self.decide(asked);
                }
            }
            asked @ (AppEvent::Request { .. } | AppEvent::StreamOpened { .. } | AppEvent::Change { .. }) => {
                if let AppEvent::StreamOpened { session, id, .. } = asked
                    && !self.thinks
                {
                    let _ = self.engine.stream_room(session, id); // it has taken the data
                }
                self.later.push(asked);
            }
            other => self.told.push(other),
        }
    }

    /// The application answers something that it was asked: yes.
    pub fn decide(&mut self, asked: AppEvent) {
        let expires = self.lasts.map(|ms| self.now.wall_ms + ms);
        match asked {
            AppEvent::Authenticate { conn, token, .. } => {
                self.engine.authenticated(conn, token.as_deref(), expires, self.now);
            }
            AppEvent::Authorize { ticket, .. } => self.engine.admit(ticket, None, None, None, self.now),
            AppEvent::Reauthenticate { ticket, token, .. } => {
                self.engine.reauthenticated(ticket, Some(&token), expires, self.now);
            }
            AppEvent::Request { request, .. } => self.engine.ack(request, b"1", Form::Json, self.now),
            AppEvent::StreamOpened { session, id, .. } => self.engine.end_stream(session, id, b"1", self.now),
            _ => {}
        }
    }

    /// It refuses.
    pub fn refuse(&mut self, asked: &AppEvent) {
        match *asked {
            AppEvent::Authenticate { conn, .. } => self.engine.refuse_hello(conn, 4501, "no", self.now),
            AppEvent::Authorize { ticket, .. } | AppEvent::Reauthenticate { ticket, .. } => {
                self.engine.deny(ticket, "FORBIDDEN", "no", self.now);
            }
            AppEvent::Request { request, .. } => {
                self.engine.fail(request, &ErrorOut::new("INTERNAL", "no"), self.now);
            }
            AppEvent::StreamOpened { session, id, .. } => {
                self.engine.fail_stream(session, id, &ErrorOut::new("INTERNAL", "no"), self.now);
            }
            _ => {}
        }
    }

    /// It answers all that it was asked so far.
    pub fn decide_all(&mut self) {
        for asked in std::mem::take(&mut self.later) {
            self.decide(asked);
            self.turn();
        }
    }

    /// Time passes, with everything that is due on the way.
    pub fn pass(&mut self, ms: u64) {
        let until = self.now.tick.plus_ms(ms);
        while let Some(due) = self.engine.deadline().filter(|due| *due <= until) {
            let due = due.max(self.now.tick);
            self.now.wall_ms += due.ms_since(self.now.tick);
            self.now.tick = due;
            self.engine.advance(self.now);
            self.turn();
        }
        self.now.wall_ms += until.ms_since(self.now.tick);
        self.now.tick = until;
        self.engine.advance(self.now);
        self.turn();
    }

    /// The link of a connection breaks.
    pub fn lose(&mut self, conn: ConnId) {
        self.engine.lost(conn, self.now);
        self.turn();
    }

    /// Its peer ends its side.
    pub fn end(&mut self, conn: ConnId) {
        self.engine.end_of_input(conn, self.now);
        self.turn();
    }

    /// A number that the engine reports of itself.
    pub fn current(&self, name: &str) -> u64 {
        let sizes = self.engine.sizes();
        sizes.named().find(|(known, ..)| *known == name).expect("a gauge").2
    }

    /// How much is in a table of the engine.
    pub fn table(&self, name: &str) -> usize {
        self.engine.tables().iter().find(|(known, _)| *known == name).expect("a table").1
    }
}
