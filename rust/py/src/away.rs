//! The only place that lets go of the interpreter.

use pyo3::Python;
use pyo3::marker::Ungil;

/// Do `work`, and let other threads run Python meanwhile if it may take long. To let go and come
/// back costs about a tenth of a microsecond and, if another thread was waiting for it, the time
/// until that one gives it back (5 ms by default): so only work that waits, or closes thousands of
/// sockets, is done away from it.
///
/// `work` takes and drops the lock itself. Were it still held on the way back, a thread that has the
/// interpreter and wants the lock would wait for us for ever, and we for it.
pub(crate) fn away<T: Ungil>(py: Python<'_>, long: bool, work: impl FnOnce() -> T + Ungil) -> T {
    if long { py.detach(work) } else { work() }
}
