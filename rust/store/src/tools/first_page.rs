//! A copy of a damaged log with the first page of a new one.
//!
//! The first page says what the file is and where each table begins. `SQLite` reads nothing without it, whole as all others
//! may be. With `auto_vacuum` tables begin on the first pages, in the order in which they were made, which is the same in each
//! log: so the page of a new log says the same. Were it not so, the checksums of the entries would find it.

use crate::connection;
use crate::folder::{Folder, beside, remove};
use crate::schema;
use crate::trouble::{of_sqlite, of_system};
use rtcore_core::store::Trouble;
use rusqlite::DEFAULT_NAME;
use rusqlite::wal::CheckpointMode;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes of a page, as `SQLite` makes them.
const PAGE: usize = 4096;
/// Where the first page says how many pages there are, and then which are free: the first of those and their number.
const PAGES: usize = 28;
const FREE: usize = 32;

/// The copy. It goes when it is needed no more.
pub struct Copy(PathBuf);

impl Copy {
    /// Make it in a folder, of the file at `from` and its journal.
    pub fn with_new_first_page(from: &Path, folder: &Folder) -> Result<Self, Trouble> {
        let _lock = folder.lock()?;
        let new = Self::at(folder.beside_log(".first"));
        let mut page = first_page(&new.0)?;
        let copy = Self::at(folder.beside_log(".salvaging"));
        let write = |error: std::io::Error| of_system(&error, "cannot write to", &copy.0);
        fs::copy(from, &copy.0).map_err(write)?;
        let journal = beside(from, "-wal");
        if journal.exists() {
            fs::copy(journal, beside(&copy.0, "-wal")).map_err(write)?;
        }
        let mut file = File::options().write(true).open(&copy.0).map_err(write)?;
        let pages = file.metadata().map_err(write)?.len() / PAGE as u64;
        page[PAGES..PAGES + 4].copy_from_slice(&u32::try_from(pages).unwrap_or(u32::MAX).to_be_bytes());
        page[FREE..FREE + 8].fill(0);
        file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&page)).map_err(write)?;
        Ok(copy)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn at(path: PathBuf) -> Self {
        remove(&path); // of one that was cut off
        Self(path)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

/// The first page of a log that is made at `path`.
fn first_page(path: &Path) -> Result<[u8; PAGE], Trouble> {
    let connection = connection::to_write(path, None)?;
    schema::migrate(&connection, path)?;
    connection
        .wal_checkpoint_v2(DEFAULT_NAME, CheckpointMode::TRUNCATE)
        .map_err(|error| of_sqlite(&error, "cannot write to", path))?;
    let mut page = [0; PAGE];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut page));
    read.map_err(|error| of_system(&error, "cannot read", path))?;
    Ok(page)
}
