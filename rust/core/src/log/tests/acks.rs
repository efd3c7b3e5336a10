//! The memory of requests: law 3, a request is carried out at most once however often it is sent.

use crate::ids::Form;
use crate::log::acks::{AckBounds, Acks, Kept, KeptError, Seen};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

const BOUNDS: AckBounds = AckBounds { count: 4, bytes: 400 };

fn ack(id: u64, size: usize) -> Kept {
    let byte = u8::try_from(id % 251).unwrap();
    Kept::Data { bytes: vec![byte; size].into(), form: Form::Json }
}

#[derive(Clone, Debug)]
enum Step {
    /// The next id, that many above the last.
    New(u64),
    /// An id of the past, counted from the last.
    Again(u64),
    /// Finish one of those in progress.
    Finish(usize, usize),
    /// A request that is done again anyway.
    Note(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..4_u64).prop_map(Step::New),
        3 => (0..20_u64).prop_map(Step::Again),
        3 => (0..8_usize, 0..300_usize).prop_map(|(which, size)| Step::Finish(which, size)),
        1 => (0..30_u64).prop_map(Step::Note),
    ]
}

proptest! {
    #[test]
    fn never_twice(steps in proptest::collection::vec(step(), 0..120)) {
        let mut acks = Acks::default();
        // The model forgets nothing: id to ack, none while in progress; and the order of finishing.
        let (mut done, mut finished, mut taken) = (BTreeMap::<u64, Option<Kept>>::new(), Vec::new(), 0);
        for step in steps {
            match step {
                Step::New(above) => {
                    taken += above;
                    prop_assert_eq!(acks.take(taken), Seen::New);
                    prop_assert!(done.insert(taken, None).is_none(), "carried out twice");
                }
                Step::Again(back) => {
                    let id = taken.saturating_sub(back);
                    let kept = finished.iter().rev().take(acks.kept()).any(|&known| known == id);
                    let expected = match done.get(&id) {
                        Some(None) => Seen::InProgress,
                        Some(Some(ack)) if kept => Seen::Done(ack.clone()),
                        _ => Seen::Expired,
                    };
                    prop_assert_eq!(acks.take(id), expected);
                }
                Step::Finish(which, size) => {
                    let mut open = done.iter().filter(|(_, ack)| ack.is_none()).map(|(&id, _)| id);
                    let Some(id) = open.nth(which) else { continue };
                    let byte = u8::try_from(id % 251).unwrap();
                    if size % 2 == 0 {
                        prop_assert!(acks.finish(id, ack(id, size), &BOUNDS));
                    } else {
                        prop_assert!(acks.finish_data(id, &vec![byte; size], Form::Json, &BOUNDS));
                    }
                    prop_assert!(!acks.finish(id, ack(id, size), &BOUNDS), "finished once");
                    done.insert(id, Some(ack(id, size)));
                    finished.push(id);
                    prop_assert_eq!(acks.take(id), Seen::Done(ack(id, size)), "the newest is kept");
                }
                Step::Note(id) => {
                    acks.note(id);
                    taken = taken.max(id);
                }
            }
            let newest = finished.iter().rev().take(acks.kept());
            let kept: usize = newest.map(|id| done[id].as_ref().unwrap().size()).sum();
            prop_assert_eq!(acks.bytes(), kept);
            prop_assert!(acks.kept() <= BOUNDS.count && (kept <= BOUNDS.bytes || acks.kept() == 1));
            prop_assert_eq!(acks.taken(), taken);
            prop_assert_eq!(acks.open(), done.values().filter(|ack| ack.is_none()).count());
        }
    }
}

#[test]
fn after_a_resume_all_that_is_unanswered_comes_again_in_order() {
    let mut acks = Acks::default();
    assert_eq!(acks.take(3), Seen::New);
    assert_eq!(acks.take(5), Seen::New);
    assert!(acks.finish(3, Kept::Seq(124), &BOUNDS));
    // The link broke before 8 and 9 arrived, and before the ack of 3 left.
    assert_eq!(acks.take(3), Seen::Done(Kept::Seq(124)));
    assert_eq!(acks.take(5), Seen::InProgress);
    assert_eq!(acks.take(8), Seen::New);
    assert_eq!(acks.take(9), Seen::New);
    assert_eq!(acks.taken(), 9);
    assert_eq!(acks.take(4), Seen::Expired, "a gap's id was never one of this session's");
}

