//! The words by which durations are told apart.

/// A stage of the walk of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// From when the poller reported to when all that came in that turn was read and understood. By transport.
    Read,
    /// From there to when its handler began. By event.
    Wait,
    /// In its handler. By event.
    Handler,
    /// On its way to the disk. By class of room.
    Commit,
    /// From when it was published to when what is due is written: the rest of the turn, the handlers of others included. By
    /// class of room.
    FanOut,
    /// From when it was due to when the kernel had taken it. By transport.
    Write,
}

impl Stage {
    /// All of them, in the order of the walk.
    pub const ALL: [Self; 6] =
        [Self::Read, Self::Wait, Self::Handler, Self::Commit, Self::FanOut, Self::Write];

    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Wait => "wait",
            Self::Handler => "handler",
            Self::Commit => "commit",
            Self::FanOut => "fan-out",
            Self::Write => "write",
        }
    }

    /// What its series are told apart by.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Read | Self::Write => "transport",
            Self::Wait | Self::Handler => "event",
            Self::Commit | Self::FanOut => "rooms",
        }
    }
}

/// What carries a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A WebSocket under the prefix.
    WebSocket,
    /// A raw socket.
    Raw,
    /// An event stream.
    Events,
    /// The answer to a poll.
    Poll,
    /// A request over plain HTTP.
    Http,
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::WebSocket, Self::Raw, Self::Events, Self::Poll, Self::Http];

    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Raw => "raw",
            Self::Events => "events",
            Self::Poll => "poll",
            Self::Http => "http",
        }
    }
}

/// The name of an encoding by its number.
#[must_use]
pub const fn encoding_word(encoding: usize) -> &'static str {
    match encoding {
        0 => "json",
        1 => "msgpack",
        2 => "json+deflate",
        3 => "msgpack+deflate",
        4 => "events",
        5 => "events+plain",
        6 => "events+whole",
        7 => "events+plain+whole",
        8 => "poll",
        9 => "json+gzip",
        10 => "msgpack+gzip",
        11 => "json+br",
        12 => "msgpack+br",
        13 => "json+lz4",
        14 => "msgpack+lz4",
        15 => "json+zstd",
        _ => "msgpack+zstd",
    }
}
