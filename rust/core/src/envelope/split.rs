//! A frame's messages.

use super::flaw::{Flaw, What};
use super::{json_skip, msgpack};
use crate::error::Fault;
use crate::ids::Form;
use std::ops::Range;
use std::sync::Arc;

/// The messages of a frame, as raw bytes. A fault is always the last item.
#[derive(Debug)]
pub struct Messages<'a> {
    frame: &'a [u8],
    /// Bytes of the frame that stood before these: faults tell where they are in the whole.
    before: usize,
    at: usize,
    place: Place,
}

/// What is left of a frame whose earlier messages were taken. It is kept as it came, as one piece: half a million
/// messages of one byte are half a mebibyte, and not half a million allocations.
#[derive(Clone, Debug)]
pub struct Rest {
    bytes: Arc<[u8]>,
    before: usize,
    at: usize,
    place: Place,
}

/// Where in the frame the next message is looked for.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// The frame is one message.
    Alone,
    /// JSON: behind the bracket that opens the array.
    First,
    /// JSON: behind an element.
    Further,
    /// `MessagePack`: so many elements are left.
    Left(usize),
    Done,
}

/// A message that waited: a range of bytes that are shared.
pub type Kept = Result<(Arc<[u8]>, Range<usize>), Fault>;

impl<'a> Messages<'a> {
    pub(super) fn new(form: Form, frame: &'a [u8]) -> Self {
        let (at, place) = match form {
            Form::Json => match json_skip::after_space(frame, 0) {
                at if frame.get(at) == Some(&b'[') => (at.saturating_add(1), Place::First),
                at => (at, Place::Alone),
            },
            Form::Msgpack => match msgpack::head(frame, 0) {
                Some((msgpack::Head::List(n), at)) => (at, Place::Left(n)),
                _ => (0, Place::Alone),
            },
        };
        Self { frame, before: 0, at, place }
    }

    /// Whether the last message was given out, as far as that is known without looking further.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.place, Place::Done)
    }

    /// What is left, to be taken later.
    #[must_use]
    pub fn rest(&self) -> Rest {
        let bytes = self.frame.get(self.at..).unwrap_or_default();
        Rest { bytes: bytes.into(), before: self.before.saturating_add(self.at), at: 0, place: self.place }
    }

    /// The next message's bytes; None behind the last one.
    fn advance(&mut self) -> Result<Option<&'a [u8]>, Flaw> {
        let (start, place) = match self.place {
            Place::Done => return Ok(None),
            Place::Alone => {
                self.place = Place::Done;
                let message = &self.frame[self.at..];
                self.at = self.frame.len();
                return if message.is_empty() { Err(What::Cut.at(self.at)) } else { Ok(Some(message)) };
            }
            Place::First | Place::Further => match self.json_element()? {
                Some(start) => (start, Place::Further),
                None => return Ok(None),
            },
            Place::Left(0) => return self.end(self.at),
            Place::Left(n) => (self.at, Place::Left(n.saturating_sub(1))),
        };
        let end = match place {
            Place::Further => json_skip::skip(self.frame, start),
            _ => msgpack::skip(self.frame, start),
        };
        let what = if start < self.frame.len() { What::NoValue } else { What::Cut };
        self.at = end.ok_or(what.at(start))?;
        self.place = place;
        Ok(Some(&self.frame[start..self.at]))
    }

    /// Where the next element of a JSON array begins; None behind the array.
    fn json_element(&mut self) -> Result<Option<usize>, Flaw> {
        let at = json_skip::after_space(self.frame, self.at);
        match (self.frame.get(at), self.place) {
            (Some(b']'), _) => {
                self.end(json_skip::after_space(self.frame, at.saturating_add(1))).map(|_| None)
            }
            (Some(_), Place::First) => Ok(Some(at)),
            (Some(b','), _) => Ok(Some(json_skip::after_space(self.frame, at.saturating_add(1)))),
            (Some(_), _) => Err(What::NoComma.at(at)),
            (None, _) => Err(What::Cut.at(at)),
        }
    }

    fn end(&mut self, at: usize) -> Result<Option<&'a [u8]>, Flaw> {
        self.place = Place::Done;
        if at < self.frame.len() { Err(What::Trailing.at(at)) } else { Ok(None) }
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<&'a [u8], Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance()
            .map_err(|flaw| {
                self.place = Place::Done;
                flaw.what.at(flaw.at.saturating_add(self.before)).fault()
            })
            .transpose()
    }
}

impl Rest {
    /// One message that must wait.
    #[must_use]
    pub fn alone(message: &[u8]) -> Self {
        Self { bytes: message.into(), before: 0, at: 0, place: Place::Alone }
    }

    /// Whether the last message was given out, as far as that is known without looking further.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.place, Place::Done)
    }

    /// Bytes that it holds in memory.
    #[must_use]
    pub fn held(&self) -> usize {
        self.bytes.len()
    }
}

impl Iterator for Rest {
    type Item = Kept;

    /// The next message, as a range of bytes that are shared.
    fn next(&mut self) -> Option<Self::Item> {
        let mut all = Messages { frame: &self.bytes, before: self.before, at: self.at, place: self.place };
        let message = all.next();
        let (end, place) = (all.at, all.place);
        let range = message.map(|message| message.map(|message| end.saturating_sub(message.len())..end));
        (self.at, self.place) = (end, place);
        range.map(|range| range.map(|range| (Arc::clone(&self.bytes), range)))
    }
}
