//! *Shared data*, as messages have it: each test names the sentence of the protocol that it holds.

mod support;

use rtcore_core::SessionId;
use rtcore_core::engine::AppEvent;
use rtcore_core::room::grants::Grants;
use rtcore_data::collection::Answer;
use rtcore_data::{Map, Value, Why};
use serde_json::{Value as Json, json};
use support::peer::{Peer, ROOM, code, objects, put};
use support::yard::Yard;

#[test]
fn a_change_is_heard_by_its_author_too_as_the_outcome_and_not_the_wish() {
    let mut yard = Yard::new();
    let (mut ann, bob) = (Peer::writer(&mut yard, "a"), Peer::writer(&mut yard, "b"));
    yard.hear(bob.conn);
    ann.id += 1;
    let push = json!({"type": "push", "id": ann.id, "collection": "notes:ann", "changes": [
        put(1, "n1", &json!({"title": "tea"})), {"n": 2, "op": "patch", "key": "n1", "value": {"done": true}}]});
    yard.frame(ann.conn, &push.to_string());
    let own = objects(&yard.hear(ann.conn));
    let ack = own.iter().find(|it| it["type"] == "ack").expect("an ack");
    let (first, second) = (&ack["data"]["results"][0]["seq"], &ack["data"]["results"][1]["seq"]);
    assert_eq!(ack["data"]["held"], Json::Null);
    for events in [own.iter().filter(|it| it["type"] == "event").cloned().collect(), bob.events(&mut yard)] {
        assert_eq!(events.len(), 2);
        assert_eq!(events[0]["room"], ROOM);
        assert_eq!(events[0]["event"], "change");
        assert_eq!(&events[0]["seq"], first);
        assert_eq!(events[0]["from"]["session"], *ann.known.name);
        let data = json!({"key": "n1", "op": "patch", "value": {"done": true}, "prev": first, "writer": "w1", "n": 2});
        assert_eq!((&events[1]["seq"], &events[1]["data"]), (second, &data));
    }
}

#[test]
fn the_ack_of_a_join_says_schema_strategy_horizon_writer_and_limits() {
    let mut yard = Yard::new();
    let mut ann = Peer::new(&mut yard);
    let ack = ann.join(&mut yard, "a", 1, "n", 0);
    let sync = &ack["data"]["sync"];
    assert_eq!((&sync["schema"], &sync["strategy"]), (&json!(1), &json!("merge")));
    assert_eq!(sync["writer"], json!({"name": "w1", "n": 0, "outcomes": []}));
    assert_eq!(sync["limits"]["value"], 1_000);
    assert!(sync["horizon"].as_str().expect("a position").contains('.'));
    assert_eq!(ack["data"]["grants"], json!(["write"]));
    assert!(ack["data"].get("members").is_none(), "no presence");
}

#[test]
fn the_room_message_of_a_resume_says_what_came_of_what_was_pushed() {
    let mut yard = Yard::new();
    let mut ann = Peer::writer(&mut yard, "a");
    ann.push(&mut yard, &[put(1, "x", &json!(1))]);
    yard.engine.lost(ann.conn, yard.now);
    yard.turn();
    let conn = yard.upgrade("/rt/ws");
    let hello = json!({"type": "hello", "session": ann.known.name, "key": ann.known.key});
    yard.frame(conn, &hello.to_string());
    let heard = objects(&yard.hear(conn));
    assert_eq!(heard[0]["rooms"][0]["room"], ROOM);
    let room = heard.iter().find(|it| it["type"] == "room").expect("a room message");
    assert_eq!(room["sync"]["writer"]["n"], 1);
    assert_eq!(room["sync"]["writer"]["outcomes"].as_array().map(Vec::len), Some(1));
    let again =
        Peer { conn, known: ann.known.clone(), id: ann.id }.push(&mut yard, &[put(1, "x", &json!(1))]);
    assert_eq!(again["data"]["results"], room["sync"]["writer"]["outcomes"], "it goes on as a writer");
}

