//! What the stream shell has to know of its connections: which have output, and in what state they are.
//!
//! The engine says so in passing (`take_dirty`, `take_ops`); the shell asks when it gets to it.

use rtcore_core::engine::Op;
use rtcore_core::ids::ConnId;

/// Reading is paused.
pub(crate) const PAUSED: u8 = 1;
/// Finish writing, then send the end.
pub(crate) const FINISH: u8 = 2;
/// Drop it.
pub(crate) const DROP: u8 = 4;
/// It was handed over.
pub(crate) const HANDED_OVER: u8 = 8;
/// These bits, as Python calls them.
pub(crate) const STATES: [(&str, u8); 4] =
    [("PAUSED", PAUSED), ("FINISH", FINISH), ("DROP", DROP), ("HANDED_OVER", HANDED_OVER)];

/// One connection that the shell carries, or the last one that had this slot.
#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    /// 0: none had it yet. (Generations of handles begin at 1.)
    generation: u32,
    state: u8,
    /// Whether it is in `due`.
    due: bool,
}

/// The connections that the shell carries. Bounded by the engine's slots: an entry is used again.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    table: Vec<Stream>,
    due: Vec<ConnId>,
}

impl Streams {
    /// The shell carries this connection from now on.
    pub fn add(&mut self, conn: ConnId) {
        if self.table.len() <= conn.index() {
            self.table.resize_with(conn.index() + 1, Stream::default);
        }
        self.table[conn.index()] = Stream { generation: conn.generation(), state: 0, due: false };
    }

    /// It does no longer.
    pub fn remove(&mut self, conn: ConnId) {
        if let Some(stream) = self.find(conn) {
            *stream = Stream::default();
        }
    }

    /// Something of a connection is due: output, or a new state. Nothing happens if it is not the shell's.
    pub fn mark(&mut self, conn: ConnId) {
        let Some(stream) = self.find(conn) else { return };
        if !stream.due {
            stream.due = true;
            self.due.push(conn);
        }
    }

    /// What the engine wants done. A hand-over comes back: its bytes are for the application.
    pub fn apply(&mut self, op: Op) -> Option<Op> {
        let (conn, set, clear) = match op {
            Op::Pause(conn) => (conn, PAUSED, 0),
            Op::Resume(conn) => (conn, 0, PAUSED),
            Op::Finish(conn) => (conn, FINISH, 0),
            Op::Drop(conn) => (conn, DROP, 0),
            Op::HandOver { conn, .. } => (conn, HANDED_OVER, 0),
            Op::Store(_) => return Some(op),
        };
        let stream = self.find(conn)?;
        stream.state = (stream.state | set) & !clear;
        self.mark(conn);
        matches!(op, Op::HandOver { .. }).then_some(op)
    }

    /// The connections of which something is due, each once.
    pub fn take_due(&mut self) -> Vec<ConnId> {
        let mut due = std::mem::take(&mut self.due);
        due.retain(|conn| self.find(*conn).map(|stream| stream.due = false).is_some());
        due
    }

    /// The state of a connection. One that is not known is to be dropped.
    pub fn state(&mut self, conn: ConnId) -> u8 {
        self.find(conn).map_or(DROP, |stream| stream.state)
    }

    fn find(&mut self, conn: ConnId) -> Option<&mut Stream> {
        self.table.get_mut(conn.index()).filter(|stream| stream.generation == conn.generation())
    }
}
