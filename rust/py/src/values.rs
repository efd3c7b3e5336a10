//! Values of the application as bytes: what may be said, and binary for those who read JSON.

use crate::failure::Failure;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rtcore_core::envelope::{Data, packed_binary};

/// Whether JSON that the application's encoder made may be said; `Refused` says why not.
#[pyfunction]
pub(crate) fn check_own(json: &[u8]) -> Result<(), Failure> {
    Ok(Data::check_own(json)?)
}

/// JSON with binary in it as `MessagePack`, whose readers know binary; None: there is none in it.
#[pyfunction]
pub(crate) fn packed<'py>(py: Python<'py>, json: &[u8]) -> Result<Option<Bound<'py, PyBytes>>, Failure> {
    Ok(packed_binary(json)?.map(|packed| PyBytes::new(py, &packed)))
}
