//! Where the fields of one message stand, before anybody asks what they mean.
//!
//! Reading a message is one pass that checks every byte and notes for each known field where its value is
//! and what was seen on the way. What a field means is asked afterwards (`take.rs`), so that the order of the
//! fields plays no role: the id is found even behind a field that is wrong.

use super::flaw::{Flaw, What};

/// What kind of value stands in a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Number,
    Text,
    List,
    Map,
    Binary,
    Extension,
}

impl Kind {
    /// As people say it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text => "text",
            Self::List => "a list",
            Self::Map => "an object",
            Self::Binary => "binary",
            Self::Extension => "an extension type",
        }
    }
}

/// What was seen while a value was checked.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "four independent observations")]
pub(super) struct Marks {
    /// It holds binary.
    pub bin: bool,
    /// JSON: it holds an integer outside of 64 bits.
    pub wide: bool,
    /// JSON: line breaks stand between its parts.
    pub breaks: bool,
    /// JSON: it is text with escapes in it.
    pub escaped: bool,
    /// It can be read, but is no `data`.
    pub meaning: Option<What>,
}

/// A value's place in the message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub start: usize,
    pub end: usize,
    pub kind: Kind,
    pub marks: Marks,
}

macro_rules! fields {
    ($($name:ident = $word:literal,)+) => {
        /// The fields that some message of version 1 has.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Field { $($name,)+ }

        impl Field {
            pub(super) const COUNT: usize = [$($word),+].len();

            /// The field of this name; other names are ignored.
            pub(super) fn of(name: &[u8]) -> Option<Self> {
                $(if name == $word.as_bytes() {
                    return Some(Self::$name);
                })+
                None
            }

            /// Its name on the wire.
            pub(super) const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }
        }
    };
}

fields! {
    Type = "type",
    Id = "id",
    Room = "room",
    Event = "event",
    Data = "data",
    Key = "key",
    Echo = "echo",
    Volatile = "volatile",
    Trace = "trace",
    Token = "token",
    Session = "session",
    Position = "position",
    Client = "client",
    Can = "can",
    Compress = "compress",
    V = "v",
    Since = "since",
    Last = "last",
    After = "after",
    Limit = "limit",
    Error = "error",
    Time = "time",
    Rtt = "rtt",
    Code = "code",
    Message = "message",
    Details = "details",
    Retry = "retry",
    Cookie = "cookie",
    Ticket = "ticket",
    Stream = "stream",
    Up = "up",
    Credit = "credit",
    N = "n",
    Streams = "streams",
    Acked = "acked",
    Collection = "collection",
    Changes = "changes",
    Seen = "seen",
    Begun = "begun",
    Sync = "sync",
    Program = "program",
    Loss = "loss",
    Reconnects = "reconnects",
    Transport = "transport",
    Why = "why",
}

/// So many spans have a place of their own: no request has more fields.
const NEAR: usize = 10;

/// The spans of all fields of one object, and the first flaw that was met on the way.
///
/// They lie in the order in which they came, and `places` says which is whose: a place for each field that there is would
/// be a kilobyte to be written for each message.
pub(super) struct Fields {
    /// By field: its span is the one of this number, from 1; 0: it is not there.
    places: [u8; Field::COUNT],
    near: [Span; NEAR],
    /// Those beyond.
    far: Vec<Span>,
    count: u8,
    /// Why the object as a whole is no good, if it is not.
    pub flaw: Option<Flaw>,
    id_twice: bool,
}

impl Fields {
    pub(super) const fn new() -> Self {
        let marks = Marks { bin: false, wide: false, breaks: false, escaped: false, meaning: None };
        let none = Span { start: 0, end: 0, kind: Kind::Null, marks };
        Self {
            places: [0; Field::COUNT],
            near: [none; NEAR],
            far: Vec::new(),
            count: 0,
            flaw: None,
            id_twice: false,
        }
    }

    /// Remember the first flaw; later ones may follow from it.
    pub(super) fn note(&mut self, flaw: Flaw) {
        self.flaw.get_or_insert(flaw);
    }

    /// Keep a field's span. A field that is there twice could be read differently by two readers, such as a
    /// proxy that checks and a server that acts (RFC 8259 §4 leaves it open), so it is refused.
    pub(super) fn put(&mut self, field: Field, span: Span) {
        let place = &mut self.places[field as usize];
        if *place > 0 {
            self.id_twice |= field == Field::Id;
            self.note(What::Twice.at(span.start));
            return;
        }
        match self.near.get_mut(usize::from(self.count)) {
            Some(slot) => *slot = span,
            None => self.far.push(span),
        }
        self.count = self.count.saturating_add(1); // each field once: fewer than 256
        *place = self.count;
    }

    /// The span of a field that is there and is not null.
    pub(super) fn get(&self, field: Field) -> Option<&Span> {
        self.raw(field).filter(|span| span.kind != Kind::Null)
    }

    /// The span of a field that is there, null included.
    pub(super) fn raw(&self, field: Field) -> Option<&Span> {
        let at = usize::from(self.places[field as usize].checked_sub(1)?);
        self.near.get(at).or_else(|| self.far.get(at.checked_sub(NEAR)?))
    }

    /// The id's span, if there is exactly one.
    pub(super) fn id(&self) -> Option<&Span> {
        self.raw(Field::Id).filter(|_| !self.id_twice)
    }
}
