//! Law 4, where somebody waits: what waits for the application's word is bounded whatever it is, a new token as well as a
//! request; and a publisher waits for a slow member as long as the room allows, counted from its own wait.

use crate::law::law;
use crate::support::link::Reads;
use crate::support::rooms::{Bounded, config};
use crate::support::steps::Step;
use crate::support::world::World;
use proptest::prelude::*;
use serde_json::json;

/// A request that waits: a new token of this length, or an `emit` whose data is as long.
fn waiting() -> impl Strategy<Value = Vec<(bool, usize)>> {
    prop::collection::vec((any::<bool>(), prop_oneof![0..20_usize, 100..400_usize]), 1..40)
}

#[test]
fn what_waits_for_a_word_is_bounded() {
    let cases = (waiting(), 1..8_u64, prop_oneof![Just(300_u64), Just(1 << 20)], any::<u64>());
    law("what_waits_for_a_word_is_bounded", 500, &cases, |(asked, requests, bytes, seed)| {
        let mut config = config(Bounded::default());
        (config.limits.waiting_requests, config.limits.waiting_bytes) = (requests, bytes);
        let mut world = World::with(config, 1, seed);
        world.cuts = seed.is_multiple_of(2);
        world.step(&Step::Connect(0));
        world.app.doubts = true;
        for (token, size) in &asked {
            let pad = "x".repeat(*size);
            let request = if *token {
                json!({"type": "auth", "token": format!("u:{pad}")})
            } else {
                json!({"type": "emit", "event": "late", "data": {"n": world.data(0)["n"], "pad": pad}})
            };
            let head = world.head();
            world.clients[0].request(request, head);
        }
        world.settle();
        // One word at a time, and what waited behind it comes after: never more at once than the settings allow.
        let mut words = 0;
        loop {
            let waits = world.engine.sizes().waiting;
            assert_eq!(waits, world.app.later.len());
            assert!(waits as u64 <= requests, "{waits} wait; the settings allow {requests}");
            let paused = world.clients[0].link.as_ref().expect("it is there").paused;
            assert_eq!(paused, words + waits < asked.len(), "{waits} wait after {words} of {}", asked.len());
            if waits == 0 {
                break;
            }
            let next = world.app.later.remove(0);
            world.app.decide(next, &mut world.engine, world.now);
            words += 1;
            world.settle();
        }
        assert!(world.clients[0].pending.is_empty(), "without an ack: {:?}", world.clients[0].pending);
        assert_eq!(words, asked.len());
    });
}

#[test]
fn what_waits_goes_with_its_session() {
    law("what_waits_goes_with_its_session", 100, &(waiting(), any::<bool>()), |(asked, politely)| {
        let mut world = World::new(Bounded::default(), 1, 1);
        world.step(&Step::Connect(0));
        world.app.doubts = true;
        for (token, _) in &asked {
            let kind = if *token {
                json!({"type": "auth", "token": "-"})
            } else {
                json!({"type": "emit", "event": "late"})
            };
            world.clients[0].say(&kind);
        }
        world.settle();
        assert_eq!(world.engine.sizes().waiting, asked.len());
        if politely {
            world.step(&Step::Bye(0));
        } else {
            world.cut(0, 0, false);
            world.pass(120_000); // the resume window
        }
        assert_eq!((world.engine.sizes().sessions, world.engine.sizes().waiting), (0, 0));
        world.decide_all(); // words that come too late are nobody's
    });
}

/// How long a room with the policy `block` lets publishers wait, by default (ms).
const BLOCK: u64 = 5_000;

#[test]
fn a_slow_member_has_the_whole_of_each_wait() {
    let waits = prop::collection::vec((1..BLOCK, 0..1_500_u64), 0..8);
    law("a_slow_member_has_the_whole_of_each_wait", 500, &(waits, any::<u64>()), |(waits, seed)| {
        let mut world = World::new(Bounded { ring: 2, outbox: 200, ..Bounded::default() }, 1, seed);
        world.step(&Step::Connect(0));
        world.step(&Step::Join(0, 3));
        let session = world.clients[0].session(&world.app.sessions).expect("it is there");
        let connected = |world: &World| world.engine.session_info(session).is_some_and(|info| info.connected);
        let block = |world: &mut World| {
            world.step(&Step::Reads(0, Reads::Nothing));
            while world.blocked() == 0 {
                world.publish("block", None, 300);
                world.settle();
            }
        };
        for (wait, rest) in &waits {
            block(&mut world);
            world.pass(*wait);
            assert!(connected(&world) && world.blocked() > 0, "closed after {wait} ms of a wait");
            world.step(&Step::Reads(0, Reads::All));
            assert_eq!(world.blocked(), 0, "it reads, and nobody waits for it");
            world.pass(*rest);
        }
        block(&mut world);
        world.pass(BLOCK - 1);
        assert!(connected(&world) && world.blocked() > 0, "closed before its time was over");
        world.pass(1);
        assert!(!connected(&world) && world.blocked() == 0, "its time is over");
        assert_eq!(world.counted(r#"closed_total{code="4002"}"#), 1);
    });
}
