//! Shared data: collections of documents that stay the same everywhere, and the CRDTs that may be in them.
//!
//! As deterministic as the core: no I/O, no clock, no randomness, no threads. Numbers, times and who speaks come in; what is
//! decided, what is to be said and what is to be kept come out. It knows neither connections nor frames, nor in which form a
//! peer speaks: what is said is a [`Value`] both ways.
#![forbid(unsafe_code)]

pub mod change;
pub mod client;
pub mod code;
pub mod collection;
pub mod crdt;
pub mod digest;
pub mod limits;
pub mod number;
pub mod pack;
pub mod position;
pub mod schema;
pub mod value;
pub mod why;
pub mod yjs;

pub use change::{Change, Moment, Op};
pub use client::Replica;
pub use collection::Collection;
pub use limits::Limits;
pub use number::Number;
pub use position::Seq;
pub use schema::{Schema, Strategy};
pub use value::{Map, Value};
pub use why::Why;
