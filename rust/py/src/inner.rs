//! What the lock guards: the engine, its shard, and what is on its way to Python.

use crate::failure::Failure;
use crate::keeping::Keeping;
use crate::streams::Streams;
use rtcore_core::engine::{Config, Engine, Events, Op, Peer};
use rtcore_core::ids::{ConnId, Now, Tick};
use rtcore_core::store::Trouble;
use rtcore_reactor::{Clock, Shard};
use rtcore_store::Bounds;
use std::collections::HashMap;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long what is on its way to the disk is waited for at the end.
const LAST_GROUPS: Duration = Duration::from_secs(5);
/// How long the first numbers are waited for.
const FIRST_GROUP: Duration = Duration::from_secs(30);
/// How long a turn waits for either.
const ONE_TURN: Duration = Duration::from_millis(10);

/// Everything.
pub(crate) struct Inner {
    stage: Stage,
    time: Time,
    seed: [u8; 32],
    pub shard: Option<Shard>,
    pub keeping: Option<Keeping>,
    /// Where the store is to be, and how much of which rooms it keeps.
    pub folder: Option<PathBuf>,
    pub keep: HashMap<Box<str>, Bounds>,
    pub streams: Streams,
    handed: Vec<Handed>,
    /// The events that were converted last: their room is used again.
    spare: Events,
    /// Room for what a stream brought: the engine unmasks it in place, and Python's bytes do not change.
    copy: Vec<u8>,
    /// When the turn began that is not over yet: what came was read, and not all is written that comes of it.
    began: Option<Tick>,
}

/// How far the core is.
enum Stage {
    /// Being configured.
    Preparing(Box<Config>),
    /// Started. It stays so after `close`: what is asked then is answered.
    Running(Box<Engine>),
}

/// Whose clock it is.
enum Time {
    /// The kernel's.
    Kernel(Clock),
    /// A test's.
    Manual(Now),
}

/// A connection that is not ours any more.
pub(crate) struct Handed {
    pub conn: ConnId,
    /// None: it is the stream shell's.
    pub fd: Option<OwnedFd>,
    pub bytes: Vec<u8>,
    pub address: IpAddr,
    pub port: u16,
    pub secure: bool,
    /// Who connected, where a PROXY header said so.
    pub told: Option<Peer>,
}

/// What Python is to hear, taken out so that it can be converted without the lock.
pub(crate) struct Taken {
    pub events: Events,
    pub handed: Vec<Handed>,
}

impl Inner {
    pub fn new(seed: [u8; 32], manual: bool) -> Self {
        Self {
            stage: Stage::Preparing(Box::default()),
            time: if manual { Time::Manual(Now::default()) } else { Time::Kernel(Clock::new()) },
            seed,
            shard: None,
            keeping: None,
            folder: None,
            keep: HashMap::new(),
            streams: Streams::default(),
            handed: Vec::new(),
            spare: Events::default(),
            copy: Vec::new(),
            began: None,
        }
    }

    /// The settings, while they may be changed.
    pub fn config(&mut self) -> Result<&mut Config, Failure> {
        match &mut self.stage {
            Stage::Preparing(config) => Ok(config),
            Stage::Running(_) => {
                Err(Failure::Usage("the core has started: it cannot be configured any more"))
            }
        }
    }

    /// Begin, with the settings as they are.
    pub fn start(&mut self) -> Result<(), Failure> {
        let mut config = std::mem::take(self.config()?);
        if matches!(self.time, Time::Kernel(_)) {
            let read = usize::try_from(config.limits.turn_bytes).unwrap_or(usize::MAX);
            let mut shard = Shard::new(read)?;
            shard.set_patience(config.limits.ping_ms.saturating_add(config.limits.silence_ms));
            shard.set_unsent(config.limits.kernel_unsent);
            self.shard = Some(shard);
        }
        let mut kept = None;
        if let Some(folder) = self.folder.take() {
            config.store = true;
            let sender = self.shard.as_ref().map(Shard::sender);
            let opened = Keeping::open(&folder, &config, std::mem::take(&mut self.keep), sender)?;
            self.keeping = Some(opened.0);
            kept = Some(opened.1);
        }
        let now = self.now();
        let mut engine = Box::new(Engine::new(config, self.seed, now));
        if let Some(kept) = kept {
            engine.restore(&kept, now);
        }
        self.stage = Stage::Running(engine);
        self.begin_life()
    }

