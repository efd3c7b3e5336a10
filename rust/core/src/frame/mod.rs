//! Bytes to messages and back: the request head, the opening handshake, and the frames that follow.
//!
//! Nothing here knows what a message means. Whatever a peer sends, the answer is a message, "more,
//! please", a [`Refusal`] (before the upgrade) or a [`Broken`](crate::error::Broken) (after it), and
//! where TCP cut the bytes makes no difference to which.
// Numbers of a peer come in here: a sum that could wrap or panic is an error of the build, or has its reason beside it.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod answer;
mod assemble;
mod authority;
mod backend;
pub mod body;
mod cidr;
pub mod client;
pub mod coding;
pub mod cors;
pub mod credentials;
pub mod deflate;
mod dial;
mod event;
pub mod eventstream;
pub mod forwarded;
pub mod handshake;
mod header;
pub mod http;
pub mod mask;
mod offers;
pub mod origin;
pub mod page;
pub mod path;
pub mod proxy;
pub mod query;
mod refusal;
mod rules;
pub mod utf8;
pub mod websocket;

pub use cidr::Cidr;
pub use deflate::{Deflater, Inflater};
pub use forwarded::{Believed, client_of};
pub use handshake::Wanted;
pub use http::{Head, Parsed};
pub use offers::Agreed;
pub use origin::{host_ok, origin_ok};
pub use refusal::{Answering, Refusal};
pub use websocket::{Decoder, Event, Kind, Payload, Role, opcode};
