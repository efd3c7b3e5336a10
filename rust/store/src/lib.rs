//! The durable log's files: the only place with system calls on files. It keeps facts, and knows no rule of the protocol.
#![deny(unsafe_code)]

/// The version of the SQLite that is built in.
#[must_use]
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}
