//! A disk that forgets, fails, hangs and lies, for tests: a file system of `SQLite`'s that stands on the usual one.
//!
//! Theory. What is written goes to the usual files at once, as into a page cache. Beside them it is noted which of it was
//! synced. When the power goes (`Disk::cut`), each file becomes what was synced, and of what was not, what the caller keeps:
//! some writes, in whatever order. A sync that fails forgets what it should have written, as Linux does: the next one
//! succeeds, and has not written it.

mod vfs;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use vfs::Registered;

/// Which of the two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The log.
    Log,
    /// The journal beside it.
    Journal,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A sync fails, and what it should have written is never written.
    SyncFails,
    /// A sync does nothing, and says that it did.
    SyncLies,
    /// A write fails.
    WriteFails,
    /// A write is cut short.
    WriteShort,
    /// There is no room for a write.
    Full,
    /// Nothing moves until [`Disk::release`].
    Hangs,
    /// The power goes.
    Cut,
}

impl Fault {
    fn is_of(self, call: Call) -> bool {
        match self {
            Self::SyncFails | Self::SyncLies => call == Call::Sync,
            Self::WriteFails | Self::WriteShort | Self::Full => call == Call::Write,
            Self::Hangs | Self::Cut => true,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Write,
    Sync,
}

struct Armed {
    fault: Fault,
    of: Option<Kind>,
    after: usize,
    times: usize,
}

/// What was written and not synced.
enum Change {
    Write(usize, Vec<u8>),
    Size(usize),
}

struct Content {
    kind: Kind,
    path: PathBuf,
    synced: Vec<u8>,
    changes: Vec<Change>,
}

#[derive(Default)]
struct State {
    contents: HashMap<PathBuf, Content>,
    armed: Vec<Armed>,
    dead: bool,
    hangs: bool,
    /// Which of the changes that were not synced are there after a cut: bit by bit, round and round.
    keep: u64,
    writes: usize,
    syncs: [usize; 2],
}

#[derive(Default)]
pub(crate) struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

/// A disk. It is there under its name until it is dropped, which is after all stores on it are.
pub struct Disk {
    shared: Arc<Shared>,
    registered: Registered,
}

/// What becomes of a call.
enum Outcome {
    Done,
    Short,
    Failed(i32),
}

impl Disk {
    /// One that works. `name` is like no other's.
    ///
    /// # Panics
    ///
    /// If `SQLite` takes no file system of this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let shared = Arc::<Shared>::default();
        let registered = Registered::new(name, &shared);
        Self { shared, registered }
    }

    /// What [`Options::vfs`](crate::Options) is to be.
    #[must_use]
    pub fn name(&self) -> String {
        self.registered.name()
    }

    /// Have something go wrong with `times` calls of its kind, after so many of them, with one of the files or both.
    pub fn arm(&self, fault: Fault, of: Option<Kind>, after: usize, times: usize) {
        self.shared.lock().armed.push(Armed { fault, of, after, times });
    }

    /// Have nothing go wrong any more.
    pub fn disarm(&self) {
        self.shared.lock().armed.clear();
    }

    /// Of what was not synced, what is there after a cut: each change whose bit is set, and half of each eighth.
    pub fn keep(&self, bits: u64) {
        self.shared.lock().keep = bits;
    }

    /// The power goes, now. Every call fails from here on.
    pub fn cut(&self) {
        self.shared.lock().cut();
        self.shared.wake.notify_all();
    }

    /// Whether the power is gone.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.shared.lock().dead
    }

    /// The power is back. No store of before is open any more.
    pub fn again(&self) {
        let mut state = self.shared.lock();
        state.dead = false;
        state.contents.clear();
        state.armed.clear();
    }

    /// What hangs goes on.
    pub fn release(&self) {
        let mut state = self.shared.lock();
        state.hangs = false;
        state.armed.retain(|armed| armed.fault != Fault::Hangs);
        drop(state);
        self.shared.wake.notify_all();
    }

