//! A disk that hangs: nobody is held by it for longer than five seconds, and who misses something is told so.

use crate::support::disk::Mood;
use crate::yard::{ack, ask, gaps, heard, publish, yard};
use rtcore_core::limits::fixed::{STORE_ENTRIES, STORE_MS};
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
