//! The finished acks of one session, oldest first: rows, and beside them the bytes of the small ones.
//!
//! Theory. A session keeps its last few hundred acks, and hardly anybody ever asks for one. Were each an
//! allocation of its own, then with many sessions every new ack would free one that was written long ago and
//! has left the cache since: that costs more than all else that an ack costs. So small ones lie end to end in
//! one queue of bytes. A new one is written where it ends; an old one is forgotten by moving where it begins,
//! and nothing of it is looked at.
//!
//! Invariants: the small rows' lengths, in order, cut `small` without a rest; `bytes` is the sum of `size`.

use super::acks::{AckBounds, Kept, KeptError};
use crate::ids::{Form, Seq};
use std::collections::VecDeque;
use std::sync::Arc;

/// Data up to this size lies in the queue (bytes). Only these are many.
const SMALL: usize = 256;

#[derive(Debug)]
enum Ack {
    Seq(Seq),
    /// So many bytes of the queue.
    Small(u16, Form),
    Large(Arc<[u8]>, Form),
    Error(Arc<KeptError>),
}

/// Finished acks.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    rows: VecDeque<(u64, Ack)>,
    small: VecDeque<u8>,
    bytes: usize,
}

impl Shelf {
    /// Keep an ack.
    pub fn put(&mut self, id: u64, ack: Kept) {
        let ack = match ack {
            Kept::Data { bytes, form } if bytes.len() > SMALL => Ack::Large(bytes, form),
            Kept::Data { bytes, form } => self.lay(&bytes, form),
            Kept::Seq(seq) => Ack::Seq(seq),
            Kept::Error(error) => Ack::Error(error),
        };
        self.push(id, ack);
    }

    /// The same for data that nobody else keeps.
    pub fn put_data(&mut self, id: u64, bytes: &[u8], form: Form) {
        let ack = if bytes.len() > SMALL { Ack::Large(bytes.into(), form) } else { self.lay(bytes, form) };
        self.push(id, ack);
    }

    fn lay(&mut self, bytes: &[u8], form: Form) -> Ack {
        self.small.extend(bytes);
        Ack::Small(bytes.len().try_into().expect("at most SMALL"), form)
    }

    fn push(&mut self, id: u64, ack: Ack) {
        self.bytes += size(&ack);
        self.rows.push_back((id, ack));
    }

    /// Forget the oldest that go beyond the bounds. The newest stays, even if it alone is larger.
    pub fn trim(&mut self, bounds: &AckBounds) {
        while self.rows.len() > bounds.count || (self.bytes > bounds.bytes && self.rows.len() > 1) {
            let Some((_, ack)) = self.rows.pop_front() else { break };
            self.bytes -= size(&ack);
            if let Ack::Small(len, _) = ack {
                drop(self.small.drain(..usize::from(len)));
            }
        }
    }

    /// Forget the oldest as long as their ids are not above this.
    pub fn let_go(&mut self, upto: u64) {
        while self.rows.front().is_some_and(|(id, _)| *id <= upto) {
            self.trim(&AckBounds { count: self.rows.len() - 1, bytes: usize::MAX });
        }
    }

    /// Forget the oldest until what is left takes no more than so many bytes, be it nothing.
    pub fn shrink(&mut self, bytes: usize) {
        while self.bytes > bytes {
            self.trim(&AckBounds { count: self.rows.len() - 1, bytes: usize::MAX });
        }
    }

    /// The ack with this id. Only for a request that is sent again, and there are at most a few hundred.
    pub fn find(&self, wanted: u64) -> Option<Kept> {
        let mut at = 0;
        for (id, ack) in &self.rows {
            let len = if let Ack::Small(len, _) = ack { usize::from(*len) } else { 0 };
            if *id == wanted {
                return Some(match ack {
                    Ack::Seq(seq) => Kept::Seq(*seq),
                    Ack::Small(_, form) => {
                        Kept::Data { bytes: self.small.range(at..at + len).copied().collect(), form: *form }
                    }
                    Ack::Large(bytes, form) => Kept::Data { bytes: Arc::clone(bytes), form: *form },
                    Ack::Error(error) => Kept::Error(Arc::clone(error)),
                });
            }
            at += len;
        }
        None
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// What they take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The bytes that keeping it takes, as `Kept::size` counts them.
fn size(ack: &Ack) -> usize {
    match ack {
        Ack::Seq(_) => Kept::data_size(0),
        Ack::Small(len, _) => Kept::data_size(usize::from(*len)),
        Ack::Large(bytes, _) => Kept::data_size(bytes.len()),
        Ack::Error(error) => Kept::error_size(error),
    }
}
