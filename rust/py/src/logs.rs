//! What people do with a log on disk: `rtcore log`, `rtcore backup`, `rtcore restore`. Not in a server's own process.

#![expect(clippy::needless_pass_by_value, reason = "what Python gives arrives by value")]

use crate::failure::Failure;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use rtcore_core::envelope::{Data, transcode};
use rtcore_core::ids::Form;
use rtcore_core::store::{Author, Entry, Trouble};
use rtcore_store::tools::{self, Filter, Found, Salvaged};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An entry: number, room, event, data as JSON, time, session, user, excluded session, trace, epoch and number where it was.
/// Of one that is damaged the number alone.
type Row<'py> = (
    u64,
    Option<String>,
    Option<String>,
    Option<Bound<'py, PyBytes>>,
    u64,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    u64,
);

/// What is imported: room, event, data as JSON, time, session, user, excluded session, trace, epoch and number where it was.
type Given = (
    String,
    String,
    Vec<u8>,
    u64,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    u64,
);

/// A log that is looked at, whoever writes to it meanwhile.
#[pyclass(frozen, name = "Log", module = "rtcore._core")]
pub(crate) struct Log(Mutex<tools::Log>);

impl Log {
    fn lock(&self) -> MutexGuard<'_, tools::Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Log {
    /// The log of a folder, or a file that is one.
    #[new]
    fn new(path: PathBuf) -> Result<Self, Failure> {
        let log = if path.is_file() { tools::Log::file(&path)? } else { tools::Log::open(&path)? };
        Ok(Self(Mutex::new(log)))
    }

    #[pyo3(signature = (room, after, upto, count))]
    fn page<'py>(
        &self,
        py: Python<'py>,
        room: Option<&str>,
        after: u64,
        upto: Option<u64>,
        count: usize,
    ) -> Result<Vec<Row<'py>>, Failure> {
        let filter = Filter { room: room.map(Into::into), after, upto };
        let found = py.detach(|| self.lock().page(&filter, count))?;
        found.into_iter().map(|found| row(py, found)).collect()
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = py.detach(|| self.lock().stats()).map_err(Failure::from)?;
        let told = PyDict::new(py);
        for (name, number) in [
            ("reserved", stats.reserved),
            ("written", stats.written),
            ("running_ms", stats.running),
            ("sessions", stats.sessions),
            ("acks", stats.acks),
            ("keys", stats.keys),
            ("log_bytes", stats.log_bytes),
            ("free_bytes", stats.free_bytes),
            ("journal_bytes", stats.journal_bytes),
        ] {
            told.set_item(name, number)?;
        }
        told.set_item("version", stats.version)?;
        told.set_item("epoch", stats.epoch)?;
        told.set_item("head", stats.head)?;
        let rooms = stats.rooms.into_iter();
        let rooms = rooms.map(|(room, bytes)| {
            (room.name.to_string(), room.first, room.last, room.count, room.freed, bytes)
        });
        told.set_item("rooms", rooms.collect::<Vec<_>>())?;
        Ok(told)
    }

    /// (whole entries, how many are damaged, the first of them, what else is wrong). `progress` is called with so much of so much.
    fn verify(&self, progress: &Bound<'_, PyAny>) -> PyResult<(u64, u64, Vec<u64>, Vec<String>)> {
        let found = told(progress, |tell| {
            let mut log = self.lock();
            tools::verify(&mut log, tell)
        })?;
        Ok((found.entries, found.damaged_count, found.damaged, found.faults))
    }
}

/// A copy of the log of a folder, as a file; a server may write to it meanwhile.
#[pyfunction]
pub(crate) fn log_backup(folder: PathBuf, to: PathBuf, progress: &Bound<'_, PyAny>) -> PyResult<()> {
    told(progress, |tell| tools::backup(&folder, &to, tell))
}

/// Put a copy into a folder; where the log is now that was there.
#[pyfunction]
pub(crate) fn log_restore(
    folder: PathBuf,
    from: PathBuf,
    progress: &Bound<'_, PyAny>,
) -> PyResult<Option<PathBuf>> {
    told(progress, |tell| tools::restore(&folder, &from, tell))
}

