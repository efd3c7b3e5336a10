//! Rooms: who is in one, what each may, what the application set, and who came and went.
//!
//! Nothing here knows a frame, an envelope or a connection.

pub mod blocked;
pub mod grants;
pub mod members;
pub mod presence;
pub mod sayable;
pub mod settings;
pub mod table;

#[cfg(test)]
mod tests;
