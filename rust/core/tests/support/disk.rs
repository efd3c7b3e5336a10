//! A store in memory: it answers when the test says so, and what it holds is what it said was written.

use super::world::World;
use rtcore_core::store::{Ask, Group, Record, Report, Trouble};
use rtcore_core::{Engine, Now};
use std::collections::VecDeque;

/// What the store does with a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// It answers at once.
    #[default]
    Quick,
    /// It answers when it is told to.
    Waits,
}

#[derive(Debug, Default)]
pub struct Disk {
    pub mood: Mood,
    /// What it was asked for, and has not answered.
    pub asked: VecDeque<Ask>,
    /// All that is on it.
    pub written: Vec<Record>,
    /// Groups that it wrote.
    pub groups: usize,
}

pub fn trouble() -> Trouble {
    Trouble { kind: "full", text: "the disk is full: 0 bytes are free".into() }
}

impl Disk {
    /// Answer all that was asked, if it is quick; whether there was anything.
    pub fn answer(&mut self, engine: &mut Engine, now: Now) -> bool {
        self.mood == Mood::Quick && self.write(engine, now)
    }

    /// Write the next group; false: there is none.
    pub fn write(&mut self, engine: &mut Engine, now: Now) -> bool {
        match self.asked.pop_front() {
            Some(Ask::Write(group)) => {
                engine.report(self.keep(group), now);
                true
            }
            Some(Ask::Read(_)) | None => false,
        }
    }

    fn keep(&mut self, group: Group) -> Report {
        assert!(!group.records.is_empty(), "a group without facts");
        self.groups += 1;
        self.written.extend(group.records);
        Report::Written(group.id)
    }

    /// Refuse the next group.
    pub fn refuse(&mut self, engine: &mut Engine, now: Now) {
        if let Some(Ask::Write(group)) = self.asked.pop_front() {
            engine.report(Report::Refused(group.id, trouble()), now);
        }
    }

    /// Numbers of the entries that are on it.
    pub fn entries(&self) -> Vec<u64> {
        let entries = self.written.iter().filter_map(|record| match record {
            Record::Entry(entry) => Some(entry.seq),
            _ => None,
        });
        entries.collect()
    }
}

impl World {
    /// The store writes the next group, and the world comes to rest.
    pub fn write(&mut self) {
        self.disk.write(&mut self.engine, self.now);
        self.settle();
    }

    /// It refuses it.
    pub fn refuse(&mut self) {
        self.disk.refuse(&mut self.engine, self.now);
        self.settle();
    }

    /// It says this.
    pub fn report(&mut self, report: Report) {
        self.engine.report(report, self.now);
        self.settle();
    }
}
