//! Idempotency keys: claimed by one, the first result for all, nothing forgotten early.

use crate::ids::{SessionId, Tick};
use crate::log::dedupe::{Claim, KeyLimits, Keys, Kind, Scope, ScopeUser, Ticket};
use proptest::prelude::*;
use std::collections::HashMap;

const HOUR: u64 = 3_600_000;
const LIMITS: KeyLimits = KeyLimits { per_user: 4, bytes: 1_000_000, keep_ms: HOUR };

fn scope(user: u64) -> Scope {
    Scope { user: ScopeUser::Session(SessionId(user)), kind: Kind::Publish("tea".into()) }
}

fn first<T: std::fmt::Debug>(claim: Claim<T>) -> Ticket {
    match claim {
        Claim::New(ticket) => ticket,
        other => panic!("expected to be the first, got {other:?}"),
    }
}

#[derive(Clone, Debug)]
enum Step {
    Claim { user: u64, key: u8, content: u8 },
    Finish { which: usize },
    Release { which: usize },
    Later { ms: u64 },
    Expire { budget: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3_u64, 0..6_u8, 0..2_u8).prop_map(|(user, key, content)| Step::Claim { user, key, content }),
        3 => (0..6_usize).prop_map(|which| Step::Finish { which }),
        1 => (0..6_usize).prop_map(|which| Step::Release { which }),
        2 => (0..HOUR).prop_map(|ms| Step::Later { ms }),
        1 => (0..9_usize).prop_map(|budget| Step::Expire { budget }),
    ]
}

struct Known {
    content: u8,
    claimed: Tick,
    ticket: Ticket,
    result: Option<u64>,
    waiting: Vec<u64>,
}

proptest! {
    #[test]
    fn a_key_is_carried_out_once_in_its_time(steps in proptest::collection::vec(step(), 0..150)) {
        let mut keys: Keys<u64, u64> = Keys::new(7, LIMITS);
        let mut model: HashMap<(u64, u8), Known> = HashMap::new();
        let (mut now, mut serial) = (Tick(0), 0);
        for step in steps {
            serial += 1;
            match step {
                Step::Claim { user, key, content } => {
                    let over = |known: &Known| known.result.is_some() && now >= known.claimed.plus_ms(HOUR);
                    // What is over is gone for whoever asks; whether it still fills a quota depends on
                    // expiry.
                    let live = model.iter().filter(|((of, _), known)| *of == user && !over(known)).count();
                    let all = model.keys().filter(|(of, _)| *of == user).count();
                    let known = model.get_mut(&(user, key)).filter(|known| !over(known));
                    match (keys.claim(&scope(user), &key.to_string(), [content; 20], now), known) {
                        (Claim::New(ticket), None) => {
                            prop_assert!(live < LIMITS.per_user);
                            let (claimed, waiting) = (now, Vec::new());
                            let fresh = Known { content, claimed, ticket, result: None, waiting };
                            model.insert((user, key), fresh);
                        }
                        (Claim::InProgress(ticket), Some(known)) => {
                            prop_assert_eq!((ticket, content), (known.ticket, known.content));
                            prop_assert_eq!(known.result, None);
                            prop_assert_eq!(keys.wait(ticket, serial), Ok(()));
                            known.waiting.push(serial);
                        }
                        (Claim::Done(result), Some(known)) => {
                            prop_assert_eq!((Some(result), content), (known.result, known.content));
                        }
                        (Claim::Conflict, Some(known)) => prop_assert_ne!(content, known.content),
                        (Claim::QuotaFull { held, limit }, None) => {
                            prop_assert!(held >= limit && held <= all);
                        }
                        (answer, known) => prop_assert!(false, "{:?}, known: {}", answer, known.is_some()),
                    }
                }
                Step::Finish { which } => {
                    let Some(known) = nth_open(&mut model, which) else { continue };
                    known.result = Some(serial);
                    let waiting = std::mem::take(&mut known.waiting);
                    prop_assert_eq!(keys.finish(known.ticket, serial, 10), waiting);
                    prop_assert!(keys.finish(known.ticket, 0, 10).is_empty());
                    prop_assert_eq!(keys.wait(known.ticket, 5), Err(5), "a result is there already");
                }
                Step::Release { which } => {
                    let Some(known) = nth_open(&mut model, which) else { continue };
                    let ticket = known.ticket;
                    prop_assert_eq!(keys.release(ticket), std::mem::take(&mut known.waiting));
                    prop_assert!(keys.release(ticket).is_empty());
                    model.retain(|_, known| known.ticket != ticket);
                }
                Step::Later { ms } => now = now.plus_ms(ms),
                Step::Expire { budget } => keys.expire(now, budget),
            }
        }
        keys.expire(now, usize::MAX);
        model.retain(|_, known| known.result.is_none() || now < known.claimed.plus_ms(HOUR));
        prop_assert_eq!(keys.len(), model.len(), "what is over is gone, and nothing else");
        for known in model.values().filter(|known| known.result.is_none()) {
            keys.finish(known.ticket, 0, 10);
        }
        keys.expire(now.plus_ms(HOUR), usize::MAX);
        prop_assert_eq!((keys.len(), keys.bytes(), keys.next_expiry()), (0, 0, None), "the books balance");
    }
}

