//! One entry of the log: an event that has its number.
//!
//! Invariant: once it is shared, an entry never changes. What is filled in later are its encodings, which
//! are functions of it, each made at most once and shared by all who listen in it; and what the books count of them. So the work for an entry
//! grows with the encodings in use and not with the listeners.

use crate::ids::{Form, Now, RoomId, Seq, SessionId};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// How many encodings there are: JSON and `MessagePack` in frames, each plain and compressed; four for event
/// streams (whole messages or data alone, in chunks or not); one for polls; frames again, compressed by each of four
/// algorithms; and event streams again, in gzip, compressed or not.
pub const ENCODINGS: usize = 21;
/// Those of them for which an entry has a place from the start. The others are rare: their places are made when
/// one is needed.
const FRAMED: usize = 4;

/// Places of the rare encodings.
type Others = [OnceLock<Arc<[u8]>>; ENCODINGS - FRAMED];

/// The fixed part of an encoded event (its field names, number, time and frame head), roughly. Bytes.
const ENVELOPE: usize = 128;

/// What an entry's author adds to an encoding, and its share of the author itself, roughly. Bytes.
const AUTHOR: usize = 64;

/// The two counters in front of what an `Arc` holds. Bytes.
const COUNTERS: usize = 16;

/// What an entry is made of, as far as it takes memory: known before the entry is made. Lengths in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weight {
    pub room: usize,
    pub event: usize,
    pub data: usize,
    pub trace: usize,
    pub slot: usize,
    /// A session said it.
    pub authored: bool,
}

impl Weight {
    /// The bytes that such an entry holds: an estimate that counts one encoding from the start, so that the books of a
    /// ring, which add it on the way in and take it off on the way out, always balance.
    #[must_use]
    pub const fn cost(self) -> usize {
        let author = if self.authored { AUTHOR } else { 0 };
        let own = self.data + self.event + self.trace;
        size_of::<Entry>() + 3 * COUNTERS + own + self.written() + self.slot + author
    }

    /// The bytes that it takes where it is written, live, in a replay or in a history, roughly.
    #[must_use]
    pub const fn written(self) -> usize {
        ENVELOPE + self.room + self.data + self.event + self.trace
    }
}

/// The session that said an entry, as listeners are told. Shared by all that it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The handle, which `exclude` is compared with.
    pub session: SessionId,
    /// The session's id on the wire.
    pub wire: Arc<str>,
    /// The user, unless the session is anonymous.
    pub user: Option<Arc<str>>,
}

/// Where an entry was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// In a room, with the room's name.
    Room(RoomId, Arc<str>),
    /// To one session alone.
    Session(SessionId),
}

/// An event once it is in the log.
#[derive(Debug)]
pub struct Entry {
    /// Its number: one counter for the whole log.
    pub seq: Seq,
    /// Where it was said.
    pub room: Where,
    /// The event's name.
    pub event: Arc<str>,
    /// The payload, as `form` says; never copied per listener.
    pub data: Arc<[u8]>,
    /// How `data` is written.
    pub form: Form,
    /// When it was said, in milliseconds since 1970: a date, for people.
    pub time: u64,
    /// The same on the monotonic clock (ms), by which it grows old.
    pub born_ms: u64,
    /// Who said it; none: the application.
    pub from: Option<Arc<Author>>,
    /// A W3C traceparent, passed on.
    pub trace: Option<Box<str>>,
    /// The one session that does not hear it, neither live nor in a replay.
    pub exclude: Option<SessionId>,
    /// What it is the latest of, for the policy `latest`.
    pub slot: Option<Box<[u8]>>,
    encoded: [OnceLock<Arc<[u8]>>; FRAMED],
    others: OnceLock<Box<Others>>,
    /// Bytes of encodings that came later, as the books of its ring count them.
    grown: AtomicUsize,
}

impl Entry {
    /// An entry that the application said to all. The other fields are set before it is shared. (The book makes them:
    /// `Log::draft`.)
    #[must_use]
    pub(super) fn new(
        seq: Seq,
        room: Where,
        event: Arc<str>,
        data: Arc<[u8]>,
        form: Form,
        said: Now,
    ) -> Self {
        Self {
            seq,
            room,
            event,
            data,
            form,
            time: said.wall_ms,
            born_ms: said.tick.ms(),
            from: None,
            trace: None,
            exclude: None,
            slot: None,
            encoded: Default::default(),
            others: OnceLock::new(),
            grown: AtomicUsize::new(0),
        }
    }

    /// The entry in this encoding (below `ENCODINGS`), made by `make` if nobody needed it before.
    pub fn encoded(&self, encoding: usize, make: impl FnOnce(&Self) -> Vec<u8>) -> &Arc<[u8]> {
        let place = match encoding.checked_sub(FRAMED) {
            None => &self.encoded[encoding],
            Some(other) => &self.others.get_or_init(Box::default)[other],
        };
        place.get_or_init(|| make(self).into())
    }

    /// Whether somebody needed this encoding already.
    #[must_use]
    pub fn is_encoded(&self, encoding: usize) -> bool {
        match encoding.checked_sub(FRAMED) {
            None => self.encoded[encoding].get().is_some(),
            Some(other) => self.others.get().is_some_and(|others| others[other].get().is_some()),
        }
    }

    /// The number before its own: all that was said before it.
    #[must_use]
    pub const fn before(&self) -> Seq {
        self.seq.saturating_sub(1)
    }

    /// The bytes it holds: see `Weight::cost`, and what it has grown by.
    #[must_use]
    pub fn cost(&self) -> usize {
        self.weight().cost() + self.grown.load(Ordering::Relaxed)
    }

    /// It costs so many bytes more from now on. Only its ring says so, whose books must balance.
    pub(super) fn grow(&self, bytes: usize) {
        self.grown.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The bytes that it takes where it is written: see `Weight::written`.
    #[must_use]
    pub fn written(&self) -> usize {
        self.weight().written()
    }

    fn weight(&self) -> Weight {
        Weight {
            room: match &self.room {
                Where::Room(_, name) => name.len(),
                Where::Session(_) => 0,
            },
            event: self.event.len(),
            data: self.data.len(),
            trace: self.trace.as_ref().map_or(0, |trace| trace.len()),
            slot: self.slot.as_ref().map_or(0, |slot| slot.len()),
            authored: self.from.is_some(),
        }
    }

    /// Whether this session may hear it, as far as the entry itself says.
    #[must_use]
    pub fn heard_by(&self, session: SessionId) -> bool {
        self.exclude != Some(session)
            && match self.room {
                Where::Room(..) => true,
                Where::Session(only) => only == session,
            }
    }
}
