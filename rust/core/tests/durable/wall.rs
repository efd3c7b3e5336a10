//! The wall: nobody hears, and no ack says, what is not on disk.

use crate::support::disk::trouble;
use crate::support::said::publication;
use crate::yard::{ack, ask, gaps, heard, publish, yard};
use rtcore_core::engine::Unpublished;
use rtcore_core::store::Report;
use serde_json::json;

#[test]
fn a_durable_publish_is_heard_and_acknowledged_when_it_is_on_disk() {
    let mut world = yard(&[&["kept"], &["kept"]]);
    let id = publish(&mut world, 0, "kept");
    assert_eq!((ack(&world, 0, id), heard(&world, 1)), (None, vec![]), "it is not on disk");
    world.write();
    assert_eq!((ack(&world, 0, id), heard(&world, 1)), (Some(Ok(1)), vec![1]));
    assert_eq!(world.disk.entries(), [1]);
    world.come_to_rest();
}

#[test]
fn what_the_store_refuses_is_heard_by_nobody_and_its_number_is_never_used() {
    let mut world = yard(&[&["kept"], &["kept"]]);
    let id = publish(&mut world, 0, "kept");
    world.refuse();
    assert_eq!((ack(&world, 0, id), heard(&world, 1)), (Some(Err("UNAVAILABLE".into())), vec![]));
    let again = publish(&mut world, 0, "kept");
    world.write();
    assert_eq!((ack(&world, 0, again), heard(&world, 1)), (Some(Ok(2)), vec![2]));
    assert_eq!(gaps(&world, 1), []);
    world.come_to_rest();
}

#[test]
fn a_key_is_free_again_when_its_write_was_refused() {
    let mut world = yard(&[&["kept"]]);
    let keyed = json!({"type": "publish", "room": "kept", "event": "say", "data": 1, "key": "k"});
    let first = ask(&mut world, 0, keyed.clone());
    world.settle();
    let waits = ask(&mut world, 0, keyed.clone());
    world.settle();
    world.refuse();
    assert_eq!(ack(&world, 0, first), Some(Err("UNAVAILABLE".into())));
    assert_eq!(ack(&world, 0, waits), Some(Err("UNAVAILABLE".into())), "who waited for it is told the same");
    let again = ask(&mut world, 0, keyed.clone());
    world.settle();
    world.write();
    assert_eq!(ack(&world, 0, again), Some(Ok(2)));
    let known = ask(&mut world, 0, keyed);
    world.settle();
    assert_eq!(ack(&world, 0, known), Some(Ok(2)));
}

/// Without the wall it would report a position beyond an entry that it has not heard.
#[test]
fn who_listens_to_both_hears_a_live_room_after_what_waits() {
    let mut world = yard(&[&["kept", "live"], &["live"], &["kept", "live"]]);
    let durable = publish(&mut world, 0, "kept");
    let live = publish(&mut world, 1, "live");
    assert_eq!(ack(&world, 1, live), Some(Ok(2)), "acks of live requests do not wait");
    assert_eq!(heard(&world, 1), [2], "and who listens to no durable room hears it");
    assert_eq!((heard(&world, 2), ack(&world, 0, durable)), (vec![], None));
    world.write();
    assert_eq!(heard(&world, 2), [1, 2]);
    let live = publish(&mut world, 1, "live");
    assert_eq!((ack(&world, 1, live), heard(&world, 2)), (Some(Ok(3)), vec![1, 2, 3]), "it is live again");
    world.come_to_rest();
}

#[test]
fn a_group_is_what_came_while_the_last_one_was_written() {
    let mut world = yard(&[&["kept"], &["kept", "live"]]);
    let ids: Vec<u64> = (0..5).map(|_| publish(&mut world, 0, "kept")).collect();
    let live = publish(&mut world, 1, "live");
    world.write();
    assert_eq!(heard(&world, 1), [1], "the others were not in that group");
    world.write();
    assert_eq!(heard(&world, 1), [1, 2, 3, 4, 5, 6]);
    assert!(ids.iter().all(|id| ack(&world, 0, *id).is_some_and(|ack| ack.is_ok())));
    assert_eq!(ack(&world, 1, live), Some(Ok(6)));
    world.come_to_rest();
}

#[test]
fn who_was_cut_off_comes_back_to_what_waits_and_hears_it_once() {
    let mut world = yard(&[&["kept"], &["kept", "live"]]);
    publish(&mut world, 0, "kept");
    publish(&mut world, 1, "live");
    world.cut(1, 0, false);
    world.connect(1, None);
    world.settle();
    assert_eq!(heard(&world, 1), vec![0_u64; 0]);
    world.write();
    assert_eq!(heard(&world, 1), [1, 2]);
    world.come_to_rest();
}

