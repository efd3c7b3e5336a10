//! What is measured, and what of it can be seen.
//!
//! Durations come in as numbers: the hands tell the moment (`Meter::moment`), and what lies between two moments was a stage.
//! So the same calls measure the same again, and nothing here looks at a clock. To count something is to add to a number; it
//! is cut into windows once a second, outside of what is done for anybody.
//!
//! Nothing grows with what peers invent: events, rooms and close codes are told apart by what the application registered
//! and the wire knows, and the worst rooms and sessions are so many.

pub mod json;
pub mod meter;
pub mod native;
pub mod proto;
pub mod reports;
pub mod scale;
pub mod series;
pub mod slowest;
pub mod spread;
pub mod stages;
pub mod tell;
pub mod text;
pub mod trails;
pub mod windows;

pub use meter::Meter;
pub use stages::{Stage, Transport};
pub use trails::{Trail, Trails};
