//! Reads, beside the one that writes: a bounded number of threads, each with a connection while it reads.

use crate::connection;
use crate::page;
use crate::rooms::Rooms;
use crate::trouble::of_sqlite;
use rtcore_core::store::{Page, Read, Report, Trouble};
use rusqlite::Connection;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long one read may hold a connection: what is read meanwhile cannot be cut from the journal.
const SLICE: Duration = Duration::from_millis(200);

/// Where reports go.
pub type Tell = Arc<dyn Fn(Report) + Send + Sync>;

/// The readers.
pub struct Readers {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    most: usize,
}

struct Shared {
    path: PathBuf,
    vfs: Option<String>,
    rooms: Arc<Mutex<Rooms>>,
    tell: Tell,
    queue: Mutex<Queue>,
    wake: Condvar,
    /// Connections that nobody reads from. Who reads holds the gate; who has it alone knows that there are no others.
    gate: RwLock<()>,
    idle: Mutex<Vec<Connection>>,
}

#[derive(Default)]
struct Queue {
    reads: VecDeque<Read>,
    waiting: usize,
    closed: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Readers {
    /// At most so many, of this file.
    pub fn new(
        path: PathBuf,
        vfs: Option<String>,
        rooms: Arc<Mutex<Rooms>>,
        tell: Tell,
        most: usize,
    ) -> Self {
        let (queue, wake) = (Mutex::default(), Condvar::new());
        let (gate, idle) = (RwLock::default(), Mutex::default());
        let shared = Shared { path, vfs, rooms, tell, queue, wake, gate, idle };
        Self { shared: Arc::new(shared), threads: Mutex::default(), most: most.max(1) }
    }

    /// Read this, soon.
    pub fn read(&self, read: Read) {
        let mut threads = lock(&self.threads);
        let mut queue = lock(&self.shared.queue);
        if queue.closed {
            return;
        }
        queue.reads.push_back(read);
        if queue.reads.len() > queue.waiting && threads.len() < self.most {
            let shared = Arc::clone(&self.shared);
            let spawned = thread::Builder::new().name("rtcore-read".into()).spawn(move || shared.run());
            threads.extend(spawned.ok());
        }
        self.shared.wake.notify_one();
    }

    /// Have no connection open until the guard is dropped.
    pub fn shut(&self) -> RwLockWriteGuard<'_, ()> {
        let guard = self.shared.gate.write().unwrap_or_else(PoisonError::into_inner);
        lock(&self.shared.idle).clear();
        guard
    }

    /// Finish what is under way, and forget what is not.
    pub fn close(&self) {
        let mut queue = lock(&self.shared.queue);
        queue.closed = true;
        queue.reads.clear();
        drop(queue);
        self.shared.wake.notify_all();
        for thread in lock(&self.threads).drain(..) {
            let _ = thread.join();
        }
        lock(&self.shared.idle).clear();
    }
}

impl Shared {
    fn run(&self) {
        while let Some(read) = self.next() {
            let gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
            let page = self.page(&read);
            drop(gate);
            (self.tell)(Report::Read(read.id, page));
        }
    }

    fn next(&self) -> Option<Read> {
        let mut queue = lock(&self.queue);
        loop {
            if let Some(read) = queue.reads.pop_front() {
                return Some(read);
            }
            if queue.closed {
                return None;
            }
            queue.waiting += 1;
            queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.waiting -= 1;
        }
    }

    fn page(&self, read: &Read) -> Result<Page, Trouble> {
        let idle = lock(&self.idle).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connection::to_read(&self.path, self.vfs.as_deref())?,
        };
        // One that failed is not used again.
        let page = page::read(&connection, &self.rooms, &read.wanted, SLICE)
            .map_err(|error| of_sqlite(&error, "cannot read", &self.path))?;
        lock(&self.idle).push(connection);
        Ok(page)
    }
}