#[test]
fn publish_history_since_and_last_are_forbidden() {
    let mut yard = Yard::new();
    let mut ann = Peer::writer(&mut yard, "a");
    for message in [
        json!({"type": "publish", "room": ROOM, "event": "change", "data": {"key": "x", "op": "delete"}}),
        json!({"type": "history", "room": ROOM}),
        json!({"type": "join", "room": ROOM, "since": "x.1"}),
        json!({"type": "join", "room": ROOM, "last": 3}),
    ] {
        let ack = ann.ask(&mut yard, message.clone());
        assert_eq!(code(&ack), "FORBIDDEN", "{message}");
    }
    yard.publish(ROOM, "1");
    assert_eq!(ann.events(&mut yard), Vec::<Json>::new(), "by the application neither");
    assert_eq!(code(&ann.ask(&mut yard, json!({"type": "join", "room": "$sync/none"}))), "NOT_FOUND");
    assert_eq!(code(&ann.ask(&mut yard, json!({"type": "join", "room": "$all"}))), "FORBIDDEN");
    let stream = yard.once("GET /rt/sse?room=$sync/notes:ann", "", None);
    assert!(stream.starts_with("HTTP/1.1 403"), "{stream}");
}

#[test]
fn without_sync_no_push_and_no_member_neither_pushes_nor_pulls() {
    let mut yard = Yard::new();
    let mut ann = Peer::new(&mut yard);
    assert_eq!(code(&ann.push(&mut yard, &[put(1, "x", &json!(1))])), "FORBIDDEN");
    assert_eq!(code(&ann.ask(&mut yard, json!({"type": "pull", "collection": "notes:ann"}))), "FORBIDDEN");
    assert_eq!(code(&ann.ask(&mut yard, json!({"type": "pull", "collection": "other"}))), "NOT_FOUND");
    ann.ask(&mut yard, json!({"type": "join", "room": ROOM}));
    assert_eq!(code(&ann.push(&mut yard, &[put(1, "x", &json!(1))])), "FORBIDDEN");
    assert_eq!(ann.pull(&mut yard)["complete"], true);
}

#[test]
fn without_the_right_to_write_nothing_is_looked_at_and_the_lane_waits() {
    let mut yard = Yard::new();
    let mut ann = Peer::writer(&mut yard, "a");
    let session = yard.session(&ann.known).expect("a session");
    yard.engine.set_grants(session, ROOM, Grants::NONE, yard.now);
    assert_eq!(code(&ann.push(&mut yard, &[put(1, "x", &json!(1))])), "FORBIDDEN");
    yard.engine.set_grants(session, ROOM, Grants::WRITE, yard.now);
    assert_eq!(ann.push(&mut yard, &[put(1, "x", &json!(1))])["data"]["results"][0]["n"], 1);
}

#[test]
fn push_and_pull_are_done_again_when_their_id_comes_again() {
    let mut yard = Yard::new();
    let mut ann = Peer::writer(&mut yard, "a");
    let first = ann.push(&mut yard, &[put(1, "x", &json!(1))]);
    ann.id -= 1;
    assert_eq!(ann.push(&mut yard, &[put(1, "x", &json!(1))]), first);
    let page = ann.pull(&mut yard);
    ann.id -= 1;
    assert_eq!(ann.pull(&mut yard), page);
}

#[test]
fn each_change_stands_alone_a_poison_among_good_ones_is_rejected_alone() {
    let mut yard = Yard::new();
    let mut ann = Peer::writer(&mut yard, "a");
    let base = "aaaaaa.1";
    let ack = ann.push(
        &mut yard,
        &[
            put(1, "x", &json!({"a": 1})),
            json!({"n": 2, "op": "burn", "key": "x"}),
            put(3, "", &json!(1)),
            put(4, "y", &json!("z".repeat(2_000))),
            json!({"n": 5, "op": "put", "key": "y", "value": {}, "schema": 7}),
            json!({"n": 6, "op": "put", "key": "y", "value": {"tags": {"$crdt": "or-set", "add": []}}}),
            json!({"n": 7, "op": "put", "key": "y", "value": {}, "base": base}),
            json!({"n": 9, "op": "put", "key": "y", "value": {}}),
        ],
    );
    let results = ack["data"]["results"].as_array().expect("results");
    let codes: Vec<_> = results.iter().map(|it| it["rejected"]["code"].as_str().unwrap_or("done")).collect();
    assert_eq!(
        codes,
        ["done", "INVALID_MESSAGE", "INVALID_MESSAGE", "TOO_LARGE", "OUTDATED", "TYPE_CONFLICT", "done"]
    );
    assert_eq!(ack["data"]["held"], json!({"n": 8, "code": "EXPECTED"}));
}

