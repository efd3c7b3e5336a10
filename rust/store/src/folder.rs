//! The folder of a log: the names of its files, the lock against other processes, room on the disk.

use crate::trouble::{of_system, trouble};
use rtcore_core::store::Trouble;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// What belongs to the file at `path`, by the end of its name.
pub fn beside(path: &Path, more: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(more);
    path.into()
}

/// Remove a file of `SQLite`'s and what belongs to it, as far as they are there.
pub fn remove(path: &Path) {
    for more in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(beside(path, more));
    }
}

/// The folder, and what is in it.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder of this path. Nothing is looked at.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }
    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }
    /// The log.
    pub fn log(&self) -> PathBuf {
        self.0.join("log.db")
    }
    /// What stands beside the log (`beside`).
    pub fn note(&self) -> PathBuf {
        self.0.join("log.note")
    }
    /// A file beside the log, by what its name has more.
    pub fn beside_log(&self, more: &str) -> PathBuf {
        beside(&self.log(), more)
    }

    /// Make the folder, if there is none, and lock it for this process.
    pub fn lock(&self) -> Result<File, Trouble> {
        fs::create_dir_all(&self.0).map_err(|error| of_system(&error, "cannot make the folder", &self.0))?;
        let path = self.0.join("log.lock");
        let open = File::options().create(true).truncate(false).write(true).open(&path);
        let file = open.map_err(|error| of_system(&error, "cannot write to", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(trouble(
                "busy",
                format!(
                    "another process has the log in {} open; end it, or give this one a folder of its own",
                    self.0.display()
                ),
            )),
            Err(TryLockError::Error(error)) => Err(of_system(&error, "cannot lock", &path)),
        }
    }

    /// Rename the log and what belongs to it. Nothing is overwritten: the first number that is free is taken. Says the
    /// new name.
    pub fn set_aside(&self, why: &str) -> Result<PathBuf, Trouble> {
        let free = |number: &u32| !self.beside_log(&format!(".{why}-{number}")).exists();
        let number = (1..u32::MAX).find(free).unwrap_or(u32::MAX);
        // The log last: while it is there, the next start finds the same and tries again.
        for more in ["-wal", "-shm", ""] {
            let (from, to) = (self.beside_log(more), self.beside_log(&format!(".{why}-{number}{more}")));
            match fs::rename(&from, &to) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(of_system(&error, "cannot rename", &from));
                }
                _ => {}
            }
        }
        self.sync()?;
        Ok(self.beside_log(&format!(".{why}-{number}")))
    }

    /// Have the names in the folder on disk.
    pub fn sync(&self) -> Result<(), Trouble> {
        #[cfg(unix)]
        File::open(&self.0)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| of_system(&error, "cannot sync the folder", &self.0))?;
        Ok(())
    }

    /// Bytes that are free on its disk for this process. None: the system does not say.
    pub fn free(&self) -> Option<u64> {
        #[cfg(unix)]
        return rustix::fs::statvfs(&self.0).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        #[cfg(not(unix))]
        None
    }

    /// Bytes of the log and of what was not yet brought into it.
    pub fn sizes(&self) -> (u64, u64) {
        let size = |path: PathBuf| fs::metadata(path).map_or(0, |data| data.len());
        (size(self.log()), size(self.beside_log("-wal")))
    }
}
