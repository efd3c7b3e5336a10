//! What is kept of a collection on disk, and how it comes back from there.
//!
//! Rows are values too: whoever writes them chooses the form. A row of the same key, writer or outcome replaces the older.

use super::document::{Body, Document, Field, Held, Stamp, find};
use super::outcome::Outcome;
use super::shelf::Slot;
use super::writers::{Writer, WriterId};
use super::{Collection, Setup};
use crate::crdt::Crdt;
use crate::digest::Fingerprint;
use crate::position::Seq;
use crate::value::{Map, Value};
use crate::why::Why;
use std::sync::Arc;

/// One thing to keep, or to keep no longer.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// The document or tombstone at a key. Its number orders it among the others.
    Key(Box<str>, Seq, Value),
    /// Nothing is kept of a key.
    NoKey(Box<str>),
    /// A writer; what it has seen of its outcomes need not be kept.
    Writer(WriterId, Value),
    /// An outcome of a writer, by number.
    Outcome(WriterId, u64, Value),
    /// A writer is forgotten, and its outcomes.
    NoWriter(WriterId),
    /// The collection's own: horizon, schema, the highest number of a writer.
    State(Value),
}

fn wrong() -> Why {
    Why::invalid("this is no row of a collection")
}

fn stamp(stamp: &Stamp) -> Value {
    Value::List(vec![stamp.seq.into(), stamp.time.into(), stamp.writer.into()])
}

fn stamp_of(row: &Value) -> Result<Stamp, Why> {
    match row.as_list().map(|list| list.iter().map(Value::as_count).collect::<Vec<_>>()).as_deref() {
        Some([Some(seq), Some(time), Some(writer)]) => Ok(Stamp { seq: *seq, time: *time, writer: *writer }),
        _ => Err(wrong()),
    }
}

fn member<'a>(row: &'a Value, name: &str) -> Result<&'a Value, Why> {
    row.get(name).ok_or_else(wrong)
}

fn count(row: &Value, name: &str) -> Result<u64, Why> {
    member(row, name)?.as_count().ok_or_else(wrong)
}

fn held(held: &Held) -> Map {
    match held {
        Held::Plain(value) => Map::new().with("v", value.clone()),
        Held::Crdt(crdt) => Map::new().with("c", crdt.state()),
    }
}

fn held_of(row: &Value) -> Result<Held, Why> {
    match row.get("c") {
        Some(state) => Ok(Held::Crdt(Box::new(Crdt::read(state)?))),
        None => Ok(Held::Plain(member(row, "v")?.clone())),
    }
}

impl Document {
    fn row(&self) -> Value {
        let row = Map::new()
            .with("last", stamp(&self.last))
            .with("plain", stamp(&self.plain))
            .with("born", stamp(&self.born))
            .with("floor", stamp(&self.floor))
            .with(
                "removed",
                self.removed
                    .iter()
                    .map(|(name, at)| Value::List(vec![(&**name).into(), stamp(at)]))
                    .collect::<Vec<_>>(),
            );
        match &self.body {
            Body::One(one) => row.with("one", held(one)),
            Body::Fields(fields) => {
                let fields = fields.iter().map(|(name, field)| {
                    (name.clone(), Value::Map(held(&field.held).with("s", stamp(&field.stamp))))
                });
                row.with("fields", fields.collect::<Map>())
            }
        }
        .into()
    }

    fn of_row(row: &Value) -> Result<Self, Why> {
        let mut removed = Vec::new();
        for each in member(row, "removed")?.as_list().ok_or_else(wrong)? {
            let Some([name, at]) = each.as_list() else { return Err(wrong()) };
            removed.push((Box::from(name.as_text().ok_or_else(wrong)?), stamp_of(at)?));
        }
        let mut bytes = 2;
        let body = if let Some(one) = row.get("one") {
            Body::One(held_of(one)?)
        } else {
            let mut fields = Vec::new();
            for (name, field) in member(row, "fields")?.as_map().ok_or_else(wrong)?.iter() {
                let field = Field { held: held_of(field)?, stamp: stamp_of(member(field, "s")?)? };
                bytes += name.len() + 4 + field.held.size();
                fields.push((Box::from(name), field));
            }
            debug_assert!(fields.iter().all(|(name, _)| find(&fields, name).is_ok()));
            Body::Fields(fields)
        };
        if let Body::One(one) = &body {
            bytes = one.size();
        }
        let at = |name| stamp_of(member(row, name)?);
        Ok(Self {
            last: at("last")?,
            plain: at("plain")?,
            born: at("born")?,
            floor: at("floor")?,
            removed,
            body,
            bytes,
        })
    }
}

impl Row {
    pub(super) fn of(key: &str, slot: &Slot) -> Self {
        let row = match slot {
            Slot::Document(document) => document.row(),
            Slot::Tombstone(at, told_ms) => Map::new().with("gone", stamp(at)).with("told", *told_ms).into(),
        };
        Self::Key(key.into(), slot.seq(), row)
    }

    pub(super) fn writer(id: &WriterId, writer: &Writer) -> Self {
        let row = Map::new()
            .with("number", writer.number)
            .with("incarnation", writer.incarnation)
            .with("nonce", &*writer.nonce)
            .with("n", writer.n)
            .with("seen", writer.seen)
            .with("last", writer.last_ms);
        Self::Writer(id.clone(), row.into())
    }

