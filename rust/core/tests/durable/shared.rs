//! Collections on disk: what was acknowledged or heard is there, comes back, and is not done twice.

use crate::support::disk::Mood;
use crate::support::peer::{Peer, ROOM, code, objects, put};
use crate::support::yard::{Yard, config};
use rtcore_core::engine::{AppEvent, Config};
use rtcore_core::room::settings::{Durability, Settings};
use rtcore_core::store::Ask;
use rtcore_data::Value;
use rtcore_data::value::Map;
use serde_json::{Value as Json, json};
use std::sync::Arc;

fn settings() -> Config {
    let mut config = config();
    for settings in &mut config.rooms {
        if let Some(setup) = &settings.collection {
            let mut setup = (**setup).clone();
            setup.durable = true;
            let durable = Durability::Full;
            *settings = Settings { durable, collection: Some(Arc::new(setup)), ..settings.clone() };
        }
    }
    config
}

fn yard() -> Yard {
    Yard::stored(settings())
}

fn writer(yard: &mut Yard, client: &str) -> Peer {
    let peer = Peer::writer(yard, client);
    yard.hear(peer.conn);
    peer
}

/// Say a push without waiting for its ack.
fn say(peer: &mut Peer, yard: &mut Yard, changes: &[Json]) {
    peer.id += 1;
    let push = json!({"type": "push", "id": peer.id, "collection": "notes:ann", "changes": changes});
    yard.frame(peer.conn, &push.to_string());
}

fn write(yard: &mut Yard) {
    let now = yard.now;
    assert!(yard.disk.write(&mut yard.engine, now), "there is a group");
    yard.turn();
}

/// The next group is refused, after what was to be read before it.
fn refuse(yard: &mut Yard) {
    let now = yard.now;
    while matches!(yard.disk.asked.front(), Some(Ask::Read(_))) {
        yard.disk.write(&mut yard.engine, now);
    }
    yard.disk.refuse(&mut yard.engine, now);
    yard.turn();
}

/// The same session at the server of now.
fn back(peer: &mut Peer, yard: &mut Yard) -> Vec<Json> {
    peer.conn = yard.upgrade("/rt/ws");
    let hello = json!({"type": "hello", "session": peer.known.name, "key": peer.known.key});
    yard.frame(peer.conn, &hello.to_string());
    objects(&yard.hear(peer.conn))
}

fn change(op: &str, value: u64) -> Value {
    Map::new().with("op", op).with("value", Map::new().with("a", value)).into()
}

fn stored(yard: &mut Yard, ticket: u64) -> Option<bool> {
    yard.told.iter().find_map(|event| match event {
        AppEvent::Stored { ticket: of, done } if *of == ticket => Some(done.is_ok()),
        _ => None,
    })
}

#[test]
fn a_change_is_acknowledged_and_heard_when_it_is_on_disk_and_not_before() {
    let mut yard = yard();
    let (mut ann, bob) = (writer(&mut yard, "a"), writer(&mut yard, "b"));
    yard.hear(ann.conn);
    yard.disk.mood = Mood::Waits;
    say(&mut ann, &mut yard, &[put(1, "x", &json!(1)), json!({"n": 2, "op": "sing"})]);
    assert_eq!((yard.hear(ann.conn), yard.hear(bob.conn)), (String::new(), String::new()));
    let mut other = writer_of(&mut yard, &bob);
    assert_eq!(other.pull(&mut yard)["docs"], json!([]), "what may be undone is in no page");
    write(&mut yard);
    while yard.disk.write(&mut yard.engine, yard.now) {
        yard.turn();
    }
    let heard = objects(&yard.hear(ann.conn));
    let ack = heard.iter().find(|it| it["type"] == "ack").expect("an ack");
    assert_eq!(ack["data"]["results"].as_array().map(Vec::len), Some(2), "a rejection is on disk as well");
    assert_eq!(bob.events(&mut yard).len(), 1);
}

fn writer_of(_: &mut Yard, peer: &Peer) -> Peer {
    Peer { conn: peer.conn, known: peer.known.clone(), id: peer.id + 100 }
}

#[test]
fn what_is_not_on_disk_was_not_done_nor_what_was_decided_on_it() {
    let mut yard = yard();
    let (mut ann, mut bob) = (writer(&mut yard, "a"), writer(&mut yard, "b"));
    ann.push(&mut yard, &[put(1, "x", &json!({"a": 1}))]);
    yard.hear(bob.conn);
    yard.disk.mood = Mood::Waits;
    say(&mut ann, &mut yard, &[put(2, "x", &json!({"a": 2}))]);
    yard.turn();
    say(&mut bob, &mut yard, &[json!({"n": 1, "op": "patch", "key": "x", "value": {"b": 2}})]);
    refuse(&mut yard);
    assert_eq!(code(&ann.answer(&mut yard)), "UNAVAILABLE");
    assert_eq!(code(&bob.answer(&mut yard)), "UNAVAILABLE", "it was decided on what is not there");
    yard.disk.mood = Mood::Quick;
    while yard.disk.write(&mut yard.engine, yard.now) {}
    yard.turn();
    assert_eq!(bob.pull(&mut yard)["docs"][0]["value"], json!({"a": 1}));
    let again = ann.push(&mut yard, &[put(2, "x", &json!({"a": 3}))]);
    assert!(again["data"]["results"][0]["seq"].is_u64(), "the number is another change's now: {again}");
    assert_eq!(bob.pull(&mut yard)["docs"][0]["value"], json!({"a": 3}));
}

