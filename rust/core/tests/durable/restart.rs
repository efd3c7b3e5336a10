//! A server that begins anew with what is on disk: who comes back, to what, and what is never done twice.

use crate::support::app::Asked;
use crate::support::disk::Mood;
use crate::support::said::publication;
use crate::support::world::World;
use crate::yard::{ack, ask, gaps, heard, publish, settings, yard};
use rtcore_core::Form;
use rtcore_core::engine::Publication;
use rtcore_core::store::{Ask, Origin, Record, Sync};
use serde_json::json;

pub fn quick(rooms: &[&[&str]]) -> World {
    let mut world = yard(rooms);
    world.disk.mood = Mood::Quick;
    world
}

pub fn crash(world: &mut World) {
    world.begin_anew(settings(), Origin::Crash);
}

pub fn come_back(world: &mut World, client: usize) -> serde_json::Value {
    world.clients[client].inbox.clear();
    world.connect(client, None);
    world.settle();
    world.clients[client].inbox.iter().find(|said| said["type"] == "welcome").expect("it is welcomed").clone()
}

#[test]
fn a_session_of_a_durable_room_comes_back_and_hears_what_it_missed() {
    let mut world = quick(&[&["kept", "live"], &["kept", "live"]]);
    publish(&mut world, 0, "kept");
    world.cut(1, 0, false);
    publish(&mut world, 0, "kept");
    publish(&mut world, 0, "live");
    world.pass(1_000);
    let epoch = world.clients[1].epoch.clone();
    crash(&mut world);
    let welcome = come_back(&mut world, 1);
    assert_eq!((&welcome["resumed"], &welcome["epoch"]), (&json!(true), &json!(epoch)));
    assert_eq!(heard(&world, 1), [2], "what was on disk");
    let restart: Vec<_> =
        gaps(&world, 1).into_iter().filter(|gap| gap.3 == "restart").map(|gap| gap.0).collect();
    assert!(restart.contains(&"live".to_owned()), "what only memory held: {restart:?}");
    assert!(!restart.contains(&"kept".to_owned()), "and not of the room that is on disk");
    let welcome = come_back(&mut world, 0);
    assert_eq!(welcome["resumed"], true);
    let id = publish(&mut world, 0, "kept");
    let seq = ack(&world, 0, id).expect("it is acknowledged").expect("it is done");
    assert!(seq > 3, "no number is given twice");
    assert_eq!(heard(&world, 1).last(), Some(&seq));
}

#[test]
fn a_session_without_anything_durable_begins_anew() {
    let mut world = quick(&[&["live"]]);
    crash(&mut world);
    assert_eq!(come_back(&mut world, 0)["resumed"], false);
}

/// *What the second life took first is above what the first had set aside; killed before it had written more, the third takes
/// it for new: a live request runs twice.*
#[test]
fn what_a_life_took_before_it_wrote_anything_is_not_new_to_the_next() {
    let mut world = quick(&[&["kept", "live"]]);
    publish(&mut world, 0, "kept");
    crash(&mut world);
    let taken = come_back(&mut world, 0)["taken"].as_u64().unwrap();
    world.disk.mood = Mood::Waits;
    world.clients[0].next_id = taken + 1;
    let live = publish(&mut world, 0, "live");
    assert!(live > taken, "it is above what was set aside");
    let said = world.clients[0].asked[&live].clone();
    assert!(ack(&world, 0, live).is_some_and(|ack| ack.is_ok()), "it was done, and is on no disk");
    crash(&mut world);
    assert!(come_back(&mut world, 0)["taken"].as_u64().unwrap() >= live);
    let head = world.head();
    world.clients[0].acks.clear();
    world.clients[0].say(&said);
    world.settle();
    assert_eq!(ack(&world, 0, live), Some(Err("OUTCOME_UNKNOWN".into())));
    assert_eq!(world.head(), head, "nothing was said again");
}

/// *Live publish 8 was done and heard, its ack lost; only durable ids are on disk; 8 comes again: heard twice.*
#[test]
fn a_live_request_whose_ack_was_lost_is_never_done_again() {
    let mut world = quick(&[&["kept", "live"]]);
    let durable = publish(&mut world, 0, "kept");
    let live = publish(&mut world, 0, "live");
    let [durable_said, live_said] = [durable, live].map(|id| world.clients[0].asked[&id].clone());
    crash(&mut world);
    assert!(come_back(&mut world, 0)["taken"].as_u64().unwrap() >= live);
    let head = world.head();
    world.clients[0].acks.clear();
    world.clients[0].say(&durable_said);
    world.clients[0].say(&live_said);
    world.settle();
    assert_eq!(ack(&world, 0, durable), Some(Ok(1)), "its ack is on disk");
    assert_eq!(ack(&world, 0, live), Some(Err("OUTCOME_UNKNOWN".into())));
    assert_eq!(world.head(), head, "nothing was said");
}

