//! A client's file that was copied, and a server that has forgotten who wrote: what is told of numbers that never left here is
//! another's, and what is answered is never said again.

mod support;

use rtcore_data::client::{Keep, Replica, Resolution};
use rtcore_data::{Map, Value};

fn sync(n: u64, outcomes: Value) -> Value {
    let writer = Map::new().with("name", "w1").with("n", n).with("outcomes", outcomes);
    Map::new().with("horizon", "e.0").with("writer", writer).into()
}

fn page(docs: Value, next: &str, n: u64) -> Value {
    Map::new().with("docs", docs).with("next", next).with("complete", true).with("n", n).into()
}

fn joined() -> Replica {
    let mut replica = Replica::new();
    replica.joined("e", &sync(0, value!([])));
    replica.next_pull();
    replica.page(&page(value!([]), "e.100", 0), 0);
    replica
}

fn put(replica: &mut Replica, key: &str) -> u64 {
    replica.put(key, value!({"title": key}), 0).expect("a put").expect("a number")
}

#[test]
fn a_number_that_never_left_is_told_of_and_so_this_is_a_copy() {
    let told: [fn(&mut Replica); 4] = [
        |replica| replica.joined("e", &sync(1, value!([{"n": 1, "seq": 101}]))),
        |replica| replica.joined("e", &sync(2, value!([]))),
        |replica| replica.hear(101, &value!({"key": "x", "op": "put", "value": 1, "writer": "w1", "n": 1})),
        |replica| {
            replica.gap(101);
            replica.next_pull();
            replica.page(&page(value!([]), "e.101", 1), 0);
        },
    ];
    for tell in told {
        let mut replica = joined();
        put(&mut replica, "a");
        put(&mut replica, "b");
        tell(&mut replica);
        assert!(replica.is_fenced());
        assert_eq!(replica.refused.len(), 2, "nothing that was pending is lost");
        assert_eq!(replica.get("a"), None, "and nothing counts as done");
    }
}

/// A join makes no record of who writes, a first push does: so a name may be another's at the next join, and what is heard
/// before that join's ack is by whoever has it now.
#[test]
fn what_another_writes_under_a_name_that_was_ours_is_not_ours() {
    let mut replica = joined();
    put(&mut replica, "a");
    replica.away();
    replica.hear(101, &value!({"key": "x", "op": "put", "value": 1, "writer": "w1", "n": 1}));
    assert!(!replica.is_fenced());
    let writer = Map::new().with("name", "w2").with("n", 0_u64).with("outcomes", value!([]));
    replica.joined("e", &Map::new().with("horizon", "e.0").with("writer", writer).into());
    assert!(replica.next_push(0).is_some(), "what is pending is said");
}

/// Acks go ahead of waiting data: the `room` message of a resume may come behind the ack of a push that was said later.
#[test]
fn what_was_told_before_an_answer_that_is_here_forgets_nothing() {
    let mut replica = joined();
    put(&mut replica, "a");
    let out = replica.next_push(0).expect("a push");
    replica.pushed(out.token, &value!({"results": [{"n": 1, "seq": 101}], "held": null}), 0);
    put(&mut replica, "b");
    assert!(replica.next_push(0).is_some());
    replica.joined("e", &sync(0, value!([])));
    assert_eq!(replica.refused.len(), 0, "the server has forgotten nothing");
}

#[test]
fn what_was_taken_back_before_it_was_sent_says_nothing_of_copies() {
    let mut replica = joined();
    put(&mut replica, "a");
    assert!(replica.next_push(0).is_some());
    let n = put(&mut replica, "b");
    assert!(replica.discard(n));
    replica.away();
    replica.joined("e", &sync(1, value!([{"n": 1, "seq": 101}])));
    assert!(!replica.is_fenced());
    let out = replica.next_push(0).expect("what had no answer, and the number that is filled");
    assert_eq!(out.data.get("changes").and_then(Value::as_list).map(<[Value]>::len), Some(2));
}

/// Two copies said different things under one number, and one of these was lost: what a join tells of the number is the other's.
#[test]
fn what_a_join_tells_of_a_number_is_said_again_and_compared() {
    let answers: [(Value, bool); 2] = [
        (value!({"n": 1, "seq": 101}), false),
        (value!({"n": 1, "rejected": {"code": "ID_REUSED", "message": ""}}), true),
    ];
    for (answer, fenced) in answers {
        let mut replica = joined();
        put(&mut replica, "a");
        assert!(replica.next_push(0).is_some(), "and it, or its ack, is lost");
        replica.away();
        replica.joined("e", &sync(1, value!([{"n": 1, "seq": 101}])));
        let out = replica.next_push(0).expect("it is said again");
        let results = Map::new().with("results", vec![answer]).with("held", Value::Null);
        replica.pushed(out.token, &results.into(), 0);
        assert_eq!((replica.is_fenced(), replica.refused.len()), (fenced, usize::from(fenced)));
        assert_eq!(replica.get("a").is_none(), fenced, "it is seen as long as it is not refused");
    }
}

