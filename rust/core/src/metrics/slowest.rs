//! Who is worst: a table of so many, whatever happens and whatever names peers invent.
//!
//! Who is not in it takes the place of the least bad, and is counted from there (the space-saving sketch): so whoever is
//! really bad is in it, and may be told worse than it is by as much as that one was. Each minute all count half, and who
//! does not come to one goes.

use crate::limits::fixed::SLOWEST;

/// One of the worst.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<K> {
    /// Who.
    pub key: K,
    /// How bad.
    pub weight: u64,
    /// The worst of it (ns, or a count, as the table has it).
    pub worst: u64,
    /// When it was last so (ns of the hands' clock).
    pub moment: u64,
    /// With what: an example.
    pub example: u64,
}

/// The worst.
#[derive(Clone, Debug)]
pub struct Slowest<K> {
    rows: Vec<Row<K>>,
}

impl<K> Default for Slowest<K> {
    fn default() -> Self {
        Self { rows: Vec::with_capacity(SLOWEST) }
    }
}

impl<K: Clone + PartialEq> Slowest<K> {
    /// Something bad of somebody, so much of it.
    pub fn note(&mut self, key: K, weight: u64, worst: u64, moment: u64, example: u64) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.key == key) {
            row.weight = row.weight.saturating_add(weight);
            if worst >= row.worst {
                (row.worst, row.example) = (worst, example);
            }
            row.moment = moment;
            return;
        }
        if self.rows.len() < SLOWEST {
            self.rows.push(Row { key, weight, worst, moment, example });
            return;
        }
        if let Some(least) = self.rows.iter_mut().min_by_key(|row| row.weight) {
            let weight = least.weight.saturating_add(weight);
            *least = Row { key, weight, worst, moment, example };
        }
    }

    /// A minute is over.
    pub fn fade(&mut self) {
        self.rows.retain_mut(|row| {
            row.weight /= 2;
            row.weight > 0
        });
    }

    /// The worst first.
    #[must_use]
    pub fn rows(&self) -> Vec<Row<K>> {
        let mut rows = self.rows.clone();
        rows.sort_by_key(|row| std::cmp::Reverse((row.weight, row.worst)));
        rows
    }
}
