//! Compression that is ours, beside permessage-deflate: whole messages, by an algorithm that both ends know.
//!
//! Theory. What compresses a message for one listener compresses it for all who agreed to the same algorithm, so each message
//! is compressed alone, without a window that one connection would hold. What comes from a peer is inflated to a bound that
//! stands before the first byte is read, and must be exactly one frame: no second one, nothing behind it, no dictionary, and
//! no window beyond what the wire allows (RFC 8878 §3.1.1.1.2, RFC 7932 §9.1).
//!
//! By file: `mod` (which there are, and the tools), `gzip`, `brotli`, `lz4`, `zstd` (one each), `pays` (what is left alone).
// Numbers of a peer come in here: a sum that could wrap or panic is an error of the build, or has its reason beside it.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod brotli;
mod gzip;
mod lz4;
mod pays;
mod zstd;

#[cfg(test)]
mod tests;

use crate::codes::close;
use crate::error::Broken;
use crate::frame::deflate::Deflater;
use pays::Pays;
use std::io::Read;

/// How a binary frame begins that is compressed so. No `MessagePack` message begins with it.
pub const MARK: u8 = 0xc1;

/// A way of compressing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Algorithm {
    /// RFC 1952.
    Gzip = 1,
    /// RFC 7932.
    Brotli = 2,
    /// The LZ4 frame format, 1.6.
    Lz4 = 3,
    /// RFC 8878.
    Zstd = 4,
}

impl Algorithm {
    /// All, by their numbers.
    pub const ALL: [Self; 4] = [Self::Gzip, Self::Brotli, Self::Lz4, Self::Zstd];

    /// The byte in a frame.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The algorithm of a byte.
    #[must_use]
    pub fn numbered(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.number() == number)
    }

    /// The word in `hello.compress`, and in HTTP where it is a coding there.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// The algorithm of a word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// What is wrong with what should be inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// It inflates to more than the limit (bytes).
    TooLarge(usize),
    /// It is none of this algorithm, is cut off, or has something behind it.
    Broken(Algorithm),
}

impl Bad {
    /// For people.
    #[must_use]
    pub fn message(self, came: usize) -> String {
        match self {
            Self::TooLarge(max) => {
                format!("{came} compressed bytes inflate to more than {max}, the limit: send less at a time")
            }
            Self::Broken(algorithm) => format!(
                "{came} compressed bytes are not exactly one frame of {}, whole, without a dictionary and within the window \
                 that the protocol allows",
                algorithm.word()
            ),
        }
    }

    /// The same, of a frame of a WebSocket.
    #[must_use]
    pub fn of_frame(self, came: usize) -> Broken {
        let code = match self {
            Self::TooLarge(_) => close::TOO_BIG,
            Self::Broken(_) => close::BAD_DATA,
        };
        Broken::new(code, self.message(came))
    }
}

/// What compresses and inflates. Each part is made when it is first needed; none keeps anything of a message.
#[derive(Debug)]
pub struct Tools {
    /// permessage-deflate's.
    pub deflater: Deflater,
    gzip: gzip::Gzip,
    zstd: zstd::Zstd,
    pays: Pays,
    /// Bytes that were given to be made smaller since the start, and how many they became, whether that paid or not.
    tried: (u64, u64),
}

impl Default for Tools {
    fn default() -> Self {
        Self {
            deflater: Deflater::new(1, false),
            gzip: gzip::Gzip::default(),
            zstd: zstd::Zstd::default(),
            pays: Pays::default(),
            tried: (0, 0),
        }
    }
}

impl Tools {
    /// Bytes that were given to be made smaller since the start, and how many they became, by whatever algorithm.
    #[must_use]
    pub const fn tried(&self) -> (u64, u64) {
        self.tried
    }

    /// Append `input`, compressed: one frame.
    pub fn compress(&mut self, algorithm: Algorithm, input: &[u8], out: &mut Vec<u8>) {
        match algorithm {
            Algorithm::Gzip => self.gzip.compress(input, out),
            Algorithm::Brotli => brotli::compress(input, out),
            Algorithm::Lz4 => lz4::compress(input, out),
            Algorithm::Zstd => self.zstd.compress(input, out),
        }
    }

