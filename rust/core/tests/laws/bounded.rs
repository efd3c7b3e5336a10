//! Law 4: memory is bounded by configuration, not by the behaviour of peers. What the engine reports of itself stays
//! within what its settings allow, after each step of peers that flood, never read, and come and go as fast as they can.

use crate::law::law;
use crate::steps::steps;
use crate::support::rooms::{Bounded, config};
use crate::support::steps::Step;
use crate::support::world::World;
use proptest::prelude::*;
use rtcore_core::Limits;
use rtcore_core::log::ring::Bounds;
use rtcore_core::room::settings::Settings;
use serde_json::{Value, json};

const CLIENTS: usize = 6;
/// Refusals that are still being said, beyond the limit of connections.
const REFUSED_AT_ONCE: usize = 256;
/// The arena's chunks are closed at this size; see `outbox/arena.rs`.
const CHUNK: usize = 48 * 1024;
const KEPT_CHUNKS: usize = 32;

#[derive(Clone, Debug)]
enum Flood {
    Step(Step),
    /// So often the same, without waiting for anything.
    Say(usize, usize, usize),
    /// A new connection and its end, so often, within one moment.
    Storm(usize, usize),
    /// Connections that say nothing.
    Dial(usize, usize),
}

/// What peers flood with; `#` is another number each time.
const SAID: [&str; 8] = [
    r#"{"type":"emit","event":"late","data":{"n":#}}"#,
    r#"{"type":"emit","event":"late","key":"k#","data":{"n":#}}"#,
    r#"{"type":"ping","time":#}"#,
    r#"{"type":"auth","token":"u:ada"}"#,
    r#"{"type":"join","room":"many-#"}"#,
    r#"{"type":"publish","room":"skip","event":"e","key":"k#","data":{"n":#}}"#,
    r#"{"type":"history","room":"skip"}"#,
    r#"{"type":"no such type","n":#}"#,
];

fn floods() -> impl Strategy<Value = Vec<Flood>> {
    let some = 0..CLIENTS;
    let flood = prop_oneof![
        10 => steps(CLIENTS, 6).prop_map(|steps| steps.into_iter().map(Flood::Step).collect::<Vec<_>>()),
        4 => (some.clone(), 0..SAID.len(), 1..60_usize).prop_map(|(c, w, n)| vec![Flood::Say(c, w, n)]),
        2 => (some.clone(), 1..60_usize).prop_map(|(c, n)| vec![Flood::Storm(c, n)]),
        1 => (some, 1..12_usize).prop_map(|(c, n)| vec![Flood::Dial(c, n)]),
    ];
    prop::collection::vec(flood, 1..25).prop_map(|floods| floods.into_iter().flatten().collect())
}

fn limits() -> Limits {
    Limits {
        outbox: 700,
        ring_memory: 6_000,
        connections: 10,
        connections_per_address: 4,
        sessions: 8,
        rooms: 12,
        rooms_per_session: 5,
        waiting_requests: 3,
        waiting_bytes: 300,
        unsent_replies: 2_000,
        acks: 4,
        ack_bytes: 400,
        session_high: 2_000,
        session_low: 500,
        key_memory: 3_000,
        keys_per_user: 5,
        ..Limits::default()
    }
}

fn world(seed: u64) -> World {
    let mut config = config(Bounded { ring: 8, ..Bounded::default() });
    config.limits = limits();
    let bounds = Bounds { count: 4, bytes: 1_000, age_ms: 60_000 };
    config.rooms.push(Settings { relay: true, ..Settings::new("many-*", bounds) });
    let mut world = World::with(config, CLIENTS, seed);
    world.cuts = seed.is_multiple_of(2);
    world
}

fn act(world: &mut World, flood: &Flood) {
    match *flood {
        Flood::Step(ref step) => world.step(step),
        Flood::Say(client, what, often) => {
            for _ in 0..often {
                let number = world.data(0)["n"].to_string();
                let said: Value = serde_json::from_str(&SAID[what].replace('#', &number)).expect("JSON");
                let room = said["room"].as_str().unwrap_or_default();
                if said["type"] == json!("join") {
                    let head = world.head();
                    world.clients[client].record.joining(room, head);
                    world.clients[client].rights.unanswered(room);
                }
                world.clients[client].say(&said);
            }
            world.settle();
        }
        Flood::Storm(client, often) => {
            for _ in 0..often {
                world.connect(client, None);
                world.settle();
                world.cut(client, usize::MAX, false);
            }
            world.settle();
        }
        Flood::Dial(client, often) => {
            for _ in 0..often {
                world.dial(client);
            }
            world.settle();
        }
    }
}

fn at_most(what: &str, is: usize, limit: usize) {
    assert!(is <= limit, "{what}: {is}, and the settings allow {limit}");
}

/// Every size that the engine reports, against the settings.
fn within(world: &World, limits: &Limits) {
    let set = |name: &str| usize::try_from(limits.get(name).expect("a limit")).expect("small");
    let is = world.engine.sizes();
    let (conns, sessions) = (set("connections") + REFUSED_AT_ONCE, set("sessions"));
    at_most("connections", is.connections, conns);
    at_most("sessions", is.sessions, sessions);
    // rtcore's own rooms, `$all` and one a user, are bounded by the sessions, and those that a setting names exactly by the
    // settings (six here); and the application may make as many as its peers.
    at_most("rooms", is.rooms, 2 * set("rooms") + 1 + sessions + 8);
    at_most("bytes of rings", is.ring_bytes, set("ring_memory"));
    at_most("keys", is.keys, sessions.max(CLIENTS) * set("keys_per_user") * 4);
    // The application's own are counted apart.
    at_most("bytes of keys", is.key_bytes, 2 * set("key_memory"));
    // What waits for the application is not counted here: its word about a connection that is gone by then waits
    // until it comes, and only the application bounds that.
    let largest = set("max_first_message");
    at_most(
        "outbox memory",
        is.outbox_memory,
        (is.outbox_references + KEPT_CHUNKS + 2) * (2 * CHUNK + largest),
    );
    // Each has a few deadlines; stale ones are let go of before they are many more.
    let live = set("connections") + sessions + set("rooms") + 1 + sessions;
    at_most("timers", is.timers, 8 * live + 64);
    // A room and a key are charged to who made them, and may outlive its session.
    let charged = is.connections + is.sessions + is.rooms + is.keys;
    at_most("addresses", is.addresses, charged);
    at_most("users", is.users, charged);
}

#[test]
fn memory_is_bounded_by_the_settings() {
    law("memory_is_bounded_by_the_settings", 300, &(floods(), any::<u64>()), |(floods, seed)| {
        let limits = limits();
        let mut world = world(seed);
        for flood in &floods {
            act(&mut world, flood);
            within(&world, &limits);
        }
        // And when all have gone and their windows are over, nothing of them is left.
        for client in 0..CLIENTS {
            world.cut(client, 0, false);
        }
        world.cut_stale();
        world.decide_all();
        world.pass(7_200_000);
        world.pass(30_000); // where nothing happened at all, the first look at the time begins the sweeping
        let is = world.engine.sizes();
        let left = [
            is.connections,
            is.sessions,
            is.keys,
            is.key_bytes,
            is.outbox_references,
            is.addresses,
            is.users,
        ];
        assert_eq!(left, [0; 7], "connections, sessions, keys, their bytes, references, addresses, users");
        assert_eq!(
            (is.ring_bytes, is.waiting, is.rooms),
            (0, world.blocked(), 1),
            "only $all is left, and it is empty"
        );
    });
}
