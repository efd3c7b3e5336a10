//! *Hearing* and *Saying*, as the server has them: pages, pushes, writers; and what is kept of them.

mod support;

use rtcore_data::collection::{Pull, Who};
use rtcore_data::crdt::Kind;
use rtcore_data::digest::Checksum;
use rtcore_data::{Collection, Map, Op, Strategy, Value};
use support::{DAY, Server, setup, who};

fn put(n: u64, key: &str) -> Value {
    value!({"n": n, "op": "put", "key": key, "value": {"n": n}})
}

fn push(changes: Vec<Value>, seen: u64) -> Value {
    Map::new().with("changes", changes).with("seen", seen).into()
}

fn held(ack: &Value) -> Option<(Value, Value)> {
    let held = ack.some("held")?;
    Some((held.get("n")?.clone(), held.get("code")?.clone()))
}

fn code(ack: &Value, at: usize) -> Option<Value> {
    ack.get("results")?.as_list()?.get(at)?.get("rejected")?.get("code").cloned()
}

#[test]
fn numbers_count_by_one_and_the_same_change_again_has_the_same_outcome() {
    let mut server = Server::new(setup(Strategy::Merge));
    let ann = who("a", 1);
    let first = server
        .push(&ann, &push(vec![put(1, "x"), value!({"n": 2, "op": "nonsense", "key": "x"}), put(4, "y")], 0));
    assert_eq!(held(&first), Some((3.into(), "EXPECTED".into())));
    let again = server.push(
        &ann,
        &push(vec![put(1, "x"), value!({"n": 2, "op": "nonsense", "key": "x", "value": null})], 0),
    );
    assert_eq!(again.get("results"), first.get("results"), "a refusal stays one, and null says nothing");
    assert_eq!(server.entries.len(), 1);
    assert_eq!(code(&server.push(&ann, &push(vec![put(1, "other")], 0)), 0), Some("ID_REUSED".into()));
    let seen = server.push(&ann, &push(vec![put(1, "x"), put(3, "z")], 2));
    assert_eq!(
        (code(&seen, 0), code(&seen, 1)),
        (Some("ID_REUSED".into()), None),
        "up to what it has seen, always"
    );
}

#[test]
fn a_server_that_has_lost_a_writer_goes_on_where_it_was_seen() {
    let mut server = Server::new(setup(Strategy::Merge));
    let ack = server.push(&who("a", 1), &push(vec![put(41, "x")], 40));
    assert_eq!((held(&ack), server.entries.len()), (None, 1));
}

#[test]
fn a_thousand_outcomes_that_nobody_has_seen_hold_the_lane() {
    let mut server = Server::new(setup(Strategy::Merge));
    let ann = who("a", 1);
    for n in 0..10 {
        server.push(&ann, &push((1..=100).map(|k| put(n * 100 + k, "x")).collect(), 0));
    }
    assert_eq!(
        held(&server.push(&ann, &push(vec![put(1001, "x")], 0))),
        Some((1001.into(), "UNSEEN".into()))
    );
    assert_eq!(held(&server.push(&ann, &push(vec![put(1001, "x")], 1))), None);
}

#[test]
fn a_copy_of_an_outbox_is_fenced() {
    let mut server = Server::new(setup(Strategy::Merge));
    server.push(&who("a", 1), &push(vec![put(1, "x")], 0));
    server.push(&who("a", 2), &push(vec![put(2, "x")], 0));
    let fenced = Some((3.into(), "FENCED".into()));
    assert_eq!(held(&server.push(&who("a", 1), &push(vec![put(3, "x")], 0))), fenced);
    let copy = Who { nonce: "another".into(), ..who("a", 2) };
    assert_eq!(held(&server.push(&copy, &push(vec![put(3, "x")], 0))), fenced);
    assert_eq!(held(&server.push(&who("a", 2), &push(vec![put(3, "x")], 0))), None);
}

