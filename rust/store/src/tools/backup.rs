//! A copy of a log, while somebody writes to it or not.

use super::Progress;
use crate::connection;
use crate::folder::Folder;
use crate::group::SET;
use crate::schema;
use crate::trouble::{missing, of_sqlite, of_system, trouble};
use crate::writer::Writer;
use rtcore_core::store::Trouble;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Pages that are copied in one step.
pub(crate) const STEP: i32 = 256;

/// Copy the log in the folder at `path` into the file at `to`, which must not be there yet. What is in it is what the log
/// held when this began, however much is written meanwhile: the journal keeps that, and grows for as long as this takes.
/// In the server's own process [`Store::backup`](crate::Store::backup) needs no such journal.
pub fn backup(path: &Path, to: &Path, progress: &mut Progress<'_>) -> Result<(), Trouble> {
    let log = Folder::new(path).log();
    if !log.exists() {
        return Err(missing(&log));
    }
    let from = connection::to_read(&log, None)?;
    schema::check(&from, &log)?;
    let mut target = Target::new(to)?;
    // A connection that reads one state goes on reading it, and the copy is never begun again.
    let transaction = from.unchecked_transaction().map_err(|error| of_sqlite(&error, "cannot read", &log))?;
    schema::tables(&transaction).map_err(|error| of_sqlite(&error, "cannot read", &log))?;
    {
        let copy = Backup::new(&transaction, &mut target.connection)
            .map_err(|error| of_sqlite(&error, "cannot write", to))?;
        loop {
            let step = copy.step(STEP).map_err(|error| of_sqlite(&error, "cannot write", to))?;
            report(&copy, progress);
            match step {
                StepResult::Done => break,
                StepResult::Busy | StepResult::Locked => {
                    std::thread::sleep(std::time::Duration::from_millis(10));
                }
                _ => {}
            }
        }
    }
    target.finish()
}

pub(crate) fn report(copy: &Backup<'_, '_>, progress: &mut Progress<'_>) {
    let now = copy.progress();
    let total = u64::try_from(now.pagecount).unwrap_or(0);
    progress(total.saturating_sub(u64::try_from(now.remaining).unwrap_or(0)), total);
}

/// A copy that is being made. Under its name it is whole, or not there.
pub(crate) struct Target {
    pub(crate) connection: Connection,
    path: PathBuf,
    part: Part,
}

/// The file under the name that it has while it is no copy yet. One that never was goes: it takes room on a disk that is full.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Target {
    pub(crate) fn new(to: &Path) -> Result<Self, Trouble> {
        if to.exists() {
            return Err(trouble("io", format!("{} is there already; name another file", to.display())));
        }
        let mut part = to.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        match fs::remove_file(&part) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(of_system(&error, "cannot write", &part));
            }
            _ => {}
        }
        let connection = Connection::open(&part).map_err(|error| of_sqlite(&error, "cannot write", &part))?;
        Ok(Self { connection, path: to.to_owned(), part: Part(part) })
    }

    /// Mark it as a copy, have it on disk, and give it its name.
    pub(crate) fn finish(self) -> Result<(), Trouble> {
        let Self { connection, path, part } = self;
        let mark = || {
            connection.execute(SET, ("backup", 1))?;
            // One file, and no journal beside it.
            connection.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))
        };
        mark().map_err(|error| of_sqlite(&error, "cannot write", &part.0))?;
        connection.close().map_err(|(_, error)| of_sqlite(&error, "cannot write", &part.0))?;
        let name = || {
            File::options().write(true).open(&part.0)?.sync_all()?;
            fs::rename(&part.0, &path)
        };
        name().map_err(|error| of_system(&error, "cannot write", &path))?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Folder::new(folder).sync()
    }
}

impl Writer {
    /// Copy the log on the connection that writes: what is written meanwhile is written to the copy, too.
    pub(crate) fn copy(&mut self, to: &Path, progress: &mut Progress<'_>) -> Result<(), Trouble> {
        let Some(connection) = self.connection.clone().filter(|_| !self.copying && self.down.is_none())
        else {
            return Err(trouble("busy", "another copy is under way, or the log is down; try again later"));
        };
        let mut target = Target::new(to)?;
        self.copying = true;
        let copied = self.steps(&connection, &mut target, progress);
        self.copying = false;
        drop(connection);
        if let Some(pending) = self.interrupted.take() {
            self.recover(pending.group);
        }
        copied.and_then(|()| target.finish())
    }

    fn steps(
        &mut self,
        connection: &Connection,
        target: &mut Target,
        progress: &mut Progress<'_>,
    ) -> Result<(), Trouble> {
        let failed = |error: rusqlite::Error| of_sqlite(&error, "cannot copy", &target.path);
        let copy = Backup::new(connection, &mut target.connection).map_err(failed)?;
        loop {
            let step = copy.step(STEP).map_err(failed)?;
            report(&copy, progress);
            if step == StepResult::Done {
                return Ok(());
            }
            self.glance();
            if self.stopped || self.interrupted.is_some() || self.down.is_some() {
                return Err(trouble(
                    "io",
                    format!("the copy at {} was ended with the log", target.path.display()),
                ));
            }
        }
    }
}
