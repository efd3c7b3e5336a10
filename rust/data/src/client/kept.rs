//! What a client keeps, and how it comes back from there.

use super::Replica;
use super::confirmed::Confirmed;
use super::contents::Contents;
use super::pending::{Conflict, Pending, Refused};
use super::seen::{News, Seen};
use crate::position::Seq;
use crate::value::{Map, Value};
use crate::why::Why;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One thing to keep, or to keep no longer. All that one call gives is one transaction.
#[derive(Clone, Debug, PartialEq)]
pub enum Keep {
    /// Nothing of what was confirmed: before all other rows.
    NoKeys,
    /// What is confirmed of a key; none: nothing any more.
    Key(Arc<str>, Option<Value>),
    /// A change of one's own by its number: pending, in conflict or refused; none: it is over.
    Change(u64, Option<Value>),
    /// How far it is.
    State(Value),
}

fn wrong() -> Why {
    Why::invalid("this is no row of a client's collection")
}

/// What one call, or several, have changed.
#[derive(Debug, Default)]
pub struct Kept {
    /// To be kept, in one transaction. Empty where nobody keeps anything.
    pub rows: Vec<Keep>,
    /// Keys of which something else is seen.
    pub seen: Vec<Seen>,
    /// What became of one's own changes.
    pub news: Vec<News>,
}

impl Replica {
    /// What is to be kept since the last call, if it is, and what is seen now.
    pub fn keep(&mut self, stored: bool) -> Kept {
        let mut touched = std::mem::take(&mut self.touched);
        let forgotten = std::mem::take(&mut self.confirmed.forgotten);
        touched.extend(forgotten.iter().cloned());
        let (dropped, dirty) = (std::mem::take(&mut self.dropped), std::mem::take(&mut self.dirty));
        let rows = if stored { self.rows(&touched, forgotten, dropped, dirty) } else { Vec::new() };
        Kept { rows, seen: self.look(touched), news: std::mem::take(&mut self.news) }
    }

    fn rows(
        &self,
        touched: &BTreeSet<Arc<str>>,
        forgotten: Vec<Arc<str>>,
        dropped: bool,
        dirty: BTreeSet<u64>,
    ) -> Vec<Keep> {
        let mut rows = Vec::new();
        if dropped {
            rows.push(Keep::NoKeys);
        }
        let lost = forgotten.into_iter().filter(|key| self.confirmed.get(key).is_none());
        rows.extend(lost.map(|key| Keep::Key(key, None)));
        for key in touched {
            if let Some(known) = self.confirmed.get(key) {
                let value = known.contents.as_ref().map(Contents::said);
                let row = Map::new().with("seq", known.seq).with_some("value", value).into();
                rows.push(Keep::Key(key.clone(), Some(row)));
            }
        }
        for n in dirty {
            rows.push(Keep::Change(n, self.row_of(n)));
        }
        let state = Map::new()
            .with("epoch", &*self.confirmed.epoch)
            .with("at", self.confirmed.at)
            .with("begun", self.confirmed.begun)
            .with("n", self.last_n)
            .with("name", &*self.name);
        rows.push(Keep::State(state.into()));
        rows
    }

    fn row_of(&self, n: u64) -> Option<Value> {
        let pending = self.pending.get(n).map(Pending::row);
        let mut row = Map::new().with_some("pending", pending);
        if let Some(conflict) = self.conflicts.iter().find(|conflict| conflict.change.n == n) {
            let Conflict { change, seq, fields, gone } = conflict;
            let fields: Vec<Value> = fields.iter().map(|name| Value::from(&**name)).collect();
            let about = Map::new().with("seq", *seq).with("fields", fields).with("gone", *gone);
            row = row.with("change", change.row()).with("conflict", about);
        }
        if let Some(Refused { change, why }) = self.refused.iter().find(|refused| refused.change.n == n) {
            let about = Map::new().with("code", &*why.code).with("message", &*why.message);
            row = row.with("change", change.row()).with("refused", about);
        }
        (!row.is_empty()).then(|| row.into())
    }

    /// One that comes back from what was kept: state, keys, and changes by number.
    pub fn restore(rows: impl IntoIterator<Item = Keep>) -> Result<Self, Why> {
        let mut made = Self::new();
        let mut changes = Vec::new();
        for row in rows {
            match row {
                Keep::NoKeys => drop(made.confirmed.clear()),
                Keep::Key(_, None) | Keep::Change(_, None) => {}
                Keep::Key(key, Some(row)) => {
                    let seq: Seq = row.get("seq").and_then(Value::as_count).ok_or_else(wrong)?;
                    made.confirmed.put(&key, seq, row.get("value").map(Contents::read));
                }
                Keep::Change(n, Some(row)) => changes.push((n, row)),
                Keep::State(row) => {
                    let seq =
                        |name: &str| row.some(name).map(|seq| seq.as_count().ok_or_else(wrong)).transpose();
                    let Confirmed { at, begun, .. } = &mut made.confirmed;
                    (*at, *begun) = (seq("at")?, seq("begun")?);
                    made.confirmed.epoch =
                        row.get("epoch").and_then(Value::as_text).ok_or_else(wrong)?.into();
                    made.last_n = seq("n")?.unwrap_or(0);
                    made.name = row.get("name").and_then(Value::as_text).unwrap_or_default().into();
                }
            }
        }
        made.confirmed.behind = true;
        changes.sort_by_key(|(n, _)| *n);
        for (n, row) in changes {
            made.last_n = made.last_n.max(n);
            if let Some(row) = row.get("pending") {
                made.pending.push(Pending::of_row(row)?);
            }
            let Some(change) = row.get("change").map(Pending::of_row).transpose()? else { continue };
            if let Some(why) = row.get("refused") {
                let text = |name| why.get(name).and_then(Value::as_text).ok_or_else(wrong);
                made.refused
                    .push(Refused { why: Why::new(text("code")?.to_owned(), text("message")?), change });
            } else if let Some(about) = row.get("conflict") {
                let fields = about.get("fields").and_then(Value::as_list).unwrap_or_default();
                made.conflicts.push(Conflict {
                    seq: about.get("seq").and_then(Value::as_count),
                    fields: fields.iter().filter_map(|name| Some(name.as_text()?.into())).collect(),
                    gone: about.get("gone") == Some(&Value::Bool(true)),
                    change,
                });
            }
        }
        made.tidy();
        made.touched.extend(made.confirmed.keys.keys().cloned());
        let mine: Vec<Arc<str>> = made.pending.iter().map(|pending| (&*pending.key).into()).collect();
        made.touched.extend(mine);
        let touched = std::mem::take(&mut made.touched);
        drop(made.look(touched));
        Ok(made)
    }
}