#[test]
fn a_join_and_a_history_tell_only_what_is_on_disk() {
    let mut world = yard(&[&["kept"], &[]]);
    publish(&mut world, 0, "kept");
    world.write();
    publish(&mut world, 0, "kept");
    let history = ask(&mut world, 0, json!({"type": "history", "room": "kept"}));
    let join = ask(&mut world, 1, json!({"type": "join", "room": "kept", "last": 10}));
    world.settle();
    let told = |world: &crate::support::world::World, client: usize, id: u64| {
        let ack = world.clients[client].acks.get(&id)?;
        Some(
            ack["data"]["history"]
                .as_array()?
                .iter()
                .map(|said| said["seq"].as_u64().unwrap())
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(told(&world, 0, history), Some(vec![1]));
    assert_eq!(told(&world, 1, join), None, "it is answered after the entries that wait");
    world.write();
    world.write();
    assert_eq!(told(&world, 1, join), Some(vec![1, 2]));
    assert_eq!(heard(&world, 1), vec![0_u64; 0], "what was before it began is history's affair");
    let (history, complete) =
        world.engine.history("kept", None, 10).map(|(said, complete, _)| (said.len(), complete)).unwrap();
    assert_eq!((history, complete), (2, true));
    world.come_to_rest();
}

#[test]
fn a_join_that_is_not_on_disk_is_none() {
    let mut world = yard(&[&[]]);
    let join = ask(&mut world, 0, json!({"type": "join", "room": "kept"}));
    world.settle();
    world.refuse();
    assert_eq!(ack(&world, 0, join), Some(Err("UNAVAILABLE".into())));
    assert_eq!(world.engine.members("kept").unwrap_or_default().len(), 0);
}

/// It was answered at once, since nothing had changed by it: a crash then left a session without the room.
#[test]
fn a_join_that_comes_again_before_the_first_is_on_disk_has_its_fate() {
    for refused in [false, true] {
        let mut world = yard(&[&[]]);
        let join = |world: &mut crate::support::world::World| {
            let id = ask(world, 0, json!({"type": "join", "room": "kept"}));
            world.settle();
            id
        };
        let joins = [join(&mut world), join(&mut world), join(&mut world)];
        assert_eq!(joins.map(|id| ack(&world, 0, id)), [None, None, None], "nothing is on disk");
        let wanted = if refused { Err("UNAVAILABLE".to_owned()) } else { Ok(0) };
        if refused {
            world.refuse();
        } else {
            world.write();
        }
        for id in joins {
            assert_eq!(ack(&world, 0, id).map(|told| told.map(|_| 0)), Some(wanted.clone()));
        }
        let there = world.engine.members("kept").unwrap_or_default().len();
        assert_eq!(there, usize::from(!refused));
        let late = join(&mut world);
        assert_eq!(ack(&world, 0, late).is_some(), !refused, "what is on disk is told at once");
    }
}

#[test]
fn the_application_hears_when_what_it_said_is_on_disk() {
    let mut world = yard(&[&["kept"]]);
    let said = publication("kept", "said", b"1");
    let Err(Unpublished::Storing(first)) = world.engine.publish(&said, world.now) else {
        panic!("it is durable")
    };
    world.settle();
    let Err(Unpublished::Storing(second)) = world.engine.publish(&said, world.now) else {
        panic!("it is durable")
    };
    world.settle();
    assert_eq!(world.app.stored, []);
    world.write();
    world.refuse();
    assert_eq!(world.app.stored, [(first, Ok(1)), (second, Err("UNAVAILABLE".into()))]);
    assert_eq!(heard(&world, 0), [1]);
}

#[test]
fn a_store_that_is_down_takes_nothing_and_live_rooms_go_on() {
    let mut world = yard(&[&["kept", "live"], &["kept"]]);
    let under_way = publish(&mut world, 0, "kept");
    let gathered = publish(&mut world, 0, "kept");
    world.report(Report::Unknown(1, trouble()));
    assert_eq!(ack(&world, 0, under_way), None, "nobody knows");
    assert_eq!(ack(&world, 0, gathered), Some(Err("UNAVAILABLE".into())), "it never left");
    let refused = publish(&mut world, 0, "kept");
    assert_eq!(ack(&world, 0, refused), Some(Err("UNAVAILABLE".into())));
    let live = publish(&mut world, 0, "live");
    assert!(ack(&world, 0, live).is_some_and(|ack| ack.is_ok()));
    world.write();
    assert_eq!(ack(&world, 0, under_way), Some(Ok(1)));
    world.report(Report::Up);
    let id = publish(&mut world, 0, "kept");
    world.write();
    assert!(ack(&world, 0, id).is_some_and(|ack| ack.is_ok()));
    world.come_to_rest();
}
