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
                Keep::Key(key, _) => drop(self.0.insert(format!("key {key}"), row)),
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
