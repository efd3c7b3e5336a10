//! One server and several clients in a world of chance: links that break, acks that are lost, writes that fail, programs that
//! are started again from what they kept, copies of their files. At the end, when all of them can speak: every view is the
//! server's, and every change was done once or is told to its author.
//!
//! Each change adds its own amount to a counter, so that one that was done twice, or lost, is seen in the value.

mod changes;
mod copies;
mod links;
#[path = "../support/mod.rs"]
mod support;

use proptest::prelude::*;
use proptest::strategy::Strategy as Strategy_;
use rtcore_data::client::{Keep, Replica};
use rtcore_data::collection::{Pull, Row, Who};
use rtcore_data::crdt::Kind;
use rtcore_data::{Collection, Strategy, Value, Why};
use std::collections::{BTreeMap, BTreeSet};
use support::setup;

#[derive(Clone, Debug)]
enum Step {
    Change(usize, u8, u8, bool),
    /// What becomes of it: it arrives; the request is lost; the ack is.
    Push(usize, u8),
    Pull(usize, bool),
    Hear(usize, u8),
    Drop(usize),
    Join(usize, bool),
    Restart(usize),
    Copy(usize, usize),
    /// The disk is done, or a write failed.
    Disk(bool),
    Server(bool),
    Decide(usize, u8),
}

fn steps() -> impl Strategy_<Value = Vec<Step>> {
    let at = || 0_usize..4;
    let step = prop_oneof![
        6 => (at(), 0_u8..3, 0_u8..6, any::<bool>()).prop_map(|(at, key, what, off)| Step::Change(at, key, what, off)),
        8 => (at(), 0_u8..6).prop_map(|(at, fate)| Step::Push(at, fate)),
        4 => (at(), any::<bool>()).prop_map(|(at, lost)| Step::Pull(at, lost)),
        6 => (at(), 1_u8..6).prop_map(|(at, count)| Step::Hear(at, count)),
        2 => at().prop_map(Step::Drop),
        5 => (at(), any::<bool>()).prop_map(|(at, resumes)| Step::Join(at, resumes)),
        1 => at().prop_map(Step::Restart),
        1 => (at(), at()).prop_map(|(from, to)| Step::Copy(from, to)),
        4 => prop::bool::weighted(0.9).prop_map(Step::Disk),
        1 => any::<bool>().prop_map(Step::Server),
        2 => (at(), 0_u8..3).prop_map(|(at, how)| Step::Decide(at, how)),
    ];
    proptest::collection::vec(step, 0..160)
}

struct Client {
    id: String,
    incarnation: u64,
    nonce: String,
    replica: Replica,
    kept: BTreeMap<String, Keep>,
    number: u64,
    cursor: usize,
    online: bool,
    opened: bool,
}

struct World {
    collection: Collection,
    strategy: Strategy,
    rows: Vec<Row>,
    waiting_rows: Vec<(u64, Vec<Row>)>,
    /// Number, serial and data of each entry.
    log: Vec<(u64, u64, Value)>,
    serial: u64,
    kept: u64,
    acks: Vec<(usize, u64, u64, Value)>,
    epoch: u64,
    head: u64,
    now: u64,
    clients: Vec<Client>,
    made: u64,
    /// What each change adds, by client id and number.
    amounts: BTreeMap<(String, u64), i64>,
    /// What was added to sets, each once.
    marks: BTreeSet<String>,
}

fn types(strategy: Strategy) -> rtcore_data::collection::Setup {
    let mut made = setup(strategy);
    made.durable = true;
    made.schema.fields = [("sum".into(), Kind::PnCounter), ("tags".into(), Kind::OrSet)].into();
    made
}

impl Client {
    fn new(id: usize) -> Self {
        let id = format!("c{id}");
        Self {
            nonce: format!("{id}/1"),
            id,
            incarnation: 1,
            replica: Replica::new(),
            kept: BTreeMap::new(),
            number: 0,
            cursor: 0,
            online: false,
            opened: true,
        }
    }

    fn who(&self) -> Who {
        Who {
            id: ("ann".into(), self.id.as_str().into()),
            incarnation: self.incarnation,
            nonce: self.nonce.as_str().into(),
            number: self.number,
        }
    }

