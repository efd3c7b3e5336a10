//! A row as whoever stores it has it: columns, and bytes.

use super::{Row, Who, WriterId};
use crate::value::Value;

const KEY: u8 = 0;
const WRITER: u8 = 1;
const OUTCOME: u8 = 2;
const STATE: u8 = 3;

/// Where a row stands among those of its collection, which are read in this order: documents, writers, outcomes, its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// What it is.
    pub kind: u8,
    /// Of a writer or an outcome: the user.
    pub user: Box<str>,
    /// The key, or the client id.
    pub name: Box<str>,
    /// Of an outcome: its number.
    pub n: u64,
}

/// A row in columns: a later one of the same place takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Which row of its collection it is.
    pub place: Place,
    /// What is kept. None: the row goes, and a writer's outcomes with it.
    pub value: Option<Vec<u8>>,
    /// Of a writer: its outcomes up to this number go.
    pub upto: u64,
}

impl Row {
    /// The kind of a document's or a tombstone's row.
    pub const KEY: u8 = KEY;
    /// The kind of a writer's row.
    pub const WRITER: u8 = WRITER;
    /// The kind of an outcome's row.
    pub const OUTCOME: u8 = OUTCOME;

    /// In columns.
    #[must_use]
    pub fn stored(&self) -> Stored {
        let row = |kind, user: &str, name: &str, value: Option<&Value>| Stored {
            place: Place { kind, user: user.into(), name: name.into(), n: 0 },
            value: value.map(Value::pack),
            upto: 0,
        };
        match self {
            Self::Key(key, _, value) => row(KEY, "", key, Some(value)),
            Self::NoKey(key) => row(KEY, "", key, None),
            Self::Writer((user, client), value) => {
                let upto = value.get("seen").and_then(Value::as_count).unwrap_or(0);
                Stored { upto, ..row(WRITER, user, client, Some(value)) }
            }
            Self::NoWriter((user, client)) => row(WRITER, user, client, None),
            Self::Outcome((user, client), n, value) => {
                let mut stored = row(OUTCOME, user, client, Some(value));
                stored.place.n = *n;
                stored
            }
            Self::State(value) => row(STATE, "", "", Some(value)),
        }
    }

    /// Read one that was stored. None: it is none.
    #[must_use]
    pub fn read(place: &Place, value: &[u8]) -> Option<Self> {
        let value = Value::unpack(value)?;
        let writer = || -> WriterId { (place.user.clone(), place.name.clone()) };
        Some(match place.kind {
            KEY => {
                let seq = seq_of(&value)?;
                Self::Key(place.name.clone(), seq, value)
            }
            WRITER => Self::Writer(writer(), value),
            OUTCOME => Self::Outcome(writer(), place.n, value),
            STATE => Self::State(value),
            _ => return None,
        })
    }
}

impl Who {
    /// As bytes to be kept. Its number is another in each life.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (user, client) = &self.id;
        let parts: [Value; 4] =
            [(&**user).into(), (&**client).into(), self.incarnation.into(), (&*self.nonce).into()];
        Value::List(parts.into()).pack()
    }

    /// Read what `pack` wrote. None: it is something else.
    #[must_use]
    pub fn unpack(bytes: &[u8]) -> Option<Self> {
        let value = Value::unpack(bytes)?;
        let [user, client, incarnation, nonce] = value.as_list()? else { return None };
        let id = (user.as_text()?.into(), client.as_text()?.into());
        Some(Self { id, incarnation: incarnation.as_count()?, nonce: nonce.as_text()?.into(), number: 0 })
    }
}

/// The number of a document's or a tombstone's last change.
fn seq_of(value: &Value) -> Option<u64> {
    value.get("gone").or_else(|| value.get("last"))?.as_list()?.first()?.as_count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Map;

    #[test]
    fn each_kind_of_row_is_read_as_it_was_stored() {
        let stamp = |seq: u64| Value::List(vec![seq.into(), 7_u64.into(), 0_u64.into()]);
        let writer = || ("ann".into(), "c".into());
        for row in [
            Row::Key("k".into(), 5, Map::new().with("last", stamp(5)).with("one", 1_u64).into()),
            Row::Key("k".into(), 6, Map::new().with("gone", stamp(6)).with("told", 9_u64).into()),
            Row::Writer(writer(), Map::new().with("n", 3_u64).with("seen", 2_u64).into()),
            Row::Outcome(writer(), 3, Map::new().with("said", 1_u64).into()),
            Row::State(Map::new().with("horizon", 4_u64).into()),
        ] {
            let stored = row.stored();
            assert_eq!(Row::read(&stored.place, &stored.value.expect("something is kept")), Some(row));
        }
        let who = Who { id: writer(), incarnation: 4, nonce: "n".into(), number: 0 };
        assert_eq!(Who::unpack(&who.pack()), Some(who));
        assert_eq!(Row::Writer(writer(), Map::new().with("seen", 2_u64).into()).stored().upto, 2);
        assert_eq!(Row::NoKey("k".into()).stored().value, None);
        assert_eq!(Row::NoWriter(writer()).stored().value, None);
    }
}
