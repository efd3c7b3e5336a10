//! What was planned is done, and said.

use super::decide::Said;
use super::document::{Document, Stamp, name_of};
use super::plan::{Applied, Lost, Plan};
use super::shelf::Slot;
use super::{APPLICATION, Changed, Collection, Entry, Outcome};
use crate::change::{Change, Moment};
use crate::crdt::Author;
use crate::value::{Map, Value};
use crate::why::Why;
use std::sync::Arc;

impl Collection {
    /// Do what was planned. The outcome for its author; and the entry with the key that it changed.
    pub(super) fn carry_out(
        &mut self,
        plan: &Plan,
        change: &Change,
        said: Said,
        n: Option<u64>,
        moment: &Moment<'_>,
    ) -> Result<(Outcome, Option<Changed>), Why> {
        let Said { writer, timing } = said;
        let stamp = Stamp { seq: moment.next, time: timing.time, writer };
        let name = name_of(writer).unwrap_or_else(|| APPLICATION.to_owned());
        let author =
            Author { name: &name, n: n.unwrap_or(moment.next), time: timing.time, later: timing.later };
        let (before, prev) = (self.seq_at(&change.key), self.seq_at(&change.key));
        let mut lost = plan.lost.clone();
        let mut by = plan.by;
        let mut changed = None;
        if plan.delete {
            changed = Some(("delete", None, Vec::new()));
            self.place(&change.key, Slot::Tombstone(stamp, moment.now_ms));
        } else if !plan.is_nothing() {
            let (applied, said) = self.rewrite(plan, &change.key, stamp, &author)?;
            self.apart.extend(applied.apart.iter().map(|field| ((&*change.key).into(), field.clone())));
            if !applied.lost.is_empty() {
                by = by.or(Some("crdt"));
                lost = with_lost(lost, &applied.lost, plan);
            }
            if applied.changed() {
                let put = applied.whole || applied.folded;
                let value = if put { said } else { with_ops(applied.set, applied.ops) };
                let unset = if put { Vec::new() } else { applied.unset };
                changed = Some((if put { "put" } else { "patch" }, Some(value), unset));
            }
        }
        let entry = changed.map(|(op, value, unset)| {
            let data = Map::new()
                .with("key", &*change.key)
                .with("op", op)
                .with_some("value", value)
                .with_some(
                    "unset",
                    (!unset.is_empty()).then(|| unset.into_iter().map(Value::from).collect::<Vec<_>>()),
                )
                .with("prev", prev)
                .with("writer", name_of(writer))
                .with("n", n)
                .with_some("by", by)
                .with_some("resolves", change.resolves.clone());
            (Arc::from(&*change.key), Entry { seq: moment.next, time: moment.now_ms, data: data.into() })
        });
        let seq = entry.as_ref().map_or(before, |(_, entry)| Some(entry.seq));
        let by = by.map(Into::into);
        Ok((Outcome::Done { seq, by, lost, clamped_ms: timing.clamped_ms }, entry))
    }

    /// Change a document, or begin one. Nothing changes on a fault.
    fn rewrite(
        &mut self,
        plan: &Plan,
        key: &str,
        stamp: Stamp,
        author: &Author<'_>,
    ) -> Result<(Applied, Value), Why> {
        let fresh = plan.fresh || !matches!(self.newest(key), Some(Slot::Document(_)));
        if fresh {
            let count = self.count() + 1;
            if count > self.setup.limits.keys {
                return Err(Why::large("documents of the collection", count, self.setup.limits.keys));
            }
            let mut document = Document::begin(stamp, self.setup.schema.whole);
            document.check(plan, author, &self.setup.limits)?;
            let mut applied = document.apply(plan, stamp, author)?;
            applied.whole = true;
            let said = document.said();
            self.place(key, Slot::Document(Arc::new(document)));
            return Ok((applied, said));
        }
        let Some((key, mut slot)) = self.taken(key) else { return Ok((Applied::default(), Value::Null)) };
        let mut result = Ok((Applied::default(), Value::Null));
        if let Slot::Document(document) = &mut slot {
            result = document.check(plan, author, &self.setup.limits).and_then(|()| {
                let document = Arc::make_mut(document);
                let applied = document.apply(plan, stamp, author)?;
                let said = if applied.whole || applied.folded { document.said() } else { Value::Null };
                Ok((applied, said))
            });
        }
        let changed = result.as_ref().is_ok_and(|(applied, _)| applied.changed());
        if !self.setup.durable {
            self.shelf.put(&key, slot);
        } else if changed {
            self.front.insert(key, slot);
        }
        result
    }

    /// Documents there are, with what is decided.
    fn count(&self) -> usize {
        let kept = self.shelf.documents();
        if kept + self.front.len() < self.setup.limits.keys {
            return kept;
        }
        let is_new = |key: &Arc<str>| !matches!(self.shelf.slots.get(key), Some(Slot::Document(_)));
        kept + self
            .front
            .iter()
            .filter(|(key, slot)| matches!(slot, Slot::Document(_)) && is_new(key))
            .count()
    }

    /// Take what is at a key, to change it: of what must be kept on the shelf, a copy.
    fn taken(&mut self, key: &str) -> Option<(Arc<str>, Slot)> {
        if self.setup.durable {
            let (key, slot) =
                self.front.get_key_value(key).or_else(|| self.shelf.slots.get_key_value(key))?;
            return Some((key.clone(), slot.clone()));
        }
        let key = self.shelf.slots.get_key_value(key)?.0.clone();
        self.shelf.take(&key).map(|slot| (key, slot))
    }

    fn place(&mut self, key: &str, slot: Slot) {
        let key = match self.shelf.slots.get_key_value(key) {
            Some((key, _)) => key.clone(),
            None => Arc::from(key),
        };
        if self.setup.durable {
            self.front.insert(key, slot);
        } else {
            self.shelf.put(&key, slot);
        }
    }
}

/// Sets and operations of a patch in one object; of a document that is one CRDT, its operation alone.
fn with_ops(set: Map, ops: Map) -> Value {
    match ops.get("") {
        Some(whole) => whole.clone(),
        None => set.into_iter().chain(ops).collect::<Map>().into(),
    }
}

/// What registers kept from counting, beside what was lost already.
fn with_lost(lost: Lost, registers: &[Box<str>], plan: &Plan) -> Lost {
    let Lost::Fields(mut names) = lost else { return Lost::All };
    names.extend(registers.iter().cloned());
    names.sort_unstable();
    let counted = plan.set.len() + plan.unset.len() + (plan.ops.len() - registers.len());
    if counted == 0 && plan.whole.is_none() && !plan.fresh { Lost::All } else { Lost::Fields(names) }
}
