//! The laws of the CRDTs, for three to seven replicas that change, hand on deltas or states in any order, twice, or late.
//!
//! Equal states are not correctness: a wrong rule converges on a wrong value. So beside the laws stands a model: the set of all
//! operations with what each had seen, from which the value is told in one sentence.

use proptest::prelude::*;
use rtcore_data::crdt::{Bounds, Crdt, GCounter, GSet, Kind, OrSet, PnCounter, Register};
use rtcore_data::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];
const WORDS: [&str; 5] = ["tea", "milk", "ä", "\"q\"", ""];

#[derive(Clone, Debug)]
enum Step {
    Change(usize, u8, i8, u8),
    /// A state is handed from one to the other.
    State(usize, usize),
    /// A delta that was once made reaches a replica: now, again, or for the first time.
    Delta(usize, usize),
}

fn steps() -> impl Strategy<Value = (usize, Vec<Step>)> {
    (3_usize..=7).prop_flat_map(|count| {
        let step = prop_oneof![
            3 => (0..count, 0_u8..5, -9_i8..10, 0_u8..4).prop_map(|(at, word, by, time)| Step::Change(at, word, by, time)),
            1 => (0..count, 0..count).prop_map(|(from, to)| Step::State(from, to)),
            3 => (0_usize..60, 0..count).prop_map(|(delta, to)| Step::Delta(delta, to)),
        ];
        (Just(count), proptest::collection::vec(step, 0..60))
    })
}

/// One operation: who it was by, and what it was. Its number is its place in the list.
#[derive(Clone, Debug)]
struct Made {
    by: usize,
    word: &'static str,
    amount: i64,
    time: u64,
    /// The operations that the replica had seen.
    seen: BTreeSet<usize>,
    /// Of them, the adds of this word that nothing else seen had taken: this one took them.
    took: BTreeSet<usize>,
}

impl Made {
    fn new(
        at: usize,
        word: &'static str,
        amount: i64,
        time: u64,
        made: &[Self],
        seen: &BTreeSet<usize>,
    ) -> Self {
        let took = seen
            .iter()
            .filter(|add| made[**add].word == word && made[**add].amount >= 0 && !taken(made, seen, **add));
        Self { by: at, word, amount, time, seen: seen.clone(), took: took.copied().collect() }
    }
}

fn taken(made: &[Made], seen: &BTreeSet<usize>, add: usize) -> bool {
    seen.iter().any(|at| made[*at].took.contains(&add))
}

/// What a kind does with a step; and its value by the model, from the operations that a replica has seen.
struct Rule {
    kind: Kind,
    change: fn(&mut Crdt, &Made) -> Crdt,
    model: fn(&[Made], &BTreeSet<usize>) -> Value,
}

fn texts(set: BTreeSet<&str>) -> Value {
    Value::List(set.into_iter().map(Value::from).collect())
}