#[test]
fn the_ack_that_took_longest_is_not_the_first_to_go() {
    let mut acks = Acks::default();
    let bounds = AckBounds { count: 2, bytes: 10_000 };
    for id in 1..=4 {
        assert_eq!(acks.take(id), Seen::New);
    }
    for id in [2, 3, 4, 1] {
        assert!(acks.finish(id, Kept::Seq(id), &bounds));
    }
    assert_eq!(acks.take(1), Seen::Done(Kept::Seq(1)));
    assert_eq!(acks.take(4), Seen::Done(Kept::Seq(4)));
    assert_eq!(acks.take(3), Seen::Expired);
}

#[test]
fn an_error_is_kept_like_a_result() {
    let (code, message) = ("ROOM_FULL".into(), "no seat".into());
    let error = KeptError { code, message, details: None, retry: false, after_ms: None };
    let kept = Kept::Error(Arc::new(error));
    assert!(kept.size() > "ROOM_FULL".len() + "no seat".len());
    let mut acks = Acks::default();
    assert_eq!(acks.take(1), Seen::New);
    assert!(acks.finish(1, kept.clone(), &BOUNDS));
    assert_eq!(acks.take(1), Seen::Done(kept));
}

#[test]
fn what_was_never_taken_cannot_be_finished() {
    let mut acks = Acks::default();
    assert!(!acks.finish(1, Kept::Seq(1), &BOUNDS));
    acks.note(1);
    assert!(!acks.finish(1, Kept::Seq(1), &BOUNDS));
    assert_eq!(acks.take(1), Seen::Expired);
    assert_eq!(acks.take(0), Seen::Expired);
}

#[test]
fn an_idle_session_has_a_small_memory() {
    assert!(size_of::<Acks>() <= 16);
    assert!(size_of::<(u64, Kept)>() <= 32);
}

/// The client says which acks it has: those go, and as long as the bounds allow no other does.
#[test]
fn what_was_acked_goes_and_of_the_rest_nothing_is_pushed_out_by_requests_that_are_taken() {
    let bounds = AckBounds { count: 8, bytes: 4000 };
    let mut acks = Acks::default();
    let is_full = |acks: &Acks| acks.is_full(bounds.count, bounds.bytes);
    for id in 1..=8 {
        assert!(!acks.tells() && !is_full(&acks));
        assert_eq!(acks.take(id), Seen::New);
        assert!(acks.finish(id, ack(id, 10), &bounds));
    }
    acks.let_go(0);
    assert!(is_full(&acks), "eight are kept, and none was acked");
    acks.let_go(3);
    assert_eq!((acks.kept(), is_full(&acks)), (5, false));
    assert_eq!(acks.take(3), Seen::Expired);
    assert_eq!(acks.take(4), Seen::Done(ack(4, 10)));
    for id in 9..=11 {
        assert_eq!(acks.take(id), Seen::New);
    }
    assert!(is_full(&acks), "those in progress will have acks, too");
    acks.let_go(u64::MAX);
    assert_eq!(acks.kept(), 0, "an id that was never used acks none beyond");
    assert_eq!(acks.take(12), Seen::New);
}

#[test]
fn half_of_the_bytes_are_kept_free_for_what_is_in_progress() {
    let bounds = AckBounds { count: 100, bytes: 4000 };
    let mut acks = Acks::default();
    acks.let_go(0);
    let mut id = 0;
    while !acks.is_full(bounds.count, bounds.bytes) {
        id += 1;
        assert_eq!(acks.take(id), Seen::New);
        assert!(acks.finish(id, ack(id, 200), &bounds));
    }
    assert!(acks.bytes() >= 2000 && acks.bytes() < 2500, "{}", acks.bytes());
    assert_eq!(acks.take(1), Seen::Done(ack(1, 200)));
}

/// The attack: requests that were taken, since little was kept, and whose answers are longer than the bound together.
#[test]
fn what_was_in_progress_when_the_bytes_were_full_pushes_out_nothing_of_a_peer_that_tells() {
    let bounds = AckBounds { count: 100, bytes: 4000 };
    let mut acks = Acks::default();
    acks.let_go(0);
    for id in 1..=8 {
        assert!(!acks.is_full(bounds.count, bounds.bytes));
        assert_eq!(acks.take(id), Seen::New);
    }
    for id in 1..=8 {
        assert!(acks.finish(id, ack(id, 1000), &bounds));
    }
    assert!(acks.is_full(bounds.count, bounds.bytes));
    for id in 1..=8 {
        assert_eq!(acks.take(id), Seen::Done(ack(id, 1000)), "its client does not have it");
    }
    acks.let_go(8);
    assert_eq!(acks.bytes(), 0);
}
