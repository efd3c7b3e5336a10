//! The only place with system calls: poller, accept, read, write. No protocol rules.
//!
//! A reactor is a set of shards. A shard owns its poller and its sockets, and everything from
//! elsewhere reaches it through its inbox, in order. The first release drives one shard, from the
//! thread that runs Trio; nothing here knows that.
//!
//! The walk of a turn: `turn` waits in the `poller`, takes what came by the `inbox`, lets `accept`
//! bring new sockets and `socket` read from old ones, and gives the bytes to the engine (`driven`).
//! After the application has had its say, `flush` writes what is due, one call per connection, and
//! does what the engine wants done.
#![deny(unsafe_code)]

mod accept;
mod adopt;
mod clock;
mod descriptor;
mod driven;
#[cfg(target_os = "linux")]
mod epoll;
mod flush;
mod inbox;
#[cfg(target_vendor = "apple")]
mod kqueue;
mod poller;
mod shard;
mod slices;
mod socket;
mod turn;

pub use clock::Clock;
pub use descriptor::duplicate;
pub use driven::Driven;
pub use inbox::{Mail, Sender};
pub use shard::{Counters, Handed, Shard};
