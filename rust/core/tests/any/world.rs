//! Random steps of a world of clients that keep their part of the protocol (`support/world.rs`), held against the plain
//! model of what each of them must hear (`support/truth.rs` knows the log, `support/record.rs` what one session is owed):
//! laws 1, 2, 3 and 7 for whatever coverage leads to. The laws' own tests choose steps by weight instead.

use crate::support::link::Reads;
use crate::support::rooms::{Bounded, ROOMS};
use crate::support::steps::{EVENTS, PLACES, Step};
use crate::support::wire::Dialect;
use crate::support::world::World;
use std::collections::BTreeSet;

pub const CLIENTS: usize = 4;
/// More steps than this find nothing new, and take long.
const STEPS: usize = 120;

/// The input, taken byte by byte.
pub struct Dice<'a>(std::slice::Iter<'a, u8>);

impl<'a> Dice<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.iter())
    }

    fn byte(&mut self) -> Option<usize> {
        self.0.next().map(|byte| usize::from(*byte))
    }

    pub fn of(&mut self, many: usize) -> Option<usize> {
        self.byte().map(|byte| byte % many)
    }

    /// A set of rights.
    fn bits(&mut self) -> Option<u8> {
        self.of(8).map(|bits| u8::try_from(bits).expect("three bits"))
    }

    pub fn step(&mut self) -> Option<Step> {
        let what = self.of(22)?;
        let client = self.of(CLIENTS)?;
        let mut room = || self.of(ROOMS.len());
        Some(match what {
            0 => Step::Connect(client),
            1 => Step::ConnectIn(client, Dialect::ALL[self.of(Dialect::ALL.len())?]),
            2 => Step::ConnectLost(client),
            3 => Step::Join(client, room()?),
            4 => Step::JoinLast(client, room()?),
            5 => Step::Leave(client, room()?),
            6 | 7 => {
                let room = room()?;
                let (size, how) = (self.byte()? * 12, self.byte()?);
                Step::Publish { client, room, size, echo: how & 1 == 0, volatile: how & 6 == 6 }
            }
            8 => Step::Emit { client, event: self.of(EVENTS.len())?, keyed: self.byte()? & 1 == 1 },
            9 => Step::History(client, room()?),
            10 => Step::Again(client),
            11 | 12 => {
                let (room, size) = (self.of(PLACES.len())?, self.byte()? * 12);
                Step::AppPublish { room, size, exclude: (size & 4 == 4).then_some(client) }
            }
            13 => Step::Send(client, self.byte()? * 12),
            14 => Step::PutOut(client, room()?),
            15 => Step::Reads(
                client,
                match self.byte()? {
                    0..100 => Reads::All,
                    100..150 => Reads::Nothing,
                    some => Reads::Upto(some),
                },
            ),
            16 => Step::Cut { client, after: self.byte()?, politely: self.byte()? & 1 == 1 },
            17 => Step::Pass(1 << self.of(18)?),
            18 => Step::Decide,
            20 => Step::Grant { client, room: room()?, bits: self.bits()? },
            21 => match self.byte()? {
                0..100 => Step::Gives(Some(self.bits()?)),
                other @ 100..200 => Step::Bans(other >> 1 & 1, other & 1 == 1),
                _ => Step::Gives(None),
            },
            _ => match self.of(8)? {
                0 => Step::Bye(client),
                other => Step::Thinks(other & 1 == 1),
            },
        })
    }
}

/// The sizes of a world.
pub fn bounded(size: u8) -> Bounded {
    Bounded {
        ring: [2, 4, 1024, 1024][usize::from(size & 3)],
        outbox: [200, 700, 65_536, 65_536][usize::from(size >> 2 & 3)],
        memory: if size & 16 == 16 { 4_000 } else { 256 << 20 },
        turn: if size & 64 == 64 { 1 } else { 16_384 },
    }
}

pub fn must_hold(bytes: &[u8]) {
    let [size, seed, bytes @ ..] = bytes else { return };
    let mut world = World::new(bounded(*size), CLIENTS, u64::from(*seed));
    world.cuts = size & 32 == 32;
    let mut dice = Dice::new(bytes);
    for _ in 0..STEPS {
        let Some(step) = dice.step() else { break };
        world.step(&step);
        world.check_heard();
        world.check_rights();
    }
    world.come_to_rest();
    world.check_rights();
    for (data, count) in &world.app.done {
        assert_eq!(*count, 1, "the handler ran {count} times for {data}");
    }
    let mut said = BTreeSet::new();
    for (seq, entry) in &world.truth.entries {
        assert!(*seq <= world.head() && said.insert(&entry.data), "{} was said twice", entry.data);
    }
}
