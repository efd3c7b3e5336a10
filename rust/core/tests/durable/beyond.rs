//! What the rings do not hold and the disk does: nobody is told a gap of it.

use crate::restart::{come_back, crash, quick};
use crate::support::disk::Mood;
use crate::support::said::publication;
use crate::support::world::World;
use crate::yard::{ack, ask, gaps, heard, publish, settings};
use rtcore_core::limits::fixed::{READ_TRIES, STORE_MS};
use rtcore_core::store::{Origin, Record, Report};
use serde_json::{Value, json};

fn told(world: &World, client: usize, id: u64) -> (Vec<u64>, Value, Value) {
    let data = &world.clients[client].acks[&id]["data"];
    let seqs = data["history"].as_array().unwrap().iter().map(|said| said["seq"].as_u64().unwrap()).collect();
    (seqs, data["complete"].clone(), data["gap"].clone())
}

fn away(world: &mut World, room: &str, count: usize) {
    world.cut(1, 0, false);
    for _ in 0..count {
        publish(world, 0, room);
    }
    world.clients[1].inbox.clear();
}

/// *"Hears exactly what it missed" against "gap, reason `ring`", with the entry on disk.*
#[test]
fn who_comes_back_is_fed_from_disk_beyond_the_ring() {
    for room in ["short", "strict"] {
        let mut world = quick(&[&[room], &[room]]);
        away(&mut world, room, 9);
        let welcome = come_back(&mut world, 1);
        assert_eq!(welcome["rooms"][0]["complete"], true, "the disk has what the ring let go of");
        assert_eq!((heard(&world, 1), gaps(&world, 1)), ((1..=9).collect(), vec![]));
        publish(&mut world, 0, room);
        assert_eq!(heard(&world, 1).last(), Some(&10), "it is live again");
        world.come_to_rest();
    }
}

#[test]
fn it_is_fed_page_by_page_in_the_order_of_all_its_rooms() {
    let mut world = quick(&[&["short", "short2", "live"], &["short", "short2", "live"]]);
    world.disk.page = Some(2);
    world.cut(1, 0, false);
    for room in ["short", "short", "short2", "live", "short", "short2", "short", "short2", "short2", "live"] {
        publish(&mut world, 0, room);
    }
    come_back(&mut world, 1);
    assert_eq!((heard(&world, 1), gaps(&world, 1)), ((1..=10).collect(), vec![]));
    world.come_to_rest();
}

#[test]
fn what_is_said_while_it_reads_is_heard_after_it_and_once() {
    let mut world = quick(&[&["short", "live"], &["short", "live"]]);
    away(&mut world, "short", 6);
    world.disk.page = Some(2);
    world.disk.mood = Mood::Waits;
    world.connect(1, None);
    world.settle();
    assert_eq!(heard(&world, 1), vec![0_u64; 0]);
    publish(&mut world, 0, "short");
    publish(&mut world, 0, "live");
    for _ in 0..12 {
        world.write();
    }
    assert_eq!((heard(&world, 1), gaps(&world, 1)), ((1..=8).collect(), vec![]));
    world.disk.mood = Mood::Quick;
    world.settle();
    world.come_to_rest();
}

#[test]
fn a_gap_is_told_of_what_the_disk_let_go_of_and_of_nothing_else() {
    let mut world = quick(&[&["short"], &["short"]]);
    away(&mut world, "short", 9);
    world.disk.freed.insert("short".into(), 4);
    world.report(Report::Freed { room: "short".into(), upto: 4 });
    come_back(&mut world, 1);
    assert_eq!(gaps(&world, 1), [("short".to_owned(), 1, 4, "ring".to_owned())]);
    assert_eq!(heard(&world, 1), (5..=9).collect::<Vec<u64>>());
    let history = ask(&mut world, 1, json!({"type": "history", "room": "short"}));
    world.settle();
    let (seqs, complete, gap) = told(&world, 1, history);
    assert_eq!((seqs, complete), ((5..=9).collect(), json!(false)));
    assert_eq!(gap, json!({"from": 1, "to": 4, "reason": "ring"}));
    world.come_to_rest();
}

