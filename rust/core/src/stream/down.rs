//! Items on their way down.
//!
//! Invariants: `first <= next <= made()`; `sent` is the cost of the items before `next`, `unsent` that of the others;
//! `window` is at least the distance that the peer has ever consumed behind its credit, if it keeps to the protocol.

use std::collections::VecDeque;

/// What keeping an item costs beside its bytes.
const COST: usize = 64;

/// One stream down.
#[derive(Debug)]
pub struct Down {
    items: VecDeque<Box<[u8]>>,
    /// The number of the oldest item that is kept.
    first: u64,
    /// The number of the next item to be sent.
    next: u64,
    credit: u64,
    window: u64,
    sent: usize,
    unsent: usize,
    /// The application waits until it may make another item.
    pub waits: bool,
}

fn cost(item: &[u8]) -> usize {
    item.len().saturating_add(COST)
}

impl Down {
    /// A stream of which items up to `credit` may be sent.
    #[must_use]
    pub fn new(credit: u64) -> Self {
        Self {
            items: VecDeque::new(),
            first: 0,
            next: 0,
            credit,
            window: credit,
            sent: 0,
            unsent: 0,
            waits: false,
        }
    }

    /// How many items there are so far.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.first.saturating_add(self.items.len() as u64)
    }

    /// Whether the credit allows another item.
    #[must_use]
    pub fn may_make(&self) -> bool {
        self.made() < self.credit
    }

    /// What the items cost that have yet to be sent.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.unsent
    }

    /// What all kept items cost.
    #[must_use]
    pub fn held(&self) -> usize {
        self.sent.saturating_add(self.unsent)
    }

    /// One more item.
    pub fn push(&mut self, item: &[u8]) {
        self.unsent = self.unsent.saturating_add(cost(item));
        self.items.push_back(item.into());
    }

    /// Items up to `n` may be sent; less than before says nothing.
    pub fn raise(&mut self, n: u64) {
        let by = n.saturating_sub(self.credit);
        if by == 0 {
            return;
        }
        if by > self.window {
            self.window = self.window.saturating_add(by);
        }
        self.credit = n;
        self.let_go_before(n.saturating_sub(self.window));
    }

    /// The next item to be sent, if there is one: its number and bytes.
    #[must_use]
    pub fn due(&self) -> Option<(u64, &[u8])> {
        if self.next >= self.credit {
            return None;
        }
        Some((self.next, self.next_item()?))
    }

    fn next_item(&self) -> Option<&[u8]> {
        let at = self.next.checked_sub(self.first)?;
        self.items.get(usize::try_from(at).ok()?).map(|item| &**item)
    }

    /// It was handed to an outbox. What was sent is kept up to `bound`.
    pub fn pass(&mut self, bound: usize) {
        let Some(item) = self.next_item() else { return };
        let cost = cost(item);
        self.unsent = self.unsent.saturating_sub(cost);
        self.sent = self.sent.saturating_add(cost);
        self.next = self.next.saturating_add(1);
        while self.sent > bound {
            self.let_go();
        }
    }

    /// Whether all items were handed over.
    #[must_use]
    pub fn is_through(&self) -> bool {
        self.next == self.made()
    }

    /// Whether item `n` is kept, or is the next that will be made.
    #[must_use]
    pub fn has(&self, n: u64) -> bool {
        (self.first..=self.made()).contains(&n)
    }

    /// The peer is back and wants item `n` next. False: it is not kept any more, or was never made.
    #[must_use]
    pub fn want(&mut self, n: u64) -> bool {
        if !self.has(n) {
            return false;
        }
        self.next = n;
        self.let_go_before(n);
        (self.sent, self.unsent) = (0, self.items.iter().map(|item| cost(item)).sum());
        true
    }

    /// Nobody wants what is kept.
    pub fn clear(&mut self) {
        let made = self.made();
        (self.first, self.next, self.sent, self.unsent) = (made, made, 0, 0);
        self.items = VecDeque::new();
    }

    fn let_go_before(&mut self, n: u64) {
        while self.first < n.min(self.next) {
            self.let_go();
        }
    }

    /// The oldest item, which was sent.
    fn let_go(&mut self) {
        if let Some(item) = self.items.pop_front() {
            self.first = self.first.saturating_add(1);
            self.sent = self.sent.saturating_sub(cost(&item));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_items(credit: u64, count: u64) -> Down {
        let mut down = Down::new(credit);
        for n in 0..count {
            assert!(down.may_make(), "item {n}");
            down.push(n.to_string().as_bytes());
        }
        down
    }

    fn send_all(down: &mut Down) -> Vec<u64> {
        let mut sent = Vec::new();
        while let Some((n, bytes)) = down.due() {
            assert_eq!(bytes, n.to_string().as_bytes());
            sent.push(n);
            down.pass(usize::MAX);
        }
        sent
    }

    #[test]
    fn nothing_is_made_beyond_the_credit() {
        let mut down = with_items(3, 3);
        assert!(!down.may_make());
        down.raise(2);
        assert!(!down.may_make(), "less than before says nothing");
        down.raise(u64::MAX);
        assert!(down.may_make());
    }

    #[test]
    fn items_are_kept_until_the_credit_is_a_window_beyond_them() {
        let mut down = with_items(4, 4);
        assert_eq!(send_all(&mut down), [0, 1, 2, 3]);
        down.raise(6); // it has consumed 2
        assert!(!down.want(1) && down.want(2));
        assert_eq!(send_all(&mut down), [2, 3]);
    }

    #[test]
    fn a_window_that_grows_loses_nothing() {
        let mut down = with_items(2, 2);
        assert_eq!(send_all(&mut down), [0, 1]);
        down.raise(50); // it has consumed nothing, and wants more at a time
        assert!(down.want(0));
    }

    #[test]
    fn what_was_sent_is_kept_up_to_a_bound_and_what_was_not_is_not_let_go() {
        let mut down = with_items(u64::MAX, 10);
        for _ in 0..6 {
            down.pass(3 * (COST + 1));
        }
        assert_eq!((down.held(), down.unsent()), (7 * (COST + 1), 4 * (COST + 1)));
        assert!(!down.want(2) && !down.want(11) && down.want(3));
        assert_eq!(send_all(&mut down), [3, 4, 5, 6, 7, 8, 9]);
        assert!(down.is_through() && down.want(10) && down.held() == 0);
    }
}
