//! The laws of the log's parts: each against a model that is too simple to be wrong.

mod acks;
mod book;
mod cursor;
mod entry;
mod keys;
mod ring;

use super::entry::{Entry, Where};
use crate::ids::{Form, Now, RoomId, Seq, Tick};
use std::sync::Arc;

/// An entry with that much data, said at that time.
pub(super) fn entry(seq: Seq, size: usize, time: u64) -> Entry {
    let room = Where::Room(RoomId(1), "tea".into());
    Entry::new(
        seq,
        room,
        "say".into(),
        vec![b'x'; size].into(),
        Form::Json,
        Now { tick: Tick::default().plus_ms(time), wall_ms: time },
    )
}

/// The same, shared.
pub(super) fn shared(seq: Seq, size: usize, time: u64) -> Arc<Entry> {
    Arc::new(entry(seq, size, time))
}
