//! The settings of the world's server: rooms of every policy, with rings and outboxes small enough to overflow.

use rtcore_core::Limits;
use rtcore_core::engine::Config;
use rtcore_core::log::ring::Bounds;
use rtcore_core::room::grants::Grants;
use rtcore_core::room::settings::{Policy, Settings};

/// The rooms: relays of each policy, one that the application is asked about, one that only it speaks in.
pub const ROOMS: [&str; 6] = ["skip", "latest", "disconnect", "block", "asked", "hall"];

/// How small the world is.
#[derive(Clone, Copy, Debug)]
pub struct Bounded {
    /// Entries in a room's ring.
    pub ring: usize,
    /// Bytes of references for one connection.
    pub outbox: u64,
    /// Bytes of all rings together.
    pub memory: u64,
    /// Steps of work in a turn.
    pub turn: u64,
}

impl Default for Bounded {
    fn default() -> Self {
        Self { ring: 1024, outbox: 64 * 1024, memory: 256 << 20, turn: 16_384 }
    }
}

pub fn config(bounded: Bounded) -> Config {
    let bounds = Bounds { count: bounded.ring, bytes: 1 << 20, age_ms: 60_000 };
    let relay = |name: &str| Settings { relay: true, ..Settings::new(name, bounds) };
    let key = Some("k".to_owned());
    Config {
        limits: Limits {
            outbox: bounded.outbox,
            ring_memory: bounded.memory,
            turn_steps: bounded.turn,
            ..Limits::default()
        },
        authenticates: true,
        lifecycle: true,
        rooms: vec![
            relay("skip"),
            Settings { policy: Policy::Latest, key, ..relay("latest") },
            Settings { policy: Policy::Disconnect, ..relay("disconnect") },
            Settings { policy: Policy::Block, ..relay("block") },
            Settings { authorize: true, state: true, ..relay("asked") },
            Settings { grants: Grants::HISTORY, presence: false, ..Settings::new("hall", bounds) },
        ],
        events: vec!["work".into(), "late".into(), "fail".into()],
        ..Config::default()
    }
}
