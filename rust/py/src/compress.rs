//! What compresses, as Python holds it: for bodies over plain HTTP, which its own clients and its publish API carry.

use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rtcore_core::compress::{Algorithm, Bad, Tools};
use rtcore_core::frame::coding;

create_exception!(rtcore._core, Inflated, PyValueError, "It inflates to more than the limit.");

/// The algorithm of a word.
pub(crate) fn algorithm_of(word: &str) -> PyResult<Algorithm> {
    Algorithm::named(word).ok_or_else(|| {
        PyValueError::new_err(format!("{word:?} is no compression that is known: zstd, br, lz4, gzip"))
    })
}

/// `data`, compressed: one frame of `algorithm`.
#[pyfunction]
pub(crate) fn compress<'py>(py: Python<'py>, algorithm: &str, data: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let mut out = Vec::new();
    Tools::default().compress(algorithm_of(algorithm)?, data, &mut out);
    Ok(PyBytes::new(py, &out))
}

/// What one frame holds, at most `most` bytes. Raises `Inflated` for more, `ValueError` for what is no frame.
#[pyfunction]
pub(crate) fn inflate<'py>(
    py: Python<'py>,
    algorithm: &str,
    data: &[u8],
    most: usize,
) -> PyResult<Bound<'py, PyBytes>> {
    match Tools::default().inflate(algorithm_of(algorithm)?, data, most) {
        Ok(out) => Ok(PyBytes::new(py, &out)),
        Err(bad @ Bad::TooLarge(_)) => Err(Inflated::new_err(bad.message(data.len()))),
        Err(bad) => Err(PyValueError::new_err(bad.message(data.len()))),
    }
}

/// The coding that the values of `Accept-Encoding` like best, of those that are known.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "Python's lists come as vectors")]
pub(crate) fn accepted_coding(values: Vec<Vec<u8>>) -> Option<&'static str> {
    coding::accepted(values.iter().map(Vec::as_slice)).map(Algorithm::word)
}

/// The coding that a body came in, by the values of `Content-Encoding`. Raises `ValueError` for another than those that are
/// known, or two.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "as above")]
pub(crate) fn body_coding(values: Vec<Vec<u8>>) -> PyResult<Option<&'static str>> {
    match coding::of_body(values.iter().map(Vec::as_slice)) {
        Ok(coding) => Ok(coding.map(Algorithm::word)),
        Err(refusal) => Err(PyValueError::new_err(refusal.message.into_owned())),
    }
}
