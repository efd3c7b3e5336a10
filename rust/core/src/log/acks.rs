//! What one session remembers of the requests it has taken, so that none is carried out twice.
//!
//! Ids rise within a session, with gaps, and a client sends again, in order and with the old ids, whatever
//! has no ack. Every transport carries a session's requests in order, so when id 7 arrives, each lower id
//! that will ever be done has arrived before. So `taken`, the highest id so far, decides:
//! - above it, a request is new;
//! - at or below it, it was taken before: it is still in progress, or its ack is kept, or that ack had to go,
//!   and then the answer is `ACK_EXPIRED` and never a second execution.
//!
//! Invariants: every id in `open` and in `done` is at most `taken`; no id is in both; `open` rises. Acks are forgotten in the order in which they were *finished*: one
//! that was long in the making is the one whose client may yet ask for it.
//!
//! The bounds speak of finished acks. How many may be in progress is for the caller to say, by `open`.

use super::shelf::Shelf;
use crate::ids::{Form, Seq};
use std::borrow::Cow;
use std::sync::Arc;

/// What a session may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AckBounds {
    /// Finished acks.
    pub count: usize,
    /// Bytes of them. The newest is kept even if it alone is larger. A peer that says which acks it has is taken no further
    /// request from the half of it on; so it has more only by the answers of those that were in progress then.
    pub bytes: usize,
}

/// An ack as it is kept, independent of the encoding that it leaves in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// `{"seq":…}`, the ack of a publish: the most frequent one, and the smallest.
    Seq(Seq),
    /// `data`.
    Data {
        /// The value, written as `form` says.
        bytes: Arc<[u8]>,
        /// How it is written.
        form: Form,
    },
    /// `error`.
    Error(Arc<KeptError>),
}

/// The error in an ack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptError {
    /// The stable code: ours or the application's.
    pub code: Cow<'static, str>,
    /// For people.
    pub message: Cow<'static, str>,
    /// More of it, for programs, and how it is written.
    pub details: Option<(Arc<[u8]>, Form)>,
    /// Whether the same may be tried again, under a new id.
    pub retry: bool,
    /// After how long (ms), where that is known.
    pub after_ms: Option<u64>,
}

impl Kept {
    /// The bytes that keeping it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Seq(_) => Self::data_size(0),
            Self::Data { bytes, .. } => Self::data_size(bytes.len()),
            Self::Error(error) => Self::error_size(error),
        }
    }

    pub(super) const fn data_size(len: usize) -> usize {
        size_of::<(u64, Self)>() + len
    }

    pub(super) fn error_size(error: &KeptError) -> usize {
        let details = error.details.as_ref().map_or(0, |(bytes, _)| bytes.len());
        Self::data_size(size_of::<KeptError>() + error.code.len() + error.message.len() + details)
    }
}

/// What is known of a request's id.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Seen {
    /// Not seen before; it is in progress from now on.
    New,
    /// Taken, and not finished.
    InProgress,
    /// Finished, with this ack.
    Done(Kept),
    /// Taken before, and its ack is no longer kept.
    Expired,
}

/// The memory of one session. It allocates nothing until the first request that needs an ack.
#[derive(Debug, Default)]
pub struct Acks {
    taken: u64,
    book: Option<Box<Book>>,
}

#[derive(Debug, Default)]
struct Book {
    open: Vec<u64>,
    done: Shelf,
    /// The peer says which acks it has: none that it does not have is pushed out by more requests.
    tells: bool,
}

impl Acks {
    /// Take the request with this id, if it is new, and say what is known of it.
    pub fn take(&mut self, id: u64) -> Seen {
        if id > self.taken {
            self.taken = id;
            self.book.get_or_insert_default().open.push(id);
            return Seen::New;
        }
        let Some(book) = &self.book else { return Seen::Expired };
        if book.open.binary_search(&id).is_ok() {
            return Seen::InProgress;
        }
        book.done.find(id).map_or(Seen::Expired, Seen::Done)
    }

    /// What was kept over a restart: no id above `taken` was ever taken, and of these the acks are there.
    pub fn restore(&mut self, taken: u64, done: impl Iterator<Item = (u64, Kept)>) {
        self.taken = taken;
        let book = self.book.get_or_insert_default();
        done.for_each(|(id, kept)| book.done.put(id, kept));
    }

    /// A request that was not done, though an id above its own was taken: it is in progress from now on.
    pub fn reopen(&mut self, id: u64) {
        let book = self.book.get_or_insert_default();
        if let Err(at) = book.open.binary_search(&id) {
            book.open.insert(at, id);
        }
    }

    /// Note the id of a request that is simply done again when it comes again (`join`, `leave` and so on).
    pub fn note(&mut self, id: u64) {
        self.taken = self.taken.max(id);
    }

    /// Keep the ack of a request that is in progress, and forget what then goes beyond the bounds. False if
    /// no such request is in progress: then nothing is kept.
    pub fn finish(&mut self, id: u64, ack: Kept, bounds: &AckBounds) -> bool {
        self.finish_with(id, bounds, |done| done.put(id, ack))
    }

    /// The same for an ack with data that nobody else keeps.
    pub fn finish_data(&mut self, id: u64, bytes: &[u8], form: Form, bounds: &AckBounds) -> bool {
        self.finish_with(id, bounds, |done| done.put_data(id, bytes, form))
    }

    fn finish_with(&mut self, id: u64, bounds: &AckBounds, put: impl FnOnce(&mut Shelf)) -> bool {
        let Some(book) = &mut self.book else { return false };
        let Ok(at) = book.open.binary_search(&id) else { return false };
        book.open.remove(at);
        put(&mut book.done);
        // How long the answers are of requests that were taken shows only now: of a peer that tells, none goes for it.
        let bytes = if book.tells { usize::MAX } else { bounds.bytes };
        book.done.trim(&AckBounds { bytes, ..*bounds });
        true
    }

    /// The peer has the acks of all ids up to this. (Those that stand behind a later one go with it.)
    pub fn let_go(&mut self, upto: u64) {
        let upto = upto.min(self.taken);
        let book = self.book.get_or_insert_default();
        book.tells = true;
        book.done.let_go(upto);
    }

    /// Whether the peer says which acks it has.
    #[must_use]
    pub fn tells(&self) -> bool {
        self.book.as_ref().is_some_and(|book| book.tells)
    }

    /// Whether acks of further requests would push out some that the peer does not have. What is in progress counts
    /// as a short ack, and half of the bytes are kept free for longer ones. Of a peer that does not say which it has: never.
    #[must_use]
    pub fn is_full(&self, count: usize, bytes: usize) -> bool {
        self.book.as_ref().is_some_and(|book| {
            book.tells
                && (book.done.len().saturating_add(book.open.len()) >= count
                    || book.done.bytes().saturating_add(book.open.len().saturating_mul(Kept::data_size(0)))
                        >= bytes / 2)
        })
    }

    /// There is place for so many bytes of acks alone: the oldest beyond it are forgotten, and the newest if need be.
    pub fn shrink(&mut self, bytes: usize) {
        if let Some(book) = &mut self.book {
            book.done.shrink(bytes);
        }
    }

    /// The highest id so far; 0 before the first.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// How many requests are in progress.
    #[must_use]
    pub fn open(&self) -> usize {
        self.book.as_ref().map_or(0, |book| book.open.len())
    }

    /// How many acks are kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.book.as_ref().map_or(0, |book| book.done.len())
    }

    /// What the kept acks take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.book.as_ref().map_or(0, |book| book.done.bytes())
    }
}
