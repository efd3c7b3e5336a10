//! How durations are spread: a histogram that keeps the buckets in use alone, and one that is quick to add to.

use super::scale::{BUCKETS, bucket, middle};
use super::windows::Part;

/// How many durations of which length; those that are over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// Bucket and count, in order.
    cells: Vec<(u16, u64)>,
    count: u64,
    sum: u64,
    max: u64,
}

impl Spread {
    /// How many.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// All together (ns).
    #[must_use]
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    /// The longest (ns).
    #[must_use]
    pub const fn max(&self) -> u64 {
        self.max
    }

    /// Bucket and count, in order; no empty one.
    #[must_use]
    pub fn cells(&self) -> &[(u16, u64)] {
        &self.cells
    }

    /// The mean (ns); none of nothing.
    #[must_use]
    pub fn mean(&self) -> Option<u64> {
        self.sum.checked_div(self.count)
    }

    /// The duration below or at which so many of a thousand are (ns), 2 % off at most; none of nothing.
    #[must_use]
    pub fn quantile(&self, thousandths: u64) -> Option<u64> {
        if self.count == 0 {
            return None;
        }
        let rank = u128::from(self.count) * u128::from(thousandths.min(1000));
        let rank = rank.div_ceil(1000).max(1);
        let mut below = 0u128;
        for (at, count) in &self.cells {
            below += u128::from(*count);
            if below >= rank {
                return Some(middle(*at as usize).min(self.max));
            }
        }
        Some(self.max)
    }

    /// How many are at most as long as the longest of this bucket.
    #[must_use]
    pub fn upto(&self, bucket: usize) -> u64 {
        self.cells.iter().take_while(|(at, _)| *at as usize <= bucket).map(|(_, count)| count).sum()
    }
}

impl Part for Spread {
    fn add(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
        self.max = self.max.max(other.max);
        let mut at = 0;
        for (bucket, count) in &other.cells {
            at += self.cells[at..].partition_point(|(known, _)| known < bucket);
            match self.cells.get_mut(at) {
                Some((known, held)) if known == bucket => *held = held.saturating_add(*count),
                _ => self.cells.insert(at, (*bucket, *count)),
            }
        }
    }
}

/// What is being counted now: to add to it is a few instructions, and allocates nothing.
#[derive(Clone, Debug)]
pub struct Open {
    cells: Box<[u32; BUCKETS]>,
    count: u64,
    sum: u64,
    max: u64,
}

impl Default for Open {
    fn default() -> Self {
        Self { cells: Box::new([0; BUCKETS]), count: 0, sum: 0, max: 0 }
    }
}

impl Open {
    /// So many took so long (ns).
    #[inline]
    pub fn record(&mut self, ns: u64, times: u32) {
        let cell = &mut self.cells[bucket(ns)];
        *cell = cell.saturating_add(times);
        self.count = self.count.saturating_add(u64::from(times));
        self.sum = self.sum.saturating_add(ns.saturating_mul(u64::from(times)));
        self.max = self.max.max(ns);
    }

    /// What was counted.
    #[must_use]
    pub fn spread(&self) -> Spread {
        if self.count == 0 {
            return Spread::default();
        }
        let cells = (0u16..).zip(self.cells.iter()).filter(|(_, count)| **count > 0);
        let cells = cells.map(|(at, count)| (at, u64::from(*count))).collect();
        Spread { cells, count: self.count, sum: self.sum, max: self.max }
    }

    /// What was counted; from now on nothing was.
    pub fn take(&mut self) -> Spread {
        let spread = self.spread();
        for (at, _) in &spread.cells {
            self.cells[*at as usize] = 0;
        }
        (self.count, self.sum, self.max) = (0, 0, 0);
        spread
    }
}
