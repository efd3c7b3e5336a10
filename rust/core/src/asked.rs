//! What waits for the application's word, and whose it is.
//!
//! Whatever waits has a ticket, and an owner: a session, a connection at the door, or the application itself. What one
//! owner waits for is a chain through the table; so all of it goes with its owner, in as many steps as it has things that
//! wait, whatever others have.
//!
//! Invariant: an owner's chain holds each of its tickets that has no answer, once, and no other. So the place of an owner
//! that is gone begins with an empty chain.

use crate::ids::{ConnId, RoomId, Seq, SessionId};
use crate::log::dedupe;
use crate::shared::Sync;
use crate::slab::Slab;
use rtcore_data::collection::WriterId;
use std::sync::Arc;

/// What waits for a decision of the application.
#[derive(Debug)]
pub enum Waiting {
    /// A request. `begun`, of one with a key: the application has begun to do it.
    /// `handler` answers it, and it came at the moment `asked`.
    Emit {
        session: SessionId,
        id: Option<u64>,
        bytes: u32,
        key: Option<dedupe::Ticket>,
        begun: bool,
        handler: u32,
        asked: u64,
    },
    /// A request whose key another is being done under: its result answers both.
    SameKey { session: SessionId, id: Option<u64>, bytes: u32, first: dedupe::Ticket },
    /// A join.
    Join(Joining),
    /// A new token.
    Reauth { session: SessionId, id: Option<u64>, bytes: u32 },
    /// A room, for a session that returns or a stream that begins on this connection. By name: while nobody is in it the
    /// room itself may go, and come again.
    Returning { conn: ConnId, room: Arc<str> },
    /// A publication of the application's, in a room with the policy `block`.
    Blocked { room: RoomId, place: u64 },
    /// The same, while too much waits for the disk.
    Full { place: u64 },
    /// Something that the application said or did is on its way to the disk.
    Storing,
    /// The same, and nobody waits for it but the ack of the request whose handler said it.
    Behind { request: u64 },
    /// A change that a session pushed: may it be done, or what is to become of it.
    Change { session: SessionId, room: RoomId, writer: Box<WriterId>, serial: u64 },
    /// A session is in a room, and its join is answered once that is on disk, with all that was said before.
    Entering(Box<Entering>),
    /// A request of a session, or a publication of the application's, whose key is looked up on disk.
    Key { session: Option<SessionId> },
    /// A `history` that is read from disk.
    Past(Box<Past>),
    /// The same, for the application.
    Reading(Box<Reading>),
}

/// The past of a room that the application reads.
#[derive(Debug)]
pub struct Reading {
    /// The room.
    pub room: Arc<str>,
    /// The oldest entries above this number are wanted.
    pub after: Seq,
    /// What came before that is of a log that is not known here.
    pub known: bool,
    /// Up to this number.
    pub upto: Seq,
    /// So many at most.
    pub limit: u64,
}

/// A `history` that waits for the disk.
#[derive(Debug)]
pub struct Past {
    /// Who asked.
    pub session: SessionId,
    /// The request's id.
    pub id: u64,
    /// The room.
    pub room: RoomId,
    /// The oldest entries above this number are wanted. None: the newest.
    pub after: Option<Seq>,
    /// What came before that is of a log that is not known here.
    pub known: bool,
    /// Up to this number.
    pub upto: Seq,
    /// So many at most.
    pub limit: u64,
}

/// A join that is done, and whose answer waits for the disk.
#[derive(Debug)]
pub struct Entering {
    /// What was asked.
    pub joining: Joining,
    /// The room.
    pub room: RoomId,
    /// What the application said of the room.
    pub state: Option<Box<[u8]>>,
    /// It was in the room before, and this is not the same join sent again.
    pub again: bool,
    /// It was not, and leaves again if this is not on disk.
    pub fresh: bool,
    /// What is told of the collection that is said there (JSON).
    pub sync: Option<Box<[u8]>>,
    /// The head when it was done: what members and state speak of.
    pub seq: Seq,
}

/// A join on its way.
#[derive(Clone, Debug)]
pub struct Joining {
    /// Who joins.
    pub session: SessionId,
    /// The request's id.
    pub id: Option<u64>,
    /// The room, which may not be there yet.
    pub room: Box<str>,
    /// A position: what was said since is wanted, too.
    pub since: Option<Box<str>>,
    /// So many of the newest entries are.
    pub last: Option<u64>,
    /// Of a collection: who writes.
    pub sync: Option<Box<Sync>>,
}

/// With whom what waits goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Session(SessionId),
    Conn(ConnId),
    /// The application: it says itself when it waits no more.
    Application,
}

impl Waiting {
    fn owner(&self) -> Owner {
        match self {
            Self::Emit { session, .. }
            | Self::SameKey { session, .. }
            | Self::Reauth { session, .. }
            | Self::Change { session, .. }
            | Self::Key { session: Some(session) } => Owner::Session(*session),
            Self::Join(joining) => Owner::Session(joining.session),
            Self::Returning { conn, .. } => Owner::Conn(*conn),
            Self::Entering(entering) => Owner::Session(entering.joining.session),
            Self::Past(past) => Owner::Session(past.session),
            Self::Blocked { .. }
            | Self::Full { .. }
            | Self::Storing
            | Self::Behind { .. }
            | Self::Key { session: None }
            | Self::Reading(_) => Owner::Application,
        }
    }
}

