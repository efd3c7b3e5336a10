//! Presence: whoever applies what it is told, as sets, knows who is here.

use crate::ids::{SessionId, Tick};
use crate::limits::fixed::PRESENCE_CHANGES;
use crate::room::presence::{Diff, Presence, Who, window_ms};
use proptest::prelude::*;
use std::collections::BTreeMap;

type Shown = BTreeMap<SessionId, Who>;

fn who(session: u64, info: u8) -> Who {
    let wire = format!("s{session}").into();
    Who { session: SessionId(session), wire, user: None, info: (info > 0).then(|| vec![info].into()) }
}

fn apply(shown: &mut Shown, diff: Diff) {
    for gone in diff.left {
        shown.remove(&gone.session);
    }
    for here in diff.joined {
        shown.insert(here.session, here);
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// A session comes (or is shown otherwise) or goes; with a snapshot for itself when it comes.
    Join {
        session: u64,
        info: u8,
    },
    Leave {
        session: u64,
    },
    /// Another listener starts now.
    Listen,
    /// The window ends for all listeners that do not lag.
    Window,
    Lag {
        which: usize,
    },
    Back {
        which: usize,
    },
    Trim,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..8_u64, 0..3_u8).prop_map(|(session, info)| Step::Join { session, info }),
        5 => (0..8_u64).prop_map(|session| Step::Leave { session }),
        2 => Just(Step::Listen),
        3 => Just(Step::Window),
        1 => (0..6_usize).prop_map(|which| Step::Lag { which }),
        1 => (0..6_usize).prop_map(|which| Step::Back { which }),
        1 => Just(Step::Trim),
    ]
}

struct Listener {
    session: u64,
    shown: Shown,
    mark: u64,
    lags: bool,
}

proptest! {
    #[test]
    fn applying_differences_gives_who_is_here(steps in proptest::collection::vec(step(), 0..120)) {
        let (mut presence, mut here) = (Presence::default(), Shown::new());
        let mut listeners = Vec::<Listener>::new();
        let mut others = 100;
        for (now, step) in (0..).map(Tick).zip(steps.into_iter().chain([Step::Window])) {
            match step {
                Step::Join { session, info } => {
                    match here.insert(SessionId(session), who(session, info)) {
                        None => presence.joined(now, who(session, info)),
                        Some(old) if old != who(session, info) => presence.renewed(now, who(session, info)),
                        Some(_) => {}
                    }
                    let mark = presence.snapshot(SessionId(session));
                    listeners.retain(|listener| listener.session != session);
                    listeners.push(Listener { session, shown: here.clone(), mark, lags: false });
                }
                Step::Leave { session } => {
                    if let Some(gone) = here.remove(&SessionId(session)) {
                        presence.left(now, gone);
                        listeners.retain(|listener| listener.session != session);
                    }
                }
                Step::Listen => {
                    others += 1;
                    let mark = presence.snapshot(SessionId(others));
                    listeners.push(Listener { session: others, shown: here.clone(), mark, lags: false });
                }
                Step::Window => {
                    let diff = presence.take().expect("few changes");
                    for listener in listeners.iter_mut().filter(|listener| !listener.lags) {
                        apply(&mut listener.shown, diff.clone());
                        listener.mark = presence.mark();
                        prop_assert_eq!(&listener.shown, &here, "told by the window");
                    }
                }
                Step::Lag { which } => {
                    listeners.iter_mut().skip(which).take(1).for_each(|one| one.lags = true);
                }
                Step::Back { which } => {
                    for listener in listeners.iter_mut().skip(which).filter(|one| one.lags).take(1) {
                        let diff = presence.since(SessionId(listener.session), listener.mark);
                        apply(&mut listener.shown, diff.expect("few changes"));
                        prop_assert_eq!(&listener.shown, &here, "told what it missed");
                        listener.mark = presence.mark();
                        listener.lags = false;
                    }
                }
                Step::Trim => {
                    let lagging = listeners.iter().filter(|one| one.lags).map(|one| one.mark).min();
                    presence.trim(lagging.unwrap_or(u64::MAX));
                }
            }
        }
    }
}

