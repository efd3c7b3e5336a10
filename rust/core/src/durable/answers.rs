//! Acks of requests whose handlers said something durable: none leaves before that is on disk.
//!
//! Invariant: a request stands here from its first durable entry until all of them are decided and, if it was answered
//! before, its answer has left.

use crate::log::acks::Kept;
use std::collections::BTreeMap;

#[derive(Debug, Default)]
struct Open {
    waiting: usize,
    failed: bool,
    answer: Option<Kept>,
}

/// Requests by their tickets.
#[derive(Debug, Default)]
pub struct Answers {
    open: BTreeMap<u64, Open>,
}

impl Answers {
    /// The handler of a request said something that waits for the disk.
    pub fn said(&mut self, request: u64) {
        self.open.entry(request).or_default().waiting += 1;
    }

    /// The answer to a request: it comes back if nothing is waited for.
    pub fn hold(&mut self, request: u64, answer: Kept) -> Result<(), Kept> {
        match self.open.get_mut(&request) {
            Some(open) => {
                open.answer.get_or_insert(answer);
                Ok(())
            }
            None => Err(answer),
        }
    }

    /// Something that a request's handler said is decided. `lost`: it is not on disk, and the handler did not hear so.
    /// The answer, if all is decided and it was given; and whether something was lost.
    pub fn decided(&mut self, request: u64, lost: bool) -> Option<(Kept, bool)> {
        let open = self.open.get_mut(&request)?;
        open.waiting = open.waiting.saturating_sub(1);
        open.failed |= lost;
        if open.waiting > 0 {
            return None;
        }
        let open = self.open.remove(&request)?;
        Some((open.answer?, open.failed))
    }

    /// How many requests there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}