    /// What one frame holds, if that is at most `max` bytes.
    pub fn inflate(&mut self, algorithm: Algorithm, input: &[u8], max: usize) -> Result<Vec<u8>, Bad> {
        match algorithm {
            Algorithm::Gzip => gzip::inflate(input, max),
            Algorithm::Brotli => brotli::inflate(input, max),
            Algorithm::Lz4 => lz4::inflate(input, max),
            Algorithm::Zstd => self.zstd.inflate(input, max),
        }
    }

    /// Append a body, compressed, if that pays.
    pub fn pack_bare(&mut self, algorithm: Algorithm, input: &[u8], out: &mut Vec<u8>) -> bool {
        let start = out.len();
        self.if_it_pays(input.len(), 0, out, |tools, out| {
            tools.compress(algorithm, input, out);
            out.len().saturating_sub(start)
        })
    }

    /// Append the payload of a frame, compressed and with its mark, if that pays: a tenth is gone. `about`: what is like it, so
    /// that what did not shrink lately is left alone (0: it is like nothing).
    pub fn pack(&mut self, algorithm: Algorithm, input: &[u8], about: u64, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        self.if_it_pays(input.len(), about, out, |tools, out| {
            out.extend_from_slice(&[MARK, algorithm.number()]);
            tools.compress(algorithm, input, out);
            out.len().saturating_sub(start)
        })
    }

    /// The same by permessage-deflate.
    pub fn deflate(&mut self, input: &[u8], about: u64, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        self.if_it_pays(input.len(), about, out, |tools, out| {
            tools.deflater.deflate(input, out);
            out.len().saturating_sub(start)
        })
    }

    fn if_it_pays(
        &mut self,
        plain: usize,
        about: u64,
        out: &mut Vec<u8>,
        compress: impl FnOnce(&mut Self, &mut Vec<u8>) -> usize,
    ) -> bool {
        if !self.pays.may_try(about) {
            return false;
        }
        let start = out.len();
        let packed = compress(self, out);
        let (came, left) = self.tried;
        self.tried = (came.saturating_add(plain as u64), left.saturating_add(packed as u64));
        let pays = packed <= plain.saturating_sub(plain / 10);
        self.pays.was(about, pays);
        if !pays {
            out.truncate(start);
        }
        pays
    }

    /// The message in a frame that begins with the mark, if this algorithm was agreed on.
    pub fn unpack(&mut self, agreed: Option<Algorithm>, frame: &[u8], max: usize) -> Result<Vec<u8>, Broken> {
        let unsupported = |reason: String| Broken::new(close::UNSUPPORTED, reason);
        let Some(agreed) = agreed else {
            return Err(unsupported(
                "a compressed frame came, and no compression was agreed on in the hello".into(),
            ));
        };
        let (Some(number), Some(input)) = (frame.get(1).copied(), frame.get(2..)) else {
            return Err(Broken::new(close::BAD_DATA, "a compressed frame ends behind its mark"));
        };
        if number != agreed.number() {
            let (word, other) =
                (agreed.word(), Algorithm::numbered(number).map_or("unknown", Algorithm::word));
            return Err(unsupported(format!(
                "a frame compressed by algorithm {number} ({other}) came: {word} was agreed on"
            )));
        }
        let message = self.inflate(agreed, input, max).map_err(|bad| bad.of_frame(input.len()))?;
        if message.first() == Some(&MARK) {
            return Err(Broken::new(close::BAD_DATA, "a compressed frame holds a compressed frame"));
        }
        Ok(message)
    }
}

/// All that a reader gives, if it is at most `max` bytes.
fn read_all(from: &mut impl Read, max: usize, algorithm: Algorithm) -> Result<Vec<u8>, Bad> {
    let mut out = Vec::new();
    let limit = (max as u64).saturating_add(1);
    from.take(limit).read_to_end(&mut out).map_err(|_| Bad::Broken(algorithm))?;
    if out.len() > max { Err(Bad::TooLarge(max)) } else { Ok(out) }
}
