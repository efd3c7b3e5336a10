//! A poller, the sockets in it, and what is on its way between them and an engine.
//!
//! Invariant: `sockets[i]` belongs to the connection whose handle has the index `i` and this socket's
//! generation. A connection that the engine knows and that is not here is somebody else's: of a
//! stream shell, which gets what concerns it through `take_foreign`.

use crate::accept::Listeners;
use crate::clock::Clock;
use crate::driven::Driven;
use crate::inbox::{Inbox, Sender};
use crate::poller::{INBOX, Interest, Poller, Ready, System};
use crate::slices::Room;
use crate::socket::Socket;
use rtcore_core::engine::{Op, Peer};
use rtcore_core::ids::{ConnId, Now, Tick};
use std::io;
use std::net::IpAddr;
use std::os::fd::{OwnedFd, RawFd};

/// Smallest and largest read buffer (bytes), whatever the settings say.
const BUFFER: std::ops::RangeInclusive<usize> = 4 * 1024..=1024 * 1024;

/// A socket that is not ours any more.
#[derive(Debug)]
pub struct Handed {
    /// The connection that it was.
    pub conn: ConnId,
    /// The socket; it does not block.
    pub fd: OwnedFd,
    /// What was read of it, as the engine wants it to be read again.
    pub bytes: Vec<u8>,
    /// The address of the client.
    pub address: IpAddr,
    /// Its port; 0: not known.
    pub port: u16,
    /// Whether it came by TLS, to a proxy before us.
    pub secure: bool,
    /// Who connected, where a PROXY header said so: say it when it comes back.
    pub told: Option<Peer>,
}

/// What was counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections that were accepted.
    pub accepted: u64,
    /// Connections of them that the engine did not want.
    pub refused: u64,
    /// How often accepting rested: because descriptors or memory had run out, or at its pace.
    pub rests: u64,
}

/// A poller and its sockets.
pub struct Shard {
    pub(crate) poller: System,
    pub(crate) clock: Clock,
    /// When the present phase of the turn began.
    pub(crate) now: Now,
    pub(crate) inbox: Inbox,
    pub(crate) listeners: Listeners,
    pub(crate) sockets: Vec<Option<Socket>>,
    pub(crate) open: usize,
    /// What is read, one socket after the other: it is the engine's before the next one's turn.
    pub(crate) buffer: Box<[u8]>,
    /// What the poller reported and no turn has taken yet.
    pub(crate) ready: Vec<Ready>,
    /// How much it reported when it was asked last.
    pub(crate) reported: usize,
    /// How much the present turn has read (bytes).
    pub(crate) taken: usize,
    /// Connections to which the kernel takes bytes again.
    pub(crate) writable: Vec<ConnId>,
    /// Connections that were paused or resumed, and the poller has not heard of it.
    pub(crate) unsynced: Vec<ConnId>,
    pub(crate) dirty: Vec<ConnId>,
    /// Connections with something due for which the last flush had no time, each once.
    pub(crate) left: Vec<ConnId>,
    /// How many turns there were.
    pub(crate) turns: u32,
    /// How much of its budget the present flush has used, in bytes.
    pub(crate) spent: usize,
    /// The steps of the engine at which it has done enough.
    pub(crate) enough: u64,
    pub(crate) ops: Vec<Op>,
    pub(crate) slices: Room,
    pub(crate) copy: Vec<u8>,
    /// When the timer will report.
    pub(crate) armed: Option<Tick>,
    pub(crate) handed: Vec<Handed>,
    pub(crate) foreign: (Vec<ConnId>, Vec<Op>),
    pub(crate) counters: Counters,
    pub(crate) patience_ms: u32,
    /// No deadline is looked at before this: the server stood still, and what came meanwhile is read first.
    pub(crate) reading_until: Tick,
    /// Turns in which deadlines were put off because more may wait in the kernel.
    pub(crate) put_off: usize,
    pub(crate) unsent: u32,
}

impl Shard {
    /// A shard without sockets. At most `read` bytes are taken from a connection in one turn.
    pub fn new(read: usize) -> io::Result<Self> {
        let mut poller = System::new()?;
        let inbox = Inbox::new()?;
        poller.add(inbox.fd(), INBOX, Interest::READ)?;
        let mut clock = Clock::new();
        Ok(Self {
            poller,
            now: clock.now(),
            clock,
            inbox,
            listeners: Listeners::default(),
            sockets: Vec::new(),
            open: 0,
            buffer: vec![0; read.clamp(*BUFFER.start(), *BUFFER.end())].into_boxed_slice(),
            ready: Vec::new(),
            reported: 0,
            taken: 0,
            writable: Vec::new(),
            unsynced: Vec::new(),
            dirty: Vec::new(),
            left: Vec::new(),
            turns: 0,
            spent: 0,
            enough: 0,
            ops: Vec::new(),
            slices: Room::default(),
            copy: Vec::new(),
            armed: None,
            handed: Vec::new(),
            foreign: (Vec::new(), Vec::new()),
            counters: Counters::default(),
            patience_ms: 0,
            reading_until: Tick(0),
            put_off: 0,
            unsent: 0,
        })
    }

    /// Give a peer up whose system acknowledges nothing for so long (ms). Sockets that are open already keep theirs.
    pub fn set_patience(&mut self, ms: u64) {
        self.patience_ms = u32::try_from(ms).unwrap_or(u32::MAX);
    }

    /// Accept so many connections between two rests from now on; none: as many as come.
    pub fn set_pace(&mut self, pace: Option<u32>) {
        self.listeners.set_pace(pace);
    }

