//! A disk that hangs: nobody is held by it for longer than five seconds, and who misses something is told so.

use crate::support::disk::Mood;
use crate::support::world::World;
use crate::yard::{ack, ask, gaps, heard, publish, settings, yard};
use rtcore_core::limits::fixed::{IDS_AHEAD, STORE_ENTRIES, STORE_MS};
use rtcore_core::store::Origin;
use serde_json::json;

/// *A hanging disk, every user in a durable room: all live rooms stand still for as long as it hangs.*
#[test]
fn a_hanging_disk_holds_live_rooms_for_five_seconds_and_no_longer() {
    let mut world = yard(&[&["kept", "live"], &["kept", "live"]]);
    let durable = publish(&mut world, 0, "kept");
    publish(&mut world, 0, "live");
    world.pass(STORE_MS - 1);
    assert_eq!((heard(&world, 1), gaps(&world, 1)), (vec![], vec![]));
    world.pass(1);
    assert_eq!(gaps(&world, 1), [("kept".to_owned(), 1, 1, "store".to_owned())]);
    assert_eq!(heard(&world, 1), [2]);
    assert_eq!(ack(&world, 0, durable), Some(Err("OUTCOME_UNKNOWN".into())));
    let at_once = publish(&mut world, 0, "kept");
    assert_eq!(ack(&world, 0, at_once), Some(Err("UNAVAILABLE".into())));
    let live = publish(&mut world, 0, "live");
    assert_eq!((ack(&world, 0, live), heard(&world, 1)), (Some(Ok(3)), vec![2, 3]), "live rooms go on");
    // It turns out written: the history has it, and who asks again hears the truth.
    let history = ask(&mut world, 1, json!({"type": "history", "room": "kept"}));
    world.settle();
    let told = world.clients[1].acks[&history]["data"].clone();
    assert_eq!((&told["history"], &told["complete"]), (&json!([]), &json!(false)), "nobody knows yet");
    assert_eq!(told["gap"], json!({"from": 1, "to": 1, "reason": "store"}));
    world.write();
    assert_eq!(heard(&world, 1), [2, 3], "who was told that it misses it does not hear it late");
    let history = ask(&mut world, 1, json!({"type": "history", "room": "kept"}));
    let request = world.clients[0].asked[&durable].clone();
    world.clients[0].acks.remove(&durable);
    world.clients[0].say(&request);
    world.settle();
    assert_eq!(world.clients[1].acks[&history]["data"]["history"].as_array().unwrap().len(), 1);
    assert_eq!(ack(&world, 0, durable), Some(Ok(1)));
    let id = publish(&mut world, 0, "kept");
    world.write();
    assert!(ack(&world, 0, id).is_some_and(|ack| ack.is_ok()), "it takes what is durable again");
    world.come_to_rest();
}

#[test]
fn a_request_of_which_nobody_knows_is_answered_so_each_time() {
    let mut world = yard(&[&["kept"]]);
    let id = publish(&mut world, 0, "kept");
    world.pass(STORE_MS);
    world.clients[0].inbox.clear();
    let request = world.clients[0].asked[&id].clone();
    world.clients[0].say(&request);
    world.settle();
    assert_eq!(ack(&world, 0, id), Some(Err("OUTCOME_UNKNOWN".into())));
}

#[test]
fn what_had_not_left_when_the_disk_hung_is_not_done_and_may_be_tried_again() {
    let mut world = yard(&[&["kept"], &["kept"]]);
    let under_way = publish(&mut world, 0, "kept");
    let gathered = publish(&mut world, 0, "kept");
    world.pass(STORE_MS);
    assert_eq!(ack(&world, 0, under_way), Some(Err("OUTCOME_UNKNOWN".into())));
    assert_eq!(ack(&world, 0, gathered), Some(Err("UNAVAILABLE".into())));
    world.refuse();
    assert_eq!(gaps(&world, 1), [("kept".to_owned(), 1, 1, "store".to_owned())]);
    assert_eq!(heard(&world, 1), vec![0_u64; 0]);
    let id = publish(&mut world, 0, "kept");
    world.write();
    assert_eq!((ack(&world, 0, id), heard(&world, 1)), (Some(Ok(3)), vec![3]));
    world.come_to_rest();
}

