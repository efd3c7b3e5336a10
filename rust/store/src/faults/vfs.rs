//! The file system as `SQLite` calls it: each call goes to the usual one, and what changes a file is said to the disk.
#![allow(unsafe_code)]

use super::{Outcome, Shared};
use rusqlite::ffi;
use std::ffi::{CStr, CString, OsStr, c_char, c_int, c_void};
use std::mem::size_of;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::Arc;

type File = *mut ffi::sqlite3_file;

/// A file of ours. The usual one's follows at `LOWER`.
#[repr(C)]
struct Handle {
    methods: *const ffi::sqlite3_io_methods,
    of: *mut Of,
}

/// What a file of ours is of.
struct Of {
    shared: Arc<Shared>,
    /// None: what happens to it is nothing to us.
    path: Option<PathBuf>,
}

const LOWER: usize = size_of::<Handle>().next_multiple_of(16);

/// What stands in `pAppData`.
struct App {
    shared: Arc<Shared>,
    usual: *mut ffi::sqlite3_vfs,
}

/// A file system that `SQLite` knows by its name.
pub struct Registered {
    name: CString,
    vfs: *mut ffi::sqlite3_vfs,
}

// SAFETY: the pointer is used by `new` and `drop` alone, and SQLite's registry has a lock of its own.
unsafe impl Send for Registered {}
// SAFETY: as above; nothing is reached through a shared reference but the name.
unsafe impl Sync for Registered {}

impl Registered {
    pub fn new(name: &str, shared: &Arc<Shared>) -> Self {
        let name = CString::new(name).expect("a name without a zero");
        // SAFETY: null asks for the default one, which lives as long as the process.
        let usual = unsafe { ffi::sqlite3_vfs_find(ptr::null()) };
        assert!(!usual.is_null(), "there is a usual file system");
        let app = Box::new(App { shared: Arc::clone(shared), usual });
        // SAFETY: `usual` points to a whole sqlite3_vfs, which is plain data.
        let mut vfs = Box::new(unsafe { ptr::read(usual) });
        vfs.pNext = ptr::null_mut();
        vfs.zName = name.as_ptr();
        vfs.szOsFile += c_int::try_from(LOWER).expect("some bytes");
        vfs.pAppData = Box::into_raw(app).cast();
        vfs.xOpen = Some(open);
        let vfs = Box::into_raw(vfs);
        // SAFETY: `vfs` and what it points to live until `drop`, which takes it from the registry first.
        let result = unsafe { ffi::sqlite3_vfs_register(vfs, 0) };
        assert_eq!(result, ffi::SQLITE_OK, "it is registered");
        Self { name, vfs }
    }

    pub fn name(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        // SAFETY: both came from Box::into_raw in `new`, and nobody finds them once they are not registered. No file is
        // open any more: that is what `Disk` asks of its owner.
        unsafe {
            ffi::sqlite3_vfs_unregister(self.vfs);
            let vfs = Box::from_raw(self.vfs);
            drop(Box::from_raw(vfs.pAppData.cast::<App>()));
        }
    }
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    // Without xFetch: what is read past us as memory would not be seen.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: File,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a file of szOsFile bytes, so `LOWER` and what the usual file system wants is within it; `vfs` is
    // the one that `new` made; `name` is null or a C string that outlives the file.
    unsafe {
        (*file).pMethods = ptr::null();
        let app = &*(*vfs).pAppData.cast::<App>();
        if app.shared.is_dead() {
            return ffi::SQLITE_CANTOPEN;
        }
        let lower = file.byte_add(LOWER);
        (*lower).pMethods = ptr::null();
        let Some(open) = (*app.usual).xOpen else { return ffi::SQLITE_CANTOPEN };
        let result = open(app.usual, name, lower, flags, out);
        if result != ffi::SQLITE_OK {
            if let Some(close) = (*lower).pMethods.as_ref().and_then(|methods| methods.xClose) {
                close(lower);
            }
            return result;
        }
        let kept = flags & (ffi::SQLITE_OPEN_MAIN_DB | ffi::SQLITE_OPEN_WAL) != 0 && !name.is_null();
        let path = kept.then(|| path(name));
        if let Some(path) = &path {
            app.shared.open(path, || content(lower));
        }
        let of = Box::into_raw(Box::new(Of { shared: Arc::clone(&app.shared), path }));
        file.cast::<Handle>().write(Handle { methods: &raw const METHODS, of });
        ffi::SQLITE_OK
    }
}

/// # Safety
///
/// `name` is a C string.
unsafe fn path(name: *const c_char) -> PathBuf {
    // SAFETY: see above. A path of SQLite's is made of the bytes of one that we gave.
    unsafe { Path::new(OsStr::from_encoded_bytes_unchecked(CStr::from_ptr(name).to_bytes())).to_owned() }
}

