//! Who was taken out of a room, may less there, or is over, is told so when a crash cannot undo it any more.

use crate::support::app::Asked;
use crate::support::disk::trouble;
use crate::support::said::publication;
use crate::support::world::World;
use crate::yard::{ack, ask, heard, publish, settings, yard};
use rtcore_core::engine::Publication;
use rtcore_core::limits::fixed::STORE_MS;
use rtcore_core::room::grants::Grants;
use rtcore_core::store::{Origin, Report, Trouble};
use rtcore_core::{Form, SessionId};
use serde_json::json;

pub fn session(world: &World, client: usize) -> SessionId {
    world.clients[client].session(&world.app.sessions).expect("it has one")
}

fn told(world: &World, client: usize, kind: &str) -> usize {
    world.clients[client].inbox.iter().filter(|said| said["type"] == kind).count()
}

pub fn put_out(world: &mut World, client: usize, room: &str) {
    let session = session(world, client);
    assert!(world.engine.put_out(session, room, "enough", world.now));
    world.settle();
}

fn leave(world: &mut World, client: usize, room: &str) -> u64 {
    let id = ask(world, client, json!({"type": "leave", "room": room}));
    world.settle();
    id
}

pub fn answered(world: &World, client: usize, id: u64) -> Option<String> {
    let ack = world.clients[client].inbox.iter().find(|said| said["type"] == "ack" && said["id"] == id)?;
    Some(ack["error"]["code"].as_str().unwrap_or("done").to_owned())
}

/// *Kicked, crash, back in the room with what was said since*: told before it is on disk, and so not true.
#[test]
fn who_is_taken_out_is_told_when_that_is_on_disk_and_hears_nothing_from_now_on() {
    for room in ["kept", "live"] {
        let mut world = yard(&[&["kept", "live"], &["kept", "live"]]);
        put_out(&mut world, 0, room);
        publish(&mut world, 1, room);
        assert_eq!((told(&world, 0, "left"), heard(&world, 0)), (0, vec![]));
        world.write();
        world.write();
        assert_eq!((told(&world, 0, "left"), heard(&world, 0)), (1, vec![]), "{room}");
        assert_eq!(heard(&world, 1), [1], "and the others hear on");
    }
}

#[test]
fn narrowed_rights_are_told_when_they_are_on_disk() {
    for room in ["kept", "live"] {
        let mut world = yard(&[&["kept", "live"]]);
        let session = session(&world, 0);
        assert!(world.engine.set_grants(session, room, Grants::NONE, world.now));
        world.settle();
        assert_eq!(told(&world, 0, "grants"), 0);
        world.write();
        assert_eq!(told(&world, 0, "grants"), 1);
    }
}

#[test]
fn who_is_put_in_is_told_when_that_is_on_disk() {
    let mut world = yard(&[&["kept"]]);
    let session = session(&world, 0);
    assert!(world.engine.put_in(session, "kept2", None, None, world.now).is_ok());
    world.settle();
    assert_eq!(told(&world, 0, "room"), 0);
    world.write();
    assert_eq!(told(&world, 0, "room"), 1);
}

#[test]
fn a_leave_is_acked_when_it_is_on_disk_and_of_a_session_without_anything_durable_at_once() {
    let mut world = yard(&[&["kept", "live"], &["live"]]);
    for room in ["live", "kept"] {
        let left = leave(&mut world, 0, room);
        assert_eq!(answered(&world, 0, left), None, "{room}");
        world.write();
        assert_eq!(answered(&world, 0, left).as_deref(), Some("done"), "{room}");
    }
    let light = leave(&mut world, 1, "live");
    assert_eq!(answered(&world, 1, light).as_deref(), Some("done"), "nothing is kept of it");
}

#[test]
fn what_is_told_of_rooms_is_told_in_its_order_though_only_some_of_it_waits() {
    let mut world = yard(&[&["kept", "live"]]);
    put_out(&mut world, 0, "live");
    let join = ask(&mut world, 0, json!({"type": "join", "room": "live"}));
    world.settle();
    assert_eq!(answered(&world, 0, join), None, "it is behind what waits");
    let live = publish(&mut world, 0, "live");
    assert_eq!(ack(&world, 0, live), Some(Ok(1)), "no other request is");
    world.write();
    world.write();
    let kinds = world.clients[0].inbox.iter().filter(|said| said["type"] == "left" || said["id"] == join);
    assert_eq!(kinds.map(|said| said["type"].clone()).collect::<Vec<_>>(), [json!("left"), json!("ack")]);
}