    /// Wait until something hangs.
    pub fn wait_for_hang(&self) {
        let mut state = self.shared.lock();
        while !state.hangs {
            state = self.shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// How often a file was synced.
    #[must_use]
    pub fn syncs(&self, kind: Kind) -> usize {
        self.shared.lock().syncs[kind as usize]
    }

    /// How often something was written.
    #[must_use]
    pub fn writes(&self) -> usize {
        self.shared.lock().writes
    }
}

impl State {
    fn cut(&mut self) {
        if std::mem::replace(&mut self.dead, true) {
            return;
        }
        let keep = self.keep;
        let mut number = 0u32;
        for content in self.contents.values_mut() {
            for change in std::mem::take(&mut content.changes) {
                number = number.wrapping_add(1);
                if keep.rotate_right(number) & 1 == 0 {
                    continue;
                }
                match change {
                    Change::Write(at, bytes) if number.is_multiple_of(8) => {
                        put(&mut content.synced, at, &bytes[..bytes.len() / 2]);
                    }
                    other => other.apply(&mut content.synced),
                }
            }
            // A test's folder may be gone already, and then there is nothing to forget.
            let _ = std::fs::write(&content.path, &content.synced);
        }
    }
}

fn put(bytes: &mut Vec<u8>, at: usize, new: &[u8]) {
    if bytes.len() < at + new.len() {
        bytes.resize(at + new.len(), 0);
    }
    bytes[at..at + new.len()].copy_from_slice(new);
}

impl Change {
    fn apply(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(at, new) => put(bytes, at, &new),
            Self::Size(size) => bytes.resize(size, 0),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_dead(&self) -> bool {
        self.lock().dead
    }

    /// A file is opened. `bytes` are what is in it.
    fn open(&self, path: &Path, bytes: impl FnOnce() -> Vec<u8>) {
        let journal = path.as_os_str().as_encoded_bytes().ends_with(b"-wal");
        let kind = if journal { Kind::Journal } else { Kind::Log };
        let content = || Content { kind, path: path.to_owned(), synced: bytes(), changes: Vec::new() };
        self.lock().contents.entry(path.to_owned()).or_insert_with(content);
    }

    /// What becomes of this call. If it is done, `done` is called, and nothing comes in between.
    fn call(&self, path: &Path, call: Call, done: impl FnOnce(&mut Vec<u8>, &mut Vec<Change>)) -> Outcome {
        let mut state = self.lock();
        if state.dead {
            return Outcome::Failed(rusqlite::ffi::SQLITE_IOERR);
        }
        let Some(kind) = state.contents.get(path).map(|content| content.kind) else { return Outcome::Done };
        match call {
            Call::Write => state.writes += 1,
            Call::Sync => state.syncs[kind as usize] += 1,
        }
        let fault = state.fault(kind, call);
        while fault == Some(Fault::Hangs)
            && !state.dead
            && state.armed.iter().any(|armed| armed.fault == Fault::Hangs)
        {
            state.hangs = true;
            self.wake.notify_all();
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if fault == Some(Fault::Cut) {
            state.cut();
        }
        if state.dead {
            return Outcome::Failed(rusqlite::ffi::SQLITE_IOERR);
        }
        let Some(content) = state.contents.get_mut(path) else { return Outcome::Done };
        match fault {
            Some(Fault::SyncFails) => {
                content.changes.clear();
                Outcome::Failed(rusqlite::ffi::SQLITE_IOERR_FSYNC)
            }
            Some(Fault::SyncLies) => Outcome::Done,
            Some(Fault::WriteFails) => Outcome::Failed(rusqlite::ffi::SQLITE_IOERR_WRITE),
            Some(Fault::Full) => Outcome::Failed(rusqlite::ffi::SQLITE_FULL),
            Some(Fault::WriteShort) => Outcome::Short,
            _ => {
                done(&mut content.synced, &mut content.changes);
                Outcome::Done
            }
        }
    }

    fn write(&self, path: &Path, at: usize, bytes: &[u8]) -> Outcome {
        let outcome =
            self.call(path, Call::Write, |_, changes| changes.push(Change::Write(at, bytes.to_vec())));
        if matches!(outcome, Outcome::Short)
            && let Some(content) = self.lock().contents.get_mut(path)
        {
            content.changes.push(Change::Write(at, bytes[..bytes.len() / 2].to_vec()));
        }
        outcome
    }

    fn resize(&self, path: &Path, size: usize) -> Outcome {
        self.call(path, Call::Write, |_, changes| changes.push(Change::Size(size)))
    }

    fn sync(&self, path: &Path) -> Outcome {
        self.call(path, Call::Sync, |synced, changes| {
            for change in changes.drain(..) {
                change.apply(synced);
            }
        })
    }
}

impl State {
    fn fault(&mut self, kind: Kind, call: Call) -> Option<Fault> {
        let mut found = None;
        for armed in &mut self.armed {
            if !armed.fault.is_of(call) || armed.of.is_some_and(|of| of != kind) || armed.times == 0 {
                continue;
            }
            if armed.after > 0 {
                armed.after -= 1;
            } else {
                armed.times -= 1;
                found = found.or(Some(armed.fault));
            }
        }
        found
    }
}
