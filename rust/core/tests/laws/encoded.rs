//! Law 8: each entry is encoded at most once per encoding in use, however many listen, live, behind, or back after a drop.
//!
//! `encoded` counts each time that an entry is written for listeners (`engine/fanout.rs`); an entry itself knows in what it
//! was ever encoded. The two agree only if nothing was done twice. (The history in an ack is written for who asks for it.)

use crate::law::law;
use crate::steps::steps;
use crate::support::link::Reads;
use crate::support::rooms::Bounded;
use crate::support::steps::Step;
use crate::support::wire::Dialect;
use crate::support::world::World;
use proptest::prelude::*;
use rtcore_core::log::entry::ENCODINGS;
use std::collections::BTreeSet;

/// The place of what this dialect hears among an entry's encodings.
fn place(dialect: Dialect) -> usize {
    dialect.form as usize | usize::from(dialect.deflate) << 1
}

/// Nothing but entries of rooms: they can be looked at afterwards.
fn only_rooms(step: Step) -> Option<Step> {
    match step {
        Step::Send(..) => None,
        Step::Publish { client, room, size, echo, .. } => {
            Some(Step::Publish { client, room, size, echo, volatile: false })
        }
        other => Some(other),
    }
}

/// How often entries were encoded, by their own account; each only as somebody hears it.
fn encodings(world: &World, used: &BTreeSet<usize>) -> u64 {
    let mut count = 0;
    for entry in &world.truth.kept {
        for encoding in (0..ENCODINGS).filter(|encoding| entry.is_encoded(*encoding)) {
            assert!(
                used.contains(&encoding),
                "entry {} in encoding {encoding}: used are {used:?}",
                entry.seq
            );
            count += 1;
        }
    }
    count
}

#[test]
fn an_entry_is_encoded_once_per_encoding() {
    let dialects = prop::collection::vec(prop::sample::select(&Dialect::ALL[..]), 1..12);
    let outbox = prop_oneof![Just(200_u64), Just(700), Just(64 * 1024)];
    let cases = (dialects, outbox, steps(12, 80), any::<u64>());
    law("an_entry_is_encoded_once_per_encoding", 1000, &cases, |(dialects, outbox, steps, seed)| {
        let many = dialects.len();
        let mut world = World::new(Bounded { outbox, ..Bounded::default() }, many, seed);
        for (client, dialect) in world.clients.iter_mut().zip(&dialects) {
            client.dialect = *dialect;
        }
        let mut used: BTreeSet<usize> = dialects.iter().map(|dialect| place(*dialect)).collect();
        for client in 0..many {
            world.step(&Step::Connect(client));
            world.step(&Step::Join(client, client % 2));
        }
        for step in steps.into_iter().filter_map(only_rooms) {
            let step = among(step, many);
            if let Step::ConnectIn(_, dialect) = step {
                used.insert(place(dialect));
            }
            world.step(&step);
            assert_eq!(world.counted("encoded_total"), encodings(&world, &used), "after {step:?}");
        }
        world.come_to_rest();
        assert_eq!(world.counted("encoded_total"), encodings(&world, &used));
    });
}

/// The same step of one of so many clients.
fn among(mut step: Step, many: usize) -> Step {
    match &mut step {
        Step::Connect(client)
        | Step::ConnectIn(client, _)
        | Step::ConnectLost(client)
        | Step::Join(client, _)
        | Step::JoinLast(client, _)
        | Step::Leave(client, _)
        | Step::Publish { client, .. }
        | Step::Emit { client, .. }
        | Step::History(client, _)
        | Step::Again(client)
        | Step::Send(client, _)
        | Step::PutOut(client, _)
        | Step::Grant { client, .. }
        | Step::Reads(client, _)
        | Step::Cut { client, .. }
        | Step::Bye(client) => *client %= many,
        _ => {}
    }
    step
}

/// And the count is no more than that: of what all hear at once it is exactly one for each encoding.
#[test]
fn however_many_listen() {
    let dialects = prop::collection::vec(prop::sample::select(&Dialect::ALL[..]), 1..40);
    let events = prop::collection::vec((0..3_000_usize, any::<bool>()), 1..6);
    law("however_many_listen", 100, &(dialects, events, any::<u64>()), |(dialects, events, seed)| {
        let mut world = World::new(Bounded::default(), dialects.len(), seed);
        for (client, dialect) in dialects.iter().enumerate() {
            world.clients[client].dialect = *dialect;
            world.step(&Step::Connect(client));
            world.step(&Step::Join(client, 0));
        }
        let used: BTreeSet<usize> = dialects.iter().map(|dialect| place(*dialect)).collect();
        for (size, volatile) in events {
            let before = world.counted("encoded_total");
            world.step(&Step::Publish { client: 0, room: 0, size, echo: true, volatile });
            assert_eq!(
                world.counted("encoded_total") - before,
                used.len() as u64,
                "for {} listeners",
                dialects.len()
            );
        }
        // Who was away, or did not read, is fed from the ring with what is there already.
        let before = world.counted("encoded_total");
        for (client, dialect) in dialects.iter().enumerate() {
            world.cut(client, 0, false);
            world.step(&Step::ConnectIn(client, *dialect));
            world.clients[client].record.position = 0;
            world.step(&Step::Connect(client));
            world.step(&Step::Reads(client, Reads::All));
        }
        assert_eq!(world.counted("encoded_total"), before, "a replay in {} encodings", used.len());
    });
}
