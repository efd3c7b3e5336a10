//! Durations of one kind: since the start, and in each window.

use super::spread::{Open, Spread};
use super::windows::{FORGOTTEN, Part, Window, Windows};

/// A series. Nothing is allocated for one that never happens.
#[derive(Clone, Debug, Default)]
pub struct Series {
    open: Option<Box<Open>>,
    past: Windows<Spread>,
    all: Spread,
    /// Seconds without anything.
    quiet: u32,
}

impl Series {
    /// So many took so long (ns).
    #[inline]
    pub fn record(&mut self, ns: u64, times: u32) {
        if let Some(open) = &mut self.open {
            open.record(ns, times);
        } else {
            self.begin(ns, times);
        }
    }

    /// It happens for the first time.
    #[cold]
    fn begin(&mut self, ns: u64, times: u32) {
        self.open.get_or_insert_default().record(ns, times);
    }

    /// A second is over.
    pub fn tick(&mut self) {
        let Some(open) = &mut self.open else { return };
        let second = open.take();
        if second.count() == 0 {
            self.quiet = self.quiet.saturating_add(1);
            if self.quiet > FORGOTTEN {
                return; // all windows are empty
            }
        } else {
            self.quiet = 0;
            self.all.add(&second);
        }
        self.past.push(second);
    }

    /// Whether it has ever happened.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.open.is_some()
    }

    /// Since the start.
    #[must_use]
    pub fn all(&self) -> Spread {
        let mut all = self.all.clone();
        all.add(&self.begun());
        all
    }

    /// In a window.
    #[must_use]
    pub fn within(&self, window: Window) -> Spread {
        self.past.within(window, &self.begun())
    }

    fn begun(&self) -> Spread {
        self.open.as_ref().map(|open| open.spread()).unwrap_or_default()
    }
}
