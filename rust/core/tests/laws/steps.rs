//! Random steps, and random sizes of the world that they happen in.

use crate::support::link::Reads;
use crate::support::rooms::{Bounded, ROOMS};
use crate::support::steps::{EVENTS, PLACES, Step};
use crate::support::wire::Dialect;
use crate::support::world::USERS;
use proptest::prelude::*;

pub fn bounds() -> impl Strategy<Value = Bounded> {
    let ring = prop_oneof![Just(2_usize), Just(4), Just(1024)];
    let outbox = prop_oneof![Just(200_u64), Just(700), Just(64 * 1024)];
    let memory = prop_oneof![4 => Just(256_u64 << 20), 1 => Just(4_000)];
    // In the smallest turns each message waits for one of its own.
    let turn = prop_oneof![3 => Just(16_384_u64), 1 => Just(1)];
    (ring, outbox, memory, turn).prop_map(|(ring, outbox, memory, turn)| Bounded {
        ring,
        outbox,
        memory,
        turn,
    })
}

pub fn steps(clients: usize, count: usize) -> impl Strategy<Value = Vec<Step>> {
    let some = 0..clients;
    let room = 0..ROOMS.len();
    let size = prop_oneof![4 => 0..40_usize, 2 => 100..300_usize, 1 => 2_000..3_000_usize];
    let reads = prop_oneof![
        3 => Just(Reads::All),
        2 => (1..400_usize).prop_map(Reads::Upto),
        2 => Just(Reads::Nothing),
    ];
    let pass = prop_oneof![4 => 1..200_u64, 2 => 200..6_000_u64, 1 => 6_000..130_000_u64];
    let step = prop_oneof![
        8 => some.clone().prop_map(Step::Connect),
        2 => (some.clone(), prop::sample::select(&Dialect::ALL[..])).prop_map(|(c, d)| Step::ConnectIn(c, d)),
        1 => some.clone().prop_map(Step::ConnectLost),
        8 => (some.clone(), room.clone()).prop_map(|(c, r)| Step::Join(c, r)),
        2 => (some.clone(), room.clone()).prop_map(|(c, r)| Step::JoinLast(c, r)),
        3 => (some.clone(), room.clone()).prop_map(|(c, r)| Step::Leave(c, r)),
        12 => (some.clone(), room.clone(), size.clone(), any::<bool>(), 0..6_u8).prop_map(
            |(client, room, size, echo, volatile)| Step::Publish { client, room, size, echo, volatile: volatile == 0 }
        ),
        4 => (some.clone(), 0..EVENTS.len(), any::<bool>())
            .prop_map(|(client, event, keyed)| Step::Emit { client, event, keyed }),
        2 => (some.clone(), room.clone()).prop_map(|(c, r)| Step::History(c, r)),
        3 => some.clone().prop_map(Step::Again),
        10 => (0..PLACES.len(), size.clone(), prop::option::of(some.clone()))
            .prop_map(|(room, size, exclude)| Step::AppPublish { room, size, exclude }),
        3 => (some.clone(), size).prop_map(|(c, s)| Step::Send(c, s)),
        1 => (some.clone(), room).prop_map(|(c, r)| Step::PutOut(c, r)),
        3 => rights(clients),
        6 => (some.clone(), reads).prop_map(|(c, reads)| Step::Reads(c, reads)),
        4 => (some.clone(), 0..60_usize, any::<bool>())
            .prop_map(|(client, after, politely)| Step::Cut { client, after, politely }),
        1 => some.prop_map(Step::Bye),
        6 => pass.prop_map(Step::Pass),
        2 => Just(Step::Decide),
        1 => any::<bool>().prop_map(Step::Thinks),
    ];
    prop::collection::vec(step, 1..count)
}

/// The application gives and takes rights.
pub fn rights(clients: usize) -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..clients, 0..ROOMS.len(), 0..8_u8)
            .prop_map(|(client, room, bits)| Step::Grant { client, room, bits }),
        1 => prop::option::of(0..8_u8).prop_map(Step::Gives),
        1 => (0..USERS.len(), any::<bool>()).prop_map(|(user, banned)| Step::Bans(user, banned)),
    ]
}
