//! The PROXY header of a connection whose bytes the core does not see from the first on: it stands before TLS.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rtcore_core::frame::proxy::{Told, parse};

/// A client's address, its port, and whether it came by TLS; none: the header speaks of nobody.
type Client = Option<(String, u16, bool)>;

/// What a PROXY header at the beginning of `data` says, and how long it is. None: its end is not here yet. Raises
/// `ValueError` for what is no such header.
#[pyfunction]
pub(crate) fn proxy_header(data: &[u8]) -> PyResult<Option<(usize, Client)>> {
    let read = parse(data).map_err(PyValueError::new_err)?;
    Ok(read.map(|(told, length)| match told {
        Told::Nothing => (length, None),
        Told::Client { address, port, secure } => (length, Some((address.to_string(), port, secure))),
    }))
}
