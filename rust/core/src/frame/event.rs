//! What a peer can do with frames, and the words for it.

use std::ops::Range;

/// What a frame is, RFC 6455 §11.8.
pub mod opcode {
    /// More of the message that is open.
    pub const CONTINUATION: u8 = 0x0;
    /// A message of UTF-8 begins.
    pub const TEXT: u8 = 0x1;
    /// A message of bytes begins.
    pub const BINARY: u8 = 0x2;
    /// The last frame of its sender.
    pub const CLOSE: u8 = 0x8;
    /// To be answered with a pong.
    pub const PING: u8 = 0x9;
    /// The answer, or a sign of life.
    pub const PONG: u8 = 0xa;
}

/// Which side we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The peer is a client and must mask; we do not.
    Server,
    /// The reverse.
    Client,
}

/// What a message is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8, checked.
    Text,
    /// Bytes.
    Binary,
}

/// Where a payload is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// In the input that was given, unmasked.
    Here(Range<usize>),
    /// Put together or inflated.
    Owned(Vec<u8>),
}

impl Payload {
    /// Its bytes, given the input that it came from.
    #[must_use]
    pub fn bytes<'a>(&'a self, input: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Here(range) => &input[range.clone()],
            Self::Owned(bytes) => bytes,
        }
    }
}

/// What the peer did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It said something.
    Message {
        /// Text or bytes.
        kind: Kind,
        /// The whole of it, inflated.
        payload: Payload,
    },
    /// It wants a pong with this payload.
    Ping(Payload),
    /// It lives.
    Pong(Payload),
    /// It closes. Whatever comes after this is to be ignored, RFC 6455 §5.5.1.
    Close {
        /// 1005 if it gave none.
        code: u16,
        /// For people.
        reason: String,
    },
}
