//! The poller of Linux: epoll, with a timerfd in the set.

use crate::poller::{Interest, Poller, Ready, TIMER};
use rtcore_core::ids::Tick;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::Duration;

/// Events taken from the kernel in one turn. More would make the turns of a busy server longer
/// without making them cheaper: one `epoll_wait` for 512 reads is lost in the noise.
const BATCH: usize = 512;

/// Room for them, on the stack: 6 KiB that need not even be cleared.
type Events = [MaybeUninit<epoll::Event>; BATCH];

/// An epoll set.
pub(crate) struct Epoll {
    set: OwnedFd,
    timer: OwnedFd,
    /// Whether the kernel knows how to wait for less than a millisecond (Linux 5.11, and not forbidden
    /// by a sandbox).
    fine: bool,
}

impl Poller for Epoll {
    const BATCH: usize = BATCH;

    fn new() -> io::Result<Self> {
        let set = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        epoll::add(&set, &timer, epoll::EventData::new_u64(TIMER), epoll::EventFlags::IN)?;
        Ok(Self { set, timer, fine: true })
    }

    fn fd(&self) -> RawFd {
        self.set.as_raw_fd()
    }

    fn add(&mut self, fd: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        Ok(epoll::add(&self.set, fd, epoll::EventData::new_u64(token), flags(interest))?)
    }

    fn change(&mut self, fd: BorrowedFd<'_>, token: u64, old: Interest, new: Interest) -> io::Result<()> {
        if old == new {
            return Ok(());
        }
        Ok(epoll::modify(&self.set, fd, epoll::EventData::new_u64(token), flags(new))?)
    }

    fn remove(&mut self, fd: BorrowedFd<'_>) -> io::Result<()> {
        Ok(epoll::delete(&self.set, fd)?)
    }

    /// Setting a timerfd also takes back what it had to report, so that it never needs to be read.
    fn set_timer(&mut self, at: Option<Tick>, _now: Tick) -> io::Result<()> {
        // All zero would disarm it, and the first nanosecond after boot is over.
        let at = at.map_or(0, |tick| tick.0.max(1));
        let value = timespec(Duration::from_nanos(at));
        let interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        let when = Itimerspec { it_interval: interval, it_value: value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &when)?;
        Ok(())
    }

    fn wait(&mut self, into: &mut Vec<Ready>, linger: Duration) -> io::Result<()> {
        let mut room = [MaybeUninit::uninit(); BATCH];
        let events = match self.fill(&mut room, linger) {
            Ok(events) => events,
            // A signal: Python looks at it when we are back there.
            Err(Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        into.extend(events.iter().map(|event| {
            let (flags, data) = (event.flags, event.data);
            Ready {
                token: data.u64(),
                read: flags.contains(epoll::EventFlags::IN),
                write: flags.contains(epoll::EventFlags::OUT),
                broken: flags.intersects(epoll::EventFlags::HUP | epoll::EventFlags::ERR),
            }
        }));
        Ok(())
    }
}

impl Epoll {
    fn fill<'a>(&mut self, room: &'a mut Events, linger: Duration) -> Result<&'a [epoll::Event], Errno> {
        if !linger.is_zero() && self.fine {
            match fine_wait(&self.set, room, linger) {
                // EPERM is what the sandboxes of some container runtimes say to calls they do not know.
                Err(Errno::NOSYS | Errno::PERM) => self.fine = false,
                other => return Ok(first(room, other?)),
            }
        }
        Ok(epoll::wait(&self.set, room, Some(&timespec(Duration::ZERO)))?.0)
    }
}

/// `RDHUP` is not asked for: the end of input makes a socket readable anyway, and where reading is
/// paused the report could not be taken back, so the poller would spin.
fn flags(interest: Interest) -> epoll::EventFlags {
    let mut flags = epoll::EventFlags::empty();
    flags.set(epoll::EventFlags::IN, interest.read);
    flags.set(epoll::EventFlags::OUT, interest.write);
    flags
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

/// `epoll_pwait2`, whose timeout is not rounded to milliseconds; how many events it wrote. By number,
/// because the C library has it only since glibc 2.35 and wheels are built for older ones; and not
/// through rustix, which uses it only where it may ask for Linux 5.11 altogether.
#[expect(unsafe_code, reason = "there is no safe wrapper of this call that works on older kernels too")]
fn fine_wait(set: &OwnedFd, room: &mut Events, linger: Duration) -> Result<usize, Errno> {
    let timeout = timespec(linger);
    // SAFETY: the kernel writes at most `BATCH` events into `room`, which has room for as many, and
    // `epoll::Event` has the layout of its `struct epoll_event`. `timeout` has the layout of its
    // `struct __kernel_timespec` (both fields are 64 bits wide) and is only read. There is no signal
    // mask, so its size does not matter.
    let count = unsafe {
        libc::syscall(
            libc::SYS_epoll_pwait2,
            set.as_raw_fd(),
            room.as_mut_ptr(),
            BATCH,
            &raw const timeout,
            std::ptr::null::<libc::sigset_t>(),
            0_usize,
        )
    };
    usize::try_from(count).map_err(|_| Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO))
}

/// The first `count` events, which the kernel wrote.
#[expect(unsafe_code, reason = "only the kernel's answer says how many there are")]
fn first(room: &Events, count: usize) -> &[epoll::Event] {
    let written = &room[..count];
    // SAFETY: `fine_wait` answered with `count`: so many events are initialised. `MaybeUninit` has the
    // layout of what it may hold.
    unsafe { &*(std::ptr::from_ref(written) as *const [epoll::Event]) }
}
