//! The book: whatever is said, let go of and freed, in whatever order.

use crate::ids::{Form, Now, RoomId, Tick};
use crate::log::book::Log;
use crate::log::entry::Where;
use crate::log::position::Since;
use crate::log::ring::{Bounds, Ring};
use proptest::prelude::*;

fn at(ms: u64) -> Now {
    Now { tick: Tick::default().plus_ms(ms), wall_ms: ms }
}

proptest! {
    /// Each number is given once and is the next; dates do not fall though the clock is set back; what all rings hold is
    /// what the book says; and a room that is made again does not say that it is complete below what it once held.
    #[test]
    fn numbers_dates_and_bytes_are_in_one_hand(
        steps in prop::collection::vec((0u8..6, 0usize..3, 0usize..200, 0u64..5_000), 1..200)
    ) {
        let bounds = Bounds { count: 4, bytes: 4_000, age_ms: 1_000 };
        let mut log = Log::new("e", 3_000);
        let mut rings: Vec<Ring> = (0..3).map(|_| log.new_ring()).collect();
        let (mut numbers, mut date, mut clock) = (0, 0, 0);
        for (what, which, len, wall) in steps {
            clock += len as u64;
            let now = Now { tick: at(clock).tick, wall_ms: wall };
            let ring = &mut rings[which];
            match what {
                0..3 => {
                    let draft = log.draft(Where::Room(RoomId(1), "tea".into()), "say".into(), &vec![0; len], Form::Json, now);
                    prop_assert_eq!(draft.seq, 0);
                    let entered = log.enter(draft, ring, &bounds);
                    numbers += 1;
                    prop_assert_eq!((entered.entry.seq, log.head()), (numbers, numbers));
                    prop_assert!(entered.entry.time >= date);
                    date = entered.entry.time;
                }
                3 => {
                    let _ = log.expire(ring, now.tick.ms(), &bounds);
                }
                4 => {
                    let _ = log.shed_oldest(ring);
                }
                _ => {
                    let top = ring.top();
                    let _ = log.free_room(ring);
                    *ring = log.new_ring();
                    prop_assert!(top == 0 || !ring.complete_since(top - 1));
                }
            }
            prop_assert_eq!(log.bytes(), rings.iter().map(Ring::bytes).sum::<usize>());
            prop_assert_eq!(log.is_over(), log.bytes() > 3_000);
        }
    }
}

#[test]
fn a_position_means_something_in_its_own_life_of_the_log_alone() {
    let mut log = Log::new("e", 1_000);
    let mut ring = log.new_ring();
    let bounds = Bounds { count: 4, bytes: 4_000, age_ms: 1_000 };
    let draft = log.draft(Where::Room(RoomId(1), "tea".into()), "say".into(), b"1", Form::Json, at(1));
    assert_eq!(log.enter(draft, &mut ring, &bounds).forgotten, 0);
    let position = log.position(1).to_string();
    assert_eq!(log.since(Some(&position)), Since::Known(1));
    assert_eq!(log.since(None), Since::Nothing);
    for unknown in ["e.2", "f.1", "e", ""] {
        assert_eq!(log.since(Some(unknown)), Since::Unknown, "{unknown:?}");
    }
}
