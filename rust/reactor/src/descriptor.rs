//! A descriptor that somebody else owns.

use rustix::io::{fcntl_dupfd_cloexec, ioctl_fionbio};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

/// Our own descriptor of an open socket, which does not block from then on (for neither of us: that
/// is the socket's). The other stays its owner's, to close whenever it likes.
#[expect(unsafe_code, reason = "a number from outside can only be believed")]
pub fn duplicate(fd: RawFd) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(rustix::io::Errno::BADF.into());
    }
    // SAFETY: it is not -1, and it is borrowed for one call only, which the kernel refuses if the
    // number is not that of an open descriptor.
    let own = fcntl_dupfd_cloexec(unsafe { BorrowedFd::borrow_raw(fd) }, 0)?;
    ioctl_fionbio(&own, true)?;
    Ok(own)
}

#[cfg(test)]
mod tests {
    use super::duplicate;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd;

    #[test]
    fn it_outlives_the_other_and_does_not_block() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let own = TcpListener::from(duplicate(listener.as_raw_fd()).unwrap());
        drop(listener);
        assert!(own.accept().is_err(), "it would block");
        let _peer = TcpStream::connect(address).unwrap();
    }

    #[test]
    fn a_number_that_is_no_descriptor_is_an_error() {
        assert!(duplicate(-1).is_err());
        assert!(duplicate(1_000_000).is_err());
    }
}
