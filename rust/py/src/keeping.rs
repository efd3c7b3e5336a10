//! The store of a server: what the engine asks of it goes there, and what it reports comes back.
//!
//! With a poller its reports come through the shard's inbox, in their turn. Without one (a test, whose clock is no clock) they
//! are waited for where they were asked for, so that nothing depends on how long a disk takes.

use rtcore_core::engine::Config;
use rtcore_core::room::settings::Patterns;
use rtcore_core::store::{Ask, Kept, Report, Trouble};
use rtcore_reactor::{Mail, Sender};
use rtcore_store::{Bounds, BoundsOf, Options, Store};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// How long a report is waited for where it was asked for: longer than any disk takes that works.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the end of a store is waited for.
const ENDING: Duration = Duration::from_secs(10);

/// A store that is open.
pub(crate) struct Keeping {
    store: Store,
    /// Where reports come, without a poller.
    mail: Option<Receiver<Report>>,
    /// How much was asked for and not answered: the store's threads count down.
    open: Arc<AtomicUsize>,
    /// The same as `next` has seen it: what was counted down may not have been taken out yet.
    waits: usize,
}

impl Keeping {
    /// Open the store in this folder. Without a `sender` its reports are taken by `next`.
    pub fn open(
        folder: &Path,
        config: &Config,
        kept: HashMap<Box<str>, Bounds>,
        sender: Option<Sender>,
    ) -> Result<(Self, Kept), Trouble> {
        let options =
            Options { bounds: bounds_of(config, kept), key_ms: config.limits.key_ms, ..Options::default() };
        let open = Arc::<AtomicUsize>::default();
        let left = Arc::clone(&open);
        let (put, mail) = mpsc::channel();
        let mail = sender.is_none().then_some(mail);
        let tell = move |report| {
            let last = is_last(&report);
            // Where nobody takes reports any more there is nobody to hear them.
            let _ = match &sender {
                Some(sender) => sender.send(Mail::Report(report)).is_ok(),
                None => put.send(report).is_ok(),
            };
            if last {
                left.fetch_sub(1, Ordering::AcqRel);
            }
        };
        let (store, kept) = Store::open(folder, options, tell)?;
        Ok((Self { store, mail, open, waits: 0 }, kept))
    }

    /// The engine asks for something.
    pub fn ask(&mut self, ask: Ask) {
        self.open.fetch_add(1, Ordering::AcqRel);
        self.waits += 1;
        match ask {
            Ask::Write(group) => self.store.write(group),
            Ask::Read(read) => self.store.read(read),
        }
    }

    /// Whether something that was asked for has no answer.
    pub fn is_busy(&self) -> bool {
        self.open.load(Ordering::Acquire) > 0
    }

    /// The next report, without a poller: waited for while something is under way. None: there is none.
    pub fn next(&mut self) -> Option<Report> {
        let mail = self.mail.as_ref()?;
        let report = if self.waits > 0 { mail.recv_timeout(PATIENCE).ok()? } else { mail.try_recv().ok()? };
        match report {
            _ if is_last(&report) => self.waits = self.waits.saturating_sub(1),
            // What is unknown may be so for long: it is not waited for.
            Report::Unknown(..) | Report::Down(_) => self.waits = 0,
            _ => {}
        }
        Some(report)
    }

    /// The store, to look at.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Write what was asked for, and end: within bounds, whatever the disk does. False: it was left alone with it.
    pub fn close(self) -> bool {
        let (said, ended) = mpsc::channel();
        let Self { store, .. } = self;
        thread::spawn(move || {
            store.close();
            let _ = said.send(());
        });
        ended.recv_timeout(ENDING).is_ok()
    }
}

/// Whether this is the last word about something that was asked for.
fn is_last(report: &Report) -> bool {
    matches!(report, Report::Written(_) | Report::Refused(..) | Report::Read(..))
}

/// How much of each room stays on disk: by the pattern that speaks for it.
fn bounds_of(config: &Config, kept: HashMap<Box<str>, Bounds>) -> BoundsOf {
    let mut patterns = Patterns::new(rtcore_core::log::ring::Bounds::default());
    for settings in &config.rooms {
        // One that cannot be used was refused where it was configured.
        let _ = patterns.add(settings.clone());
    }
    Box::new(move |name| {
        let Some(settings) = patterns.find(name) else { return Bounds::default() };
        if settings.collection.is_some() {
            // Its documents are kept for themselves: of what was said, as much as who was away for a moment needs.
            let ring = settings.bounds;
            return Bounds { count: ring.count as u64, bytes: ring.bytes as u64, age_ms: ring.age_ms };
        }
        kept.get(&settings.pattern).copied().unwrap_or_default()
    })
}
