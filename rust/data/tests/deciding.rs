//! *Deciding*: each sentence of the protocol on what comes of a change.

mod support;

use rtcore_data::collection::{Answer, What};
use rtcore_data::{Op, Strategy, Value, Why};
use support::{DAY, Server, setup};

fn server(strategy: Strategy) -> Server {
    let mut server = Server::new(setup(strategy));
    server
        .change("a", &value!({"op": "put", "key": "n1", "value": {"title": "tea", "done": false, "due": 1}}));
    server
}

/// The fields that did not count.
fn lost(result: &Value) -> Value {
    result.get("lost").cloned().unwrap_or(Value::Null)
}

#[test]
fn what_nobody_else_changed_is_done() {
    let mut server = server(Strategy::Merge);
    let base = server.at();
    server.change("b", &value!({"op": "patch", "key": "n1", "value": {"done": true}, "base": base}));
    let result = server.change(
        "a",
        &value!({"op": "patch", "key": "n1", "value": {"title": "milk"}, "unset": ["due"], "base": base}),
    );
    assert_eq!(result, value!({"n": 2, "seq": 103}));
    assert_eq!(server.get("n1"), Some(value!({"title": "milk", "done": true})));
    assert_eq!(
        *server.last(),
        value!({"key": "n1", "op": "patch", "value": {"title": "milk"}, "unset": ["due"], "prev": 102, "writer": "w1", "n": 2})
    );
}

#[test]
fn a_contested_field_goes_to_the_later_and_its_author_is_told() {
    let mut server = server(Strategy::Merge);
    let base = server.at();
    server.now += DAY;
    let made = server.now;
    server.now += DAY;
    server.change("b", &value!({"op": "patch", "key": "n1", "value": {"title": "milk"}, "base": base}));
    let offline = value!({"op": "patch", "key": "n1", "value": {"title": "rum", "done": true}, "base": base, "at": made});
    let result = server.change("a", &offline);
    assert_eq!(result, value!({"n": 2, "seq": 103, "by": "merge", "lost": ["title"]}));
    assert_eq!(server.get("n1"), Some(value!({"title": "milk", "done": true, "due": 1})));
    assert_eq!(server.last().get("by"), Some(&"merge".into()));
    assert_eq!(server.last().get("lost"), None, "what was lost is its author's affair");
    // Said online it is later than all that is there.
    let result =
        server.change("a", &value!({"op": "patch", "key": "n1", "value": {"title": "rum"}, "base": base}));
    assert_eq!((result.get("by"), lost(&result)), (Some(&"merge".into()), value!([])));
    assert_eq!(server.get("n1").and_then(|it| it.get("title").cloned()), Some("rum".into()));
}

#[test]
fn a_writer_never_contests_itself_and_an_equal_value_is_not_contested() {
    let mut server = server(Strategy::Author);
    let base = server.at();
    for title in ["x", "y"] {
        let result = server
            .change("a", &value!({"op": "patch", "key": "n1", "value": {"title": title}, "base": base}));
        assert!(result.get("conflict").is_none());
    }
    let head = server.head;
    let result =
        server.change("b", &value!({"op": "patch", "key": "n1", "value": {"title": "y"}, "base": base}));
    assert_eq!(
        (result, server.head),
        (value!({"n": 1, "seq": 103}), head),
        "nothing had to change: no entry"
    );
}

#[test]
fn a_base_of_another_epoch_is_as_none_and_one_of_the_future_is_refused() {
    let mut server = server(Strategy::Author);
    let patch = |base: &str| value!({"op": "patch", "key": "n1", "value": {"title": "x"}, "base": base});
    let of_another = server.change("b", &patch("other.9999"));
    let contested = of_another.get("conflict").and_then(|it| it.get("fields").cloned());
    assert_eq!(contested, Some(value!(["title"])), "it knows of nothing that is here");
    let of_the_future = server.change("b", &patch("e.9999"));
    let code = of_the_future.get("rejected").and_then(|it| it.get("code").cloned());
    assert_eq!(code, Some("INVALID_MESSAGE".into()));
}

