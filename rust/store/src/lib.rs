//! The durable log's files: the only place with system calls on files. It keeps facts, and knows no rule of the protocol.
//!
//! Theory. One thread writes (`writer`), a group in a transaction; some threads read beside it (`readers`). What a group
//! costs is its entries and nothing else: which of them are of which room is kept in memory (`rooms`) and written down in
//! bulk later (`spans`, `work`). `opening` says how the last life ended, `recovery` what is done when the disk failed, and
//! `beside` how it is seen that somebody put an older file back. The words are the core's (`rtcore_core::store`).
#![deny(unsafe_code)]

mod acks;
mod beside;
mod body;
mod boot;
mod connection;
#[cfg(feature = "faults")]
pub mod faults;
mod folder;
mod group;
mod journal;
mod kept_ack;
mod opening;
mod options;
mod page;
mod readers;
mod recovery;
mod rooms;
#[cfg(test)]
mod samples;
mod schema;
mod shared;
mod spans;
mod start;
mod stats;
mod store;
pub mod tools;
mod torn;
mod trim;
mod trouble;
mod work;
mod writer;

pub use options::{Bounds, BoundsOf, Clock, Options};
pub use stats::Health;
pub use store::Store;

/// The version of the `SQLite` that is built in.
#[must_use]
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}
