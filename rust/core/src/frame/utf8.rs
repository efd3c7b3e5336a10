//! UTF-8 that comes in pieces.
//!
//! A piece may end within a character. What is kept of it, at most three bytes, is always the beginning of
//! some valid character: what cannot become one is an error at once and not when the message ends, as
//! RFC 6455 §8.1 allows and its test suite asks for.

/// Whether the bytes so far are UTF-8, or may become it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Utf8 {
    /// Invariant: `held[..len]` is an incomplete character that can still be completed; `len` < 4.
    held: [u8; 4],
    len: u8,
}

/// The bytes cannot be UTF-8, whatever follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUtf8;

impl Utf8 {
    /// Nothing so far.
    #[must_use]
    pub const fn new() -> Self {
        Self { held: [0; 4], len: 0 }
    }

    /// The next piece.
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), NotUtf8> {
        let mut rest = piece;
        while self.len > 0 {
            let Some((&byte, after)) = rest.split_first() else { return Ok(()) };
            rest = after;
            let len = usize::from(self.len);
            self.held[len] = byte;
            self.len = match std::str::from_utf8(&self.held[..=len]) {
                Ok(_) => 0,
                // No error length: the end came too early, so more may complete it. Never with four bytes.
                Err(error) if error.error_len().is_none() => self.len.saturating_add(1),
                Err(_) => return Err(NotUtf8),
            };
        }
        if let Err(error) = simdutf8::compat::from_utf8(rest) {
            if error.error_len().is_some() {
                return Err(NotUtf8);
            }
            let tail = &rest[error.valid_up_to()..];
            self.held[..tail.len()].copy_from_slice(tail);
            self.len = tail.len().try_into().map_err(|_| NotUtf8)?;
        }
        Ok(())
    }

    /// Whether the text may end here.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.len == 0
    }
}
