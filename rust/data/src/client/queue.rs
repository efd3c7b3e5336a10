//! One's own changes in the order of their numbers, and by key.
//!
//! A laptop comes back with a hundred thousand of them: nothing here looks at all of them for one of them.
//!
//! Invariants: numbers rise by one; `by_key` has the numbers of each key's changes, and no others; `answered` has those with an
//! outcome that are not confirmed yet.

use super::pending::Pending;
use crate::change::Op;
use crate::collection::Outcome;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    all: VecDeque<Pending>,
    by_key: BTreeMap<Box<str>, VecDeque<u64>>,
    answered: BTreeSet<u64>,
}

impl Queue {
    fn place(&self, n: u64) -> Option<usize> {
        let place = usize::try_from(n.checked_sub(self.all.front()?.n)?).ok()?;
        self.all.get(place).filter(|pending| pending.n == n).map(|_| place)
    }

    pub fn push(&mut self, pending: Pending) {
        self.by_key.entry(pending.key.clone()).or_default().push_back(pending.n);
        if pending.outcome.is_some() {
            self.answered.insert(pending.n);
        }
        self.all.push_back(pending);
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Pending> {
        self.all.iter()
    }

    pub fn first(&self) -> Option<&Pending> {
        self.all.front()
    }

    pub fn get(&self, n: u64) -> Option<&Pending> {
        self.place(n).map(|place| &self.all[place])
    }

    /// Whether a change up to this number was never sent: who is told of its number hears of another's.
    pub fn is_unsent(&self, n: u64) -> bool {
        let Some(first) = self.all.front().map(|first| first.n) else { return false };
        let upto = usize::try_from(n.saturating_add(1).saturating_sub(first))
            .unwrap_or(usize::MAX)
            .min(self.all.len());
        // They are sent in their order, and what was taken back before that says nothing.
        let last = self.all.range(..upto).rev().find(|pending| pending.op != Op::Skip);
        last.is_some_and(|pending| !pending.sent)
    }

    /// Set that it may have been sent.
    pub fn send(&mut self, n: u64) {
        if let Some(place) = self.place(n) {
            self.all[place].sent = true;
        }
    }

    /// It is in what is confirmed. Whether that is new.
    pub fn confirm(&mut self, n: u64) -> bool {
        self.place(n).is_some_and(|place| !std::mem::replace(&mut self.all[place].confirmed, true))
    }

    /// What was confirmed is gone: each is shown again until it is in what comes next. Those that change: number and key.
    pub fn unconfirm(&mut self) -> Vec<(u64, Box<str>)> {
        let mut numbers = Vec::new();
        for pending in &mut self.all {
            let is_in = pending.confirmed && pending.op != Op::Skip;
            // What came to nothing, or changed nothing, is in nothing that could come.
            if is_in && matches!(pending.outcome, None | Some(Outcome::Done { seq: Some(_), .. })) {
                pending.confirmed = false;
                numbers.push((pending.n, pending.key.clone()));
                if pending.outcome.is_some() {
                    self.answered.insert(pending.n);
                }
            }
        }
        numbers
    }

    /// What came of it. False: it is not there, or that was known.
    pub fn answer(&mut self, n: u64, outcome: Outcome) -> bool {
        let Some(place) = self.place(n).filter(|place| self.all[*place].outcome.is_none()) else {
            return false;
        };
        self.all[place].outcome = Some(outcome);
        self.answered.insert(n);
        true
    }

    /// Its number says nothing any more; what it was.
    pub fn skip(&mut self, n: u64) -> Option<Pending> {
        let place = self.place(n)?;
        self.answered.remove(&n);
        let skip = self.all[place].skip();
        Some(std::mem::replace(&mut self.all[place], skip))
    }

    /// What was done in an epoch that has ended counts as not answered. What came to nothing, or changed nothing, is over with its
    /// answer, and may be decided by now: its number says nothing. Of these number and key: they are kept as that, too, and seen again.
    pub fn unanswered(&mut self) -> Vec<(u64, Box<str>)> {
        self.answered.clear();
        let mut numbers = Vec::new();
        for pending in &mut self.all {
            let outcome = pending.outcome.take();
            match outcome {
                None | Some(Outcome::Done { seq: Some(_), .. }) => pending.confirmed = pending.op == Op::Skip,
                Some(_) => *pending = pending.skip(),
            }
            if outcome.is_some() {
                numbers.push((pending.n, pending.key.clone()));
            }
        }
        numbers
    }

    /// From this number on.
    pub fn from(&self, n: u64) -> impl Iterator<Item = &Pending> {
        let first = self.all.front().map_or(0, |first| first.n);
        let skipped = usize::try_from(n.saturating_sub(first)).unwrap_or(usize::MAX);
        self.all.iter().skip(skipped)
    }

    /// The highest number whose outcome is known.
    pub fn last_answered(&self) -> Option<u64> {
        self.all.iter().rev().find(|pending| pending.outcome.is_some()).map(|pending| pending.n)
    }

    /// Those of a key that are not in what is confirmed.
    pub fn of_key(&self, key: &str) -> impl Iterator<Item = &Pending> {
        let numbers = self.by_key.get(key).into_iter().flatten();
        numbers.filter_map(|n| self.get(*n)).filter(|pending| !pending.confirmed)
    }

    /// Those with an outcome that are not confirmed: which are now, number and key.
    pub fn settle(&mut self, held: impl Fn(&Pending) -> bool) -> Vec<(u64, Box<str>)> {
        let mut settled = Vec::new();
        let numbers: Vec<u64> = self.answered.iter().copied().collect();
        for n in numbers {
            match self.place(n).map(|place| &mut self.all[place]) {
                Some(pending) if !pending.confirmed && !held(pending) => {}
                pending => {
                    if let Some(pending) = pending.filter(|pending| !pending.confirmed) {
                        pending.confirmed = true;
                        settled.push((n, pending.key.clone()));
                    }
                    self.answered.remove(&n);
                }
            }
        }
        settled
    }

    /// The first, if it is over.
    pub fn pop(&mut self) -> Option<Pending> {
        self.all.front().filter(|first| first.confirmed && first.outcome.is_some())?;
        let first = self.all.pop_front()?;
        self.answered.remove(&first.n);
        if let Some(numbers) = self.by_key.get_mut(&first.key) {
            numbers.retain(|n| *n != first.n);
            if numbers.is_empty() {
                self.by_key.remove(&first.key);
            }
        }
        Some(first)
    }

    /// All of them, out.
    pub fn drain(&mut self) -> Vec<Pending> {
        std::mem::take(self).all.into()
    }
}
