//! A change, as its author says it.

use crate::limits::{DATA_KEY, Limits};
use crate::number::EXACT;
use crate::position::{Position, Seq};
use crate::schema::Schema;
use crate::value::{Map, Value};
use crate::why::Why;

/// What is to be done to a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Create the document, or replace it.
    Put(Value),
    /// Set fields, and take some out.
    Patch(Value, Vec<Box<str>>),
    /// Delete it.
    Delete,
    /// Nothing: the number of a change that was discarded.
    Skip,
}

/// A change that was read and is within the limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What is to be done.
    pub op: Op,
    /// To which document.
    pub key: Box<str>,
    /// The confirmed document or tombstone that it was made on.
    pub base: Option<Seq>,
    /// The schema under which it was made; none: the present one.
    pub schema: Option<u64>,
    /// When it was made, by the server's time (ms since 1970).
    pub at: Option<u64>,
    /// What its author saw before, for a function that decides.
    pub was: Option<Value>,
    /// The numbers of the author's changes whose conflict this resolves: told in the event.
    pub resolves: Option<Value>,
}

/// How far the log is.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// Its life.
    pub epoch: &'a str,
    /// The highest number that was given.
    pub head: Seq,
    /// The number that an entry made now will have.
    pub next: Seq,
    /// Now (ms since 1970). It never falls: it is the time of entries.
    pub now_ms: u64,
}

/// Whether a text may be a key.
pub fn check_key(key: &str) -> Result<(), Why> {
    if !(1..=DATA_KEY).contains(&key.len()) {
        return Err(Why::invalid(format!("the key is {} bytes long; it has 1 to {DATA_KEY}", key.len())));
    }
    match key.chars().find(|c| c.is_control()) {
        Some(c) => {
            Err(Why::invalid(format!("the key has the control character U+{:04X} in it", u32::from(c))))
        }
        None => Ok(()),
    }
}

/// The number of a change; none: it cannot be answered for itself.
#[must_use]
pub fn number_of(said: &Value) -> Option<u64> {
    said.get("n")?.as_count().filter(|n| *n > 0)
}

fn field<'a, T>(
    said: &'a Value,
    name: &str,
    read: impl Fn(&'a Value) -> Option<T>,
) -> Result<Option<T>, Why> {
    let wrong = || Why::invalid(format!("{name:?} is not as it should be"));
    said.some(name).map(|value| read(value).ok_or_else(wrong)).transpose()
}

fn base(said: &Value, moment: &Moment<'_>) -> Result<Option<Seq>, Why> {
    let Some(text) = field(said, "base", Value::as_text)? else { return Ok(None) };
    match Position::parse(text) {
        None => Err(Why::invalid("\"base\" is no position")),
        Some((epoch, _)) if epoch != moment.epoch => Ok(None),
        Some((_, seq)) if seq > moment.head => Err(Why::invalid("\"base\" is a position of the future")),
        Some((_, seq)) => Ok(Some(seq)),
    }
}

impl Op {
    fn read(said: &Value) -> Result<Self, Why> {
        let value = || said.get("value").cloned().unwrap_or(Value::Null);
        Ok(match field(said, "op", Value::as_text)? {
            Some("put") => Self::Put(value()),
            Some("patch") => {
                let wrong = || Why::invalid("\"unset\" is no list of names");
                let texts = |list: &Value| {
                    let names = list.as_list()?.iter().map(|name| Some(name.as_text()?.into()));
                    names.collect::<Option<Vec<Box<str>>>>()
                };
                let unset =
                    said.some("unset").map_or(Ok(Vec::new()), |list| texts(list).ok_or_else(wrong))?;
                let set = if said.some("value").is_none() { Map::new().into() } else { value() };
                if set.as_map().is_none() {
                    return Err(Why::invalid("a patch has an object as its value"));
                }
                if let Some(both) = unset.iter().find(|name| set.get(name).is_some()) {
                    return Err(Why::invalid(format!("{both:?} is set and taken out, both")));
                }
                Self::Patch(set, unset)
            }
            Some("delete") => Self::Delete,
            Some("skip") => Self::Skip,
            _ => return Err(Why::invalid("\"op\" is none of put, patch, delete, skip")),
        })
    }

