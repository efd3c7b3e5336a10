//! What may have been lost with the machine: numbers that others may have heard in rooms whose entries are not synced.
//!
//! Theory. Groups are written in the order of their numbers, and of what was committed a crash of the machine leaves a beginning.
//! So with each such crash all above the newest entry on disk may be gone, whatever room it was of, and also of a room of which
//! the disk knows nothing. It is written down: who comes back two starts later misses it just so.
//!
//! Invariant: the ranges rise, and none meets the next.

use crate::ids::Seq;
use crate::limits::fixed::LOSSES;

/// All of it: each above the first number and up to the second.
#[derive(Debug, Default)]
pub struct Losses(Vec<(Seq, Seq)>);

impl Losses {
    /// One more, above all before. The oldest two become one when there are too many: that tells too large a gap, and never none.
    pub fn add(&mut self, after: Seq, upto: Seq) {
        self.0.push((after, upto));
        if self.0.len() > LOSSES {
            let (after, _) = self.0.remove(0);
            self.0[0].0 = after;
        }
    }

    /// The first that ends above a number.
    #[must_use]
    pub fn beyond(&self, at: Seq) -> Option<(Seq, Seq)> {
        self.0.get(self.0.partition_point(|(_, upto)| *upto <= at)).copied()
    }

    /// The first of which something is above `after` and not above `upto`.
    #[must_use]
    pub fn within(&self, after: Seq, upto: Seq) -> Option<(Seq, Seq)> {
        self.beyond(after).filter(|(from, _)| *from < upto)
    }
}

#[cfg(test)]
mod tests {
    use super::{LOSSES, Losses};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_number_that_may_be_lost_is_told_as_there(
            steps in prop::collection::vec((1u64..4, 1u64..4), 1..3 * LOSSES),
            at in 0u64..900,
        ) {
            let (mut losses, mut lost, mut top) = (Losses::default(), Vec::new(), 0);
            for (good, gone) in steps {
                let after = top + good;
                top = after + gone;
                losses.add(after, top);
                lost.extend(after + 1..=top);
            }
            prop_assert!(losses.0.len() <= LOSSES);
            prop_assert!(losses.0.windows(2).all(|two| two[0].1 < two[1].0));
            let first = lost.into_iter().find(|seq| *seq > at);
            let found = losses.beyond(at).map(|(after, _)| after.max(at) + 1);
            let told = match (found, first) {
                (Some(found), Some(first)) => found <= first,
                (found, first) => found == first,
            };
            prop_assert!(told, "{:?} for {:?}", found, first);
        }
    }
}
