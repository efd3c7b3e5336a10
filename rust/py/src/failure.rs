//! What can go wrong with a call, and what Python sees of it.

use pyo3::exceptions::{PyException, PyKeyError, PyOSError, PyRuntimeError, PyValueError};
use pyo3::{PyErr, create_exception};
use rtcore_core::engine::Unpublished;
use rtcore_core::error::Fault;
use rtcore_core::store::Trouble;
use std::io;

create_exception!(
    rtcore._core,
    Refused,
    PyException,
    "args: (code: str, message: str, retry: bool). The core's one error for a call that was not done."
);
create_exception!(
    rtcore._core,
    Blocked,
    PyException,
    "args: (ticket: int,). The room's policy is `block` and a member is behind: wait for UNBLOCKED, try again."
);
create_exception!(
    rtcore._core,
    Storing,
    PyException,
    "args: (ticket: int,). It is on its way to the disk: STORED says what became of it."
);
create_exception!(
    rtcore._core,
    Unusable,
    PyException,
    "args: (kind: str, message: str). The folder of the store cannot be used: full, io, corrupt, read_only, busy, newer, slow."
);

/// Why a call was not done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The core says no.
    Fault(Fault),
    /// The core says: later, when this ticket is called.
    Blocked(u64),
    /// It is being done: the disk answers under this ticket.
    Storing(u64),
    /// The store cannot.
    Store(Trouble),
    /// The call does not fit the state that the core is in.
    Usage(&'static str),
    /// An argument is not what it should be.
    Value(String),
    /// There is no setting of that name.
    NoSuchLimit(String),
    /// Shared data says no.
    Why(rtcore_data::Why),
    /// The kernel says no.
    Io(io::Error),
}

/// The one door. Without a catch-all arm, so that whoever adds a failure must say what Python sees.
impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Fault(fault) => {
                Refused::new_err((fault.code.word(), fault.message.into_owned(), fault.retry))
            }
            Failure::Why(why) => Refused::new_err((why.code.into_owned(), why.message, false)),
            Failure::Blocked(ticket) => Blocked::new_err((ticket,)),
            Failure::Storing(ticket) => Storing::new_err((ticket,)),
            Failure::Store(trouble) => Unusable::new_err((trouble.kind, trouble.text)),
            Failure::Usage(text) => PyRuntimeError::new_err(text),
            Failure::Value(text) => PyValueError::new_err(text),
            Failure::NoSuchLimit(name) => PyKeyError::new_err(name),
            Failure::Io(error) => PyOSError::new_err((error.raw_os_error(), error.to_string())),
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Unpublished> for Failure {
    fn from(unpublished: Unpublished) -> Self {
        match unpublished {
            Unpublished::Fault(fault) => Self::Fault(fault),
            Unpublished::Blocked(ticket) => Self::Blocked(ticket),
            Unpublished::Storing(ticket) => Self::Storing(ticket),
        }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::Store(trouble)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
