//! The index of a room: its entries' numbers, in rows of up to `SPAN` of them, each under the last one.
//!
//! Theory. An index with a row for each entry costs more than the entries: each group touches one page for each of its
//! rooms. So a group writes its entries alone, which is one place at the end of the file. What rooms they are of is kept
//! in memory (`rooms`), and written down in bulk, a few hundred entries of a room at a time (`fold`).

use rtcore_core::ids::Seq;
use rtcore_data::code::{Reader, put};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Result};

/// Numbers in one row.
pub const SPAN: usize = 256;

/// Numbers as bytes: the first, then how much each is above the one before.
pub fn write(seqs: &[Seq]) -> Vec<u8> {
    let mut out = Vec::with_capacity(seqs.len() * 2);
    let mut before = 0;
    for seq in seqs {
        put(&mut out, seq - before);
        before = *seq;
    }
    out
}

/// The numbers in these bytes. What is no number ends them.
pub fn read(bytes: &[u8]) -> Vec<Seq> {
    let mut reader = Reader(bytes);
    let mut seqs = Vec::new();
    let mut seq: Seq = 0;
    while let Some(next) = reader.number().and_then(|more| seq.checked_add(more)) {
        seq = next;
        seqs.push(seq);
    }
    seqs
}

/// Write down numbers of a room that are above all that are written down. The last row is filled up first.
pub fn append(connection: &Connection, room: i64, seqs: &[Seq]) -> Result<()> {
    let mut last =
        connection.prepare_cached("SELECT last, seqs FROM span WHERE room = ? ORDER BY last DESC LIMIT 1")?;
    let row = last
        .query_row([room], |row| Ok((row.get::<_, i64>(0)?, read(row.get_ref(1)?.as_blob()?))))
        .optional()?;
    let mut all = Vec::new();
    if let Some((last, old)) = row.filter(|(_, old)| old.len() < SPAN) {
        connection.prepare_cached("DELETE FROM span WHERE room = ? AND last = ?")?.execute([room, last])?;
        all = old;
    }
    all.extend_from_slice(seqs);
    let mut insert = insert(connection)?;
    for seqs in all.chunks(SPAN) {
        insert.execute((room, seqs[seqs.len() - 1].cast_signed(), write(seqs)))?;
    }
    Ok(())
}

/// Forget the numbers of a room up to this one.
pub fn forget(connection: &Connection, room: i64, upto: Seq) -> Result<()> {
    let mut delete = connection.prepare_cached("DELETE FROM span WHERE room = ? AND last <= ?")?;
    delete.execute([room, upto.cast_signed()])?;
    let mut first =
        connection.prepare_cached("SELECT last, seqs FROM span WHERE room = ? ORDER BY last LIMIT 1")?;
    let row = first
        .query_row([room], |row| Ok((row.get::<_, i64>(0)?, read(row.get_ref(1)?.as_blob()?))))
        .optional()?;
    let Some((last, seqs)) = row else { return Ok(()) };
    let gone = seqs.partition_point(|seq| *seq <= upto);
    if gone > 0 {
        connection.prepare_cached("UPDATE span SET seqs = ? WHERE room = ? AND last = ?")?.execute((
            write(&seqs[gone..]),
            room,
            last,
        ))?;
    }
    Ok(())
}

fn insert(connection: &Connection) -> Result<CachedStatement<'_>> {
    connection.prepare_cached("INSERT INTO span(room, last, seqs) VALUES(?, ?, ?)")
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_read_as_they_were_written(set: std::collections::BTreeSet<u64>) {
            let seqs: Vec<u64> = set.into_iter().collect();
            prop_assert_eq!(read(&write(&seqs)), seqs);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }
}