/// # Safety
///
/// `lower` is an open file of the usual file system.
unsafe fn content(lower: File) -> Vec<u8> {
    // SAFETY: see above; the buffer has the bytes that are asked for.
    unsafe {
        let mut size = 0;
        let methods = &*(*lower).pMethods;
        let (Some(file_size), Some(read)) = (methods.xFileSize, methods.xRead) else { return Vec::new() };
        file_size(lower, &raw mut size);
        let mut bytes = vec![0u8; usize::try_from(size).unwrap_or(0)];
        let length = c_int::try_from(bytes.len()).expect("a test's file");
        if length > 0 {
            read(lower, bytes.as_mut_ptr().cast(), length, 0);
        }
        bytes
    }
}

unsafe extern "C" fn close(file: File) -> c_int {
    // SAFETY: SQLite closes a file once, and one that `open` opened: `of` came from Box::into_raw there.
    unsafe {
        let lower = file.byte_add(LOWER);
        let result = (*(*lower).pMethods).xClose.map_or(ffi::SQLITE_OK, |close| close(lower));
        drop(Box::from_raw((*file.cast::<Handle>()).of));
        (*file).pMethods = ptr::null();
        result
    }
}

/// What a file is of.
///
/// # Safety
///
/// `file` was opened by `open`, and is not closed while the reference is used.
unsafe fn of<'a>(file: File) -> &'a Of {
    // SAFETY: see above.
    unsafe { &*(*file.cast::<Handle>()).of }
}

unsafe extern "C" fn read(file: File, to: *mut c_void, length: c_int, at: i64) -> c_int {
    // SAFETY: SQLite calls with a file that is open, and what it gives is passed on as it is.
    unsafe {
        if of(file).shared.is_dead() {
            return ffi::SQLITE_IOERR_READ;
        }
        let lower = file.byte_add(LOWER);
        (*(*lower).pMethods).xRead.map_or(ffi::SQLITE_IOERR, |read| read(lower, to, length, at))
    }
}

unsafe extern "C" fn write(file: File, from: *const c_void, length: c_int, at: i64) -> c_int {
    // SAFETY: SQLite calls with a file that is open, and with `length` bytes at `from`.
    unsafe {
        let (of, lower) = (of(file), file.byte_add(LOWER));
        let (Ok(size), Ok(begin)) = (usize::try_from(length), usize::try_from(at)) else {
            return ffi::SQLITE_IOERR;
        };
        let mut length = length;
        let mut result = ffi::SQLITE_OK;
        if let Some(path) = &of.path {
            match of.shared.write(path, begin, std::slice::from_raw_parts(from.cast(), size)) {
                Outcome::Done => {}
                Outcome::Short => (length, result) = (length / 2, ffi::SQLITE_IOERR_WRITE),
                Outcome::Failed(code) => return code,
            }
        }
        let written =
            (*(*lower).pMethods).xWrite.map_or(ffi::SQLITE_IOERR, |write| write(lower, from, length, at));
        if written == ffi::SQLITE_OK { result } else { written }
    }
}

unsafe extern "C" fn truncate(file: File, size: i64) -> c_int {
    // SAFETY: SQLite calls with a file that is open.
    unsafe {
        let (of, lower) = (of(file), file.byte_add(LOWER));
        if let (Some(path), Ok(size)) = (&of.path, usize::try_from(size))
            && let Outcome::Failed(code) = of.shared.resize(path, size)
        {
            return code;
        }
        (*(*lower).pMethods).xTruncate.map_or(ffi::SQLITE_IOERR, |truncate| truncate(lower, size))
    }
}

unsafe extern "C" fn sync(file: File, _flags: c_int) -> c_int {
    // SAFETY: SQLite calls with a file that is open. What is synced is noted; the machine's own disk is left in peace.
    let of = unsafe { of(file) };
    match of.path.as_ref().map(|path| of.shared.sync(path)) {
        Some(Outcome::Failed(code)) => code,
        _ => ffi::SQLITE_OK,
    }
}

/// A call that is passed on as it is.
macro_rules! passed_on {
    ($($name:ident, $method:ident($($arg:ident: $kind:ty),*);)+) => {$(
        unsafe extern "C" fn $name(file: File, $($arg: $kind),*) -> c_int {
            // SAFETY: SQLite calls with a file that is open; what it gives is passed on as it is.
            unsafe {
                let lower = file.byte_add(LOWER);
                (*(*lower).pMethods).$method.map_or(ffi::SQLITE_IOERR, |call| call(lower, $($arg),*))
            }
        }
    )+};
}

passed_on! {
    file_size, xFileSize(size: *mut i64);
    lock, xLock(level: c_int);
    unlock, xUnlock(level: c_int);
    check_reserved_lock, xCheckReservedLock(out: *mut c_int);
    file_control, xFileControl(op: c_int, arg: *mut c_void);
    sector_size, xSectorSize();
    device_characteristics, xDeviceCharacteristics();
    shm_map, xShmMap(page: c_int, size: c_int, extend: c_int, out: *mut *mut c_void);
    shm_lock, xShmLock(offset: c_int, count: c_int, flags: c_int);
    shm_unmap, xShmUnmap(delete: c_int);
}

unsafe extern "C" fn shm_barrier(file: File) {
    // SAFETY: SQLite calls with a file that is open.
    unsafe {
        let lower = file.byte_add(LOWER);
        if let Some(barrier) = (*(*lower).pMethods).xShmBarrier {
            barrier(lower);
        }
    }
}
