//! The deterministic core of rtcore. Bytes and times go in; bytes and effects come out.
//!
//! No sockets, no clock, no threads, no randomness but the seed it is given, no Python. Everything
//! that happens here can be replayed from a list of byte strings and times.
#![forbid(unsafe_code)]

mod asked;
pub mod codes;
pub mod compress;
mod conn;
pub mod durable;
pub mod engine;
pub mod envelope;
pub mod error;
pub mod frame;
pub mod ids;
pub mod limits;
pub mod log;
pub mod metrics;
pub mod names;
pub mod outbox;
pub mod room;
mod session;
mod shared;
pub mod shares;
pub mod slab;
pub mod stats;
pub mod store;
pub mod stream;
pub mod timers;

pub use engine::{Config, Engine};
pub use ids::{ConnId, Form, Now, RoomId, Seq, SessionId, Tick};
pub use limits::Limits;