#[test]
fn who_comes_back_to_what_was_passed_is_told_the_gap() {
    let mut world = yard(&[&["kept"], &["kept", "live"]]);
    publish(&mut world, 0, "kept");
    world.cut(1, 0, false);
    world.pass(STORE_MS);
    world.connect(1, None);
    world.settle();
    assert_eq!(gaps(&world, 1), [("kept".to_owned(), 1, 1, "store".to_owned())]);
    world.write();
    world.come_to_rest();
}

#[test]
fn beyond_what_may_wait_for_the_disk_publishers_are_held() {
    let mut world = yard(&[&["kept", "live"]]);
    let mut last = 0;
    for _ in 0..=STORE_ENTRIES {
        let data = world.data(0);
        world.clients[0].next_id += 1; // (more than a client may have open, for once)
        let id = world.clients[0].next_id;
        let said = json!({"type": "publish", "id": id, "room": "kept", "event": "say", "data": data});
        world.clients[0].asked.insert(id, said.clone());
        world.clients[0].say(&said);
        last = id;
    }
    world.settle();
    assert_eq!(world.head(), STORE_ENTRIES as u64, "the last one has no number yet");
    assert_eq!(ack(&world, 0, last), None);
    world.write();
    assert_eq!(ack(&world, 0, last), None, "it is on its way now");
    world.write();
    assert_eq!(ack(&world, 0, last), Some(Ok(STORE_ENTRIES as u64 + 1)));
    world.disk.mood = Mood::Quick;
    world.settle();
    assert!(world.engine.is_stored());
}

/// *While the disk hangs, a session takes more ids than were set aside for it; an ack is lost, `kill -9`: a live publish is
/// new to the next life, and heard twice.*
#[test]
fn beyond_the_ids_that_are_set_aside_on_disk_nothing_is_taken_before_there_are_more() {
    let mut world = yard(&[&["kept", "live"], &["live"]]);
    publish(&mut world, 0, "kept");
    world.pass(STORE_MS);
    world.clients[0].next_id = IDS_AHEAD - 10;
    let last = publish(&mut world, 0, "live");
    assert!(ack(&world, 0, last).is_some_and(|ack| ack.is_ok()), "it is set aside");
    world.clients[0].next_id = IDS_AHEAD + 10;
    let before = heard(&world, 1);
    let beyond = publish(&mut world, 0, "live");
    assert_eq!(ack(&world, 0, beyond), Some(Err("UNAVAILABLE".into())));
    let work = ask(&mut world, 0, json!({"type": "emit", "event": "work", "data": {"n": 1}}));
    world.settle();
    assert_eq!(ack(&world, 0, work), Some(Err("UNAVAILABLE".into())));
    assert_eq!((heard(&world, 1), world.app.done.len()), (before, 0), "neither was done");
    let said = world.clients[0].asked[&beyond].clone();
    for _ in 0..4 {
        world.write();
    }
    world.clients[0].acks.remove(&beyond); // it was not taken
    world.clients[0].say(&said);
    world.settle();
    assert!(ack(&world, 0, beyond).is_some_and(|ack| ack.is_ok()), "there are more now");
    world.begin_anew(settings(), Origin::Crash);
    world.clients[0].inbox.clear();
    world.connect(0, None);
    world.settle();
    world.clients[0].acks.remove(&beyond); // as if it had been lost
    world.clients[0].say(&said);
    world.settle();
    assert_eq!(ack(&world, 0, beyond), Some(Err("OUTCOME_UNKNOWN".into())), "it is not new");
}

