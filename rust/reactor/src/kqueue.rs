//! The poller of macOS: kqueue, which has timers of its own.
//!
//! Here reading and writing are two filters of one descriptor, each there or not, and each with an
//! event of its own. The end of input is an event of the read filter, so a socket whose reading is
//! paused says nothing when its peer goes: that is heard when something is written to it.

use crate::poller::{Interest, Poller, Ready, TIMER};
use rtcore_core::ids::Tick;
use rustix::event::kqueue::{Event, EventFilter, EventFlags, kevent, kqueue};
use rustix::io::Errno;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::Duration;

/// Events taken from the kernel in one turn.
const BATCH: usize = 512;

/// The one timer's name among the queue's timers.
const TIMER_IDENT: isize = 0;

/// A kernel queue.
pub(crate) struct Kqueue {
    queue: OwnedFd,
}

impl Poller for Kqueue {
    const BATCH: usize = BATCH;

    fn new() -> io::Result<Self> {
        let queue = kqueue()?;
        rustix::io::ioctl_fioclex(&queue)?;
        Ok(Self { queue })
    }

    fn fd(&self) -> RawFd {
        self.queue.as_raw_fd()
    }

    fn add(&mut self, fd: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        self.change(fd, token, Interest::NONE, interest)
    }

    fn change(&mut self, fd: BorrowedFd<'_>, token: u64, old: Interest, new: Interest) -> io::Result<()> {
        let fd = fd.as_raw_fd();
        if old.read != new.read {
            self.set(EventFilter::Read(fd), token, new.read)?;
        }
        if old.write != new.write {
            self.set(EventFilter::Write(fd), token, new.write)?;
        }
        Ok(())
    }

    fn remove(&mut self, fd: BorrowedFd<'_>) -> io::Result<()> {
        let fd = fd.as_raw_fd();
        self.set(EventFilter::Read(fd), 0, false)?;
        self.set(EventFilter::Write(fd), 0, false)
    }

    /// Taken out before it is set again: that also takes back what it had to report.
    fn set_timer(&mut self, at: Option<Tick>, now: Tick) -> io::Result<()> {
        self.set(EventFilter::Timer { ident: TIMER_IDENT, timer: None }, TIMER, false)?;
        let Some(at) = at else { return Ok(()) };
        // Whole milliseconds, rounded up: never early, and a unit that the wrapper passes on unchanged.
        let ms = at.0.saturating_sub(now.0).div_ceil(1_000_000).max(1);
        self.set(
            EventFilter::Timer { ident: TIMER_IDENT, timer: Some(Duration::from_millis(ms)) },
            TIMER,
            true,
        )
    }

    fn wait(&mut self, into: &mut Vec<Ready>, linger: Duration) -> io::Result<()> {
        let mut room = [const { MaybeUninit::uninit() }; BATCH];
        let events = match kernel(&self.queue, &[], &mut room, linger) {
            Ok(events) => events,
            Err(Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        into.extend(events.iter().map(|event| {
            let filter = event.filter();
            let write = matches!(filter, EventFilter::Write(_));
            Ready {
                token: event.udata().addr() as u64,
                read: matches!(filter, EventFilter::Read(_)),
                write,
                // On the write filter the end means that nobody reads any more; on the read filter,
                // that reading will say so itself.
                broken: write && event.flags().contains(EventFlags::EOF),
            }
        }));
        Ok(())
    }
}

impl Kqueue {
    fn set(&self, filter: EventFilter, token: u64, on: bool) -> io::Result<()> {
        let flags = match (&filter, on) {
            (_, false) => EventFlags::DELETE,
            (EventFilter::Timer { .. }, true) => EventFlags::ADD | EventFlags::ONESHOT,
            (_, true) => EventFlags::ADD,
        };
        let token = std::ptr::without_provenance_mut(usize::try_from(token).expect("64-bit pointers"));
        match kernel(&self.queue, &[Event::new(filter, flags, token)], &mut [], Duration::ZERO) {
            // It was not there, and it is not to be there.
            Err(Errno::NOENT) if !on => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }
}

#[expect(unsafe_code, reason = "rustix leaves it to us that descriptors are open")]
fn kernel<'a>(
    queue: &OwnedFd,
    changes: &[Event],
    room: &'a mut [MaybeUninit<Event>],
    wait: Duration,
) -> Result<&'a [Event], Errno> {
    // SAFETY: the descriptors named in `changes` are borrowed by our callers for the time of the call,
    // and the kernel itself forgets a descriptor's filters when it is closed.
    let (events, _) = unsafe { kevent(queue, changes, room, Some(wait)) }?;
    Ok(events)
}
