//! Why something was not done: a code for programs, a sentence for people.

use std::borrow::Cow;

/// Codes of the wire that a change or a push may get. An application adds its own.
pub mod code {
    /// The change is not as it should be.
    pub const INVALID: &str = "INVALID_MESSAGE";
    /// A limit on one change, or on what comes of it.
    pub const TOO_LARGE: &str = "TOO_LARGE";
    /// Made under a schema that nobody here can read.
    pub const OUTDATED: &str = "OUTDATED";
    /// The number was used for another change.
    pub const ID_REUSED: &str = "ID_REUSED";
    /// A CRDT where there is none, or one of another kind.
    pub const TYPE_CONFLICT: &str = "TYPE_CONFLICT";
    /// A sum beyond what every reader keeps exact.
    pub const OVERFLOW: &str = "OVERFLOW";
    /// The application failed on it.
    pub const INTERNAL: &str = "INTERNAL";
    /// Held: send from the number that is named.
    pub const EXPECTED: &str = "EXPECTED";
    /// Held: say `seen` first.
    pub const UNSEEN: &str = "UNSEEN";
    /// Held: a copy of this writer was opened later.
    pub const FENCED: &str = "FENCED";
    /// Held: a limit that others fill too.
    pub const OVERLOADED: &str = "OVERLOADED";
    /// Held: nothing can be written now.
    pub const UNAVAILABLE: &str = "UNAVAILABLE";
    /// The server has forgotten: it may have been done.
    pub const OUTCOME_UNKNOWN: &str = "OUTCOME_UNKNOWN";
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The stable word.
    pub code: Cow<'static, str>,
    /// What was wrong, the measured value, the limit, what to do.
    pub message: String,
}

impl Why {
    /// A refusal with one of the codes.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(code::INVALID, message)
    }

    pub(crate) fn large(what: &str, measured: usize, limit: usize) -> Self {
        Self::new(code::TOO_LARGE, format!("{what} would be {measured}; the limit is {limit}"))
    }
}
