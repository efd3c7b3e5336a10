//! The one that writes: a thread, a connection, a group at a time.
//!
//! Invariants. A group is one transaction. `written` counts the transactions of all lives and is written in each, so
//! whether the last one is on disk can be read after anything went wrong. What is in memory changes after the disk did.
//! What is reported is true when it is reported: nothing is taken back.

use crate::beside::Beside;
use crate::connection::{self, Synchronous};
use crate::folder::Folder;
use crate::group::{self, SET};
use crate::options::Clock;
use crate::readers::{Readers, Tell};
use crate::rooms::{Change, Rooms};
use crate::stats::Counters;
use crate::trouble::{of_sqlite, trouble};
use crate::work::Work;
use rtcore_core::store::{Group, GroupId, Record, Report, Sync, Trouble};
use rusqlite::Connection;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long nothing comes before what is left to do is done.
const IDLE: Duration = Duration::from_secs(1);

/// What others want of it.
pub enum Command {
    /// Write this.
    Write(Group),
    /// Do this between two groups.
    Do(Box<dyn FnOnce(&mut Writer) + Send>),
    /// End.
    Stop,
}

/// What a writer begins with.
pub struct Parts {
    /// Where its files are.
    pub folder: Folder,
    /// The file system that `SQLite` uses; none: the usual one.
    pub vfs: Option<String>,
    /// The connection.
    pub connection: Connection,
    /// What stands beside the log.
    pub note: Beside,
    /// The rooms as they are on disk.
    pub rooms: Arc<Mutex<Rooms>>,
    /// The readers, whose connections are closed when the file is opened again.
    pub readers: Arc<Readers>,
    /// Where reports go.
    pub tell: Tell,
    /// What is counted.
    pub counters: Arc<Counters>,
    /// The time.
    pub clock: Clock,
    /// The server's running time so far (ms).
    pub running: u64,
    /// How long a key is kept (ms).
    pub key_ms: u64,
    /// How much of the disk stays free.
    pub free_floor: u64,
}

/// The writer.
pub struct Writer {
    pub(crate) parts: Parts,
    pub(crate) connection: Option<Rc<Connection>>,
    pub(crate) synchronous: Synchronous,
    /// Transactions that were committed.
    pub(crate) written: u64,
    /// Of them, those that are synced.
    pub(crate) synced: u64,
    /// Pages that are not yet in the file.
    pub(crate) pages: Arc<AtomicUsize>,
    pub(crate) work: Work,
    pub(crate) down: Option<Down>,
    pub(crate) commands: Receiver<Command>,
    pub(crate) stopped: bool,
    /// A copy is being made of this connection.
    pub(crate) copying: bool,
    /// The file must be opened again, when no copy is made of it any more.
    pub(crate) interrupted: Option<Interrupted>,
}

/// The file must be opened again.
pub struct Interrupted {
    /// The group that was under way.
    pub group: Option<GroupId>,
}

/// The store takes nothing.
pub struct Down {
    /// Why.
    pub trouble: Trouble,
    /// When it is tried again. None: it is not.
    pub again: Option<Instant>,
    /// How long to wait after that.
    pub wait: Duration,
    /// A group of which it is not known whether it is on disk.
    pub pending: Option<GroupId>,
    /// Whether it was said.
    pub said: bool,
}

/// Why a transaction was not committed.
pub enum Failed {
    /// It is not on disk, and never will be.
    Refused(Trouble),
    /// It may be.
    Unknown(Trouble),
}

