//! Idempotency keys of durable requests over a restart: done once, whatever id comes with them.

use crate::support::app::Asked;
use crate::support::client::Client;
use crate::support::disk::Mood;
use crate::support::said::publication;
use crate::support::wire::Dialect;
use crate::support::world::World;
use crate::yard::{ack, ask, settings, yard};
use rtcore_core::engine::{Publication, Unpublished};
use rtcore_core::envelope::ErrorOut;
use rtcore_core::limits::fixed::STORE_MS;
use rtcore_core::store::{Ask, Origin, Record};
use serde_json::{Value, json};

fn quick() -> World {
    let mut world = yard(&[&["kept", "live"]]);
    world.disk.mood = Mood::Quick;
    world
}

fn crash(world: &mut World) {
    let mut config = settings();
    config.durable_events = vec!["work".into(), "late".into()];
    world.begin_anew(config, Origin::Crash);
    world.connect(0, None);
    world.settle();
}

fn with_handlers() -> World {
    let mut config = settings();
    config.durable_events = vec!["work".into(), "late".into()];
    let mut world = World::with(config, 1, 1);
    world.engine.restore(&world.disk.kept(Origin::New), world.now);
    world.settle();
    world.connect(0, None);
    world.settle();
    world
}

fn say(world: &mut World, request: Value) -> u64 {
    let id = ask(world, 0, request);
    world.settle();
    id
}

/// Its ack, once all is at rest.
fn ack_of(world: &mut World, request: Value) -> Result<u64, String> {
    let id = say(world, request);
    ack(world, 0, id).expect("it is answered")
}

fn keyed(room: &str, data: u64) -> Value {
    json!({"type": "publish", "room": room, "event": "say", "data": data, "key": "order-7"})
}

/// *The ack is lost, `kill -9`, and the client sends the same again under a new id: said twice.*
#[test]
fn a_key_of_a_durable_publish_is_found_again_after_a_restart() {
    let mut world = quick();
    let first = say(&mut world, keyed("kept", 1));
    let seq = ack(&world, 0, first).unwrap().unwrap();
    crash(&mut world);
    let again = say(&mut world, keyed("kept", 1));
    assert_eq!(ack(&world, 0, again), Some(Ok(seq)), "it was done, there");
    let other = say(&mut world, keyed("kept", 2));
    assert_eq!(ack(&world, 0, other), Some(Err("KEY_CONFLICT".into())), "and is no other's");
    assert_eq!(world.disk.entries(), [seq]);
}

#[test]
fn a_key_is_in_its_entrys_own_transaction() {
    let mut world = quick();
    world.disk.mood = Mood::Waits;
    say(&mut world, keyed("kept", 1));
    crash(&mut world); // neither is on disk
    let again = say(&mut world, keyed("kept", 1));
    let seq = ack(&world, 0, again).expect("it is answered").expect("it is done");
    assert_eq!(world.disk.entries(), [seq], "once");
}

#[test]
fn a_key_of_a_write_that_failed_is_free_and_not_on_disk() {
    let mut world = quick();
    world.disk.mood = Mood::Waits;
    let first = say(&mut world, keyed("kept", 1));
    world.refuse();
    assert_eq!(ack(&world, 0, first), Some(Err("UNAVAILABLE".into())));
    world.disk.mood = Mood::Quick;
    crash(&mut world);
    let again = say(&mut world, keyed("kept", 1));
    assert!(ack(&world, 0, again).is_some_and(|ack| ack.is_ok()));
}

#[test]
fn keys_of_live_requests_die_with_the_process() {
    let mut world = quick();
    say(&mut world, keyed("live", 1));
    assert!(
        !world.disk.written.iter().any(|record| matches!(record, Record::Key(_))),
        "nothing of it is kept"
    );
}

