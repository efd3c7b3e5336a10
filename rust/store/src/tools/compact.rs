//! A log is written anew, without what is free in it.

use super::Progress;
use crate::connection;
use crate::folder::Folder;
use crate::schema;
use crate::trouble::{missing, of_sqlite};
use rtcore_core::store::Trouble;
use rusqlite::DEFAULT_NAME;
use rusqlite::wal::CheckpointMode;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How often it is looked how far it has come.
const LOOK: Duration = Duration::from_millis(200);

/// Write the log in the folder at `path` anew. It needs as much room again while it runs. Says how large it was and is. The
/// progress is in bytes.
pub fn compact(path: &Path, progress: &mut Progress<'_>) -> Result<(u64, u64), Trouble> {
    let folder = Folder::new(path);
    if !folder.log().exists() {
        return Err(missing(&folder.log()));
    }
    let _lock = folder.lock()?;
    let log = folder.log();
    let connection = connection::to_write(&log, None)?;
    schema::migrate(&connection, &log)?;
    let before = folder.sizes().0;
    let (said, done) = channel();
    let vacuum = thread::spawn({
        let log = log.clone();
        move || {
            let vacuum = || {
                connection.execute_batch("VACUUM")?;
                connection.wal_checkpoint_v2(DEFAULT_NAME, CheckpointMode::TRUNCATE)
            };
            let vacuumed = vacuum().map(drop).map_err(|error| of_sqlite(&error, "cannot write to", &log));
            drop(said);
            vacuumed
        }
    });
    while done.recv_timeout(LOOK) == Err::<(), _>(RecvTimeoutError::Timeout) {
        // First all goes to the journal, and from there into the file.
        progress(folder.sizes().1.min(before) / 2, before);
    }
    match vacuum.join() {
        Ok(vacuumed) => vacuumed?,
        Err(panic) => std::panic::resume_unwind(panic),
    }
    progress(before, before);
    Ok((before, folder.sizes().0))
}
