//! What clients need (`docs/protocol.md`), each rule against a model of a few lines: the newest hello has the session, a
//! session is of one program, the newest join or leave of a room counts, an ack that was not told to be here is kept, and a key stands for one outcome.

use crate::law::law;
use crate::support::rooms::{Bounded, config};
use crate::support::steps::Step;
use crate::support::world::World;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Hellos of one session, as they arrive: their numbers, in any order and more than once.
#[test]
fn the_newest_hello_has_the_session() {
    let cases = (prop::collection::vec((1..12_u64, any::<bool>()), 1..12), any::<bool>());
    law("the_newest_hello_has_the_session", 500, &cases, |(hellos, waits)| {
        let mut world = World::new(Bounded::default(), 1, 1);
        world.step(&Step::Connect(0));
        world.step(&Step::Join(0, 4)); // a room that the application is asked about again at each return
        world.app.thinks = waits;
        let first = world.clients[0].link.as_ref().expect("it is there").conn;
        let (mut newest, mut holder) = (0, first);
        for (n, decided) in hellos {
            world.hello_numbered(0, n);
            let conn = world.clients[0].link.as_ref().expect("it was just made").conn;
            if n > newest {
                (newest, holder) = (n, conn);
            }
            world.settle();
            if decided {
                world.decide_one();
            }
        }
        while world.decide_one() {}
        world.settle();
        world.send(0, 3);
        world.settle();
        let heard = world.heard_alone();
        assert_eq!(heard, [holder], "hello {newest} is the newest: its connection alone hears");
    });
}

/// Hellos that name one session, each by the programs that it says (the one that says it, and those before it; none: it
/// does not say), and how much of what the application put off it decides then.
fn programs() -> impl Strategy<Value = Vec<(Vec<u8>, usize)>> {
    prop::collection::vec((prop::collection::vec(0..3_u8, 0..3), 0..3_usize), 1..8)
}

#[test]
fn a_session_is_of_one_program() {
    law("a_session_is_of_one_program", 500, &(programs(), any::<bool>()), |(hellos, waits)| {
        let mut world = World::new(Bounded::default(), 1 + hellos.len(), 1);
        world.step(&Step::Connect(0));
        world.step(&Step::Join(0, 4)); // a room that the application is asked about again at each return
        world.app.thinks = waits;
        let (token, held) = (world.clients[0].token.clone(), world.clients[0].held.clone());
        let (session, key) = held.expect("it was welcomed");
        // Which program has the session, and of each hello that has no welcome yet whether it was the session's own.
        let mut has: Option<u8> = None;
        let mut waiting: BTreeMap<usize, bool> = BTreeMap::new();
        let own = |has: Option<u8>, said: &[u8]| said.is_empty() || has.is_none_or(|has| said.contains(&has));
        let welcomes = |world: &World, waiting: &mut BTreeMap<usize, bool>, has: &mut Option<u8>| {
            for (client, was_own) in waiting.clone() {
                let of_kind = |said: &&Value| said["type"] == "welcome";
                let Some(welcome) = world.clients[client].inbox.iter().find(of_kind) else { continue };
                waiting.remove(&client);
                let said = &hellos[client - 1].0;
                let resumed = welcome["session"] == json!(session);
                assert_eq!(welcome["resumed"], json!(resumed));
                let is_own = own(*has, said);
                if resumed {
                    assert!(is_own, "{said:?} got the session of {has:?}");
                    *has = said.first().copied().or(*has);
                } else {
                    assert!(!(is_own && was_own), "{said:?} did not get the session of {has:?}");
                }
            }
        };
        for (at, (said, decided)) in hellos.iter().enumerate() {
            let client = at + 1;
            let mut hello = json!({"type": "hello", "v": 1, "session": session, "key": key});
            if let Some(token) = &token {
                hello["token"] = json!(token);
            }
            if !said.is_empty() {
                hello["program"] = said.iter().map(|of| json!(format!("program {of}"))).collect();
            }
            world.clients[client].held = Some((session.clone(), key.clone()));
            world.dial(client);
            world.clients[client].say(&hello);
            waiting.insert(client, own(has, said));
            world.settle();
            welcomes(&world, &mut waiting, &mut has);
            for _ in 0..*decided {
                world.decide_one();
                welcomes(&world, &mut waiting, &mut has);
            }
        }
        while world.decide_one() {
            welcomes(&world, &mut waiting, &mut has);
        }
        assert!(waiting.keys().all(|client| world.clients[*client].link.is_none()), "each has its welcome");
    });
}

/// A join or leave (true: a join) with this id or without one, of one of a few rooms.
fn moves() -> impl Strategy<Value = Vec<(bool, usize, Option<u64>)>> {
    let id = prop::option::weighted(0.8, 1..30_u64);
    prop::collection::vec((any::<bool>(), 0..3_usize, id), 1..40)
}