#[test]
fn what_cancels_out_in_a_window_is_not_told() {
    let mut presence = Presence::default();
    presence.joined(Tick(0), who(1, 0));
    presence.snapshot(SessionId(1)); // its own, with the join: nobody else was shown it
    presence.left(Tick(1), who(1, 0));
    assert_eq!(presence.take(), Some(Diff::default()));
    presence.left(Tick(2), who(2, 0));
    presence.joined(Tick(3), who(2, 0));
    assert_eq!(presence.take(), Some(Diff::default()));
}

#[test]
fn no_ghost_for_who_came_between_a_join_and_a_leave() {
    let mut presence = Presence::default();
    presence.joined(Tick(0), who(1, 0));
    presence.snapshot(SessionId(9)); // this listener was shown session 1
    presence.left(Tick(1), who(1, 0));
    assert_eq!(presence.take(), Some(Diff { joined: vec![], left: vec![who(1, 0)] }));
}

#[test]
fn who_comes_back_shown_otherwise_is_told() {
    let mut presence = Presence::default();
    presence.left(Tick(0), who(1, 1));
    presence.joined(Tick(1), who(1, 2));
    assert_eq!(presence.take(), Some(Diff { joined: vec![who(1, 2)], left: vec![] }));
}

#[test]
fn many_snapshots_in_one_place_take_no_memory_and_miss_nobody() {
    let mut presence = Presence::default();
    presence.joined(Tick(0), who(1, 0));
    for _ in 0..10 {
        presence.snapshot(SessionId(1));
    }
    for listener in 2..1_000 {
        presence.snapshot(SessionId(listener));
    }
    assert_eq!(presence.snapshots(), 2);
    presence.left(Tick(1), who(1, 0));
    assert_eq!(presence.take().unwrap().left.len(), 1);
}

#[test]
fn what_is_no_longer_known_asks_for_a_snapshot() {
    let mut presence = Presence::default();
    let start = presence.mark();
    let many = PRESENCE_CHANGES as u64;
    for session in 0..many {
        presence.joined(Tick(0), who(session, 0));
    }
    assert_eq!(presence.since(SessionId(1), start).map(|diff| diff.joined.len()), Some(PRESENCE_CHANGES));
    presence.joined(Tick(0), who(many, 0));
    assert_eq!(presence.since(SessionId(1), start), None);
    assert_eq!(presence.take(), None);
    assert_eq!(presence.take(), Some(Diff::default()), "the next window is an ordinary one");
    assert_eq!(presence.since(SessionId(1), presence.mark() + 1), None, "a mark that was never given");
}

#[test]
fn when_nobody_listens_nothing_is_held_and_old_marks_mean_nothing() {
    let mut presence = Presence::default();
    presence.joined(Tick(0), who(1, 0));
    let mark = presence.mark();
    presence.clear();
    assert_eq!(presence.since(SessionId(1), mark), None);
    assert_eq!(presence.due(100, 1), None);
    assert_eq!(presence.since(SessionId(1), presence.mark()), Some(Diff::default()));
    assert!(size_of::<Presence>() <= 16);
}

#[test]
fn a_window_grows_with_the_room() {
    assert_eq!(window_ms(100, 1), 100);
    assert_eq!(window_ms(100, 500), 200);
    assert_eq!(window_ms(100, 1_000_000), 2_000);
    assert_eq!(window_ms(5_000, 1_000_000), 5_000, "never shorter than the setting");
    let mut presence = Presence::default();
    assert_eq!(presence.due(100, 1), None);
    presence.joined(Tick(5), who(1, 0));
    presence.joined(Tick(50), who(2, 0));
    assert_eq!(presence.due(100, 1), Some(Tick(5).plus_ms(100)), "counted from the first change");
    presence.take();
    assert_eq!(presence.due(100, 1), None);
}
