//! What waits to leave: shared bytes in an arena, and for each connection its references to them.

pub mod arena;
pub mod lanes;
pub mod lent;
pub mod post;
pub mod views;

pub use arena::{Arena, Meta, Segment};
pub use lanes::{Lane, Outbox};
pub use lent::Lent;
pub use post::Out;
pub use views::{Copies, Feeding, Packing, Part};

#[cfg(test)]
mod tests;