#[test]
fn a_durable_publish_that_is_not_on_disk_is_done_once_when_it_comes_again() {
    let mut world = yard(&[&["kept"]]);
    let id = publish(&mut world, 0, "kept");
    let said = world.clients[0].asked[&id].clone();
    crash(&mut world); // it was on its way
    come_back(&mut world, 0);
    let seq = ack(&world, 0, id).expect("its client asked again").expect("and it is done");
    world.clients[0].say(&said);
    world.settle();
    assert_eq!(ack(&world, 0, id), Some(Ok(seq)));
    assert_eq!(world.disk.entries(), [seq]);
}

/// *Kicked, crash, back in the room with what was said since.*
#[test]
fn who_was_put_out_or_ended_is_so_after_a_crash() {
    let mut world = quick(&[&["kept", "kept2"], &["kept"]]);
    let session = world.clients[0].session(&world.app.sessions).unwrap();
    assert!(world.engine.put_out(session, "kept", "enough", world.now));
    let ended = world.clients[1].session(&world.app.sessions).unwrap();
    assert!(world.engine.close_session(ended, 4503, "enough", world.now));
    world.settle();
    crash(&mut world);
    let welcome = come_back(&mut world, 0);
    let rooms: Vec<_> =
        welcome["rooms"].as_array().unwrap().iter().map(|room| room["room"].clone()).collect();
    assert_eq!(rooms, [json!("kept2")]);
    assert_eq!(come_back(&mut world, 1)["resumed"], false);
}

#[test]
fn the_past_of_a_durable_room_is_there_for_who_joins_after_a_restart() {
    let mut world = quick(&[&["kept"], &[]]);
    for _ in 0..3 {
        publish(&mut world, 0, "kept");
    }
    crash(&mut world);
    world.disk.mood = Mood::Waits;
    come_back(&mut world, 1);
    let join = ask(&mut world, 1, json!({"type": "join", "room": "kept", "last": 2}));
    world.settle();
    assert_eq!(ack(&world, 1, join), None, "the room is not loaded yet, and who joins is not on disk");
    world.disk.mood = Mood::Quick;
    world.settle();
    let told = world.clients[1].acks[&join]["data"].clone();
    let seqs: Vec<_> =
        told["history"].as_array().unwrap().iter().map(|said| said["seq"].as_u64().unwrap()).collect();
    assert_eq!((seqs, &told["complete"]), (vec![2, 3], &json!(true)));
}

/// *Yesterday's head, today's positions: "future" until the head passes them, then entries are skipped without a word.*
#[test]
fn a_file_that_was_put_back_begins_a_new_epoch_without_sessions() {
    let mut world = quick(&[&["kept"]]);
    publish(&mut world, 0, "kept");
    let epoch = world.clients[0].epoch.clone();
    world.begin_anew(settings(), Origin::Replaced);
    let welcome = come_back(&mut world, 0);
    assert_eq!(welcome["resumed"], false);
    assert_ne!(welcome["epoch"], json!(epoch));
    assert!(gaps(&world, 0).iter().all(|gap| gap.3 == "epoch"));
}

/// *The disk is full, the block of numbers ends, no room gets a number: one durable room stops the server.*
#[test]
fn numbers_are_reserved_far_ahead_so_that_a_full_disk_stops_no_live_room() {
    let mut world = yard(&[&["live"]]);
    for _ in 0..100 {
        let id = publish(&mut world, 0, "live");
        assert!(
            ack(&world, 0, id).is_some_and(|ack| ack.is_ok()),
            "the store answers nothing, and is not asked"
        );
    }
    assert_eq!(world.disk.asked.len(), 0);
}