fn rules() -> [Rule; 5] {
    let sum =
        |made: &[Made], seen: &BTreeSet<usize>| seen.iter().map(|at| made[*at].amount).sum::<i64>().into();
    [
        Rule {
            kind: Kind::GCounter,
            change: |held, made| match held {
                Crdt::GCounter(held) => {
                    Crdt::GCounter(held.add(NAMES[made.by], made.amount.unsigned_abs()).expect("fits"))
                }
                _ => unreachable!(),
            },
            model: |made, seen| seen.iter().map(|at| made[*at].amount.abs()).sum::<i64>().into(),
        },
        Rule {
            kind: Kind::PnCounter,
            change: |held, made| match held {
                Crdt::PnCounter(held) => {
                    Crdt::PnCounter(held.add(NAMES[made.by], made.amount).expect("fits"))
                }
                _ => unreachable!(),
            },
            model: sum,
        },
        Rule {
            kind: Kind::GSet,
            change: |held, made| match held {
                Crdt::GSet(held) => Crdt::GSet(held.add(made.word, Bounds::NONE).expect("fits")),
                _ => unreachable!(),
            },
            model: |made, seen| texts(seen.iter().map(|at| made[*at].word).collect()),
        },
        Rule {
            kind: Kind::OrSet,
            change: |held, made| match held {
                Crdt::OrSet(held) if made.amount < 0 => Crdt::OrSet(held.remove(made.word)),
                Crdt::OrSet(held) => {
                    Crdt::OrSet(held.add(NAMES[made.by], made.word, Bounds::NONE).expect("fits"))
                }
                _ => unreachable!(),
            },
            // An element is there if some add of it was seen that nothing seen had seen and taken.
            model: |made, seen| {
                let there = seen.iter().filter(|at| made[**at].amount >= 0 && !taken(made, seen, **at));
                texts(there.map(|at| made[*at].word).collect())
            },
        },
        Rule {
            kind: Kind::Register,
            change: |held, made| match held {
                Crdt::Register(held) => Crdt::Register(held.set(NAMES[made.by], made.word.into(), made.time)),
                _ => unreachable!(),
            },
            // One that nothing seen was said on top of; of several, stamps decide: compared with each other below.
            model: |made, seen| {
                let top = |at: &usize| !seen.iter().any(|other| made[*other].seen.contains(at));
                let words: BTreeSet<&str> =
                    seen.iter().filter(|at| top(at)).map(|at| made[*at].word).collect();
                texts(words)
            },
        },
    ]
}

fn merged(a: &Crdt, b: &Crdt) -> Crdt {
    let mut a = a.clone();
    a.merge(b, Bounds::NONE).expect("fits");
    a
}

fn covers(a: &Crdt, b: &Crdt) -> bool {
    match (a, b) {
        (Crdt::GCounter(a), Crdt::GCounter(b)) => a.covers(b),
        (Crdt::PnCounter(a), Crdt::PnCounter(b)) => a.covers(b),
        (Crdt::GSet(a), Crdt::GSet(b)) => a.covers(b),
        (Crdt::OrSet(a), Crdt::OrSet(b)) => a.covers(b),
        (Crdt::Register(a), Crdt::Register(b)) => a.covers(b),
        _ => false,
    }
}

fn is_value(rule: &Rule, held: &Crdt, model: &Value) -> bool {
    if rule.kind != Kind::Register {
        return held.value() == *model;
    }
    let words = model.as_list().unwrap_or_default();
    if words.is_empty() { held.value() == Value::Null } else { words.contains(&held.value()) }
}

/// The states at the end, all deltas, and the operations.
type Played = (Vec<Crdt>, Vec<Crdt>, Vec<Made>);

/// Play steps on replicas of one kind. The states at the end, all deltas, and the operations.
fn play(rule: &Rule, count: usize, steps: &[Step]) -> Result<Played, TestCaseError> {
    let mut held = vec![Crdt::new(rule.kind); count];
    let mut seen = vec![BTreeSet::new(); count];
    let (mut deltas, mut made) = (Vec::new(), Vec::<Made>::new());
    for step in steps {
        match *step {
            Step::Change(at, word, amount, time) => {
                let word = WORDS[usize::from(word)];
                let one = Made::new(at, word, amount.into(), time.into(), &made, &seen[at]);
                deltas.push((rule.change)(&mut held[at], &one));
                seen[at].insert(made.len());
                made.push(one);
            }
            Step::State(from, to) => {
                let before = held[to].clone();
                held[to] = merged(&before, &held[from]);
                prop_assert!(covers(&held[to], &before) && covers(&held[to], &held[from]), "monotone");
                let theirs = seen[from].clone();
                seen[to].extend(theirs);
            }
            Step::Delta(which, to) => {
                let Some(delta) = deltas.get(which) else { continue };
                held[to] = merged(&held[to], delta);
                // A sum tells all that its writer counted before, a register all that lay below what it holds.
                let below = made[which].seen.iter().copied();
                let told: Vec<usize> = match rule.kind {
                    Kind::GCounter | Kind::PnCounter => {
                        let same_half = |at: &usize| {
                            made[*at].by == made[which].by
                                && (rule.kind == Kind::GCounter
                                    || (made[*at].amount < 0) == (made[which].amount < 0))
                        };
                        below.filter(same_half).collect()
                    }
                    Kind::Register => below.collect(),
                    _ => Vec::new(),
                };
                seen[to].extend(told);
                seen[to].insert(which);
            }
        }
    }
    for (at, held) in held.iter().enumerate() {
        let model = (rule.model)(&made, &seen[at]);
        prop_assert!(
            is_value(rule, held, &model),
            "{:?} of {at}: {:?}, by the model {model:?}",
            rule.kind,
            held.value()
        );
        let again = Crdt::read(&held.state()).expect("a state is read");
        prop_assert_eq!(&again, held, "a state says all");
    }
    Ok((held, deltas, made))
}

