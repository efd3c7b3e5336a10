//! The world: it carries bytes, ops, questions and time, as the shells do, and knows what really happened.

use super::app::App;
use super::client::Client;
use super::disk::Disk;
use super::link::Link;
use super::rights::Given;
use super::rng::Rng;
use super::rooms::{Bounded, config};
use super::said::publication;
use super::truth::Truth;
use super::wire::Dialect;
use rtcore_core::codes::Code;
use rtcore_core::engine::{Config, Engine, Op, Peer, Publication, Unpublished};
use rtcore_core::{ConnId, Now, Seq, Tick};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};

/// The users that tokens speak of.
pub const USERS: [&str; 2] = ["ada", "bob"];
/// Pieces of output that one write takes, as in the shells.
const SLICES: usize = 8;
/// What a shell reads at once.
const READ: usize = 64 * 1024;

pub struct World {
    pub engine: Engine,
    pub now: Now,
    pub clients: Vec<Client>,
    pub app: App,
    pub truth: Truth,
    pub disk: Disk,
    pub given: Given,
    pub chance: Rng,
    /// Bytes go up in random pieces.
    pub cuts: bool,
    /// Where they are cut: chance of its own, so that a world with cuts does the same as one without.
    cutter: Rng,
    /// Older connections of clients that came back.
    stale: Vec<Link>,
    /// Publications of the application that a room holds up, by ticket.
    blocked: Vec<(u64, String, String)>,
    tokens: u64,
}

impl World {
    pub fn new(bounded: Bounded, clients: usize, seed: u64) -> Self {
        Self::with(config(bounded), clients, seed)
    }

    /// Clients take turns in dialects and users: the first two users', then nobody's.
    pub fn with(config: Config, clients: usize, seed: u64) -> Self {
        let now = Now { tick: Tick(1_000_000), wall_ms: 1_700_000_000_000 };
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let tokens = [Some("u:ada"), None, Some("u:bob"), Some("u:ada"), Some("-")];
        Self {
            engine: Engine::new(config, bytes, now),
            now,
            clients: (0..clients).map(|at| Client::new(Dialect::ALL[at % 4], tokens[at % 5])).collect(),
            app: App::default(),
            truth: Truth::default(),
            disk: Disk::default(),
            given: Given::default(),
            chance: Rng::new(seed),
            cuts: false,
            cutter: Rng::new(!seed),
            stale: Vec::new(),
            blocked: Vec::new(),
            tokens: 0,
        }
    }

    /// Data that is said once only, of about this size.
    pub fn data(&mut self, size: usize) -> Value {
        self.tokens += 1;
        json!({"n": self.tokens, "k": self.tokens % 3, "pad": "x".repeat(size)})
    }

    /// Open a connection for a client, and say hello on it; the one it had is left as it is.
    pub fn connect(&mut self, client: usize, position: Option<&str>) {
        self.may_be_let_in(client, None);
        let hello = self.clients[client].hello(position);
        self.clients[client].strayed = position.is_some();
        self.dial(client);
        self.clients[client].say(&hello);
    }