    /// Until the store has numbers for this life on disk: before that nothing can be said, and nobody is let in.
    fn begin_life(&mut self) -> Result<(), Failure> {
        let until = Instant::now() + FIRST_GROUP;
        while self.keeping.is_some() {
            self.settle()?;
            let engine = running(&mut self.stage)?;
            if engine.may_begin() {
                break;
            }
            let trouble = engine.store_trouble().map(|text| Trouble { kind: "io", text });
            if let Some(trouble) = trouble.or_else(|| (Instant::now() > until).then(slow)) {
                return Err(trouble.into());
            }
            self.turn(ONE_TURN)?;
            self.flush()?;
        }
        Ok(())
    }

    fn now(&mut self) -> Now {
        match &mut self.time {
            Time::Kernel(clock) => clock.now(),
            Time::Manual(now) => *now,
        }
    }

    /// Set a test's clock.
    pub fn set_time(&mut self, time: Now) -> Result<(), Failure> {
        match &mut self.time {
            Time::Manual(now) => {
                *now = time;
                Ok(())
            }
            Time::Kernel(_) => Err(Failure::Usage("only a core made with manual=True can be told the time")),
        }
    }

    /// The engine.
    pub fn engine(&mut self) -> Result<&mut Engine, Failure> {
        running(&mut self.stage)
    }

    /// The engine, and the time: the shard's, where there is one, which knows for how long the server stood still.
    pub fn engine_now(&mut self) -> Result<(&mut Engine, Now), Failure> {
        let engine = running(&mut self.stage)?;
        let now = match (&mut self.time, &mut self.shard) {
            (Time::Manual(now), _) => {
                engine.moment(now.tick.0);
                *now
            }
            (Time::Kernel(_), Some(shard)) => shard.look(engine),
            (Time::Kernel(clock), None) => {
                let now = clock.now();
                engine.moment(clock.seen());
                now
            }
        };
        Ok((engine, now))
    }

    /// The engine and its shard, if it has one: it has none in manual mode and after `close`.
    pub fn driven(&mut self) -> Result<(&mut Engine, Option<&mut Shard>), Failure> {
        Ok((running(&mut self.stage)?, self.shard.as_mut()))
    }

    /// The shard, for what makes no sense without.
    pub fn shard(&mut self) -> Result<&mut Shard, Failure> {
        running(&mut self.stage)?;
        self.shard.as_mut().ok_or(Failure::Usage("there is no poller: the core is manual, or closed"))
    }

    /// The first half of a turn.
    pub fn turn(&mut self, linger: Duration) -> Result<(), Failure> {
        // One that was cut short goes on behind a pass of Trio, and is counted up to here.
        self.end_turn()?;
        if let (engine, Some(shard)) = self.driven()? {
            shard.turn(engine, linger)?;
            engine.read_ends(Clock::kernel());
            self.began = Some(shard.turned_at().tick); // what was waited before is nobody's work
        }
        Ok(())
    }

    /// Nothing more comes of what came: how long it took is counted.
    pub fn end_turn(&mut self) -> Result<(), Failure> {
        let Some(began) = self.began.take() else { return Ok(()) };
        let (engine, now) = self.engine_now()?;
        engine.report_turn(now.tick.0.saturating_sub(began.0));
        Ok(())
    }

    /// Whether the second half of a turn would do anything.
    pub fn needs_flush(&mut self) -> Result<bool, Failure> {
        Ok(match self.driven()? {
            (engine, Some(shard)) => shard.needs_flush(engine),
            (engine, None) => engine.has_dirty(),
        })
    }

    /// The second half of a turn.
    pub fn flush(&mut self) -> Result<(), Failure> {
        let (engine, Some(shard)) = self.driven()? else { return self.settle() };
        shard.flush(engine)?;
        engine.write_ends(Clock::kernel());
        let handed = shard.take_handed();
        let (dirty, ops) = shard.take_foreign();
        self.handed.extend(handed.into_iter().map(|handed| Handed {
            conn: handed.conn,
            fd: Some(handed.fd),
            bytes: handed.bytes,
            address: handed.address,
            port: handed.port,
            secure: handed.secure,
            told: handed.told,
        }));
        self.tell_streams(&dirty, ops);
        Ok(())
    }

