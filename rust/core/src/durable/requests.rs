//! Durable requests: on disk before their handlers begin, and their acks before these leave.

use super::until::Until;
use crate::ids::{Form, SessionId, Tick};
use std::collections::{BTreeMap, BTreeSet};

/// A request whose handler begins when it is on disk that it was taken.
#[derive(Debug)]
pub struct Begins {
    /// Whose.
    pub session: SessionId,
    /// Its id.
    pub id: u64,
    /// Which handler.
    pub handler: u32,
    /// How its data is written.
    pub form: Form,
    /// Its data.
    pub data: Box<[u8]>,
    /// It has a key.
    pub keyed: bool,
}

/// All of them, by their tickets.
#[derive(Debug, Default)]
pub struct Requests {
    begins: BTreeMap<u64, Begins>,
    until: Until,
    begun: BTreeSet<u64>,
}

impl Requests {
    /// One is on its way to the disk.
    pub fn take(&mut self, request: u64, begins: Begins, now: Tick) {
        self.begins.insert(request, begins);
        self.until.add(request, now);
    }

    /// It is there, or never will be.
    pub fn begin(&mut self, request: u64) -> Option<Begins> {
        let begins = self.begins.remove(&request);
        self.tidy();
        begins
    }

    /// When the oldest has waited for too long.
    #[must_use]
    pub fn due(&self) -> Option<Tick> {
        self.until.due()
    }

    /// One that has: it does not begin any more.
    pub fn overdue(&mut self, now: Tick) -> Option<u64> {
        let request = self.until.overdue(now)?;
        self.begin(request);
        Some(request)
    }

    fn tidy(&mut self) {
        self.until.tidy(|request| self.begins.contains_key(&request));
    }

    /// Its handler runs.
    pub fn runs(&mut self, request: u64) {
        self.begun.insert(request);
    }

    /// It has its answer. False: it is no durable one.
    pub fn answered(&mut self, request: u64) -> bool {
        self.begun.remove(&request)
    }

    /// Nobody waits for it any more.
    pub fn forget(&mut self, request: u64) {
        self.begins.remove(&request);
        self.begun.remove(&request);
        self.tidy();
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.begins.len() + self.begun.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
