//! A store, as others see it.

use crate::folder::Folder;
use crate::opening;
use crate::options::Options;
use crate::readers::{Readers, Tell};
use crate::rooms::Rooms;
use crate::stats::{Counters, Health};
use crate::trouble::of_system;
use crate::writer::{Command, Parts, Writer};
use rtcore_core::store::{Group, Kept, Read, Report, Trouble};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// The log of a folder, open for this process alone. Its calls return at once; what became of them is reported.
pub struct Store {
    folder: Folder,
    commands: Sender<Command>,
    readers: Arc<Readers>,
    counters: Arc<Counters>,
    found: Vec<Trouble>,
    thread: Option<JoinHandle<()>>,
    /// Locked for as long as the store lives.
    lock: Option<File>,
}

impl Store {
    /// Open the log in the folder at `path`, and make it if there is none. `report` is called in threads of the store's,
    /// and returns at once.
    ///
    /// A [`Trouble`] if it cannot be written, is of a newer version or not ours, or another process has it.
    pub fn open(
        path: &Path,
        options: Options,
        report: impl Fn(Report) + Send + Sync + 'static,
    ) -> Result<(Self, Kept), Trouble> {
        Self::begin(path, options, Arc::new(report), false)
    }

    /// Open it to change something, and not for a life of a server's.
    pub(crate) fn visit(path: &Path, options: Options) -> Result<(Self, Kept), Trouble> {
        Self::begin(path, options, Arc::new(|_| ()), true)
    }

    fn begin(path: &Path, options: Options, tell: Tell, visit: bool) -> Result<(Self, Kept), Trouble> {
        let folder = Folder::new(path);
        let lock = folder.lock()?;
        let nothing = Options { vfs: options.vfs.clone(), ..Options::default() };
        let Options { bounds, clock, key_ms, readers, free_floor, set_aside, boot, vfs } = options;
        let rooms = Arc::new(Mutex::new(Rooms::new(bounds)));
        let opened = opening::open(&folder, &Options { key_ms, set_aside, boot, ..nothing }, &rooms, visit)?;
        let counters = Arc::<Counters>::default();
        let readers = Readers::new(folder.log(), vfs.clone(), Arc::clone(&rooms), Arc::clone(&tell), readers);
        let readers = Arc::new(readers);
        let running = opened.kept.running;
        let parts = {
            let (readers, counters, folder) = (Arc::clone(&readers), Arc::clone(&counters), folder.clone());
            let (connection, note) = (opened.connection, opened.note);
            Parts {
                folder,
                vfs,
                connection,
                note,
                rooms,
                readers,
                tell,
                counters,
                clock,
                running,
                key_ms,
                free_floor,
            }
        };
        let (commands, inbox) = channel();
        let (said, begun) = channel();
        let thread = thread::Builder::new().name("rtcore-store".into()).spawn(move || {
            match Writer::new(parts, inbox) {
                Ok(writer) => {
                    let _ = said.send(Ok(()));
                    writer.run();
                }
                Err(why) => drop(said.send(Err(why))),
            }
        });
        let thread = thread.map_err(|error| of_system(&error, "cannot begin a thread for", path))?;
        if let Ok(Err(why)) = begun.recv() {
            return Err(why);
        }
        let found = opened.found;
        let store =
            Self { folder, commands, readers, counters, found, thread: Some(thread), lock: Some(lock) };
        Ok((store, opened.kept))
    }

    /// Write a group. It is answered with [`Report::Written`], [`Report::Refused`] or [`Report::Unknown`].
    pub fn write(&self, group: Group) {
        // It fails when the writer is gone, which it is not before the store is.
        let _ = self.commands.send(Command::Write(group));
    }

    /// Read something. It is answered with [`Report::Read`].
    pub fn read(&self, read: Read) {
        self.readers.read(read);
    }

    /// What was found when it was opened that somebody should be told: a log that was set aside or rolled back.
    #[must_use]
    pub fn found(&self) -> &[Trouble] {
        &self.found
    }

    /// How it does.
    #[must_use]
    pub fn health(&self) -> Health {
        let (log_bytes, journal_bytes) = self.folder.sizes();
        Health { log_bytes, journal_bytes, free_bytes: self.folder.free(), ..self.counters.health() }
    }

    /// Do what is done when nothing comes, now, and wait for it: for tests, and before a file is measured.
    pub fn settle(&self) {
        self.ask(Writer::settle);
    }

    /// Have the writer do something between two groups, and wait for it. None: it is gone.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> T + Send + 'static,
    ) -> Option<T> {
        let (said, done) = channel();
        let work = Box::new(move |writer: &mut Writer| drop(said.send(work(writer))));
        self.commands.send(Command::Do(work)).ok()?;
        done.recv().ok()
    }

    /// Copy the log into the file at `to`, which must not be there yet, in steps between groups: it needs no journal that grows,
    /// and is never begun again. What it holds is what the log holds at its end. `progress` is told so many pages of so
    /// many; `done` what came of it. Both are called in the thread that writes, and return soon. A [`Trouble`] if the file
    /// cannot be written, another copy is under way, or the store ends before.
    pub fn backup(
        &self,
        to: PathBuf,
        mut progress: impl FnMut(u64, u64) + Send + 'static,
        done: impl FnOnce(Result<(), Trouble>) + Send + 'static,
    ) {
        let work = Box::new(move |writer: &mut Writer| done(writer.copy(&to, &mut progress)));
        let _ = self.commands.send(Command::Do(work));
    }

    /// Write what was asked for, and end. The same happens when it is dropped.
    pub fn close(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self.commands.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.lock = None;
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.end();
    }
}
