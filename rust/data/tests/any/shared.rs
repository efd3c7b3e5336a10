//! Shared data, whatever a peer, a client's file or a disk says: no step panics, no bound is passed, what is kept comes back as it
//! was, and what one peer says never changes what a reader of pages is told of all documents.

#[path = "shared_client.rs"]
mod client;
#[path = "shared_dice.rs"]
mod dice;

use client::client;
use dice::Dice;
use rtcore_data::collection::{Answer, Pull, Row, Setup, Step, Who};
use rtcore_data::crdt::Kind;
use rtcore_data::{Collection, Limits, Map, Moment, Op, Schema, Strategy, Value, Why};
use std::collections::BTreeMap;

/// More steps than this find nothing new, and take long.
const STEPS: usize = 60;
/// Nested no deeper than what a peer may say.
const DEEP: usize = 6;
const WRITERS: usize = 3;
fn setup(dice: &mut Dice<'_>) -> Option<Setup> {
    let strategies = [Strategy::Merge, Strategy::Latest, Strategy::Custom, Strategy::Author, Strategy::Crdt];
    let strategy = strategies[dice.of(strategies.len())?];
    let fields =
        [("sum".into(), Kind::PnCounter), ("tags".into(), Kind::OrSet), ("likes".into(), Kind::GCounter)]
            .into();
    let whole = (dice.of(8)? == 0).then_some(Kind::OrSet);
    let schema = Schema { version: 3, fields, whole };
    let limits = Limits {
        value: 400,
        fields: 6,
        keys: 4,
        elements: 5,
        writers: 2,
        tombstones: 2,
        ..Limits::default()
    };
    let asks = dice.of(3)? == 0;
    Some(Setup { strategy, schema, upgrades: vec![2], limits, durable: dice.of(2)? == 1, asks })
}

struct Server {
    collection: Collection,
    head: u64,
    now: u64,
    told: Vec<(u64, Value)>,
    rows: BTreeMap<String, Row>,
    serial: u64,
}

impl Server {
    fn decided(&mut self, entry: Option<rtcore_data::collection::Entry>, rows: Vec<Row>, serial: u64) {
        if let Some(entry) = entry {
            assert_eq!(entry.seq, self.head + 1, "an entry has the number that was named");
            self.head = entry.seq;
            self.told.push((entry.seq, entry.data));
        }
        self.serial = serial;
        self.keep(rows);
    }

    /// As the store keeps them.
    fn keep(&mut self, rows: Vec<Row>) {
        for row in rows {
            match &row {
                Row::Key(key, ..) => drop(self.rows.insert(format!("k{key}"), row)),
                Row::NoKey(key) => drop(self.rows.remove(&format!("k{key}"))),
                Row::Writer(id, _) => drop(self.rows.insert(format!("w{}", id.1), row)),
                Row::Outcome(id, n, _) => drop(self.rows.insert(format!("x{}/{n:09}", id.1), row)),
                Row::NoWriter(id) => {
                    let (name, outcomes) = (format!("w{}", id.1), format!("x{}/", id.1));
                    self.rows.retain(|key, _| *key != name && !key.starts_with(&outcomes));
                }
                Row::State(_) => drop(self.rows.insert("state".into(), row)),
            }
        }
    }

    fn moment(&self) -> Moment<'static> {
        Moment { epoch: "e", head: self.head, next: self.head + 1, now_ms: self.now }
    }

    /// A push to its end; its ack.
    fn push(&mut self, who: Who, data: &Value, dice: &mut Dice<'_>) -> Option<Value> {
        let many = data.get("changes").and_then(Value::as_list).map_or(0, <[Value]>::len);
        let mut push = self.collection.begin(who, data, self.now).ok()?;
        let mut decided = 0;
        loop {
            let moment = self.moment();
            match self.collection.step(&mut push, &moment) {
                Step::Ask(question) => {
                    assert!(
                        self.collection.setup().asks
                            || matches!(self.collection.setup().strategy, Strategy::Custom)
                            || { question.change.get("schema").is_some() }
                    );
                    push.answer(match dice.of(6)? {
                        0 => Answer::Reject(Why::new("FORBIDDEN", "no")),
                        1 => Answer::Value(dice.change(1)?),
                        2 => Answer::Document(Some(dice.document()?)),
                        3 => Answer::Document(None),
                        4 => Answer::Author,
                        _ => Answer::Yes,
                    });
                }
                Step::Decided(done) => {
                    decided += 1;
                    let done = *done;
                    self.decided(done.entry, done.rows, done.serial);
                }
                Step::Ended(ack) => {
                    let results = ack.data.get("results").and_then(Value::as_list).map_or(0, <[Value]>::len);
                    assert!(
                        decided <= results && results <= many,
                        "one answer for each change that was looked at"
                    );
                    return Some(ack.data);
                }
            }
        }
    }

    /// Everything that a member may be told, page after page; all of them the same documents.
    fn pages(&self) -> Vec<Value> {
        let (mut after, mut begun, mut pages) = (None::<String>, None::<String>, Vec::new());
        let disk = self.collection.kept_upto(self.head);
        loop {
            let pull = Pull { after: after.as_deref(), begun: begun.as_deref(), limit: Some(2) };
            let page = self.collection.pull(pull, None, "e", disk);
            assert!(!page.reset && page.docs.len() <= 2);
            assert!(page.next <= disk && page.docs.iter().all(|it| it.seq <= page.next));
            let said = page.said("e");
            after = said.get("next").and_then(Value::as_text).map(str::to_owned);
            begun = said.get("begun").and_then(Value::as_text).map(str::to_owned);
            pages.push(said);
            if page.complete {
                assert_eq!(page.checksum, Some(self.collection.checksum()));
                return pages;
            }
        }
    }

    fn check(&mut self) {
        let setup = self.collection.setup().clone();
        if setup.durable {
            self.collection.kept(self.serial);
        }
        assert!(self.collection.len() <= setup.limits.keys, "no more documents than there may be");
        for (key, document) in self.collection.iter() {
            // What members of CRDTs and numbers beside them take is bounded by their own limits.
            assert!(document.said().size() <= 40 * setup.limits.value, "{key}: {:?}", document.said());
        }
        let pages = self.pages();
        let told: usize =
            pages.iter().filter_map(|page| page.get("docs")?.as_list().map(<[Value]>::len)).sum();
        assert_eq!(told, self.collection.len());
        let mut rows =
            if setup.durable { self.rows.values().cloned().collect() } else { self.collection.rows() };
        if !rows.iter().any(|row| matches!(row, Row::State(_))) {
            rows.push(self.collection.state());
        }
        let (again, _) = Collection::restore(setup, 0, rows).expect("what was kept is read again");
        assert_eq!(again.checksum(), self.collection.checksum());
        let said = |it: &Collection| {
            it.iter().map(|(key, document)| (key.to_owned(), document.said())).collect::<Vec<_>>()
        };
        assert_eq!(said(&again), said(&self.collection));
    }
}