/// *The hour of a key ends because the clock was set, or while no server ran: done twice.*
#[test]
fn the_hour_of_a_key_is_time_in_which_a_server_ran() {
    let mut world = quick();
    let first = say(&mut world, keyed("kept", 1));
    let seq = ack(&world, 0, first).unwrap().unwrap();
    let hour = settings().limits.key_ms;
    world.pass(hour / 2);
    world.now.wall_ms += 24 * hour; // nobody ran, and somebody set the clock
    crash(&mut world);
    let again = say(&mut world, keyed("kept", 1));
    assert_eq!(ack(&world, 0, again), Some(Ok(seq)));
    world.pass(hour / 2 + 120_000);
    if !world.clients[0].welcomed {
        world.connect(0, None);
        world.settle();
        say(&mut world, json!({"type": "join", "room": "kept"}));
    }
    let late = say(&mut world, keyed("kept", 1));
    let later = ack(&world, 0, late).expect("it is answered").expect("it is done");
    assert!(later > seq, "its hour is over");
}

#[test]
fn a_key_whose_durable_handler_was_cut_off_says_that_nobody_knows() {
    let mut world = with_handlers();
    let request = json!({"type": "emit", "event": "late", "data": 1, "key": "order-7"});
    say(&mut world, request.clone());
    assert_eq!(world.app.later.len(), 1, "its handler has begun");
    crash(&mut world);
    let again = say(&mut world, request);
    assert_eq!(ack(&world, 0, again), Some(Err("OUTCOME_UNKNOWN".into())));
    assert_eq!(world.app.done.len(), 0, "it is not run again");
}

#[test]
fn the_result_of_a_durable_handler_is_found_by_its_key_after_a_restart() {
    let mut world = with_handlers();
    let request = json!({"type": "emit", "event": "work", "data": {"n": 1}, "key": "order-7"});
    let first = say(&mut world, request.clone());
    assert!(ack(&world, 0, first).is_some_and(|ack| ack.is_ok()));
    let told = world.clients[0].acks[&first]["data"].clone();
    crash(&mut world);
    let again = say(&mut world, request);
    assert_eq!(world.clients[0].acks[&again]["data"], told);
    assert_eq!(world.app.done.len(), 0);
}

/// A key is not kept for an error with `retry: true`, over a restart neither.
#[test]
fn a_key_whose_handler_said_that_it_may_be_tried_again_is_free_after_a_restart() {
    let mut world = with_handlers();
    let request = json!({"type": "emit", "event": "late", "data": 1, "key": "order-7"});
    let first = say(&mut world, request.clone());
    let [Asked::Request { request: ticket, .. }] = world.app.later[..] else { panic!("it has begun") };
    let error = ErrorOut { retry: true, ..ErrorOut::new("BUSY", "later") };
    world.engine.fail(ticket, &error, world.now);
    world.settle();
    assert_eq!(ack(&world, 0, first), Some(Err("BUSY".into())));
    crash(&mut world);
    say(&mut world, request);
    assert_eq!(world.app.later.len(), 1, "it is begun again");
}

#[test]
fn a_key_of_the_application_is_found_again() {
    let mut world = quick();
    let said = Publication { key: Some("order-7"), ..publication("kept", "noted", b"1") };
    assert!(world.engine.publish(&said, world.now).is_err(), "it is on its way to the disk");
    world.settle();
    let seq = world.head();
    crash(&mut world);
    let looked_up = world.engine.publish(&said, world.now);
    assert!(matches!(looked_up, Err(Unpublished::Blocked(_))), "it is read, and then tried again");
    world.settle();
    assert_eq!(world.engine.publish(&said, world.now).ok(), Some(seq));
}

/// What earlier lives kept is read when it is said again, and not before: a start takes no longer for it.
#[test]
fn a_key_of_an_earlier_life_is_read_once_and_a_new_one_costs_no_read() {
    let mut world = quick();
    let seq = ack_of(&mut world, keyed("kept", 1)).expect("it is done");
    crash(&mut world);
    let before = world.disk.reads; // the ring of its room
    assert!(
        ack_of(
            &mut world,
            json!({"type": "publish", "room": "kept", "event": "say", "data": 2, "key": "new"})
        )
        .is_ok()
    );
    assert_eq!(world.disk.reads, before);
    assert_eq!(ack_of(&mut world, keyed("kept", 1)), Ok(seq));
    assert_eq!(ack_of(&mut world, keyed("kept", 1)), Ok(seq));
    assert_eq!(world.disk.reads, before + 1, "from then on it is in memory");
    crash(&mut world);
    assert_eq!(ack_of(&mut world, keyed("kept", 1)), Ok(seq), "and still on disk");
}

