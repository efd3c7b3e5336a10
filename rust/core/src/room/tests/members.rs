//! The member table, against a map; and grants.

use crate::ids::SessionId;
use crate::room::grants::Grants;
use crate::room::members::{Member, Members};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn member(session: u64, visible: bool, began: u64) -> Member {
    Member { session: SessionId(session), began, floor: began, info: None, grants: Grants::NONE, visible }
}

#[derive(Clone, Debug)]
enum Step {
    Add(u64, bool),
    Remove(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..50_u64, any::<bool>()).prop_map(|(session, visible)| Step::Add(session, visible)),
        2 => (0..50_u64).prop_map(Step::Remove),
    ]
}

proptest! {
    #[test]
    fn the_table_is_a_map(steps in proptest::collection::vec(step(), 0..300), leave in any::<bool>()) {
        let (mut members, mut model) = (Members::default(), BTreeMap::new());
        let last = if leave { (0..50).map(Step::Remove).collect() } else { Vec::new() };
        for (began, step) in (0..).zip(steps.into_iter().chain(last)) {
            match step {
                Step::Add(session, visible) => {
                    let row = member(session, visible, began);
                    prop_assert_eq!(members.add(row.clone()), model.insert(SessionId(session), row));
                }
                Step::Remove(session) => {
                    prop_assert_eq!(members.remove(SessionId(session)), model.remove(&SessionId(session)));
                }
            }
            prop_assert_eq!(members.len(), model.len());
            prop_assert_eq!(members.visible(), model.values().filter(|row| row.visible).count());
            let mut rows: Vec<_> = members.iter().cloned().collect();
            rows.sort_unstable_by_key(|row| row.session);
            prop_assert_eq!(rows, model.values().cloned().collect::<Vec<_>>());
            for session in (0..50).map(SessionId) {
                prop_assert_eq!(members.get(session), model.get(&session));
                prop_assert_eq!(members.get_mut(session).is_some(), model.contains_key(&session));
            }
        }
    }
}

#[test]
fn rooms_of_every_size_stay_small() {
    assert!(size_of::<Member>() <= 48);
    assert!(size_of::<Members>() <= 40);
    let mut members = Members::default();
    for session in 0..10_000 {
        members.add(member(session, true, 0));
    }
    assert_eq!(members.visible(), 10_000);
    for session in 0..10_000 {
        assert!(members.remove(SessionId(session)).is_some());
    }
    assert_eq!((members.len(), members.visible()), (0, 0));
}

#[test]
fn grants_have_words() {
    assert_eq!(Grants::ALL.words().collect::<Vec<_>>(), ["publish", "presence", "history"]);
    for word in Grants::ALL.words() {
        assert_eq!(Grants::parse(word).map(|grant| grant.words().collect::<Vec<_>>()), Some(vec![word]));
    }
    assert_eq!(Grants::parse("Publish"), None);
    assert_eq!(Grants::NONE.words().count(), 0);
}

#[test]
fn a_right_that_is_taken_leaves_the_others() {
    let (publish, history) = (Grants::PUBLISH, Grants::HISTORY);
    assert_eq!((publish | history).without(history), publish);
    assert_eq!((publish | history) & history, history);
}
