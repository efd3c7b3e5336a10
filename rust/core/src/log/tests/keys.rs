//! Idempotency keys: claimed by one, the first result for all, nothing forgotten early.

use crate::ids::{SessionId, Tick};
use crate::limits::Limits;
use crate::log::dedupe::{Claim, Digest, KeyLimits, Keys, Kind, Scope, ScopeUser, Ticket, Wanted};
use crate::shares::{Account, Holder, Shares, User, What};
use foldhash::quality::FixedState;
use proptest::prelude::*;
use std::collections::HashMap;

const HOUR: u64 = 3_600_000;
const LIMITS: KeyLimits = KeyLimits { per_user: 4, keep_ms: HOUR };

fn scope(user: u64) -> Scope {
    Scope { user: ScopeUser::Session(SessionId(user)), kind: Kind::Publish("tea".into()) }
}

/// Keys together with the shares that they are counted in.
struct Book<T, W> {
    keys: Keys<T, W>,
    shares: Shares,
}

impl<T: Clone, W: Ord> Book<T, W> {
    fn of(key_memory: u64) -> Self {
        let shares = Shares::new(&Limits { key_memory, ..Limits::default() }, &FixedState::with_seed(1));
        Self { keys: Keys::new(7, LIMITS), shares }
    }

    fn new() -> Self {
        Self::of(1_000_000)
    }

    fn claim(&mut self, scope: &Scope, key: &str, digest: Digest, now: Tick) -> Claim<T> {
        let owner = owner(scope);
        self.keys.claim(
            &Wanted { scope, key, digest, owner: &owner, result: 0, on_disk: 0, beside: 0 },
            &mut self.shares,
            now,
        )
    }

    fn finish(&mut self, ticket: Ticket, result: T, bytes: usize) -> Vec<W> {
        self.keys.finish(ticket, result, bytes, &mut self.shares)
    }

    fn release(&mut self, ticket: Ticket) -> Vec<W> {
        self.keys.release(ticket, &mut self.shares)
    }

    fn expire(&mut self, now: Tick, budget: usize) {
        self.keys.expire(now, budget, &mut self.shares);
    }

    fn balances(&self) -> bool {
        let held = |account| self.shares.held(account, What::Key);
        held(Account::Peers) + held(Account::Application) == self.keys.bytes() as u64
    }
}

/// Who pays for a key of this scope: each user has an address of its own.
fn owner(scope: &Scope) -> Holder {
    match &scope.user {
        ScopeUser::Application => Holder::APPLICATION,
        ScopeUser::User(name) => Holder::peer([10, 1, 1, 1].into(), Some(User::Named(name.clone()))),
        ScopeUser::Session(session) => {
            let last = u8::try_from(session.0 % 250).expect("small");
            Holder::peer([10, 0, 0, last].into(), Some(User::Session(*session)))
        }
    }
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
        let mut keys: Book<u64, u64> = Book::new();
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
                            prop_assert_eq!(keys.keys.wait(ticket, serial), Ok(()));
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
                    prop_assert_eq!(keys.keys.wait(known.ticket, 5), Err(5), "a result is there already");
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
        prop_assert!(keys.balances(), "the shares hold what the keys take");
        keys.expire(now, usize::MAX);
        model.retain(|_, known| known.result.is_none() || now < known.claimed.plus_ms(HOUR));
        prop_assert_eq!(keys.keys.len(), model.len(), "what is over is gone, and nothing else");
        for known in model.values().filter(|known| known.result.is_none()) {
            keys.finish(known.ticket, 0, 10);
        }
        keys.expire(now.plus_ms(HOUR), usize::MAX);
        prop_assert_eq!((keys.keys.len(), keys.keys.bytes(), keys.keys.next_expiry()), (0, 0, None), "the books balance");
    }
}

fn nth_open(model: &mut HashMap<(u64, u8), Known>, which: usize) -> Option<&mut Known> {
    let mut open: Vec<_> = model.iter_mut().filter(|(_, known)| known.result.is_none()).collect();
    open.sort_unstable_by_key(|(name, _)| **name);
    open.into_iter().nth(which).map(|(_, known)| known)
}

#[test]
fn scopes_are_apart() {
    let mut keys: Book<u8, ()> = Book::new();
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
    assert_eq!(keys.keys.len(), scopes.len());
}

#[test]
fn a_full_quota_refuses_new_keys_and_forgets_no_old_ones() {
    let mut keys: Book<u8, ()> = Book::new();
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
    let mut keys: Book<u8, ()> = Book::of(2_000);
    let ticket = first(keys.claim(&scope(1), "a", [1; 20], Tick(0)));
    keys.finish(ticket, 7, 5_000);
    assert!(keys.keys.bytes() > 5_000);
    let Claim::MemoryFull(full) = keys.claim(&scope(2), "b", [1; 20], Tick(1)) else { panic!("not full") };
    assert_eq!((full.what, full.limit), ("key_memory", 2_000));
    assert_eq!(keys.claim(&scope(1), "a", [1; 20], Tick(1)), Claim::Done(7));
    first(keys.claim(&scope(2), "b", [1; 20], Tick(0).plus_ms(HOUR)));
}