#[test]
fn a_patch_of_what_is_gone_or_began_anew_is_a_conflict() {
    let mut server = server(Strategy::Merge);
    let base = server.at();
    let gone = |seq: Value| {
        value!({"fields": [], "gone": true}).as_map().expect("object").clone().with("seq", seq).into()
    };
    let conflict = |result: &Value| result.get("conflict").cloned();
    let patch = value!({"op": "patch", "key": "n1", "value": {"title": "x"}, "base": base});
    server.change("b", &value!({"op": "delete", "key": "n1", "base": base}));
    assert_eq!(conflict(&server.change("c", &patch)), Some(gone(102_u64.into())));
    assert_eq!(
        conflict(&server.change("c", &value!({"op": "patch", "key": "never"}))),
        Some(gone(Value::Null))
    );
    server.change("b", &value!({"op": "put", "key": "n1", "value": {"title": "new"}}));
    assert_eq!(conflict(&server.change("c", &patch)), Some(gone(103_u64.into())), "another life");
    let result = server.change("c", &value!({"op": "patch", "key": "n1", "value": {"x": 1}}));
    assert!(conflict(&result).is_none(), "a base of null knows no life");
    let result = server.change("b", &patch);
    assert!(conflict(&result).is_none(), "it is the writer's own life");
}

#[test]
fn a_put_removes_only_what_is_not_contested_and_counts_against_a_delete() {
    let mut server = server(Strategy::Merge);
    let base = server.at();
    server.change("b", &value!({"op": "patch", "key": "n1", "value": {"due": 2}, "base": base}));
    let result =
        server.change("a", &value!({"op": "put", "key": "n1", "value": {"title": "x"}, "base": base}));
    assert_eq!(lost(&result), value!(["due"]));
    assert_eq!(server.get("n1"), Some(value!({"title": "x", "due": 2})));
    let base = server.at();
    server.change("b", &value!({"op": "delete", "key": "n1", "base": base}));
    let result =
        server.change("c", &value!({"op": "put", "key": "n1", "value": {"title": "y"}, "base": base}));
    assert_eq!((result.get("by"), lost(&result)), (Some(&"merge".into()), value!([])));
    assert_eq!(server.get("n1"), Some(value!({"title": "y"})));
}

#[test]
fn a_delete_does_not_count_where_anything_is_contested_and_of_nothing_is_done() {
    let mut server = server(Strategy::Merge);
    let base = server.at();
    server.change("b", &value!({"op": "patch", "key": "n1", "value": {"due": 2}, "base": base}));
    let result = server.change("a", &value!({"op": "delete", "key": "n1", "base": base}));
    assert_eq!(lost(&result), true.into());
    assert!(server.get("n1").is_some());
    assert_eq!(server.change("a", &value!({"op": "delete", "key": "no"})), value!({"n": 3, "seq": null}));
    let base = server.at();
    assert_eq!(
        server.change("a", &value!({"op": "delete", "key": "n1", "base": base})),
        value!({"n": 4, "seq": 103})
    );
    assert_eq!(*server.last(), value!({"key": "n1", "op": "delete", "prev": 102, "writer": "w1", "n": 4}));
}

#[test]
fn latest_takes_the_later_whole_a_delete_too() {
    let mut server = server(Strategy::Latest);
    let base = server.at();
    let made = server.now + DAY;
    server.now += 2 * DAY;
    server.change("b", &value!({"op": "patch", "key": "n1", "value": {"due": 2}, "base": base}));
    let older = value!({"op": "patch", "key": "n1", "value": {"title": "x"}, "base": base, "at": made});
    assert_eq!(lost(&server.change("a", &older)), true.into());
    let older = value!({"op": "delete", "key": "n1", "base": base, "at": made});
    assert_eq!(lost(&server.change("a", &older)), true.into());
    let result =
        server.change("a", &value!({"op": "put", "key": "n1", "value": {"title": "z"}, "base": base}));
    assert_eq!((result.get("by"), server.get("n1")), (Some(&"latest".into()), Some(value!({"title": "z"}))));
    let base = server.at();
    server.change("b", &value!({"op": "delete", "key": "n1", "base": base}));
    let older = value!({"op": "put", "key": "n1", "value": {"title": "x"}, "base": base, "at": made});
    assert_eq!((lost(&server.change("a", &older)), server.get("n1")), (true.into(), None));
}

