//! What a client makes of what it hears and pulls: what is left out, how long it is behind, and what cannot be gone on from.

mod support;

use rtcore_data::client::Replica;
use rtcore_data::{Map, Value};

fn page(docs: Value, next: &str) -> Map {
    Map::new().with("docs", docs).with("next", next).with("complete", true).with("n", 0_u64)
}

fn pulled(replica: &mut Replica, page: Map, now: u64) {
    assert!(replica.next_pull().is_some(), "a pull is due");
    replica.page(&page.into(), now);
}

/// One that is whole up to 100, with a document.
fn whole() -> Replica {
    let mut replica = Replica::new();
    replica.joined("e", &Map::new().with("horizon", "e.0").into());
    pulled(&mut replica, page(value!([{"key": "k", "value": {"title": "tea"}, "seq": 90}]), "e.100"), 0);
    assert!(replica.is_whole());
    replica
}

fn patch(key: &str, prev: u64) -> Value {
    value!({"key": key, "op": "patch", "value": {"done": true}, "prev": prev, "writer": "w9", "n": 1})
}

#[test]
fn a_change_counts_above_what_is_held_and_a_patch_on_exactly_what_it_was_made_on() {
    let mut replica = whole();
    replica.hear(90, &patch("k", 80));
    replica.hear(101, &patch("k", 90));
    assert_eq!(replica.get("k"), Some(value!({"title": "tea", "done": true})));
    assert_eq!(replica.confirmed().as_deref(), Some("e.101"), "each event moves it");
    assert!(replica.is_whole());
}

#[test]
fn what_builds_on_what_is_not_held_and_what_is_of_tomorrow_is_left_out_and_pulled() {
    for said in [patch("k", 95), patch("unknown", 90), value!({"key": "k", "op": "burn"})] {
        let mut replica = whole();
        replica.hear(105, &said);
        assert_eq!(replica.get("k"), Some(value!({"title": "tea"})));
        replica.hear(106, &value!({"key": "n", "op": "put", "value": 1}));
        assert_eq!(replica.confirmed().as_deref(), Some("e.100"), "while it is behind events do not move it");
        pulled(&mut replica, page(value!([]), "e.104"), 0);
        assert!(!replica.is_whole(), "the page does not reach what was left out");
        pulled(&mut replica, page(value!([{"key": "k", "value": 2, "seq": 105}]), "e.106"), 0);
        assert!(replica.is_whole() && replica.next_pull().is_none());
        assert_eq!((replica.get("k"), replica.get("n")), (Some(value!(2)), Some(value!(1))));
    }
}

#[test]
fn after_a_gap_it_is_whole_when_a_page_reaches_its_end() {
    let mut replica = whole();
    replica.gap(120);
    let first = page(value!([{"key": "a", "value": 1, "seq": 110}]), "e.110").with("complete", false);
    pulled(&mut replica, first, 0);
    assert_eq!((replica.confirmed().as_deref(), replica.is_whole()), (Some("e.110"), false));
    pulled(&mut replica, page(value!([]), "e.119"), 0);
    assert!(!replica.is_whole());
    pulled(&mut replica, page(value!([]), "e.120"), 0);
    assert!(replica.is_whole());
}

#[test]
fn a_delete_that_is_heard_while_a_pull_is_under_way_is_not_undone_by_its_page() {
    let mut replica = whole();
    replica.gap(110);
    assert!(replica.next_pull().is_some());
    assert!(replica.next_pull().is_none(), "one at a time");
    replica.hear(112, &value!({"key": "n", "op": "delete", "prev": 108}));
    replica.page(&page(value!([{"key": "n", "value": 1, "seq": 108}]), "e.111").into(), 0);
    assert_eq!(replica.get("n"), None);
}

#[test]
fn a_second_reset_within_a_minute_is_an_error_and_not_a_third_pull() {
    let reset = || page(value!([]), "e.100").with("complete", false).with("reset", true);
    let mut replica = whole();
    replica.put("mine", value!(1), 0).expect("a put");
    replica.gap(101);
    pulled(&mut replica, reset(), 0);
    assert_eq!((replica.get("k"), replica.get("mine")), (None, Some(value!(1))), "what is pending stays");
    assert_eq!(replica.next_pull().and_then(|due| due.after), None, "from the beginning");
    replica.page(&reset().into(), 59_000);
    assert!(replica.trouble().is_some() && replica.next_pull().is_none());
    let mut later = whole();
    later.gap(101);
    pulled(&mut later, reset(), 0);
    pulled(&mut later, reset(), 61_000);
    assert!(later.trouble().is_none());
}

#[test]
fn a_checksum_that_differs_is_a_reset_and_one_that_events_have_overtaken_is_not_compared() {
    let wrong = |next| page(value!([]), next).with("checksum", "0000000000000000");
    let mut replica = whole();
    replica.gap(101);
    pulled(&mut replica, wrong("e.101"), 0);
    assert_eq!((replica.get("k"), replica.is_whole()), (None, false));
    let mut ahead = whole();
    ahead.gap(101);
    assert!(ahead.next_pull().is_some());
    ahead.hear(105, &value!({"key": "n", "op": "put", "value": 1}));
    ahead.page(&wrong("e.101").into(), 0);
    assert!(ahead.get("k").is_some());
}

#[test]
fn a_put_of_what_is_seen_says_what_differs_and_nothing_where_nothing_does() {
    let mut replica = whole();
    assert_eq!(replica.put("k", value!({"title": "tea"}), 0), Ok(None));
    assert_eq!(replica.put("k", value!({"done": true}), 0), Ok(Some(1)));
    assert_eq!(replica.put("new", value!({"title": "milk"}), 0), Ok(Some(2)));
    let said: Vec<Value> = replica.pending().map(|it| it.said.clone()).collect();
    let of = |n: usize, name: &str| said[n].get(name).cloned().unwrap_or(Value::Null);
    assert_eq!((of(0, "op"), of(0, "value")), ("patch".into(), value!({"done": true})));
    assert_eq!((of(0, "unset"), of(0, "base")), (value!(["title"]), "e.90".into()));
    assert_eq!((of(1, "op"), of(1, "base")), ("put".into(), Value::Null));
}

#[test]
fn a_push_ends_by_bytes_but_has_one_change_at_least() {
    let mut replica = whole();
    replica
        .joined("e", &Map::new().with("horizon", "e.0").with("limits", value!({"value": 1_000_000})).into());
    for (key, length) in [("a", 400_000), ("b", 200_000), ("c", 10_000), ("d", 100_000)] {
        replica.put(key, "x".repeat(length).into(), 0).expect("a put");
    }
    let pushes = std::iter::from_fn(|| replica.next_push(0));
    let counts = pushes.map(|out| out.data.get("changes").and_then(Value::as_list).map_or(0, <[Value]>::len));
    assert_eq!(counts.collect::<Vec<_>>(), [1, 2, 1]);
}
