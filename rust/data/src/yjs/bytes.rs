//! The numbers, texts and values of lib0.

use super::wrong;
use crate::why::Why;

/// Most that a number may be: what JavaScript keeps exact.
const MOST: u64 = (1 << 53) - 1;

/// What is left of the bytes.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn byte(&mut self) -> Result<u8, Why> {
        let (first, rest) = self.rest.split_first().ok_or_else(|| wrong("it ends too early"))?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], Why> {
        let count = usize::try_from(count).ok().filter(|count| *count <= self.rest.len());
        let (taken, rest) = self.rest.split_at(count.ok_or_else(|| wrong("it ends too early"))?);
        self.rest = rest;
        Ok(taken)
    }

    /// A number: seven bits a byte, the lowest first.
    pub fn number(&mut self) -> Result<u64, Why> {
        self.more(0, 0)
    }

    fn more(&mut self, mut number: u64, mut shift: u32) -> Result<u64, Why> {
        loop {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if shift > 49 || number > MOST {
                return Err(wrong("a number beyond 2^53 - 1"));
            }
            if byte < 0x80 {
                return Ok(number);
            }
            shift += 7;
        }
    }

    /// How many come: each takes a byte at least, so that no count is more than what can come.
    pub fn count(&mut self) -> Result<u64, Why> {
        let count = self.number()?;
        if count > self.rest.len() as u64 {
            return Err(wrong("it counts more than comes"));
        }
        Ok(count)
    }

    pub fn bytes(&mut self) -> Result<&'a [u8], Why> {
        let count = self.number()?;
        self.take(count)
    }

    pub fn text(&mut self) -> Result<&'a str, Why> {
        std::str::from_utf8(self.bytes()?).map_err(|_| wrong("a text that is no UTF-8"))
    }

    /// A value of any kind, at most so deep.
    pub fn any(&mut self, depth: usize) -> Result<(), Why> {
        let Some(below) = depth.checked_sub(1) else { return Err(wrong("a value is nested too deeply")) };
        match self.byte()? {
            120 | 121 | 126 | 127 => {} // true, false, null, undefined
            125 => {
                // An integer: six bits and the sign in its first byte.
                let first = self.byte()?;
                if first >= 0x80 {
                    self.more(u64::from(first & 0x3f), 6)?;
                }
            }
            124 => drop(self.take(4)?),
            122 | 123 => drop(self.take(8)?),
            119 => drop(self.text()?),
            118 => {
                for _ in 0..self.count()? {
                    self.text()?;
                    self.any(below)?;
                }
            }
            117 => {
                for _ in 0..self.count()? {
                    self.any(below)?;
                }
            }
            116 => drop(self.bytes()?),
            _ => return Err(wrong("a value of a kind that lib0 does not have")),
        }
        Ok(())
    }
}
