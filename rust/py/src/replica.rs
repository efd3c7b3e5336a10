//! A collection at a client, as Python sees it: what is heard and answered goes in, what is due and what is to be kept comes out.
//!
//! Rows are kept as JSON, which has every number and binary as they were. What is looked at is Python's own objects.

use crate::failure::Failure;
use crate::objects::{object, value};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use rtcore_core::envelope::{tree, tree_bytes};
use rtcore_core::ids::Form;
use rtcore_data::client::{Keep, Kept, News, Pending, Resolution, Seen};
use rtcore_data::{Map, Value, Why, client};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a row is of.
const DROPPED: u8 = 0;
const KEY: u8 = 1;
const CHANGE: u8 = 2;
const STATE: u8 = 3;

type Row<'py> = (u8, Option<String>, u64, Option<Bound<'py, PyBytes>>);
type Told<'py> = (u64, u8, Bound<'py, PyAny>);
type Looked<'py> = (Vec<Row<'py>>, Bound<'py, PyList>, Vec<Told<'py>>);

/// One collection.
#[pyclass(frozen, name = "Replica", module = "rtcore._core")]
pub(crate) struct Replica(Mutex<client::Replica>);

fn row(py: Python<'_>, keep: Keep) -> Row<'_> {
    let bytes = |value: &Value| PyBytes::new(py, &tree_bytes(value, Form::Json));
    match keep {
        Keep::NoKeys => (DROPPED, None, 0, None),
        Keep::Key(key, value) => (KEY, Some((*key).to_owned()), 0, value.as_ref().map(bytes)),
        Keep::Change(n, value) => (CHANGE, None, n, value.as_ref().map(bytes)),
        Keep::State(value) => (STATE, None, 0, Some(bytes(&value))),
    }
}

fn kept((kind, key, n, bytes): (u8, Option<String>, u64, Vec<u8>)) -> Result<Keep, Failure> {
    let value = tree(&bytes, Form::Json)?;
    Ok(match (kind, key) {
        (KEY, Some(key)) => Keep::Key(key.into(), Some(value)),
        (CHANGE, _) => Keep::Change(n, Some(value)),
        (STATE, _) => Keep::State(value),
        _ => return Err(Failure::Value(format!("{kind} is no kind of row that is kept"))),
    })
}

fn failed(pending: &Pending) -> Map {
    pending.row().as_map().cloned().unwrap_or_default()
}

fn list(py: Python<'_>, values: Vec<Value>) -> PyResult<Bound<'_, PyAny>> {
    object(py, &Value::List(values))
}

impl Replica {
    fn of(held: client::Replica) -> Self {
        Self(Mutex::new(held))
    }

    fn lock(&self) -> MutexGuard<'_, client::Replica> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Replica {
    #[new]
    fn new() -> Self {
        Self::of(client::Replica::new())
    }

    /// One that comes back from its rows.
    #[staticmethod]
    fn restore(py: Python<'_>, rows: Vec<(u8, Option<String>, u64, Vec<u8>)>) -> Result<Self, Failure> {
        py.detach(|| {
            // One after the other: what a row says goes when it is held, and a million are never there twice.
            let mut wrong = None;
            let rows = rows.into_iter().map_while(|row| kept(row).map_err(|why| wrong = Some(why)).ok());
            let made = client::Replica::restore(rows);
            wrong.map_or_else(|| Ok(Self::of(made?)), Err)
        })
    }

    fn set_schema(&self, version: Option<u64>) {
        self.lock().set_schema(version);
    }

    fn set_lanes(&self, most: Option<usize>) {
        self.lock().set_lanes(most);
    }

    // -- what is heard

    fn joined(&self, epoch: &str, sync: &Bound<'_, PyAny>) -> PyResult<()> {
        let sync = value(sync, 0)?;
        self.lock().joined(epoch, &sync);
        Ok(())
    }

    fn away(&self) {
        self.lock().away();
    }

    fn left(&self) {
        self.lock().left();
    }

    fn hear(&self, seq: u64, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let data = value(data, 0)?;
        self.lock().hear(seq, &data);
        Ok(())
    }

    fn gap(&self, to: u64) {
        self.lock().gap(to);
    }

    fn page(&self, page: &Bound<'_, PyAny>, now_ms: u64) -> PyResult<()> {
        let page = value(page, 0)?;
        self.lock().page(&page, now_ms);
        Ok(())
    }

    fn pull_failed(&self) {
        self.lock().pull_failed();
    }

    fn pushed(&self, token: u64, data: &Bound<'_, PyAny>, now_ms: u64) -> PyResult<()> {
        let data = value(data, 0)?;
        self.lock().pushed(token, &data, now_ms);
        Ok(())
    }

    fn push_failed(&self, token: u64, code: String, message: &str, retry: bool, after_ms: u64, now_ms: u64) {
        self.lock().push_failed(token, &Why::new(code, message), retry, after_ms, now_ms);
    }

    fn fence(&self) {
        self.lock().fence();
    }

    fn renew(&self) {
        self.lock().renew();
    }

    // -- what is due

    fn next_pull(&self) -> Option<(Option<String>, Option<String>)> {
        self.lock().next_pull().map(|due| (due.after, due.begun))
    }

    /// Token, changes (JSON), seen.
    fn next_push<'py>(&self, py: Python<'py>, now_ms: u64) -> Option<(u64, Bound<'py, PyBytes>, u64)> {
        let out = self.lock().next_push(now_ms)?;
        let seen = out.data.get("seen").and_then(Value::as_count).unwrap_or(0);
        let changes = out.data.get("changes").map(|changes| tree_bytes(changes, Form::Json))?;
        Some((out.token, PyBytes::new(py, &changes), seen))
    }

    /// Rows to be kept, where they are; keys of which something else is seen, where somebody listens with both documents; and
    /// what became of one's own changes.
    fn keep<'py>(&self, py: Python<'py>, stored: bool, heard: bool) -> PyResult<Looked<'py>> {
        let Kept { rows, seen, news } = self.lock().keep(stored);
        let rows = rows.into_iter().map(|keep| row(py, keep)).collect();
        let told = PyList::empty(py);
        let shown = |value: Option<Value>| value.map(|value| object(py, &value)).transpose();
        for one in seen {
            if heard {
                told.append((&*one.key, shown(Seen::before(&one))?, shown(Seen::now(&one))?))?;
            } else {
                told.append(&*one.key)?;
            }
        }
        let news = news.into_iter().map(|news| {
            Ok(match news {
                News::Answered(n, outcome) => (n, 0, object(py, &outcome.said(n))?),
                News::Over(n) => (n, 1, py.None().into_bound(py)),
                News::Discarded(n) => (n, 2, py.None().into_bound(py)),
            })
        });
        Ok((rows, told, news.collect::<PyResult<_>>()?))
    }

    // -- one's own changes

    fn put(&self, key: &str, document: &Bound<'_, PyAny>, at: u64) -> PyResult<Option<u64>> {
        let document = value(document, 0)?;
        Ok(self.lock().put(key, document, at).map_err(Failure::from)?)
    }

    fn patch(&self, key: &str, set: &Bound<'_, PyAny>, unset: Vec<String>, at: u64) -> PyResult<u64> {
        let set = value(set, 0)?;
        let unset = unset.into_iter().map(String::into_boxed_str).collect();
        Ok(self.lock().patch(key, set, unset, at).map_err(Failure::from)?)
    }

    fn delete(&self, key: &str, at: u64) -> Result<u64, Failure> {
        Ok(self.lock().delete(key, at)?)
    }

    fn discard(&self, n: u64) -> bool {
        self.lock().discard(n)
    }

    /// `how`: `mine`, `theirs` or `set`.
    fn resolve(
        &self,
        n: u64,
        how: &str,
        document: Option<&Bound<'_, PyAny>>,
        at: u64,
    ) -> PyResult<Option<u64>> {
        let how = match (how, document) {
            ("mine", _) => Resolution::Mine,
            ("theirs", _) => Resolution::Theirs,
            ("set", Some(document)) => Resolution::Set(value(document, 0)?),
            _ => return Err(Failure::Value(format!("{how:?} is no way to decide a conflict")).into()),
        };
        Ok(self.lock().resolve(n, how, at).map_err(Failure::from)?)
    }

    fn retry(&self, n: u64, at: u64) -> Result<u64, Failure> {
        Ok(self.lock().retry(n, at)?)
    }

    fn forget(&self, n: u64) {
        self.lock().forget(n);
    }

    // -- looking

    /// What is seen of a key, as of the last `keep`.
    fn get<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        let shown = self.lock().shown(key);
        shown.map(|shown| object(py, &shown)).transpose()
    }

    fn theirs<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        let theirs = self.lock().theirs(key);
        theirs.map(|theirs| object(py, &theirs)).transpose()
    }

    fn has(&self, key: &str) -> bool {
        self.lock().has(key)
    }

    fn count(&self) -> usize {
        self.lock().keys().len()
    }

    fn keys(&self) -> Vec<String> {
        self.lock().keys().map(|key| (**key).to_owned()).collect()
    }

    fn pending<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let rows = self.lock().pending().map(Pending::row).collect();
        list(py, rows)
    }

    fn pending_count(&self) -> usize {
        self.lock().pending().len()
    }

    fn conflicts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let held = self.lock();
        let rows = held.conflicts.iter().map(|it| {
            let fields: Vec<Value> = it.fields.iter().map(|name| Value::from(&**name)).collect();
            failed(&it.change).with("seq", it.seq).with("fields", fields).with("gone", it.gone).into()
        });
        let rows = rows.collect();
        drop(held);
        list(py, rows)
    }

    fn refused<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let held = self.lock();
        let rows = held.refused.iter().map(|it| {
            failed(&it.change).with("code", &*it.why.code).with("message", &*it.why.message).into()
        });
        let rows = rows.collect();
        drop(held);
        list(py, rows)
    }

    fn failed_count(&self) -> (usize, usize) {
        let held = self.lock();
        (held.conflicts.len(), held.refused.len())
    }

    fn is_whole(&self) -> bool {
        self.lock().is_whole()
    }

    fn is_fenced(&self) -> bool {
        self.lock().is_fenced()
    }

    fn wants_right(&self) -> bool {
        self.lock().wants_right()
    }

    fn trouble(&self) -> Option<(String, String)> {
        self.lock().trouble().map(|why| (why.code.clone().into_owned(), why.message.clone()))
    }

    fn confirmed(&self) -> Option<String> {
        self.lock().confirmed()
    }

    fn seen(&self) -> u64 {
        self.lock().seen()
    }

    fn rests_until(&self) -> Option<u64> {
        self.lock().rests_until()
    }
}
