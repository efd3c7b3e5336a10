//! What is kept while a message or a frame is not all there.
//!
//! Memory follows the bytes that came and never the length that was announced: a header that promises
//! a megabyte costs its sender a megabyte before it costs us one.

use super::deflate::Inflater;
use super::event::{Event, Kind, Payload};
use super::utf8::Utf8;
use crate::codes::close;
use crate::error::Broken;
use crate::limits::fixed::EMPTY_FRAGMENTS;

/// A message in the making.
#[derive(Debug)]
pub(super) struct Assembly {
    kind: Kind,
    compressed: bool,
    data: Vec<u8>,
    utf8: Utf8,
    empty: u32,
}

impl Assembly {
    pub(super) const fn new(kind: Kind, compressed: bool) -> Self {
        Self { kind, compressed, data: Vec::new(), utf8: Utf8::new(), empty: 0 }
    }

    pub(super) fn held(&self) -> usize {
        self.data.capacity()
    }

    /// A further frame of `len` bytes is announced: may it come?
    pub(super) fn announce(&mut self, len: u64, max: usize) -> Result<(), Broken> {
        if len == 0 {
            self.empty = self.empty.saturating_add(1);
            if self.empty > EMPTY_FRAGMENTS {
                return Err(Broken::new(
                    close::TOO_BIG,
                    format!("a message has more than {EMPTY_FRAGMENTS} empty fragments, which is the limit"),
                ));
            }
        }
        check_len((self.data.len() as u64).saturating_add(len), self.compressed, max)
    }

    /// The next bytes, unmasked; `left` more of the same frame will come after them.
    pub(super) fn take(&mut self, piece: &[u8], left: u64) -> Result<(), Broken> {
        if self.kind == Kind::Text && !self.compressed {
            self.utf8.feed(piece).map_err(|_| not_utf8())?;
        }
        let need = self.data.len().saturating_add(piece.len());
        if need > self.data.capacity() {
            // Double, but not beyond what this frame will fill.
            let useful = need.saturating_add(usize::try_from(left).unwrap_or(usize::MAX));
            let target = self.data.capacity().saturating_mul(2).min(useful).max(need);
            self.data.reserve_exact(target.saturating_sub(self.data.len()));
        }
        self.data.extend_from_slice(piece);
        Ok(())
    }

    /// The last frame is complete.
    pub(super) fn finish(self, max: usize, inflater: &mut Inflater) -> Result<Event, Broken> {
        if self.compressed {
            return inflated(self.kind, &self.data, max, inflater);
        }
        if !self.utf8.is_complete() {
            return Err(not_utf8());
        }
        Ok(Event::Message { kind: self.kind, payload: Payload::Owned(self.data) })
    }
}

/// The message in a compressed payload.
pub(super) fn inflated(
    kind: Kind,
    data: &[u8],
    max: usize,
    inflater: &mut Inflater,
) -> Result<Event, Broken> {
    let data = inflater.inflate(data, max)?;
    if kind == Kind::Text {
        check_text(&data)?;
    }
    Ok(Event::Message { kind, payload: Payload::Owned(data) })
}

/// Whether a message whose frames so far announce `len` bytes can still be within `max`. Deflate makes
/// incompressible data longer by 5 bytes for each block, so a compressed one may be a little longer.
pub(super) fn check_len(len: u64, compressed: bool, max: usize) -> Result<(), Broken> {
    let max = max as u64;
    let allowed = if compressed { max.saturating_add(max >> 8).saturating_add(64) } else { max };
    if len > allowed {
        // Compressed or not is the peer's transport's affair; what is too long is what the application wanted to say.
        let reason = format!("a message of {len} bytes came; the limit is {max}: send less at a time");
        return Err(Broken::new(close::TOO_BIG, reason));
    }
    Ok(())
}

/// Whether it is UTF-8, as what a text frame holds must be.
pub fn check_text(data: &[u8]) -> Result<(), Broken> {
    simdutf8::basic::from_utf8(data).map(|_| ()).map_err(|_| not_utf8())
}

pub(super) fn not_utf8() -> Broken {
    Broken::new(close::BAD_DATA, "a text message is not UTF-8")
}
