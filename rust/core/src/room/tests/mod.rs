//! The laws of a room's parts.

mod members;
mod presence;
mod settings;
mod table;
