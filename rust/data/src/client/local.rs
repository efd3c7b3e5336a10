//! One's own changes.

use super::pending::{Conflict, Pending};
use super::{News, Replica};
use crate::change::{Op, check_key};
use crate::schema::Schema;
use crate::value::{Map, Value};
use crate::why::{Why, code};

/// How an author decides a conflict.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolution {
    /// His change counts.
    Mine,
    /// What is there stays.
    Theirs,
    /// This is the document.
    Set(Value),
}

impl Replica {
    /// Put a document; of one that is seen, the fields that differ go out. `at` is the server's time (ms since 1970). Its number;
    /// none: nothing differs.
    pub fn put(&mut self, key: &str, value: Value, at: u64) -> Result<Option<u64>, Why> {
        let op = match self.seen_of(key) {
            None => Some(Op::Put(value)),
            Some(seen) => seen.difference(&value),
        };
        op.map(|op| self.change(key, op, at, None)).transpose()
    }

    /// Set fields of a document, and take some out.
    pub fn patch(&mut self, key: &str, set: Value, unset: Vec<Box<str>>, at: u64) -> Result<u64, Why> {
        self.change(key, Op::Patch(set, unset), at, None)
    }

    /// Delete a document.
    pub fn delete(&mut self, key: &str, at: u64) -> Result<u64, Why> {
        self.change(key, Op::Delete, at, None)
    }

    fn change(&mut self, key: &str, op: Op, at: u64, on: Option<&Conflict>) -> Result<u64, Why> {
        check_key(key)?;
        if self.is_fenced() {
            return Err(Why::new(
                code::FENCED,
                "a copy of this outbox was opened later: it needs a new client id",
            ));
        }
        op.check_size(&self.limits)?;
        Self::check_marks(&op, &self.limits)?;
        let n = self.last_n + 1;
        let seq = on.map_or_else(|| self.confirmed.get(key).map(|known| known.seq), |conflict| conflict.seq);
        let was = self.get(key);
        let said = Map::new()
            .with("n", n)
            .with("key", key)
            .with("base", seq.map(|seq| self.position(seq)))
            .with("at", at)
            .with_some("schema", self.schema)
            .with_some("was", was.clone().filter(|_| self.custom))
            .with_some("resolves", on.map(|conflict| vec![Value::from(conflict.change.n)]));
        let said = op.shown(&said.into());
        // What no server would read is kept in no file, from which it could not be read either.
        Op::of(&said)?;
        self.last_n = n;
        self.pending.push(Pending {
            n,
            key: key.into(),
            op,
            said,
            was,
            sent: false,
            outcome: None,
            confirmed: false,
        });
        self.dirty.insert(n);
        self.touch(key);
        Ok(n)
    }

    /// A client need not know the type; but a patch that is none it can see.
    fn check_marks(op: &Op, limits: &crate::limits::Limits) -> Result<(), Why> {
        match op {
            Op::Patch(value, _) if value.as_map().is_none() => {
                Err(Why::invalid("a patch has an object as its value"))
            }
            Op::Patch(..) | Op::Put(_) => {
                // With a type that has whatever marks the change has: sizes and counts alone are looked at.
                let bare = match op {
                    Op::Patch(_, unset) => Op::Patch(Map::new().into(), unset.clone()),
                    _ => Op::Delete,
                };
                bare.check(&Schema::default(), limits)
            }
            Op::Delete | Op::Skip => Ok(()),
        }
    }

    /// Take back a change that was never sent: its number says nothing. False: it may have been done already.
    pub fn discard(&mut self, n: u64) -> bool {
        if self.pending.get(n).is_none_or(|pending| pending.sent || pending.op == Op::Skip) {
            return false;
        }
        let Some(change) = self.pending.skip(n) else { return false };
        self.dirty.insert(n);
        self.touch(&change.key);
        self.news.push(News::Discarded(n));
        true
    }

    /// Decide a conflict. The change that does it; none: nothing is to be changed. On a fault it stays a conflict.
    pub fn resolve(&mut self, n: u64, how: Resolution, at: u64) -> Result<Option<u64>, Why> {
        let Some(place) = self.conflicts.iter().position(|conflict| conflict.change.n == n) else {
            return Err(Why::invalid(format!("{n} is no change that waits for a decision")));
        };
        let conflict = self.conflicts[place].clone();
        let key = conflict.change.key.clone();
        // What is not held may be there all the same, until everything was heard.
        let known = conflict.gone || !self.confirmed.behind || self.confirmed.get(&key).is_some();
        let gone = known && self.theirs(&key).is_none();
        let op = match (how, &conflict.change.op) {
            (Resolution::Theirs, _) => None,
            (Resolution::Set(value), _) if gone => Some(Op::Put(value)),
            (Resolution::Set(value), _) => {
                self.seen_of(&key).map_or(Some(Op::Put(value.clone())), |seen| seen.difference(&value))
            }
            // Of a document that is gone, what it was with the change on top.
            (Resolution::Mine, Op::Patch(set, unset)) if gone => {
                let mut was =
                    conflict.change.was.as_ref().and_then(Value::as_map).cloned().unwrap_or_default();
                for name in unset {
                    was.remove(name);
                }
                Some(Op::Put(
                    was.into_iter().chain(set.as_map().cloned().unwrap_or_default()).collect::<Map>().into(),
                ))
            }
            (Resolution::Mine, op) => Some(op.clone()),
        };
        let said = op.map(|op| self.change(&key, op, at, Some(&conflict))).transpose()?;
        self.conflicts.remove(place);
        self.dirty.insert(n);
        Ok(said)
    }

    /// Say a refused change anew, on what is there now. Its new number.
    pub fn retry(&mut self, n: u64, at: u64) -> Result<u64, Why> {
        let Some(place) = self.refused.iter().position(|refused| refused.change.n == n) else {
            return Err(Why::invalid(format!("{n} is no change that was refused")));
        };
        let change = self.refused[place].change.clone();
        let again = self.change(&change.key, change.op, at, None)?;
        self.refused.remove(place);
        self.dirty.insert(n);
        Ok(again)
    }

    /// Let go of a refused change.
    pub fn forget(&mut self, n: u64) {
        self.refused.retain(|refused| refused.change.n != n);
        self.dirty.insert(n);
    }
}
