//! An entry as one row: its number, room and time are columns, all else is its body. A checksum goes over all of it.

use rtcore_core::Form;
use rtcore_core::ids::Seq;
use rtcore_core::store::{Author, Entry};
use rtcore_data::code::{Reader, put_bytes};
use std::sync::Arc;

const MSGPACK: u8 = 1;
const FROM: u8 = 2;
const USER: u8 = 4;
const EXCLUDE: u8 = 8;
const TRACE: u8 = 16;
const SLOT: u8 = 32;
const KNOWN: u8 = 63;

/// Write the body of an entry.
pub fn write(out: &mut Vec<u8>, entry: &Entry) {
    let user = entry.from.as_ref().and_then(|from| from.user.as_ref());
    let flag = |is: bool, bit: u8| if is { bit } else { 0 };
    out.push(
        flag(entry.form == Form::Msgpack, MSGPACK)
            | flag(entry.from.is_some(), FROM)
            | flag(user.is_some(), USER)
            | flag(entry.exclude.is_some(), EXCLUDE)
            | flag(entry.trace.is_some(), TRACE)
            | flag(entry.slot.is_some(), SLOT),
    );
    put_bytes(out, entry.event.as_bytes());
    let session = entry.from.as_ref().map(|from| from.session.as_bytes());
    let texts = [session, user.map(|user| user.as_bytes()), entry.exclude.as_ref().map(|one| one.as_bytes())];
    let rest = [entry.trace.as_ref().map(|trace| trace.as_bytes()), entry.slot.as_deref()];
    for part in texts.into_iter().chain(rest).flatten() {
        put_bytes(out, part);
    }
    out.extend_from_slice(&entry.data);
}

/// Read an entry. None: these bytes are not what `write` wrote.
pub fn read(seq: Seq, room: &Arc<str>, time: u64, body: &[u8]) -> Option<Entry> {
    let mut reader = Reader(body);
    let flags = reader.byte()?;
    if flags & !KNOWN != 0 {
        return None;
    }
    let event = reader.text()?.into();
    let mut part = |bit: u8| if flags & bit == 0 { Some(None) } else { reader.bytes().map(Some) };
    let session = text(part(FROM)?).ok()?;
    let user = text(part(USER)?).ok()?.map(Arc::from);
    let exclude = text(part(EXCLUDE)?).ok()?.map(Arc::from);
    let trace = text(part(TRACE)?).ok()?.map(Box::from);
    let slot = part(SLOT)?.map(Box::from);
    let form = if flags & MSGPACK == 0 { Form::Json } else { Form::Msgpack };
    let from = session.map(|session| Author { session: session.into(), user });
    Some(Entry {
        seq,
        room: Arc::clone(room),
        event,
        data: reader.0.into(),
        form,
        time,
        from,
        exclude,
        trace,
        slot,
    })
}

/// A part that may be missing, as text. An error: it is none.
fn text(bytes: Option<&[u8]>) -> Result<Option<&str>, std::str::Utf8Error> {
    bytes.map(std::str::from_utf8).transpose()
}

/// The checksum of an entry. The room's name is in it, so a row that names another room is damage, too.
pub fn checksum(seq: Seq, room: &str, time: u64, body: &[u8]) -> u32 {
    let mut head = [0; 24];
    head[..8].copy_from_slice(&seq.to_le_bytes());
    head[8..16].copy_from_slice(&time.to_le_bytes());
    head[16..].copy_from_slice(&(room.len() as u64).to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(crc32c::crc32c(&head), room.as_bytes()), body)
}

#[cfg(test)]
mod tests {
    use super::{checksum, read, write};
    use crate::samples::entry;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_entry_is_read_as_it_was_written(entry in entry()) {
            let mut body = Vec::new();
            write(&mut body, &entry);
            prop_assert_eq!(read(entry.seq, &entry.room, entry.time, &body), Some(entry));
        }

        #[test]
        fn no_body_makes_the_reader_panic(body: Vec<u8>) {
            let _ = read(1, &"r".into(), 2, &body);
        }

        #[test]
        fn a_flipped_bit_changes_the_checksum(entry in entry(), at: prop::sample::Index, bit in 0u32..8) {
            let mut body = Vec::new();
            write(&mut body, &entry);
            let before = checksum(entry.seq, &entry.room, entry.time, &body);
            let at = at.index(body.len());
            body[at] ^= 1 << bit;
            prop_assert_ne!(before, checksum(entry.seq, &entry.room, entry.time, &body));
        }
    }
}
