//! What can be wrong with what a peer or the application said.

use crate::codes::Code;
use std::borrow::Cow;

/// A fault in one message: it gets an error ack if it had a usable id, else an `error`; the connection lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The stable code.
    pub code: Code,
    /// For people: what was wrong, the measured value, the limit, what to do.
    pub message: Cow<'static, str>,
    /// The request's id, if one could be read.
    pub id: Option<u64>,
    /// Whether the same may be tried again.
    pub retry: bool,
    /// After how long (ms), where that is known.
    pub after_ms: Option<u64>,
}

impl Fault {
    /// A fault without an id that is not worth trying again.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), id: None, retry: false, after_ms: None }
    }
    /// The same, for the request with this id.
    #[must_use]
    pub fn with_id(mut self, id: Option<u64>) -> Self {
        self.id = id;
        self
    }
    /// The same, worth trying again.
    #[must_use]
    pub fn retry(mut self) -> Self {
        self.retry = true;
        self
    }
    /// The same, worth trying again after so long (ms).
    #[must_use]
    pub fn retry_after(self, ms: u64) -> Self {
        Self { after_ms: Some(ms), ..self.retry() }
    }
}

/// A fault in the framing: the connection gets a `bye` that says so, and this close code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The close code, RFC 6455 §7.4.1.
    pub code: u16,
    /// What was wrong, how much, and the limit.
    pub reason: Cow<'static, str>,
}

impl Broken {
    /// A broken frame with its close code.
    pub fn new(code: u16, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { code, reason: reason.into() }
    }
}
