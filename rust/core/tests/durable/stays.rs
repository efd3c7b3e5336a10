//! Which stay in a room is spoken of.

use crate::support::world::World;
use crate::told::{answered, put_out, session};
use crate::yard::{ask, settings, yard};
use rtcore_core::log::ring::Bounds;
use rtcore_core::room::grants::Grants;
use rtcore_core::room::settings::{Durability, Settings};
use rtcore_core::store::Origin;
use serde_json::json;

fn said_of(world: &World, kind: &str) -> Vec<u64> {
    let inbox = world.clients[0].inbox.iter();
    inbox.filter(|said| said["type"] == kind).filter_map(|said| said["id"].as_u64()).collect()
}

/// *Over plain HTTP the ack of a join comes by one connection and `left` by another, in either order*: of which stay is it?
#[test]
fn left_and_grants_say_the_newest_join_of_their_room_that_was_taken() {
    for room in ["kept", "live"] {
        let mut world = yard(&[&["kept", "live"]]);
        let of = session(&world, 0);
        assert!(world.engine.set_grants(of, room, Grants::NONE, world.now));
        let again = ask(&mut world, 0, json!({"type": "join", "room": room}));
        world.settle();
        assert!(world.engine.set_grants(of, room, Grants::HISTORY, world.now));
        put_out(&mut world, 0, room);
        let anew = ask(&mut world, 0, json!({"type": "join", "room": room}));
        world.settle();
        put_out(&mut world, 0, room);
        for _ in 0..4 {
            world.write();
        }
        let (grants, left) = (said_of(&world, "grants"), said_of(&world, "left"));
        assert!(grants[0] < again, "said before the second join was taken, though it was told behind it");
        assert_eq!((grants[1], left), (again, vec![again, anew]), "{room}");
    }
}

/// *A `room` that comes behind the ack of a later join would put older rights in the place of newer ones.*
#[test]
fn room_says_the_newest_join_that_was_taken_before_it() {
    for room in ["kept", "live"] {
        let mut world = yard(&[&[]]);
        let of = session(&world, 0);
        assert!(world.engine.put_in(of, room, None, None, world.now).is_ok());
        world.settle();
        world.write();
        let join = ask(&mut world, 0, json!({"type": "join", "room": room}));
        world.settle();
        world.write();
        assert!(world.engine.set_grants(of, room, Grants::NONE, world.now));
        world.write();
        assert!(world.engine.set_grants(of, room, Grants::PRESENCE, world.now));
        for _ in 0..4 {
            world.write();
        }
        assert_eq!(said_of(&world, "room"), [0, join], "{room}: put in, and shown who is there");
    }
}

/// *The ack of a join is lost, its rights change, it comes again, and the authorizer decides anew*: what was said between and the
/// ack speak of one join, and which of them is the newer?
#[test]
fn what_a_join_that_comes_again_is_given_anew_is_said_behind_what_was_said_between() {
    let mut config = settings();
    let asked = |name: &str, durable| Settings {
        authorize: true,
        durable,
        ..Settings::new(name, Bounds { count: 9, bytes: 1 << 20, age_ms: 3_600_000 })
    };
    config.rooms.extend([asked("asked", Durability::Off), asked("asked for good", Durability::Full)]);
    let mut world = World::with(config, 1, 1);
    let new = world.disk.kept(Origin::New);
    world.engine.restore(&new, world.now);
    world.connect(0, None);
    world.settle();
    let of = session(&world, 0);
    for room in ["asked", "asked for good"] {
        world.app.grants = Some(Grants::HISTORY);
        let join = ask(&mut world, 0, json!({"type": "join", "room": room}));
        world.settle();
        assert!(world.engine.set_grants(of, room, Grants::NONE, world.now));
        world.settle();
        world.app.grants = Some(Grants::PUBLISH);
        world.clients[0].say(&json!({"type": "join", "room": room, "id": join}));
        world.settle();
        let told =
            world.clients[0].inbox.iter().filter(|said| said["type"] == "grants" && said["room"] == room);
        let told: Vec<_> = told.map(|said| (&said["grants"], &said["id"])).collect();
        let (none, publish, join) = (json!([]), json!(["publish"]), json!(join));
        assert_eq!(told, [(&none, &join), (&publish, &join)], "{room}");
    }
}

/// One that was put in without its asking, twice, and never joined.
#[test]
fn left_of_a_room_that_was_never_joined_says_that() {
    let mut world = yard(&[&[]]);
    let of = session(&world, 0);
    for _ in 0..2 {
        assert!(world.engine.put_in(of, "live", None, None, world.now).is_ok());
        put_out(&mut world, 0, "live");
    }
    assert_eq!(said_of(&world, "left"), [0, 0]);
}

/// Else its id would speak of two stays, and `left` would say nothing to whom the first ack did not reach.
#[test]
fn a_join_that_began_a_stay_which_was_ended_begins_no_other_when_it_comes_again() {
    for room in ["kept", "live"] {
        let mut world = yard(&[&[]]);
        let join = ask(&mut world, 0, json!({"type": "join", "room": room}));
        world.settle();
        world.write();
        put_out(&mut world, 0, room);
        for _ in 0..4 {
            world.write();
        }
        world.clients[0].inbox.clear();
        world.clients[0].say(&json!({"type": "join", "room": room, "id": join}));
        world.settle();
        assert_eq!(answered(&world, 0, join).as_deref(), Some("FORBIDDEN"), "{room}");
        let other = ask(&mut world, 0, json!({"type": "join", "room": room}));
        world.settle();
        world.write();
        world.write();
        assert_eq!(answered(&world, 0, other).as_deref(), Some("done"), "{room}");
    }
}
