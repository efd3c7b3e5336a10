//! Acks of publishes, the most frequent ones: those that one group has for a session are one row.
//!
//! A row of the table `ack` is one request, or a run of them under the id of the newest. With 256 publishes under way over
//! 16 connections that is one row for some eight of them: a row each would cost as much as the entries themselves.

use crate::kept_ack;
use rtcore_core::log::acks::Kept;
use rtcore_core::store::Progress;
use rtcore_data::code::{Reader, put};
use rusqlite::{Connection, Result};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Marks a run where `kept_ack` has the kind of an ack.
const RUN: u8 = 4;

/// Writes the ack of one request.
pub const ONE: &str =
    "INSERT OR REPLACE INTO ack(session, id, kept) SELECT id, ?2, ?3 FROM session WHERE name = ?1";

/// The acks of a group that are not written yet: of each session, the ids of its publishes and the numbers that these got.
#[derive(Debug, Default)]
pub struct Runs(HashMap<Arc<str>, Vec<(u64, u64)>>);

impl Runs {
    /// A publish was done.
    pub fn add(&mut self, session: &Arc<str>, id: u64, seq: u64) {
        match self.0.get_mut(session) {
            Some(run) => run.push((id, seq)),
            None => drop(self.0.insert(Arc::clone(session), vec![(id, seq)])),
        }
    }

    /// A session is over, and its acks with it.
    pub fn forget(&mut self, session: &Arc<str>) {
        self.0.remove(session);
    }

    /// Write them.
    pub fn write(self, connection: &Connection) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut insert = connection.prepare_cached(ONE)?;
        for (session, mut run) in self.0 {
            run.sort_unstable();
            let newest = run.last().map_or(0, |(id, _)| *id);
            let kept = if let [(_, seq)] = *run { kept_ack::write(&Kept::Seq(seq)) } else { packed(&run) };
            insert.execute((session, newest.cast_signed(), kept))?;
        }
        Ok(())
    }
}

fn packed(run: &[(u64, u64)]) -> Vec<u8> {
    let (mut out, mut last) = (vec![RUN], 0);
    for (id, seq) in run {
        put(&mut out, id - last);
        put(&mut out, *seq);
        last = *id;
    }
    out
}

fn unpack(bytes: &[u8]) -> Option<Vec<(u64, u64)>> {
    let (mut reader, mut run, mut last) = (Reader(bytes), Vec::new(), 0u64);
    while !reader.0.is_empty() {
        last = last.checked_add(reader.number()?)?;
        run.push((last, reader.number()?));
    }
    Some(run)
}

/// What is known of requests, of a row with this id: one, or a run of them. An ack that cannot be read any more was given:
/// whoever asks for it is told that its outcome is not known.
pub fn read(id: u64, kept: Option<&[u8]>, into: &mut BTreeMap<u64, Progress>) {
    if let Some(run) = kept.and_then(|kept| unpack(kept.strip_prefix(&[RUN])?)) {
        into.extend(run.into_iter().map(|(id, seq)| (id, Progress::Done(Kept::Seq(seq)))));
        return;
    }
    match kept.and_then(kept_ack::read) {
        Some(kept) => drop(into.insert(id, Progress::Done(kept))),
        // A row of its own that says only that it was taken speaks of a time before its ack.
        None => drop(into.entry(id).or_insert(Progress::Taken)),
    }
}

/// How many acks a row has.
pub fn count(kept: Option<&[u8]>) -> u64 {
    let run = kept.and_then(|kept| unpack(kept.strip_prefix(&[RUN])?));
    run.map_or(1, |run| run.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::{count, packed, read};
    use proptest::prelude::*;
    use rtcore_core::log::acks::Kept;
    use rtcore_core::store::Progress;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn a_run_is_read_as_it_was_written(run: BTreeMap<u64, u64>) {
            prop_assume!(!run.is_empty());
            let pairs: Vec<_> = run.iter().map(|(id, seq)| (*id, *seq)).collect();
            let bytes = packed(&pairs);
            let mut found = BTreeMap::new();
            read(*run.last_key_value().unwrap().0, Some(&bytes), &mut found);
            let wanted: BTreeMap<_, _> =
                run.iter().map(|(id, seq)| (*id, Progress::Done(Kept::Seq(*seq)))).collect();
            prop_assert_eq!(found, wanted);
            prop_assert_eq!(count(Some(&bytes)), run.len() as u64);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(id: u64, mut bytes: Vec<u8>) {
            let mut found = BTreeMap::new();
            read(id, Some(&bytes), &mut found);
            bytes.insert(0, super::RUN);
            read(id, Some(&bytes), &mut found);
        }
    }
}
