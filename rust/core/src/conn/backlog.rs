//! Messages that were read and must wait, in their order.
//!
//! What is kept is as large as it is in memory: each frame's rest is one piece, however many messages it is.

use crate::envelope::{Kept, Rest, messages};
use crate::ids::Form;
use std::collections::VecDeque;

/// What waits of a connection, or of what came by `send`.
#[derive(Debug, Default)]
pub struct Backlog {
    pieces: VecDeque<Rest>,
    /// JSON messages behind them, gathered one by one into one array that has no end yet.
    gathered: Vec<u8>,
    bytes: usize,
}

impl Backlog {
    /// Whether nothing waits. (The end of an array may: it is looked at like a message.)
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.gathered.is_empty()
    }

    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The next message, as a range of bytes.
    pub fn next(&mut self) -> Option<Kept> {
        loop {
            if self.pieces.is_empty() {
                self.close();
            }
            let piece = self.pieces.front_mut()?;
            let next = piece.next();
            if next.is_none() || piece.is_over() {
                self.bytes = self.bytes.saturating_sub(piece.held());
                self.pieces.pop_front();
            }
            if next.is_some() {
                return next;
            }
        }
    }

    /// A message that was begun must wait after all: it comes first.
    pub fn put_back(&mut self, message: &[u8]) {
        let piece = Rest::alone(message);
        self.bytes += piece.held();
        self.pieces.push_front(piece);
    }

    /// What comes behind all that waits: one JSON message.
    pub fn gather(&mut self, message: &[u8]) {
        self.gathered.push(if self.gathered.is_empty() { b'[' } else { b',' });
        self.gathered.extend_from_slice(message);
        self.bytes += 1 + message.len();
    }

    fn close(&mut self) {
        if self.gathered.is_empty() {
            return;
        }
        self.bytes -= self.gathered.len();
        self.gathered.push(b']');
        let gathered = std::mem::take(&mut self.gathered);
        let rest = messages(Form::Json, &gathered).rest();
        self.bytes += rest.held();
        self.pieces.push_back(rest);
    }

    /// What comes behind all that waits: the rest of a frame.
    pub fn keep(&mut self, rest: Rest) {
        self.close();
        self.bytes += rest.held();
        self.pieces.push_back(rest);
    }

    /// Let go of all.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::Backlog;
    use crate::envelope::{Rest, messages};
    use crate::ids::Form;
    use proptest::prelude::*;

    fn texts(mut backlog: Backlog) -> Vec<String> {
        let mut out = Vec::new();
        while let Some(next) = backlog.next() {
            out.push(match next {
                Ok((bytes, range)) => String::from_utf8(bytes[range].to_vec()).unwrap(),
                Err(fault) => fault.message.into_owned(),
            });
        }
        assert_eq!((backlog.is_empty(), backlog.bytes()), (true, 0));
        out
    }

    proptest! {
        /// Wherever a frame is left off, its messages are the same, in the same order, and so is its flaw.
        #[test]
        fn a_frame_that_waits_says_what_it_says(
            words in prop::collection::vec("[a-z]{0,5}", 0..9),
            cut in 0_usize..12,
            end in prop::sample::select(vec!["]", " ] ", "", "] x", ",,]"]),
            spaced in any::<bool>(),
        ) {
            let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            let frame = format!("[{}{end}", words.join(if spaced { " , " } else { "," }));
            let told = |message: Result<&[u8], crate::error::Fault>| match message {
                Ok(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                Err(fault) => fault.message.into_owned(),
            };
            let whole: Vec<String> = messages(Form::Json, frame.as_bytes()).map(told).collect();
            let mut all = messages(Form::Json, frame.as_bytes());
            let mut taken: Vec<String> = all.by_ref().take(cut).map(told).collect();
            let mut backlog = Backlog::default();
            if !all.is_over() {
                backlog.keep(all.rest());
            }
            backlog.put_back(b"first");
            let rest = texts(backlog);
            prop_assert_eq!(&rest[0], "first");
            taken.extend_from_slice(&rest[1..]);
            prop_assert_eq!(taken, whole);
        }
    }

    #[test]
    fn many_messages_are_one_piece() {
        let frame = format!("[{}]", vec!["1"; 100_000].join(","));
        let mut backlog = Backlog::default();
        backlog.keep(messages(Form::Json, frame.as_bytes()).rest());
        backlog.keep(Rest::alone(b"2"));
        assert_eq!(backlog.bytes(), frame.len()); // less the bracket that was read, and one more
        for _ in 0..1000 {
            backlog.gather(b"3");
        }
        assert_eq!(backlog.bytes(), frame.len() + 2000);
        backlog.keep(Rest::alone(b"4"));
        let all = texts(backlog);
        assert_eq!((all.len(), &*all[100_000], &*all[101_000], &*all[101_001]), (101_002, "2", "3", "4"));
    }
}
