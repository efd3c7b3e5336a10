//! Rulings of the design's section on the durable log that have no italic case of their own, each by name.

use crate::restart::{come_back, crash, quick};
use crate::support::disk::Mood;
use crate::support::said::publication;
use crate::support::world::World;
use crate::yard::{ack, ask, heard, publish, settings, yard};
use rtcore_core::codes::Code;
use rtcore_core::engine::Unpublished;
use rtcore_core::store::Origin;
use serde_json::{Value, json};

const WINDOW: u64 = 120_000;

fn said<'a>(world: &'a World, client: usize, kind: &str) -> Vec<&'a Value> {
    world.clients[client].inbox.iter().filter(|said| said["type"] == kind).collect()
}

#[test]
fn before_numbers_are_reserved_on_disk_none_is_given() {
    let mut world = World::with(settings(), 0, 1);
    world.disk.mood = Mood::Waits;
    let new = world.disk.kept(Origin::New);
    world.engine.restore(&new, world.now);
    world.settle();
    for room in ["live", "kept"] {
        let refused = world.engine.publish(&publication(room, "said", b"1"), world.now);
        let Err(Unpublished::Fault(fault)) = refused else { panic!("{room}: {refused:?}") };
        assert_eq!(fault.code, Code::Unavailable, "{room}");
    }
    world.write();
    assert!(world.engine.publish(&publication("live", "said", b"1"), world.now).is_ok());
}

#[test]
fn a_volatile_event_waits_for_no_disk() {
    let mut world = yard(&[&["kept"], &["kept"]]);
    publish(&mut world, 0, "kept");
    let event = json!({"type": "publish", "room": "kept", "event": "now", "data": 1, "volatile": true});
    let id = ask(&mut world, 0, event);
    world.settle();
    assert_eq!(ack(&world, 0, id), Some(Ok(0)), "it has no number");
    let events: Vec<_> = said(&world, 1, "event").iter().map(|said| said["event"].clone()).collect();
    assert_eq!(events, ["now"], "and what is to be kept is still on its way");
}

#[test]
fn a_later_request_does_not_wait_for_an_earlier_durable_one() {
    let mut world = yard(&[&["kept"]]);
    let durable = publish(&mut world, 0, "kept");
    let later = ask(&mut world, 0, json!({"type": "emit", "event": "work", "data": {"n": 1}}));
    world.settle();
    assert!(ack(&world, 0, later).is_some_and(|ack| ack.is_ok()), "its handler ran");
    assert_eq!(ack(&world, 0, durable), None);
}

/// Of 4,096 ids the acks are on disk, and of few hundred beyond them.
#[test]
fn of_an_ack_that_was_let_go_before_the_crash_its_request_is_told_so() {
    let mut world = quick(&[&["kept"]]);
    let first = publish(&mut world, 0, "kept");
    world.clients[0].next_id += 5_000;
    let last = (0..300).map(|_| publish(&mut world, 0, "kept")).last().expect("the last");
    let asked = [first, last].map(|id| world.clients[0].asked[&id].clone());
    crash(&mut world);
    come_back(&mut world, 0);
    for again in &asked {
        world.clients[0].say(again);
    }
    world.settle();
    assert_eq!(ack(&world, 0, first), Some(Err("ACK_EXPIRED".into())));
    assert_eq!(ack(&world, 0, last), Some(Ok(301)), "its ack is kept");
    assert_eq!(world.disk.entries().len(), 301, "and nothing was done again");
}

#[test]
fn without_a_position_the_feed_begins_where_each_room_began() {
    let mut world = quick(&[&["kept"], &[]]);
    publish(&mut world, 0, "kept");
    ask(&mut world, 1, json!({"type": "join", "room": "kept"}));
    world.settle();
    publish(&mut world, 0, "kept");
    publish(&mut world, 0, "kept");
    let mut hello = world.clients[1].hello(None);
    hello.as_object_mut().expect("an object").remove("position");
    crash(&mut world);
    world.clients[1].inbox.clear();
    world.clients[1].record.position = 0;
    world.dial(1);
    world.clients[1].say(&hello);
    world.settle();
    assert_eq!(said(&world, 1, "welcome")[0]["resumed"], true);
    assert_eq!(heard(&world, 1), [2, 3], "no position is on disk, and where it joined is");
}

