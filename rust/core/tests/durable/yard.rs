//! A world with a store, a durable room and a live one.

use crate::support::disk::Mood;
use crate::support::rooms::{Bounded, config};
use crate::support::world::World;
use rtcore_core::engine::Config;
use rtcore_core::log::ring::Bounds;
use rtcore_core::room::settings::{Durability, Policy, Settings};
use rtcore_core::store::Origin;
use serde_json::{Value, json};

pub fn settings() -> Config {
    let bounds = Bounds { count: 1024, bytes: 1 << 20, age_ms: 3_600_000 };
    let few = Bounds { count: 2, ..bounds };
    let relay = |name: &str| Settings { relay: true, ..Settings::new(name, bounds) };
    let kept = |name: &str, durable| Settings { durable, ..relay(name) };
    let mut config = config(Bounded::default());
    config.store = true;
    config.rooms.extend([
        kept("kept*", Durability::Full),
        kept("normal*", Durability::Commit),
        relay("live*"),
        Settings { durable: Durability::Full, ..Settings { relay: true, ..Settings::new("short*", few) } },
        Settings {
            durable: Durability::Full,
            policy: Policy::Disconnect,
            ..Settings { relay: true, ..Settings::new("strict*", few) }
        },
    ]);
    config
}

/// Clients that are there and in these rooms, and a store that writes only when it is told to.
pub fn yard(rooms: &[&[&str]]) -> World {
    let mut world = World::with(settings(), rooms.len(), 1);
    let new = world.disk.kept(Origin::New);
    world.engine.restore(&new, world.now);
    world.settle();
    for (client, rooms) in rooms.iter().enumerate() {
        world.connect(client, None);
        world.settle();
        for room in *rooms {
            ask(&mut world, client, json!({"type": "join", "room": room}));
            world.settle();
        }
    }
    world.disk.mood = Mood::Waits;
    world
}

/// A client asks for something; the id.
pub fn ask(world: &mut World, client: usize, request: Value) -> u64 {
    let head = world.head();
    world.clients[client].request(request, head).expect("it is there")
}

/// A client publishes; the id.
pub fn publish(world: &mut World, client: usize, room: &str) -> u64 {
    let data = world.data(3);
    let id = ask(world, client, json!({"type": "publish", "room": room, "event": "say", "data": data}));
    world.settle();
    id
}

/// Numbers of the events that a client heard, in order.
pub fn heard(world: &World, client: usize) -> Vec<u64> {
    world.clients[client]
        .inbox
        .iter()
        .filter(|said| said["type"] == "event")
        .filter_map(|said| said["seq"].as_u64())
        .collect()
}

/// Gaps that a client was told of: room, from, to and reason.
pub fn gaps(world: &World, client: usize) -> Vec<(String, u64, u64, String)> {
    let gaps = world.clients[client].inbox.iter().filter(|said| said["type"] == "gap");
    gaps.map(|gap| {
        let text = |at: &str| gap[at].as_str().unwrap_or_default().to_owned();
        (text("room"), gap["from"].as_u64().unwrap(), gap["to"].as_u64().unwrap(), text("reason"))
    })
    .collect()
}

/// The ack of a request: its number, or its error's code; none: there is none yet.
pub fn ack(world: &World, client: usize, id: u64) -> Option<Result<u64, String>> {
    let ack =
        world.clients[client].inbox.iter().rev().find(|said| said["type"] == "ack" && said["id"] == id)?;
    Some(match ack["error"]["code"].as_str() {
        Some(code) => Err(code.to_owned()),
        None => Ok(ack["data"]["seq"].as_u64().unwrap_or(0)),
    })
}
