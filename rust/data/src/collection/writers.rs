//! Who writes, how far each has come, and what came of it.
//!
//! A writer is a user and a client id. Its changes are numbered without a gap, so the highest number that was decided says
//! that all below are; what came of those that it may not know yet is kept, with a fingerprint of each.

use super::document::WriterNo;
use super::outcome::Outcome;
use crate::digest::Fingerprint;
use crate::limits::{DATA_OUTCOMES, DATA_WRITER_MS};
use crate::why::{Why, code};
use std::collections::{BTreeMap, VecDeque};

/// A writer's secret name: its user, and the client id that it made up. Anonymous sessions are one user, without a name.
pub type WriterId = (Box<str>, Box<str>);

/// Who pushes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// User and client id.
    pub id: WriterId,
    /// It rises each time the outbox is opened.
    pub incarnation: u64,
    /// Made up anew with it.
    pub nonce: Box<str>,
    /// The number that it was told at its join (`Joined::number`), should it be new.
    pub number: WriterNo,
}

/// A writer.
/// Invariant: `outcomes` are those of the numbers above `seen` up to `n`, in order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Writer {
    pub number: WriterNo,
    pub incarnation: u64,
    pub nonce: Box<str>,
    /// The highest number that is decided.
    pub n: u64,
    /// The same, of what is kept: it is on disk, where the collection is.
    pub kept_n: u64,
    pub seen: u64,
    pub outcomes: VecDeque<(Fingerprint, Outcome)>,
    /// When it last pushed (ms since 1970).
    pub last_ms: u64,
}

/// What is known of a number that a writer says.
#[derive(Debug, PartialEq)]
pub(super) enum Known {
    /// It is the next.
    Next,
    /// It was decided: the same again, or `ID_REUSED`.
    Decided(Outcome),
    /// A number before it is missing.
    Expected(u64),
    /// Too many outcomes are not seen.
    Unseen,
}

impl Writer {
    pub fn new(number: WriterNo) -> Self {
        Self {
            number,
            incarnation: 0,
            nonce: "".into(),
            n: 0,
            kept_n: 0,
            seen: 0,
            outcomes: VecDeque::new(),
            last_ms: 0,
        }
    }

    /// It has kept every outcome up to this number, and sends nothing up to it again.
    pub fn has_seen(&mut self, seen: u64) {
        if seen <= self.seen {
            return;
        }
        let gone = usize::try_from(seen - self.seen).unwrap_or(usize::MAX).min(self.outcomes.len());
        self.outcomes.drain(..gone);
        self.seen = seen;
        // Above what was decided here: this server had forgotten, and goes on.
        self.n = self.n.max(seen);
        self.kept_n = self.kept_n.max(seen);
    }

    pub fn knows(&self, n: u64, fingerprint: &Fingerprint) -> Known {
        let reused =
            || Outcome::Rejected(Why::new(code::ID_REUSED, format!("{n} was the number of another change")));
        if n <= self.seen {
            return Known::Decided(reused());
        }
        if n <= self.n {
            let at = usize::try_from(n - self.seen - 1).unwrap_or(usize::MAX);
            return Known::Decided(match self.outcomes.get(at) {
                Some((known, outcome)) if known == fingerprint => outcome.clone(),
                _ => reused(),
            });
        }
        if n > self.n + 1 {
            return Known::Expected(self.n + 1);
        }
        if self.outcomes.len() >= DATA_OUTCOMES { Known::Unseen } else { Known::Next }
    }

    pub fn decided(&mut self, fingerprint: Fingerprint, outcome: Outcome) {
        self.n += 1;
        self.outcomes.push_back((fingerprint, outcome));
    }

    /// What could not be kept, from this number on, was not decided.
    pub fn back_before(&mut self, n: u64) {
        if n > self.n || n <= self.kept_n {
            return;
        }
        self.n = n - 1;
        let left = usize::try_from(self.n.saturating_sub(self.seen)).unwrap_or(usize::MAX);
        self.outcomes.truncate(left);
    }

    /// Whether this is the one that opened the outbox last, or a later one. That one takes its place.
    pub fn admits(&mut self, who: &Who) -> bool {
        if who.incarnation > self.incarnation {
            self.incarnation = who.incarnation;
            self.nonce = who.nonce.clone();
            return true;
        }
        who.incarnation == self.incarnation && who.nonce == self.nonce
    }
}

/// All writers of a collection.
/// Invariant: no number below `next` is given to a writer that comes.
#[derive(Clone, Debug, Default)]
pub(super) struct Writers {
    pub by_id: BTreeMap<WriterId, Writer>,
    next: WriterNo,
}

impl Writers {
    /// The number of this writer; a new one, for as long as it has not pushed, if it is not known.
    pub fn number(&mut self, id: &WriterId) -> WriterNo {
        if let Some(writer) = self.by_id.get(id) {
            return writer.number;
        }
        self.fresh()
    }

    pub fn fresh(&mut self) -> WriterNo {
        self.next += 1;
        self.next
    }

    /// Numbers up to this were given.
    pub fn given(&mut self, upto: WriterNo) {
        self.next = self.next.max(upto);
    }

    /// What they take, roughly (bytes). Their outcomes are bounded and not counted one by one.
    pub fn bytes(&self) -> usize {
        const WRITER: usize = 1024;
        self.by_id.len() * WRITER
    }

    pub fn last(&self) -> WriterNo {
        self.next
    }

    /// The writer, made if it is new. None: there are too many.
    pub fn of(&mut self, who: &Who, most: usize) -> Option<&mut Writer> {
        if !self.by_id.contains_key(&who.id) {
            if self.by_id.len() >= most {
                return None;
            }
            let taken = who.number == 0 || self.by_id.values().any(|writer| writer.number == who.number);
            let number = if taken { self.fresh() } else { who.number };
            self.given(number);
            self.by_id.insert(who.id.clone(), Writer::new(number));
        }
        self.by_id.get_mut(&who.id)
    }

    /// Let go of those that were silent for so long.
    pub fn sweep(&mut self, now_ms: u64) -> Vec<WriterId> {
        let silent = |writer: &Writer| writer.last_ms + DATA_WRITER_MS < now_ms && writer.n == writer.kept_n;
        let gone: Vec<WriterId> =
            self.by_id.iter().filter(|(_, writer)| silent(writer)).map(|(id, _)| id.clone()).collect();
        for id in &gone {
            self.by_id.remove(id);
        }
        gone
    }
}
