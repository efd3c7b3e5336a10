//! Deciding: what comes of a change, given what is there.
//!
//! A field of a change is *contested* when its last change is above the change's base, by another writer, and the value would
//! be another. What is not contested is done. What is, is decided by the strategy; and whatever comes of it, the author is
//! told what did not count. CRDTs are never contested: their operations always count.

use super::document::{Body, Document, Held, Stamp, WriterNo};
use super::plan::{Lost, Plan};
use crate::change::{Change, Op, Timing};
use crate::crdt::MARK;
use crate::position::Seq;
use crate::schema::{Schema, Strategy};
use crate::value::{Map, Value};

/// What is at a key.
#[derive(Clone, Copy, Debug)]
pub(super) enum There<'a> {
    Document(&'a Document),
    /// It was deleted by this change.
    Deleted(Stamp),
    /// It is not known whether there ever was one; deletes up to this number are forgotten.
    Nothing(Seq),
}

/// Who says it, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    pub writer: WriterNo,
    pub timing: Timing,
}

#[derive(Debug, PartialEq)]
pub(super) enum Ruling {
    Do(Plan),
    /// The author decides. The fields that are contested; whether the document is gone.
    Conflict(Vec<Box<str>>, bool),
    /// The application's function decides.
    Ask,
}

/// The part of a value that is no CRDT, and the operations in it.
fn parts(schema: &Schema, value: &Value) -> (Value, Vec<(Box<str>, Value)>) {
    if schema.whole.is_some() {
        return (Map::new().into(), vec![("".into(), value.clone())]);
    }
    let Some(map) = value.as_map() else { return (value.clone(), Vec::new()) };
    let (ops, plain): (Vec<_>, Vec<_>) = map.iter().partition(|(name, _)| schema.fields.contains_key(*name));
    let owned = |(name, value): (&str, &Value)| (Box::from(name), value.clone());
    (plain.into_iter().map(owned).collect::<Map>().into(), ops.into_iter().map(owned).collect())
}

/// Decide.
pub(super) fn decide(
    there: There<'_>,
    change: &Change,
    said: Said,
    strategy: Strategy,
    schema: &Schema,
) -> Ruling {
    match there {
        There::Document(document) => on_document(document, change, said, strategy, schema),
        There::Deleted(stamp) => {
            let contested = change.base.is_some() && stamp.contests(change.base, said.writer);
            where_none_is(contested.then_some(stamp), change, said, strategy, schema)
        }
        There::Nothing(forgotten) => {
            // What it was made on is gone, and by whom and when is forgotten.
            let contested = change.base.is_some_and(|base| base < forgotten);
            where_none_is(contested.then(Stamp::default), change, said, strategy, schema)
        }
    }
}

/// Make a document of a value.
fn create(value: &Value, schema: &Schema) -> Plan {
    let (plain, ops) = parts(schema, value);
    let mut plan = Plan { fresh: true, ops, ..Plan::nothing() };
    match plain {
        Value::Map(map) => plan.set = map.into_iter().collect(),
        other => plan.whole = Some(other),
    }
    plan
}

fn where_none_is(
    contested: Option<Stamp>,
    change: &Change,
    said: Said,
    strategy: Strategy,
    schema: &Schema,
) -> Ruling {
    match &change.op {
        Op::Skip | Op::Delete => Ruling::Do(Plan::nothing()),
        Op::Patch(..) => Ruling::Conflict(Vec::new(), true),
        Op::Put(value) => match (contested, strategy) {
            (None, _) => Ruling::Do(create(value, schema)),
            (Some(_), Strategy::Custom) => Ruling::Ask,
            (Some(_), Strategy::Author) => Ruling::Conflict(Vec::new(), true),
            (Some(stamp), Strategy::Latest) if !said.timing.beats(stamp.time) => {
                Ruling::Do(Plan { lost: Lost::All, by: Some(strategy.word()), ..Plan::nothing() })
            }
            (Some(_), _) => Ruling::Do(Plan { by: Some(strategy.word()), ..create(value, schema) }),
        },
    }
}

fn on_document(there: &Document, change: &Change, said: Said, strategy: Strategy, schema: &Schema) -> Ruling {
    if matches!(change.op, Op::Patch(..))
        && change.base.is_some()
        && there.born.contests(change.base, said.writer)
    {
        return Ruling::Conflict(Vec::new(), true);
    }
    match wish(there, &change.op, schema) {
        Wish::Nothing => Ruling::Do(Plan::nothing()),
        Wish::One(plan) => as_one(there, plan, change, said, strategy),
        Wish::Delete => delete(there, change, said, strategy),
        Wish::Fields(wish) if strategy == Strategy::Latest => {
            as_one(there, wish.plan(), change, said, strategy)
        }
        Wish::Fields(wish) => by_fields(there, wish, change, said, strategy),
    }
}

