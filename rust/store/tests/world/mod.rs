//! A store in a folder of its own, and what it reported.
#![allow(dead_code, reason = "each test program uses a part of it")]

use rtcore_core::Form;
use rtcore_core::log::acks;
use rtcore_core::store::{
    Author, Entry, Group, GroupId, Kept, Page, Read, Record, Report, Session, Sync, Trouble, Wanted,
};
use rtcore_store::{Options, Store};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tempfile::TempDir;

/// Longer than anything takes: it is waited for what happens, and never for the time.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder, and the store in it.
pub struct World {
    pub folder: TempDir,
    pub store: Option<Store>,
    pub kept: Kept,
    pub reports: Receiver<Report>,
    pub group: GroupId,
}

/// Options of a test: nothing of the machine's.
pub fn options() -> Options {
    Options { boot: Some("one".into()), free_floor: 0, ..Options::default() }
}

impl World {
    /// A store in a new folder.
    pub fn new(options: Options) -> Self {
        Self::within(tempfile::tempdir().expect("a folder"), options)
    }

    /// A store in this folder.
    pub fn within(folder: TempDir, options: Options) -> Self {
        let (store, kept, reports) = open(folder.path(), options).expect("it opens");
        Self { folder, store: Some(store), kept, reports, group: 0 }
    }

    pub fn store(&self) -> &Store {
        self.store.as_ref().expect("it is open")
    }

    /// End in whatever order, and begin again.
    pub fn again(&mut self, options: Options) {
        self.store = None;
        let (store, kept, reports) = open(self.folder.path(), options).expect("it opens");
        (self.store, self.kept, self.reports) = (Some(store), kept, reports);
    }

    /// Write these, without waiting.
    pub fn send(&mut self, sync: Sync, records: Vec<Record>) -> GroupId {
        self.group += 1;
        self.store().write(Group { id: self.group, sync, records });
        self.group
    }

    /// Write these, and have them on disk.
    pub fn write(&mut self, records: Vec<Record>) {
        let id = self.send(Sync::Full, records);
        match self.report() {
            Report::Written(written) if written == id => {}
            other => panic!("{other:?} where group {id} was to be written"),
        }
    }

    /// The next report.
    pub fn report(&self) -> Report {
        self.reports.recv_timeout(PATIENCE).expect("a report")
    }

    /// All reports that are there.
    pub fn said(&self) -> Vec<Report> {
        self.reports.try_iter().collect()
    }

    /// Read, and say what came.
    pub fn read(&self, wanted: Wanted) -> Result<Page, Trouble> {
        self.store().read(Read { id: 7, wanted });
        loop {
            if let Report::Read(7, page) = self.report() {
                return page;
            }
        }
    }

    /// A page of a room's entries above a number: they, whether it is complete, and what is gone.
    pub fn after(&self, room: &str, after: u64, count: usize) -> (Vec<Entry>, bool, u64) {
        let wanted = Wanted::After { room: room.into(), after, upto: u64::MAX >> 1, count, bytes: 1 << 20 };
        entries(self.read(wanted))
    }

    /// A page of a room's newest entries.
    pub fn last(&self, room: &str, upto: u64, count: usize) -> (Vec<Entry>, bool, u64) {
        entries(self.read(Wanted::Last { room: room.into(), upto, count, bytes: 1 << 20 }))
    }

    /// All numbers of a room, page by page.
    pub fn numbers(&self, room: &str) -> Vec<u64> {
        let mut found: Vec<u64> = Vec::new();
        loop {
            let (entries, complete, _) = self.after(room, found.last().copied().unwrap_or(0), 100);
            found.extend(entries.iter().map(|entry| entry.seq));
            if complete {
                return found;
            }
        }
    }
}

/// Open a store whose reports come by a channel.
pub fn open(path: &Path, options: Options) -> Result<(Store, Kept, Receiver<Report>), Trouble> {
    let (tell, reports) = channel();
    let (store, kept) = Store::open(path, options, move |report| drop(tell.send(report)))?;
    Ok((store, kept, reports))
}

fn entries(page: Result<Page, Trouble>) -> (Vec<Entry>, bool, u64) {
    match page.expect("it is read") {
        Page::Entries { entries, complete, freed } => (entries, complete, freed),
        other => panic!("{other:?}"),
    }
}

/// An entry with everything.
pub fn entry(seq: u64, room: &str) -> Entry {
    Entry {
        seq,
        room: room.into(),
        event: "said".into(),
        data: format!("{{\"n\":{seq}}}").as_bytes().into(),
        form: Form::Json,
        time: 1_000 + seq,
        from: Some(Author { session: "s-1".into(), user: Some("ann".into()) }),
        exclude: Some("s-1".into()),
        trace: None,
        slot: Some(b"slot".as_slice().into()),
    }
}

/// The fact of it.
pub fn said(seq: u64, room: &str) -> Record {
    Record::Entry(entry(seq, room))
}

/// A session's row.
pub fn session(name: &str) -> Session {
    let (user, ends) = (Some("ann".into()), Some(9_000));
    Session { name: name.into(), user, key: [7; 32], upto: 65_536, asks: 3, ends, address: None }
}

/// An ack.
pub fn ack(text: &str) -> acks::Kept {
    acks::Kept::Data { bytes: text.as_bytes().into(), form: Form::Json }
}
