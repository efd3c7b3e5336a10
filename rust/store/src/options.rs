//! How a store is opened.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a room may hold. 0: as much as it likes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Entries.
    pub count: u64,
    /// Bytes of them, as they lie on disk.
    pub bytes: u64,
    /// Their age (ms).
    pub age_ms: u64,
}

/// Says the bounds of a room by its name.
pub type BoundsOf = Box<dyn Fn(&str) -> Bounds + Send>;
/// Says the time (ms since 1970), which entries grow old by.
pub type Clock = Box<dyn Fn() -> u64 + Send>;

/// How a store is opened.
pub struct Options {
    /// The bounds of each room.
    pub bounds: BoundsOf,
    /// The time.
    pub clock: Clock,
    /// How long a key is kept (ms of the server's running time).
    pub key_ms: u64,
    /// How many reads may be under way.
    pub readers: usize,
    /// How much of the disk stays free (bytes): below it nothing new is taken.
    pub free_floor: u64,
    /// Whether a file that is corrupt is renamed, and a new one begun. Else it is a trouble.
    pub set_aside: bool,
    /// What names this boot of the machine; none: the system is asked.
    pub boot: Option<String>,
    /// The name of the file system that `SQLite` uses; none: the usual one.
    pub vfs: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bounds: Box::new(|_| Bounds::default()),
            clock: Box::new(now),
            key_ms: 3_600_000,
            readers: 16,
            free_floor: 64 * 1024 * 1024,
            set_aside: true,
            boot: None,
            vfs: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Options")
            .field("readers", &self.readers)
            .field("vfs", &self.vfs)
            .finish_non_exhaustive()
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
