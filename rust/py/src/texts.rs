//! Methods of `Core` for texts: what is in one, and its updates merged.

use crate::core::Core;
use crate::failure::Failure;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

#[pymethods]
impl Core {
    /// The updates of a text, or those that somebody may lack who says this state vector.
    #[pyo3(signature = (collection, key, field, vector = None))]
    fn text_updates<'py>(
        &self,
        py: Python<'py>,
        collection: &str,
        key: &str,
        field: &str,
        vector: Option<&[u8]>,
    ) -> Result<Vec<Bound<'py, PyBytes>>, Failure> {
        let updates = {
            let mut inner = self.lock();
            let (engine, now) = inner.engine_now()?;
            engine.text_updates((collection, key, field), vector, now)?
        };
        Ok(updates.iter().map(|update| PyBytes::new(py, update)).collect())
    }

    /// The state vector of a text.
    fn text_vector<'py>(
        &self,
        py: Python<'py>,
        collection: &str,
        key: &str,
        field: &str,
    ) -> Result<Bound<'py, PyBytes>, Failure> {
        let vector = {
            let mut inner = self.lock();
            let (engine, now) = inner.engine_now()?;
            engine.text_vector((collection, key, field), now)?
        };
        Ok(PyBytes::new(py, &vector))
    }

    /// Put an update in the place of the first so many, which have so many bytes together. False: they are others now.
    fn merge_text(
        &self,
        collection: &str,
        key: &str,
        field: &str,
        count: usize,
        bytes: usize,
        update: &[u8],
    ) -> Result<bool, Failure> {
        let mut inner = self.lock();
        Ok(inner.engine()?.merge_text((collection, key, field), (count, bytes), update))
    }
}
