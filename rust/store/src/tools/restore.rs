//! A copy is put back.

use super::Progress;
use crate::connection;
use crate::folder::{Folder, remove};
use crate::group::SET;
use crate::schema;
use crate::trouble::{of_sqlite, of_system};
use rtcore_core::store::Trouble;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Put the copy at `from` into the folder at `path`. A log that is there is renamed, and its new name said. The next start
/// begins a new epoch without sessions, and numbers go on. The progress is in bytes.
pub fn restore(path: &Path, from: &Path, progress: &mut Progress<'_>) -> Result<Option<PathBuf>, Trouble> {
    let folder = Folder::new(path);
    let _lock = folder.lock()?;
    let new = folder.beside_log(".new");
    remove(&new);
    // It is a log, of a version that is known.
    let look = super::Log::file(from)?;
    drop(look);
    copy(from, &new, progress)?;
    let connection = connection::to_write(&new, None)?;
    let mark = || {
        connection.execute(SET, ("backup", 1))?;
        connection.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))
    };
    schema::migrate(&connection, &new)?;
    mark().map_err(|error| of_sqlite(&error, "cannot write", &new))?;
    drop(connection);
    let aside = if folder.log().exists() { Some(folder.set_aside("replaced")?) } else { None };
    fs::rename(&new, folder.log()).map_err(|error| of_system(&error, "cannot rename", &new))?;
    folder.sync()?;
    Ok(aside)
}

fn copy(from: &Path, to: &Path, progress: &mut Progress<'_>) -> Result<(), Trouble> {
    let read = |error: std::io::Error| of_system(&error, "cannot read", from);
    let write = |error: std::io::Error| of_system(&error, "cannot write", to);
    let mut source = File::open(from).map_err(read)?;
    let total = source.metadata().map_err(read)?.len();
    let mut target = File::create(to).map_err(write)?;
    let mut bytes = vec![0; 1024 * 1024];
    let mut done = 0;
    loop {
        let count = source.read(&mut bytes).map_err(read)?;
        if count == 0 {
            break;
        }
        target.write_all(&bytes[..count]).map_err(write)?;
        done += count as u64;
        progress(done, total.max(done));
    }
    target.sync_all().map_err(write)
}
