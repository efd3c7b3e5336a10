//! Law 9: shutdown ends in bounded time. Whatever the server is in the middle of (heads that never end, handlers that never
//! answer, publishers that wait, peers that never read, and more that come meanwhile), the engine has no connection any more
//! within the grace and the time to close. And who listens is told when to come back.

use crate::law::law;
use crate::steps::{bounds, steps};
use crate::support::rooms::{Bounded, config};
use crate::support::steps::Step;
use crate::support::world::World;
use proptest::prelude::*;
use rtcore_core::engine::{Peer, RawPath};
use std::net::Ipv4Addr;

const CLIENTS: usize = 4;

/// What is there at the end.
#[derive(Clone, Debug)]
enum Deed {
    Step(Step),
    /// A connection that says so much of one of `REQUESTS`, and then neither says nor reads anything.
    Stranger {
        request: usize,
        bytes: usize,
    },
    /// The application answers nobody, or everybody, from now on.
    Doubts(bool),
}

/// A WebSocket that never says `hello`, a raw socket, an event stream, a session by POST, a poll, and what is refused.
const REQUESTS: [&str; 6] = [
    "GET /rt/ws HTTP/1.1\r\n~\r\n",
    "GET /raw HTTP/1.1\r\n~\r\n",
    "GET /rt/sse?room=skip HTTP/1.1\r\nHost: here\r\n\r\n",
    "POST /rt/session HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"type\":\"hello\"}",
    "GET /rt/poll?after=0&wait=25 HTTP/1.1\r\nHost: here\r\nAuthorization: Session a:b\r\n\r\n",
    "GET /nowhere HTTP/1.1\r\nHost: here\r\n\r\n",
];
/// In place of `~`.
const UPGRADE: &str = "Host: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

fn deeds(count: usize) -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        6 => steps(CLIENTS, 6).prop_map(|steps| steps.into_iter().map(Deed::Step).collect()),
        1 => (0..REQUESTS.len(), prop_oneof![2 => Just(usize::MAX), 1 => 0..200_usize])
            .prop_map(|(request, bytes)| vec![Deed::Stranger { request, bytes }]),
        1 => any::<bool>().prop_map(|doubts| vec![Deed::Doubts(doubts)]),
    ];
    prop::collection::vec(deed, 0..count).prop_map(|deeds| deeds.concat())
}

fn world(bounded: Bounded, seed: u64) -> World {
    let mut config = config(bounded);
    config.raws.push(RawPath { path: "/raw".into(), max_message: 1 << 20 });
    let mut world = World::with(config, CLIENTS, seed);
    world.cuts = seed.is_multiple_of(2);
    world
}

fn act(world: &mut World, deed: &Deed) {
    match deed {
        Deed::Step(step) => world.step(step),
        Deed::Stranger { request, bytes } => {
            let mut said = REQUESTS[*request].replace('~', UPGRADE).into_bytes();
            said.truncate(*bytes);
            let address = Ipv4Addr::new(10, 9, 9, 9).into();
            let peer = Peer { address, port: 1, secure: false, stream: true };
            let Some(conn) = world.engine.connect(peer, world.now) else { return };
            world.engine.receive(conn, &mut said, world.now);
            world.settle();
        }
        Deed::Doubts(doubts) => world.app.doubts = *doubts,
    }
}

#[test]
fn shutdown_ends_in_bounded_time() {
    let cases = (bounds(), deeds(12), deeds(4), 0..10_000_u64, any::<u64>());
    law("shutdown_ends_in_bounded_time", 1000, &cases, |(bounded, before, meanwhile, grace, seed)| {
        let mut world = world(bounded, seed);
        for deed in &before {
            act(&mut world, deed);
        }
        let listens: Vec<bool> =
            world.clients.iter().map(crate::support::client::Client::hears_all).collect();
        let sessions = world.engine.sizes().sessions;
        let waits =
            before.iter().any(|deed| matches!(deed, Deed::Doubts(true) | Deed::Step(Step::Emit { .. })));
        world.engine.shut_down(grace, world.now);
        world.settle();
        for (client, _) in world.clients.iter().zip(listens).filter(|(_, listens)| *listens) {
            let bye = client.inbox.iter().rfind(|said| said["type"] == "bye").expect("it is told");
            let after = bye["after"].as_f64().expect("when to come back");
            #[expect(clippy::cast_precision_loss, reason = "seconds")]
            let latest = 0.55 + grace as f64 / 1_000.0;
            assert!(
                bye["code"] == 4000 && (0.5..=latest).contains(&after),
                "{bye} with a grace of {grace} ms"
            );
            // Who waits for an ack is closed with it, or when the grace is over.
            assert!(waits || client.closes.last() == Some(&4000));
        }
        let mut left = grace;
        for deed in &meanwhile {
            let spent = if let Deed::Step(Step::Pass(ms)) = deed { (*ms).min(left) } else { 0 };
            left -= spent;
            match deed {
                Deed::Step(Step::Pass(_)) => act(&mut world, &Deed::Step(Step::Pass(spent))),
                deed => act(&mut world, deed),
            }
        }
        assert!(world.engine.sizes().sessions <= sessions, "a session began while the server stopped");
        world.pass(left + 2_000); // `close_ms`
        let is = world.engine.sizes();
        assert!(world.engine.is_idle(), "{} connections are left: {is:?}", is.connections);
        // Who came meanwhile held nothing up, and has its time for a head: `/healthz` is answered until the end.
        world.pass(12_000); // `hello_ms` and `close_ms`
        let is = world.engine.sizes();
        assert_eq!((is.connections, is.outbox_references), (0, 0));
    });
}
