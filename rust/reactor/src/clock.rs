//! The time, read from the kernel.

use rtcore_core::ids::{Now, Tick};
use rustix::time::{ClockId, Timespec, clock_gettime};

/// How long the offset between the two clocks is trusted. Wall time may be set at any moment; the
/// wire shows it in milliseconds, to people, so that a second of delay in hearing of it is harmless.
const TRUST_NS: u64 = 1_000_000_000;

/// Monotonic and wall time. Both through the vDSO, so without a system call; and mostly only the
/// first of them, because the second is reckoned from it.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Both clocks, as they were at one moment.
    anchor: Now,
}

impl Clock {
    /// A clock that has just looked.
    #[must_use]
    pub fn new() -> Self {
        Self { anchor: look(tick()) }
    }

    /// The time now.
    pub fn now(&mut self) -> Now {
        let tick = tick();
        let since = tick.0.saturating_sub(self.anchor.tick.0);
        if since >= TRUST_NS {
            self.anchor = look(tick);
            return self.anchor;
        }
        Now { tick, wall_ms: self.anchor.wall_ms + since / 1_000_000 }
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
