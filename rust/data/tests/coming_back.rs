//! A client that ends between what it hears of its own change and that change's ack: what comes back is what was seen.

mod support;

use rtcore_data::client::{Keep, Replica};
use rtcore_data::{Map, Value};
use std::collections::BTreeMap;

/// A file: what a client keeps, by name.
#[derive(Default)]
struct File(BTreeMap<String, Keep>);

impl File {
    fn keep(&mut self, replica: &mut Replica) {
        for row in replica.keep(true).rows {
            match &row {
                Keep::NoKeys => self.0.retain(|name, _| !name.starts_with("key ")),
                Keep::Key(key, Some(_)) => drop(self.0.insert(format!("key {key}"), row)),
                Keep::Key(key, None) => drop(self.0.remove(&format!("key {key}"))),
                Keep::Change(n, Some(_)) => drop(self.0.insert(format!("n {n:020}"), row)),
                Keep::Change(n, None) => drop(self.0.remove(&format!("n {n:020}"))),
                Keep::State(_) => drop(self.0.insert("state".into(), row)),
            }
        }
    }

    fn open(&self) -> Replica {
        Replica::restore(self.0.values().cloned()).expect("what was kept is read again")
    }
}

fn writer(n: u64) -> Value {
    let writer = Map::new().with("name", "w1").with("n", n).with("outcomes", value!([]));
    Map::new().with("horizon", "e.0").with("writer", writer).into()
}

fn page(docs: Value, next: &str, n: u64) -> Value {
    Map::new().with("docs", docs).with("next", next).with("complete", true).with("n", n).into()
}

fn likes(count: u64) -> Value {
    value!({"likes": {"$crdt": "pn-counter", "p": {"w1": count}, "n": {}}})
}

/// It has counted to one, said that, and waits for the ack.
fn counting() -> Replica {
    let mut replica = Replica::new();
    replica.joined("e", &writer(0));
    replica.next_pull();
    replica.page(&page(value!([{"key": "k", "value": {}, "seq": 100}]), "e.100", 0), 0);
    let one = value!({"likes": {"$crdt": "pn-counter", "add": 1}});
    replica.patch("k", one, Vec::new(), 0).expect("a patch");
    replica.next_push(0).expect("a push");
    assert_eq!(replica.get("k"), Some(likes(1)));
    replica
}

#[test]
fn what_was_heard_and_not_acknowledged_counts_once_after_a_start() {
    let heard: [fn(&mut Replica); 2] = [
        |replica| {
            let said =
                Map::new().with("key", "k").with("op", "patch").with("value", likes(1)).with("prev", 100);
            replica.hear(101, &said.with("writer", "w1").with("n", 1).into());
        },
        |replica| {
            replica.gap(101);
            replica.next_pull();
            let doc = Map::new().with("key", "k").with("value", likes(1)).with("seq", 101);
            replica.page(&page(Value::List(vec![doc.into()]), "e.101", 1), 0);
        },
    ];
    for hear in heard {
        let (mut replica, mut file) = (counting(), File::default());
        file.keep(&mut replica);
        hear(&mut replica);
        file.keep(&mut replica);
        assert_eq!(replica.get("k"), Some(likes(1)), "it is in what is confirmed");
        assert_eq!(file.open().get("k"), Some(likes(1)), "and after a start, too");
    }
}

#[test]
fn what_is_confirmed_goes_and_what_waits_for_its_ack_is_seen() {
    let (mut replica, mut file) = (counting(), File::default());
    let doc = Map::new().with("key", "k").with("value", likes(1)).with("seq", 101);
    replica.gap(101);
    replica.next_pull();
    replica.page(&page(Value::List(vec![doc.into()]), "e.101", 1), 0);
    replica.put("new", value!({"title": "tea"}), 0).expect("a put");
    replica.next_push(0).expect("a push");
    replica
        .hear(102, &value!({"key": "new", "op": "put", "value": {"title": "tea"}, "writer": "w1", "n": 2}));
    file.keep(&mut replica);
    replica.left();
    file.keep(&mut replica);
    assert_eq!(
        replica.get("new"),
        Some(value!({"title": "tea"})),
        "it is said, and nothing here has it but the change"
    );
    assert_eq!(file.open().get("new"), replica.get("new"));
}

