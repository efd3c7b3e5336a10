//! What is counted, and what is said of it.

use rtcore_core::store::Trouble;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Counters that the writer raises and anybody reads.
#[derive(Debug, Default)]
pub struct Counters {
    groups: AtomicU64,
    records: AtomicU64,
    refused: AtomicU64,
    unknown: AtomicU64,
    not_noted: AtomicU64,
    slowest_us: AtomicU64,
    down: Mutex<Option<Trouble>>,
    ailing: Mutex<Option<Trouble>>,
}

/// How a store does.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Groups that were written in this life.
    pub groups: u64,
    /// Facts in them.
    pub records: u64,
    /// Groups that were refused.
    pub refused: u64,
    /// Groups of which it was not known for a while whether they were written.
    pub unknown: u64,
    /// How often the note beside the log could not be written.
    pub not_noted: u64,
    /// The longest that a group took (us).
    pub slowest_us: u64,
    /// Why nothing is taken, if nothing is.
    pub down: Option<Trouble>,
    /// Why the disk did not take what it was last given to keep, if it did not.
    pub ailing: Option<Trouble>,
    /// Bytes of the log.
    pub log_bytes: u64,
    /// Bytes of the journal beside it.
    pub journal_bytes: u64,
    /// Bytes of the disk that are free, if the system says it.
    pub free_bytes: Option<u64>,
}

impl Counters {
    pub(crate) fn written(&self, records: usize, took: Duration) {
        self.groups.fetch_add(1, Ordering::Relaxed);
        self.records.fetch_add(records as u64, Ordering::Relaxed);
        self.slowest_us.fetch_max(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
    pub(crate) fn refused(&self, why: &Trouble) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        *self.ailing.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.clone());
    }
    /// What makes the log larger was taken.
    pub(crate) fn grew(&self) {
        *self.ailing.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
    pub(crate) fn unknown(&self) {
        self.unknown.fetch_add(1, Ordering::Relaxed);
    }
    pub(crate) fn not_noted(&self) {
        self.not_noted.fetch_add(1, Ordering::Relaxed);
    }
    pub(crate) fn set_down(&self, why: Option<Trouble>) {
        *self.down.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }
    pub(crate) fn health(&self) -> Health {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Health {
            groups: read(&self.groups),
            records: read(&self.records),
            refused: read(&self.refused),
            unknown: read(&self.unknown),
            not_noted: read(&self.not_noted),
            slowest_us: read(&self.slowest_us),
            down: self.down.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            ailing: self.ailing.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            ..Health::default()
        }
    }
}