    /// Read `op`, `value` and `unset`.
    pub fn of(said: &Value) -> Result<Self, Why> {
        Self::read(said)
    }

    /// As a change says it, in the place of what `said` says.
    #[must_use]
    pub fn shown(&self, said: &Value) -> Value {
        let mut map = said.as_map().cloned().unwrap_or_default();
        map.remove("value");
        map.remove("unset");
        let (op, value, unset) = match self {
            Self::Put(value) => ("put", Some(value), None),
            Self::Patch(value, unset) => ("patch", Some(value), Some(unset)),
            Self::Delete => ("delete", None, None),
            Self::Skip => ("skip", None, None),
        };
        let names = |names: &Vec<Box<str>>| names.iter().map(|name| Value::from(&**name)).collect::<Vec<_>>();
        map.with("op", op).with_some("value", value.cloned()).with_some("unset", unset.map(names)).into()
    }

    /// Whether a value is within the limits.
    pub(crate) fn check_size(&self, limits: &Limits) -> Result<(), Why> {
        match self {
            Self::Put(value) | Self::Patch(value, _) if value.size() > limits.value => {
                Err(Why::large("the value in bytes", value.size(), limits.value))
            }
            _ => Ok(()),
        }
    }

    /// Whether it is within the limits, and has CRDTs where the type has them.
    pub fn check(&self, schema: &Schema, limits: &Limits) -> Result<(), Why> {
        let (value, unset) = match self {
            Self::Put(value) => (value, [].as_slice()),
            Self::Patch(value, unset) => (value, unset.as_slice()),
            Self::Delete | Self::Skip => return Ok(()),
        };
        self.check_size(limits)?;
        let fields = value.as_map().map_or(0, Map::len) + unset.len();
        if fields > limits.fields {
            return Err(Why::large("fields of the change", fields, limits.fields));
        }
        schema.check(value)?;
        unset.iter().try_for_each(|name| schema.check_unset(name))
    }
}

impl Change {
    /// Read what an author says.
    pub fn read(said: &Value, moment: &Moment<'_>) -> Result<Self, Why> {
        let op = Op::read(said)?;
        let key: Box<str> = match field(said, "key", Value::as_text)? {
            Some(key) => key.into(),
            None if op == Op::Skip => "-".into(),
            None => return Err(Why::invalid("\"key\" is missing")),
        };
        check_key(&key)?;
        Ok(Self {
            op,
            key,
            base: base(said, moment)?,
            schema: field(said, "schema", Value::as_count)?,
            at: field(said, "at", |at| at.as_int().map(|at| at.max(0).unsigned_abs()))?,
            was: said.get("was").cloned(),
            resolves: said.some("resolves").cloned(),
        })
    }

    /// The schema that it was made under is another one than this: the one it names.
    #[must_use]
    pub fn other_schema(&self, schema: &Schema) -> Option<u64> {
        self.schema.filter(|version| *version != schema.version)
    }
}

/// When a change counts as made, and whether the log's order decides for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Its time (ms since 1970).
    pub time: u64,
    /// It is later than all that is there.
    pub later: bool,
    /// How much of a time in the future was cut (ms).
    pub clamped_ms: Option<u64>,
}

impl Timing {
    /// Of a change that arrives now.
    #[must_use]
    pub fn of(at: Option<u64>, now_ms: u64) -> Self {
        use crate::limits::DATA_ONLINE_MS;
        debug_assert!(now_ms <= EXACT.unsigned_abs());
        match at {
            Some(at) if at.abs_diff(now_ms) > DATA_ONLINE_MS => {
                let clamped_ms = at.checked_sub(now_ms);
                Self { time: at.min(now_ms), later: false, clamped_ms }
            }
            _ => Self { time: now_ms, later: true, clamped_ms: None },
        }
    }

    /// Whether it is later than what has this time.
    #[must_use]
    pub fn beats(&self, time: u64) -> bool {
        self.later || self.time >= time
    }
}