pub(crate) fn lock(rooms: &Mutex<Rooms>) -> MutexGuard<'_, Rooms> {
    rooms.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Writer {
    /// One that writes what comes by `commands`.
    pub fn new(mut parts: Parts, commands: Receiver<Command>) -> Result<Self, Trouble> {
        let empty = Connection::open_in_memory()
            .map_err(|error| of_sqlite(&error, "cannot open", &parts.folder.log()))?;
        let connection = std::mem::replace(&mut parts.connection, empty);
        let written = parts.note.written;
        let mut writer = Self {
            parts,
            connection: None,
            synchronous: Synchronous::Full,
            written,
            synced: written,
            pages: Arc::default(),
            work: Work::default(),
            down: None,
            commands,
            stopped: false,
            copying: false,
            interrupted: None,
        };
        writer.take(connection)?;
        Ok(writer)
    }

    /// Use this connection.
    pub(crate) fn take(&mut self, mut connection: Connection) -> Result<(), Trouble> {
        let pages = Arc::clone(&self.pages);
        pages.store(0, Ordering::Relaxed);
        let hook = move |_: &mut rusqlite::hooks::Wal, count: i32| {
            pages.store(usize::try_from(count).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        };
        connection
            .wal_hook(Some(hook))
            .map_err(|error| of_sqlite(&error, "cannot set up", &self.parts.folder.log()))?;
        self.synchronous = Synchronous::Full;
        self.connection = Some(Rc::new(connection));
        Ok(())
    }

    /// Until it is told to stop, or nobody is left to tell it.
    pub fn run(mut self) {
        while !self.stopped {
            self.turn();
        }
        self.end();
    }

    /// A command that is there.
    pub(crate) fn glance(&mut self) {
        if let Ok(command) = self.commands.try_recv() {
            self.obey(command);
        }
    }

    /// One command, or one piece of work if there is none.
    fn turn(&mut self) {
        let command = match self.commands.try_recv() {
            Ok(command) => command,
            Err(TryRecvError::Disconnected) => Command::Stop,
            Err(TryRecvError::Empty) if self.has_work() => return self.work_on(),
            Err(TryRecvError::Empty) => match self.commands.recv_timeout(self.patience()) {
                Ok(command) => command,
                Err(RecvTimeoutError::Disconnected) => Command::Stop,
                Err(RecvTimeoutError::Timeout) => return self.idle(),
            },
        };
        self.obey(command);
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Write(group) => {
                self.group(&group);
                self.after_group();
            }
            Command::Do(work) => work(self),
            Command::Stop => self.stopped = true,
        }
    }

    fn patience(&self) -> Duration {
        match self.down.as_ref().and_then(|down| down.again) {
            Some(again) => again.saturating_duration_since(Instant::now()),
            None => IDLE,
        }
    }

    fn idle(&mut self) {
        if self.down.is_some() {
            self.try_again();
        } else {
            self.rest();
        }
    }

    pub(crate) fn tell(&self, report: Report) {
        (self.parts.tell)(report);
    }

    pub(crate) fn trouble(&self, error: &rusqlite::Error, doing: &str) -> Trouble {
        of_sqlite(error, doing, &self.parts.folder.log())
    }

    fn group(&mut self, group: &Group) {
        if let Some(down) = &self.down {
            return self.tell(Report::Refused(group.id, down.trouble.clone()));
        }
        if let Some(full) = self.floor(&group.records) {
            self.parts.counters.refused(&full);
            return self.tell(Report::Refused(group.id, full));
        }
        let begun = Instant::now();
        // What the next start rests on is never less sure than this.
        let ground =
            |record: &Record| matches!(record, Record::Reserved(_) | Record::Epoch(_) | Record::Head(_));
        let noted = group.records.iter().any(|record| ground(record) || matches!(record, Record::Running(_)));
        let full = group.sync == Sync::Full || group.records.iter().any(ground);
        let rooms = Arc::clone(&self.parts.rooms);
        let done = self.transact(if full { Synchronous::Full } else { Synchronous::Normal }, |connection| {
            group::write(connection, &rooms, &group.records)
        });
        match done {
            Ok(change) => {
                self.applied(change, &group.records);
                if noted {
                    self.note();
                }
                self.parts.counters.written(group.records.len(), begun.elapsed());
                if group.records.iter().any(grows) {
                    self.parts.counters.grew();
                }
                self.tell(Report::Written(group.id));
            }
            Err(Failed::Refused(trouble)) => {
                self.parts.counters.refused(&trouble);
                let corrupt = (trouble.kind == "corrupt").then(|| trouble.clone());
                self.tell(Report::Refused(group.id, trouble));
                if let Some(corrupt) = corrupt {
                    self.damaged(corrupt);
                }
            }
            Err(Failed::Unknown(trouble)) => {
                self.parts.counters.unknown();
                self.tell(Report::Unknown(group.id, trouble));
                self.recover(Some(group.id));
            }
        }
    }

    fn applied(&mut self, change: Change, records: &[Record]) {
        for record in records {
            match record {
                Record::Reserved(upto) => self.parts.note.reserved = self.parts.note.reserved.max(*upto),
                Record::Running(ms) => self.parts.running = *ms,
                _ => {}
            }
        }
        let mut rooms = lock(&self.parts.rooms);
        let grown: Vec<i64> = change.entries.iter().map(|(id, _)| *id).collect();
        rooms.apply(change);
        drop(rooms);
        self.work.grown(grown);
    }

    /// Say beside the log how far it has come. It is no more than a second look at it: that it could not be written is
    /// counted, and no trouble of a group.
    pub(crate) fn note(&mut self) {
        self.parts.note.written = self.synced;
        if self.parts.note.write(&self.parts.folder).is_err() {
            self.parts.counters.not_noted();
        }
    }

    /// Why a group cannot be taken while the disk is so full. What makes the log no larger is taken.
    fn floor(&self, records: &[Record]) -> Option<Trouble> {
        if self.parts.free_floor == 0 || !records.iter().any(grows) {
            return None;
        }
        let free = self.parts.folder.free().filter(|free| *free < self.parts.free_floor)?;
        let text = format!(
            "{}: {free} bytes of this disk are free, and {} are kept free; make room, it goes on by itself then",
            self.parts.folder.log().display(),
            self.parts.free_floor,
        );
        Some(trouble("full", text))
    }

    /// Do this in a transaction of its own.
    pub(crate) fn transact<T>(
        &mut self,
        how: Synchronous,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Failed> {
        let Some(connection) = self.connection.clone() else {
            return Err(Failed::Refused(trouble("io", "the log is not open")));
        };
        let begin = || {
            if how != self.synchronous {
                connection::synchronous(&connection, how)?;
                self.synchronous = how;
            }
            run(&connection, "BEGIN IMMEDIATE")?;
            let done = work(&connection)?;
            connection.prepare_cached(SET)?.execute(("written", (self.written + 1).cast_signed()))?;
            Ok(done)
        };
        let done = match begin() {
            Ok(done) => done,
            Err(error) => {
                let why = self.trouble(&error, "cannot write to");
                if !connection.is_autocommit() && run(&connection, "ROLLBACK").is_err() {
                    return Err(Failed::Unknown(why));
                }
                return Err(Failed::Refused(why));
            }
        };
        if let Err(error) = run(&connection, "COMMIT") {
            return Err(Failed::Unknown(self.trouble(&error, "cannot write to")));
        }
        self.written += 1;
        if how == Synchronous::Full {
            self.synced = self.written;
        }
        Ok(done)
    }

    fn end(mut self) {
        if self.down.is_none() {
            self.truncate();
            self.note();
        }
        self.parts.readers.close();
    }
}

/// Whether it makes the log larger.
fn grows(record: &Record) -> bool {
    match record {
        Record::Key(key) => key.state == rtcore_core::store::KeyState::Begun,
        // A session's row alone is one that there is, with more ids: without them its live requests would be refused.
        Record::Entry(_) | Record::Joined(_) | Record::Taken { .. } => true,
        _ => false,
    }
}

fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}
