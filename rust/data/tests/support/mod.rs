//! A collection with a log of its own, driven as an engine drives it.
#![allow(dead_code, reason = "each test file uses a part of it")]

use rtcore_data::collection::{Ack, Answer, Decided, Page, Pull, Question, Setup, Step, Who};
use rtcore_data::{Collection, Limits, Map, Moment, Number, Op, Schema, Strategy, Value};

pub const DAY: u64 = 86_400_000;

/// A value of JSON.
pub fn v(json: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => (*value).into(),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(n), _) => n.into(),
            (None, Some(n)) => n.into(),
            _ => Value::Number(Number::float(number.as_f64().expect("a float")).expect("finite")),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(list) => list.iter().map(v).collect::<Vec<_>>().into(),
        Json::Object(map) => {
            map.iter().map(|(name, value)| (name.as_str(), v(value))).collect::<Map>().into()
        }
    }
}

#[macro_export]
macro_rules! value {
    ($($json:tt)+) => { $crate::support::v(&serde_json::json!($($json)+)) };
}

pub fn setup(strategy: Strategy) -> Setup {
    let schema = Schema { version: 3, ..Schema::default() };
    Setup { strategy, schema, upgrades: vec![2], limits: Limits::default(), durable: false, asks: false }
}

pub struct Server {
    pub collection: Collection,
    pub head: u64,
    pub now: u64,
    pub entries: Vec<(u64, Value)>,
    pub rows: Vec<rtcore_data::collection::Row>,
    pub serial: u64,
    /// Number and last change of each client.
    pub clients: std::collections::BTreeMap<String, (u64, u64)>,
}

pub fn who(client: &str, incarnation: u64) -> Who {
    Who {
        id: ("ann".into(), client.into()),
        incarnation,
        nonce: format!("{client}{incarnation}").into(),
        number: 0,
    }
}

impl Server {
    pub fn new(setup: Setup) -> Self {
        let collection = Collection::new(setup, 0);
        Self {
            collection,
            head: 100,
            now: 1_000_000_000,
            entries: Vec::new(),
            rows: Vec::new(),
            serial: 0,
            clients: std::collections::BTreeMap::new(),
        }
    }

    pub fn moment(&self) -> Moment<'static> {
        Moment { epoch: "e", head: self.head, next: self.head + 1, now_ms: self.now }
    }

    fn decided(&mut self, decided: Decided) {
        if let Some(entry) = decided.entry {
            assert_eq!(entry.seq, self.head + 1);
            self.head += 1;
            self.entries.push((entry.seq, entry.data));
        }
        self.rows.extend(decided.rows);
        self.serial = decided.serial;
    }

    pub fn push_asked(
        &mut self,
        who: &Who,
        data: &Value,
        mut app: impl FnMut(&mut Self, Question) -> Answer,
    ) -> Ack {
        let mut push = self.collection.begin(who.clone(), data, self.now).expect("a push");
        loop {
            let moment = self.moment();
            match self.collection.step(&mut push, &moment) {
                Step::Ask(question) => {
                    let answer = app(self, question);
                    push.answer(answer);
                }
                Step::Decided(decided) => self.decided(*decided),
                Step::Ended(ack) => return ack,
            }
        }
    }

    pub fn push(&mut self, who: &Who, data: &Value) -> Value {
        self.push_asked(who, data, |_, question| panic!("nobody answers {question:?}")).data
    }

    /// One change of a writer, with its next number; its result.
    pub fn change(&mut self, client: &str, change: &Value) -> Value {
        let mut who = who(client, 1);
        if !self.clients.contains_key(client) {
            let number = self.collection.join(&who.id, 0).number;
            self.clients.insert(client.to_owned(), (number, 0));
        }
        let known = self.clients.get_mut(client).expect("it has joined");
        known.1 += 1;
        let n = known.1;
        who.number = known.0;
        let change: Value = change.as_map().expect("an object").clone().with("n", n).into();
        let ack = self.push(&who, &Map::new().with("changes", vec![change]).into());
        assert_eq!(ack.get("held"), Some(&Value::Null), "{ack:?}");
        ack.get("results").and_then(Value::as_list).expect("results")[0].clone()
    }

    pub fn write(&mut self, key: &str, op: Op) {
        let moment = self.moment();
        let decided = self.collection.write(key, op, &moment).expect("done");
        self.decided(decided);
    }

    pub fn get(&self, key: &str) -> Option<Value> {
        self.collection.get(key).map(|document| document.said())
    }

    pub fn last(&self) -> &Value {
        &self.entries.last().expect("an entry").1
    }

    pub fn at(&self) -> String {
        format!("e.{}", self.head)
    }

    pub fn pull(&self, after: Option<&str>, begun: Option<&str>) -> Page {
        self.collection.pull(Pull { after, begun, limit: None }, None, "e", self.head)
    }
}
