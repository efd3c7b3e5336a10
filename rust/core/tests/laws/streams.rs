//! Streams of items: whatever credit is given, whenever the line breaks and wherever the peer goes on, each item is heard
//! once and in order, none beyond the credit, and what is kept stays within its bounds. A peer that keeps its window
//! loses nothing; where less is kept than a window, what is lost is told.

use crate::law::law;
use crate::support::link::Reads;
use crate::support::rooms::{Bounded, config};
use crate::support::streams::NAMES;
use crate::support::wire::Dialect;
use crate::support::world::World;
use proptest::prelude::*;
use rtcore_core::Limits;
use rtcore_core::engine::StreamPath;

const CLIENTS: usize = 2;
/// The most that a test's item costs, and its message.
const ITEM: usize = 500;
const STREAMS: u64 = 4;

#[derive(Clone, Debug)]
enum Step {
    Connect(usize),
    ConnectIn(usize, Dialect),
    Open { client: usize, name: usize, total: u64, size: usize, window: u64 },
    Credit(usize),
    Cancel(usize, usize),
    Work(usize),
    Send(usize, usize),
    Reads(usize, Reads),
    Cut(usize, usize),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let some = 0..CLIENTS;
    let reads = prop_oneof![
        3 => Just(Reads::All),
        2 => (1..400_usize).prop_map(Reads::Upto),
        2 => Just(Reads::Nothing),
    ];
    let step = prop_oneof![
        6 => some.clone().prop_map(Step::Connect),
        1 => (some.clone(), prop::sample::select(&Dialect::ALL[..])).prop_map(|(c, d)| Step::ConnectIn(c, d)),
        6 => (some.clone(), 0..NAMES.len(), 0..60_u64, 0..300_usize, 0..20_u64).prop_map(
            |(client, name, total, size, window)| Step::Open { client, name, total, size, window }
        ),
        10 => some.clone().prop_map(Step::Credit),
        1 => (some.clone(), 0..4_usize).prop_map(|(c, at)| Step::Cancel(c, at)),
        6 => (1..9_usize).prop_map(Step::Work),
        2 => (some.clone(), 0..300_usize).prop_map(|(c, size)| Step::Send(c, size)),
        6 => (some.clone(), reads).prop_map(|(c, reads)| Step::Reads(c, reads)),
        4 => (some, 0..200_usize).prop_map(|(c, after)| Step::Cut(c, after)),
        2 => (1..9_000_u64).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..60)
}

/// Small outboxes and marks; `kept` is what a stream keeps of what was sent.
fn world(outbox: u64, kept: u64, seed: u64) -> World {
    let mut config = config(Bounded { outbox, ..Bounded::default() });
    let limits = Limits {
        session_high: 3_000,
        session_low: 700,
        streams: STREAMS,
        stream_bytes: kept,
        ..config.limits
    };
    config.limits = limits;
    config.streams = NAMES.map(|name| StreamPath::new(name, name == "up")).to_vec();
    let mut world = World::with(config, CLIENTS, seed);
    world.cuts = seed.is_multiple_of(2);
    world
}

fn act(world: &mut World, step: &Step) {
    match *step {
        Step::Connect(client) => world.connect(client, None),
        Step::ConnectIn(client, dialect) => {
            world.clients[client].dialect = dialect;
            world.connect(client, None);
        }
        Step::Open { client, name, total, size, window } => {
            if world.clients[client].open_streams() < usize::try_from(STREAMS).expect("few") {
                world.clients[client].open_stream(name, total, size, window);
            }
        }
        Step::Credit(client) => world.clients[client].give_credit(),
        Step::Cancel(client, at) => {
            if let Some(id) = world.clients[client].streams.keys().nth(at).copied() {
                world.clients[client].cancel_stream(id);
            }
        }
        Step::Work(many) => world.app.streams.go_on(many, &mut world.engine, world.now),
        Step::Send(client, size) => world.send(client, size),
        Step::Reads(client, reads) => {
            if let Some(link) = world.clients[client].link_mut() {
                link.reads = reads;
            }
        }
        Step::Cut(client, after) => world.cut(client, after, false),
        Step::Pass(ms) => world.pass(ms),
    }
    world.settle();
}

/// What streams keep, against the settings.
fn within(world: &World, kept: u64) {
    let is = world.engine.sizes();
    let small = |n: u64| usize::try_from(n).expect("small");
    let unsent = 3_000 + ITEM;
    // Open ones, and those that are over: as much as one of them again.
    let session =
        unsent + (small(STREAMS) + 1) * (small(kept) + ITEM) + small(STREAMS) * (small(kept) + 4 * ITEM);
    let bound = CLIENTS * session;
    assert!(is.stream_bytes <= bound, "streams keep {} bytes, and {bound} are allowed", is.stream_bytes);
    assert!(is.open_streams <= CLIENTS * small(STREAMS), "{} streams are open", is.open_streams);
}

/// Everybody comes back, gives credit and reads, until all is said.
fn finish(world: &mut World) {
    for client in 0..CLIENTS {
        if let Some(link) = world.clients[client].link_mut() {
            link.reads = Reads::All;
        }
        if world.clients[client].link.is_none() && world.clients[client].held.is_some() {
            world.connect(client, None);
        }
        // A window of nothing ends nothing.
        world.clients[client].widen();
    }
    world.settle();
    for _ in 0..2_000 {
        if (0..CLIENTS).all(|client| world.clients[client].open_streams() == 0) {
            break;
        }
        for client in 0..CLIENTS {
            world.clients[client].give_credit();
        }
        world.app.streams.go_on(usize::MAX, &mut world.engine, world.now);
        world.settle();
    }
    for client in &world.clients {
        assert_eq!(client.open_streams(), 0, "streams without an end: {:?}", client.streams);
    }
    world.pass(60_000); // what a client cancelled while it was away is held no longer
    assert_eq!((world.app.streams.running(), world.engine.sizes().open_streams), (0, 0));
    assert!(world.app.streams.opened.values().all(|times| *times == 1), "opened once");
    world.check_heard();
}

#[test]
fn each_item_is_heard_once_and_in_order() {
    let cases = (steps(), prop_oneof![Just(300_u64), Just(2_000), Just(64 * 1024)], any::<u64>());
    law("each_item_is_heard_once_and_in_order", 1000, &cases, |(steps, outbox, seed)| {
        let mut world = world(outbox, 256 * 1024, seed);
        for step in &steps {
            act(&mut world, step);
            within(&world, 256 * 1024);
        }
        finish(&mut world);
        for client in &world.clients {
            // One that was cancelled counts until the application is done with it: another may be too many.
            let lost: Vec<&str> = client.stream_errors().filter(|code| *code != "OVERLOADED").collect();
            assert!(lost.is_empty(), "who keeps its window loses nothing: {lost:?}");
        }
    });
}

#[test]
fn what_is_lost_of_a_stream_is_told() {
    let cases = (steps(), 0..1_500_u64, any::<u64>());
    law("what_is_lost_of_a_stream_is_told", 1000, &cases, |(steps, kept, seed)| {
        let mut world = world(2_000, kept, seed);
        for step in &steps {
            act(&mut world, step);
            within(&world, kept);
        }
        finish(&mut world);
        for client in &world.clients {
            // A stream of which nothing was heard is opened again, and what came of it may not be kept any more.
            let told = ["STREAM_LOST", "ACK_EXPIRED", "OVERLOADED"];
            assert!(client.stream_errors().all(|code| told.contains(&code)));
        }
    });
}