fn server(dice: &mut Dice<'_>) -> Option<()> {
    let mut server = Server {
        collection: Collection::new(setup(dice)?, 0),
        head: 100,
        now: 1_000_000_000_000,
        told: Vec::new(),
        rows: BTreeMap::new(),
        serial: 0,
    };
    let mut last = [0_u64; WRITERS];
    for _ in 0..STEPS {
        let at = dice.of(WRITERS)?;
        let id = ("ann".into(), format!("c{at}").into());
        match dice.of(8)? {
            0 => {
                let op = dice.change(1)?;
                let moment = server.moment();
                let key = dice.text()?;
                if let Ok(op) = Op::of(&op)
                    && let Ok(done) = server.collection.write(key, op, &moment)
                {
                    server.decided(done.entry, done.rows, done.serial);
                }
            }
            1 => {
                server.now += 86_400_000 * u64::from(dice.byte()?);
                let rows = server.collection.sweep(server.now);
                server.keep(rows);
            }
            2 => {
                let [after, begun] = [dice.text()?, dice.text()?];
                let pull = Pull { after: Some(after), begun: Some(begun), limit: dice.of(4) };
                let page = server.collection.pull(pull, Some(&id), "e", server.head);
                assert!(page.next <= server.head);
            }
            3 => drop(server.collection.begin(who(at, 0, 1), &dice.value(DEEP)?, server.now)),
            _ => {
                let number = server.collection.join(&id, 0).number;
                let mut changes = Vec::new();
                for _ in 0..dice.of(4)? {
                    last[at] += 1;
                    changes.push(dice.change(last[at])?);
                }
                let data = Map::new().with("changes", changes).with("seen", dice.of(4)? as u64).into();
                let incarnation = 1 + u64::from(dice.of(16)? == 0);
                server.push(who(at, number, incarnation), &data, dice);
            }
        }
        server.check();
    }
    Some(())
}

fn who(at: usize, number: u64, incarnation: u64) -> Who {
    Who {
        id: ("ann".into(), format!("c{at}").into()),
        incarnation,
        nonce: format!("{incarnation}").into(),
        number,
    }
}

/// What stands in a file.
fn packed(bytes: &[u8]) {
    if let Some(value) = Value::unpack(bytes) {
        // (Numbers have one way to be written, and a reader takes longer ones too: what is written again is read again.)
        let again = Value::unpack(&value.pack()).expect("it was written");
        assert_eq!(format!("{again:?}"), format!("{value:?}"));
    }
}

/// Rows that a disk gives back, whatever is in them: a collection, or an error.
fn rows(dice: &mut Dice<'_>) -> Option<()> {
    let setup = setup(dice)?;
    let mut rows = Vec::new();
    while let Some(what) = dice.of(5) {
        let id = ("ann".into(), "c0".into());
        let Some(value) = dice.value(DEEP) else { break };
        rows.push(match what {
            0 => Row::Key(dice.text()?.into(), u64::from(dice.byte()?), value),
            1 => Row::Writer(id, value),
            2 => Row::Outcome(id, u64::from(dice.byte()?), value),
            3 => Row::NoKey(dice.text()?.into()),
            _ => Row::State(value),
        });
    }
    if let Ok((collection, _)) = Collection::restore(setup, 0, rows) {
        drop(collection.pull(Pull::default(), None, "e", u64::MAX >> 11));
    }
    Some(())
}

pub fn must_hold(bytes: &[u8]) {
    let [what, bytes @ ..] = bytes else { return };
    let mut dice = Dice(bytes.iter());
    match what % 4 {
        0 => packed(bytes),
        1 => drop(rows(&mut dice)),
        2 => drop(client(&mut dice)),
        _ => drop(server(&mut dice)),
    }
}
