//! What the two programs of the measurements share: a poller, client frames and requests, and a look at the measured
//! process.
//!
//! `floor` is the least that a server can do on this kernel; `load` is the other side of the wire. Both run in one
//! thread on a core of their own, so that what is compared is the CPU time of servers and nothing else.
#![forbid(unsafe_code)]

pub mod args;
pub mod frame;
pub mod http;
pub mod poller;
pub mod process;
