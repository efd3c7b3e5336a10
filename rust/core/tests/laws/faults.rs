//! Law 6: a peer's fault closes that peer's connection with a documented code, and touches no one else.
//!
//! Two worlds live the same steps. In one a client does something wrong now and then; in the other, at that moment, its link
//! simply breaks, or, where a fault is answered and no more, nothing happens. All others hear exactly the same.

use crate::law::law;
use crate::steps::steps;
use crate::support::faults::{HEADS, broken, unreadable, wrong};
use crate::support::link::Reads;
use crate::support::rooms::{Bounded, config};
use crate::support::steps::Step;
use crate::support::world::World;
use proptest::prelude::*;
use rtcore_core::frame::websocket::{opcode, write_frame};
use serde_json::{Value, json};

const CLIENTS: usize = 4;
/// Who does wrong; now and then it behaves.
const CULPRIT: usize = 3;

#[derive(Clone, Debug)]
enum Deed {
    Step(Step),
    /// One of `broken`; then what else was under way.
    Broken(usize, Vec<u8>),
    /// Frames of bytes that mean nothing, or bytes that are no frame, and then it is gone.
    Noise(Vec<u8>, bool),
    /// Some of `wrong`, or what cannot be read.
    Wrong(Vec<usize>),
    /// The same, many times at once, and then it is gone.
    Flood(usize, usize),
    /// A new connection with one of `HEADS`; or with half of a good one, on which nothing follows.
    Head(usize),
    Half(usize),
    /// A new connection that begins with something else than a hello it may.
    Early(usize),
    /// A new session for whoever claims another one's with a key that it guessed.
    Guess(usize),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let bytes = |most: usize| prop::collection::vec(any::<u8>(), 1..most);
    let fault = prop_oneof![
        6 => (any::<usize>(), bytes(40)).prop_map(|(at, rest)| Deed::Broken(at, rest)),
        2 => (bytes(200), any::<bool>()).prop_map(|(bytes, framed)| Deed::Noise(bytes, framed)),
        4 => prop::collection::vec(any::<usize>(), 1..6).prop_map(Deed::Wrong),
        1 => (any::<usize>(), 1..400_usize).prop_map(|(at, many)| Deed::Flood(at, many)),
        1 => (0..HEADS.len()).prop_map(Deed::Head),
        1 => (0..150_usize).prop_map(Deed::Half),
        2 => any::<usize>().prop_map(Deed::Early),
        1 => (0..CULPRIT).prop_map(Deed::Guess),
    ];
    let deed = prop_oneof![
        3 => steps(CLIENTS, 6).prop_map(|steps| steps.into_iter().map(Deed::Step).collect::<Vec<_>>()),
        // It must be there to do wrong.
        1 => (0..6_usize).prop_map(|room| vec![Deed::Step(Step::Connect(CULPRIT)), Deed::Step(Step::Join(CULPRIT, room))]),
        2 => fault.prop_map(|fault| vec![fault]),
    ];
    prop::collection::vec(deed, 1..20).prop_map(|deeds| deeds.concat())
}

/// One of the two worlds.
struct Side {
    world: World,
    /// It does wrong here.
    guilty: bool,
}

impl Side {
    fn new(bounded: Bounded, seed: u64, guilty: bool) -> Self {
        let mut config = config(bounded);
        for room in &mut config.rooms {
            // When rings are swept depends on when time is looked at, which a deadline more or less changes.
            room.bounds.age_ms = u64::MAX / 2;
        }
        let mut world = World::with(config, CLIENTS, seed);
        world.cuts = seed.is_multiple_of(2);
        Self { world, guilty }
    }

    /// Bytes of its own, if it does wrong here.
    fn say(&mut self, bytes: &[u8]) {
        if let Some(link) = self.world.clients[CULPRIT].link.as_mut().filter(|_| self.guilty) {
            link.up.extend_from_slice(bytes);
        }
        self.world.settle();
    }

    /// The link breaks, if it is there still.
    fn gone(&mut self) {
        self.world.cut(CULPRIT, usize::MAX, false);
        self.world.settle();
    }

    /// It is closed with this code, after a `bye` that says it, unless the server does not read it now.
    fn closed(&mut self, code: u16, told: usize) {
        let culprit = &self.world.clients[CULPRIT];
        let reads = culprit.link.as_ref().is_none_or(|link| !link.paused && !link.owed);
        if !self.guilty || !reads {
            return;
        }
        assert_eq!(
            culprit.closes.get(told..),
            Some(&[code][..]),
            "its codes; it was to be closed with {code}"
        );
        let bye = culprit.inbox.last().expect("it is told why");
        assert!(bye["type"] == "bye" && bye["code"] == code, "{bye}, closed with {code}");
    }

    /// A connection that says these bytes first. Without them it comes and goes.
    fn dial(&mut self, bytes: Option<Vec<u8>>) {
        self.world.dial(CULPRIT);
        let link = self.world.clients[CULPRIT].link.as_mut().expect("there is room");
        if let Some(bytes) = bytes {
            link.up = bytes;
        }
        if !self.guilty {
            link.up.clear();
            self.world.cut(CULPRIT, 0, false);
        }
        self.world.settle();
    }