#[test]
fn who_is_ended_is_told_when_that_is_on_disk_and_nothing_is_taken_from_it_meanwhile() {
    let mut world = yard(&[&["kept"], &["kept"]]);
    let ended = session(&world, 0);
    assert!(world.engine.close_session(ended, 4503, "enough", world.now));
    world.settle();
    publish(&mut world, 1, "kept");
    let ignored = ask(&mut world, 0, json!({"type": "publish", "room": "kept", "event": "say", "data": 1}));
    world.settle();
    assert_eq!((told(&world, 0, "bye"), world.clients[0].closes.len()), (0, 0));
    assert_eq!(world.app.ended, [ended], "the application hears it at once");
    world.write();
    assert_eq!((told(&world, 0, "bye"), &*world.clients[0].closes), (1, &[4503][..]));
    assert_eq!((ack(&world, 0, ignored), heard(&world, 0)), (None, vec![]));
    world.write();
    world.come_to_rest();
}

#[test]
fn a_goodbye_is_answered_when_it_is_on_disk() {
    let mut world = yard(&[&["kept"]]);
    world.clients[0].say(&json!({"type": "bye"}));
    world.settle();
    assert_eq!(world.clients[0].closes.len(), 0);
    world.write();
    assert_eq!((told(&world, 0, "bye"), &*world.clients[0].closes), (0, &[1000][..]));
}

#[test]
fn who_has_nothing_on_disk_waits_for_none() {
    let mut world = yard(&[&["live"]]);
    put_out(&mut world, 0, "live");
    assert_eq!(told(&world, 0, "left"), 1);
    world.clients[0].say(&json!({"type": "bye"}));
    world.settle();
    assert_eq!(&*world.clients[0].closes, &[1000][..]);
}

/// The link breaks while the end is on its way: nothing of it is left.
#[test]
fn a_goodbye_whose_link_breaks_is_forgotten() {
    let mut world = yard(&[&["kept"]]);
    world.clients[0].say(&json!({"type": "bye"}));
    world.settle();
    world.cut(0, 0, false);
    world.write();
    world.come_to_rest();
}

#[test]
fn a_hanging_disk_holds_nothing_of_it_for_longer_than_five_seconds() {
    let mut world = yard(&[&["kept", "kept2"], &["kept"], &["kept"]]);
    let left = leave(&mut world, 0, "kept");
    put_out(&mut world, 0, "kept2");
    let ended = session(&world, 1);
    assert!(world.engine.close_session(ended, 4503, "enough", world.now));
    world.clients[2].say(&json!({"type": "bye"}));
    world.settle();
    world.pass(STORE_MS - 1);
    assert_eq!((answered(&world, 0, left), told(&world, 0, "left")), (None, 0));
    assert_eq!(world.clients[1].closes.len() + world.clients[2].closes.len(), 0);
    world.pass(1);
    assert_eq!(
        answered(&world, 0, left).as_deref(),
        Some("OUTCOME_UNKNOWN"),
        "it is out, and perhaps not for good"
    );
    assert_eq!(told(&world, 0, "left"), 1);
    assert_eq!(&*world.clients[1].closes, &[4503][..], "it must not come back");
    assert_eq!(&*world.clients[2].closes, &[1011][..], "it is not answered as if it were so");
    let durable = publish(&mut world, 0, "kept");
    assert_eq!(ack(&world, 0, durable), Some(Err("FORBIDDEN".into())));
    let (acks, closes) = (told(&world, 0, "ack"), world.clients[2].closes.len());
    world.write();
    world.write();
    assert_eq!((told(&world, 0, "ack"), world.clients[2].closes.len()), (acks, closes), "and nothing twice");
    world.come_to_rest();
}

/// What has happened is written again, should the store refuse it; and it is told when that is there.
#[test]
fn what_the_store_refuses_is_told_when_it_was_written_the_next_time() {
    let mut world = yard(&[&["kept"], &["kept"]]);
    publish(&mut world, 1, "kept"); // under way
    put_out(&mut world, 0, "kept");
    world.write();
    world.refuse();
    assert_eq!(told(&world, 0, "left"), 0);
    world.pass(1_000);
    world.write();
    assert_eq!(told(&world, 0, "left"), 1);
    world.come_to_rest();
}

