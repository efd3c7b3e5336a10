//! After something went wrong that leaves it open whether a group is on disk.
//!
//! Theory. When an fsync fails the system may forget what it should have written, and say so once: reading back shows
//! what is in memory, and the next fsync succeeds without having written it. So the file is closed, opened and recovered,
//! the journal is written anew and synced (`journal` says why that comes first), and `wal_checkpoint(TRUNCATE)` writes every
//! page that is not in the main file into it anew, and syncs that. What was read in between is on disk then.

use crate::connection;
use crate::journal;
use crate::start;
use crate::trouble::trouble;
use crate::writer::{Down, Interrupted, Writer, lock};
use rtcore_core::store::{GroupId, Report, Trouble};
use rusqlite::DEFAULT_NAME;
use rusqlite::wal::CheckpointMode;
use std::sync::Arc;
use std::time::{Duration, Instant};

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

impl Writer {
    /// Open the file again, and see whether the group that was under way is on disk.
    pub(crate) fn recover(&mut self, pending: Option<GroupId>) {
        if self.copying {
            self.interrupted = Some(Interrupted { group: pending });
            return;
        }
        let before = self.written;
        match self.reopen() {
            Ok(found) if found < before => self.lost(pending, before, found),
            Ok(found) => {
                // What was found was synced by the checkpoint.
                (self.written, self.synced) = (found, found);
                if let Some(id) = pending {
                    self.tell(if found > before {
                        Report::Written(id)
                    } else {
                        Report::Refused(id, not_there())
                    });
                }
                self.down = None;
                self.parts.counters.set_down(None);
                self.tell(Report::Up);
            }
            Err(why) if why.kind == "corrupt" => {
                if let Some(id) = pending {
                    self.tell(Report::Refused(id, why.clone()));
                }
                self.damaged(why);
            }
            Err(why) => self.stay_down(why, pending),
        }
    }

    fn stay_down(&mut self, why: Trouble, pending: Option<GroupId>) {
        let wait = self.down.as_ref().map_or(FIRST_WAIT, |down| (down.wait * 2).min(LONGEST_WAIT));
        let said = self.down.as_ref().is_some_and(|down| down.said);
        if !said {
            self.tell(Report::Down(why.clone()));
        }
        self.parts.counters.set_down(Some(why.clone()));
        self.down =
            Some(Down { trouble: why, again: Some(Instant::now() + wait), wait, pending, said: true });
    }

    /// It is time to try whether the file can be written again.
    pub(crate) fn try_again(&mut self) {
        let Some(down) = &self.down else { return };
        if down.again.is_some_and(|again| again <= Instant::now()) {
            self.recover(down.pending);
        }
    }

    /// The file is damaged. Nothing more is written to it: what can be read is to be saved, and the next start sets it
    /// aside.
    pub(crate) fn damaged(&mut self, why: Trouble) {
        self.parts.note.corrupt = true;
        self.note();
        self.tell(Report::Down(why.clone()));
        self.parts.counters.set_down(Some(why.clone()));
        self.down = Some(Down { trouble: why, again: None, wait: FIRST_WAIT, pending: None, said: true });
    }

    /// Groups are gone that were reported as written: what was heard is not in the log. The next start begins an epoch.
    fn lost(&mut self, pending: Option<GroupId>, before: u64, found: u64) {
        if let Some(id) = pending {
            self.tell(Report::Refused(id, not_there()));
        }
        let path = self.parts.folder.log();
        let text = format!(
            "{}: after an error of the disk {} groups are gone that had been written; start again: the log begins a new \
             epoch then",
            path.display(),
            before - found
        );
        // What the note says stays ahead of the log: that is what the next start sees.
        self.synced = before;
        self.note();
        self.connection = None;
        let why = trouble("lost", text);
        self.tell(Report::Down(why.clone()));
        self.parts.counters.set_down(Some(why.clone()));
        self.down = Some(Down { trouble: why, again: None, wait: FIRST_WAIT, pending: None, said: true });
    }

    /// Close, open, recover, and have all of it in the main file, written anew. Says how many transactions there are.
    fn reopen(&mut self) -> Result<u64, Trouble> {
        let path = self.parts.folder.log();
        // Without readers, no page and no index of the journal outlives this in memory.
        let readers = Arc::clone(&self.parts.readers);
        let shut = readers.shut();
        self.connection = None;
        let connection = connection::to_write(&path, self.parts.vfs.as_deref())?;
        let read = || {
            start::rooms(&connection, &mut lock(&self.parts.rooms))?;
            start::number(&connection, "written")
        };
        let found = read().map_err(|error| self.trouble(&error, "cannot read"))?;
        drop(shut);
        let sync = || {
            journal::write_anew(&connection)?;
            connection.wal_checkpoint_v2(DEFAULT_NAME, CheckpointMode::TRUNCATE)
        };
        sync().map_err(|error| self.trouble(&error, "cannot sync"))?;
        self.take(connection)?;
        Ok(found)
    }
}

fn not_there() -> Trouble {
    trouble("io", "the disk did not take it; after the log was opened again and synced, it is not there")
}
