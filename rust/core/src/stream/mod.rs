//! Streams of items: what a session keeps of each, down and up.
//!
//! Theory. Items are no entries: they take no number of the log and are kept by nobody but their own stream.
//! What bounds them is **credit**: items up to a number may be sent, and only the side that reads raises it.
//!
//! *Down* (`down`). The application makes an item only when there is room for it: the peer's credit allows it, and
//! not too much of the session is unsent. An item that was handed to an outbox may still be lost with its
//! connection, so it is kept until it is known, or can be taken as known, that the peer has it:
//! - a `hello` that wants item n proves that all before it were heard;
//! - a peer that consumes as it gives credit is never further than its *window* behind it. The window is
//!   what the `open` gave; a raise by more than the window shows that it has grown by that much. So items before
//!   credit less window are let go;
//! - and what was sent is kept up to a bound in bytes, whatever the peer says.
//!
//! A peer that returns and wants an item that is no longer kept is told so (`STREAM_LOST`): nothing is left out
//! in silence.
//!
//! *Up* (`up`). Items go to the application as they come, and wait there; the session gives credit as they are
//! taken, at most a window of items, fewer where they are large. An item that comes again is passed over, so a
//! peer that returns sends from the next one wanted.
//!
//! *The table* (`table`) knows a session's streams by the id of their `open`. A stream that has ended stays for a while:
//! its last items and its end may have been lost with a connection. One whose application still works counts as open,
//! whatever its peer has said, so that nobody can have more tasks at work than the limit allows.
// Numbers of a peer come in here: a sum that could wrap or panic is an error of the build, or has its reason beside it.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod down;
pub mod table;
pub mod up;

pub use down::Down;
pub use table::{Row, Stream, Streams};
pub use up::{Arrived, Up};