#[test]
fn a_time_of_the_future_is_cut_and_that_is_told() {
    let mut server = server(Strategy::Merge);
    let base = server.at();
    let at = server.now + 30 * DAY;
    let result = server
        .change("b", &value!({"op": "patch", "key": "n1", "value": {"due": 2}, "base": base, "at": at}));
    assert_eq!(result.get("clamped"), Some(&(30 * DAY).into()));
    server.now += 60_000;
    let made = server.now - 50_000;
    let result = server
        .change("a", &value!({"op": "patch", "key": "n1", "value": {"due": 3}, "base": base, "at": made}));
    assert_eq!(
        (lost(&result), server.get("n1").and_then(|it| it.get("due").cloned())),
        (value!([]), Some(3.into()))
    );
}

#[test]
fn the_time_of_what_is_there_does_not_lose_to_an_equal_one() {
    let mut server = server(Strategy::Merge);
    let base = server.at();
    let made = server.now;
    server.now += DAY;
    for (client, title) in [("b", "first"), ("c", "second")] {
        server.change(
            client,
            &value!({"op": "patch", "key": "n1", "value": {"title": title}, "base": base, "at": made}),
        );
    }
    assert_eq!(server.get("n1").and_then(|it| it.get("title").cloned()), Some("second".into()));
}

#[test]
fn without_a_function_the_author_decides_and_his_resolution_is_a_change() {
    let mut server = server(Strategy::Author);
    let base = server.at();
    server.change("b", &value!({"op": "patch", "key": "n1", "value": {"title": "milk"}, "base": base}));
    let result = server
        .change("a", &value!({"op": "patch", "key": "n1", "value": {"title": "rum", "x": 1}, "base": base}));
    assert_eq!(result, value!({"n": 2, "conflict": {"seq": 102, "fields": ["title"], "gone": false}}));
    assert_eq!(server.get("n1").and_then(|it| it.get("x").cloned()), None, "nothing was done");
    server.change("b", &value!({"op": "patch", "key": "n1", "value": {"title": "gin"}, "base": "e.102"}));
    let resolution =
        value!({"op": "patch", "key": "n1", "value": {"title": "rum"}, "base": "e.102", "resolves": [2]});
    assert!(server.change("a", &resolution).get("conflict").is_some(), "somebody was faster");
    let resolution =
        value!({"op": "patch", "key": "n1", "value": {"title": "rum"}, "base": "e.103", "resolves": [2]});
    assert_eq!(server.change("a", &resolution), value!({"n": 4, "seq": 104}));
    assert_eq!(server.last().get("resolves"), Some(&value!([2])));
}

#[test]
fn a_function_makes_the_document_and_is_asked_again_when_the_key_changed() {
    let mut server = server(Strategy::Custom);
    let base = server.at();
    server.change("b", &value!({"op": "patch", "key": "n1", "value": {"title": "milk"}, "base": base}));
    let change = value!({"changes": [{"n": 2, "op": "patch", "key": "n1", "value": {"title": "rum", "x": 1}, "base": base, "was": {"title": "tea"}}]});
    let mut asked = 0;
    let ack = server.push_asked(&support::who("a", 1), &change, |server, question| {
        assert_eq!(question.what, What::Resolve);
        assert_eq!(question.change.get("was"), Some(&value!({"title": "tea"})));
        asked += 1;
        if asked < 3 {
            server.write("n1", Op::Patch(value!({"due": asked + 10}), vec![]));
        } else {
            assert_eq!(question.theirs.and_then(|it| it.get("due").cloned()), Some(12.into()));
        }
        Answer::Document(Some(value!({"title": "milk and rum", "x": 1})))
    });
    assert_eq!(asked, 3);
    assert_eq!(
        ack.data,
        value!({"results": [{"n": 2, "seq": 105, "by": "custom", "lost": ["title"]}], "held": null})
    );
    assert_eq!(server.get("n1"), Some(value!({"title": "milk and rum", "x": 1})));
}