fn nth_open(model: &mut HashMap<(u64, u8), Known>, which: usize) -> Option<&mut Known> {
    let mut open: Vec<_> = model.iter_mut().filter(|(_, known)| known.result.is_none()).collect();
    open.sort_unstable_by_key(|(name, _)| **name);
    open.into_iter().nth(which).map(|(_, known)| known)
}

#[test]
fn scopes_are_apart() {
    let mut keys: Keys<u8, ()> = Keys::new(1, LIMITS);
    let user = ScopeUser::User("ann".into());
    let scopes = [
        Scope { user: user.clone(), kind: Kind::Publish("tea".into()) },
        Scope { user: user.clone(), kind: Kind::Publish("milk".into()) },
        Scope { user, kind: Kind::Emit("tea".into()) },
        Scope { user: ScopeUser::User("bob".into()), kind: Kind::Publish("tea".into()) },
        Scope { user: ScopeUser::Session(SessionId(1)), kind: Kind::Publish("tea".into()) },
    ];
    for scope in &scopes {
        first(keys.claim(scope, "k", [1; 20], Tick(0)));
    }
    assert_eq!(keys.len(), scopes.len());
}

#[test]
fn a_full_quota_refuses_new_keys_and_forgets_no_old_ones() {
    let mut keys: Keys<u8, ()> = Keys::new(1, LIMITS);
    for key in ["a", "b", "c", "d"] {
        let ticket = first(keys.claim(&scope(1), key, [1; 20], Tick(0)));
        keys.finish(ticket, 7, 1);
    }
    assert_eq!(keys.claim(&scope(1), "e", [1; 20], Tick(1)), Claim::QuotaFull { held: 4, limit: 4 });
    assert_eq!(keys.claim(&scope(1), "a", [1; 20], Tick(1)), Claim::Done(7));
    first(keys.claim(&scope(2), "e", [1; 20], Tick(1)));
    let hour = Tick(0).plus_ms(HOUR);
    first(keys.claim(&scope(1), "e", [1; 20], hour));
}

#[test]
fn a_full_memory_refuses_new_keys_until_old_ones_are_over() {
    let mut keys: Keys<u8, ()> = Keys::new(1, KeyLimits { bytes: 2_000, ..LIMITS });
    let ticket = first(keys.claim(&scope(1), "a", [1; 20], Tick(0)));
    keys.finish(ticket, 7, 5_000);
    let held = keys.bytes();
    assert!(held > 5_000);
    assert_eq!(keys.claim(&scope(2), "b", [1; 20], Tick(1)), Claim::MemoryFull { held, limit: 2_000 });
    assert_eq!(keys.claim(&scope(1), "a", [1; 20], Tick(1)), Claim::Done(7));
    first(keys.claim(&scope(2), "b", [1; 20], Tick(0).plus_ms(HOUR)));
}

#[test]
fn what_is_in_progress_does_not_expire() {
    let mut keys: Keys<u8, u8> = Keys::new(1, LIMITS);
    let ticket = first(keys.claim(&scope(1), "a", [1; 20], Tick(0)));
    let late = Tick(0).plus_ms(3 * HOUR);
    keys.expire(late, 100);
    assert_eq!(keys.claim(&scope(1), "a", [1; 20], late), Claim::InProgress(ticket));
    assert_eq!(keys.wait(ticket, 9), Ok(()));
    assert_eq!(keys.finish(ticket, 7, 1), [9], "who waits gets the result even now");
    first(keys.claim(&scope(1), "a", [1; 20], late));
}

#[test]
fn claiming_and_giving_back_in_turns_takes_no_memory() {
    // The abuse: requests that are refused before they are done, for an hour, each with a key.
    let mut keys: Keys<u8, ()> = Keys::new(1, LIMITS);
    for key in 0..10_000 {
        let ticket = first(keys.claim(&scope(1), &key.to_string(), [1; 20], Tick(0)));
        keys.release(ticket);
    }
    assert!(keys.is_empty() && keys.bytes() == 0);
    assert!(keys.remembered() < 100, "{} places", keys.remembered());
}

#[test]
fn an_old_ticket_finds_nothing() {
    let mut keys: Keys<u8, u8> = Keys::new(1, LIMITS);
    let old = first(keys.claim(&scope(1), "a", [1; 20], Tick(0)));
    keys.release(old);
    let new = first(keys.claim(&scope(1), "b", [1; 20], Tick(0)));
    assert_ne!(old, new);
    assert_eq!(keys.wait(old, 1), Err(1));
    assert!(keys.finish(old, 5, 1).is_empty());
    assert_eq!(keys.claim(&scope(1), "b", [1; 20], Tick(0)), Claim::InProgress(new));
}