#[test]
fn what_is_answered_is_not_said_again_to_a_server_that_has_forgotten_who_said_it() {
    let mut replica = joined();
    put(&mut replica, "a");
    let out = replica.next_push(0).expect("a push");
    replica.pushed(out.token, &value!({"results": [{"n": 1, "seq": 101}], "held": null}), 0);
    put(&mut replica, "b");
    assert!(replica.next_push(0).is_some());
    put(&mut replica, "c");
    replica.away();
    replica.joined("e", &sync(0, value!([])));
    let refused: Vec<_> = replica.refused.iter().map(|it| (it.change.n, &*it.why.code)).collect();
    assert_eq!(refused, [(2, "OUTCOME_UNKNOWN")]);
    assert_eq!(replica.next_push(0), None, "the first is not confirmed yet");
    replica.next_pull();
    replica.page(&page(value!([{"key": "a", "seq": 101, "value": {"title": "a"}}]), "e.101", 0), 0);
    let out = replica.next_push(0).expect("a push");
    assert_eq!(out.data.get("seen").and_then(Value::as_count), Some(2));
    let changes = out.data.get("changes").and_then(Value::as_list).expect("changes");
    assert_eq!(changes[0].get("n").and_then(Value::as_count), Some(3));
}

#[test]
fn what_was_answered_in_another_epoch_and_is_not_held_is_said_again() {
    let mut replica = joined();
    put(&mut replica, "a");
    let out = replica.next_push(0).expect("a push");
    replica.pushed(out.token, &value!({"results": [{"n": 1, "seq": 101}], "held": null}), 0);
    replica.away();
    let sync =
        Map::new().with("horizon", "f.0").with("writer", Map::new().with("name", "w1").with("n", 0_u64));
    drop(replica.keep(true));
    replica.joined("f", &sync.into());
    // Over a start, too: what is kept of it has no outcome any more.
    let kept = replica.keep(true).rows;
    let mut again = Replica::restore(kept).expect("it was kept");
    again.joined("f", &Map::new().with("horizon", "f.0").into());
    assert!(again.next_push(0).is_some());
    assert!(replica.next_push(0).is_some());
}

/// A change that met another's: its number waits behind one that is not held yet, and its author has not decided.
fn in_conflict() -> Replica {
    let mut replica = joined();
    put(&mut replica, "a");
    put(&mut replica, "b");
    let out = replica.next_push(0).expect("a push");
    let conflict = value!([{"n": 2, "conflict": {"seq": 105, "fields": ["title"], "gone": false}}]);
    replica.pushed(out.token, &Map::new().with("results", conflict).with("held", Value::Null).into(), 0);
    replica
}

fn ops(replica: &mut Replica) -> Vec<(String, Value)> {
    let out = replica.next_push(0).expect("what was not answered goes again");
    let changes = out.data.get("changes").and_then(Value::as_list).expect("changes").to_vec();
    let op = |change: &Value| change.get("op").and_then(Value::as_text).expect("an op").to_owned();
    changes.iter().map(|change| (op(change), change.get("base").cloned().expect("a base"))).collect()
}

#[test]
fn a_conflict_that_its_author_has_decided_is_not_said_again_in_another_epoch() {
    let mut replica = in_conflict();
    replica.resolve(2, Resolution::Theirs, 0).expect("it waits for a decision");
    replica.away();
    replica.joined("f", &sync(0, value!([])));
    assert_eq!(ops(&mut replica), [("put".into(), Value::Null), ("skip".into(), Value::Null)]);
}

/// It is over with its answer. Said again, and decided meanwhile, it would count twice.
#[test]
fn a_conflict_that_waits_for_its_author_waits_in_another_epoch_too_and_is_said_by_his_decision_alone() {
    let mut replica = in_conflict();
    replica.away();
    let first = replica.keep(true).rows.into_iter().filter(|row| matches!(row, Keep::Change(1, _)));
    replica.joined("f", &sync(0, value!([])));
    let kept: Vec<Keep> = first.chain(replica.keep(true).rows).collect();
    for mut replica in [replica, Replica::restore(kept).expect("it was kept")] {
        replica.joined("f", &sync(0, value!([])));
        assert_eq!(replica.conflicts.len(), 1);
        assert_eq!(replica.resolve(2, Resolution::Mine, 0), Ok(Some(3)));
        // The number that it met was one of the epoch that has ended.
        let all = [("put".into(), Value::Null), ("skip".into(), Value::Null), ("put".into(), Value::Null)];
        assert_eq!(ops(&mut replica), all);
    }
}

#[test]
fn who_is_fenced_by_one_result_knows_what_came_of_the_others_of_that_push() {
    let mut replica = joined();
    put(&mut replica, "a");
    put(&mut replica, "b");
    let out = replica.next_push(0).expect("a push");
    let results = value!([{"n": 1, "rejected": {"code": "ID_REUSED", "message": ""}}, {"n": 2, "seq": 107}]);
    replica.pushed(out.token, &Map::new().with("results", results).with("held", Value::Null).into(), 0);
    assert!(replica.is_fenced());
    let refused: Vec<_> = replica.refused.iter().map(|it| (it.change.n, &*it.why.code)).collect();
    assert_eq!(refused, [(1, "FENCED")], "the second is done");
}
