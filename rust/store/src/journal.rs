//! The journal is written anew, as it is.
//!
//! When an fsync of it failed, what it should have written may be in memory alone, and the next fsync does not write it.
//! Bringing it into the main file is no way out by itself: if the power goes while that is done, or before the journal's
//! end is cut on disk, the older part of the journal, which is on disk, stands over a newer main file. So first all of it
//! is on disk again: each byte is written once more, and synced. After that every step is one that `SQLite` takes anyway.
#![allow(unsafe_code)]

use rusqlite::{Connection, ffi};
use std::ptr;

/// Bytes at a time: `SQLite`'s own file systems take less than 128 KiB.
const CHUNK: usize = 64 * 1024;

/// Write all of the journal once more, and sync it. The connection has read something, and no other one writes.
pub fn write_anew(connection: &Connection) -> rusqlite::Result<()> {
    let mut file: *mut ffi::sqlite3_file = ptr::null_mut();
    // SAFETY: the connection is open for as long as it is borrowed, its main database has a journal, and what is asked for
    // is put into `file`, which outlives the call.
    let result = unsafe {
        ffi::sqlite3_file_control(
            connection.handle(),
            c"main".as_ptr(),
            ffi::SQLITE_FCNTL_JOURNAL_POINTER,
            (&raw mut file).cast(),
        )
    };
    check(result)?;
    // SAFETY: the file is the connection's and open as long as it is; a journal that is not open has no methods.
    let methods = unsafe { file.as_ref().and_then(|file| file.pMethods.as_ref()) };
    let Some((methods, size)) = methods.and_then(|methods| Some((methods, methods.xFileSize?))) else {
        return Ok(());
    };
    let (Some(read), Some(write), Some(sync)) = (methods.xRead, methods.xWrite, methods.xSync) else {
        return check(ffi::SQLITE_IOERR);
    };
    let mut length = 0i64;
    // SAFETY: as above, and `length` outlives the call.
    check(unsafe { size(file, &raw mut length) })?;
    let mut bytes = vec![0u8; CHUNK];
    let mut at = 0;
    while at < length {
        let count = usize::try_from(length - at).unwrap_or(CHUNK).min(CHUNK);
        let amount = i32::try_from(count).unwrap_or(0);
        // SAFETY: `bytes` has `CHUNK` bytes, and `count` of them are asked for at most.
        check(unsafe { read(file, bytes.as_mut_ptr().cast(), amount, at) })?;
        // SAFETY: as above.
        check(unsafe { write(file, bytes.as_ptr().cast(), amount, at) })?;
        at += i64::from(amount);
    }
    // SAFETY: the file is open.
    check(unsafe { sync(file, ffi::SQLITE_SYNC_FULL) })
}

fn check(code: i32) -> rusqlite::Result<()> {
    if code == ffi::SQLITE_OK {
        Ok(())
    } else {
        Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
    }
}
