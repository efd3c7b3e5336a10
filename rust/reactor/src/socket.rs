//! One connected socket, and what can be done to it.

use crate::poller::Interest;
use rtcore_core::ids::ConnId;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown};
use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Most slices of one write. `IOV_MAX` is 1,024; beyond some dozens a slice more costs what it saves.
pub(crate) const MAX_SLICES: usize = 256;

/// Output up to this size is copied together and sent as one piece. For the kernel, a slice is some
/// 20 ns of looking; for us, a small one is 5 ns of copying. (A fan-out's message is two slices.)
const COPY_UP_TO: usize = 16 * 1024;

/// Writing to a peer that is gone is an error of the call, and no signal. (`prepare` says so on macOS.)
#[cfg(not(target_vendor = "apple"))]
const NO_SIGNAL: SendFlags = SendFlags::NOSIGNAL;
#[cfg(target_vendor = "apple")]
const NO_SIGNAL: SendFlags = SendFlags::empty();

/// A connected socket.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "reading and writing each stop for reasons of their own")]
pub(crate) struct Socket {
    fd: OwnedFd,
    /// Of its connection's handle.
    pub generation: u32,
    /// What the poller watches it for. Writing is watched exactly while the kernel has refused bytes.
    pub interest: Interest,
    /// The engine does not want to hear from it for now.
    pub paused: bool,
    /// The peer has sent all that it will.
    pub ended: bool,
    /// Writing is to be shut down once everything is written.
    pub finishing: bool,
    /// Writing is shut down.
    pub finished: bool,
    /// It stands in the shard's `left`.
    pub left: bool,
    /// The turn in which it was read last.
    pub heard_in: u32,
}

/// What came of a read.
pub(crate) enum Heard {
    /// So many bytes.
    Bytes(usize),
    /// The peer has sent all that it will.
    End,
    /// Nothing, for now.
    Nothing,
    /// The connection broke.
    Broken,
}

impl Socket {
    pub fn new(fd: OwnedFd, conn: ConnId) -> Self {
        Self {
            fd,
            generation: conn.generation(),
            interest: Interest::READ,
            paused: false,
            ended: false,
            finishing: false,
            finished: false,
            left: false,
            heard_in: 0,
        }
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// The descriptor, for somebody else.
    pub fn into_fd(self) -> OwnedFd {
        self.fd
    }

    /// Whether the kernel has refused bytes, and the poller says when it takes some again.
    pub fn blocked(&self) -> bool {
        self.interest.write
    }

    /// Whether it is to be read from.
    pub fn wants_reading(&self) -> bool {
        !self.paused && !self.ended
    }

    /// Whether nothing can come or go any more.
    pub fn is_over(&self) -> bool {
        self.ended && self.finished
    }

    pub fn read(&self, buffer: &mut [u8]) -> Heard {
        match rustix::net::recv(&self.fd, &mut *buffer, RecvFlags::empty()) {
            Ok((0, _)) => Heard::End,
            Ok((n, _)) => Heard::Bytes(n),
            Err(Errno::AGAIN | Errno::INTR) => Heard::Nothing,
            Err(_) => Heard::Broken,
        }
    }

    /// Give the kernel what it takes of `slices`; how much that was. `copy` is room for small ones.
    pub fn write(&self, slices: &[&[u8]], copy: &mut Vec<u8>) -> Result<usize, Errno> {
        if let [only] = slices {
            return rustix::net::send(&self.fd, only, NO_SIGNAL);
        }
        copy.clear();
        for slice in slices {
            if copy.len() + slice.len() > COPY_UP_TO {
                let pieces: Vec<IoSlice<'_>> = slices.iter().map(|slice| IoSlice::new(slice)).collect();
                return rustix::net::sendmsg(
                    &self.fd,
                    &pieces,
                    &mut SendAncillaryBuffer::default(),
                    NO_SIGNAL,
                );
            }
            copy.extend_from_slice(slice);
        }
        rustix::net::send(&self.fd, copy, NO_SIGNAL)
    }

    /// Say no more, RFC 9293 §3.6. An error means that the connection is gone, which reading will say.
    pub fn finish(&mut self) {
        self.finished = true;
        let _ = rustix::net::shutdown(&self.fd, Shutdown::Write);
    }
}

/// Make a new socket ready for messages: each leaves when it is written, without waiting for the
/// peer's word about the one before (RFC 896 was for terminals). An error only means that it is no
/// TCP socket.
///
/// `patience_ms` (0: the system's own) is how long what was written may go unacknowledged. On an event stream nothing is
/// ever heard, and the system would go on for a quarter of an hour before it called a peer dead whose cable was pulled.
/// `unsent` (bytes; 0: the system's own): see [`bound_unsent`].
pub(crate) fn prepare(fd: &OwnedFd, patience_ms: u32, unsent: u32) {
    let _ = rustix::net::sockopt::set_tcp_nodelay(fd, true);
    bound_unsent(fd, unsent);
    #[cfg(target_os = "linux")]
    if patience_ms > 0 {
        let _ = rustix::net::sockopt::set_tcp_user_timeout(fd, patience_ms);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = patience_ms;
    #[cfg(target_vendor = "apple")]
    let _ = rustix::net::sockopt::set_socket_nosigpipe(fd, true);
}

/// The kernel takes megabytes for a peer that reads slowly, and what it has taken nothing overtakes: no newer entry, no
/// ping, no ack. With this it takes no more once so many bytes wait that were never sent; what is on its way is not counted,
/// so a fast link stays as fast. An error only means that it is no TCP socket.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
#[expect(unsafe_code, reason = "rustix has no name for this option")]
fn bound_unsent(fd: &OwnedFd, bytes: u32) {
    /// `<netinet/tcp.h>` of Darwin; `libc` has no name for it there.
    #[cfg(target_vendor = "apple")]
    const TCP_NOTSENT_LOWAT: libc::c_int = 0x201;
    #[cfg(target_os = "linux")]
    use libc::TCP_NOTSENT_LOWAT;
    use std::os::fd::AsRawFd;

    if bytes == 0 {
        return;
    }
    let value = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
    let length = libc::socklen_t::try_from(size_of_val(&value)).expect("four bytes");
    // SAFETY: the descriptor is open for as long as it is borrowed, and the kernel reads `length` bytes of `value`, which
    // lives until it has.
    unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::IPPROTO_TCP,
            TCP_NOTSENT_LOWAT,
            std::ptr::from_ref(&value).cast(),
            length,
        );
    }
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn bound_unsent(_fd: &OwnedFd, _bytes: u32) {}