/// What a change would come to if nobody contested it.
enum Wish {
    Nothing,
    Delete,
    /// The document is one field.
    One(Plan),
    Fields(Fields),
}

/// What it would come to field by field: only what would be another.
#[derive(Default)]
struct Fields {
    set: Vec<(Box<str>, Value)>,
    unset: Vec<Box<str>>,
    /// Fields that a put takes out by not having them.
    missing: Vec<Box<str>>,
    ops: Vec<(Box<str>, Value)>,
}

impl Fields {
    fn plan(self) -> Plan {
        let unset = self.unset.into_iter().chain(self.missing).collect();
        Plan { set: self.set, unset, ops: self.ops, ..Plan::nothing() }
    }
}

fn wish(there: &Document, op: &Op, schema: &Schema) -> Wish {
    let (value, unset, replaces) = match op {
        Op::Skip => return Wish::Nothing,
        Op::Delete => return Wish::Delete,
        Op::Put(value) => (value, [].as_slice(), true),
        Op::Patch(value, unset) => (value, unset.as_slice(), false),
    };
    let (plain, ops) = parts(schema, value);
    let one = match (&there.body, &plain) {
        (Body::One(Held::Crdt(_)), _) => return Wish::Fields(Fields { ops, ..Fields::default() }),
        (Body::One(Held::Plain(held)), value) => Some(held != value),
        (Body::Fields(_), Value::Map(_)) => None,
        (Body::Fields(_), _) => Some(true),
    };
    match one {
        Some(true) => return Wish::One(Plan { whole: Some(plain), ops, ..Plan::nothing() }),
        Some(false) => return Wish::One(Plan { ops, ..Plan::nothing() }),
        None => {}
    }
    let map = plain.as_map().cloned().unwrap_or_default();
    let mut wish = Fields { ops, ..Fields::default() };
    if replaces {
        let missing = there.plain_fields().filter(|(name, ..)| map.get(name).is_none());
        wish.missing = missing.map(|(name, ..)| name.into()).collect();
    }
    wish.unset = unset.iter().filter(|name| there.field(name).is_some()).cloned().collect();
    let differs = |name: &str, value: &Value| {
        there.field(name).is_none_or(|field| field.held != Held::Plain(value.clone()))
    };
    wish.set = map.into_iter().filter(|(name, value)| differs(name, value)).collect();
    Wish::Fields(wish)
}

fn as_one(there: &Document, plan: Plan, change: &Change, said: Said, strategy: Strategy) -> Ruling {
    let changes = plan.whole.is_some() || !plan.set.is_empty() || !plan.unset.is_empty();
    if !changes || !there.plain.contests(change.base, said.writer) {
        return Ruling::Do(plan);
    }
    match strategy {
        Strategy::Custom => Ruling::Ask,
        Strategy::Author => Ruling::Conflict(Vec::new(), false),
        _ if said.timing.beats(there.plain.time) => Ruling::Do(Plan { by: Some(strategy.word()), ..plan }),
        _ => {
            let by = Some(strategy.word());
            let names = plan.set.into_iter().map(|(name, _)| name).chain(plan.unset).collect();
            let lost =
                if plan.ops.is_empty() || plan.whole.is_some() { Lost::All } else { Lost::Fields(names) };
            Ruling::Do(Plan { ops: plan.ops, lost, by, ..Plan::nothing() })
        }
    }
}

fn delete(there: &Document, change: &Change, said: Said, strategy: Strategy) -> Ruling {
    let plan = Plan { delete: true, ..Plan::nothing() };
    let by = Some(strategy.word());
    let fields: Vec<Box<str>> = there
        .plain_fields()
        .filter(|(.., stamp)| stamp.contests(change.base, said.writer))
        .map(|(name, ..)| name.into())
        .collect();
    let one = matches!(there.body, Body::One(Held::Plain(_))) || strategy == Strategy::Latest;
    let contested = if one { there.plain.contests(change.base, said.writer) } else { !fields.is_empty() };
    if !contested {
        return Ruling::Do(plan);
    }
    match strategy {
        Strategy::Custom => Ruling::Ask,
        Strategy::Author => Ruling::Conflict(fields, false),
        Strategy::Latest if said.timing.beats(there.plain.time) => Ruling::Do(Plan { by, ..plan }),
        _ => Ruling::Do(Plan { lost: Lost::All, by, ..Plan::nothing() }),
    }
}