#[test]
fn a_copy_that_opens_while_a_push_is_under_way_stops_it() {
    let mut setup = setup(Strategy::Merge);
    setup.asks = true;
    let mut server = Server::new(setup);
    let ack = server.push_asked(&who("a", 1), &push(vec![put(1, "x")], 0), |server, _| {
        server.collection.begin(who("a", 2), &push(vec![], 0), server.now).expect("a push");
        rtcore_data::collection::Answer::Yes
    });
    assert_eq!(held(&ack.data), Some((1.into(), "FENCED".into())));
}

#[test]
fn writers_are_bounded_and_none_is_forgotten_early() {
    let mut setup = setup(Strategy::Merge);
    setup.limits.writers = 2;
    let mut server = Server::new(setup);
    for client in ["a", "b"] {
        server.push(&who(client, 1), &push(vec![put(1, "x")], 0));
    }
    assert_eq!(
        held(&server.push(&who("c", 1), &push(vec![put(1, "x")], 0))),
        Some((1.into(), "OVERLOADED".into()))
    );
    server.now += 89 * DAY;
    server.push(&who("b", 1), &push(vec![put(2, "x")], 1));
    server.collection.sweep(server.now);
    assert!(held(&server.push(&who("c", 1), &push(vec![put(1, "x")], 0))).is_some());
    server.now += 2 * DAY;
    server.collection.sweep(server.now);
    assert!(held(&server.push(&who("c", 1), &push(vec![put(1, "x")], 0))).is_none());
    assert!(held(&server.push(&who("b", 1), &push(vec![put(3, "x")], 2))).is_none());
}

#[test]
fn a_join_makes_no_record_and_tells_what_is_not_seen() {
    let mut server = Server::new(setup(Strategy::Merge));
    let ann = who("a", 1);
    let joined = server.collection.join(&ann.id, 0);
    assert_eq!(joined.writer, value!({"name": "w1", "n": 0, "outcomes": []}));
    assert_eq!(server.collection.join(&who("b", 1).id, 0).number, 2);
    let ann = Who { number: joined.number, ..ann };
    server.push(&ann, &push(vec![put(1, "x"), value!({"n": 2, "op": "burn", "key": "x"})], 0));
    assert_eq!(server.last().get("writer"), Some(&"w1".into()));
    let told = server.collection.join(&ann.id, 1).writer;
    assert_eq!(
        (told.get("n"), told.get("outcomes").and_then(Value::as_list).map(<[Value]>::len)),
        (Some(&2.into()), Some(1))
    );
}

#[test]
fn a_push_with_a_fault_of_its_own_is_not_looked_at() {
    let mut server = Server::new(setup(Strategy::Merge));
    let many = push((1..=101).map(|n| put(n, "x")).collect(), 0);
    for (bad, code) in [
        (many, "TOO_LARGE"),
        (value!({"changes": 5}), "INVALID_MESSAGE"),
        (value!({"changes": [{"op": "put"}]}), "INVALID_MESSAGE"),
        (value!({"changes": [{"n": 1.5}]}), "INVALID_MESSAGE"),
        (value!({"changes": [], "seen": -1}), "INVALID_MESSAGE"),
    ] {
        assert_eq!(server.collection.begin(who("a", 1), &bad, server.now).expect_err("refused").code, code);
    }
}

