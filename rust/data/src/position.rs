//! A position on the wire: `epoch.seq`, "I have everything up to here".
//!
//! There is one way to write each: an epoch is 1 to 32 of `a-z0-9`, a number is decimal without leading
//! zeros and at most 2^53 - 1, the largest that every JSON reader keeps exactly (RFC 8259 §6).
// Numbers of a peer come in here: a sum that could wrap or panic is an error of the build, or has its reason beside it.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use crate::limits::EPOCH;
use std::fmt;

/// A sequence number of the log: one counter for all rooms. 0 means "before everything".
pub type Seq = u64;

/// The highest number of the log.
pub const MAX_SEQ: Seq = (1 << 53) - 1;

/// A place in one life of the log. `Display` writes it as the wire has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position<'a> {
    /// The life of the log.
    pub epoch: &'a str,
    /// The last number heard.
    pub seq: Seq,
}

/// What a position that somebody names says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// There was none.
    Nothing,
    /// A number of this life of the log.
    Known(Seq),
    /// Another epoch, the future, or not readable.
    Unknown,
}

impl Since {
    /// The number to go on after: 0 where none was named. None: it means nothing.
    #[must_use]
    pub fn after(self) -> Option<Seq> {
        match self {
            Self::Nothing => Some(0),
            Self::Known(seq) => Some(seq),
            Self::Unknown => None,
        }
    }
}

impl<'a> Position<'a> {
    /// Epoch and number of a written position; none if it is not written as positions are.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<(&'a str, Seq)> {
        let (epoch, digits) = text.split_once('.')?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if epoch.is_empty() || epoch.len() > EPOCH || !epoch.bytes().all(plain) {
            return None;
        }
        // `parse` alone would take a plus sign.
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) || (digits.len() > 1 && digits.starts_with('0'))
        {
            return None;
        }
        let seq = digits.parse().ok()?;
        (seq <= MAX_SEQ).then_some((epoch, seq))
    }
}

impl fmt::Display for Position<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.epoch, self.seq)
    }
}
