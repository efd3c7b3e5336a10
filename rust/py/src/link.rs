//! What Python holds of one raw socket, so that a message costs one call with one argument.

use crate::core::Core;
use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBytes, PyString};
use rtcore_core::frame::websocket::Kind;
use rtcore_core::ids::ConnId;
use rtcore_core::outbox::Lent;

/// The socket is closed.
const CLOSED: i64 = -1;
/// It was neither `str` nor `bytes`, or of a class of somebody's own: nothing was sent.
const FOREIGN: i64 = -2;

/// A message of so many bytes on is lent and not copied. Below that the reactor would copy it to save a slice.
const LENT_FROM: usize = 16 * 1024;

/// The sending side of one raw socket.
#[pyclass(frozen, name = "RawLink", module = "rtcore._core")]
pub(crate) struct RawLink {
    core: Py<Core>,
    conn: ConnId,
    /// Above this many unsent bytes Python is told how many there are.
    high: usize,
}

/// A message as it is: neither `str` nor `bytes` ever changes, and no code runs when one goes, under whatever lock.
fn lend(message: &Bound<'_, PyAny>) -> PyResult<Lent> {
    Ok(if let Ok(text) = message.cast_exact::<PyString>() {
        Lent::new(PyBackedStr::try_from(text.clone())?)
    } else {
        Lent::new(PyBackedBytes::from(message.cast_exact::<PyBytes>()?.clone()))
    })
}

#[pymethods]
impl Core {
    fn raw_link(slf: Py<Self>, conn: u64, high: usize) -> RawLink {
        RawLink { core: slf, conn: ConnId(conn), high }
    }
}

#[pymethods]
impl RawLink {
    /// 0: it is on its way. Else how many bytes are unsent, more than `high`; or `CLOSED`, or `FOREIGN`.
    fn send(&self, message: &Bound<'_, PyAny>) -> PyResult<i64> {
        let (kind, bytes): (_, &[u8]) = if let Ok(text) = message.cast_exact::<PyString>() {
            (Kind::Text, text.to_str()?.as_bytes())
        } else if let Ok(bytes) = message.cast_exact::<PyBytes>() {
            (Kind::Binary, bytes.as_bytes())
        } else {
            return Ok(FOREIGN);
        };
        let waiting = if bytes.len() < LENT_FROM {
            self.core.get().lock().engine()?.raw_send(self.conn, kind, bytes)
        } else {
            let message = lend(message)?;
            self.core.get().lock().engine()?.raw_lend(self.conn, kind, message)
        };
        Ok(match waiting {
            None => CLOSED,
            Some(waiting) if waiting > self.high => i64::try_from(waiting).unwrap_or(i64::MAX),
            Some(_) => 0,
        })
    }
}

/// A coroutine that has ended already: what a function gives that is awaited and did not have to wait.
/// It has no state, so one of them serves everybody.
#[pyclass(frozen, name = "Done", module = "rtcore._core")]
pub(crate) struct Done;

#[pymethods]
impl Done {
    #[new]
    fn new() -> Self {
        Self
    }

    fn __await__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[expect(clippy::unused_self, reason = "Python's protocol")]
    fn __next__(&self) -> Option<()> {
        None
    }

    #[expect(clippy::unused_self, reason = "Python's protocol")]
    fn send(&self, _value: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyStopIteration::new_err(()))
    }

    #[pyo3(signature = (error, *_rest))]
    #[expect(clippy::unused_self, reason = "Python's protocol")]
    fn throw(&self, error: Bound<'_, PyAny>, _rest: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyErr::from_value(error))
    }

    #[expect(clippy::unused_self, reason = "Python's protocol")]
    fn close(&self) {}
}
