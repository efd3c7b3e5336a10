//! The time, read from the kernel.

use rtcore_core::ids::{Now, Tick};
use rustix::time::{ClockId, Timespec, clock_gettime};

/// How long the offset between the two clocks is trusted. Wall time may be set at any moment; the
/// wire shows it in milliseconds, to people, so that a second of delay in hearing of it is harmless.
const TRUST_NS: u64 = 1_000_000_000;

/// Monotonic and wall time. Both through the vDSO, so without a system call; and mostly only the
/// first of them, because the second is reckoned from it.
///
/// The monotonic time is the server's own: while it stood still (`stand`), none of it passed.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Both clocks of the kernel, as they were at one moment.
    anchor: Now,
    /// For how long the server stood still, in all (ns).
    stood: u64,
    /// The kernel's monotonic time when it was last looked at (ns).
    seen: u64,
}

impl Clock {
    /// A clock that has just looked.
    #[must_use]
    pub fn new() -> Self {
        Self { anchor: look(tick()), stood: 0, seen: 0 }
    }

    /// The time now.
    pub fn now(&mut self) -> Now {
        let tick = tick();
        self.seen = tick.0;
        let since = tick.0.saturating_sub(self.anchor.tick.0);
        let own = Tick(tick.0.saturating_sub(self.stood));
        if since >= TRUST_NS {
            self.anchor = look(tick);
            return Now { tick: own, wall_ms: self.anchor.wall_ms };
        }
        Now { tick: own, wall_ms: self.anchor.wall_ms + since / 1_000_000 }
    }

    /// The kernel's monotonic time when `now` was last asked (ns): it stands still for nothing.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The kernel's monotonic time (ns).
    #[must_use]
    pub fn kernel() -> u64 {
        tick().0
    }

    /// The server stood still for so long (ns): from now on this time has not passed.
    pub(crate) fn stand(&mut self, ns: u64) {
        self.stood = self.stood.saturating_add(ns);
    }

    /// A time of this clock, on the kernel's.
    pub(crate) fn of_kernel(&self, tick: Tick) -> Tick {
        Tick(tick.0.saturating_add(self.stood))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

fn tick() -> Tick {
    Tick(nanoseconds(&clock_gettime(ClockId::Monotonic)))
}

fn look(tick: Tick) -> Now {
    Now { tick, wall_ms: nanoseconds(&clock_gettime(ClockId::Realtime)) / 1_000_000 }
}

/// 64 bits of nanoseconds last until the year 2554; a clock before 1970 counts as 1970.
fn nanoseconds(time: &Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::Clock;
    use std::time::{SystemTime, UNIX_EPOCH};

    #[test]
    fn the_time_in_which_the_server_stood_still_has_not_passed() {
        let mut clock = Clock::new();
        let before = clock.now();
        clock.stand(3_600_000_000_000);
        let after = clock.now();
        assert!(after.tick.0 + 3_000_000_000_000 < before.tick.0);
        assert!(after.wall_ms >= before.wall_ms);
        assert_eq!(clock.of_kernel(after.tick).0, after.tick.0 + 3_600_000_000_000);
    }

    #[test]
    fn ticks_rise_and_the_wall_is_the_systems() {
        let mut clock = Clock::new();
        let first = clock.now();
        let second = clock.now();
        assert!(second.tick >= first.tick);
        let system =
            u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
        assert!(system.abs_diff(second.wall_ms) < 1_000, "{system} {}", second.wall_ms);
    }
}
