//! The engine: connections, sessions, rooms, log and timers, wired together.
//!
//! It never calls out. Two pairs of hands drive it (the reactor for sockets, the stream shell for
//! anything else): they give it bytes and times, take the bytes that are due, and carry out its
//! `Op`s. What needs judgement becomes an `AppEvent`; the answer comes back as a decision.
//!
//! Each of its parts has private fields and lives beside this folder: what is here is the wiring, and each file says in
//! its first lines which parts it touches.
//!
//! The walk of one message, by file: `input` (bytes to frames), `route` (frames to things said),
//! `hello`/`join`/`publish`/`emit` (what each does), `fanout` (to the listeners), `feed` (to the
//! ones that lag), `output` (out again).

mod admission;
mod adopt;
mod ask_session;
mod block;
mod close;
mod config;
mod decide;
mod door;
mod durable;
mod emit;
mod encoding;
mod errors;
mod events;
mod fanout;
mod feed;
mod head;
mod hello;
mod history;
mod http;
mod input;
mod join;
mod keys;
mod leave;
mod life;
mod lines;
mod live;
mod look;
mod may_publish;
mod measure;
mod moves;
mod newest;
mod next;
mod output;
mod parting;
mod presence;
mod proxied;
mod publish;
mod raw;
mod reported;
mod resume;
mod rooms;
mod roster;
mod route;
mod say;
mod seen;
mod shared;
mod shed;
mod standing;
mod steps;
mod stop;
mod stream_app;
mod stream_feed;
mod streams;
mod tables;
mod time;
mod told;
mod trail;
mod welcome;

pub use config::{API, CONSOLE, Config, HEALTH, PREFIX, PROBES, Peer, RawPath, SCRIPT, StreamPath};
pub use decide::{Publication, Unpublished};
pub use events::{AppEvent, Blob, Events, Leaving, Op, Refused};
pub use look::{HistoryEntry, MemberView, SessionInfo};
pub use reported::Advice;
pub use shared::Changed;
pub use stream_app::Room as StreamRoom;

use crate::asked::Asked;
use crate::conn::{Conn, Conns};
use crate::durable::Durable;
use crate::frame::deflate::Inflater;
use crate::ids::{ConnId, Now, RoomId, Seq, SessionId};
use crate::log::acks::Kept;
use crate::log::book::Log;
use crate::log::dedupe::{KeyLimits, Keys};
use crate::log::ring::Bounds;
use crate::metrics::{Meter, Trails};
use crate::outbox::Out;
use crate::room::settings::{Durability, Patterns, Settings};
use crate::room::table::{Room, Rooms};
use crate::session::{Session, Sessions, word};
use crate::shared::Shared;
use crate::shares::{Holder, Shares};
use crate::stats::Stats;
use crate::timers::Timers;
use hashbrown::HashMap;
use next::Next;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use steps::Steps;

/// Hash tables keyed by what peers choose: seeded, so that they cannot aim at one bucket.
type Seeded = foldhash::quality::FixedState;

/// The whole state of a server, but for its sockets.
pub struct Engine {
    config: Config,
    handlers: HashMap<Box<str>, u32, Seeded>,
    log: Log,
    /// The life of what is remembered of requests, acks and keys: a new one at each start.
    life: String,
    /// Requests of our own have ids above this: the start in microseconds since 1970, so that those of an earlier start are
    /// below (but for a session that was asked a million times a second).
    asks_from: u64,
    conns: Conns,
    sessions: Sessions,
    rooms: Rooms,
    all: RoomId,
    out: Out,
    ops: Vec<Op>,
    events: Events,
    asked: Asked,
    /// Who waits for the result of a key waits under a ticket of `asked`.
    keys: Keys<Kept, u64>,
    shares: Shares,
    /// Whether a room is not to be compressed: then nothing is but the events of other rooms.
    excludes: bool,
    /// What waits for the disk.
    durable: Durable,
    shared: Shared,
    timers: Timers,
    steps: Steps,
    /// What follows from what is being done.
    next: Next,
    inflater: Inflater,
    random: ChaCha20Rng,
    stopping: bool,
    stats: Stats,
    meter: Meter,
    /// Messages that somebody follows.
    trails: Trails,
    /// Taken for one message at a time, so that it is allocated once.
    scratch: Vec<u8>,
}