/// All before it was refused, and nothing is left to be written: it does not wait for a group without facts.
#[test]
fn what_is_promised_behind_what_the_store_refuses_waits_for_nothing_more() {
    let mut world = yard(&[&["kept"]]);
    let id = publish(&mut world, 0, "kept");
    let ticket = world.engine.when_stored(world.now).expect("something is on its way");
    world.settle();
    world.refuse();
    assert_eq!(ack(&world, 0, id), Some(Err("UNAVAILABLE".into())));
    assert_eq!(world.app.stored, [(ticket, Ok(0))]);
    let id = publish(&mut world, 0, "kept");
    world.engine.when_stored(world.now).expect("something is on its way");
    let under_way = publish(&mut world, 0, "kept");
    world.report(Report::Down(trouble()));
    assert_eq!(ack(&world, 0, under_way), Some(Err("UNAVAILABLE".into())));
    world.report(Report::Up);
    world.write();
    assert!(ack(&world, 0, id).is_some_and(|ack| ack.is_ok()));
    assert_eq!(world.app.stored.len(), 2);
    world.come_to_rest();
}

/// *The handler of `kick` has answered, crash, and the kicked one is back.*
#[test]
fn the_ack_of_a_request_leaves_after_what_its_handler_decided_is_on_disk() {
    let mut world = yard(&[&["kept"], &["kept"]]);
    let decide = |world: &mut World, what: &dyn Fn(&mut World)| {
        let id = ask(world, 0, json!({"type": "emit", "event": "late", "data": {"n": 1}}));
        world.settle();
        let Some(Asked::Request { request, .. }) = world.app.later.pop() else {
            panic!("the handler has begun")
        };
        let before = world.engine.decisions();
        what(world);
        world.engine.decided_in(request, before, world.now);
        world.engine.ack(request, b"true", Form::Json, world.now);
        world.settle();
        id
    };
    let live = decide(&mut world, &|_| {});
    assert!(ack(&world, 0, live).is_some(), "it has decided nothing");
    let kick = decide(&mut world, &|world| put_out(world, 1, "kept"));
    assert_eq!(ack(&world, 0, kick), None);
    world.write();
    assert!(ack(&world, 0, kick).is_some_and(|ack| ack.is_ok()));
    let end = decide(&mut world, &|world| {
        let session = session(world, 1);
        world.engine.close_session(session, 4503, "enough", world.now);
    });
    world.pass(STORE_MS);
    assert_eq!(ack(&world, 0, end), Some(Err("OUTCOME_UNKNOWN".into())), "nobody knows");
    world.write();
    world.come_to_rest();
}

/// Its client would wait for ever.
#[test]
fn a_join_whose_session_was_taken_out_before_it_was_on_disk_is_answered() {
    let mut world = yard(&[&["live"], &["live"]]);
    let join = ask(&mut world, 0, json!({"type": "join", "room": "kept"}));
    world.settle();
    put_out(&mut world, 0, "kept");
    let other = ask(&mut world, 1, json!({"type": "join", "room": "kept"}));
    world.settle();
    leave(&mut world, 1, "kept");
    assert_eq!(answered(&world, 0, join), None);
    world.write();
    world.write();
    assert_eq!(answered(&world, 0, join).as_deref(), Some("FORBIDDEN"));
    assert_eq!(answered(&world, 1, other).as_deref(), Some("ACK_EXPIRED"), "as one that comes late");
    world.write();
    world.come_to_rest();
}

/// The room goes while it is being read, since nobody is in it any more.
#[test]
fn a_join_whose_room_was_freed_while_it_was_loaded_is_answered() {
    let mut world = yard(&[&["kept"]]);
    publish(&mut world, 0, "kept");
    world.write();
    leave(&mut world, 0, "kept");
    world.write();
    world.begin_anew(settings(), Origin::Crash);
    world.connect(0, None);
    world.settle();
    world.disk.mood = crate::support::disk::Mood::Waits;
    let welcome = world.clients[0].inbox.iter().rfind(|said| said["type"] == "welcome").expect("it is back");
    world.clients[0].next_id = welcome["taken"].as_u64().expect("a number") + 1; // below, a join is of the life that is over
    let join = ask(&mut world, 0, json!({"type": "join", "room": "kept", "last": 1}));
    world.settle();
    let group = world.disk.asked.iter().position(|ask| matches!(ask, rtcore_core::store::Ask::Write(_)));
    world.disk.asked.rotate_left(group.expect("its join is on its way"));
    world.write();
    assert_eq!(answered(&world, 0, join), None, "the room is not loaded yet");
    leave(&mut world, 0, "kept");
    world.write();
    world.write();
    world.write();
    assert_eq!(answered(&world, 0, join).as_deref(), Some("ACK_EXPIRED"));
    world.come_to_rest();
}