#[test]
fn pages_are_in_the_order_of_the_last_change_and_any_cut_resumes() {
    let mut server = Server::new(setup(Strategy::Merge));
    for n in 0..2_500_u64 {
        server.write(&format!("k{n}"), Op::Put(value!({"n": n})));
    }
    server.write("k0", Op::Put(value!({"n": "again"})));
    server.write("k1", Op::Delete);
    let first = server.pull(None, None);
    assert_eq!((first.docs.len(), first.complete, first.docs[0].key.as_ref()), (1000, false, "k2"));
    let begun = format!("e.{}", first.begun.expect("begun"));
    let second = server.pull(Some(&format!("e.{}", first.next)), Some(&begun));
    server.write("k5", Op::Put(value!({"n": "moved"})));
    server.write("k6", Op::Delete);
    let third = server.pull(Some(&format!("e.{}", second.next)), Some(&begun));
    assert!(third.complete && !third.reset);
    let ends: Vec<_> =
        third.docs.iter().rev().take(3).map(|it| (it.key.as_ref(), it.document.is_some())).collect();
    assert_eq!(ends, [("k6", false), ("k5", true), ("k0", true)], "no tombstone up to where it began");
    assert_eq!(third.next, server.head);
    let mut sum = Checksum::default();
    for (key, document) in server.collection.iter() {
        sum.add(key, document.seq());
    }
    assert_eq!(third.checksum, Some(sum.text()));
}

#[test]
fn a_page_ends_by_bytes_but_has_one_document_at_least() {
    let mut server = Server::new(setup(Strategy::Merge));
    for n in 0..3 {
        server.write(&format!("k{n}"), Op::Put("x".repeat(300_000 - n * 200_000 / 2).into()));
    }
    let lengths: Vec<usize> =
        [None, Some("e.101"), Some("e.102")].map(|after| server.pull(after, None).docs.len()).into();
    assert_eq!(lengths, [1, 1, 1]);
}

#[test]
fn what_cannot_be_gone_on_from_is_reset() {
    let mut setup = setup(Strategy::Merge);
    setup.limits.tombstones = 1;
    let mut server = Server::new(setup);
    for key in ["a", "b", "c"] {
        server.write(key, Op::Put(value!({})));
        server.write(key, Op::Delete);
    }
    server.collection.sweep(server.now);
    assert_eq!(server.collection.horizon(), 104);
    for (after, begun, reset) in [
        (Some("nonsense"), None, true),
        (Some("other.105"), None, true),
        (Some("e.9999"), None, true),
        (Some("e.103"), None, true),
        (Some("e.104"), None, false),
        (Some("e.1"), Some("e.104"), false),
        (Some("e.1"), Some("e.103"), true),
        (None, None, false),
    ] {
        let page = server.pull(after, begun);
        assert_eq!((page.reset, page.reset && !page.docs.is_empty()), (reset, false), "{after:?} {begun:?}");
    }
    server.now += 91 * DAY;
    server.collection.sweep(server.now);
    assert_eq!(server.collection.horizon(), 106, "by age, too");
    assert!(
        Collection::new(support::setup(Strategy::Merge), 50)
            .pull(Pull { after: Some("e.49"), ..Pull::default() }, None, "e", 60)
            .reset
    );
}

#[test]
fn nothing_that_waits_for_the_disk_is_in_a_page_and_a_lost_write_was_not_done() {
    let mut setup = setup(Strategy::Merge);
    setup.durable = true;
    let mut server = Server::new(setup);
    let ann = who("a", 1);
    let ack = server.push_asked(&ann, &push(vec![put(1, "x")], 0), |_, _| unreachable!());
    assert_eq!(ack.after, Some(server.serial));
    let page = |server: &Server, disk| server.collection.pull(Pull::default(), Some(&ann.id), "e", disk);
    assert_eq!((page(&server, 100).docs.len(), page(&server, 100).n), (0, 0));
    server.collection.kept(server.serial);
    assert_eq!((page(&server, 101).docs[0].seq, page(&server, 101).n), (101, 1));
    // Two on one key, of which one is kept: the page has it, and not the other.
    server.push(&ann, &push(vec![value!({"n": 2, "op": "patch", "key": "x", "value": {"a": 1}})], 0));
    let first = server.serial;
    server.push(
        &ann,
        &push(vec![value!({"n": 3, "op": "patch", "key": "x", "value": {"b": 1}}), put(4, "y")], 0),
    );
    server.collection.kept(first);
    assert_eq!(
        page(&server, 102).docs[0].document.as_ref().map(|it| it.said()),
        Some(value!({"n": 1, "a": 1}))
    );
    server.collection.lost();
    assert_eq!(server.get("x"), Some(value!({"n": 1, "a": 1})));
    assert_eq!((server.get("y"), page(&server, 102).n), (None, 2));
    let again = server.push(&ann, &push(vec![value!({"n": 3, "op": "put", "key": "z", "value": 1})], 0));
    assert_eq!(code(&again, 0), None, "its number is free again");
    // Said again while it is not known, it waits with the first.
    let ack = server.push_asked(
        &ann,
        &push(vec![value!({"n": 3, "op": "put", "key": "z", "value": 1})], 0),
        |_, _| unreachable!(),
    );
    assert_eq!(ack.after, Some(server.serial));
}