#[test]
fn what_is_in_progress_does_not_expire() {
    let mut keys: Book<u8, u8> = Book::new();
    let ticket = first(keys.claim(&scope(1), "a", [1; 20], Tick(0)));
    let late = Tick(0).plus_ms(3 * HOUR);
    keys.expire(late, 100);
    assert_eq!(keys.claim(&scope(1), "a", [1; 20], late), Claim::InProgress(ticket));
    assert_eq!(keys.keys.wait(ticket, 9), Ok(()));
    assert_eq!(keys.finish(ticket, 7, 1), [9], "who waits gets the result even now");
    first(keys.claim(&scope(1), "a", [1; 20], late));
}

#[test]
fn claiming_and_giving_back_in_turns_takes_no_memory() {
    // The abuse: requests that are refused before they are done, for an hour, each with a key.
    let mut keys: Book<u8, ()> = Book::new();
    for key in 0..10_000 {
        let ticket = first(keys.claim(&scope(1), &key.to_string(), [1; 20], Tick(0)));
        keys.release(ticket);
    }
    assert!(keys.keys.is_empty() && keys.keys.bytes() == 0);
    assert!(keys.keys.remembered() < 100, "{} places", keys.keys.remembered());
}

#[test]
fn an_old_ticket_finds_nothing() {
    let mut keys: Book<u8, u8> = Book::new();
    let old = first(keys.claim(&scope(1), "a", [1; 20], Tick(0)));
    keys.release(old);
    let new = first(keys.claim(&scope(1), "b", [1; 20], Tick(0)));
    assert_ne!(old, new);
    assert_eq!(keys.keys.wait(old, 1), Err(1));
    assert!(keys.finish(old, 5, 1).is_empty());
    assert_eq!(keys.claim(&scope(1), "b", [1; 20], Tick(0)), Claim::InProgress(new));
}

#[test]
fn one_user_fills_its_share_of_the_memory_and_nobody_else_is_refused() {
    // The attack: 64 MiB of results in a second, and no key of anybody's for an hour.
    let mut keys: Book<u8, ()> = Book::of(100_000);
    let ticket = first(keys.claim(&scope(1), "a", [1; 20], Tick(0)));
    keys.finish(ticket, 7, 9_900);
    let Claim::MemoryFull(full) = keys.claim(&scope(1), "b", [1; 20], Tick(1)) else { panic!("not full") };
    assert_eq!((full.whose, full.limit), (Some("one user"), 10_000));
    assert_eq!(keys.claim(&scope(1), "a", [1; 20], Tick(1)), Claim::Done(7), "no old one is forgotten");
    first(keys.claim(&scope(2), "b", [1; 20], Tick(1)));
    let backends = Scope { user: ScopeUser::Application, kind: Kind::Publish("tea".into()) };
    first(keys.claim(&backends, "b", [1; 20], Tick(1)));
}

#[test]
fn a_result_has_place_as_far_as_the_share_goes() {
    let mut keys: Book<u8, ()> = Book::of(100_000);
    let ticket = first(keys.claim(&scope(1), "a", [1; 20], Tick(0)));
    assert!(keys.keys.has_place(ticket, 9_000, &keys.shares));
    assert!(!keys.keys.has_place(ticket, 11_000, &keys.shares), "then only that it was done is kept");
}

#[test]
fn the_keys_of_an_anonymous_session_end_with_it() {
    let mut keys: Book<u8, ()> = Book::new();
    let ticket = first(keys.claim(&scope(1), "done", [1; 20], Tick(0)));
    keys.finish(ticket, 7, 100);
    let open = first(keys.claim(&scope(1), "open", [1; 20], Tick(0)));
    let others = first(keys.claim(&scope(2), "done", [1; 20], Tick(0)));
    keys.keys.end(&scope(1).user, &mut keys.shares);
    assert!(keys.finish(open, 7, 1).is_empty(), "its ticket finds nothing");
    assert_eq!(keys.keys.len(), 1);
    assert!(keys.balances());
    keys.release(others);
    assert_eq!((keys.keys.bytes(), keys.shares.len()), (0, (0, 0)));
}

/// An automatic key goes when its client has the ack, and not while it is in progress. A result is looked up without a claim.
#[test]
fn a_key_that_is_let_go_is_free_and_one_in_progress_stays() {
    let mut book = Book::<u32, u32>::new();
    let scope = scope(1);
    let now = Tick::default();
    let Claim::New(ticket) = book.claim(&scope, "$1", [1; 20], now) else { panic!() };
    book.keys.let_go(ticket, &mut book.shares);
    assert!(matches!(book.claim(&scope, "$1", [1; 20], now), Claim::InProgress(_)));
    assert_eq!(book.keys.result(&scope, "$1", &[1; 20], now), None);
    let _ = book.finish(ticket, 7, 10);
    assert_eq!(book.keys.result(&scope, "$1", &[1; 20], now), Some(7));
    assert_eq!(book.keys.result(&scope, "$1", &[2; 20], now), None, "other content");
    assert_eq!(book.keys.result(&scope, "$1", &[1; 20], now.plus_ms(HOUR)), None, "its hour is over");
    book.keys.let_go(ticket, &mut book.shares);
    assert!(book.balances() && book.keys.is_empty());
    assert!(matches!(book.claim(&scope, "$1", [1; 20], now), Claim::New(_)));
    book.keys.let_go(ticket, &mut book.shares); // an old ticket finds nothing
    assert_eq!(book.keys.len(), 1);
}