/// Write it anew: how large it was, and is.
#[pyfunction]
pub(crate) fn log_compact(folder: PathBuf, progress: &Bound<'_, PyAny>) -> PyResult<(u64, u64)> {
    told(progress, |tell| tools::compact(&folder, tell))
}

/// Save what can be read of a file into the log of a folder: (entries, first, last, damaged, parts that cannot be read).
#[pyfunction]
pub(crate) fn log_salvage(
    from: PathBuf,
    folder: PathBuf,
    progress: &Bound<'_, PyAny>,
) -> PyResult<(u64, u64, u64, u64, u64)> {
    let saved = told(progress, |tell| tools::salvage(&from, &folder, tell))?;
    let done = saved.imported;
    Ok((done.entries, done.first, done.last, saved.damaged, saved.unreadable))
}

/// Append what an iterator gives: (entries, first, last). What it raises ends it, and what came before is kept.
#[pyfunction]
pub(crate) fn log_import(
    folder: PathBuf,
    entries: &Bound<'_, PyAny>,
    total: u64,
    progress: &Bound<'_, PyAny>,
) -> PyResult<(u64, u64, u64)> {
    let mut raised = None;
    let given = entries.try_iter()?.map(|item| match item.and_then(|item| entry(&item)) {
        Ok(given) => Ok(given),
        Err(error) => {
            raised.get_or_insert(error);
            Err(Trouble { kind: "io", text: String::new() })
        }
    });
    let done = told(progress, |tell| tools::import(&folder, given, total, tell));
    if let Some(error) = raised {
        return Err(error);
    }
    let done = done?;
    Ok((done.entries, done.first, done.last))
}

/// Do something whose progress a function of Python's hears. What that raises comes out when the work is over.
fn told<T>(
    progress: &Bound<'_, PyAny>,
    work: impl FnOnce(&mut tools::Progress<'_>) -> Result<T, Trouble>,
) -> PyResult<T> {
    let progress = progress.clone().unbind();
    let mut raised = None;
    let done = work(&mut |done, total| {
        if raised.is_none() {
            raised = Python::attach(|py| progress.call1(py, (done, total)).err());
        }
    });
    match raised {
        Some(error) => Err(error),
        None => Ok(done.map_err(Failure::from)?),
    }
}

fn row(py: Python<'_>, found: Found) -> Result<Row<'_>, Failure> {
    let (entry, was) = match found {
        Found::Entry(entry, was) => (entry, was),
        Found::Damaged(seq) => {
            return Ok((seq, None, None, None, 0, None, None, None, None, None, 0));
        }
    };
    let mut json = Vec::new();
    transcode(&entry.data, entry.form, Form::Json, &mut json)?;
    let (session, user) = match entry.from {
        Some(author) => (Some(author.session.to_string()), author.user.map(|user| user.to_string())),
        None => (None, None),
    };
    let (epoch, number) = was.map_or((None, 0), |was| (Some(was.epoch), was.was));
    Ok((
        entry.seq,
        Some(entry.room.to_string()),
        Some(entry.event.to_string()),
        Some(PyBytes::new(py, &json)),
        entry.time,
        session,
        user,
        entry.exclude.map(|exclude| exclude.to_string()),
        entry.trace.map(Into::into),
        epoch,
        number,
    ))
}

fn entry(item: &Bound<'_, PyAny>) -> PyResult<(Entry, Option<Salvaged>)> {
    let (room, event, json, time, session, user, exclude, trace, epoch, number): Given = item.extract()?;
    let data = Data::check(Form::Json, &json).map_err(Failure::from)?;
    let entry = Entry {
        seq: 0,
        room: room.into(),
        event: event.into(),
        data: (&*data.bytes).into(),
        form: data.form,
        time,
        from: session.map(|session| Author { session: session.into(), user: user.map(Into::into) }),
        exclude: exclude.map(Into::into),
        trace: trace.map(Into::into),
        slot: None,
    };
    Ok((entry, epoch.map(|epoch| Salvaged { epoch, was: number })))
}