    fn act(&mut self, deed: &Deed) {
        let dialect = self.world.clients[CULPRIT].dialect;
        let open = self.world.clients[CULPRIT].hears_all();
        let told = self.world.clients[CULPRIT].closes.len();
        match deed {
            // Late words of the application meet bytes that one of the worlds has not.
            Deed::Step(Step::Thinks(_)) => {}
            // It would read a little at each deadline, of which one of the worlds may have one more.
            Deed::Step(Step::Reads(client, Reads::Upto(_))) => {
                self.world.step(&Step::Reads(*client, Reads::Nothing));
            }
            Deed::Step(step) => self.world.step(step),
            Deed::Broken(at, rest) => {
                let list = broken(dialect);
                let (bytes, code) = &list[at % list.len()];
                self.say(&[&bytes[..], rest].concat());
                if open {
                    self.closed(*code, told);
                }
                self.gone();
            }
            Deed::Noise(bytes, framed) => {
                let mut out = bytes.clone();
                if *framed {
                    out.clear();
                    let kind = if bytes[0] & 1 == 0 { opcode::TEXT } else { opcode::BINARY };
                    write_frame(&mut out, kind, false, Some([7, 7, 7, 7]), bytes);
                }
                self.say(&out);
                if self.guilty {
                    let codes = &self.world.clients[CULPRIT].closes[told..];
                    let known = |code: &u16| matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
                    assert!(codes.len() <= 1 && codes.iter().all(known), "its codes: {codes:?}");
                }
                self.gone();
            }
            Deed::Wrong(which) => self.wrong(which, open),
            Deed::Flood(at, many) => {
                let list = wrong();
                let one = dialect.frame(&list[at % list.len()]);
                self.say(&one.repeat(*many));
                self.gone();
            }
            Deed::Head(at) => {
                let (head, status) = HEADS[*at];
                let refused = self.world.clients[CULPRIT].refused.len();
                self.dial(Some(head.to_vec()));
                if self.guilty {
                    let refusals = &self.world.clients[CULPRIT].refused[refused..];
                    assert_eq!(refusals, [status], "for {:?}", String::from_utf8_lossy(head));
                }
                self.gone();
            }
            Deed::Half(bytes) => {
                let head = dialect.handshake();
                self.dial(Some(head[..head.len().min(*bytes)].to_vec()));
            }
            Deed::Early(at) => self.early(*at, told),
            Deed::Guess(victim) => self.guess(*victim),
        }
    }

    fn wrong(&mut self, which: &[usize], open: bool) {
        let (list, dialect) = (wrong(), self.world.clients[CULPRIT].dialect);
        let before = self.world.clients[CULPRIT].inbox.len();
        for at in which {
            match list.get(at % (list.len() + 1)) {
                Some(message) => self.say(&dialect.frame(message)),
                None => self.say(&unreadable(dialect)),
            }
        }
        if !open || !self.guilty {
            return;
        }
        let culprit = &self.world.clients[CULPRIT];
        let paused = culprit.link.as_ref().is_some_and(|link| link.paused);
        assert!(paused || culprit.hears_all(), "a fault in a message closes nothing: {:?}", culprit.closes);
        let errors = culprit.inbox[before..].iter().filter(|said| said["type"] == "error");
        let codes: Vec<&Value> = errors.map(|said| &said["code"]).collect();
        let known = ["INVALID_MESSAGE", "NOT_FOUND", "FORBIDDEN"];
        assert!(paused || codes.len() == which.len(), "{} faults, {codes:?}", which.len());
        assert!(codes.iter().all(|code| known.iter().any(|known| **code == *known)), "{codes:?}");
    }

    fn early(&mut self, at: usize, told: usize) {
        let dialect = self.world.clients[CULPRIT].dialect;
        let list = broken(dialect);
        let (first, code) = match at % (list.len() + 4) {
            0 => (dialect.frame(&json!({"type": "ping"})), 4504),
            1 => (dialect.frame(&json!({"type": "hello", "v": 2})), 4504),
            2 => (unreadable(dialect), 4504),
            3 => (dialect.frame(&json!({"type": "hello", "client": "x".repeat(70_000)})), 1009),
            other => list[other - 4].clone(),
        };
        self.dial(Some([dialect.handshake(), first].concat()));
        self.closed(code, told);
        self.gone();
    }

    fn guess(&mut self, victim: usize) {
        let held = self.world.clients[victim].held.clone();
        let mut hello = json!({"type": "hello", "token": self.world.clients[CULPRIT].token});
        if let Some((session, _)) = held.filter(|_| self.guilty) {
            hello["session"] = json!(session);
            hello["key"] = json!("a".repeat(32));
        }
        self.world.dial(CULPRIT);
        self.world.clients[CULPRIT].say(&hello);
        self.world.settle();
    }
}

#[test]
fn a_fault_touches_no_one_else() {
    let ring = prop_oneof![Just(2_usize), Just(4), Just(1024)];
    let outbox = prop_oneof![Just(200_u64), Just(700), Just(64 * 1024)];
    let bounds = (ring, outbox).prop_map(|(ring, outbox)| Bounded { ring, outbox, ..Bounded::default() });
    let cases = (bounds, deeds(), any::<u64>());
    law("a_fault_touches_no_one_else", 1000, &cases, |(bounded, deeds, seed)| {
        let mut sides = [true, false].map(|guilty| Side::new(bounded, seed, guilty));
        let mut same = [0; CULPRIT];
        for deed in &deeds {
            for side in &mut sides {
                side.act(deed);
            }
            let [with, without] = &sides;
            assert_eq!(with.world.head(), without.world.head(), "the log after {deed:?}");
            for ((with, without), same) in
                with.world.clients.iter().zip(&without.world.clients).zip(&mut same)
            {
                assert_eq!(with.inbox[*same..], without.inbox[*same..], "{:?} after {deed:?}", with.held);
                *same = with.inbox.len();
                assert_eq!((&with.closes, &with.refused), (&without.closes, &without.refused));
                assert_eq!(with.link.is_some(), without.link.is_some());
            }
        }
    });
}
