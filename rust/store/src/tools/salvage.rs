//! What can be read of a damaged log goes into another.

use super::Progress;
use super::first_page::Copy;
use super::import::{Imported, import};
use super::log::{Found, Salvaged, one};
use crate::connection;
use crate::folder::Folder;
use crate::schema;
use crate::start;
use crate::trouble::of_sqlite;
use rtcore_core::ids::Seq;
use rtcore_core::store::{Entry, Trouble};
use rusqlite::Connection;
use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

/// Numbers that are asked for at once.
const PAGE: i64 = 256;

/// What was saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// What is in the other log now.
    pub imported: Imported,
    /// Entries that are there, and damaged.
    pub damaged: u64,
    /// How often a part of the file could not be read at all.
    pub unreadable: u64,
}

/// Save what can be read of the file at `from` into the log in the folder at `into`, under new numbers; the old ones are kept
/// with the entries. `from` is left as it is. The progress is in entries.
pub fn salvage(from: &Path, into: &Path, progress: &mut Progress<'_>) -> Result<Saved, Trouble> {
    if !from.exists() {
        return Err(crate::trouble::trouble("io", format!("there is no file at {}", from.display())));
    }
    let (_copy, connection) = readable(from, into)?;
    // What cannot be read of it is not there.
    let epoch = start::fact::<String>(&connection, "epoch").ok().flatten().unwrap_or_default();
    let highest = highest(&connection);
    let mut reader = Reader {
        connection,
        epoch,
        names: HashMap::new(),
        page: VecDeque::new(),
        at: 0,
        highest,
        saved: Saved::default(),
    };
    let imported = import(into, reader.by_ref().map(Ok), 0, progress)?;
    Ok(Saved { imported, ..reader.saved })
}

/// The file, or a copy of it with another first page: where its tables begin stands there, so nothing is read without it.
fn readable(from: &Path, into: &Path) -> Result<(Option<Copy>, Connection), Trouble> {
    let connection = connection::to_read(from, None)?;
    match schema::tables(&connection).map_err(|error| of_sqlite(&error, "cannot read", from)) {
        Ok(_) => return Ok((None, connection)),
        Err(damaged) if damaged.kind == "corrupt" => {}
        Err(other) => return Err(other),
    }
    drop(connection);
    let copy = Copy::with_new_first_page(from, &Folder::new(into))?;
    let connection = connection::to_read(copy.path(), None)?;
    let found = connection.query_row("SELECT max(seq) FROM entry", [], |row| row.get::<_, Option<i64>>(0));
    if !matches!(found, Ok(Some(_))) {
        let text = format!(
            "nothing can be read of {}, also with the first page of another log: it is no log, or all of it is damaged; \
             put a backup in its place with `rtcore restore`",
            from.display()
        );
        return Err(crate::trouble::trouble("corrupt", text));
    }
    Ok((Some(copy), connection))
}

/// The highest number that can be found.
fn highest(connection: &Connection) -> Seq {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, Option<i64>>(0)).ok().flatten();
    let found = [
        "SELECT max(seq) FROM entry",
        "SELECT max(last) FROM room",
        "SELECT value FROM meta WHERE key = 'reserved'",
    ];
    found.iter().filter_map(|sql| number(sql)).max().unwrap_or(i64::MAX).cast_unsigned()
}

struct Reader {
    connection: Connection,
    epoch: String,
    names: HashMap<i64, Arc<str>>,
    page: VecDeque<Seq>,
    /// Numbers up to this one were looked for.
    at: Seq,
    highest: Seq,
    saved: Saved,
}

impl Reader {
    /// The numbers of the next entries that can be read above `at`, and how far that looked.
    fn numbers(&self, at: Seq) -> Option<Vec<Seq>> {
        let mut page = self
            .connection
            .prepare_cached("SELECT seq FROM entry WHERE seq > ? ORDER BY seq LIMIT ?")
            .ok()?;
        let mut rows = page.query([at.cast_signed(), PAGE]).ok()?;
        let mut found = Vec::new();
        loop {
            match rows.next() {
                Ok(Some(row)) => found.push(row.get::<_, i64>(0).ok()?.cast_unsigned()),
                Ok(None) => return Some(found),
                // What came before it can be had.
                Err(_) if !found.is_empty() => return Some(found),
                Err(_) => return None,
            }
        }
    }

    /// Beyond a part that cannot be read: the lowest number from which on something can be. None: there is none.
    fn beyond(&mut self) -> Option<Vec<Seq>> {
        self.saved.unreadable += 1;
        let mut step = 1;
        let mut bad = self.at;
        loop {
            let good = self.at.saturating_add(step);
            if good >= self.highest {
                self.at = self.highest;
                return None;
            }
            if self.numbers(good).is_some_and(|found| !found.is_empty()) {
                self.at = self.between(bad, good);
                return self.numbers(self.at);
            }
            (bad, step) = (good, step.saturating_mul(2));
        }
    }

    fn between(&self, mut bad: Seq, mut good: Seq) -> Seq {
        while good - bad > 1 {
            let middle = bad + (good - bad) / 2;
            if self.numbers(middle).is_some_and(|found| !found.is_empty()) {
                good = middle;
            } else {
                bad = middle;
            }
        }
        good
    }
}

impl Iterator for Reader {
    type Item = (Entry, Option<Salvaged>);
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(seq) = self.page.pop_front() {
                match one(&self.connection, &mut self.names, seq) {
                    Ok(Found::Entry(entry, before)) => {
                        // Saved a second time, it keeps its first place.
                        let was = before.unwrap_or_else(|| Salvaged { epoch: self.epoch.clone(), was: seq });
                        return Some((entry, Some(was)));
                    }
                    Ok(Found::Damaged(_)) | Err(_) => self.saved.damaged += 1,
                }
                continue;
            }
            let found = match self.numbers(self.at) {
                Some(found) => found,
                None => self.beyond()?,
            };
            self.at = *found.last()?;
            self.page = found.into();
        }
    }
}