    pub(super) fn outcome(id: &WriterId, n: u64, fingerprint: &Fingerprint, outcome: &Outcome) -> Self {
        let row =
            Map::new().with("of", Value::Bytes(fingerprint.as_slice().into())).with("said", outcome.said(n));
        Self::Outcome(id.clone(), n, row.into())
    }
}

impl Collection {
    /// The collection's own row. It is to be kept with the first thing that is: without it, what is restored begins anew.
    #[must_use]
    pub fn state(&self) -> Row {
        let state = Map::new()
            .with("horizon", self.shelf.horizon)
            .with("schema", self.setup.schema.version)
            .with("writers", self.writers.last());
        Row::State(state.into())
    }

    /// All that there is to keep: what is kept already, said again. For an export, and for a new file.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = vec![self.state()];
        rows.extend(self.shelf.slots.iter().map(|(key, slot)| Row::of(key, slot)));
        for (id, writer) in &self.writers.by_id {
            rows.push(Row::writer(id, writer));
            for (n, (fingerprint, outcome)) in (writer.seen + 1..).zip(&writer.outcomes) {
                rows.push(Row::outcome(id, n, fingerprint, outcome));
            }
        }
        rows
    }

    /// A collection that comes back from what was kept, in any order but outcomes, which come by number. `began` as in `new`,
    /// for one of which nothing was kept. The schema that its documents had: an older one than the setup's wants
    /// [`Collection::upgrade`].
    pub fn restore(
        setup: Setup,
        began: Seq,
        rows: impl IntoIterator<Item = Row>,
    ) -> Result<(Self, u64), Why> {
        let mut restoring = Restoring::new(setup, began);
        for row in rows {
            restoring.row(row)?;
        }
        restoring.finish()
    }

    fn writer_of_row(&mut self, id: WriterId, row: &Value) -> Result<(), Why> {
        let mut writer = Writer::new(count(row, "number")?);
        writer.incarnation = count(row, "incarnation")?;
        writer.nonce = member(row, "nonce")?.as_text().ok_or_else(wrong)?.into();
        writer.n = count(row, "n")?;
        writer.kept_n = writer.n;
        writer.seen = count(row, "seen")?;
        writer.last_ms = count(row, "last")?;
        self.writers.given(writer.number);
        self.writers.by_id.insert(id, writer);
        Ok(())
    }
}

/// A collection on its way back, row by row. See [`Collection::restore`].
#[derive(Debug)]
pub struct Restoring {
    made: Collection,
    version: u64,
    outcomes: Vec<(WriterId, u64, Value)>,
    stated: bool,
}

impl Restoring {
    /// Nothing is there yet.
    #[must_use]
    pub fn new(setup: Setup, began: Seq) -> Self {
        let version = setup.schema.version;
        Self { made: Collection::new(setup, began), version, outcomes: Vec::new(), stated: false }
    }

    /// What it takes so far, roughly (bytes).
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.made.bytes()
    }

    /// Whether its own row came.
    #[must_use]
    pub fn is_stated(&self) -> bool {
        self.stated
    }

    /// One more row.
    pub fn row(&mut self, row: Row) -> Result<(), Why> {
        let made = &mut self.made;
        match row {
            Row::Key(key, seq, row) => {
                let slot = match row.get("gone") {
                    Some(at) => Slot::Tombstone(stamp_of(at)?, count(&row, "told")?),
                    None => Slot::Document(Arc::new(Document::of_row(&row)?)),
                };
                if slot.seq() != seq || made.shelf.order.contains_key(&seq) {
                    return Err(wrong());
                }
                made.shelf.put(&Arc::from(key), slot);
            }
            Row::Writer(id, row) => made.writer_of_row(id, &row)?,
            Row::Outcome(id, n, row) => self.outcomes.push((id, n, row)),
            Row::NoKey(key) => drop(made.shelf.take(&key)),
            Row::NoWriter(id) => drop(made.writers.by_id.remove(&id)),
            Row::State(row) => {
                made.shelf.horizon = count(&row, "horizon")?;
                self.version = count(&row, "schema")?;
                made.writers.given(count(&row, "writers")?);
                self.stated = true;
            }
        }
        Ok(())
    }

    /// All rows came.
    pub fn finish(self) -> Result<(Collection, u64), Why> {
        let Self { mut made, version, outcomes, .. } = self;
        for (id, n, row) in outcomes {
            let Some(writer) = made.writers.by_id.get_mut(&id) else { continue };
            if n <= writer.seen || n > writer.n {
                continue;
            }
            let Value::Bytes(of) = member(&row, "of")? else { return Err(wrong()) };
            let fingerprint = Fingerprint::try_from(&**of).map_err(|_| wrong())?;
            let (said_n, outcome) = Outcome::read(member(&row, "said")?)?;
            if said_n != n || writer.seen + writer.outcomes.len() as u64 + 1 != n {
                return Err(wrong());
            }
            writer.outcomes.push_back((fingerprint, outcome));
        }
        Ok((made, version))
    }
}
