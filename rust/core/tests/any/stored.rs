//! Random steps of a world whose store answers late, out of step, with an error or not at all: laws 1 to 3
//! (`support/stored.rs`) for whatever coverage leads to.

use crate::support::stored::{Act, Stored};
use crate::world::{Dice, bounded};

/// More acts than this find nothing new, and take long.
const ACTS: usize = 120;

fn act(dice: &mut Dice<'_>) -> Option<Act> {
    Some(match dice.of(16)? {
        0..=2 => Act::Answer(dice.of(4)?),
        3 => match dice.of(8)? {
            0 => Act::Refuse,
            1 => Act::Doubt,
            2 | 3 => Act::Decide(dice.of(2)? == 1),
            4 | 5 => Act::Quick(dice.of(2)? == 1),
            other => Act::Unreadable(other == 6),
        },
        _ => Act::Steps(vec![dice.step()?]),
    })
}

pub fn must_hold(bytes: &[u8]) {
    let [size, seed, bytes @ ..] = bytes else { return };
    let mut stored = Stored::new(bounded(*size), u64::from(*seed));
    let mut dice = Dice::new(bytes);
    for _ in 0..ACTS {
        let Some(act) = act(&mut dice) else { break };
        stored.act(&act);
        stored.check();
    }
    stored.rest();
    stored.check();
    stored.check_done();
}
