//! What is made of bytes: values and changes, right in most of their parts.

use rtcore_data::{Map, Number, Value};

const NAMES: &[&str] = &[
    "n", "op", "key", "value", "unset", "base", "schema", "at", "was", "resolves", "prev", "writer", "by",
    "$crdt", "add", "remove", "set", "p", "e", "c", "r", "v", "t", "u", "docs", "seq", "deleted", "next",
    "complete", "reset", "begun", "checksum", "results", "conflict", "rejected", "held", "code", "after",
    "fields", "gone", "lost", "horizon", "strategy", "limits", "name", "outcomes", "sum", "tags", "likes",
    "title",
];
const TEXTS: &[&str] = &[
    "put",
    "patch",
    "delete",
    "skip",
    "k0",
    "k1",
    "k2",
    "w0",
    "w1",
    "*",
    "app",
    "a",
    "",
    "e.0",
    "e.100",
    "e.101",
    "e.9007199254740991",
    "other.5",
    "pn-counter",
    "g-counter",
    "g-set",
    "or-set",
    "lww-register",
    "text",
    "merge",
    "custom",
    "FENCED",
    "EXPECTED",
    "UNSEEN",
    "OUTDATED",
    "ID_REUSED",
    "FORBIDDEN",
    "0000000000000000",
    "\u{1}",
    "é",
];

/// What is made of bytes, until there are none.
pub struct Dice<'a>(pub std::slice::Iter<'a, u8>);

impl Dice<'_> {
    pub fn byte(&mut self) -> Option<u8> {
        self.0.next().copied()
    }

    pub fn of(&mut self, many: usize) -> Option<usize> {
        self.byte().map(|byte| usize::from(byte) % many)
    }

    pub fn text(&mut self) -> Option<&'static str> {
        Some(TEXTS[self.of(TEXTS.len())?])
    }

    pub fn number(&mut self) -> Option<Number> {
        Some(match self.of(8)? {
            0 => Number::Int(-1),
            1 => Number::Int(1 << 53),
            2 => Number::Int(i64::MIN),
            3 => Number::Large(u64::MAX),
            4 => Number::float(1e300)?,
            5 => Number::Int(100 + i64::from(self.byte()?)),
            _ => Number::Int(i64::from(self.byte()? % 8)),
        })
    }

    /// Any value.
    pub fn value(&mut self, deep: usize) -> Option<Value> {
        Some(match self.of(if deep == 0 { 5 } else { 9 })? {
            0 => Value::Null,
            1 => Value::Bool(self.of(2)? == 1),
            2 => Value::Number(self.number()?),
            3 => self.text()?.into(),
            4 => Value::Bytes(vec![self.byte()?; 3].into()),
            5 => {
                let count = self.of(4)?;
                Value::List((0..count).map(|_| self.value(deep - 1)).collect::<Option<_>>()?)
            }
            6 => self.operation()?,
            _ => self.object(deep)?.into(),
        })
    }

    pub fn object(&mut self, deep: usize) -> Option<Map> {
        let mut map = Map::new();
        for _ in 0..self.of(5)? {
            let name = NAMES[self.of(NAMES.len())?];
            map.insert(name, self.value(deep.saturating_sub(1))?);
        }
        Some(map)
    }

    /// What is to be done to a CRDT, or a state of one, right or nearly so.
    pub fn operation(&mut self) -> Option<Value> {
        let kind =
            ["pn-counter", "g-counter", "g-set", "or-set", "lww-register", "text", "none"][self.of(7)?];
        let mut map = Map::new().with("$crdt", kind);
        for _ in 0..self.of(3)? {
            let name = ["add", "remove", "set", "p", "n", "e", "c", "u", "v", "t"][self.of(10)?];
            let value = match self.of(4)? {
                0 => Value::Number(self.number()?),
                1 => Value::List(vec![self.text()?.into()]),
                2 => Map::new()
                    .with(
                        self.text()?,
                        vec![Value::List(vec![self.text()?.into(), Value::Number(self.number()?)])],
                    )
                    .into(),
                _ => self.value(1)?,
            };
            map.insert(name, value);
        }
        Some(map.into())
    }

    /// A change, right in most of its parts.
    pub fn change(&mut self, n: u64) -> Option<Value> {
        let n = if self.of(8)? == 0 { u64::from(self.byte()?) } else { n };
        let mut map = Map::new().with("n", n).with("op", ["put", "patch", "delete", "skip"][self.of(4)?]);
        map.insert("key", ["k0", "k1", "k2", "k3", "k4", "k5"][self.of(6)?]);
        map.insert("value", self.document()?);
        for _ in 0..self.of(4)? {
            let name = NAMES[self.of(NAMES.len())?];
            map.insert(name, self.value(2)?);
        }
        Some(map.into())
    }

    pub fn document(&mut self) -> Option<Value> {
        if self.of(6)? == 0 {
            return self.value(3);
        }
        let mut map = Map::new();
        for _ in 0..self.of(4)? {
            let name = ["title", "sum", "tags", "likes", "u"][self.of(5)?];
            let value = if self.of(2)? == 0 { self.operation()? } else { self.value(2)? };
            map.insert(name, value);
        }
        Some(map.into())
    }
}