impl Engine {
    /// An engine without connections. `seed` feeds session ids, keys, the epoch and the hash tables:
    /// with the same seed and the same calls, everything happens the same again.
    #[must_use]
    pub fn new(config: Config, seed: [u8; 32], now: Now) -> Self {
        let mut random = ChaCha20Rng::from_seed(seed);
        let hash = Seeded::with_seed(random.next_u64());
        let epoch = word(&mut random, 6);
        let mut handlers = HashMap::with_hasher(hash.clone());
        for (index, event) in (0u32..).zip(&config.events) {
            handlers.insert(event.as_str().into(), index);
        }
        let limits = &config.limits;
        let keys = Keys::new(
            random.next_u64(),
            KeyLimits { per_user: size(limits.keys_per_user), keep_ms: limits.key_ms },
        );
        let life = word(&mut random, 12); // 60 bits: no two lives of a log have the same
        let mut patterns = Patterns::new(Bounds::default());
        for settings in &config.rooms {
            // A pattern that cannot be used was refused where it was configured, and so was one that needs a store.
            let durable = if config.store { settings.durable } else { Durability::Off };
            let _ = patterns.add(Settings { durable, ..settings.clone() });
        }
        let mut engine = Self {
            handlers,
            log: Log::new(&epoch, size(config.limits.ring_memory)),
            life,
            asks_from: now.wall_ms.saturating_mul(1000).min(crate::envelope::MAX_ID / 2),
            conns: Conns::default(),
            sessions: Sessions::new(&hash),
            rooms: Rooms::new(patterns, &hash),
            all: RoomId(0),
            out: Out::new(size(config.limits.outbox), size(config.limits.compress_from)),
            ops: Vec::new(),
            events: Events::default(),
            asked: Asked::default(),
            keys,
            shares: Shares::new(&config.limits, &hash),
            excludes: config.rooms.iter().any(|settings| !settings.compress),
            durable: Durable::default(),
            shared: Shared::default(),
            timers: Timers::default(),
            steps: Steps::default(),
            next: Next::default(),
            inflater: Inflater::new(false),
            random,
            stopping: false,
            stats: Stats::new(now.wall_ms),
            meter: Meter::default(),
            trails: Trails::default(),
            scratch: Vec::new(),
            config,
        };
        engine.all = engine.make_room("$all", &Holder::APPLICATION).expect("$all is built in");
        engine
    }

    /// Events for the application, since they were last cleared.
    pub fn events(&mut self) -> &mut Events {
        &mut self.events
    }

    /// The number of the newest entry.
    #[must_use]
    pub fn head(&self) -> Seq {
        self.log.head()
    }

    /// `seq` as the wire shows it.
    #[must_use]
    pub fn position(&self, seq: Seq) -> String {
        self.log.position(seq).to_string()
    }

    fn conn(&self, id: ConnId) -> Option<&Conn> {
        self.conns.get(id)
    }

    fn conn_mut(&mut self, id: ConnId) -> Option<&mut Conn> {
        self.conns.get_mut(id)
    }

    fn session(&self, id: SessionId) -> Option<&Session> {
        self.sessions.get(id)
    }

    fn session_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.sessions.get_mut(id)
    }

    fn room(&self, id: RoomId) -> Option<&Room> {
        self.rooms.get(id)
    }

    fn room_mut(&mut self, id: RoomId) -> Option<&mut Room> {
        self.rooms.get_mut(id)
    }
}

/// A setting as a size in memory.
fn size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
