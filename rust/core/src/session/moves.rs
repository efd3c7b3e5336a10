//! The newest joins and leaves of rooms that a session is not in.
//!
//! Invariant: whatever was forgotten, no room's newest is said to be older than it is.

use std::collections::VecDeque;

/// Rooms that a session is not in: which, and the id of its newest join or leave of each.
#[derive(Debug, Default)]
pub struct Moves {
    /// By the hash of the name, so that names take nothing; oldest first.
    left: VecDeque<Gone>,
    /// Of a room that is not in `left` no more is known than that its newest is not above this.
    forgotten: u64,
}

/// A room that the session is not in.
#[derive(Debug)]
struct Gone {
    room: u64,
    newest: u64,
    /// What the newest began was ended by the server: it is over, and does not begin anew when it comes again.
    ended: bool,
}

impl Moves {
    /// A join or leave with this id was taken; the newest of `most` rooms are known one by one.
    pub fn note(&mut self, room: u64, id: u64, most: usize) {
        self.keep(room, id.max(self.newest(room)), most);
    }

    /// The same of a room that the session was in until now, where its newest was known.
    pub fn keep(&mut self, room: u64, id: u64, most: usize) {
        let ended = self.of(room).is_some_and(|gone| gone.ended && gone.newest == id);
        self.left.retain(|gone| gone.room != room);
        self.left.push_back(Gone { room, newest: id, ended });
        while self.left.len() > most {
            let forgotten = self.left.pop_front().map_or(0, |gone| gone.newest);
            self.forgotten = self.forgotten.max(forgotten);
        }
    }

    /// The server itself took the session out of a room: what the newest of it began is over.
    pub fn end(&mut self, room: u64) {
        if let Some(gone) = self.left.iter_mut().find(|gone| gone.room == room) {
            gone.ended = true;
        }
    }

    /// Whether the server ended what this one began, the newest of its room.
    pub fn is_ended(&self, room: u64, id: u64) -> bool {
        self.of(room).is_some_and(|gone| gone.ended && gone.newest == id)
    }

    fn of(&self, room: u64) -> Option<&Gone> {
        self.left.iter().find(|gone| gone.room == room)
    }

    /// A life that is over took ids up to this one, and of what: only rooms that the session is in are on disk. So each of them
    /// counts as overtaken, the last one too: it is not known to be the newest of its room.
    pub fn forget(&mut self, upto: u64) {
        self.left.clear();
        self.forgotten = self.forgotten.max(upto.saturating_add(1));
    }

    /// The id of the newest of a room; where that was forgotten, the highest that it may have had.
    pub fn newest(&self, room: u64) -> u64 {
        self.of(room).map_or(self.forgotten, |gone| gone.newest)
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

        /// Nor is one that a life took which is over, whatever was known before and comes after.
        #[test]
        fn of_a_life_that_is_over_no_move_is_the_newest(said in prop::collection::vec((0u64..9, 1u64..50), 0..20), upto in 50u64..99) {
            let mut moves = Moves::default();
            for (room, id) in said {
                moves.note(room, id, 4);
            }
            moves.forget(upto);
            moves.note(0, upto + 1, 4);
            for room in 0..9 {
                prop_assert!(moves.newest(room) > upto);
            }
        }
    }
}