#[test]
fn a_key_that_changes_without_end_is_overloaded_and_a_function_that_fails_rejects() {
    let mut server = server(Strategy::Custom);
    let base = server.at();
    server.change("b", &value!({"op": "patch", "key": "n1", "value": {"title": "milk"}, "base": base}));
    let change =
        value!({"changes": [{"n": 2, "op": "patch", "key": "n1", "value": {"title": "rum"}, "base": base}]});
    let mut times = 0;
    let ack = server.push_asked(&support::who("a", 1), &change, |server, _| {
        times += 1;
        server.write("n1", Op::Patch(value!({"due": times + 10}), vec![]));
        Answer::Document(None)
    });
    assert_eq!(times, 8);
    assert_eq!(ack.data.get("held").and_then(|held| held.get("code").cloned()), Some("OVERLOADED".into()));
    let ack = server
        .push_asked(&support::who("a", 1), &change, |_, _| Answer::Reject(Why::new("INTERNAL", "it raised")));
    assert_eq!(
        ack.data,
        value!({"results": [{"n": 2, "rejected": {"code": "INTERNAL", "message": "it raised"}}], "held": null})
    );
}

#[test]
fn the_application_is_asked_whether_a_change_may_be_done() {
    let mut setup = setup(Strategy::Merge);
    setup.asks = true;
    let mut server = Server::new(setup);
    let push = value!({"changes": [
        {"n": 1, "op": "put", "key": "n1", "value": 1, "schema": 2}, {"n": 2, "op": "put", "key": "n2", "value": 2},
        {"n": 3, "op": "skip"}, {"n": 4, "op": "put", "key": "n3", "value": 3, "schema": 9},
    ]});
    let mut asked = Vec::new();
    let ack = server.push_asked(&support::who("a", 1), &push, |_, question| {
        asked.push((question.what, question.change.get("n").and_then(Value::as_int)));
        match question.what {
            What::Upgrade => Answer::Value(value!({"op": "put", "value": {"made": 3}})),
            _ if question.change.get("key") == Some(&"n2".into()) => {
                Answer::Reject(Why::new("FORBIDDEN", "no"))
            }
            _ => {
                assert_eq!(question.change.get("value"), Some(&value!({"made": 3})));
                Answer::Yes
            }
        }
    });
    assert_eq!(asked, [(What::Upgrade, Some(1)), (What::May, Some(1)), (What::May, Some(2))]);
    let results = ack.data.get("results").and_then(Value::as_list).expect("results").to_vec();
    let code = |at: usize| results[at].get("rejected").and_then(|why| why.get("code").cloned());
    assert_eq!(
        (code(0), code(1), code(2), code(3)),
        (None, Some("FORBIDDEN".into()), None, Some("OUTDATED".into()))
    );
    assert_eq!(server.get("n1"), Some(value!({"made": 3})));
}

#[test]
fn old_removed_fields_count_as_changed_at_the_highest_that_was_let_go() {
    let mut server = server(Strategy::Author);
    let base = server.at();
    for n in 0..70 {
        let name = format!("f{n:02}");
        server.write("n1", Op::Patch(value!({&name: 1}), vec![]));
        server.write("n1", Op::Patch(value!({}), vec![name.into()]));
    }
    let of =
        |field: &str, base: &str| value!({"op": "patch", "key": "n1", "value": {field: 2}, "base": base});
    assert!(server.change("a", &of("f00", &base)).get("conflict").is_some());
    assert!(
        server.change("a", &of("unheard", &base)).get("conflict").is_some(),
        "it may have been one of them"
    );
    assert!(server.change("a", &of("unheard", "e.150")).get("conflict").is_none());
    assert!(server.change("a", &of("f69", "e.150")).get("conflict").is_some());
}