    /// Let the streams have what is due on them, without writing to sockets; and without a poller, the store do what it
    /// is asked for.
    pub fn settle(&mut self) -> Result<(), Failure> {
        self.settle_once()?;
        while let Some(report) = self.keeping.as_mut().and_then(Keeping::next) {
            let (engine, now) = self.engine_now()?;
            engine.report(report, now);
            self.settle_once()?;
        }
        Ok(())
    }

    fn settle_once(&mut self) -> Result<(), Failure> {
        let now = self.engine_now()?.1;
        let (engine, shard) = self.driven()?;
        let (dirty, ops) = if let Some(shard) = shard {
            shard.collect(engine);
            shard.take_foreign()
        } else {
            let (mut dirty, mut ops) = (Vec::new(), Vec::new());
            while engine.has_dirty() {
                engine.take_dirty(&mut dirty, now);
                engine.take_ops(&mut ops);
            }
            (dirty, ops)
        };
        self.tell_streams(&dirty, ops);
        Ok(())
    }

    /// The end: what is on its way to the disk gets there, as long as there is hope.
    pub fn end_store(&mut self) {
        let until = Instant::now() + LAST_GROUPS;
        while self.keeping.is_some() && Instant::now() < until {
            // What was answered last may bring about one more group.
            if let Ok(engine) = running(&mut self.stage) {
                engine.end_life();
            }
            let busy =
                self.keeping.as_ref().is_some_and(Keeping::is_busy) || self.needs_flush().unwrap_or(false);
            if self.turn(ONE_TURN).and_then(|()| self.flush()).is_err() || !busy {
                return;
            }
        }
    }

    fn tell_streams(&mut self, dirty: &[ConnId], ops: Vec<Op>) {
        for conn in dirty {
            self.streams.mark(*conn);
        }
        for op in ops {
            match self.streams.apply(op) {
                Some(Op::HandOver { conn, bytes, address, port, secure, told }) => {
                    self.handed.push(Handed { conn, fd: None, bytes, address, port, secure, told });
                }
                Some(Op::Store(ask)) => {
                    if let Some(keeping) = &mut self.keeping {
                        keeping.ask(ask);
                    }
                }
                _ => {}
            }
        }
    }

    /// Bytes that a stream brought.
    pub fn receive(&mut self, conn: ConnId, data: &[u8]) -> Result<(), Failure> {
        let mut copy = std::mem::take(&mut self.copy);
        copy.clear();
        copy.extend_from_slice(data);
        let (engine, now) = self.engine_now()?;
        engine.receive(conn, &mut copy, now);
        if matches!(self.time, Time::Kernel(_)) {
            running(&mut self.stage)?.read_ends(Clock::kernel());
        }
        self.copy = copy;
        self.began.get_or_insert(now.tick);
        Ok(())
    }

    /// Take what Python is to hear; None if there is nothing.
    pub fn take(&mut self) -> Result<Option<Taken>, Failure> {
        let engine = running(&mut self.stage)?;
        if engine.events().list.is_empty() && self.handed.is_empty() {
            return Ok(None);
        }
        let events = std::mem::replace(engine.events(), std::mem::take(&mut self.spare));
        Ok(Some(Taken { events, handed: std::mem::take(&mut self.handed) }))
    }

    /// What was taken has been converted.
    pub fn give_back(&mut self, mut events: Events) {
        events.clear();
        self.spare = events;
    }
}

/// The disk has not answered.
fn slow() -> Trouble {
    let text = format!("the disk has not answered for {} s: look whether it works", FIRST_GROUP.as_secs());
    Trouble { kind: "slow", text }
}

fn running(stage: &mut Stage) -> Result<&mut Engine, Failure> {
    match stage {
        Stage::Running(engine) => Ok(engine),
        Stage::Preparing(_) => Err(Failure::Usage("the core has not started: call start() first")),
    }
}