/// *What it says next overtakes what waits for the disk: numbers out of order.*
#[test]
fn what_a_session_says_next_waits_until_its_key_was_read() {
    let mut world = quick();
    ack_of(&mut world, keyed("kept", 1)).expect("it is done");
    crash(&mut world);
    world.disk.mood = Mood::Waits;
    let late = say(&mut world, keyed("kept", 1));
    let next = say(&mut world, json!({"type": "publish", "room": "kept", "event": "say", "data": 2}));
    assert_eq!((ack(&world, 0, late), ack(&world, 0, next)), (None, None));
    assert!(!world.disk.asked.iter().any(|ask| matches!(ask, Ask::Write(_))), "it was not taken");
    world.write();
    assert!(ack(&world, 0, late).is_some_and(|ack| ack.is_ok()));
    world.write();
    assert!(ack(&world, 0, next).is_some_and(|ack| ack.is_ok()));
}

/// *It cannot be read whether it was done: done again, in the hope that it was not.*
#[test]
fn a_key_that_cannot_be_read_is_no_new_one() {
    let mut world = quick();
    let seq = ack_of(&mut world, keyed("kept", 1)).expect("it is done");
    crash(&mut world);
    world.disk.unreadable = true;
    assert_eq!(ack_of(&mut world, keyed("kept", 1)), Err("UNAVAILABLE".into()));
    world.disk.unreadable = false;
    assert_eq!(ack_of(&mut world, keyed("kept", 1)), Ok(seq));
    assert_eq!(world.disk.entries(), [seq]);
}

/// The disk hangs: it is waited for as long as for a write.
#[test]
fn a_key_that_is_read_too_slowly_is_no_new_one() {
    let mut world = quick();
    let seq = ack_of(&mut world, keyed("kept", 1)).expect("it is done");
    crash(&mut world);
    world.disk.mood = Mood::Waits;
    let late = say(&mut world, keyed("kept", 1));
    world.pass(STORE_MS + 1);
    assert_eq!(ack(&world, 0, late), Some(Err("UNAVAILABLE".into())));
    world.disk.mood = Mood::Quick;
    world.settle();
    assert_eq!(ack_of(&mut world, keyed("kept", 1)), Ok(seq));
}

#[test]
fn two_who_say_the_same_key_of_an_earlier_life_have_the_same_answer() {
    let mut world = yard(&[&["kept"], &["kept"]]);
    world.disk.mood = Mood::Quick;
    let app = Publication { key: Some("order-7"), ..publication("kept", "noted", b"1") };
    assert!(world.engine.publish(&app, world.now).is_err());
    world.settle();
    let seq = world.head();
    world.begin_anew(settings(), Origin::Crash);
    world.disk.mood = Mood::Waits;
    for _ in 0..2 {
        assert!(matches!(world.engine.publish(&app, world.now), Err(Unpublished::Blocked(_))));
    }
    world.settle();
    let reads = world.disk.asked.iter().filter(|ask| matches!(ask, Ask::Read(_))).count();
    assert_eq!(reads, 1, "it is read once for both");
    while world.disk.write(&mut world.engine, world.now) {}
    world.settle();
    for _ in 0..2 {
        assert_eq!(world.engine.publish(&app, world.now).ok(), Some(seq));
    }
}