#[test]
fn after_a_crash_nothing_is_done_twice_and_everything_is_there() {
    let mut yard = yard();
    let mut ann = writer(&mut yard, "a");
    let changes =
        [put(1, "x", &json!({"a": 1})), put(2, "y", &json!(5)), json!({"n": 3, "op": "delete", "key": "y"})];
    let before = ann.push(&mut yard, &changes);
    let page = ann.pull(&mut yard);
    yard.begin_anew(settings());
    let heard = back(&mut ann, &mut yard);
    assert_eq!(heard[0]["resumed"], true, "{heard:?}");
    let room = heard.iter().find(|it| it["type"] == "room").expect("a room message");
    assert_eq!(room["sync"]["writer"]["n"], 3, "{room}");
    assert_eq!(room["sync"]["writer"]["outcomes"], before["data"]["results"]);
    ann.id += 10;
    let again = ann.push(&mut yard, &changes);
    assert_eq!(again["data"]["results"], before["data"]["results"], "they have the same outcomes");
    let now = ann.pull(&mut yard);
    assert_eq!((&now["docs"], &now["checksum"]), (&page["docs"], &page["checksum"]));
    let position = page["next"].as_str().expect("a position");
    let more = ann.ask(&mut yard, json!({"type": "pull", "collection": "notes:ann", "after": position}));
    assert_eq!((&more["data"]["reset"], &more["data"]["docs"]), (&json!(false), &json!([])), "it goes on");
    let next = ann.push(&mut yard, &[json!({"n": 4, "op": "patch", "key": "y", "value": {"b": 1}})]);
    assert_eq!(next["data"]["results"][0]["conflict"]["gone"], true, "the tombstone is there");
}

#[test]
fn a_collection_that_is_on_disk_alone_is_opened_page_by_page_and_its_join_waits() {
    let mut yard = yard();
    let mut ann = writer(&mut yard, "a");
    for n in 1..=5 {
        ann.push(&mut yard, &[put(n, &format!("k{n}"), &json!(n))]);
    }
    (yard.disk.page, yard.disk.mood) = (Some(2), Mood::Waits);
    yard.begin_anew(settings());
    write(&mut yard); // numbers of this life
    let mut bob = Peer::new(&mut yard);
    bob.id += 1;
    let sync = json!({"client": "b".repeat(32), "incarnation": 1, "nonce": "n", "seen": 0});
    yard.frame(bob.conn, &json!({"type": "join", "id": 1, "room": ROOM, "sync": sync}).to_string());
    let mut answered = Json::Null;
    for _ in 0..20 {
        answered = bob.answer(&mut yard);
        if answered != Json::Null {
            break;
        }
        let now = yard.now;
        assert!(yard.disk.write(&mut yard.engine, now), "it waits for something");
        yard.turn();
    }
    assert!(answered["data"]["sync"]["writer"]["name"].is_string(), "{answered}");
    assert!(yard.disk.reads >= 3, "page by page");
    yard.disk.mood = Mood::Quick;
    yard.turn();
    assert_eq!(bob.pull(&mut yard)["docs"].as_array().map(Vec::len), Some(5));
}

#[test]
fn a_collection_that_cannot_be_read_is_refused_to_who_joins_and_holds_nobody_else() {
    let mut yard = yard();
    let mut ann = writer(&mut yard, "a");
    ann.push(&mut yard, &[put(1, "x", &json!(1))]);
    ann.ask(&mut yard, json!({"type": "join", "room": "tea"}));
    yard.disk.unreadable = true;
    yard.begin_anew(settings());
    assert_eq!(back(&mut ann, &mut yard)[0]["resumed"], true, "who was in it comes back");
    let mut bob = Peer::new(&mut yard);
    assert_eq!(code(&bob.join(&mut yard, "b", 1, "n", 0)), "UNAVAILABLE");
    assert_eq!(code(&bob.ask(&mut yard, json!({"type": "pull", "collection": "notes:ann"}))), "FORBIDDEN");
    yard.disk.unreadable = false;
    assert!(bob.join(&mut yard, "b", 1, "n", 0)["data"]["sync"].is_object());
    assert_eq!(bob.pull(&mut yard)["docs"].as_array().map(Vec::len), Some(1));
    ann.id += 10;
    assert_eq!(ann.push(&mut yard, &[put(2, "y", &json!(1))])["data"]["results"][0]["n"], 2);
}