#[test]
fn a_durable_request_runs_at_most_once_across_a_crash() {
    let mut config = settings();
    config.durable_events = vec!["work".into(), "late".into()];
    let mut world = World::with(config.clone(), 1, 1);
    world.engine.restore(&world.disk.kept(Origin::New), world.now);
    world.settle();
    world.connect(0, None);
    world.settle();
    world.disk.mood = Mood::Waits;
    let done = ask(&mut world, 0, json!({"type": "emit", "event": "work", "data": {"n": 1}}));
    world.settle();
    assert_eq!(world.app.done.len(), 0, "its handler begins when its id is on disk");
    world.write();
    assert_eq!(
        (world.app.done.len(), ack(&world, 0, done)),
        (1, None),
        "its ack leaves when that is on disk"
    );
    world.write();
    assert!(ack(&world, 0, done).is_some_and(|ack| ack.is_ok()));
    let cut_off = ask(&mut world, 0, json!({"type": "emit", "event": "late", "data": {"n": 2}}));
    world.settle();
    world.write();
    assert_eq!(world.app.done.len(), 2);
    let said = world.clients[0].asked[&done].clone();
    world.begin_anew(config, Origin::Crash);
    come_back(&mut world, 0);
    assert_eq!(ack(&world, 0, cut_off), Some(Err("OUTCOME_UNKNOWN".into())), "it was begun, and cut off");
    world.clients[0].say(&said);
    world.settle();
    assert!(ack(&world, 0, done).is_some_and(|ack| ack.is_ok()));
    assert_eq!(world.app.done.len(), 0, "and none is done again");
}

/// The handler's own ack is on disk before it leaves, also where it waited for what the handler said.
#[test]
fn the_ack_of_a_durable_request_that_said_something_durable_survives_a_crash() {
    let mut config = settings();
    config.durable_events = vec!["late".into()];
    let mut world = World::with(config.clone(), 1, 1);
    world.engine.restore(&world.disk.kept(Origin::New), world.now);
    world.settle();
    world.connect(0, None);
    world.settle();
    let id = ask(&mut world, 0, json!({"type": "emit", "event": "late", "data": {"n": 1}}));
    world.settle();
    let [Asked::Request { request, .. }] = world.app.later[..] else { panic!("the handler has begun") };
    world.app.later.clear();
    world.disk.mood = Mood::Waits;
    let said = Publication { request: Some(request), ..publication("kept", "noted", b"1") };
    assert!(world.engine.publish(&said, world.now).is_err(), "it is on its way to the disk");
    world.engine.ack(request, b"1", Form::Json, world.now);
    world.settle();
    assert_eq!(ack(&world, 0, id), None);
    world.write();
    assert_eq!(ack(&world, 0, id), None, "what it said is on disk, and its ack is not");
    world.write();
    assert!(ack(&world, 0, id).is_some_and(|ack| ack.is_ok()));
    let said = world.clients[0].asked[&id].clone();
    world.begin_anew(config, Origin::Crash);
    come_back(&mut world, 0);
    world.clients[0].say(&said);
    world.settle();
    assert!(ack(&world, 0, id).is_some_and(|ack| ack.is_ok()));
}

/// A life that ended in good order is followed by the next without a hole in the numbers: what was heard up to there is whole.
#[test]
fn after_an_end_in_good_order_the_numbers_go_on_where_they_were() {
    let mut world = quick(&[&["kept", "live"], &["kept", "live"]]);
    publish(&mut world, 0, "live");
    publish(&mut world, 0, "kept");
    world.end();
    let late = publish(&mut world, 0, "live");
    assert_eq!(ack(&world, 0, late), Some(Err("UNAVAILABLE".into())), "no number is given behind that");
    world.begin_anew(settings(), Origin::Clean);
    come_back(&mut world, 1);
    assert_eq!(gaps(&world, 1), [], "it had heard all");
    let next = world.engine.publish(&publication("live", "more", b"1"), world.now);
    assert!(matches!(next, Ok(3)), "{next:?}");
}

/// What nobody waits for is on disk too when the server ends.
#[test]
fn what_is_behind_on_disk_is_there_after_an_end_in_good_order() {
    let mut world = quick(&[&["kept"]]);
    let join = ask(&mut world, 0, json!({"type": "join", "room": "live"}));
    world.settle();
    assert!(ack(&world, 0, join).is_some());
    world.end();
    world.begin_anew(settings(), Origin::Clean);
    let welcome = come_back(&mut world, 0);
    assert_eq!(welcome["rooms"].as_array().map(Vec::len), Some(2));
}

/// *A token renewed for an hour, crash: the session ends with the old one.*
#[test]
fn a_renewed_token_ends_at_its_new_time_after_a_crash() {
    let mut world = quick(&[&["kept"]]);
    let date = world.now.wall_ms + 3_600_000;
    world.app.doubts = true;
    ask(&mut world, 0, json!({"type": "auth", "token": "u:ada"}));
    world.settle();
    let Some(Asked::Reauthenticate { ticket, .. }) = world.app.later.pop() else { panic!("it is asked") };
    world.engine.reauthenticated(ticket, Some("ada"), Some(date), world.now);
    world.settle();
    world.pass(1_000);
    let kept = world.disk.kept(Origin::Crash);
    assert_eq!(kept.sessions[0].row.ends, Some(date));
}