fn by_fields(there: &Document, wish: Fields, change: &Change, said: Said, strategy: Strategy) -> Ruling {
    let stamp = |name: &str| there.field(name).map_or_else(|| there.absent(name), |field| &field.stamp);
    let contested = |name: &str| stamp(name).contests(change.base, said.writer);
    let mut names: Vec<Box<str>> = wish
        .set
        .iter()
        .map(|(name, _)| name)
        .chain(&wish.unset)
        .chain(&wish.missing)
        .filter(|name| contested(name))
        .cloned()
        .collect();
    if names.is_empty() {
        return Ruling::Do(wish.plan());
    }
    names.sort_unstable();
    match strategy {
        Strategy::Custom => return Ruling::Ask,
        Strategy::Author => return Ruling::Conflict(names, false),
        Strategy::Merge | Strategy::Latest | Strategy::Crdt => {}
    }
    let counts = |name: &str| !contested(name) || said.timing.beats(stamp(name).time);
    let mut lost: Vec<Box<str>> = names.iter().filter(|name| !counts(name)).cloned().collect();
    // A put takes out only what nobody contests: he cannot have seen it.
    lost.extend(wish.missing.iter().filter(|name| contested(name) && counts(name)).cloned());
    lost.sort_unstable();
    let wished = wish.set.len() + wish.unset.len() + wish.missing.len() + wish.ops.len();
    let plan = Plan {
        set: wish.set.into_iter().filter(|(name, _)| counts(name)).collect(),
        unset: wish
            .unset
            .into_iter()
            .filter(|name| counts(name))
            .chain(wish.missing.into_iter().filter(|name| !contested(name)))
            .collect(),
        ops: wish.ops,
        lost: if lost.len() == wished { Lost::All } else { Lost::Fields(lost) },
        by: Some(strategy.word()),
        ..Plan::nothing()
    };
    Ruling::Do(plan)
}

/// What an application's function made of a contested change: the document, or none.
pub(super) fn resolved(there: There<'_>, change: &Change, made: Option<&Value>, schema: &Schema) -> Plan {
    let by = Some(Strategy::Custom.word());
    let (wished, unset, ops) = match &change.op {
        Op::Put(value) => {
            let (plain, ops) = parts(schema, value);
            (Some(plain), [].as_slice(), ops)
        }
        Op::Patch(value, unset) => {
            let (plain, ops) = parts(schema, value);
            (Some(plain), unset.as_slice(), ops)
        }
        Op::Delete | Op::Skip => (None, [].as_slice(), Vec::new()),
    };
    let Some(made) = made else {
        let lost = if change.op == Op::Delete { Lost::Fields(Vec::new()) } else { Lost::All };
        let delete = matches!(there, There::Document(_));
        return Plan { delete, lost, by, ..Plan::nothing() };
    };
    // The function has a say in what is no CRDT. An operation always counts.
    let made = plain_of(schema, made);
    let lost = match &wished {
        Some(Value::Map(map)) => {
            let set =
                map.iter().filter(|(name, value)| made.get(name) != Some(value)).map(|(name, _)| name.into());
            let kept = unset.iter().filter(|name| made.get(name).is_some()).cloned();
            let lost: Vec<Box<str>> = set.chain(kept).collect();
            let all = map.len() + unset.len();
            if all > 0 && lost.len() == all && ops.is_empty() { Lost::All } else { Lost::Fields(lost) }
        }
        Some(one) if *one == made => Lost::Fields(Vec::new()),
        None | Some(_) => Lost::All,
    };
    let plan = match there {
        There::Document(document) => match wish(document, &Op::Put(made), schema) {
            Wish::Fields(wish) => wish.plan(),
            Wish::One(plan) => plan,
            Wish::Nothing | Wish::Delete => Plan::nothing(),
        },
        There::Deleted(_) | There::Nothing(_) => create(&made, schema),
    };
    Plan { ops, lost, by, ..plan }
}

fn plain_of(schema: &Schema, value: &Value) -> Value {
    match value.as_map() {
        Some(map) if map.get(MARK).is_none() => map
            .iter()
            .filter(|(name, _)| !schema.fields.contains_key(*name))
            .map(|(name, value)| (name, value.clone()))
            .collect::<Map>()
            .into(),
        _ => value.clone(),
    }
}
