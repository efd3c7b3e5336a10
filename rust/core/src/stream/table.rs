//! The streams of one session.

use super::{Down, Up};
use crate::ids::Tick;
use crate::log::acks::Kept;

/// Which way the items go.
#[derive(Debug)]
pub enum Stream {
    /// From the application to the peer.
    Down(Down),
    /// From the peer to the application.
    Up(Up),
}

/// One stream. Invariant: once `end` is there the application's word counts no more, and `told` says whether
/// the end was handed to an outbox.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts: who still has to do with it")]
pub struct Row {
    /// The id of its `open`.
    pub id: u64,
    /// Its items.
    pub stream: Stream,
    /// What came of it.
    pub end: Option<Kept>,
    /// Whether that was said.
    pub told: bool,
    /// The application has heard of it, and has not said that it is done.
    pub runs: bool,
    /// The application has asked whether it may make an item: it has taken what the stream was opened with.
    pub begun: bool,
    /// The peer wants nothing more of it.
    pub gone: bool,
    /// The peer came back and did not name it: nothing is sent before it does.
    pub held: bool,
}

impl Row {
    /// A stream that begins; `runs`: the application hears of it.
    #[must_use]
    pub fn new(id: u64, stream: Stream, runs: bool) -> Self {
        Self { id, stream, end: None, told: false, runs, begun: false, gone: false, held: false }
    }

    /// Whether something of it is to be said to the peer.
    #[must_use]
    pub fn is_due(&self) -> bool {
        if self.gone || self.held {
            return false;
        }
        match &self.stream {
            Stream::Down(down) => down.due().is_some() || (self.end_is_due() && down.is_through()),
            Stream::Up(_) => self.end_is_due(),
        }
    }

    fn end_is_due(&self) -> bool {
        self.end.is_some() && !self.told
    }

    /// How many items there were so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        match &self.stream {
            Stream::Down(down) => down.made(),
            Stream::Up(up) => up.next(),
        }
    }

    /// Let go of its items.
    pub fn clear(&mut self) {
        match &mut self.stream {
            Stream::Down(down) => down.clear(),
            Stream::Up(up) => up.clear(),
        }
    }

    fn held_bytes(&self) -> usize {
        match &self.stream {
            Stream::Down(down) => down.held(),
            Stream::Up(up) => up.bytes(),
        }
    }
}

/// All of a session's. Invariant: `rows` rise by id.
#[derive(Debug, Default)]
pub struct Streams {
    rows: Vec<Row>,
    /// Until when streams that a returning peer did not name are held.
    pub held_until: Option<Tick>,
}

impl Streams {
    /// The stream of this id.
    pub fn get_mut(&mut self, id: u64) -> Option<&mut Row> {
        let at = self.rows.binary_search_by_key(&id, |row| row.id).ok()?;
        self.rows.get_mut(at)
    }

    /// All of them, by id.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The same, to change them.
    pub fn rows_mut(&mut self) -> &mut [Row] {
        &mut self.rows
    }

    /// One more; its id must be higher than all before.
    pub fn add(&mut self, row: Row) {
        debug_assert!(self.rows.last().is_none_or(|last| last.id < row.id));
        self.rows.push(row);
    }

    /// Forget one.
    pub fn remove(&mut self, id: u64) {
        self.rows.retain(|row| row.id != id);
    }

    /// How many the application works on, or whose end waits for a peer that does not read.
    #[must_use]
    pub fn open(&self) -> usize {
        self.rows.iter().filter(|row| row.runs || (!row.gone && row.end_is_due())).count()
    }

    /// What all items cost that have yet to be sent. Those of a stream that a returning peer has not named wait for
    /// nothing that others should wait for, too.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.rows
            .iter()
            .filter(|row| !row.held)
            .map(|row| match &row.stream {
                Stream::Down(down) => down.unsent(),
                Stream::Up(_) => 0,
            })
            .sum()
    }

    /// Bytes of items from the peer that wait for the application.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.rows
            .iter()
            .map(|row| match &row.stream {
                Stream::Down(_) => 0,
                Stream::Up(up) => up.bytes(),
            })
            .sum()
    }

    /// Bytes of all items, either way.
    #[must_use]
    pub fn held(&self) -> usize {
        self.rows.iter().map(Row::held_bytes).sum()
    }

    /// Of those that are over, keep the newest: so many, and so many bytes of them.
    pub fn retire(&mut self, count: usize, bytes: usize) {
        let over = |row: &Row| !row.runs && row.end.is_some();
        let (mut many, mut held) = (0_usize, 0_usize);
        for row in self.rows.iter().filter(|row| over(row)) {
            many = many.saturating_add(1);
            held = held.saturating_add(row.held_bytes());
        }
        self.rows.retain(|row| {
            // What has yet to be sent is bounded with the session, and told before it is forgotten.
            let goes = over(row) && row.told && (many > count || held > bytes);
            if goes {
                many = many.saturating_sub(1);
                held = held.saturating_sub(row.held_bytes());
            }
            !goes
        });
    }
}