#[test]
fn the_window_of_a_session_begins_anew_with_the_server() {
    let mut world = quick(&[&["kept"], &["kept"]]);
    world.cut(0, 0, false);
    world.cut(1, 0, false);
    world.pass(WINDOW - 10_000);
    crash(&mut world);
    world.pass(WINDOW - 10_000);
    assert_eq!(come_back(&mut world, 0)["resumed"], true);
    world.pass(20_000);
    assert_eq!(come_back(&mut world, 1)["resumed"], false, "and it has an end");
}

#[test]
fn who_is_not_to_hear_an_entry_does_not_hear_it_after_a_crash() {
    let mut world = quick(&[&["kept"], &["kept"], &["kept"]]);
    let names: Vec<_> =
        world.clients.iter().map(|client| client.held.clone().expect("a session").0).collect();
    world.cut(1, 0, false);
    world.cut(2, 0, false);
    let alone = json!({"type": "publish", "room": "kept", "event": "say", "data": 1, "echo": false});
    ask(&mut world, 0, alone);
    world.settle();
    world.publish("kept", Some(1), 3);
    world.settle();
    crash(&mut world);
    for client in 0..3 {
        come_back(&mut world, client);
    }
    assert_eq!([0, 1, 2].map(|client| heard(&world, client)), [vec![], vec![1], vec![1, 2]]);
    let by: Vec<_> = said(&world, 2, "event").iter().map(|said| said["from"]["session"].clone()).collect();
    assert_eq!(by, [json!(names[0]), Value::Null], "and who said it is told by the name on the wire");
}

#[test]
fn who_has_not_come_back_yet_is_a_member_all_the_same() {
    let mut world = quick(&[&["kept"], &["kept"]]);
    let names: Vec<_> =
        world.clients.iter().map(|client| client.held.clone().expect("a session").0).collect();
    crash(&mut world);
    come_back(&mut world, 1);
    let room = said(&world, 1, "room")[0].clone();
    let mut members: Vec<_> =
        room["members"].as_array().expect("a list").iter().map(|who| who["session"].clone()).collect();
    members.sort_by_key(Value::to_string);
    let mut all: Vec<_> = names.iter().map(|name| json!(name)).collect();
    all.sort_by_key(Value::to_string);
    assert_eq!((members, &room["count"]), (all, &json!(2)));
}

#[test]
fn questions_of_the_server_have_ids_above_those_of_all_earlier_lives() {
    let mut world = quick(&[&["kept"]]);
    let name = world.clients[0].held.clone().expect("a session").0;
    let mut newest = 0;
    for _ in 0..3 {
        let of = world.engine.session_named(&name).expect("it is there");
        let id = world.engine.ask(of, "sure?", b"1").expect("it is asked");
        world.settle();
        assert_eq!(said(&world, 0, "request").len(), 1, "what an earlier life asked is over");
        assert!(id > newest, "{id} was given before, or one above it: {newest}");
        newest = id;
        crash(&mut world);
        come_back(&mut world, 0);
    }
}

#[test]
fn a_stream_of_an_earlier_life_is_lost() {
    let mut world = quick(&[&["kept"]]);
    let stream = ask(&mut world, 0, json!({"type": "open", "event": "read", "data": null}));
    world.settle();
    let mut hello = world.clients[0].hello(None);
    crash(&mut world);
    hello["streams"] = json!({stream.to_string(): 0});
    world.clients[0].cancelled.insert(stream);
    world.clients[0].inbox.clear();
    world.dial(0);
    world.clients[0].say(&hello);
    world.settle();
    let ends: Vec<_> = said(&world, 0, "end").iter().map(|said| said["error"]["code"].clone()).collect();
    assert_eq!(ends, ["STREAM_LOST"]);
}