/// The end of a chain.
const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Entry {
    waiting: Waiting,
    before: u32,
    after: u32,
}

/// All that waits.
#[derive(Debug, Default)]
pub struct Asked {
    entries: Slab<Entry>,
    /// The newest ticket of each session, by its slot.
    sessions: Vec<u32>,
    /// The newest ticket of each connection, by its slot.
    conns: Vec<u32>,
}

impl Asked {
    /// A ticket that comes back with the decision.
    pub fn add(&mut self, waiting: Waiting) -> u64 {
        let owner = waiting.owner();
        let after = self.head(owner).map_or(NONE, |head| *head);
        let (index, generation) = self.entries.insert(Entry { waiting, before: NONE, after });
        if let Some(head) = self.head(owner) {
            *head = index;
        }
        if let Some(next) = self.entries.at_mut(after as usize) {
            next.before = index;
        }
        (u64::from(generation) << 32) | u64::from(index)
    }

    /// The decision came: who waited for it. None: nobody does any more.
    pub fn take(&mut self, ticket: u64) -> Option<Waiting> {
        let (index, generation) = ((ticket & 0xffff_ffff) as usize, (ticket >> 32) as u32);
        let Entry { waiting, before, after } = self.entries.remove(index, generation)?;
        if let Some(entry) = self.entries.at_mut(before as usize) {
            entry.after = after;
        } else if let Some(head) = self.head(waiting.owner()) {
            debug_assert_eq!(*head as usize, index, "the newest of an owner begins its chain");
            *head = after;
        }
        if let Some(entry) = self.entries.at_mut(after as usize) {
            entry.before = before;
        }
        Some(waiting)
    }

    /// What waits under a ticket, as it waits.
    pub fn get(&self, ticket: u64) -> Option<&Waiting> {
        let (index, generation) = ((ticket & 0xffff_ffff) as usize, (ticket >> 32) as u32);
        Some(&self.entries.get(index, generation)?.waiting)
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, ticket: u64) -> Option<&mut Waiting> {
        let (index, generation) = ((ticket & 0xffff_ffff) as usize, (ticket >> 32) as u32);
        Some(&mut self.entries.get_mut(index, generation)?.waiting)
    }

    /// Something of an owner that goes, with its ticket, until nothing is left.
    pub fn take_of(&mut self, owner: Owner) -> Option<(u64, Waiting)> {
        let index = *self.head(owner)?;
        let generation = self.entries.generation(index as usize)?;
        let ticket = (u64::from(generation) << 32) | u64::from(index);
        Some((ticket, self.take(ticket)?))
    }

    /// Slots that walks through the whole table looked at.
    pub fn walked(&self) -> u64 {
        self.entries.walked()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many owners have something that waits.
    pub fn owners(&self) -> usize {
        self.sessions.iter().chain(&self.conns).filter(|head| **head != NONE).count()
    }

    fn head(&mut self, owner: Owner) -> Option<&mut u32> {
        let (heads, index) = match owner {
            Owner::Session(session) => (&mut self.sessions, session.index()),
            Owner::Conn(conn) => (&mut self.conns, conn.index()),
            Owner::Application => return None,
        };
        if heads.len() <= index {
            heads.resize(index + 1, NONE);
        }
        heads.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn emit(session: SessionId) -> Waiting {
        Waiting::Emit { session, id: None, bytes: 0, key: None, begun: false, handler: 0, asked: 0 }
    }

    proptest! {
        /// Answers in any order, owners that go at any time: each finds its own, once, and the table is empty in the end.
        #[test]
        fn each_owner_finds_its_own_and_no_other(steps in prop::collection::vec((0u32..4, 0u8..4, any::<prop::sample::Index>()), 1..200)) {
            let (mut asked, mut open) = (Asked::default(), Vec::<(u64, SessionId)>::new());
            for (of, what, which) in steps {
                let session = SessionId::new(of, 1);
                match what {
                    0 | 1 => open.push((asked.add(emit(session)), session)),
                    2 if !open.is_empty() => {
                        let (ticket, session) = open.swap_remove(which.index(open.len()));
                        prop_assert_eq!(asked.take(ticket).map(|waiting| waiting.owner()), Some(Owner::Session(session)));
                        prop_assert!(asked.take(ticket).is_none());
                    }
                    _ => {
                        while let Some((ticket, _)) = asked.take_of(Owner::Session(session)) {
                            let at = open.iter().position(|known| *known == (ticket, session));
                            open.swap_remove(at.expect("a ticket of its own"));
                        }
                        prop_assert!(open.iter().all(|(_, of)| *of != session));
                    }
                }
                prop_assert_eq!(asked.len(), open.len());
            }
        }
    }
}
