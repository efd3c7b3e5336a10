//! A world with a store that answers late, out of step with turns, with an error, or not at all, and what must hold in it.
//!
//! 1: what was acknowledged of a durable room is on disk when it is acknowledged, and so is what was heard of it; who was told
//! that it left is so for who begins anew with what is on disk then. 2: each listener hears each entry once, in order, or is told
//! a gap. 3: nothing is carried out twice.

use super::disk::{Mood, trouble};
use super::rooms::{Bounded, config};
use super::steps::Step;
use super::world::World;
use rtcore_core::room::settings::Durability;
use rtcore_core::store::{Ask, Group, Origin, Report};
use std::collections::BTreeSet;

/// Rooms that are on disk: one that is asked for, ones of three policies.
const KEPT: [&str; 4] = ["skip", "latest", "block", "asked"];

/// What happens.
#[derive(Clone, Debug)]
pub enum Act {
    Steps(Vec<Step>),
    /// The store answers this one of what it was asked.
    Answer(usize),
    /// It refuses the group that it has.
    Refuse,
    /// It does not know what became of it, and takes nothing; when it is up again it says that, too.
    Doubt,
    /// That time has come: it was written, or not.
    Decide(bool),
    /// It answers at once, or not.
    Quick(bool),
    Unreadable(bool),
}

pub struct Stored {
    pub world: World,
    /// What became of it nobody knows.
    doubted: Option<Group>,
}

impl Stored {
    pub fn new(bounded: Bounded, seed: u64) -> Self {
        let mut config = config(bounded);
        config.store = true;
        config.durable_events = vec!["work".into(), "late".into()];
        for room in config.rooms.iter_mut().filter(|room| KEPT.contains(&&*room.pattern)) {
            room.durable = Durability::Full;
        }
        let mut world = World::with(config, 4, seed);
        world.cuts = seed.is_multiple_of(2);
        // A publish into a room is done while the join before it waits for the disk.
        world.clients.iter_mut().for_each(|client| client.overtakes = true);
        let new = world.disk.kept(Origin::New);
        world.engine.restore(&new, world.now);
        world.settle();
        // They are there already: what may go wrong begins at once.
        for client in 0..4 {
            world.step(&Step::Connect(client));
            for room in [0, client] {
                world.step(&Step::Join(client, room));
            }
        }
        world.disk.mood = Mood::Waits;
        Self { world, doubted: None }
    }

    pub fn act(&mut self, act: &Act) {
        let world = &mut self.world;
        match act {
            Act::Steps(steps) => steps.iter().for_each(|step| world.step(step)),
            Act::Answer(which) => {
                // Reads come in any order; of groups there is one.
                let many = world.disk.asked.len();
                if many > 0 {
                    world.disk.asked.rotate_left(which % many);
                    world.write();
                }
            }
            Act::Refuse => {
                if self.next_group() {
                    self.world.refuse();
                }
            }
            Act::Doubt => {
                if self.doubted.is_none() && self.next_group() {
                    let Some(Ask::Write(group)) = self.world.disk.asked.pop_front() else { return };
                    self.world.report(Report::Unknown(group.id, trouble()));
                    self.doubted = Some(group);
                }
            }
            Act::Decide(written) => self.decide(*written),
            Act::Quick(quick) => {
                world.disk.mood = if *quick { Mood::Quick } else { Mood::Waits };
                world.settle();
            }
            Act::Unreadable(unreadable) => world.disk.unreadable = *unreadable,
        }
    }

    /// The group that the store has comes next.
    fn next_group(&mut self) -> bool {
        let asked = &mut self.world.disk.asked;
        let at = asked.iter().position(|ask| matches!(ask, Ask::Write(_)));
        at.is_some_and(|at| {
            asked.rotate_left(at);
            true
        })
    }

    fn decide(&mut self, written: bool) {
        let Some(group) = self.doubted.take() else { return };
        let report = if written {
            let id = group.id;
            self.world.disk.written.extend(group.records);
            Report::Written(id)
        } else {
            Report::Refused(group.id, trouble())
        };
        self.world.report(report);
        self.world.report(Report::Up);
    }

    /// Law 1, and the end of law 2 that can be seen at any time.
    pub fn check(&self) {
        let world = &self.world;
        let on_disk: BTreeSet<u64> = world.disk.entries().into_iter().collect();
        let kept = world.disk.kept(Origin::Crash);
        for client in &world.clients {
            for (id, ack) in &client.acks {
                let asked = &client.asked[id];
                let room = asked["room"].as_str().unwrap_or_default();
                if !KEPT.contains(&room) || ack.get("error").is_some() {
                    continue;
                }
                let session = client.held.as_ref().map(|(name, _)| name.as_str());
                let row = kept.sessions.iter().find(|kept| Some(&*kept.row.name) == session);
                let is_in = row.is_some_and(|row| row.rooms.iter().any(|member| *member.room == *room));
                let later = |other: &serde_json::Value| {
                    other["room"] == room
                        && matches!(other["type"].as_str(), Some("join" | "leave"))
                        && other["id"].as_u64() > Some(*id)
                };
                let last = !client.asked.values().any(later);
                match asked["type"].as_str() {
                    Some("publish") => {
                        let seq = ack["data"]["seq"].as_u64();
                        assert!(
                            seq.is_none_or(|seq| on_disk.contains(&seq)),
                            "{asked} was acknowledged: {ack}, and is not on disk"
                        );
                    }
                    Some("leave") if last => {
                        assert!(!is_in, "{asked} was acknowledged, and is not on disk");
                    }
                    _ => {}
                }
            }
            for seq in client.record.heard.iter().filter_map(|(seq, room)| {
                room.as_ref().is_some_and(|room| KEPT.contains(&&**room)).then_some(seq)
            }) {
                assert!(on_disk.contains(seq), "{seq} was heard, and is not on disk");
            }
        }
        world.check_heard();
    }

    /// The store works again, and nobody owes anything.
    pub fn rest(&mut self) {
        self.decide(true);
        self.world.disk.unreadable = false;
        self.world.disk.mood = Mood::Quick;
        self.world.settle();
        self.world.come_to_rest();
        // What nobody waits for (how long it ran, say) is there within a second.
        for _ in 0..3 {
            if !self.world.engine.is_stored() {
                self.world.pass(1_000);
            }
        }
    }

    /// Law 3, at the end: nothing was carried out twice, and nothing waits for the disk any more.
    pub fn check_done(&self) {
        for (data, count) in &self.world.app.done {
            assert_eq!(*count, 1, "the handler ran {count} times for {data}");
        }
        let mut said = BTreeSet::new();
        for entry in self.world.truth.entries.values() {
            assert!(said.insert(&entry.data), "{} was said twice", entry.data);
        }
        assert!(self.world.engine.is_stored(), "something waits for the disk");
    }
}
