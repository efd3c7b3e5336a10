//! The log: entries with one rising number, the rings that keep the last of them, and what is
//! remembered so that nothing is done twice.
//!
//! Nothing here knows a frame, an envelope or a connection: numbers, names and payload bytes only.

pub mod acks;
pub mod book;
pub mod claim;
pub mod cursor;
pub mod dedupe;
pub mod entry;
mod late;
pub mod memory;
mod record;
pub mod ring;
mod shelf;

pub use rtcore_data::position;

#[cfg(test)]
mod tests;