#[test]
fn the_newest_join_or_leave_of_a_room_counts() {
    law("the_newest_join_or_leave_of_a_room_counts", 500, &(moves(), 1..3_usize), |(moves, remembered)| {
        let mut config = config(Bounded::default());
        config.limits.left_rooms = remembered as u64; // fewer than are left: then an old join is refused to be sure
        let mut world = World::with(config, 1, 1);
        world.step(&Step::Connect(0));
        let session = world.clients[0].session(&world.app.sessions).expect("it is there");
        let rooms = ["skip", "latest", "hall"];
        // (Twice the id; what has none stands between the highest that was taken and the next.)
        let (mut newest, mut within) = ([0_u64; 3], [false; 3]);
        let mut taken = 0;
        for (joins, room, id) in moves {
            let kind = if joins { "join" } else { "leave" };
            let Some(id) = id else {
                world.clients[0].say(&json!({"type": kind, "room": rooms[room]}));
                world.settle();
                (newest[room], within[room]) = (2 * taken + 1, joins);
                continue;
            };
            let before = world.clients[0].inbox.len();
            world.clients[0].asked.insert(id, json!({}));
            world.clients[0].say(&json!({"type": kind, "id": id, "room": rooms[room]}));
            world.settle();
            let ack = world.clients[0].inbox[before..].iter().find(|said| said["id"] == json!(id));
            let ack = ack.unwrap_or_else(|| panic!("{kind} {id} has no ack"));
            let fresh = id > taken;
            let overtaken = !fresh && newest[room] > 2 * id;
            taken = taken.max(id);
            if overtaken {
                let refused = ack["error"]["code"] == "ACK_EXPIRED";
                assert_eq!(refused, joins, "an old {kind} was answered {ack}");
            } else if ack.get("error").is_some() {
                let forgotten = !fresh && !within[room];
                assert!(forgotten && ack["error"]["code"] == "ACK_EXPIRED", "{kind} {id} was answered {ack}");
            } else {
                newest[room] = newest[room].max(2 * id);
                within[room] = joins;
            }
            let inside = world.engine.rooms_of(session).expect("it is there");
            for (room, within) in rooms.iter().zip(within) {
                let there = inside.iter().any(|(of, _)| **of == **room);
                assert_eq!(there, within, "in {room} after {kind} {id}");
            }
        }
    });
}

/// What a client with few acks to be kept does: ask (true: an answer that comes later), ask again, say what it has.
#[derive(Clone, Debug)]
enum Asks {
    New(bool),
    Again(usize),
    Acked(usize),
    Decide,
}

fn asks() -> impl Strategy<Value = Vec<Asks>> {
    let one = prop_oneof![
        6 => any::<bool>().prop_map(Asks::New),
        4 => any::<prop::sample::Index>().prop_map(|at| Asks::Again(at.index(1000))),
        2 => any::<prop::sample::Index>().prop_map(|at| Asks::Acked(at.index(1000))),
        1 => Just(Asks::Decide),
    ];
    prop::collection::vec(one, 1..80)
}

#[test]
fn an_ack_that_the_client_does_not_have_is_kept() {
    let bounds = prop_oneof![
        (1..6_u64).prop_map(|acks| (acks, 4096, 1 << 20, 1 << 18)),
        (500..2_000_u64).prop_map(|page| (256, page, 0, 1 << 18)),
        (200..900_u64).prop_map(|bytes| (256, 4096, 1 << 20, bytes)),
    ];
    law("an_ack_that_the_client_does_not_have_is_kept", 500, &(asks(), bounds), |(asks, bounds)| {
        let mut config = config(Bounded::default());
        let limits = &mut config.limits;
        // So many acks of one session; or so many bytes, where others hold all the memory, or of its own.
        (limits.acks, limits.acks_at_least, limits.ack_memory, limits.ack_bytes) = bounds;
        let long = if limits.ack_bytes < 1_000 { 150 } else { 0 };
        let mut world = World::with(config, 1, 1);
        world.app.at_length = long;
        world.step(&Step::Connect(0));
        world.clients[0].say(&json!({"type": "ping", "time": 1, "acked": 0}));
        // By id: its ack, once there is one. `done` is what was not put off.
        let mut answers: BTreeMap<u64, Option<Value>> = BTreeMap::new();
        let (mut id, mut acked) = (0, 0);
        for ask in asks {
            let before = world.clients[0].inbox.len();
            match ask {
                Asks::New(later) => {
                    id += 1;
                    let event = if later { "late" } else { "work" };
                    let data = world.data(0);
                    let emit = json!({"type": "emit", "id": id, "event": event, "data": data});
                    world.clients[0].asked.insert(id, emit.clone());
                    world.clients[0].say(&emit);
                    answers.insert(id, None);
                }
                Asks::Again(at) => {
                    let open: Vec<u64> = answers.range(acked + 1..).map(|(id, _)| *id).collect();
                    if open.is_empty() {
                        continue;
                    }
                    let again = world.clients[0].asked[&open[at % open.len()]].clone();
                    world.clients[0].say(&again);
                }
                Asks::Acked(at) => {
                    // All up to the first that has none.
                    let here = answers.iter().take_while(|(_, ack)| ack.is_some()).count();
                    acked = acked.max((at % (here + 1)) as u64);
                    world.clients[0].say(&json!({"type": "ping", "time": 1, "acked": acked}));
                }
                Asks::Decide => world.decide_all(),
            }
            world.settle();
            for said in world.clients[0].inbox[before..].iter().filter(|said| said["type"] == "ack") {
                let id = said["id"].as_u64().expect("a number");
                if said["error"]["code"] == "OVERLOADED" {
                    answers.remove(&id); // not taken: the client asks under another id
                    continue;
                }
                assert_ne!(said["error"]["code"], "ACK_EXPIRED", "{id} is above {acked}");
                answers.entry(id).and_modify(|ack| *ack = Some(said.clone()));
            }
        }
        world.decide_all();
        for (data, count) in &world.app.done {
            assert_eq!(*count, 1, "the handler ran {count} times for {data}");
        }
    });
}