#[test]
fn a_push_over_a_limit_has_an_error_as_a_whole() {
    let mut yard = Yard::new();
    let mut ann = Peer::writer(&mut yard, "a");
    let many: Vec<Json> = (1..=101).map(|n| put(n, "x", &json!(n))).collect();
    assert_eq!(code(&ann.push(&mut yard, &many)), "TOO_LARGE");
    let large: Vec<Json> = (1..=2).map(|n| put(n, "x", &json!("x".repeat(140_000)))).collect();
    assert_eq!(code(&ann.push(&mut yard, &large)), "TOO_LARGE");
    assert_eq!(
        ann.push(&mut yard, &large[..1])["data"]["results"][0]["rejected"]["code"],
        "TOO_LARGE",
        "one alone is looked at"
    );
    for bad in [json!(5), json!([{"op": "put"}]), json!([{"n": 0}])] {
        let ack = ann.ask(&mut yard, json!({"type": "push", "collection": "notes:ann", "changes": bad}));
        assert_eq!(code(&ack), "INVALID_MESSAGE");
    }
}

#[test]
fn a_copied_outbox_is_fenced() {
    let mut yard = Yard::new();
    let mut ann = Peer::new(&mut yard);
    ann.join(&mut yard, "a", 3, "first", 0);
    ann.push(&mut yard, &[put(1, "x", &json!(1))]);
    let mut copy = Peer::new(&mut yard);
    copy.join(&mut yard, "a", 3, "second", 0);
    let held = copy.push(&mut yard, &[put(2, "x", &json!(2))]);
    assert_eq!(held["data"], json!({"results": [], "held": {"n": 2, "code": "FENCED"}}));
    let mut later = Peer::new(&mut yard);
    later.join(&mut yard, "a", 4, "third", 0);
    later.push(&mut yard, &[put(2, "x", &json!(2))]);
    assert_eq!(ann.push(&mut yard, &[put(3, "x", &json!(3))])["data"]["held"]["code"], "FENCED");
}

#[test]
fn a_page_has_documents_in_the_order_of_their_change_and_tombstones_only_for_who_has_something() {
    let mut yard = Yard::new();
    let mut ann = Peer::writer(&mut yard, "a");
    let changes = [
        put(1, "a", &json!(1)),
        put(2, "b", &json!(2)),
        put(3, "a", &json!(3)),
        json!({"n": 4, "op": "delete", "key": "b"}),
    ];
    let ack = ann.push(&mut yard, &changes[..2]);
    let after = ack["data"]["results"][1]["seq"].as_u64().expect("a number");
    ann.push(&mut yard, &changes[2..]);
    let page = ann.pull(&mut yard);
    assert_eq!((page["docs"].as_array().map(Vec::len), &page["docs"][0]["value"]), (Some(1), &json!(3)));
    let epoch = page["next"].as_str().and_then(|next| next.split_once('.')).expect("a position").0.to_owned();
    let more = json!({"type": "pull", "collection": "notes:ann", "after": format!("{epoch}.{after}")});
    let page = &ann.ask(&mut yard, more)["data"];
    assert_eq!(page["docs"][1]["deleted"], true);
    assert_eq!((&page["n"], &page["complete"], &page["reset"]), (&json!(4), &json!(true), &json!(false)));
    assert_eq!(page["checksum"].as_str().map(str::len), Some(16));
    let future = json!({"type": "pull", "collection": "notes:ann", "after": format!("{epoch}.99999")});
    assert_eq!(ann.ask(&mut yard, future)["data"]["reset"], true);
}

