//! What reaches a shard from elsewhere, in order.
//!
//! A shard's sockets and their engine belong to the thread that drives it. Whoever wants something
//! of it puts mail into its inbox and rings; the poller reports the bell, and the shard takes the
//! mail at the beginning of its next turn. An inbox that is empty costs a turn nothing.

use rtcore_core::engine::Peer;
use rtcore_core::store::Report;
use rustix::io::Errno;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

/// Something that a shard is to do.
#[derive(Debug)]
pub enum Mail {
    /// Accept connections on this listening socket, which does not block.
    Listen(OwnedFd),
    /// A connection that was handed over comes back, with what was read of its next request, and who connected if a
    /// PROXY header said so.
    Adopt(OwnedFd, Vec<u8>, Option<Peer>),
    /// Close all listening sockets.
    StopAccepting,
    /// What the store reports.
    Report(Report),
}

/// The end that others hold.
#[derive(Clone, Debug)]
pub struct Sender(Arc<Shared>);

/// The end that the shard holds.
#[derive(Debug)]
pub(crate) struct Inbox(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    mail: Mutex<VecDeque<Mail>>,
    bell: Bell,
}

impl Inbox {
    pub fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(Shared { mail: Mutex::default(), bell: Bell::new()? })))
    }

    pub fn sender(&self) -> Sender {
        Sender(Arc::clone(&self.0))
    }

    /// What the poller watches.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.0.bell.fd()
    }

    /// Have the poller report, as if something had come.
    pub fn ring(&self) -> io::Result<()> {
        self.0.bell.ring()
    }

    /// Everything that came. The bell is silenced first: what comes after that rings again.
    pub fn take(&self) -> VecDeque<Mail> {
        self.0.bell.silence();
        std::mem::take(&mut *self.0.mail.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sender {
    /// Put mail in and ring.
    pub fn send(&self, mail: Mail) -> io::Result<()> {
        self.0.mail.lock().unwrap_or_else(PoisonError::into_inner).push_back(mail);
        self.0.bell.ring()
    }
}

/// An eventfd: a counter that is readable while it is not zero.
#[cfg(target_os = "linux")]
#[derive(Debug)]
struct Bell(OwnedFd);

#[cfg(target_os = "linux")]
impl Bell {
    fn new() -> io::Result<Self> {
        use rustix::event::{EventfdFlags, eventfd};
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }
    fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
    fn ring(&self) -> io::Result<()> {
        match rustix::io::write(&self.0, &1_u64.to_ne_bytes()) {
            // A counter that is full rings already.
            Ok(_) | Err(Errno::AGAIN) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
    fn silence(&self) {
        // Nothing to read is what is wanted.
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }
}

/// A pair of sockets, where there is no eventfd.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
struct Bell {
    near: std::os::unix::net::UnixStream,
    far: std::os::unix::net::UnixStream,
}

#[cfg(not(target_os = "linux"))]
impl Bell {
    fn new() -> io::Result<Self> {
        let (near, far) = std::os::unix::net::UnixStream::pair()?;
        near.set_nonblocking(true)?;
        far.set_nonblocking(true)?;
        Ok(Self { near, far })
    }
    fn fd(&self) -> BorrowedFd<'_> {
        self.near.as_fd()
    }
    fn ring(&self) -> io::Result<()> {
        match rustix::io::write(&self.far, &[1]) {
            // A pair that is full rings already.
            Ok(_) | Err(Errno::AGAIN) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
    fn silence(&self) {
        while matches!(rustix::io::read(&self.near, &mut [0; 64]), Ok(64)) {}
    }
}
