//! What waits to leave: shared bytes in an arena, and for each connection its references to them.

pub mod arena;
pub mod lanes;

pub use arena::{Arena, Meta, Segment};
pub use lanes::{Lane, Outbox};
