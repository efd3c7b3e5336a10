//! What happened lately: the last ten seconds, minute and hour, of anything that can be added up.
//!
//! Theory. What is counted is cut into seconds. Ten of them are the first window; ten added up are a part of the second,
//! which has six; thirty of those a part of the third, which has twelve. A window is its whole parts and what has begun
//! since: so it is never shorter than its name, and longer by less than one part of its own.

use std::collections::VecDeque;

/// Something that can be added up.
pub trait Part: Clone + Default {
    /// And this, too.
    fn add(&mut self, other: &Self);
}

/// How far back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Ten seconds.
    Seconds,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
}

impl Window {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Seconds, Self::Minute, Self::Hour];

    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Seconds => "10s",
            Self::Minute => "1m",
            Self::Hour => "1h",
        }
    }
}

/// By window: how many whole parts it has, and of how many of the one before each is made.
const PARTS: [(usize, u32); 3] = [(10, 1), (6, 10), (12, 30)];

/// After so many empty seconds nothing is left in any window.
pub const FORGOTTEN: u32 = 3_600 + 300;

#[derive(Clone, Debug, Default)]
struct Level<T> {
    whole: VecDeque<T>,
    begun: T,
    of: u32,
}

/// The three windows.
#[derive(Clone, Debug, Default)]
pub struct Windows<T> {
    levels: [Level<T>; 3],
}

impl<T: Part> Windows<T> {
    /// A second is over, in which this happened.
    pub fn push(&mut self, second: T) {
        let mut part = second;
        for (level, (most, made_of)) in self.levels.iter_mut().zip(PARTS) {
            level.begun.add(&part);
            level.of += 1;
            if level.of < made_of {
                return;
            }
            level.of = 0;
            part = std::mem::take(&mut level.begun);
            if level.whole.len() == most {
                level.whole.pop_front();
            }
            level.whole.push_back(part.clone());
        }
    }

    /// What happened in a window, and in the second that has begun.
    #[must_use]
    pub fn within(&self, window: Window, begun: &T) -> T {
        let mut all = begun.clone();
        let upto = window as usize;
        for level in &self.levels[..=upto] {
            all.add(&level.begun);
        }
        for whole in &self.levels[upto].whole {
            all.add(whole);
        }
        all
    }
}

/// Numbers that are added up, each for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums(pub Vec<u64>);

impl Sums {
    /// The number at a place; 0 where there is none.
    #[must_use]
    pub fn at(&self, place: usize) -> u64 {
        self.0.get(place).copied().unwrap_or(0)
    }
}

impl Part for Sums {
    fn add(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (sum, more) in self.0.iter_mut().zip(&other.0) {
            *sum = sum.saturating_add(*more);
        }
    }
}

/// Counters that only rise, and by how much in each window.
#[derive(Clone, Debug, Default)]
pub struct Rates {
    before: Vec<u64>,
    past: Windows<Sums>,
}

impl Rates {
    /// A second is over; the counters stand so.
    pub fn tick(&mut self, counters: &[u64]) {
        let second = self.since(counters);
        self.before.clear();
        self.before.extend_from_slice(counters);
        self.past.push(second);
    }

    /// By how much each has risen in a window; they stand so now.
    #[must_use]
    pub fn within(&self, window: Window, counters: &[u64]) -> Sums {
        self.past.within(window, &self.since(counters))
    }

    fn since(&self, counters: &[u64]) -> Sums {
        let before = self.before.iter().copied().chain(std::iter::repeat(0));
        Sums(counters.iter().zip(before).map(|(now, before)| now.saturating_sub(before)).collect())
    }
}
