//! All sessions, and who hears what: live, lagging, cursor.
//!
//! A session is either *live*, and everything up to the head was handed to its outbox, or it *lags*: then it has a
//! cursor, and everything up to there was handed over or reported as a gap. There is no third state, and it is known in
//! one place (`Listener`). A session begins lagging.
//!
//! Invariants:
//! - A live session has a connection, and that is the one of its listener.
//! - A cursor goes back only where it is put anew (`hold_at`, `attach`): its client said itself what it has.
//! - A handle finds its session until that is taken out, and never the next in its place; a name finds a session that is
//!   there and not about to end.

use super::{Begin, Listener, Listeners, Session};
use crate::ids::{ConnId, Seq, SessionId};
use crate::slab::Slab;
use foldhash::quality::FixedState;
use hashbrown::HashMap;
use std::sync::Arc;

/// How a session begins to hear by a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// It has everything up to the head.
    Live,
    /// It is fed from its cursor first.
    Fed,
}

/// All sessions.
#[derive(Debug)]
pub struct Sessions {
    table: Slab<Session>,
    /// By a session's slot.
    listeners: Vec<Listener>,
    by_name: HashMap<Arc<str>, SessionId, FixedState>,
}

impl Sessions {
    /// No sessions yet; `hash` has the process's secret.
    #[must_use]
    pub fn new(hash: &FixedState) -> Self {
        Self { table: Slab::default(), listeners: Vec::new(), by_name: HashMap::with_hasher(hash.clone()) }
    }

    /// One more. It lags at the head, without a connection.
    pub fn add(&mut self, begin: Begin) -> SessionId {
        let name = Arc::clone(&begin.name);
        let (index, generation) = self
            .table
            .insert_with(|index, generation| Session::new(SessionId::new(index, generation), begin));
        let id = SessionId::new(index, generation);
        if self.listeners.len() <= id.index() {
            self.listeners.resize(id.index().saturating_add(1), Listener::default());
        }
        debug_assert!(!self.listeners[id.index()].live, "a place is free, and as new");
        let before = self.by_name.insert(name, id);
        debug_assert!(before.is_none(), "a name is of one session");
        id
    }

    /// Take one out.
    pub fn remove(&mut self, id: SessionId) -> Option<Session> {
        let session = self.table.remove(id.index(), id.generation())?;
        debug_assert!(session.conn.is_none(), "a session that ends has let go of its connection");
        if self.by_name.get(session.name()) == Some(&id) {
            self.by_name.remove(session.name());
        }
        self.listeners[id.index()] = Listener::default(); // the next in this place is as new
        Some(session)
    }

    /// It is about to end: nobody finds it by its name from now on.
    pub fn hide(&mut self, id: SessionId) {
        if let Some(session) = self.table.get(id.index(), id.generation())
            && self.by_name.get(session.name()) == Some(&id)
        {
            self.by_name.remove(session.name());
        }
    }

    /// The session of a handle, if it is still there.
    #[must_use]
    #[inline]
    pub fn get(&self, id: SessionId) -> Option<&Session> {
        self.table.get(id.index(), id.generation())
    }

    /// The same, to change it.
    #[inline]
    pub fn get_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.table.get_mut(id.index(), id.generation())
    }

    /// The session in a slot.
    pub fn at_mut(&mut self, index: usize) -> Option<&mut Session> {
        self.table.at_mut(index)
    }

    /// The session of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<SessionId> {
        self.by_name.get(name).copied()
    }

    /// The connection by which a session hears.
    #[must_use]
    pub fn conn_of(&self, id: SessionId) -> Option<ConnId> {
        self.get(id)?.conn
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (SessionId, &Session)> {
        self.table.iter().map(|(index, generation, session)| (SessionId::new(index, generation), session))
    }

    /// Where the live sessions are reached.
    #[must_use]
    #[inline]
    pub fn listeners(&self) -> Listeners<'_> {
        Listeners(&self.listeners)
    }

    /// Whether a session keeps a cursor: it is fed before it hears what is said.
    #[must_use]
    pub fn lags(&self, id: SessionId) -> bool {
        !self.is_live(id)
    }

    /// Whether it hears what is said as it is said.
    #[must_use]
    pub fn is_live(&self, id: SessionId) -> bool {
        let live = self.listeners().live(id);
        debug_assert!(
            live.is_none_or(|listener| {
                let conn = self.get(id).and_then(|session| session.conn);
                conn.is_some_and(|conn| conn.index() == listener.conn as usize)
            }),
            "a live session has a connection, the listener's"
        );
        live.is_some()
    }

    /// A session hears by this connection from now on, in this encoding: behind `cursor`.
    pub fn attach(&mut self, id: SessionId, conn: ConnId, encoding: u8, cursor: Seq, start: Start) {
        let Some(session) = self.table.get_mut(id.index(), id.generation()) else { return };
        debug_assert!(session.conn.is_none(), "it lets go of one connection before it has the next");
        session.conn = Some(conn);
        session.cursor = cursor;
        let index = u32::try_from(conn.index()).expect("a slot's index");
        self.listeners[id.index()] = Listener { conn: index, encoding, live: start == Start::Live };
    }

    /// It has no connection from now on. Everything up to `head` was handed over, unless it lagged: whether it did not.
    pub fn detach(&mut self, id: SessionId, head: Seq) -> bool {
        let stopped = self.stop_hearing(id, head);
        if let Some(session) = self.get_mut(id) {
            session.conn = None;
        }
        stopped
    }

    /// From now on it lags: everything up to `cursor` was handed over. False: it did so already, and nothing changes.
    pub fn stop_hearing(&mut self, id: SessionId, cursor: Seq) -> bool {
        if self.lags(id) {
            return false;
        }
        let Some(session) = self.table.get_mut(id.index(), id.generation()) else { return false };
        debug_assert!(session.cursor <= cursor, "what it was told once it was live lies behind that");
        session.cursor = cursor;
        self.listeners[id.index()].live = false;
        true
    }

    /// A session without a connection is told from here on.
    pub fn hold_at(&mut self, id: SessionId, cursor: Seq) {
        debug_assert!(self.lags(id), "a live session has no cursor to be put");
        if let Some(session) = self.get_mut(id) {
            debug_assert!(session.conn.is_none(), "where a connection is, it is fed from its cursor");
            session.cursor = cursor;
        }
    }

    /// It lags, and everything up to `cursor` was handed over or reported as a gap.
    pub fn advance(&mut self, id: SessionId, cursor: Seq) {
        debug_assert!(self.lags(id), "a live session is told what is said");
        if let Some(session) = self.get_mut(id) {
            debug_assert!(session.cursor <= cursor, "a cursor goes on, never back");
            session.cursor = cursor;
        }
    }

    /// It lagged, and everything up to `upto` was handed over, which is the head, or the wall (what waits for the disk it gets as
    /// it comes): from now on it hears what is said as it is said.
    pub fn be_live(&mut self, id: SessionId, upto: Seq) {
        let Some(session) = self.get(id) else { return };
        debug_assert!(session.conn.is_some(), "a live session has a connection");
        debug_assert!(session.cursor >= upto, "nothing is left of the past");
        self.listeners[id.index()].live = true;
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// How many are found by name.
    #[must_use]
    pub fn names(&self) -> usize {
        self.by_name.len()
    }

    /// How many are live.
    #[must_use]
    pub fn live(&self) -> usize {
        self.listeners.iter().filter(|listener| listener.live).count()
    }

    /// Slots that walks through the whole table looked at.
    #[must_use]
    pub fn walked(&self) -> u64 {
        self.table.walked()
    }
}