#[test]
fn the_application_waits_for_a_collection_and_for_its_changes() {
    let mut yard = yard();
    yard.engine.change("notes:ann", "x", &change("put", 1), None, yard.now).expect("it is done");
    yard.turn();
    yard.disk.mood = Mood::Waits;
    yard.begin_anew(settings());
    write(&mut yard); // numbers of this life
    let early = yard.engine.document("notes:ann", "x", yard.now).expect_err("it is on disk alone");
    assert_eq!(early.code.word(), "UNAVAILABLE");
    let ticket = yard.engine.load_collection("notes:ann", yard.now).expect("there is one").expect("it waits");
    while stored(&mut yard, ticket).is_none() {
        write(&mut yard);
    }
    assert_eq!(yard.engine.load_collection("notes:ann", yard.now), Ok(None));
    yard.engine.change("notes:ann", "x", &change("put", 2), None, yard.now).expect("it is decided");
    let ticket = yard.engine.when_changes_stored("notes:ann").expect("none is lost").expect("it waits");
    yard.turn();
    assert_eq!(stored(&mut yard, ticket), None);
    write(&mut yard);
    assert_eq!(stored(&mut yard, ticket), Some(true));
    yard.engine.change("notes:ann", "x", &change("put", 3), None, yard.now).expect("it is decided");
    yard.turn();
    refuse(&mut yard);
    let lost = yard.engine.when_changes_stored("notes:ann").expect_err("it is told, later too");
    assert_eq!(lost.code.word(), "UNAVAILABLE");
    assert_eq!(yard.engine.when_changes_stored("notes:ann"), Ok(None), "and once");
    let found = yard.engine.document("notes:ann", "x", yard.now).expect("it is here");
    assert_eq!(found.as_deref(), Some(&br#"{"a":2}"#[..]));
}

#[test]
fn the_ack_of_a_request_waits_for_the_changes_of_its_handler() {
    for refused in [false, true] {
        let mut yard = yard();
        let mut ann = writer(&mut yard, "a");
        yard.disk.mood = Mood::Waits;
        ann.id += 1;
        yard.frame(ann.conn, &json!({"type": "emit", "id": ann.id, "event": "work", "data": 1}).to_string());
        let Some(AppEvent::Request { request, .. }) = yard.later.pop() else { panic!("it is asked") };
        yard.engine.change("notes:ann", "x", &change("put", 1), Some(request), yard.now).expect("decided");
        yard.engine.ack(request, b"1", rtcore_core::Form::Json, yard.now);
        yard.turn();
        assert_eq!(ann.answer(&mut yard), Json::Null, "not yet");
        if refused {
            refuse(&mut yard);
        } else {
            write(&mut yard);
        }
        let ack = ann.answer(&mut yard);
        assert_eq!((ack["data"] == 1, code(&ack) == "OUTCOME_UNKNOWN"), (!refused, refused), "{ack}");
    }
}

#[test]
fn what_nobody_is_in_goes_from_memory_when_that_is_full_and_comes_again() {
    let mut config = settings();
    config.limits.data_memory = 20_000;
    let mut yard = Yard::stored(config);
    for name in ["notes:1", "notes:2", "notes:3"] {
        for key in 0..20 {
            yard.engine
                .change(name, &key.to_string(), &change("put", key), None, yard.now)
                .expect("it is done");
        }
        yard.turn();
    }
    let mut ann = writer(&mut yard, "a");
    let ack = ann.push(&mut yard, &[put(1, "x", &json!(1))]);
    assert_eq!(ack["data"]["results"][0]["n"], 1, "there is room: {ack}");
    assert!(yard.engine.document("notes:1", "0", yard.now).is_err(), "it is on disk alone");
    yard.turn();
    let found = yard.engine.document("notes:1", "0", yard.now).expect("it was read");
    assert_eq!(found.as_deref(), Some(&br#"{"a":0}"#[..]));
}

#[test]
fn while_nobody_knows_no_push_is_answered_and_then_the_truth_is_told() {
    let mut yard = yard();
    let (mut ann, bob) = (writer(&mut yard, "a"), writer(&mut yard, "b"));
    yard.disk.mood = Mood::Waits;
    say(&mut ann, &mut yard, &[put(1, "x", &json!(1))]);
    yard.pass(6_000);
    assert_eq!(ann.answer(&mut yard), Json::Null, "nothing is answered");
    let gaps: Vec<Json> =
        objects(&yard.hear(bob.conn)).into_iter().filter(|it| it["type"] == "gap").collect();
    assert_eq!((gaps.len(), &gaps[0]["reason"]), (1, &json!("store")));
    yard.disk.mood = Mood::Quick;
    write(&mut yard);
    assert_eq!(ann.answer(&mut yard)["data"]["results"][0]["n"], 1);
    let mut bob = bob;
    assert_eq!(bob.pull(&mut yard)["docs"].as_array().map(Vec::len), Some(1));
}