    /// Open a connection for a client that says nothing yet.
    pub fn dial(&mut self, client: usize) {
        let last = u8::try_from(client).expect("few clients");
        let peer =
            Peer { address: IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)), port: 1, secure: false, stream: true };
        let Some(conn) = self.engine.connect(peer, self.now) else { return };
        let client = &mut self.clients[client];
        client.welcomed = false;
        self.stale.extend(client.link.replace(Link::new(conn, client.dialect)));
    }

    /// The client's link breaks, when so many of the bytes that it had said were delivered.
    pub fn cut(&mut self, client: usize, after: usize, politely: bool) {
        let Some(mut link) = self.clients[client].link.take() else { return };
        self.clients[client].welcomed = false;
        let count = after.min(link.up.len());
        if !link.paused {
            self.engine.receive(link.conn, &mut link.up[..count], self.now);
        }
        if politely {
            self.engine.end_of_input(link.conn, self.now);
        } else {
            self.engine.lost(link.conn, self.now);
        }
    }

    /// The links that clients left when they came back break, too.
    pub fn cut_stale(&mut self) {
        for link in std::mem::take(&mut self.stale) {
            self.engine.lost(link.conn, self.now);
        }
    }

    /// Publications of the application that a room holds up.
    pub fn blocked(&self) -> usize {
        self.blocked.len()
    }

    /// The application says something in a room.
    pub fn publish(&mut self, room: &str, exclude: Option<usize>, size: usize) {
        let data = self.data(size).to_string();
        let exclude = exclude.and_then(|at| self.clients.get(at)?.session(&self.app.sessions));
        let publication = Publication { exclude, ..publication(room, "said", data.as_bytes()) };
        match self.engine.publish(&publication, self.now) {
            Ok(_) | Err(Unpublished::Storing(_)) => {}
            Err(Unpublished::Blocked(ticket)) => self.blocked.push((ticket, room.to_owned(), data)),
            // As many rooms as may be are there; or the store takes nothing.
            Err(Unpublished::Fault(fault)) if matches!(fault.code, Code::Overloaded | Code::Unavailable) => {}
            Err(Unpublished::Fault(fault)) => panic!("{fault:?}"),
        }
    }

    /// The application says something to one session.
    pub fn send(&mut self, client: usize, size: usize) {
        let data = self.data(size).to_string();
        let Some(session) = self.clients[client].session(&self.app.sessions) else { return };
        if let Ok(seq) = self.engine.send(session, "alone", data.as_bytes(), self.now) {
            self.truth.sent(seq, session, &data);
        }
    }

    /// Time passes, with everything that is due on the way.
    pub fn pass(&mut self, ms: u64) {
        let until = self.now.tick.plus_ms(ms);
        while let Some(due) = self.engine.deadline().filter(|due| *due < until) {
            self.move_to(due.max(self.now.tick));
            self.engine.advance(self.now);
            self.settle();
        }
        self.move_to(until);
        self.engine.advance(self.now);
        self.settle();
    }

    fn move_to(&mut self, tick: Tick) {
        self.now.wall_ms += (tick.0 / 1_000_000).saturating_sub(self.now.tick.0 / 1_000_000);
        self.now.tick = tick;
    }

    /// Turns, until nothing moves any more.
    pub fn settle(&mut self) {
        self.links().for_each(Link::breathe);
        for _ in 0..10_000 {
            let mut moved = self.deliver();
            moved |= self.serve_waiting();
            moved |= self.app.answer(&mut self.engine, self.now);
            moved |= self.try_again();
            self.carry_out();
            moved |= self.disk.answer(&mut self.engine, self.now);
            if !moved && !self.flush() {
                self.truth.collect(&self.engine, &USERS);
                return;
            }
        }
        panic!("the world does not come to rest");
    }

    /// What clients said goes up, as far as the engine reads; whether anything did.
    fn deliver(&mut self) -> bool {
        let mut moved = false;
        for at in 0..self.clients.len() {
            while let Some(link) =
                self.clients[at].link.as_mut().filter(|link| !link.paused && !link.up.is_empty())
            {
                let most = link.up.len().min(READ);
                let count = if self.cuts { 1 + self.cutter.below(most) } else { most };
                let mut bytes: Vec<u8> = link.up.drain(..count).collect();
                self.engine.receive(link.conn, &mut bytes, self.now);
                self.carry_out();
                moved = true;
            }
        }
        moved
    }

    /// Publications that were held up.
    fn try_again(&mut self) -> bool {
        let free = std::mem::take(&mut self.app.unblocked);
        for ticket in &free {
            let Some(at) = self.blocked.iter().position(|(held, ..)| held == ticket) else { continue };
            let (_, room, data) = self.blocked.remove(at);
            let publication = publication(&room, "said", data.as_bytes());
            if let Err(Unpublished::Blocked(ticket)) = self.engine.publish(&publication, self.now) {
                self.blocked.push((ticket, room, data));
            }
        }
        !free.is_empty()
    }

    pub(super) fn links(&mut self) -> impl Iterator<Item = &mut Link> {
        self.clients.iter_mut().filter_map(|client| client.link.as_mut()).chain(&mut self.stale)
    }

    fn forget(&mut self, conn: ConnId) {
        self.stale.retain(|link| link.conn != conn);
        for client in &mut self.clients {
            if client.link.as_ref().is_some_and(|link| link.conn == conn) {
                client.link = None;
                client.welcomed = false;
            }
        }
    }

    fn carry_out(&mut self) {
        let mut ops = Vec::new();
        self.engine.take_ops(&mut ops);
        for op in ops {
            match op {
                Op::Pause(conn) => {
                    self.links().filter(|link| link.conn == conn).for_each(|link| link.paused = true);
                }
                Op::Resume(conn) => {
                    self.links().filter(|link| link.conn == conn).for_each(|link| link.paused = false);
                }
                Op::Finish(conn) => {
                    self.links().filter(|link| link.conn == conn).for_each(|link| link.finishing = true);
                }
                Op::Drop(conn) | Op::HandOver { conn, .. } => self.forget(conn),
                Op::Store(ask) => self.disk.asked.push_back(ask),
            }
        }
    }

    /// What is due goes down, as far as peers read; whether anything did.
    fn flush(&mut self) -> bool {
        let mut dirty = Vec::new();
        self.engine.take_dirty(&mut dirty, self.now);
        self.links().filter(|link| dirty.contains(&link.conn)).for_each(|link| link.owed = true);
        let mut moved = false;
        for at in 0..self.clients.len() {
            let client = &mut self.clients[at];
            let Some(link) = &mut client.link else { continue };
            let bytes = write(&mut self.engine, link, self.now);
            moved |= !bytes.is_empty();
            client.heard_bytes += bytes.len();
            let heard = link.reader.take(&bytes);
            let head = self.engine.head();
            let over = link.finishing && !link.owed;
            let conn = link.conn;
            for heard in heard {
                client.hear(heard, head);
            }
            if over {
                // The peer sees the end of what it was owed, and closes.
                self.engine.end_of_input(conn, self.now);
                self.forget(conn);
                moved = true;
            }
        }
        let now = self.now;
        for link in &mut self.stale {
            moved |= !write(&mut self.engine, link, now).is_empty();
        }
        moved
    }

    /// The application decides everything that it had put off.
    pub fn decide_all(&mut self) {
        self.app.thinks = false;
        self.app.doubts = false;
        while !self.app.later.is_empty() {
            for asked in std::mem::take(&mut self.app.later) {
                self.app.decide(asked, &mut self.engine, self.now);
                // One at a time: what a decision held back is heard before the next one, whether it waited in
                // the engine or in the link.
                self.settle();
            }
        }
    }

    /// A counter of the engine's, as operators read it.
    pub fn counted(&self, name: &str) -> u64 {
        let (metrics, name) = (self.engine.metrics(), format!("rtcore_{name} "));
        let line = metrics.lines().find_map(|line| line.strip_prefix(&*name));
        line.map_or(0, |number| number.parse().expect("a number"))
    }

    /// The head of the log.
    pub fn head(&self) -> Seq {
        self.engine.head()
    }
}

/// Write to a link as a shell does; what its peer took.
fn write(engine: &mut Engine, link: &mut Link, now: Now) -> Vec<u8> {
    let mut taken = Vec::new();
    while link.owed {
        let mut slices = Vec::new();
        engine.gather(link.conn, &mut slices, SLICES);
        let mut bytes = slices.concat();
        if bytes.is_empty() {
            link.owed = false;
            break;
        }
        bytes.truncate(link.left);
        if bytes.is_empty() {
            break;
        }
        link.left -= bytes.len();
        engine.written(link.conn, bytes.len(), now);
        taken.extend_from_slice(&bytes);
    }
    link.down.extend_from_slice(&taken);
    taken
}