fn put(key: &str) -> Value {
    value!({"key": key, "op": "put", "value": {"title": key}, "writer": "w9", "n": 1})
}

/// It has heard of two documents before the first page of its first sync came.
fn hearing() -> Replica {
    let mut replica = Replica::new();
    replica.joined("e", &Map::new().with("horizon", "e.0").into());
    replica.hear(101, &put("gone"));
    replica.hear(102, &put("stays"));
    assert!(replica.get("gone").is_some());
    replica
}

fn first(docs: Value, next: &str, complete: bool) -> Value {
    Map::new()
        .with("docs", docs)
        .with("next", next)
        .with("complete", complete)
        .with("begun", "e.110")
        .with("n", 0_u64)
        .into()
}

/// No tombstone up to where it began is in a first sync. The link was lost before the delete was heard.
#[test]
fn what_a_first_sync_does_not_bring_was_deleted_before_it_began() {
    let stays = || value!([{"key": "stays", "value": {"title": "stays"}, "seq": 102}]);
    let (mut replica, mut file) = (hearing(), File::default());
    replica.next_pull();
    file.keep(&mut replica);
    replica.page(&first(value!([{"key": "a", "value": 1, "seq": 50}]), "e.50", false), 0);
    file.keep(&mut replica);
    assert!(replica.get("gone").is_some(), "no page has come to it");
    let mut again = file.open();
    again.joined("e", &Map::new().with("horizon", "e.0").into());
    for replica in [&mut replica, &mut again] {
        replica.next_pull();
        replica.page(&first(stays(), "e.112", true), 0);
        assert_eq!(replica.get("gone"), None);
        assert!(replica.get("stays").is_some() && replica.get("a").is_some() && replica.is_whole());
    }
    file.keep(&mut again);
    assert_eq!(file.open().get("gone"), None, "nor is it kept");
    // What comes after where it began is told by tombstones.
    again.hear(113, &put("later"));
    assert!(again.get("later").is_some());
}

/// Acks go ahead of events: what a page reaches, it has every word of.
#[test]
fn an_event_that_a_page_has_overtaken_brings_nothing_back() {
    let mut replica = counting();
    replica.gap(120);
    replica.next_pull();
    replica.page(&page(value!([]), "e.120", 0), 0);
    replica.hear(110, &put("deleted by 115"));
    assert_eq!(replica.get("deleted by 115"), None);
    // One's own is known to be in it all the same.
    let said = Map::new().with("key", "k").with("op", "patch").with("value", likes(1)).with("prev", 100);
    replica.hear(101, &said.with("writer", "w1").with("n", 1).into());
    assert_eq!(replica.get("k"), Some(value!({})), "the page had another word of it");
}

/// The file of a collection in which much is deleted does not grow for ever.
#[test]
fn the_oldest_tombstones_go_from_what_is_kept_too() {
    let (mut replica, mut file) = (counting(), File::default());
    let many = u64::try_from(rtcore_data::limits::DATA_ASIDE).expect("a small number") + 50;
    for n in 0..many {
        let (key, seq) = (format!("d{n}"), 200 + 2 * n);
        replica.hear(seq, &put(&key));
        replica.hear(seq + 1, &value!({"key": key, "op": "delete", "prev": seq, "writer": "w9", "n": 2}));
        file.keep(&mut replica);
    }
    let rows = file.0.keys().filter(|name| name.starts_with("key ")).count();
    assert_eq!(rows, rtcore_data::limits::DATA_ASIDE + 1, "a live one, and tombstones");
    assert!(!file.0.contains_key("key d0") && file.0.contains_key(&format!("key d{}", many - 1)));
    // A file of an older program has more of them: they go when it is opened.
    for n in 0..20 {
        let row = Map::new().with("seq", 150 + n).into();
        drop(file.0.insert(format!("key old{n}"), Keep::Key(format!("old{n}").into(), Some(row))));
    }
    file.keep(&mut file.open());
    assert_eq!(file.0.keys().filter(|name| name.starts_with("key ")).count(), rows);
}