    fn keep(&mut self) {
        for row in self.replica.keep(true).rows {
            match &row {
                Keep::NoKeys => self.kept.retain(|name, _| !name.starts_with('k')),
                Keep::Key(key, Some(_)) => drop(self.kept.insert(format!("k{key}"), row)),
                Keep::Key(key, None) => drop(self.kept.remove(&format!("k{key}"))),
                Keep::Change(n, Some(_)) => drop(self.kept.insert(format!("n{n:09}"), row)),
                Keep::Change(n, None) => drop(self.kept.remove(&format!("n{n:09}"))),
                Keep::State(_) => drop(self.kept.insert("state".into(), row)),
            }
        }
    }
}

impl World {
    fn new(strategy: Strategy) -> Self {
        Self {
            collection: Collection::new(types(strategy), 0),
            strategy,
            rows: Vec::new(),
            waiting_rows: Vec::new(),
            log: Vec::new(),
            serial: 0,
            kept: 0,
            acks: Vec::new(),
            epoch: 1,
            head: 100,
            now: 1_000_000_000,
            clients: (0..4).map(Client::new).collect(),
            made: 0,
            amounts: BTreeMap::new(),
            marks: BTreeSet::new(),
        }
    }

    fn epoch(&self) -> String {
        format!("e{}", self.epoch)
    }

    /// The head on disk.
    fn disk(&self) -> u64 {
        let first = self.log.iter().find(|(_, serial, _)| *serial > self.kept);
        first.map_or(self.head, |(seq, ..)| seq - 1)
    }

    fn drop_link(&mut self, at: usize) {
        self.clients[at].online = false;
        self.clients[at].replica.away();
        self.acks.retain(|(of, ..)| *of != at);
    }

    fn disk_is_done(&mut self, well: bool) {
        if well {
            self.kept = self.serial;
            self.collection.kept(self.kept);
            for (_, rows) in std::mem::take(&mut self.waiting_rows) {
                self.rows.extend(rows);
            }
            self.tell_acks();
            return;
        }
        self.collection.lost();
        self.waiting_rows.clear();
        let kept = self.kept;
        self.log.retain(|(_, serial, _)| *serial <= kept);
        for (at, token, ..) in std::mem::take(&mut self.acks) {
            let why = Why::new("UNAVAILABLE", "the write failed");
            self.clients[at].replica.push_failed(token, &why, true, 10, self.now);
            self.clients[at].keep();
        }
        self.now += 20;
    }

    /// The server is started again from its disk; in a new life of the log, or the same.
    fn restart(&mut self, new_epoch: bool) {
        for at in 0..self.clients.len() {
            self.drop_link(at);
        }
        let kept = self.kept;
        self.log.retain(|(_, serial, _)| *serial <= kept);
        self.waiting_rows.clear();
        self.epoch += u64::from(new_epoch);
        self.head += 10;
        self.collection =
            Collection::restore(types(self.strategy), 0, self.rows.clone()).expect("it was kept").0;
        (self.serial, self.kept) = (0, 0);
        for (_, serial, _) in &mut self.log {
            *serial = 0;
        }
    }

    fn hear(&mut self, at: usize, count: u8) {
        let disk = self.disk();
        let client = &mut self.clients[at];
        for _ in 0..count {
            let Some((seq, _, data)) =
                self.log.get(client.cursor).filter(|(seq, ..)| client.online && *seq <= disk)
            else {
                break;
            };
            client.replica.hear(*seq, data);
            client.cursor += 1;
        }
        client.keep();
    }

    fn pull(&mut self, at: usize, lost: bool) {
        if !self.clients[at].online {
            return;
        }
        let Some(due) = self.clients[at].replica.next_pull() else { return };
        if lost {
            self.drop_link(at);
            return;
        }
        let pull = Pull { after: due.after.as_deref(), begun: due.begun.as_deref(), limit: Some(2) };
        let who = self.clients[at].who();
        let epoch = self.epoch();
        let page = self.collection.pull(pull, Some(&who.id), &epoch, self.disk()).said(&epoch);
        self.now += 61_000;
        self.clients[at].replica.page(&page, self.now);
        self.clients[at].keep();
    }

