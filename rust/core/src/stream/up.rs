//! Items on their way up.
//!
//! Invariants: `taken + waiting.len() == next <= credit`; `bytes` is the sum of `waiting`.

use crate::limits::fixed::{STREAM_FIRST, STREAM_WINDOW};
use std::collections::VecDeque;

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Arrived {
    /// It is the next one.
    Next,
    /// It came before.
    Again,
    /// One before it did not come.
    Early,
    /// The credit does not reach so far.
    Beyond,
}

/// One stream up.
#[derive(Debug, Default)]
pub struct Up {
    next: u64,
    credit: u64,
    taken: u64,
    /// Sizes of the items that wait for the application.
    waiting: VecDeque<u32>,
    bytes: usize,
    largest: usize,
    /// The peer has said that no item follows.
    pub closed: bool,
}

impl Up {
    /// The next item wanted.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Items up to here may come.
    #[must_use]
    pub fn credit(&self) -> u64 {
        self.credit
    }

    /// Bytes of the items that wait for the application.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Item `n` came.
    pub fn arrive(&mut self, n: u64, size: usize) -> Arrived {
        if n < self.next {
            return Arrived::Again;
        }
        if n > self.next || self.closed {
            return Arrived::Early;
        }
        if n >= self.credit {
            return Arrived::Beyond;
        }
        let kept = u32::try_from(size).unwrap_or(u32::MAX); // what is counted here is what `take` counts back
        self.next = self.next.saturating_add(1);
        self.waiting.push_back(kept);
        self.bytes = self.bytes.saturating_add(kept as usize);
        self.largest = self.largest.max(size);
        Arrived::Next
    }

    /// The application has taken so many.
    pub fn take(&mut self, count: u64) {
        for _ in 0..count {
            let Some(size) = self.waiting.pop_front() else { return };
            self.taken = self.taken.saturating_add(1);
            self.bytes = self.bytes.saturating_sub(size as usize);
        }
    }

    /// Raise the credit, if it is time to: items in half a window, or all that were allowed, have been taken.
    /// So many bytes may wait.
    pub fn grant(&mut self, bytes: usize) -> Option<u64> {
        let fits = bytes.checked_div(self.largest).unwrap_or(bytes) as u64;
        let window = if self.next == 0 { STREAM_FIRST } else { fits.clamp(1, STREAM_WINDOW) };
        let credit = self.taken.saturating_add(window);
        if self.closed || credit <= self.credit {
            return None;
        }
        if credit.saturating_sub(self.credit).saturating_mul(2) < window && self.next < self.credit {
            return None;
        }
        self.credit = credit;
        Some(credit)
    }

    /// Nobody takes what waits.
    pub fn clear(&mut self) {
        self.closed = true;
        self.taken = self.next;
        self.waiting = VecDeque::new();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_once_in_order_and_within_the_credit() {
        let mut up = Up::default();
        assert_eq!(up.arrive(0, 1), Arrived::Beyond);
        assert_eq!(up.grant(1000), Some(STREAM_FIRST));
        assert_eq!(up.arrive(1, 1), Arrived::Early);
        for n in 0..STREAM_FIRST {
            assert_eq!(up.arrive(n, 1), Arrived::Next);
            assert_eq!(up.arrive(n, 1), Arrived::Again);
        }
        assert_eq!(up.arrive(STREAM_FIRST, 1), Arrived::Beyond);
        assert_eq!(up.bytes(), 4);
    }

    #[test]
    fn credit_follows_what_was_taken_and_is_small_for_large_items() {
        let mut up = Up::default();
        assert_eq!(up.grant(1000), Some(4));
        for n in 0..4 {
            assert_eq!(up.arrive(n, 400), Arrived::Next);
        }
        assert_eq!(up.grant(1000), None, "two of 400 bytes fit, and four wait");
        up.take(3);
        assert_eq!(up.grant(1000), Some(5));
        up.take(9);
        assert_eq!((up.bytes(), up.grant(1000)), (0, Some(6)));
    }
}