/// *A POST with join 8 hangs in a proxy; 9 leaves the room, acked; the server is killed; the POST arrives: joined behind the leave's
/// back.*
#[test]
fn a_late_join_of_an_earlier_life_is_not_done() {
    for room in ["kept", "kept2"] {
        let mut world = quick(&[&["kept", "kept2"]]);
        let join = *world.clients[0].asked.iter().find(|(_, asked)| asked["room"] == room).unwrap().0;
        let said = world.clients[0].asked[&join].clone();
        let leave = ask(&mut world, 0, json!({"type": "leave", "room": room}));
        world.settle();
        assert!(ack(&world, 0, leave).is_some_and(|ack| ack.is_ok()));
        crash(&mut world);
        let welcome = come_back(&mut world, 0);
        assert_eq!(welcome["resumed"], true);
        let other = if room == "kept" { "kept2" } else { "kept" };
        let mut say = |id: u64, what: &serde_json::Value| {
            let mut what = what.clone();
            what["id"] = json!(id);
            world.clients[0].asked.insert(id, what.clone());
            world.clients[0].say(&what);
            world.settle();
            ack(&world, 0, id).expect("it is answered")
        };
        let taken = welcome["taken"].as_u64().unwrap();
        for id in [join, leave + 1, taken] {
            assert_eq!(say(id, &said), Err("ACK_EXPIRED".into()), "{id} is at most {taken}");
        }
        // What is known of a room that it is in is on disk with that: it counts.
        assert!(say(leave, &json!({"type": "leave", "room": other})).is_ok());
        assert!(say(leave + 1, &json!({"type": "join", "room": other})).is_ok(), "it is the newer");
        assert_eq!(say(leave, &json!({"type": "join", "room": other})).err(), Some("ACK_EXPIRED".into()));
        let mut rooms = || come_back(&mut world, 0)["rooms"].clone();
        let inside = |rooms: serde_json::Value| rooms.as_array().unwrap().iter().any(|is| is["room"] == room);
        assert!(!inside(rooms()), "it had left {room}");
        world.clients[0].next_id = taken + 1;
        let anew = ask(&mut world, 0, json!({"type": "join", "room": room}));
        world.settle();
        assert!(ack(&world, 0, anew).is_some_and(|ack| ack.is_ok()));
        assert!(inside(come_back(&mut world, 0)["rooms"].clone()));
    }
}

/// *A leave of a live room is acked; the server is killed within a second: the session is in the room again, and nobody asked.*
#[test]
fn a_leave_of_a_live_room_that_was_acked_is_not_undone_by_a_kill() {
    let mut world = yard(&[&["kept", "live"], &["live"]]);
    // What nobody waits for is behind: that it is in the live room may not be on disk yet.
    let leave = ask(&mut world, 0, json!({"type": "leave", "room": "live"}));
    world.settle();
    assert_eq!(ack(&world, 0, leave), None, "it is not on disk");
    let light = ask(&mut world, 1, json!({"type": "leave", "room": "live"}));
    world.settle();
    assert!(ack(&world, 1, light).is_some_and(|ack| ack.is_ok()), "nothing is kept of this session");
    world.write();
    assert!(ack(&world, 0, leave).is_some_and(|ack| ack.is_ok()));
    crash(&mut world);
    world.disk.mood = Mood::Quick;
    let welcome = come_back(&mut world, 0);
    assert_eq!(welcome["resumed"], true);
    let rooms: Vec<_> =
        welcome["rooms"].as_array().unwrap().iter().map(|room| room["room"].clone()).collect();
    assert_eq!(rooms, [json!("kept")]);
}

/// It costs a commit and no sync: what it is beside in its group may want more.
#[test]
fn a_leave_of_a_live_room_asks_for_no_sync() {
    let mut world = quick(&[&["kept", "live"]]);
    world.pass(2_000); // nothing else is behind
    world.disk.mood = Mood::Waits;
    ask(&mut world, 0, json!({"type": "leave", "room": "live"}));
    world.settle();
    let Some(Ask::Write(group)) = world.disk.asked.front() else { panic!("it is written") };
    assert_eq!((group.sync, group.records.len()), (Sync::Commit, 1));
    assert!(matches!(group.records[0], Record::Left { .. }));
}
