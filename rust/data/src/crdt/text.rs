//! Text that several edit: Yjs updates, as bytes. Here they are only gathered; whoever knows Yjs merges them.

use super::{Bounds, member};
use crate::value::{Map, Value};
use crate::why::Why;

/// Updates, in the order in which they were heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    updates: Vec<Box<[u8]>>,
    bytes: usize,
}

/// One update, or several.
fn updates<'a>(said: &'a Value) -> Result<Vec<&'a [u8]>, Why> {
    let one = |value: &'a Value| match value {
        Value::Bytes(bytes) => Ok(&**bytes),
        _ => Err(Why::invalid("\"u\" is no binary, and no list of them")),
    };
    match member(said, "u")? {
        Value::List(list) => list.iter().map(one).collect(),
        other => Ok(vec![one(other)?]),
    }
}

impl Text {
    /// The updates.
    #[must_use]
    pub fn updates(&self) -> &[Box<[u8]>] {
        &self.updates
    }

    /// Put one update in the place of all: what they are, merged.
    pub fn merged(&mut self, update: &[u8]) {
        self.bytes = update.len();
        self.updates = vec![update.into()];
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes / 3 * 4 + self.updates.len() * 15
    }

    pub(super) fn check(&self, op: &Value, bounds: Bounds) -> Result<(), Why> {
        let more = updates(op)?;
        let bytes: usize = more.iter().map(|each| each.len() / 3 * 4 + 15).sum();
        bounds.check(0, self.bytes() + bytes)
    }

    pub(super) fn apply(&mut self, op: &Value) -> Result<Option<Map>, Why> {
        let new: Vec<&[u8]> = updates(op)?.into_iter().filter(|each| !each.is_empty()).collect();
        for update in &new {
            self.bytes += update.len();
            self.updates.push((*update).into());
        }
        let told = |new: Vec<&[u8]>| Map::new().with("u", list(new.into_iter()));
        Ok(if new.is_empty() { None } else { Some(told(new)) })
    }

    pub(super) fn members(&self) -> Map {
        Map::new().with("u", list(self.updates.iter().map(|each| &**each)))
    }

    pub(super) fn read(state: &Value) -> Result<Self, Why> {
        let mut text = Self::default();
        text.apply(state)?;
        Ok(text)
    }

    pub(super) fn hear(&mut self, heard: &Value) -> Result<(), Why> {
        self.apply(heard).map(drop)
    }
}

fn list<'a>(updates: impl Iterator<Item = &'a [u8]>) -> Value {
    Value::List(updates.map(|each| Value::Bytes(each.into())).collect())
}
