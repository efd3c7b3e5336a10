//! Updates of Yjs (form 1), read as far as a server must: whether they are some, what they bring, and nothing of what they
//! mean. What is no update is refused here, before anybody else has to read it.
//!
//! The form is that of lib0 and of Yjs's `UpdateDecoderV1`. What a reader of it would fail on, or take for something else
//! than another reader, is refused too: counts without what they count, texts that are no UTF-8, JSON that is none, values
//! nested beyond `YJS_DEPTH`, clocks beyond `YJS_CLOCK`, a client that comes twice.

mod bytes;
mod json;
mod ranges;

pub use ranges::Known;

use crate::limits::{YJS_CLOCK, YJS_DEPTH};
use crate::why::Why;
use bytes::Reader;

/// Bits of a structure's first byte: what else is said of it, and in the rest what it holds.
const ORIGIN: u8 = 0x80;
const RIGHT_ORIGIN: u8 = 0x40;
const PARENT_SUB: u8 = 0x20;
const HOLDS: u8 = 0x1f;
const GC: u8 = 0;
const SKIP: u8 = 10;

/// What is no update, and why.
fn wrong(what: &str) -> Why {
    Why::invalid(format!("this is no update of Yjs: {what}"))
}

/// What an update brings. Nothing is brought where both are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// Structures, by client and clock.
    pub structs: Known,
    /// What is deleted, by client and clock.
    pub deleted: Known,
}

impl Brought {
    /// Read an update.
    pub fn read(update: &[u8]) -> Result<Self, Why> {
        let mut reader = Reader::new(update);
        let mut brought = Self::default();
        let mut clients = std::collections::BTreeSet::new();
        for _ in 0..reader.count()? {
            let structs = reader.count()?;
            let client = reader.number()?;
            let mut clock = reader.number()?;
            if !clients.insert(client) {
                return Err(wrong("a client comes twice"));
            }
            for _ in 0..structs {
                let (len, is_there) = structure(&mut reader)?;
                let end = clock_after(clock, len)?;
                if is_there {
                    brought.structs.add(client, clock, end);
                }
                clock = end;
            }
        }
        for _ in 0..reader.count()? {
            let client = reader.number()?;
            for _ in 0..reader.count()? {
                let clock = reader.number()?;
                let len = reader.number()?;
                brought.deleted.add(client, clock, clock_after(clock, len)?);
            }
        }
        if reader.is_at_end() { Ok(brought) } else { Err(wrong("something follows its end")) }
    }

    /// Whether nothing is brought.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.structs.is_empty() && self.deleted.is_empty()
    }
}

/// What somebody has who says this state vector: of each client everything up to a clock.
pub fn read_vector(bytes: &[u8]) -> Result<Known, Why> {
    let mut reader = Reader::new(bytes);
    let mut known = Known::default();
    for _ in 0..reader.count()? {
        let client = reader.number()?;
        let clock = reader.number()?;
        if clock > 0 {
            known.add(client, 0, clock_after(0, clock)?);
        }
    }
    if reader.is_at_end() { Ok(known) } else { Err(wrong("something follows the end of the state vector")) }
}

fn clock_after(clock: u64, len: u64) -> Result<u64, Why> {
    if len == 0 {
        return Err(wrong("a structure without length"));
    }
    match clock.checked_add(len).filter(|end| *end <= YJS_CLOCK) {
        Some(end) => Ok(end),
        None => Err(wrong(&format!("a clock beyond {YJS_CLOCK}"))),
    }
}

/// One structure: how long it is, and whether it is there; what is skipped is not.
fn structure(reader: &mut Reader<'_>) -> Result<(u64, bool), Why> {
    let info = reader.byte()?;
    if info & HOLDS == GC || info & HOLDS == SKIP {
        if info & !HOLDS != 0 {
            return Err(wrong("a gap that has neighbours"));
        }
        return Ok((reader.number()?, info == GC));
    }
    if info & ORIGIN != 0 {
        id(reader)?;
    }
    if info & RIGHT_ORIGIN != 0 {
        id(reader)?;
    }
    if info & (ORIGIN | RIGHT_ORIGIN) == 0 {
        match reader.number()? {
            1 => drop(reader.text()?),
            0 => id(reader)?,
            _ => return Err(wrong("a parent that is neither named nor numbered")),
        }
        if info & PARENT_SUB != 0 {
            reader.text()?;
        }
    }
    Ok((content(reader, info & HOLDS)?, true))
}

fn id(reader: &mut Reader<'_>) -> Result<(), Why> {
    reader.number()?;
    let clock = reader.number()?;
    clock_after(clock, 1).map(drop)
}

/// What a structure holds: how long that is.
fn content(reader: &mut Reader<'_>, kind: u8) -> Result<u64, Why> {
    match kind {
        1 => return reader.number(), // deleted
        2 => {
            let count = reader.count()?;
            for _ in 0..count {
                let text = reader.text()?;
                if text != "undefined" {
                    check_json(text)?;
                }
            }
            return Ok(count);
        }
        3 => drop(reader.bytes()?),
        // Lengths of texts are those of UTF-16.
        4 => return Ok(reader.text()?.encode_utf16().count() as u64),
        5 => check_json(reader.text()?)?,
        6 => {
            reader.text()?;
            check_json(reader.text()?)?;
        }
        7 => match reader.number()? {
            // An element and a hook of XML have names.
            3 | 5 => drop(reader.text()?),
            0..=6 => {}
            _ => return Err(wrong("a type that Yjs does not have")),
        },
        8 => {
            let count = reader.count()?;
            for _ in 0..count {
                reader.any(YJS_DEPTH)?;
            }
            return Ok(count);
        }
        9 => {
            reader.text()?;
            reader.any(YJS_DEPTH)?;
        }
        _ => return Err(wrong("a content that Yjs does not have")),
    }
    Ok(1)
}

fn check_json(text: &str) -> Result<(), Why> {
    if json::is_json(text, YJS_DEPTH) { Ok(()) } else { Err(wrong("a value that is no JSON")) }
}
