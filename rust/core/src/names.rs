//! What may be a name or a key: one rule for what peers say and for what the application says.

use crate::codes::Code;
use crate::error::Fault;
use crate::limits::{Limits, fixed};
use std::fmt::Arguments;

/// How long names and keys may be: the limits `max_name` and `max_key`.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// Longest name of a room, an event or a stream (bytes).
    name: usize,
    /// Longest idempotency key (characters).
    key: usize,
}

impl Names {
    /// As these limits have it.
    #[must_use]
    pub fn of(limits: &Limits) -> Self {
        let size = |limit| usize::try_from(limit).unwrap_or(usize::MAX);
        Self { name: size(limits.max_name), key: size(limits.max_key) }
    }

    /// Whether this is a name; `what` it is the name of, for people.
    pub fn check(&self, what: Arguments<'_>, name: &str) -> Result<(), Fault> {
        // The server's own, `$user/ID`, is as long as its user's id, whatever peers may make up.
        let longest = if name.starts_with('$') { self.name.max(fixed::OWN_NAME) } else { self.name };
        if name.is_empty() || name.len() > longest {
            let length = name.len();
            return Err(invalid(format!("{what} is {length} bytes long; a name has 1 to {longest}")));
        }
        // Nearly every name is of these alone, and then no character has to be put together.
        if name.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            return Ok(());
        }
        // Unicode's Cc, which is U+0000-1F and U+007F-9F.
        if let Some(c) = name.chars().find(|c| c.is_control()) {
            let code = u32::from(c);
            return Err(invalid(format!("{what} has the control character U+{code:04X} in it")));
        }
        Ok(())
    }

    /// Whether this is an idempotency key.
    pub fn check_key(&self, key: &str) -> Result<(), Fault> {
        let (length, longest) = (key.chars().count(), self.key);
        if !(1..=longest).contains(&length) {
            let told = format!("\"key\" is {length} characters long; a key has 1 to {longest}");
            return Err(invalid(told));
        }
        Ok(())
    }
}

fn invalid(message: String) -> Fault {
    Fault::new(Code::InvalidMessage, message)
}
