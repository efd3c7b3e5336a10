//! The newest joins and leaves of rooms that a session is not in.
//!
//! Invariant: whatever was forgotten, no room's newest is said to be older than it is.

use std::collections::VecDeque;

/// Rooms that a session is not in: which, and the id of its newest join or leave of each.
#[derive(Debug, Default)]
pub struct Moves {
    /// By the hash of the name, so that names take nothing; oldest first.
    left: VecDeque<(u64, u64)>,
    /// The highest id that was forgotten: of a room that is not in `left` no more is known.
    forgotten: u64,
}

impl Moves {
    /// A join or leave with this id was taken; the newest of `most` rooms are known one by one.
    pub fn note(&mut self, room: u64, id: u64, most: usize) {
        let id = id.max(self.newest(room));
        self.left.retain(|(of, _)| *of != room);
        self.left.push_back((room, id));
        while self.left.len() > most {
            let forgotten = self.left.pop_front().map_or(0, |(_, id)| id);
            self.forgotten = self.forgotten.max(forgotten);
        }
    }

    /// The id of the newest of a room; where that was forgotten, the highest that it may have had.
    pub fn newest(&self, room: u64) -> u64 {
        self.left.iter().find(|(of, _)| *of == room).map_or(self.forgotten, |(_, id)| *id)
    }
}

#[cfg(test)]
mod tests {
    use super::Moves;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Whatever is forgotten: a move that is older than the newest of its room is never taken for the newest.
        #[test]
        fn no_move_is_found_older_than_it_is(said in prop::collection::vec((0u64..9, 1u64..50), 1..80), most in 1usize..6) {
            let (mut moves, mut truth) = (Moves::default(), BTreeMap::<u64, u64>::new());
            for (room, id) in said {
                moves.note(room, id, most);
                let newest = truth.entry(room).or_default();
                *newest = id.max(*newest);
                prop_assert!(moves.left.len() <= most);
                for (room, newest) in &truth {
                    prop_assert!(moves.newest(*room) >= *newest);
                }
            }
        }
    }
}
