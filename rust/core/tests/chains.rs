//! Who may go on makes somebody else go on, and so on down a chain as long as peers care to make it. A chain of waits must
//! not become a chain of frames on the stack: it is walked in a thread that has room for few of them. And each link costs
//! the same, however long the chain is.

mod support;

use rtcore_core::engine::{Config, Engine, Peer};
use rtcore_core::log::ring::Bounds;
use rtcore_core::room::settings::{Policy, Settings};
use rtcore_core::{ConnId, Form, Limits, Now, Tick};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use support::said::publication;
use support::wire::Dialect;

const NOW: Now = Now { tick: Tick(1_000_000), wall_ms: 1_700_000_000_000 };
const JSON: Dialect = Dialect { form: Form::Json, deflate: false };
/// Links in the chain.
const LINKS: usize = 10_000;
/// What a thread of the walk may use: less than one frame a link.
const STACK: usize = 512 * 1024;

/// What a link may cost: a publish, a leave, and a look at who waits for them.
const STEPS: u64 = 128;

/// Session `n` waits to publish in room `n`, behind which stands its `leave` of room `n + 1`, whose slowest reader it is.
struct Chain {
    engine: Engine,
    conns: Vec<ConnId>,
}

fn room(n: usize) -> String {
    format!("r{n}")
}

impl Chain {
    fn new(links: usize) -> Self {
        let bounds = Bounds { count: 1, bytes: 1 << 20, age_ms: 3_600_000 };
        let config = Config {
            // Whatever is not read at once makes its reader lag.
            limits: Limits { outbox: 1, ..Limits::default() },
            rooms: vec![Settings {
                relay: true,
                policy: Policy::Block,
                presence: false,
                ..Settings::new("r*", bounds)
            }],
            ..Config::default()
        };
        let mut chain = Self { engine: Engine::new(config, [7; 32], NOW), conns: Vec::new() };
        for n in 0..=links {
            let address = IpAddr::V4(Ipv4Addr::from(u32::try_from(n).unwrap() + (10 << 24)));
            let peer = Peer { address, port: 1, secure: false, stream: false };
            let conn = chain.engine.connect(peer, NOW).unwrap();
            chain.conns.push(conn);
            chain.receive(n, &JSON.handshake());
            chain.say(n, &json!([{"type": "hello"}, {"type": "join", "room": room(n)}, {"type": "join", "room": room(n + 1)}]));
            chain.read(n);
            // The first entry waits in the outbox of session n; the second makes it lag, and a third would have the
            // ring let go of it. Session n + 1 joins behind them: it waits for nobody but session n.
            chain.publish(&room(n + 1));
            chain.publish(&room(n + 1));
        }
        chain
    }

    fn receive(&mut self, n: usize, bytes: &[u8]) {
        self.engine.receive(self.conns[n], &mut bytes.to_vec(), NOW);
    }

    fn say(&mut self, n: usize, message: &Value) {
        self.receive(n, &JSON.frame(message));
    }

    /// The peer reads all that waits for it; how much that was.
    fn read(&mut self, n: usize) -> usize {
        self.engine.take_dirty(&mut Vec::new(), NOW);
        let mut all = 0;
        loop {
            let mut slices = Vec::new();
            self.engine.gather(self.conns[n], &mut slices, usize::MAX);
            let bytes = slices.concat().len();
            if bytes == 0 {
                return all;
            }
            all += bytes;
            self.engine.written(self.conns[n], bytes, NOW);
        }
    }

    /// Turns, as long as somebody waits for one. Each link is a few of them at most.
    fn go_on(&mut self) {
        for turn in 0..4 * LINKS as u64 {
            let now = Now { tick: NOW.tick.plus_ms(turn), ..NOW };
            if self.engine.deadline().is_none_or(|deadline| deadline > now.tick) {
                return;
            }
            self.engine.advance(now);
        }
        panic!("somebody waits for a turn for ever");
    }

    fn publish(&mut self, room: &str) {
        let publication = publication(room, "e", b"1");
        assert!(self.engine.publish(&publication, NOW).is_ok(), "{room}");
    }
}

fn walk(first: impl FnOnce(&mut Chain) + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(move || {
            let mut chain = Chain::new(LINKS);
            for n in 1..=LINKS {
                let leave = json!({"type": "leave", "id": 2, "room": room(n + 1)});
                chain.say(n, &json!([{"type": "publish", "id": 1, "room": room(n), "event": "e"}, leave]));
            }
            let published = chain.engine.head();
            assert_eq!(published, 2 * (LINKS as u64 + 1), "each publish waits");
            let before = chain.engine.steps();
            first(&mut chain);
            chain.go_on();
            let steps = (chain.engine.steps() - before) / LINKS as u64;
            assert!(steps <= STEPS, "{steps} steps a link");
            assert_eq!(chain.engine.head() - published, LINKS as u64, "each publish was done");
        })
        .expect("a thread")
        .join()
        .expect("the chain was walked to its end");
}

#[test]
fn a_chain_of_publishers_goes_on_link_by_link_when_its_first_reader_leaves() {
    walk(|chain| chain.say(0, &json!({"type": "leave", "room": room(1)})));
}

#[test]
fn a_chain_of_publishers_goes_on_link_by_link_when_its_first_reader_is_lost() {
    walk(|chain| chain.engine.lost(chain.conns[0], NOW));
}

/// Who unblocks ten thousand does not pay for all of them at once, and nobody else waits as long: it is some turns.
#[test]
fn a_crowd_of_publishers_goes_on_in_the_budget_of_a_turn_each() {
    let mut chain = Chain::new(0);
    for n in 1..=LINKS {
        let address = IpAddr::V4(Ipv4Addr::from(u32::try_from(n).unwrap() + (10 << 24)));
        let peer = Peer { address, port: 1, secure: false, stream: false };
        let conn = chain.engine.connect(peer, NOW).unwrap();
        chain.conns.push(conn);
        chain.receive(n, &JSON.handshake());
        chain.say(n, &json!([{"type": "hello"}, {"type": "join", "room": room(1)}]));
        chain.read(n);
        chain.say(n, &json!({"type": "publish", "id": 1, "room": room(1), "event": "e"}));
    }
    let (whole, before) = (Limits::default().turn_steps, chain.engine.steps());
    chain.engine.lost(chain.conns[0], NOW);
    let at_once = chain.engine.steps() - before;
    assert!(at_once <= 2 * whole, "{at_once} steps in one call, a turn has {whole}");
    assert!(
        chain.engine.deadline().is_some_and(|deadline| deadline <= NOW.tick),
        "what is left comes in the next turn"
    );
}