#[test]
fn histories_and_joins_reach_beyond_the_ring() {
    let mut world = quick(&[&["short"], &[]]);
    let start = format!("{}.0", world.clients[0].epoch);
    for _ in 0..9 {
        publish(&mut world, 0, "short");
    }
    let request = |more: Value| {
        let mut request = json!({"type": "history", "room": "short"});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    let all = ask(&mut world, 0, request(json!({})));
    let since = ask(&mut world, 0, request(json!({"after": start, "limit": 3})));
    let last = ask(&mut world, 0, request(json!({"last": 5})));
    world.settle();
    assert_eq!(told(&world, 0, all), ((1..=9).collect(), json!(true), Value::Null));
    assert_eq!(told(&world, 0, since), ((1..=3).collect(), json!(true), Value::Null));
    assert_eq!(world.clients[0].acks[&since]["data"]["more"], true);
    assert_eq!(world.clients[0].acks[&since]["data"]["seq"], 3);
    assert_eq!(told(&world, 0, last), ((5..=9).collect(), json!(true), Value::Null));
    let join = ask(&mut world, 1, json!({"type": "join", "room": "short", "last": 6}));
    world.settle();
    assert_eq!(told(&world, 1, join), ((4..=9).collect(), json!(true), Value::Null));
    let leave = ask(&mut world, 1, json!({"type": "leave", "room": "short"}));
    world.settle();
    assert!(ack(&world, 1, leave).is_some());
    let join = ask(&mut world, 1, json!({"type": "join", "room": "short", "since": start}));
    world.settle();
    assert_eq!(told(&world, 1, join), ((1..=9).collect(), json!(true), Value::Null));
    world.come_to_rest();
}

/// A room of which one entry is damaged: its ring is filled at the start from the newest down to that one.
#[test]
fn a_damaged_entry_costs_itself_and_none_that_is_older() {
    let mut world = quick(&[&["kept"], &["kept"]]);
    away(&mut world, "kept", 9);
    world.disk.damaged.insert(5);
    crash(&mut world);
    let welcome = come_back(&mut world, 1);
    assert_eq!(welcome["resumed"], true);
    let of_room = |gap: &(String, u64, u64, String)| gap.0 == "kept";
    let gone: Vec<_> = gaps(&world, 1).into_iter().filter(of_room).collect();
    assert_eq!(gone, [("kept".to_owned(), 5, 5, "ring".to_owned())]);
    assert_eq!(heard(&world, 1), [1, 2, 3, 4, 6, 7, 8, 9]);
    let start = format!("{}.2", world.clients[1].epoch);
    let history = ask(&mut world, 1, json!({"type": "history", "room": "kept", "after": start}));
    world.settle();
    assert_eq!(told(&world, 1, history).0, [3, 4], "the page ends before it");
    assert_eq!(world.clients[1].acks[&history]["data"]["more"], true);
}

/// *Restored from a backup: clients say positions of the epoch before, and a shorter ring costs reads, not entries.*
#[test]
fn a_join_since_a_position_of_another_epoch_gets_what_the_disk_has() {
    let mut world = quick(&[&["short"], &[]]);
    for _ in 0..9 {
        publish(&mut world, 0, "short");
    }
    let join = ask(&mut world, 1, json!({"type": "join", "room": "short", "since": "other.3"}));
    world.settle();
    let gap = json!({"from": 0, "to": 0, "reason": "epoch"});
    assert_eq!(told(&world, 1, join), ((1..=9).collect(), json!(false), gap));
    world.come_to_rest();
}

#[test]
fn what_the_limits_emptied_before_a_start_is_not_told_as_lost_by_it() {
    let mut world = quick(&[&["kept"]]);
    for _ in 0..3 {
        publish(&mut world, 0, "kept");
    }
    world.disk.freed.insert("kept".into(), 3);
    crash(&mut world);
    come_back(&mut world, 0);
    let history = ask(&mut world, 0, json!({"type": "history", "room": "kept"}));
    world.settle();
    let gap = json!({"from": 1, "to": 3, "reason": "ring"});
    assert_eq!(told(&world, 0, history), (vec![], json!(false), gap));
    world.come_to_rest();
}

#[test]
fn a_join_and_a_return_say_which_rooms_are_durable() {
    let mut world = quick(&[&[]]);
    for (room, durable) in [("kept", json!(true)), ("live", Value::Null)] {
        let join = ask(&mut world, 0, json!({"type": "join", "room": room}));
        world.settle();
        assert_eq!(world.clients[0].acks[&join]["data"]["durable"], durable);
    }
    world.cut(0, 0, false);
    come_back(&mut world, 0);
    let rooms = world.clients[0].inbox.iter().filter(|said| said["type"] == "room");
    let durable: Vec<_> = rooms.map(|said| (said["room"].clone(), said["durable"].clone())).collect();
    assert_eq!(durable, [(json!("kept"), json!(true)), (json!("live"), Value::Null)]);
}

#[test]
fn what_cannot_be_read_is_tried_again_and_then_told() {
    let mut world = quick(&[&["short"], &["short"]]);
    away(&mut world, "short", 9);
    world.disk.unreadable = true;
    world.disk.reads = 0;
    come_back(&mut world, 1);
    assert_eq!(world.disk.reads, READ_TRIES as usize);
    assert_eq!(gaps(&world, 1), [("short".to_owned(), 1, 7, "store".to_owned())]);
    assert_eq!(heard(&world, 1), [8, 9], "and what the ring holds");
    let history = ask(&mut world, 1, json!({"type": "history", "room": "short"}));
    world.settle();
    assert_eq!(ack(&world, 1, history), Some(Err("UNAVAILABLE".into())));
    world.come_to_rest();
}

#[test]
fn a_disk_that_does_not_answer_holds_who_reads_for_five_seconds() {
    let mut world = quick(&[&["short", "live"], &["short", "live"]]);
    away(&mut world, "short", 9);
    world.disk.mood = Mood::Waits;
    world.connect(1, None);
    world.settle();
    publish(&mut world, 0, "live");
    let history = ask(&mut world, 0, json!({"type": "history", "room": "short"}));
    world.settle();
    world.pass(STORE_MS - 1);
    assert_eq!((heard(&world, 1), ack(&world, 0, history)), (vec![], None));
    world.pass(1);
    assert_eq!(
        (heard(&world, 1), gaps(&world, 1)),
        (vec![8, 9, 10], vec![("short".to_owned(), 1, 7, "store".to_owned())])
    );
    assert_eq!(ack(&world, 0, history), Some(Err("UNAVAILABLE".into())));
    world.disk.mood = Mood::Quick;
    world.settle();
    world.come_to_rest();
}

#[test]
fn a_ring_that_let_go_of_something_while_it_was_filled_has_no_hole() {
    let mut world = quick(&[&["short"], &["short"]]);
    away(&mut world, "short", 5);
    crash(&mut world);
    world.disk.mood = Mood::Quick;
    come_back(&mut world, 0);
    for _ in 0..4 {
        publish(&mut world, 0, "short");
    }
    come_back(&mut world, 1);
    let heard = heard(&world, 1);
    assert_eq!((&heard[..5], heard.len()), (&[1, 2, 3, 4, 5][..], 9));
    assert_eq!(gaps(&world, 1).iter().filter(|gap| gap.0 == "short").count(), 0);
}

/// *After a crash of the machine `complete: true` lies: what came after the last entry may have been heard by others.*
#[test]
fn after_a_crash_of_the_machine_a_room_that_is_not_synced_owes_a_gap() {
    let mut world = quick(&[&["normal", "kept"], &["normal", "kept"]]);
    publish(&mut world, 0, "normal");
    world.cut(1, 0, false);
    publish(&mut world, 0, "normal");
    world.begin_anew(settings(), Origin::Machine);
    come_back(&mut world, 1);
    let first = world.head() + 1;
    let owed: Vec<_> =
        gaps(&world, 1).into_iter().filter(|gap| !gap.0.is_empty() && !gap.0.starts_with('$')).collect();
    assert_eq!(owed, [("normal".to_owned(), 3, first - 1, "restart".to_owned())]);
    assert_eq!(heard(&world, 1), [2]);
    let history = ask(&mut world, 1, json!({"type": "history", "room": "normal"}));
    world.settle();
    let (seqs, complete, gap) = told(&world, 1, history);
    assert_eq!((seqs, complete), (vec![1, 2], json!(false)));
    assert_eq!(gap, json!({"from": 3, "to": first - 1, "reason": "restart"}));
    world.begin_anew(settings(), Origin::Crash);
    come_back(&mut world, 1);
    let again: Vec<_> = gaps(&world, 1).into_iter().filter(|gap| gap.0 == "normal").collect();
    assert_eq!(again, owed, "it has the same position: a crash of the process loses nothing more");
}

/// *Away over two starts: the second knows nothing of what was lost at the first, and tells `complete: true`.*
#[test]
fn what_was_lost_with_the_machine_is_owed_over_the_next_starts_too() {
    let mut world = quick(&[&["normal", "kept"], &["normal", "kept"]]);
    publish(&mut world, 0, "normal");
    world.cut(1, 0, false);
    world.begin_anew(settings(), Origin::Machine);
    let first = world.head() + 1;
    come_back(&mut world, 0);
    publish(&mut world, 0, "normal");
    world.begin_anew(settings(), Origin::Crash);
    come_back(&mut world, 1);
    let normal = |gap: &(String, u64, u64, String)| gap.0 == "normal";
    let owed: Vec<_> = gaps(&world, 1).into_iter().filter(normal).collect();
    assert_eq!(owed, [("normal".to_owned(), 2, first - 1, "restart".to_owned())]);
    assert_eq!(heard(&world, 1), [first], "what came since is on disk");
    let history = ask(&mut world, 1, json!({"type": "history", "room": "normal"}));
    world.settle();
    let (_, complete, gap) = told(&world, 1, history);
    assert_eq!(gap, json!({"from": 2, "to": first - 1, "reason": "restart"}));
    assert_eq!(complete, json!(false));
    let kept = ask(&mut world, 1, json!({"type": "history", "room": "kept"}));
    world.settle();
    assert_eq!(told(&world, 1, kept).1, json!(true), "a room that is synced has lost nothing");
}

/// *All that a room ever held was committed and not synced: the disk knows no such room, and it is told as whole.*
#[test]
fn a_room_of_which_the_disk_knows_nothing_owes_what_was_lost_with_the_machine() {
    let mut world = quick(&[&["normal", "kept"], &["normal", "kept"]]);
    world.cut(1, 0, false);
    publish(&mut world, 0, "normal");
    world.disk.written.retain(|record| !matches!(record, Record::Entry(_)));
    world.begin_anew(settings(), Origin::Machine);
    let first = world.head() + 1;
    come_back(&mut world, 1);
    let owed: Vec<_> = gaps(&world, 1).into_iter().filter(|gap| gap.0 == "normal").collect();
    assert_eq!(owed, [("normal".to_owned(), 1, first - 1, "restart".to_owned())]);
}

/// What the application reads of a room's past: the numbers, whether they are all, whether there are more.
fn read(world: &mut World, room: &str, after: u64, limit: u64) -> Result<(Vec<u64>, bool, bool), String> {
    let after = world.engine.position(after);
    let ticket =
        world.engine.read_history(room, Some(&after), limit, world.now).expect("there is such a room");
    let (entries, complete, more) = match ticket {
        Some(ticket) => {
            world.settle();
            let stored = world.app.stored.iter().find(|(of, _)| *of == ticket).expect("it was read");
            stored.1.clone()?;
            world.engine.take_history(ticket).expect("it waits to be taken")
        }
        None => world.engine.history(room, Some(&after), limit).expect("there is such a room"),
    };
    Ok((entries.iter().map(|entry| entry.seq).collect(), complete, more))
}

#[test]
fn the_application_reads_the_past_beyond_the_ring_too() {
    let mut world = quick(&[&["short"]]);
    for _ in 0..9 {
        publish(&mut world, 0, "short");
    }
    assert_eq!(read(&mut world, "short", 0, 4), Ok(((1..=4).collect(), true, true)));
    assert_eq!(read(&mut world, "short", 4, 100), Ok(((5..=9).collect(), true, false)));
    assert_eq!(
        (read(&mut world, "short", 8, 100), world.disk.reads),
        (Ok((vec![9], true, false)), 2),
        "the ring has it"
    );
    world.engine.publish(&publication("short", "more", b"1"), world.now).expect_err("it waits for the disk");
    world.disk.mood = Mood::Waits;
    assert_eq!(
        read(&mut world, "short", 8, 100).map(|(seqs, ..)| seqs),
        Ok(vec![9]),
        "what waits is not told"
    );
    world.disk.mood = Mood::Quick;
    world.settle();
    world.report(Report::Freed { room: "short".into(), upto: 3 });
    world.disk.freed.insert("short".into(), 3);
    assert_eq!(read(&mut world, "short", 0, 2), Ok((vec![4, 5], false, true)), "the disk has let go of some");
}

/// Nobody is in it since the start, and nobody needs to be.
#[test]
fn the_application_reads_the_past_of_a_room_that_nobody_is_in() {
    let mut world = quick(&[&["short"]]);
    for _ in 0..9 {
        publish(&mut world, 0, "short");
    }
    let leave = ask(&mut world, 0, json!({"type": "leave", "room": "short"}));
    world.settle();
    assert!(ack(&world, 0, leave).is_some_and(|ack| ack.is_ok()));
    crash(&mut world);
    assert_eq!(read(&mut world, "short", 2, 3), Ok((vec![3, 4, 5], true, true)));
    assert_eq!(read(&mut world, "short", 9, 3), Ok((vec![], true, false)));
    assert_eq!(read(&mut world, "kept", 9, 3), Ok((vec![], true, false)), "nothing was ever said in it");
}

#[test]
fn a_past_that_the_application_cannot_have_is_an_error_and_one_that_it_gives_up_is_forgotten() {
    let mut world = quick(&[&["short"]]);
    for _ in 0..9 {
        publish(&mut world, 0, "short");
    }
    world.disk.unreadable = true;
    assert_eq!(read(&mut world, "short", 0, 4), Err("UNAVAILABLE".into()));
    world.disk.unreadable = false;
    world.disk.mood = Mood::Waits;
    let ticket = world.engine.read_history("short", None, 4, world.now).unwrap().expect("it is on disk");
    world.settle();
    world.engine.forget_stored(ticket);
    world.disk.mood = Mood::Quick;
    world.settle();
    assert!(
        world.engine.take_history(ticket).is_none() && world.app.stored.iter().all(|(of, _)| *of != ticket)
    );
    world.disk.mood = Mood::Waits;
    let slow = world.engine.read_history("short", None, 4, world.now).unwrap().expect("it is on disk");
    world.pass(STORE_MS);
    assert_eq!(world.app.stored.last(), Some(&(slow, Err("UNAVAILABLE".into()))), "nobody waits for longer");
}