    /// The program is started again: its outbox is opened by a new incarnation.
    fn reopen(&mut self, at: usize, from: usize) {
        self.drop_link(at);
        let (id, incarnation, kept) = {
            let from = &self.clients[from];
            (from.id.clone(), from.incarnation + 1, from.kept.clone())
        };
        let client = &mut self.clients[at];
        client.nonce = format!("{id}/{incarnation}/{at}");
        (client.id, client.incarnation, client.cursor, client.number) = (id, incarnation, usize::MAX, 0);
        let mut rows: Vec<Keep> = kept.values().cloned().collect();
        rows.reverse();
        client.replica = Replica::restore(rows).expect("it was kept");
        client.kept = kept;
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Change(at, key, what, off) if !self.clients[at].replica.is_fenced() => {
                self.change(at, key, what, off);
            }
            Step::Push(at, fate) => self.push(at, fate),
            Step::Pull(at, lost) => self.pull(at, lost),
            Step::Hear(at, count) => self.hear(at, count),
            Step::Drop(at) => self.drop_link(at),
            Step::Join(at, resumes) => self.join(at, resumes),
            Step::Restart(at) => self.reopen(at, at),
            // A copy in the place of a client that has nothing of its own at stake.
            Step::Copy(from, to)
                if from != to
                    && self.clients[to].replica.keys().len() == 0
                    && self.clients[to].replica.pending().len() == 0
                    && self.clients[from].opened =>
            {
                self.clients[from].opened = false;
                self.reopen(to, from);
                self.clients[to].opened = false;
            }
            Step::Change(..) | Step::Copy(..) => {}
            Step::Disk(well) => self.disk_is_done(well),
            Step::Server(new_epoch) => self.restart(new_epoch),
            Step::Decide(at, how) => self.decide(at, how),
        }
    }

    fn heal(&mut self) {
        for round in 0..60 {
            for at in 0..self.clients.len() {
                if round == 0 || !self.clients[at].online {
                    self.join(at, false);
                }
                for _ in 0..4 {
                    self.push(at, 0);
                }
                self.disk_is_done(true);
                for _ in 0..4 {
                    self.pull(at, false);
                }
                self.hear(at, 200);
                self.now += 3_000;
            }
        }
    }

    fn judge(&self) -> Result<(), TestCaseError> {
        let docs: BTreeMap<&str, Value> = self.collection.iter().map(|(key, it)| (key, it.said())).collect();
        for client in &self.clients {
            let replica = &client.replica;
            prop_assert_eq!(replica.pending().len(), 0, "{} has changes left: {:?}", client.id, replica);
            prop_assert!(replica.trouble().is_none());
            let view: BTreeMap<&str, Value> =
                replica.keys().map(|key| (&**key, replica.get(key).expect("it is seen"))).collect();
            let shown = |key: &str| replica.shown(key).expect("it was seen");
            prop_assert!(
                view.iter().all(|(key, seen)| shown(key) == *seen),
                "{} shows something else",
                client.id
            );
            prop_assert_eq!(&view, &docs, "{} sees something else", client.id);
        }
        let mut numbers = BTreeSet::new();
        for (_, _, data) in &self.log {
            let name = data.get("writer").and_then(Value::as_text).expect("a writer").to_owned();
            let n = data.get("n").and_then(Value::as_count).expect("a number");
            prop_assert!(numbers.insert((name.clone(), n)), "{} said {} twice", name, n);
        }
        Ok(())
    }
}

/// Changes that came to nothing, as their authors know it.
fn failed(world: &World) -> BTreeSet<(String, u64)> {
    let failed = world.clients.iter().flat_map(|client| {
        let refused = client.replica.refused.iter().map(|it| it.change.n);
        let conflicts = client.replica.conflicts.iter().map(|it| it.change.n);
        refused.chain(conflicts).map(|n| (client.id.clone(), n)).collect::<Vec<_>>()
    });
    failed.collect()
}

proptest! {
    #[test]
    fn all_views_end_equal_and_each_change_is_done_once_or_told(steps in steps(), strategy in 0_usize..4) {
        let strategy = [Strategy::Merge, Strategy::Latest, Strategy::Author, Strategy::Crdt][strategy];
        let mut world = World::new(strategy);
        for step in &steps {
            world.step(step);
        }
        world.heal();
        world.judge()?;
    }

    /// Without deletes a counter has every amount once, but for those of changes that were refused or wait for a decision.
    #[test]
    fn a_counter_has_every_amount_once(steps in steps()) {
        let mut world = World::new(Strategy::Merge);
        for step in &steps {
            if !matches!(step, Step::Change(_, _, 4, _) | Step::Copy(..) | Step::Decide(..)) {
                world.step(step);
            }
        }
        world.heal();
        world.judge()?;
        let failed = failed(&world);
        let wanted: i64 = world.amounts.iter().filter(|(change, _)| !failed.contains(*change)).map(|(_, amount)| *amount).sum();
        let sums = world.collection.iter().filter_map(|(_, it)| it.said().get("sum")?.get("p")?.as_map().cloned());
        let held: i64 = sums.map(|sums| sums.iter().filter_map(|(_, sum)| sum.as_int()).sum::<i64>()).sum();
        prop_assert_eq!(held, wanted);
    }
}