/// *A user fills its quota, the server is restarted, and it fills it again, as often as there are restarts: the log and the
/// memory of each start grow without a bound.*
#[test]
fn keys_on_disk_alone_count_to_the_quota_of_their_user() {
    let few = || {
        let mut config = settings();
        config.limits.keys_per_user = 2;
        config
    };
    let mut world = World::with(few(), 1, 1);
    world.engine.restore(&world.disk.kept(Origin::New), world.now);
    world.settle();
    world.connect(0, None);
    world.settle();
    say(&mut world, json!({"type": "join", "room": "kept"}));
    let said = |key: &str| json!({"type": "publish", "room": "kept", "event": "say", "data": 1, "key": key});
    let first = ack_of(&mut world, said("a")).expect("it is done");
    world.pass(60_000);
    if !world.clients[0].welcomed {
        world.connect(0, None);
        world.settle();
    }
    ack_of(&mut world, said("b")).expect("it is done");
    world.begin_anew(few(), Origin::Crash);
    world.connect(0, None);
    world.settle();
    assert_eq!(
        ack_of(&mut world, said("c")),
        Err("OVERLOADED".into()),
        "neither is in memory, and both are kept"
    );
    assert_eq!(ack_of(&mut world, said("a")), Ok(first), "a key that is known needs no place");
    assert_eq!(ack_of(&mut world, said("c")), Err("OVERLOADED".into()), "one in memory, one on disk");
    world.pass(few().limits.key_ms - 30_000);
    if !world.clients[0].welcomed {
        world.connect(0, None);
        world.settle();
    }
    assert!(ack_of(&mut world, said("c")).is_ok(), "the hour of the first is over");
    assert_eq!(ack_of(&mut world, said("d")), Err("OVERLOADED".into()), "and that of the second is not");
}

/// *Somebody without a user fills what its address may have of keys, the server is restarted, and it fills it again, with a session
/// that is new.*
#[test]
fn keys_on_disk_of_a_session_without_a_user_count_to_its_address() {
    let few = || {
        let mut config = settings();
        config.limits.key_memory = 1_000; // half is an address's: one key, and not two
        config
    };
    let said = |key: &str| json!({"type": "publish", "room": "kept", "event": "say", "data": 1, "key": key});
    let mut world = World::with(few(), 2, 1);
    world.engine.restore(&world.disk.kept(Origin::New), world.now);
    world.settle();
    let come = |world: &mut World, token| {
        world.clients[1] = Client::new(Dialect::ALL[0], token);
        world.connect(1, None);
        world.settle();
        ask(world, 1, json!({"type": "join", "room": "kept"}));
        world.settle();
    };
    let told = |world: &mut World, key: &str| {
        let id = ask(world, 1, said(key));
        world.settle();
        ack(world, 1, id).expect("it is answered")
    };
    come(&mut world, None);
    assert!(told(&mut world, "a").is_ok());
    assert_eq!(told(&mut world, "b"), Err("OVERLOADED".into()), "in memory");
    world.begin_anew(few(), Origin::Crash);
    come(&mut world, None); // another session, from the same address
    assert_eq!(told(&mut world, "c"), Err("OVERLOADED".into()), "on disk");
    world.pass(few().limits.key_ms + 60_000);
    come(&mut world, None);
    assert!(told(&mut world, "c").is_ok(), "its hour is over");
}

/// *An address has as many sessions as it may, the server is restarted, and it has as many more.*
#[test]
fn sessions_on_disk_without_a_user_count_to_their_address() {
    let one = || {
        let mut config = settings();
        config.limits.sessions_per_address = 1;
        config
    };
    let mut world = World::with(one(), 2, 1);
    world.engine.restore(&world.disk.kept(Origin::New), world.now);
    world.settle();
    world.connect(1, None);
    world.settle();
    ask(&mut world, 1, json!({"type": "join", "room": "kept"}));
    world.settle();
    world.begin_anew(one(), Origin::Crash);
    assert_eq!(world.engine.sizes().sessions, 1, "it is back");
    world.clients[1] = Client::new(Dialect::ALL[0], None);
    world.connect(1, None);
    world.settle();
    assert_eq!(world.engine.sizes().sessions, 1, "the one that is away goes for one more of its address");
}