#[test]
fn what_was_kept_comes_back_as_it_was() {
    let mut setup = setup(Strategy::Merge);
    setup.durable = true;
    setup.schema.fields = [("tags".into(), Kind::OrSet)].into();
    let mut server = Server::new(setup.clone());
    server.change("a", &value!({"op": "put", "key": "n1", "value": {"t": 1, "u": 2, "tags": {"$crdt": "or-set", "add": ["x"]}}}));
    server.change("b", &value!({"op": "patch", "key": "n1", "unset": ["u"], "base": "e.101", "value": {"tags": {"$crdt": "or-set", "add": ["y"]}}}));
    server.change("b", &value!({"op": "burn", "key": "n1"}));
    server.change("a", &value!({"op": "put", "key": "n2", "value": {}}));
    server.change("a", &value!({"op": "delete", "key": "n2", "base": "e.103"}));
    server.collection.kept(server.serial);
    let (back, version) =
        Collection::restore(setup.clone(), 0, server.rows.clone()).expect("it is as it was");
    assert_eq!(version, 3);
    assert_eq!(back.rows(), server.collection.rows());
    let whole = Collection::restore(setup, 0, server.collection.rows()).expect("it is as it was").0;
    assert_eq!((whole.rows(), whole.checksum()), (back.rows(), server.collection.checksum()));
    server.collection = back;
    let again = server.push(&who("b", 1), &push(vec![value!({"n": 2, "op": "burn", "key": "n1"})], 0));
    assert_eq!(code(&again, 0), Some("INVALID_MESSAGE".into()), "the outcome is kept");
}

#[test]
fn a_schema_that_rises_upgrades_the_documents_and_lets_everybody_begin_anew() {
    let mut server = Server::new(setup(Strategy::Merge));
    server.write("n1", Op::Put(value!({"name": "tea"})));
    let rows = server.collection.rows();
    let mut risen = setup(Strategy::Merge);
    risen.schema.version = 4;
    let (mut collection, version) = Collection::restore(risen, 0, rows).expect("it is as it was");
    assert_eq!(version, 3);
    collection.upgrade(server.head, |_, value| {
        value!({"title": "tea"}).as_map().expect("object").clone().with("was", value).into()
    });
    server.collection = collection;
    assert_eq!(server.get("n1"), Some(value!({"title": "tea", "was": {"name": "tea"}})));
    assert!(server.pull(Some("e.100"), None).reset);
    assert!(!server.pull(Some("e.101"), None).reset);
}

#[test]
fn who_deletes_without_end_is_told_apart_by_count_and_what_is_swept_moves_the_horizon() {
    let mut setup = setup(Strategy::Merge);
    setup.limits.tombstones = 10;
    let mut server = Server::new(setup);
    for n in 0..80 {
        let key = format!("k{n}");
        server.write(&key, Op::Put(value!(n)));
        server.write(&key, Op::Delete);
        if server.collection.is_overgrown() {
            server.collection.sweep(server.now);
        }
    }
    assert!(!server.collection.is_overgrown());
    assert!(server.pull(Some("e.101"), None).reset, "the first of them are forgotten");
    let at = format!("e.{}", server.head - 8);
    assert_eq!(server.pull(Some(&at), None).docs.len(), 4, "the last are not");
}