/// What a key's first request met with.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Met {
    Result,
    Refusal,
    Retry,
    /// Its session ended, and its handler with it.
    Cut,
    /// Its session ended, and its handler finished all the same.
    LateResult,
    /// The same: it was not done, and may be tried again.
    LateRetry,
}

fn meetings() -> impl Strategy<Value = Vec<(usize, Met)>> {
    let met = prop::sample::select(vec![
        Met::Result,
        Met::Refusal,
        Met::Retry,
        Met::Cut,
        Met::LateResult,
        Met::LateRetry,
    ]);
    prop::collection::vec((0..3_usize, met), 1..24)
}

#[test]
fn a_key_stands_for_one_outcome() {
    law("a_key_stands_for_one_outcome", 300, &meetings(), |meetings| {
        let mut world = World::new(Bounded::default(), 1, 1);
        world.step(&Step::Connect(0));
        let mut known: BTreeMap<usize, Value> = BTreeMap::new();
        for (key, met) in meetings {
            if !world.clients[0].welcomed {
                world.step(&Step::Connect(0));
            }
            let done: u32 = world.app.done.values().sum();
            let event = match met {
                Met::Result => "work",
                Met::Refusal => "fail",
                _ => "late",
            };
            // A key is one of an event: each event has three.
            let place = key + 3 * ["work", "fail", "late"].iter().position(|of| *of == event).unwrap_or(0);
            let emit = json!({"type": "emit", "event": event, "data": {"n": place}, "key": key.to_string()});
            let before = world.clients[0].inbox.len();
            let id = world.clients[0].request(emit, 0).expect("it is there");
            world.settle();
            let ran = world.app.done.values().sum::<u32>() - done;
            if let Some(known) = known.get(&place) {
                assert_eq!(ran, 0, "{event} {key} had its outcome and ran again");
                let ack = world.clients[0].inbox[before..].iter().find(|said| said["id"] == json!(id));
                let mut ack = ack.expect("what is known is told at once").clone();
                ack.as_object_mut().expect("a message").remove("id");
                assert_eq!(&ack, known, "another outcome of the same key");
                continue;
            }
            assert_eq!(ran, 1, "{event} {key} was free and did not run");
            match met {
                Met::Retry => world.fail_later("OVERLOADED", true),
                Met::Cut | Met::LateResult | Met::LateRetry => {
                    world.begin_later();
                    world.step(&Step::Bye(0));
                    world.step(&Step::Connect(0));
                    // Its message is for people: what it was is asked once, and stays.
                    let same = |id: u64| json!({"type": "emit", "id": id, "event": event, "data": {"n": place}, "key": key.to_string()});
                    let before = world.clients[0].inbox.len();
                    let id = world.clients[0].request(same(0), 0).expect("it is there");
                    world.settle();
                    let ack = world.clients[0].inbox[before..].iter().find(|said| said["id"] == json!(id));
                    let mut ack = ack.expect("what is known is told at once").clone();
                    assert_eq!(ack["error"]["code"], "OUTCOME_UNKNOWN", "{ack}");
                    match met {
                        Met::LateResult => {
                            world.decide_all();
                            // The same request, asked again, is told the truth.
                            world.clients[0].say(&same(id));
                            world.settle();
                            let said = world.clients[0].inbox.iter().rfind(|said| said["id"] == json!(id));
                            ack = said.expect("it was answered").clone();
                            assert!(ack["error"].is_null(), "the outcome is known by now: {ack}");
                        }
                        Met::LateRetry => {
                            world.fail_later("OVERLOADED", true);
                            continue; // free again
                        }
                        _ => world.abandon_later(),
                    }
                    ack.as_object_mut().expect("a message").remove("id");
                    known.insert(place, ack);
                    continue;
                }
                Met::Result | Met::Refusal => {}
            }
            world.settle();
            let ack = world.clients[0].inbox[before..].iter().find(|said| said["id"] == json!(id));
            let mut ack = ack.expect("it was answered").clone();
            if met == Met::Retry {
                assert_eq!(ack["error"]["retry"], json!(true), "{ack}");
                continue; // free again
            }
            ack.as_object_mut().expect("a message").remove("id");
            known.insert(place, ack);
        }
    });
}