proptest! {
    #[test]
    fn all_orders_lead_to_one_value_and_it_is_the_models((count, steps) in steps(), order in any::<u64>()) {
        for rule in &rules() {
            let (held, deltas, made) = play(rule, count, &steps)?;
            let all = held.iter().fold(Crdt::new(rule.kind), |all, one| merged(&all, one));
            let model = (rule.model)(&made, &(0..made.len()).collect());
            prop_assert!(is_value(rule, &all, &model), "{:?}: {:?}, by the model {model:?}", rule.kind, all.value());
            // Deltas alone, in an order of chance and some of them twice: equal to the states.
            let mut shuffled: Vec<&Crdt> = deltas.iter().chain(deltas.iter().step_by(3)).collect();
            shuffled.sort_by_key(|delta| rtcore_data::digest::fingerprint(&Map::new().with("o", order).with("d", delta.state()).into()));
            let by_deltas = shuffled.into_iter().fold(Crdt::new(rule.kind), |all, one| merged(&all, one));
            prop_assert_eq!(&by_deltas, &all, "deltas are as much as states");
            let backwards = held.iter().rev().fold(Crdt::new(rule.kind), |all, one| merged(&all, one));
            prop_assert_eq!(&backwards, &all);
        }
    }

    #[test]
    fn merging_is_commutative_associative_and_idempotent((count, steps) in steps()) {
        for rule in &rules() {
            let (held, deltas, _) = play(rule, count, &steps)?;
            let some: Vec<&Crdt> = held.iter().take(3).chain(deltas.iter().rev().take(3)).collect();
            for a in &some {
                prop_assert_eq!(&merged(a, a), *a);
                for b in &some {
                    let ab = merged(a, b);
                    prop_assert_eq!(&ab, &merged(b, a));
                    prop_assert_eq!(&merged(&ab, b), &ab);
                    for c in &some {
                        prop_assert_eq!(&merged(&ab, c), &merged(a, &merged(b, c)));
                    }
                }
            }
        }
    }

    #[test]
    fn any_value_is_a_state_or_a_refusal(kind in 0_usize..6, at in any::<prop::sample::Index>(), with in "[a-z0-9*]{0,3}", n in any::<i64>()) {
        let mut state = Crdt::new(Kind::ALL[kind]).state();
        if let Value::Map(map) = &mut state {
            let names: Vec<String> = map.iter().map(|(name, _)| name.to_owned()).collect();
            let bad = [
                Value::Null, n.into(), with.as_str().into(), Value::List(vec![with.as_str().into()]),
                Map::new().with(&with, n).into(),
                Map::new().with(&with, Value::List(vec![Value::List(vec![with.as_str().into(), n.into()])])).into(),
            ];
            for bad in bad {
                map.insert(names[at.index(names.len())].as_str(), bad);
                if let Ok(read) = Crdt::read(&Value::Map(map.clone())) {
                    let again = Crdt::read(&read.state());
                    prop_assert_eq!(again.as_ref(), Ok(&read));
                }
            }
        }
    }
}

