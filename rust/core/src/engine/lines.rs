//! Who waits for its turn, in three lines: so nobody stands behind those whose work is of another size.
//!
//! Parts: none.
//!
//! Invariant: within a line the first that came is the first to go.

use crate::ids::{ConnId, SessionId};
use std::collections::VecDeque;

/// What is next when its turn comes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Waits {
    Conn(ConnId),
    /// Messages that came by `send`.
    Session(SessionId),
    /// The end of a session that has said `bye`.
    End(SessionId),
}

/// Where one waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Nothing was done for it yet, and what it asks for may be little.
    Little,
    /// It has had a portion and has more, or what is next is large.
    Much,
    /// It ends: nobody waits for an answer.
    Ends,
}

/// The lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    little: VecDeque<Waits>,
    much: VecDeque<Waits>,
    ends: VecDeque<Waits>,
    /// Which of the two lines of large work had the last turn.
    ended: bool,
}

impl Lines {
    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.little.is_empty() && self.much.is_empty() && self.ends.is_empty()
    }

    /// One more waits, behind all others of its line.
    pub fn add(&mut self, line: Line, waits: Waits) {
        self.line(line).push_back(waits);
    }

    /// Whose turn it is. `little`: of those who may want little, if one is there. The two other lines take turns, and a
    /// line in which nobody stands is passed over.
    pub fn next(&mut self, little: bool) -> Option<(Line, Waits)> {
        let first = if little { self.little.pop_front() } else { None };
        if let Some(waits) = first {
            return Some((Line::Little, waits));
        }
        self.ended = !self.ended;
        let lines = if self.ended { [Line::Ends, Line::Much] } else { [Line::Much, Line::Ends] };
        lines.into_iter().chain([Line::Little]).find_map(|line| Some((line, self.line(line).pop_front()?)))
    }

    fn line(&mut self, line: Line) -> &mut VecDeque<Waits> {
        match line {
            Line::Little => &mut self.little,
            Line::Much => &mut self.much,
            Line::Ends => &mut self.ends,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_want_little_goes_first_and_the_others_take_turns() {
        let mut lines = Lines::default();
        let wait = |n| Waits::Conn(ConnId(n));
        for n in 0..3 {
            lines.add(Line::Ends, wait(n));
            lines.add(Line::Much, wait(10 + n));
            lines.add(Line::Little, wait(20 + n));
        }
        let mut next = |little| match lines.next(little) {
            Some((_, Waits::Conn(id))) => id.0,
            _ => 99,
        };
        assert_eq!([next(true), next(true)], [20, 21]);
        assert_eq!([next(false), next(false), next(false), next(false)], [0, 10, 1, 11]);
        assert_eq!([next(true), next(true), next(true), next(true)], [22, 2, 12, 99]);
    }
}