/// *Leave, five seconds of a disk that hangs, `OUTCOME_UNKNOWN`; the client asks again and hears that it is done.*
#[test]
fn a_leave_that_comes_again_is_acked_when_the_first_is_on_disk() {
    let mut world = yard(&[&["kept"]]);
    let first = leave(&mut world, 0, "kept");
    world.pass(STORE_MS);
    assert_eq!(answered(&world, 0, first).as_deref(), Some("OUTCOME_UNKNOWN"));
    let again = leave(&mut world, 0, "kept");
    assert_eq!(answered(&world, 0, again), None, "it is not on disk yet");
    world.write();
    assert_eq!(answered(&world, 0, again).as_deref(), Some("done"));
    let late = leave(&mut world, 0, "kept");
    assert_eq!(answered(&world, 0, late).as_deref(), Some("done"), "nothing is on its way");
    world.come_to_rest();
}

/// A handler that has begun: its request, and the id of the client's.
fn handler() -> (World, u64, u64) {
    let mut world = yard(&[&["kept"]]);
    let id = ask(&mut world, 0, json!({"type": "emit", "event": "late", "data": 1}));
    world.settle();
    let [Asked::Request { request, .. }] = world.app.later[..] else { panic!("it has begun") };
    world.app.later.clear();
    (world, request, id)
}

/// *A handler says something without waiting, the disk refuses it, and the ack says that all is well.*
#[test]
fn an_ack_tells_that_what_its_handler_said_and_did_not_wait_for_is_lost() {
    let said = publication("kept", "noted", b"1");
    for hangs in [false, true] {
        let (mut world, request, id) = handler();
        let said = Publication { request: Some(request), waits: false, ..said };
        let seq = world.engine.publish(&said, world.now);
        assert!(matches!(seq, Ok(1)), "its number is known at once: {seq:?}");
        world.engine.ack(request, b"1", Form::Json, world.now);
        world.settle();
        assert_eq!(ack(&world, 0, id), None);
        if hangs {
            world.pass(STORE_MS);
        } else {
            world.refuse();
        }
        assert_eq!(ack(&world, 0, id), Some(Err("OUTCOME_UNKNOWN".into())), "hangs: {hangs}");
        assert!(world.app.stored.iter().any(|(ticket, done)| *ticket == 0 && done.is_err()), "and the log");
    }
}

/// The same key once more: the number is that of the first, and the ack waits for it all the same.
#[test]
fn a_key_that_is_on_its_way_has_one_number_and_both_acks_wait_for_it() {
    for refused in [false, true] {
        let (mut world, request, id) = handler();
        let first = Publication { key: Some("k"), ..publication("kept", "noted", b"1") };
        assert!(world.engine.publish(&first, world.now).is_err(), "it is on its way");
        assert!(world.engine.publish(&publication("live", "x", b"2"), world.now).is_ok());
        let again = Publication { request: Some(request), waits: false, ..first };
        let seq = world.engine.publish(&again, world.now);
        assert!(matches!(seq, Ok(1)), "{seq:?}");
        world.engine.ack(request, b"1", Form::Json, world.now);
        world.settle();
        assert_eq!(ack(&world, 0, id), None);
        if refused {
            world.refuse();
        } else {
            world.write();
        }
        let told = if refused { Err("OUTCOME_UNKNOWN".into()) } else { Ok(0) };
        assert_eq!(ack(&world, 0, id), Some(told));
    }
}

/// Where the log is and how much room its disk has is for who runs the server, and not for whoever publishes.
#[test]
fn who_is_refused_hears_the_kind_of_trouble_and_nothing_of_the_machine() {
    let mut world = yard(&[&["kept"]]);
    let text = "/srv/shop/log.db: 57495552 bytes are free".to_owned();
    world.report(Report::Down(Trouble { kind: "full", text }));
    let id = publish(&mut world, 0, "kept");
    let told = &world.clients[0].acks[&id]["error"];
    assert_eq!((&told["code"], &told["retry"]), (&json!("UNAVAILABLE"), &json!(true)));
    let message = told["message"].as_str().unwrap();
    assert!(
        message.contains("(full)") && !message.contains("/srv") && !message.contains("57495552"),
        "{message}"
    );
}