/// Six ways to hear three deltas, with an add, its removal and an add again among them.
#[test]
fn each_permutation_of_three_deltas_ends_the_same() {
    let mut set = OrSet::default();
    let deltas = [
        set.add("a", "tea", Bounds::NONE).expect("fits"),
        set.remove("tea"),
        set.add("a", "milk", Bounds::NONE).expect("fits"),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut heard = OrSet::default();
        for at in order {
            heard.merge(&deltas[at], Bounds::NONE).expect("fits");
        }
        assert_eq!(heard, set, "{order:?}");
    }
}

#[test]
fn an_add_that_a_remove_had_not_seen_stays() {
    let (mut ann, mut bob) = (OrSet::default(), OrSet::default());
    ann.add("ann", "tea", Bounds::NONE).expect("fits");
    bob.merge(&ann, Bounds::NONE).expect("fits");
    ann.remove("tea");
    bob.add("bob", "tea", Bounds::NONE).expect("fits");
    ann.merge(&bob, Bounds::NONE).expect("fits");
    bob.merge(&ann, Bounds::NONE).expect("fits");
    assert_eq!((ann.len(), &ann), (1, &bob));
}

#[test]
fn equal_stamps_are_decided_by_the_replica_and_then_by_the_value() {
    let said = |by: &str, value: &str| {
        let mut register = Register::default();
        register.set(by, value.into(), 7);
        register
    };
    let (ann, bob) = (said("ann", "tea"), said("bob", "milk"));
    let mut both = ann.clone();
    both.merge(&bob);
    assert_eq!(both.value(), &Value::from("milk"));
    let (one, other) = (said("ann", "x"), said("ann", "y"));
    let (mut first, mut second) = (one.clone(), other.clone());
    first.merge(&other);
    second.merge(&one);
    assert_eq!(first, second);
}

#[test]
fn sums_and_sets_have_their_limits() {
    const MOST: u64 = (1 << 53) - 1;
    let mut counter = GCounter::default();
    counter.add("a", MOST).expect("fits");
    assert_eq!(counter.add("b", 1).expect_err("it is full").code, "OVERFLOW");
    let mut other = GCounter::default();
    other.add("b", 1).expect("fits");
    assert_eq!(counter.merge(&other).expect_err("it is full").code, "OVERFLOW");
    assert_eq!(counter.value(), MOST, "a refusal changes nothing");
    let mut both = PnCounter::default();
    both.add("a", -MOST.cast_signed()).expect("fits");
    assert_eq!(both.value(), -MOST.cast_signed());
    let bounds = Bounds { elements: 2, bytes: 1000 };
    let (mut grows, mut set) = (GSet::default(), OrSet::default());
    for word in ["a", "b"] {
        grows.add(word, bounds).expect("fits");
        set.add("r", word, bounds).expect("fits");
    }
    assert_eq!(grows.add("c", bounds).expect_err("it is full").code, "TOO_LARGE");
    assert_eq!(set.add("r", "c", bounds).expect_err("it is full").code, "TOO_LARGE");
    set.add("r", "a", bounds).expect("it is there already");
    assert_eq!(set.add("r", &"x".repeat(1000), bounds).expect_err("too long").code, "TOO_LARGE");
}

#[test]
fn what_one_counts_in_a_thousand_lives_is_one_together_with_the_oldest() {
    let mut counter = Crdt::new(Kind::PnCounter);
    for writer in 0..1_005 {
        let Crdt::PnCounter(held) = &mut counter else { unreachable!() };
        held.add(&format!("w{writer}"), 1).expect("fits");
    }
    let ages: BTreeMap<String, u64> = (0..1_005).map(|n| (format!("w{n}"), n)).collect();
    assert!(counter.fold("w0", |writer| ages.get(writer).copied().unwrap_or(0)));
    assert_eq!(counter.value(), Value::from(1_005_u64));
    let state = counter.state();
    let sums = state.get("p").and_then(Value::as_map).expect("sums");
    assert!(sums.get("w0").is_some() && sums.get("w1").is_none() && sums.get("*").is_some());
    assert!(sums.len() <= 1_001);
}
