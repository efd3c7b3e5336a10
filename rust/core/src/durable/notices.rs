//! What is told when all that was decided before it is on disk: ends, removals, rights, and whatever else says where a session is.
//!
//! Theory. A session that was taken out of a room, or ended, is so in memory at once; but told is it only when a crash could not
//! undo it. What is told of a session's rooms is told in the order in which it was decided: so behind a notice that waits,
//! others of its session wait too, also such as need no disk.
//!
//! Invariants: `held` has the sessions of the notices that are open, with how many each has. A notice is taken once: when it is on
//! disk, or when that took too long.

use crate::asked::Entering;
use crate::ids::{ConnId, RoomId, SessionId, Tick};
use crate::limits::fixed::STORE_MS;
use crate::room::grants::Grants;
use std::collections::{BTreeMap, BTreeSet};

/// Something that is told.
#[derive(Debug)]
pub enum Notice {
    /// A session has left a room: the ack of its request.
    Leave(SessionId, u64),
    /// A session was taken out of a room, and why. `moved`: of which stay that is said (`engine/moves.rs`).
    Left { session: SessionId, name: Box<str>, reason: Box<str>, moved: u64 },
    /// What a session may in a room, and whether it is shown who is there. `moved`: as above.
    Grants { session: SessionId, room: RoomId, name: Box<str>, grants: Grants, shows: bool, moved: u64 },
    /// A session is in a room: it is shown.
    Room(SessionId, RoomId),
    /// A join that is done.
    Joined(Box<Entering>),
    /// The session of this connection is over.
    Over(ConnId, Goodbye),
    /// So is that of this `send`, which has its answer.
    Sent(ConnId),
    /// The application has decided something while it handled the request with this ticket.
    Decided(u64),
    /// The application waits for it under this ticket.
    Stored(u64),
}

/// What is said last on a connection.
#[derive(Clone, Debug)]
pub struct Goodbye {
    /// The close code.
    pub code: u16,
    /// Why.
    pub reason: Box<str>,
    /// The client has said it first: it is answered by the close frame alone.
    pub own: bool,
    /// On a parked poll: the number of its answer.
    pub poll: Option<u64>,
}

impl Notice {
    /// Whose place in rooms it speaks of.
    fn session(&self) -> Option<SessionId> {
        match self {
            Self::Leave(session, _)
            | Self::Left { session, .. }
            | Self::Grants { session, .. }
            | Self::Room(session, _) => Some(*session),
            Self::Joined(entering) => Some(entering.joining.session),
            Self::Over(..) | Self::Sent(_) | Self::Decided(_) | Self::Stored(_) => None,
        }
    }
}

/// All that wait, by their numbers, which rise.
#[derive(Debug, Default)]
pub struct Notices {
    open: BTreeMap<u64, (Tick, Notice)>,
    held: BTreeMap<SessionId, usize>,
    last: u64,
    decisions: u64,
}

impl Notices {
    /// This waits from now on, under the number that it gets.
    pub fn add(&mut self, notice: Notice, now: Tick) -> u64 {
        self.last += 1;
        if let Some(session) = notice.session() {
            *self.held.entry(session).or_default() += 1;
        }
        self.open.insert(self.last, (now.plus_ms(STORE_MS), notice));
        self.last
    }

    /// It waits no more. None: it was told already.
    pub fn take(&mut self, number: u64) -> Option<Notice> {
        let (_, notice) = self.open.remove(&number)?;
        if let Some(session) = notice.session()
            && let Some(count) = self.held.get_mut(&session)
        {
            *count -= 1;
            if *count == 0 {
                self.held.remove(&session);
            }
        }
        Some(notice)
    }

    /// One that has waited for too long.
    pub fn overdue(&mut self, now: Tick) -> Option<Notice> {
        let (number, (due, _)) = self.open.first_key_value()?;
        let number = *number;
        if *due > now { None } else { self.take(number) }
    }

    /// Whether others of its session wait, so that it is told after them.
    #[must_use]
    pub fn is_behind(&self, notice: &Notice) -> bool {
        !self.held.is_empty() && notice.session().is_some_and(|session| self.held.contains_key(&session))
    }

    /// Connections on which it is still to be told that their session is over.
    #[must_use]
    pub fn parting(&self) -> BTreeSet<ConnId> {
        let notices = self.open.values().map(|(_, notice)| notice);
        notices
            .filter_map(|notice| if let Notice::Over(conn, _) = notice { Some(*conn) } else { None })
            .collect()
    }

    /// When the oldest has waited for too long.
    #[must_use]
    pub fn due(&self) -> Option<Tick> {
        self.open.first_key_value().map(|(_, (due, _))| *due)
    }

    /// Something was decided that is told when it is on disk.
    pub fn decided(&mut self) {
        self.decisions += 1;
    }

    /// How often something was.
    #[must_use]
    pub fn decisions(&self) -> u64 {
        self.decisions
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}
