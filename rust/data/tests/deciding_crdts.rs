//! *CRDTs* in documents, and the limits on what comes of a change.

mod support;

use rtcore_data::crdt::Kind;
use rtcore_data::{Op, Strategy, Value};
use support::{DAY, Server, setup};

#[test]
fn crdts_are_where_the_type_has_them_and_never_contested() {
    let mut setup = setup(Strategy::Merge);
    setup.schema.fields =
        [("tags".into(), Kind::OrSet), ("likes".into(), Kind::PnCounter), ("owner".into(), Kind::Register)]
            .into();
    let mut server = Server::new(setup);
    let put = value!({"op": "put", "key": "n1", "value": {"title": "tea",
        "tags": {"$crdt": "or-set", "add": ["x", "y"]}, "likes": {"$crdt": "pn-counter", "add": 2}}});
    server.change("a", &put);
    assert_eq!(
        server.last().get("value"),
        Some(&value!({"title": "tea",
            "tags": {"$crdt": "or-set", "e": {"x": [["w1", 1]], "y": [["w1", 1]]}, "c": {"w1": 1}},
            "likes": {"$crdt": "pn-counter", "p": {"w1": 2}, "n": {}}}))
    );
    let patch = value!({"op": "patch", "key": "n1", "base": null, "value": {
        "tags": {"$crdt": "or-set", "add": ["z"], "remove": {"x": [["w1", 1], ["w9", 4]]}}, "likes": {"$crdt": "pn-counter", "add": -1}}});
    let result = server.change("b", &patch);
    assert_eq!(
        (result.get("by"), server.last().get("value")),
        (
            None,
            Some(&value!({
        "tags": {"$crdt": "or-set", "e": {"z": [["w2", 1]]}, "r": {"x": [["w1", 1]]}, "c": {"w2": 1}},
        "likes": {"$crdt": "pn-counter", "p": {"w2": 0}, "n": {"w2": 1}}}))
        )
    );
    let code = |result: &Value| result.get("rejected").and_then(|why| why.get("code").cloned());
    for (bad, why) in [
        (value!({"value": {"tags": ["x"]}}), "TYPE_CONFLICT"),
        (value!({"value": {"title": {"$crdt": "g-set", "add": ["x"]}}}), "TYPE_CONFLICT"),
        (value!({"value": {"tags": {"$crdt": "g-set", "add": ["x"]}}}), "TYPE_CONFLICT"),
        (value!({"unset": ["tags"]}), "TYPE_CONFLICT"),
        (value!({"value": {"likes": {"$crdt": "pn-counter", "add": 9_007_199_254_740_992_i64}}}), "OVERFLOW"),
        (
            value!({"value": {"likes": {"$crdt": "pn-counter", "add": 9_007_199_254_740_991_i64}, "title": "not done"}}),
            "OVERFLOW",
        ),
        (value!({"value": {"likes": {"$crdt": "pn-counter", "add": 0.5}}}), "INVALID_MESSAGE"),
        (value!({"value": {"likes": {"$crdt": "pn-counter"}}}), "INVALID_MESSAGE"),
    ] {
        let bad = bad.as_map().expect("object").clone().with("op", "patch").with("key", "n1");
        assert_eq!(code(&server.change("c", &bad.into())), Some(why.into()));
    }
    assert_eq!(
        server.get("n1").and_then(|it| it.get("title").cloned()),
        Some("tea".into()),
        "each change is whole"
    );
    // A put keeps them and adds to them; a new life begins empty.
    server.change("b", &value!({"op": "put", "key": "n1", "value": {"title": "rum", "likes": {"$crdt": "pn-counter", "add": 5}}, "base": server.at()}));
    let likes = |server: &Server| server.get("n1").and_then(|it| it.get("likes").cloned());
    assert_eq!(
        likes(&server),
        Some(value!({"$crdt": "pn-counter", "p": {"w1": 2, "w2": 5}, "n": {"w2": 1}}))
    );
    server.change("b", &value!({"op": "delete", "key": "n1", "base": server.at()}));
    server.change("b", &put);
    assert_eq!(likes(&server), Some(value!({"$crdt": "pn-counter", "p": {"w2": 2}, "n": {}})));
}

#[test]
fn a_register_goes_to_the_later_and_the_earlier_is_told() {
    let mut setup = setup(Strategy::Crdt);
    setup.schema.fields = [("owner".into(), Kind::Register)].into();
    let mut server = Server::new(setup);
    server.now += 2 * DAY;
    let set = |value: &str, at: u64| value!({"op": "patch", "key": "n1", "value": {"owner": {"$crdt": "lww-register", "set": value}}, "at": at});
    server.write("n1", Op::Put(value!({})));
    server.change("a", &set("ann", server.now));
    let result = server.change("b", &set("bob", server.now - DAY));
    assert_eq!(result, value!({"n": 1, "seq": 102, "by": "crdt", "lost": true}));
    server.now += 1;
    server.change("b", &set("bob", server.now));
    assert_eq!(
        server.last().get("value"),
        Some(&value!({"owner": {"$crdt": "lww-register", "v": "bob", "t": server.now, "r": "w2"}}))
    );
}

#[test]
fn what_is_over_a_limit_is_rejected_alone() {
    let mut setup = setup(Strategy::Merge);
    setup.limits.value = 200;
    setup.limits.fields = 3;
    setup.limits.keys = 2;
    setup.limits.elements = 2;
    setup.schema.fields = [("tags".into(), Kind::GSet)].into();
    let mut server = Server::new(setup);
    let text = "x".repeat(150);
    for (change, code) in [
        (value!({"op": "put", "key": "a", "value": {"t": text}}), None),
        (value!({"op": "patch", "key": "a", "value": {"u": text}, "base": "e.101"}), Some("TOO_LARGE")),
        (value!({"op": "put", "key": "b", "value": "x"}), Some("TYPE_CONFLICT")),
        (value!({"op": "put", "key": "b", "value": {"t": "x".repeat(300)}}), Some("TOO_LARGE")),
        (value!({"op": "put", "key": "b", "value": {"1": 1, "2": 2, "3": 3, "4": 4}}), Some("TOO_LARGE")),
        (
            value!({"op": "put", "key": "b", "value": {"tags": {"$crdt": "g-set", "add": ["1", "2", "3"]}}}),
            Some("TOO_LARGE"),
        ),
        (value!({"op": "put", "key": "b", "value": {}}), None),
        (value!({"op": "put", "key": "c", "value": {}}), Some("TOO_LARGE")),
        (value!({"op": "put", "key": "k".repeat(256), "value": {}}), Some("INVALID_MESSAGE")),
        (value!({"op": "put", "key": "a\u{7}", "value": {}}), Some("INVALID_MESSAGE")),
        (value!({"op": "put", "value": {}}), Some("INVALID_MESSAGE")),
        (value!({"op": "burn", "key": "a"}), Some("INVALID_MESSAGE")),
        (value!({"op": "patch", "key": "a", "value": 5}), Some("INVALID_MESSAGE")),
        (value!({"op": "put", "key": "a", "value": {}, "base": "e.9999"}), Some("INVALID_MESSAGE")),
        (value!({"op": "put", "key": "a", "value": {}, "base": "what"}), Some("INVALID_MESSAGE")),
        (value!({"op": "put", "key": "a", "value": {}, "base": "other.9999"}), None),
    ] {
        let result = server.change("a", &change);
        let said = result.get("rejected").and_then(|why| why.get("code").cloned());
        assert_eq!(said, code.map(Value::from), "{change:?}: {result:?}");
    }
}
