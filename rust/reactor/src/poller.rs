//! The seam between a shard and the kernel's way of saying what is ready.
//!
//! A token says whose event it is. Connections use their handle; generations of handles begin at 1,
//! so the numbers below 2^32 are free for what is not a connection. An event carries the token with
//! which its descriptor was added, and a handle is never given out twice: an event that was reported
//! before its socket was closed finds nothing, even if the slot has a new owner by then.
//!
//! Level-triggered throughout: what is not taken in this turn is reported again in the next, which
//! is what makes "one read per socket and turn" fair without any bookkeeping.

use rtcore_core::ids::Tick;
use std::io;
use std::os::fd::{BorrowedFd, RawFd};
use std::time::Duration;

#[cfg(target_os = "linux")]
pub(crate) use crate::epoll::Epoll as System;
#[cfg(target_vendor = "apple")]
pub(crate) use crate::kqueue::Kqueue as System;

/// The token of the timer.
pub(crate) const TIMER: u64 = 0;
/// The token of the inbox.
pub(crate) const INBOX: u64 = 1;
/// The token of the first listener; the others follow.
pub(crate) const LISTENERS: u64 = 2;
/// The first token that is a connection's.
pub(crate) const CONNECTIONS: u64 = 1 << 32;

/// What a descriptor is watched for. That it broke is always reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interest {
    pub read: bool,
    pub write: bool,
}

impl Interest {
    pub const READ: Self = Self { read: true, write: false };
    pub const NONE: Self = Self { read: false, write: false };
}

/// What happened to a descriptor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    pub token: u64,
    pub read: bool,
    pub write: bool,
    /// Both directions are closed, or the socket has an error.
    pub broken: bool,
}

/// The kernel's side of a shard.
pub(crate) trait Poller: Sized {
    /// As much as one `wait` reports; when it does, there may be more.
    const BATCH: usize;
    /// A poller with a timer that is not set.
    fn new() -> io::Result<Self>;
    /// Readable whenever `wait` has something to report.
    fn fd(&self) -> RawFd;
    fn add(&mut self, fd: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()>;
    /// Change what a descriptor is watched for, from `old` to `new`.
    fn change(&mut self, fd: BorrowedFd<'_>, token: u64, old: Interest, new: Interest) -> io::Result<()>;
    /// Forget a descriptor that somebody else will go on using. (One that is closed is forgotten by that.)
    fn remove(&mut self, fd: BorrowedFd<'_>) -> io::Result<()>;
    /// Report `TIMER` once it is `at`; None: never. Any earlier report is taken back.
    fn set_timer(&mut self, at: Option<Tick>, now: Tick) -> io::Result<()>;
    /// What is ready, at most as much as fits; waits for up to `linger` if nothing is.
    fn wait(&mut self, into: &mut Vec<Ready>, linger: Duration) -> io::Result<()>;
}
