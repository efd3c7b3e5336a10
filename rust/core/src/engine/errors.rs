//! What went wrong, from how it was found to how it is kept and told.
//!
//! Parts: none.

use crate::codes::Code;
use crate::envelope::write::ErrorOut;
use crate::error::Fault;
use crate::log::acks::{Kept, KeptError};
use std::borrow::Cow;
use std::sync::Arc;

/// A fault as an ack that is kept.
pub(super) fn kept(fault: &Fault) -> Kept {
    let (code, message) = (Cow::Borrowed(fault.code.word()), fault.message.clone());
    let (retry, after_ms) = (fault.retry, fault.after_ms);
    Kept::Error(Arc::new(KeptError { code, message, details: None, retry, after_ms }))
}

/// A kept error as it is told.
pub(super) fn told(error: &KeptError) -> ErrorOut<'_> {
    ErrorOut {
        code: &error.code,
        message: &error.message,
        details: error.details.as_ref().map(|(bytes, form)| (&**bytes, *form)),
        retry: error.retry,
        after_ms: error.after_ms,
    }
}

/// A kept error of our own as the fault that it was.
pub(super) fn fault(error: &KeptError) -> Fault {
    let code = Code::ALL.iter().copied().find(|code| code.word() == error.code).unwrap_or(Code::Internal);
    let fault = Fault::new(code, error.message.clone());
    Fault { retry: error.retry, after_ms: error.after_ms, ..fault }
}

/// A fault as it is told.
pub(super) fn of_fault(fault: &Fault) -> ErrorOut<'_> {
    ErrorOut {
        code: fault.code.word(),
        message: &fault.message,
        details: None,
        retry: fault.retry,
        after_ms: fault.after_ms,
    }
}

/// An error of the application as it is kept.
pub(super) fn keep(error: &ErrorOut<'_>) -> Kept {
    Kept::Error(Arc::new(KeptError {
        code: Cow::Owned(error.code.to_owned()),
        message: Cow::Owned(error.message.to_owned()),
        details: error.details.map(|(bytes, form)| (bytes.into(), form)),
        retry: error.retry,
        after_ms: error.after_ms,
    }))
}