#[test]
fn the_application_changes_and_reads_a_collection_that_nobody_listens_to() {
    let mut yard = Yard::new();
    let change = |op: &str, value: Option<Value>| -> Value {
        Map::new().with("op", op).with_some("value", value).into()
    };
    let put = change("put", Some(Map::new().with("a", 1_u64).into()));
    let done = yard.engine.change("notes:ann", "x", &put, None, yard.now).expect("done");
    assert!(done.seq.is_some());
    assert_eq!(
        yard.engine.document("notes:ann", "x", yard.now).expect("it is here").as_deref(),
        Some(&br#"{"a":1}"#[..])
    );
    let missing =
        yard.engine.change("notes:ann", "y", &change("patch", None), None, yard.now).expect_err("none");
    assert_eq!(missing.code.word(), "NOT_FOUND");
    let other = yard.engine.change("other", "y", &put, None, yard.now).expect_err("none");
    assert_eq!(other.code.word(), "NOT_FOUND");
    let page = yard.engine.read_collection("notes:ann", None, None, yard.now).expect("a page");
    assert_eq!(serde_json::from_slice::<Json>(&page).expect("JSON")["docs"][0]["key"], "x");
    let mut ann = Peer::writer(&mut yard, "a");
    assert_eq!(ann.pull(&mut yard)["docs"][0]["value"], json!({"a": 1}));
    yard.engine.change("notes:ann", "x", &change("delete", None), None, yard.now).expect("done");
    let heard = ann.events(&mut yard);
    assert_eq!(
        (&heard[0]["data"]["op"], &heard[0]["from"], &heard[0]["data"]["writer"]),
        (&json!("delete"), &Json::Null, &Json::Null)
    );
}

/// Of a collection that asks: joined, with a push of one change under way.
fn asking(yard: &mut Yard, client: &str) -> (Peer, SessionId) {
    let mut peer = Peer::new(yard);
    let sync = json!({"client": format!("{client:0>32}"), "incarnation": 1, "nonce": "n"});
    peer.ask(yard, json!({"type": "join", "room": "$sync/asked", "sync": sync}));
    let session = yard.session(&peer.known).expect("a session");
    (peer, session)
}

fn question(yard: &mut Yard) -> (u64, u8) {
    let asked = yard.later.iter().position(|event| matches!(event, AppEvent::Change { .. }));
    match yard.later.remove(asked.expect("a question")) {
        AppEvent::Change { ticket, what, .. } => (ticket, what),
        _ => unreachable!(),
    }
}

#[test]
fn the_application_is_asked_about_each_change_and_pushes_of_a_writer_wait_for_each_other() {
    let mut yard = Yard::new();
    let (mut ann, _) = asking(&mut yard, "a");
    let push = |n: u64| json!({"type": "push", "collection": "asked", "changes": [put(n, "x", &json!(n))]});
    assert_eq!(ann.ask(&mut yard, push(1)), Json::Null, "the application thinks");
    let first = ann.id;
    assert_eq!(ann.ask(&mut yard, push(2)), Json::Null);
    let (ticket, what) = question(&mut yard);
    assert_eq!(what, rtcore_data::collection::What::May as u8);
    assert!(yard.later.is_empty(), "the second waits for the first");
    yard.engine.answer_change(ticket, Answer::Reject(Why::new("FORBIDDEN", "no")), yard.now);
    yard.turn();
    let heard = objects(&yard.hear(ann.conn));
    let ack = heard.iter().find(|it| it["id"] == first).expect("an ack");
    assert_eq!(ack["data"]["results"][0]["rejected"]["code"], "FORBIDDEN");
    let (ticket, _) = question(&mut yard);
    yard.engine.answer_change(ticket, Answer::Yes, yard.now);
    yard.turn();
    assert!(ann.answer(&mut yard)["data"]["results"][0]["seq"].is_u64());
}

#[test]
fn who_leaves_while_the_application_thinks_has_said_nothing_more() {
    let mut yard = Yard::new();
    let (mut ann, session) = asking(&mut yard, "a");
    ann.ask(&mut yard, json!({"type": "push", "collection": "asked", "changes": [put(1, "x", &json!(1))]}));
    let (ticket, _) = question(&mut yard);
    yard.engine.put_out(session, "$sync/asked", "go", yard.now);
    let heard = objects(&yard.hear(ann.conn));
    assert!(heard.iter().any(|it| it["type"] == "left"));
    assert!(heard.iter().any(|it| it["id"] == ann.id && code(it) == "FORBIDDEN"));
    yard.engine.answer_change(ticket, Answer::Yes, yard.now);
    yard.turn();
    assert_eq!(yard.engine.document("asked", "x", yard.now), Ok(None));
    let tables = yard.engine.tables();
    assert!(tables.iter().any(|(name, held)| *name == "pushes that are under way" && *held == 0));
}

#[test]
fn a_session_that_ends_gives_up_its_pushes_and_the_next_of_its_writer_goes_on() {
    let mut yard = Yard::new();
    let (mut ann, session) = asking(&mut yard, "a");
    ann.ask(&mut yard, json!({"type": "push", "collection": "asked", "changes": [put(1, "x", &json!(1))]}));
    let (mut again, _) = asking(&mut yard, "a");
    again.ask(&mut yard, json!({"type": "push", "collection": "asked", "changes": [put(1, "x", &json!(1))]}));
    question(&mut yard);
    yard.engine.close_session(session, 4503, "over", yard.now);
    yard.turn();
    let (ticket, _) = question(&mut yard);
    yard.engine.answer_change(ticket, Answer::Yes, yard.now);
    yard.turn();
    assert!(again.answer(&mut yard)["data"]["results"][0]["seq"].is_u64());
}

#[test]
fn a_lane_takes_four_pushes_and_puts_off_more() {
    let mut yard = Yard::new();
    let (mut ann, _) = asking(&mut yard, "a");
    for n in 1..=5 {
        let ack = ann.ask(
            &mut yard,
            json!({"type": "push", "collection": "asked", "changes": [put(n, "x", &json!(1))]}),
        );
        assert_eq!(code(&ack), if n == 5 { "OVERLOADED" } else { "" });
    }
}

#[test]
fn a_collection_in_which_nothing_is_goes_with_its_room() {
    let mut yard = Yard::new();
    let mut ann = Peer::writer(&mut yard, "a");
    let count =
        |yard: &Yard| yard.engine.tables().iter().find(|(name, _)| *name == "collections").map(|it| it.1);
    assert_eq!(count(&yard), Some(1));
    ann.ask(&mut yard, json!({"type": "leave", "room": ROOM}));
    assert_eq!(count(&yard), Some(0));
}

#[test]
fn a_sync_that_is_none_refuses_the_join() {
    let mut yard = Yard::new();
    let mut ann = Peer::new(&mut yard);
    for sync in [
        json!(1),
        json!({}),
        json!({"client": "short", "nonce": "n"}),
        json!({"client": "0".repeat(32), "nonce": "n", "incarnation": -1}),
        json!({"client": "0".repeat(32), "nonce": "n"}),
    ] {
        let ack = ann.ask(&mut yard, json!({"type": "join", "room": ROOM, "sync": sync}));
        assert_eq!(code(&ack), "INVALID_MESSAGE", "{sync}");
    }
}

#[test]
fn counters_and_sets_are_pushed_as_operations_and_heard_as_outcomes() {
    let mut yard = Yard::new();
    let sync = |client: &str| json!({"client": format!("{client:0>32}"), "incarnation": 1, "nonce": "n"});
    let add = |many: i64| {
        json!([{"n": 1, "op": "put", "key": "x", "value":
            {"sum": {"$crdt": "pn-counter", "add": many}, "tags": {"$crdt": "or-set", "add": ["t"]}}}])
    };
    let mut page = Json::Null;
    for (client, many) in [("a", 5), ("b", -2)] {
        let mut peer = Peer::new(&mut yard);
        peer.ask(&mut yard, json!({"type": "join", "room": "$sync/sets", "sync": sync(client)}));
        let ack = peer.ask(&mut yard, json!({"type": "push", "collection": "sets", "changes": add(many)}));
        assert!(ack["data"]["results"][0]["seq"].is_u64(), "{ack}");
        page = peer.ask(&mut yard, json!({"type": "pull", "collection": "sets"}));
    }
    let value = &page["data"]["docs"][0]["value"];
    assert_eq!(value["sum"], json!({"$crdt": "pn-counter", "p": {"w1": 5}, "n": {"w2": 2}}));
    assert_eq!(value["tags"]["e"]["t"], json!([["w2", 1]]));
}
