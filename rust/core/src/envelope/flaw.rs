//! What can be wrong inside the bytes of a message, and how it is told to people.

use crate::codes::Code;
use crate::error::Fault;

/// A flaw and the byte at which it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub what: What,
    pub at: usize,
}

/// The kinds of flaws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Cut,
    Trailing,
    NotAnObject,
    NoValue,
    NoKey,
    NoColon,
    NoComma,
    BadNumber,
    NotFinite,
    Range,
    ControlByte,
    BadEscape,
    Surrogate,
    NotUtf8,
    Deep,
    Twice,
    KeyKind,
    UnusedByte,
    Extension,
    Reserved,
    Base64,
}

impl What {
    /// At this byte.
    pub(super) const fn at(self, at: usize) -> Flaw {
        Flaw { what: self, at }
    }

    /// The sentence for people.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Cut => "the message ends too early",
            Self::Trailing => "something follows after the end of the message",
            Self::NotAnObject => "a message must be an object",
            Self::NoValue => "a value was expected",
            Self::NoKey => "a key in quotes was expected",
            Self::NoColon => "a colon was expected after the key",
            Self::NoComma => "a comma or the end of the list or object was expected",
            Self::BadNumber => "this is no number as JSON writes it",
            Self::NotFinite => "NaN and infinity are no values",
            Self::Range => {
                "a number beyond 1.8e308, which is as far as the floats of 64 bits go: most readers cannot hold it; \
                 say it as text"
            }
            Self::ControlByte => "a control character in a string must be escaped",
            Self::BadEscape => "this escape is unknown or incomplete",
            Self::Surrogate => "a surrogate stands alone, without its other half",
            Self::NotUtf8 => "the text is not UTF-8",
            Self::Deep => "nested more than 128 deep",
            Self::Twice => "a field of the message is there twice",
            Self::KeyKind => "the keys of an object must be text",
            Self::UnusedByte => "the byte 0xC1 begins no MessagePack value",
            Self::Extension => "MessagePack extension types are not taken",
            Self::Reserved => {
                "an object whose only key begins with \"$\" is reserved; binary is {\"$bin\":\"base64\"} in \
                 JSON and itself in MessagePack"
            }
            Self::Base64 => "\"$bin\" must hold base64 of RFC 4648, section 4, with its padding",
        }
    }
}

impl Flaw {
    /// The fault to answer with.
    pub(super) fn fault(self) -> Fault {
        invalid(format!("{} (at byte {})", self.what.text(), self.at))
    }
}

/// A fault in a message, without an id yet.
pub(super) fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Fault::new(Code::InvalidMessage, message)
}