/// *A durable request waits for as long as the disk hangs: without an ack, for hours.*
#[test]
fn a_durable_request_waits_five_seconds_for_the_disk_and_is_not_done_then() {
    let mut config = settings();
    config.durable_events = vec!["late".into()];
    let mut world = World::with(config.clone(), 1, 1);
    world.engine.restore(&world.disk.kept(Origin::New), world.now);
    world.settle();
    world.connect(0, None);
    world.settle();
    world.disk.mood = Mood::Waits;
    let say = |world: &mut World| {
        let id = ask(world, 0, json!({"type": "emit", "event": "late", "data": 1, "key": "k"}));
        world.settle();
        id
    };
    let under_way = say(&mut world);
    world.pass(STORE_MS - 1);
    assert_eq!(ack(&world, 0, under_way), None);
    world.pass(1);
    assert_eq!(ack(&world, 0, under_way), Some(Err("UNAVAILABLE".into())));
    let at_once = say(&mut world);
    assert_eq!(ack(&world, 0, at_once), Some(Err("UNAVAILABLE".into())));
    for _ in 0..4 {
        world.write();
    }
    assert!(world.app.later.is_empty(), "what was refused does not run");
    let id = say(&mut world);
    world.write();
    assert_eq!(
        (world.app.later.len(), ack(&world, 0, id)),
        (1, None),
        "it is taken again, and its key was free"
    );
    world.disk.mood = Mood::Quick;
    world.settle();
    world.begin_anew(config, Origin::Crash);
    world.clients[0].inbox.clear();
    world.connect(0, None);
    world.settle();
    assert_eq!(world.app.later.len(), 0);
}

/// *A join waits for as long as the disk hangs: the page shows nothing, for hours.*
#[test]
fn a_join_waits_five_seconds_for_the_disk_and_is_not_done_then() {
    let mut world = yard(&[&["live"], &["live"]]);
    let fresh = ask(&mut world, 0, json!({"type": "join", "room": "kept"}));
    world.settle();
    let twice = ask(&mut world, 0, json!({"type": "join", "room": "kept"}));
    world.clients[0].rights.unanswered("kept"); // who is there may be told before the ack
    world.settle();
    world.pass(STORE_MS - 1);
    assert_eq!((ack(&world, 0, fresh), ack(&world, 0, twice)), (None, None));
    world.pass(1);
    assert_eq!(ack(&world, 0, fresh), Some(Err("UNAVAILABLE".into())));
    assert_eq!(ack(&world, 0, twice), Some(Err("UNAVAILABLE".into())), "it stood on that");
    let other = ask(&mut world, 1, json!({"type": "join", "room": "kept"}));
    world.settle();
    assert_eq!(ack(&world, 1, other), Some(Err("UNAVAILABLE".into())), "at once");
    let live = ask(&mut world, 1, json!({"type": "join", "room": "live2"}));
    world.settle();
    assert_eq!(ack(&world, 1, live), Some(Ok(0)), "live rooms do not need the disk");
    for _ in 0..4 {
        world.write();
    }
    world.disk.mood = Mood::Quick;
    world.settle();
    let said = publish(&mut world, 0, "kept");
    assert_eq!(ack(&world, 0, said), Some(Err("FORBIDDEN".into())), "it is not in the room");
    let kept = world.disk.kept(Origin::Crash);
    let mut rooms = kept.sessions.iter().flat_map(|session| &session.rooms);
    assert!(rooms.all(|member| &*member.room != "kept"), "on disk neither");
    let again = ask(&mut world, 0, json!({"type": "join", "room": "kept"}));
    world.settle();
    assert!(matches!(ack(&world, 0, again), Some(Ok(_))));
}

/// One that is in it already, and asks for it again behind what waits there: that was passed, so it is answered.
#[test]
fn a_join_again_that_waits_for_entries_waits_as_long_as_they_do() {
    let mut world = yard(&[&["kept"]]);
    publish(&mut world, 0, "kept");
    let again = ask(&mut world, 0, json!({"type": "join", "room": "kept"}));
    world.settle();
    assert_eq!(ack(&world, 0, again), None);
    world.pass(STORE_MS);
    assert!(matches!(ack(&world, 0, again), Some(Ok(_))));
    world.disk.mood = Mood::Quick;
    world.settle();
}