    /// Accept nobody any more, from now on: who tries is refused by the kernel.
    pub fn stop_accepting(&mut self) {
        self.listeners.clear();
    }

    /// Let the kernel take no more of a connection's output once so many bytes wait there unsent. Sockets that are open
    /// already keep theirs.
    pub fn set_unsent(&mut self, bytes: u64) {
        self.unsent = u32::try_from(bytes).unwrap_or(u32::MAX);
    }

    /// Readable whenever a turn has something to do, the engine's deadline included.
    #[must_use]
    pub fn fd(&self) -> RawFd {
        self.poller.fd()
    }

    /// How others reach this shard.
    #[must_use]
    pub fn sender(&self) -> Sender {
        self.inbox.sender()
    }

    /// The time by which the last turn went, read when its wait was over.
    #[must_use]
    pub fn turned_at(&self) -> Now {
        self.now
    }

    /// The time, read now: for what happens between turns.
    pub fn now(&mut self) -> Now {
        self.clock.now()
    }

    /// How many sockets are open, listening ones not counted.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open
    }

    /// What was counted since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The sockets that were handed over since the last time.
    pub fn take_handed(&mut self) -> Vec<Handed> {
        std::mem::take(&mut self.handed)
    }

    /// What concerns connections that are not this shard's: output that is due, and what is to be done.
    pub fn take_foreign(&mut self) -> (Vec<ConnId>, Vec<Op>) {
        std::mem::take(&mut self.foreign)
    }

    /// Take all that is due from the engine without doing it, so that `take_foreign` has its part of it.
    pub fn collect(&mut self, engine: &mut impl Driven) {
        let (mut dirty, mut ops) = (Vec::new(), Vec::new());
        while engine.has_dirty() {
            engine.take_dirty(&mut dirty, self.now);
            engine.take_ops(&mut ops);
        }
        for conn in dirty {
            let whose = if self.owns(conn) { &mut self.dirty } else { &mut self.foreign.0 };
            whose.push(conn);
        }
        for op in ops {
            let whose = if conn_of(&op).is_some_and(|conn| self.owns(conn)) {
                &mut self.ops
            } else {
                &mut self.foreign.1
            };
            whose.push(op);
        }
    }

    pub(crate) fn owns(&mut self, conn: ConnId) -> bool {
        find(&mut self.sockets, conn).is_some()
    }

    /// Take a connection's socket out of the table.
    pub(crate) fn take_out(&mut self, conn: ConnId) -> Option<Socket> {
        let slot = self.sockets.get_mut(conn.index())?;
        let socket = slot.take_if(|socket| socket.generation == conn.generation())?;
        self.open -= 1;
        Some(socket)
    }

    /// Close a socket that broke, and say so. (Closing also takes it out of the poller.)
    pub(crate) fn gone(&mut self, engine: &mut impl Driven, conn: ConnId) {
        if self.take_out(conn).is_some() {
            engine.lost(conn, self.now);
        }
    }

    /// Let the poller watch a connection for what it is to be watched for, if that has changed.
    pub(crate) fn sync(&mut self, engine: &mut impl Driven, conn: ConnId) {
        let Some(socket) = find(&mut self.sockets, conn) else { return };
        let wanted = Interest { read: socket.wants_reading(), write: socket.interest.write };
        self.watch(engine, conn, wanted);
    }

    /// Let the poller watch a connection for this.
    pub(crate) fn watch(&mut self, engine: &mut impl Driven, conn: ConnId, wanted: Interest) {
        let Some(socket) = find(&mut self.sockets, conn) else { return };
        if socket.interest == wanted {
            return;
        }
        // Only a kernel without memory refuses this. A socket that nothing is heard of would stay for
        // ever, so it goes.
        if self.poller.change(socket.fd(), conn.0, socket.interest, wanted).is_err() {
            self.gone(engine, conn);
            return;
        }
        socket.interest = wanted;
    }

    /// When something is to happen even if nothing comes.
    pub(crate) fn deadline(&self, engine: &impl Driven) -> Option<Tick> {
        let first = engine.deadline().map(|deadline| deadline.max(self.reading_until));
        match (first, self.listeners.rests_until()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Set the timer if it would report too late. Too early is good enough: deadlines mostly move
    /// away (each byte that is heard moves one), and to follow them would cost a call each time.
    pub(crate) fn arm(&mut self, engine: &impl Driven) -> io::Result<()> {
        let deadline = self.deadline(engine);
        if is_before(deadline, self.armed) {
            let at = deadline.map(|deadline| self.clock.of_kernel(deadline));
            self.poller.set_timer(at, self.clock.of_kernel(self.now.tick))?;
            self.armed = deadline;
        }
        Ok(())
    }
}

/// Whether `deadline` is there and comes before `armed`.
pub(crate) fn is_before(deadline: Option<Tick>, armed: Option<Tick>) -> bool {
    deadline.is_some_and(|deadline| armed.is_none_or(|armed| deadline < armed))
}

/// A connection's socket, if it is still this connection's.
pub(crate) fn find(sockets: &mut [Option<Socket>], conn: ConnId) -> Option<&mut Socket> {
    sockets.get_mut(conn.index())?.as_mut().filter(|socket| socket.generation == conn.generation())
}

/// Whom an op concerns. None: the store.
pub(crate) fn conn_of(op: &Op) -> Option<ConnId> {
    match *op {
        Op::Pause(conn)
        | Op::Resume(conn)
        | Op::Finish(conn)
        | Op::Drop(conn)
        | Op::HandOver { conn, .. } => Some(conn),
        Op::Store(_) => None,
    }
}
