//! Law 7: no peer hears what it may not: not what was waiting when its rights were narrowed, not in a replay or a
//! history, and nobody publishes after that was taken. The model is `support/rights.rs`; who is excluded and who was put
//! out is held by `support/record.rs`, in each law.

use crate::law::law;
use crate::steps::{bounds, rights, steps};
use crate::support::link::Reads;
use crate::support::rooms::{Bounded, ROOMS};
use crate::support::steps::Step;
use crate::support::world::World;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// The room that an authorizer decides about: its place in `ROOMS`.
const ASKED: usize = 4;

fn live(bounded: Bounded, steps: &[Step], seed: u64) -> World {
    let mut world = World::new(bounded, 4, seed);
    world.cuts = seed.is_multiple_of(2);
    for step in steps {
        world.step(step);
        world.check_heard();
        world.check_rights();
    }
    world.come_to_rest();
    // What each was told last is what it may: its requests are refused or not, and `Rights` knows which.
    for (client, room) in (0..4).flat_map(|client| (0..ROOMS.len()).map(move |room| (client, room))) {
        world.step(&Step::Publish { client, room, size: 0, echo: true, volatile: true });
        world.step(&Step::History(client, room));
    }
    world.check_rights();
    world
}

/// Steps of all kinds, among them many that give and take, also while the one concerned does not read.
fn narrowing() -> impl Strategy<Value = Vec<Step>> {
    let reads = prop_oneof![Just(Reads::All), Just(Reads::Nothing), (1..200_usize).prop_map(Reads::Upto)];
    let burst =
        (0..4_usize, 0..ROOMS.len(), prop::collection::vec(0..8_u8, 1..5)).prop_map(|(client, room, all)| {
            let grants = all.into_iter().map(|bits| Step::Grant { client, room, bits });
            let [before, after] = [Reads::Nothing, Reads::All].map(|reads| Step::Reads(client, reads));
            [before].into_iter().chain(grants).chain([after]).collect()
        });
    // Something waits for it, it is put out or its rights change, somebody comes or goes, and it reads on.
    let behind = (0..4_usize, 0..4_usize, 0..5_usize, 0..12_u8).prop_map(|(client, other, room, bits)| {
        let publish = Step::AppPublish { room, size: 300, exclude: None };
        let (connect, join, leave) =
            (Step::Connect(other), Step::Join(other, room), Step::Leave(other, room));
        let grant = if bits < 8 { Step::Grant { client, room, bits } } else { Step::PutOut(client, room) };
        let [before, after] = [Reads::Nothing, Reads::All].map(|reads| Step::Reads(client, reads));
        let come = [Step::Connect(client), Step::Join(client, room), before, publish.clone(), publish, grant];
        come.into_iter().chain([connect, leave, join, Step::Pass(200), after]).collect()
    });
    // The authorizer says what a new member may, and there is a past to ask for, or none that is for it.
    let asks = (0..4_usize, 0..8_u8).prop_map(|(client, bits)| {
        let publish = Step::AppPublish { room: ASKED, size: 3, exclude: (bits & 1 == 1).then_some(client) };
        let join = [Step::Connect(client), Step::Leave(client, ASKED), Step::JoinLast(client, ASKED)];
        [Step::Gives(Some(bits)), publish].into_iter().chain(join).collect()
    });
    let some = prop_oneof![
        6 => steps(4, 4),
        2 => rights(4).prop_map(|step| vec![step]),
        2 => (0..4_usize, reads).prop_map(|(client, reads)| vec![Step::Reads(client, reads)]),
        2 => (1..150_u64).prop_map(|ms| vec![Step::Pass(ms)]),
        1 => burst,
        1 => behind,
        1 => asks,
    ];
    prop::collection::vec(some, 1..40).prop_map(|some| some.concat())
}

#[test]
fn nobody_hears_or_says_what_it_may_not() {
    let cases = (bounds(), narrowing(), any::<u64>());
    law("nobody_hears_or_says_what_it_may_not", 1000, &cases, |(bounded, steps, seed)| {
        live(bounded, &steps, seed);
    });
}

#[test]
fn presence_is_whole_again_once_it_is_given_back() {
    let cases = (bounds(), narrowing(), any::<u64>());
    law("presence_is_whole_again_once_it_is_given_back", 1000, &cases, |(bounded, steps, seed)| {
        let world = live(bounded, &steps, seed);
        for client in world.clients.iter().filter(|client| client.hears_all()) {
            for room in ["skip", "latest", "disconnect", "block", "asked"] {
                if !client.rights.may(room, "presence") {
                    continue;
                }
                let members = world.engine.members(room).unwrap_or_default();
                let there: BTreeSet<String> = members.iter().map(|member| member.name.to_string()).collect();
                assert_eq!(client.seen.get(room), Some(&there), "in {room}");
            }
        }
    });
}
