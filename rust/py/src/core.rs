//! The class that Python holds: a lock around everything.

use crate::failure::Failure;
use crate::inner::Inner;
use pyo3::prelude::*;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An engine, and the reactor that drives it.
#[pyclass(frozen, name = "Core", module = "rtcore._core")]
pub(crate) struct Core(Mutex<Inner>);

impl Core {
    /// Whatever panicked while it had the lock has been reported where it happened; a server with
    /// thousands of other connections does not end with it.
    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Core {
    /// `seed`: 32 random bytes. `manual`: the time is what `set_time` says (tests), and there is no poller.
    #[new]
    #[pyo3(signature = (seed, manual = false))]
    fn new(seed: &[u8], manual: bool) -> Result<Self, Failure> {
        let seed = seed
            .try_into()
            .map_err(|_| Failure::Value(format!("the seed has {} bytes, it must have 32", seed.len())))?;
        Ok(Self(Mutex::new(Inner::new(seed, manual))))
    }
}
