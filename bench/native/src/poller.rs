//! A level-triggered epoll set, as thin as it can be: both sides of a measurement should cost as little as they may.

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// What is ready: the token that it was added with, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    pub token: u64,
    pub readable: bool,
    pub writable: bool,
}

/// A set of sockets to wait for.
pub struct Poller {
    set: OwnedFd,
    events: Vec<epoll::Event>,
}

impl Poller {
    pub fn new() -> io::Result<Self> {
        Ok(Self { set: epoll::create(epoll::CreateFlags::CLOEXEC)?, events: Vec::with_capacity(1024) })
    }

    pub fn add(&self, socket: impl AsFd, token: u64) -> io::Result<()> {
        Ok(epoll::add(&self.set, socket, epoll::EventData::new_u64(token), epoll::EventFlags::IN)?)
    }

    /// Say anew what is waited for: a socket with nothing to write is not asked whether it could.
    pub fn change(&self, socket: impl AsFd, token: u64, read: bool, write: bool) -> io::Result<()> {
        let mut flags = epoll::EventFlags::empty();
        flags.set(epoll::EventFlags::IN, read);
        flags.set(epoll::EventFlags::OUT, write);
        Ok(epoll::modify(&self.set, socket, epoll::EventData::new_u64(token), flags)?)
    }

    /// Wait at most `milliseconds` (none: as long as it takes) and put what is ready into `into`.
    pub fn wait(&mut self, milliseconds: Option<u32>, into: &mut Vec<Ready>) -> io::Result<()> {
        into.clear();
        self.events.clear();
        let limit = milliseconds
            .map(|ms| Timespec { tv_sec: i64::from(ms / 1000), tv_nsec: i64::from(ms % 1000) * 1_000_000 });
        match epoll::wait(&self.set, spare_capacity(&mut self.events), limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let over = epoll::EventFlags::HUP | epoll::EventFlags::ERR;
        into.extend(self.events.iter().map(|event| {
            let (flags, data) = (event.flags, event.data); // copies: the kernel's struct is packed
            Ready {
                token: data.u64(),
                readable: flags.intersects(epoll::EventFlags::IN | over),
                writable: flags.intersects(epoll::EventFlags::OUT),
            }
        }));
        Ok(())
    }
}
