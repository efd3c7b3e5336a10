//! The names by which parts of the core speak of each other's things.
//!
//! A handle is an index with a generation: a slot that is used again gets the next generation, so a
//! handle that somebody kept too long finds nothing rather than a stranger.

/// One transport link: a WebSocket, later one event-stream response or one poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// The logical peer. It outlives its connections by the resume window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// A named place where events are heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(pub u64);

macro_rules! handle {
    ($name:ident) => {
        impl $name {
            /// Join a slot's index and its generation.
            #[must_use]
            pub const fn new(index: u32, generation: u32) -> Self {
                Self(((generation as u64) << 32) | index as u64)
            }
            /// The slot.
            #[must_use]
            pub const fn index(self) -> usize {
                (self.0 & 0xffff_ffff) as usize
            }
            /// How often the slot had been used before.
            #[must_use]
            pub const fn generation(self) -> u32 {
                (self.0 >> 32) as u32
            }
        }
    };
}
handle!(ConnId);
handle!(SessionId);
handle!(RoomId);

pub use rtcore_data::Seq;

/// Monotonic nanoseconds on the caller's clock: the reactor's, Trio's, or a test's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(pub u64);

impl Tick {
    /// This tick, `ms` milliseconds later.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms.saturating_mul(1_000_000)))
    }
    /// In whole milliseconds: for durations, beside another.
    #[must_use]
    pub const fn ms(self) -> u64 {
        self.0 / 1_000_000
    }
    /// Whole milliseconds since `earlier`; 0 if it is later.
    #[must_use]
    pub const fn ms_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0) / 1_000_000
    }
}

/// The time, both ways that the core needs it. One rule: a *duration* is reckoned with the tick, a *date* is the wall's. The
/// wall may be set at any moment, by hours and in both directions, and no duration notices. A date that something is to end
/// at becomes a duration when it is first heard ([`Ends`]).
#[derive(Clone, Copy, Debug, Default)]
pub struct Now {
    /// Monotonic: deadlines are reckoned with it.
    pub tick: Tick,
    /// Milliseconds since 1970: what the wire shows. It may jump.
    pub wall_ms: u64,
}

/// When something ends that was told as a date: a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The date, as it is shown: milliseconds since 1970.
    pub date: u64,
    /// When that is. The date was compared with the clock once, when it was heard.
    pub at: Tick,
}

impl Ends {
    /// A date that is heard now. One that has been is now.
    #[must_use]
    pub const fn on(date: u64, now: Now) -> Self {
        Self { date, at: now.tick.plus_ms(date.saturating_sub(now.wall_ms)) }
    }
    /// Whether it has come.
    #[must_use]
    pub fn has_come(&self, now: Now) -> bool {
        self.at <= now.tick
    }
}

/// How the bytes of `data` are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// Compact JSON, without line breaks.
    Json = 0,
    /// `MessagePack`.
    Msgpack = 1,
}
