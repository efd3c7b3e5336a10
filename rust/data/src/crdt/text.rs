//! Text that several edit: Yjs updates, as bytes. Here they are gathered, and those that bring nothing are left out; whoever
//! knows Yjs merges them.

use super::{Bounds, member};
use crate::limits::{YJS_APART, YJS_APART_BYTES};
use crate::value::{Map, Value};
use crate::why::Why;
use crate::yjs::{Brought, Known, read_vector};
use std::sync::Arc;

/// Updates, in the order in which they were heard. A copy shares them.
///
/// Invariant: `known` has the structures of all of them that can be read.
#[derive(Clone, Debug, Default)]
pub struct Text {
    updates: Vec<Arc<[u8]>>,
    bytes: usize,
    known: Known,
    /// It is not asked for a merge again before there are so many updates.
    quiet: usize,
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.updates == other.updates
    }
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
    pub fn updates(&self) -> &[Arc<[u8]>] {
        &self.updates
    }

    /// Of each client up to where nothing is missing, as Yjs says that.
    #[must_use]
    pub fn vector(&self) -> Vec<u8> {
        self.known.vector()
    }

    /// The updates that somebody may lack who says this state vector.
    pub fn missing(&self, vector: &[u8]) -> Result<Vec<Arc<[u8]>>, Why> {
        let has = read_vector(vector)?;
        // What is deleted is in no state vector.
        let lacks = |update: &&Arc<[u8]>| {
            Brought::read(update)
                .map_or(true, |brought| !brought.deleted.is_empty() || !has.covers(&brought.structs))
        };
        Ok(self.updates.iter().filter(lacks).cloned().collect())
    }

    /// Whether there are so many updates that somebody should be asked to merge them. It is said once, and again when a good
    /// many more have come.
    pub(crate) fn wants_merge(&mut self) -> bool {
        let count = self.updates.len();
        let first = self.updates.first().map_or(0, |first| first.len());
        let wants = count > self.quiet && (count > YJS_APART || self.bytes - first > YJS_APART_BYTES);
        if wants {
            self.quiet = count + YJS_APART / 4;
        }
        wants
    }

    /// Put one update in the place of the first so many, which have so many bytes: what they are, merged. False: they are
    /// others now, or this does not have what they have.
    pub fn merged(&mut self, count: usize, bytes: usize, update: &[u8]) -> bool {
        let Some(these) = self.updates.get(..count) else { return false };
        let before: usize = these.iter().map(|each| each.len()).sum();
        let Ok(brought) = Brought::read(update) else { return false };
        let mut had = Brought::default();
        for each in these.iter().filter_map(|each| Brought::read(each).ok()) {
            had.structs.add_all(&each.structs);
            had.deleted.add_all(&each.deleted);
        }
        if before != bytes || !brought.structs.covers(&had.structs) || !brought.deleted.covers(&had.deleted) {
            return false;
        }
        self.updates.splice(..count, [update.into()]);
        self.bytes = self.bytes - before + update.len();
        self.quiet = 0;
        true
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes / 3 * 4 + self.updates.len() * 15
    }

    pub(super) fn check(&self, op: &Value, bounds: Bounds) -> Result<(), Why> {
        let more = updates(op)?;
        let bytes: usize = more.iter().map(|each| each.len() / 3 * 4 + 15).sum();
        bounds.check(0, self.bytes() + bytes)?;
        more.into_iter().filter(|each| !each.is_empty()).try_for_each(|each| Brought::read(each).map(drop))
    }

    pub(super) fn apply(&mut self, op: &Value) -> Result<Option<Map>, Why> {
        let mut new = Vec::new();
        for update in updates(op)?.into_iter().filter(|each| !each.is_empty()) {
            let brought = Brought::read(update)?;
            if !self.has(&brought) {
                self.push(update, Some(&brought));
                new.push(update);
            }
        }
        let told = |new: Vec<&[u8]>| Map::new().with("u", list(new.into_iter()));
        Ok(if new.is_empty() { None } else { Some(told(new)) })
    }

    /// Whether an update that brings this changes nothing.
    fn has(&self, brought: &Brought) -> bool {
        if !self.known.covers(&brought.structs) {
            return false;
        }
        if brought.deleted.is_empty() {
            return true;
        }
        let mut deleted = Known::default();
        for each in self.updates.iter().filter_map(|each| Brought::read(each).ok()) {
            deleted.add_all(&each.deleted);
        }
        deleted.covers(&brought.deleted)
    }

    fn push(&mut self, update: &[u8], brought: Option<&Brought>) {
        if let Some(brought) = brought {
            self.known.add_all(&brought.structs);
        }
        self.bytes += update.len();
        self.updates.push(update.into());
    }

    pub(super) fn members(&self) -> Map {
        Map::new().with("u", list(self.updates.iter().map(|each| &**each)))
    }

    pub(super) fn read(state: &Value) -> Result<Self, Why> {
        let mut text = Self::default();
        text.hear(state)?;
        Ok(text)
    }

    /// Who says it has checked it.
    pub(super) fn hear(&mut self, heard: &Value) -> Result<(), Why> {
        for update in updates(heard)?.into_iter().filter(|each| !each.is_empty()) {
            self.push(update, Brought::read(update).ok().as_ref());
        }
        Ok(())
    }

    /// Have what another has. On a fault nothing changed.
    pub(super) fn merge(&mut self, other: &Self, bounds: Bounds) -> Result<(), Why> {
        let mut made = self.clone();
        for update in &other.updates {
            let brought = Brought::read(update)?;
            if !made.has(&brought) {
                made.push(update, Some(&brought));
            }
        }
        bounds.check(0, made.bytes())?;
        *self = made;
        Ok(())
    }
}

fn list<'a>(updates: impl Iterator<Item = &'a [u8]>) -> Value {
    Value::List(updates.map(|each| Value::Bytes(each.into())).collect())
}
