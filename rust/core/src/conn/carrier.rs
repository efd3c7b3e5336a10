//! What carries the messages of a connection, and the number of the encoding that it hears.

use crate::compress::Algorithm;
use crate::ids::Form;

pub const MSGPACK: u8 = 1;
pub const DEFLATE: u8 = 2;
pub const EVENTS: u8 = 4;
pub const PLAIN: u8 = 1;
pub const WHOLE: u8 = 2;
/// What polls are answered in.
pub const POLL: u8 = 8;
/// The first of those that are compressed as the hello agreed: two for each algorithm.
pub const PACKED: u8 = 9;

/// The first of event streams in gzip: bit 0 the plain format, bit 1 never compressed.
pub const GZIP: u8 = 17;
pub const STORED: u8 = 2;

/// What stands around the messages of an event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrap {
    /// Nothing: the peer does not know chunks.
    Whole,
    /// Each is a chunk.
    Chunks,
    /// Each is a chunk of one gzip member.
    Gzip,
}

impl Wrap {
    /// Whether the answer is made of chunks.
    #[must_use]
    pub const fn is_chunked(self) -> bool {
        !matches!(self, Self::Whole)
    }
}

/// What carries the messages of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carrier {
    /// WebSocket frames.
    #[default]
    Frames,
    /// An event stream. `plain`: data alone, under the event's own name.
    Events { plain: bool, wrap: Wrap },
    /// The answer to a poll.
    Poll,
}

impl Carrier {
    /// The number of an encoding.
    #[must_use]
    pub const fn encoding(self, form: Form, deflate: bool, agreed: Option<Algorithm>) -> u8 {
        match (self, agreed) {
            (Self::Frames, Some(agreed)) => PACKED.wrapping_add((agreed.number() - 1) * 2 + form as u8),
            (Self::Frames, None) => (form as u8) | if deflate { DEFLATE } else { 0 },
            (Self::Events { plain, wrap: Wrap::Gzip }, _) => GZIP.wrapping_add(plain as u8),
            (Self::Events { plain, wrap }, _) => {
                EVENTS | if plain { PLAIN } else { 0 } | if wrap.is_chunked() { 0 } else { WHOLE }
            }
            (Self::Poll, _) => POLL,
        }
    }
}
