//! A schema that has risen: documents are brought to it when the collection begins. And documents from elsewhere.

use super::document::{Body, Document, Field, Held, Stamp};
use super::shelf::Slot;
use super::{Collection, Row};
use crate::change::{Moment, Op, check_key};
use crate::crdt::{Crdt, MARK};
use crate::position::Seq;
use crate::schema::Schema;
use crate::value::{Map, Value};
use crate::why::Why;
use std::sync::Arc;

impl Collection {
    /// Bring every document to the present schema. `made` gives each its new value; the horizon becomes `head`, so that
    /// every client begins anew. Numbers stay, and so do CRDTs that the new type has too. What is to be kept.
    pub fn upgrade(&mut self, head: Seq, made: impl Fn(&str, Value) -> Value) -> Vec<Row> {
        let mut rows = Vec::new();
        let keys: Vec<Arc<str>> = self.shelf.slots.keys().cloned().collect();
        for key in keys {
            let Some(Slot::Document(document)) = self.shelf.slots.get(&key) else { continue };
            let document = document.upgraded(&made(&key, document.said()), &self.setup.schema);
            let slot = Slot::Document(Arc::new(document));
            rows.push(Row::of(&key, &slot));
            self.shelf.put(&key, slot);
        }
        self.shelf.horizon = self.shelf.horizon.max(head);
        rows.push(self.state());
        if self.setup.durable { rows } else { Vec::new() }
    }
}

impl Collection {
    /// A document comes from elsewhere as it was there, with the states of its CRDTs, in the place of what is at its key. It has
    /// the number `moment.next`; what is to be kept.
    pub fn import(&mut self, key: &str, value: &Value, moment: &Moment<'_>) -> Result<Row, Why> {
        check_key(key)?;
        Op::Put(value.clone()).check_size(&self.setup.limits)?;
        let kind = |value: &Value| {
            value.get(MARK)?;
            Crdt::read(value).ok().map(|crdt| crdt.kind())
        };
        let fields = value.as_map().into_iter().flat_map(Map::iter);
        let fields = fields.filter_map(|(name, value)| Some((Box::from(name), kind(value)?))).collect();
        let schema = Schema { version: self.setup.schema.version, whole: kind(value), fields };
        let stamp = Stamp { seq: moment.next, time: moment.now_ms, writer: 0 };
        let document = Document::begin(stamp, None).upgraded(value, &schema);
        let slot = Slot::Document(Arc::new(document));
        let row = Row::of(key, &slot);
        self.shelf.put(&Arc::from(key), slot);
        Ok(row)
    }
}

impl Document {
    /// The same document with another value. A field that stays the same keeps its last change.
    fn upgraded(&self, value: &Value, schema: &Schema) -> Self {
        let stamp = self.last;
        let mut made = Self::begin(stamp, None);
        (made.born, made.plain) = (self.born, self.plain);
        let Some(map) = value.as_map().filter(|_| schema.whole.is_none()) else {
            let read =
                schema.whole.and_then(|kind| Crdt::read(value).ok().filter(|crdt| crdt.kind() == kind));
            let held = match (read, schema.whole) {
                (Some(crdt), _) => Held::Crdt(Box::new(crdt)),
                (None, Some(kind)) => Held::Crdt(Box::new(Crdt::new(kind))),
                (None, None) => Held::Plain(value.clone()),
            };
            made.bytes = held.size();
            made.body = Body::One(held);
            return made;
        };
        let mut fields = Vec::new();
        for (name, value) in map.iter() {
            let held = match schema.fields.get(name) {
                Some(kind) => match Crdt::read(value).ok().filter(|crdt| crdt.kind() == *kind) {
                    Some(crdt) => Held::Crdt(Box::new(crdt)),
                    None => continue,
                },
                None => Held::Plain(value.clone()),
            };
            let stamp =
                self.field(name).filter(|field| field.held == held).map_or(stamp, |field| field.stamp);
            made.bytes += name.len() + 4 + held.size();
            fields.push((Box::from(name), Field { held, stamp }));
        }
        made.body = Body::Fields(fields);
        made
    }
}
