//! CRDTs as Python sees them: one class over all kinds, with values in and out.

use crate::failure::Failure;
use crate::objects::{object, value};
use pyo3::prelude::*;
use rtcore_data::crdt::{Author, Bounds, Kind};
use rtcore_data::{Limits, Why, crdt};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One CRDT.
#[pyclass(frozen, name = "Crdt", module = "rtcore._core")]
pub(crate) struct Crdt(Mutex<crdt::Crdt>);

impl From<Why> for Failure {
    fn from(why: Why) -> Self {
        Self::Why(why)
    }
}

fn bounds() -> Bounds {
    let limits = Limits::default();
    Bounds { elements: limits.elements, bytes: limits.value }
}

fn other_kind() -> Failure {
    Failure::Usage("this kind of CRDT has no such operation")
}

impl Crdt {
    fn of(held: crdt::Crdt) -> Self {
        Self(Mutex::new(held))
    }

    fn lock(&self) -> MutexGuard<'_, crdt::Crdt> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Crdt {
    #[new]
    fn new(kind: &str) -> Result<Self, Failure> {
        let kind = Kind::of(kind).ok_or_else(|| Failure::Value(format!("there is no CRDT {kind:?}")))?;
        Ok(Self::of(crdt::Crdt::new(kind)))
    }

    #[staticmethod]
    fn read(state: &Bound<'_, PyAny>) -> PyResult<Self> {
        let state = value(state, 0)?;
        Ok(Self::of(crdt::Crdt::read(&state).map_err(Failure::from)?))
    }

    fn kind(&self) -> &'static str {
        self.lock().kind().word()
    }

    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let state = self.lock().state();
        object(py, &state)
    }

    fn value<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let value = self.lock().value();
        object(py, &value)
    }

    fn copy(&self) -> Self {
        Self::of(self.lock().clone())
    }

    fn same(&self, other: &Self) -> bool {
        let other = other.lock().clone();
        *self.lock() == other
    }

    fn merge(&self, other: &Self) -> Result<(), Failure> {
        if std::ptr::eq(self, other) {
            return Ok(());
        }
        // Copied first: two that are merged into each other at once must not wait for each other.
        let other = other.lock().clone();
        Ok(self.lock().merge(&other, bounds())?)
    }

    fn count(&self, replica: &str, by: i64) -> Result<Self, Failure> {
        Ok(Self::of(match &mut *self.lock() {
            crdt::Crdt::GCounter(held) => match u64::try_from(by) {
                Ok(by) => crdt::Crdt::GCounter(held.add(replica, by)?),
                Err(_) => return Err(Failure::Value("a g-counter only counts up".into())),
            },
            crdt::Crdt::PnCounter(held) => crdt::Crdt::PnCounter(held.add(replica, by)?),
            _ => return Err(other_kind()),
        }))
    }

    fn add(&self, replica: &str, element: &str) -> Result<Self, Failure> {
        Ok(Self::of(match &mut *self.lock() {
            crdt::Crdt::GSet(held) => crdt::Crdt::GSet(held.add(element, bounds())?),
            crdt::Crdt::OrSet(held) => crdt::Crdt::OrSet(held.add(replica, element, bounds())?),
            _ => return Err(other_kind()),
        }))
    }

    fn remove(&self, element: &str) -> Result<Self, Failure> {
        match &mut *self.lock() {
            crdt::Crdt::OrSet(held) => Ok(Self::of(crdt::Crdt::OrSet(held.remove(element)))),
            _ => Err(other_kind()),
        }
    }

    fn contains(&self, element: &str) -> Result<bool, Failure> {
        match &*self.lock() {
            crdt::Crdt::GSet(held) => Ok(held.contains(element)),
            crdt::Crdt::OrSet(held) => Ok(!held.dots(element).is_empty()),
            _ => Err(other_kind()),
        }
    }

    fn length(&self) -> Result<usize, Failure> {
        match &*self.lock() {
            crdt::Crdt::GSet(held) => Ok(held.len()),
            crdt::Crdt::OrSet(held) => Ok(held.len()),
            _ => Err(other_kind()),
        }
    }

    fn set(&self, replica: &str, to: &Bound<'_, PyAny>, time: u64) -> PyResult<Self> {
        let to = value(to, 0)?;
        match &mut *self.lock() {
            crdt::Crdt::Register(held) => Ok(Self::of(crdt::Crdt::Register(held.set(replica, to, time)))),
            _ => Err(other_kind().into()),
        }
    }

    /// An operation as a server applies it; what is to be heard of it, None where nothing changed.
    fn apply<'py>(
        &self,
        py: Python<'py>,
        op: &Bound<'py, PyAny>,
        writer: &str,
        n: u64,
        time: u64,
        later: bool,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let op = value(op, 0)?;
        let author = Author { name: writer, n, time, later };
        let heard = {
            let mut held = self.lock();
            held.check(&op, &author, bounds()).map_err(Failure::from)?;
            held.apply(&op, &author).map_err(Failure::from)?
        };
        heard.map(|heard| object(py, &heard)).transpose()
    }

    /// Set what was heard of an operation.
    fn hear(&self, heard: &Bound<'_, PyAny>) -> PyResult<()> {
        let heard = value(heard, 0)?;
        Ok(self.lock().hear(&heard).map_err(Failure::from)?)
    }
}
