//! A collection, as a client has it: what is confirmed, and one's own changes replayed on top, in one place.
//!
//! As deterministic as the server's side. Whoever drives it tells it what was heard (`joined`, `hear`, `gap`, `page`, `left`, `pushed`,
//! `push_failed`, `away`), asks what is due (`next_push`, `next_pull`), and after each call keeps what [`Replica::keep`] gives, all in one
//! transaction, before anything else leaves.
//!
//! Invariants: `pending` is in the order of numbers, without a gap, and all numbers below its first are over; what is seen of a
//! key is what is confirmed with its pending changes on top.

mod confirmed;
mod contents;
mod joining;
mod kept;
mod lane;
mod local;
mod pending;
mod queue;
mod seen;

pub use kept::{Keep, Kept};
pub use lane::Out;
pub use local::Resolution;
pub use pending::{Conflict, Pending, Refused};
pub use seen::{News, Seen};

use crate::change::Op;
use crate::collection::Outcome;
use crate::crdt::Author;
use crate::limits::{DATA_RESET_MS, Limits};
use crate::position::{Position, Seq};
use crate::value::Value;
use crate::why::Why;
use confirmed::{Confirmed, Took};
use contents::Contents;
use lane::{Lane, Rest};
use queue::Queue;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A collection at a client.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own, and all combinations are")]
pub struct Replica {
    confirmed: Confirmed,
    pending: Queue,
    /// Conflicts that wait for the author.
    pub conflicts: Vec<Conflict>,
    /// Changes that were refused for good.
    pub refused: Vec<Refused>,
    lane: Lane,
    limits: Limits,
    /// The highest number that was ever given.
    last_n: u64,
    /// One's public name, as the last join told it.
    name: Box<str>,
    /// The schema that the program knows; none: whatever the server has.
    own_schema: Option<u64>,
    schema: Option<u64>,
    custom: bool,
    joined: bool,
    pulling: bool,
    reset_at: Option<u64>,
    trouble: Option<Why>,
    /// Keys whose view may be another, and numbers of pending changes to be kept anew.
    touched: BTreeSet<Arc<str>>,
    dirty: BTreeSet<u64>,
    dropped: bool,
    /// What was seen when it was last kept.
    shown: BTreeMap<Arc<str>, Contents>,
    news: Vec<News>,
}

/// A `pull` that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// It has everything up to here.
    pub after: Option<String>,
    /// Where the first sync began.
    pub begun: Option<String>,
}

impl Replica {
    /// One that has nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether all that was said is held: what is seen is as fresh as the connection.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.joined && !self.confirmed.behind
    }

    /// A copy of this outbox was opened later, or it was one: a new client id is needed.
    #[must_use]
    pub fn is_fenced(&self) -> bool {
        self.lane.rest == Rest::Fenced
    }

    /// The schema that the program knows; none: whatever the server has.
    pub fn set_schema(&mut self, version: Option<u64>) {
        self.own_schema = version;
        self.schema = version.or(self.schema);
    }

    /// What cannot go on by itself; to be shown.
    #[must_use]
    pub fn trouble(&self) -> Option<&Why> {
        self.trouble.as_ref()
    }

    /// The position up to which everything is confirmed.
    #[must_use]
    pub fn confirmed(&self) -> Option<String> {
        self.confirmed.at.map(|seq| self.position(seq))
    }

    fn position(&self, seq: Seq) -> String {
        Position { epoch: &self.confirmed.epoch, seq }.to_string()
    }

    /// Changes that wait.
    #[must_use]
    pub fn pending(&self) -> impl ExactSizeIterator<Item = &Pending> {
        self.pending.iter()
    }

    fn touch(&mut self, key: &str) {
        self.touched.insert(key.into());
    }

    /// What is seen of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Value> {
        self.seen_of(key).map(|contents| contents.said())
    }

    /// What is confirmed of a key.
    #[must_use]
    pub fn theirs(&self, key: &str) -> Option<Value> {
        self.confirmed.get(key)?.contents.as_ref().map(Contents::said)
    }

    fn seen_of(&self, key: &str) -> Option<Contents> {
        let confirmed = self.confirmed.get(key).and_then(|known| known.contents.clone());
        self.pending.of_key(key).fold(confirmed, |there, pending| {
            let time = pending.said.get("at").and_then(Value::as_count).unwrap_or(0);
            let author = Author { name: &self.name, n: pending.n, time, later: true };
            Contents::changed(there.as_ref(), &pending.op, &author)
        })
    }

    /// The connection is lost: what was sent may have been done or not.
    pub fn away(&mut self) {
        (self.joined, self.pulling, self.lane.flying, self.lane.sent) = (false, false, Vec::new(), 0);
    }

    /// The room was left, or the right to it is gone: what was confirmed goes, what is pending stays.
    pub fn left(&mut self) {
        self.away();
        self.drop_confirmed();
    }

    fn drop_confirmed(&mut self) {
        self.touched.extend(self.confirmed.clear());
        self.dropped = true;
        for (n, key) in self.pending.unconfirm() {
            self.dirty.insert(n);
            self.touch(&key);
        }
    }

    /// A change of one's own is in what is confirmed. That is kept with what is confirmed, or it would count twice when both
    /// come back.
    fn confirm(&mut self, n: u64) {
        if self.pending.confirm(n) {
            self.dirty.insert(n);
        }
    }

    /// A change is heard.
    pub fn hear(&mut self, seq: Seq, data: &Value) {
        let key = data.get("key").and_then(Value::as_text).unwrap_or_default();
        let took = self.confirmed.hear(seq, data);
        if took == Took::Applied {
            self.touch(key);
        }
        if took != Took::LeftOut {
            // Before the join's ack a name is one that may be another's by now: it was given to no record until a push.
            let named = self.joined && !self.name.is_empty();
            let mine = named && data.get("writer").and_then(Value::as_text) == Some(&*self.name);
            if let (true, Some(n)) = (mine, data.get("n").and_then(Value::as_count)) {
                // It is in what is confirmed.
                if self.is_said_elsewhere(n) {
                    self.fence();
                }
                self.confirm(n);
                self.touch(key);
            }
        }
        self.tidy();
    }

    /// A gap of the room was told, up to this number.
    pub fn gap(&mut self, to: Seq) {
        self.confirmed.behind = true;
        self.confirmed.need = self.confirmed.need.max(to);
    }

    /// The next `pull`, if one is due. One at a time.
    pub fn next_pull(&mut self) -> Option<Due> {
        if !self.joined || !self.confirmed.behind || self.pulling || self.trouble.is_some() {
            return None;
        }
        self.pulling = true;
        let begun = self.confirmed.begun.map(|seq| self.position(seq));
        Some(Due { after: self.confirmed(), begun })
    }

    /// A pull came back with an error: it is due again.
    pub fn pull_failed(&mut self) {
        self.pulling = false;
    }

    /// A page is here.
    pub fn page(&mut self, page: &Value, now_ms: u64) {
        if !std::mem::take(&mut self.pulling) {
            return;
        }
        let seq = |name: &str| {
            let text = page.get(name).and_then(Value::as_text)?;
            Position::parse(text).filter(|(epoch, _)| *epoch == &*self.confirmed.epoch).map(|(_, seq)| seq)
        };
        let is = |name: &str| page.get(name) == Some(&Value::Bool(true));
        let (next, begun, complete) = (seq("next"), seq("begun"), is("complete"));
        let Some(next) = next.filter(|_| !is("reset")) else {
            self.reset(now_ms);
            return;
        };
        let n = page.get("n").and_then(Value::as_count).unwrap_or(0);
        if self.is_said_elsewhere(n) {
            self.fence();
        }
        let mut listed = BTreeSet::new();
        for doc in page.get("docs").and_then(Value::as_list).unwrap_or_default() {
            let (Some(key), Some(seq)) =
                (doc.get("key").and_then(Value::as_text), doc.get("seq").and_then(Value::as_count))
            else {
                continue;
            };
            let value = if doc.get("deleted") == Some(&Value::Bool(true)) {
                None
            } else {
                Some(doc.get("value").unwrap_or(&Value::Null))
            };
            listed.insert(key);
            if self.confirmed.listed(key, seq, value) == Took::Applied {
                self.touch(key);
                let mine: Vec<u64> = self.pending.of_key(key).map(|pending| pending.n).collect();
                for decided in mine.into_iter().filter(|mine| *mine <= n) {
                    self.confirm(decided);
                }
            }
        }
        let confirmed = &mut self.confirmed;
        if let Some(begun) = begun {
            confirmed.prove(&listed, next, begun, complete);
        }
        confirmed.at = confirmed.at.max(Some(next));
        confirmed.begun = if complete { None } else { begun };
        if complete {
            if let Some(checksum) = page.get("checksum").and_then(Value::as_text)
                && !confirmed.agrees(checksum, next)
            {
                self.reset(now_ms);
                return;
            }
            confirmed.behind = next < confirmed.need;
            let decided: Vec<(u64, Arc<str>)> =
                self.pending.iter().take_while(|it| it.n <= n).map(|it| (it.n, (&*it.key).into())).collect();
            for (n, key) in decided {
                self.confirm(n);
                self.touched.insert(key);
            }
        }
        self.tidy();
    }

    /// What is held cannot be gone on from. What is pending stays.
    fn reset(&mut self, now_ms: u64) {
        let again = self.reset_at.is_some_and(|before| now_ms.saturating_sub(before) < DATA_RESET_MS);
        if again {
            self.trouble = Some(Why::new(
                "RESET",
                "what is held was reset twice in a minute: the server's answers do not fit",
            ));
        }
        self.reset_at = Some(now_ms);
        self.drop_confirmed();
    }

    /// What came of a change is known.
    fn settle(&mut self, n: u64, outcome: Outcome) {
        if outcome.is_reused() {
            if self.pending.get(n).is_some_and(|pending| pending.outcome.is_none()) {
                self.fence();
            }
            return;
        }
        if !self.pending.answer(n, outcome.clone()) {
            return;
        }
        let Some(change) = self.pending.get(n).cloned() else { return };
        self.dirty.insert(n);
        self.touch(&change.key);
        if change.op == Op::Skip {
            // It was told what came of the change whose number this is.
            self.tidy();
            return;
        }
        self.news.push(News::Answered(n, outcome.clone()));
        match outcome {
            Outcome::Done { .. } => {}
            Outcome::Conflict { seq, fields, gone } => {
                self.conflicts.push(Conflict { change, seq, fields, gone });
            }
            Outcome::Rejected(why) => self.refused.push(Refused { change, why }),
        }
        self.tidy();
    }

    /// Let go of the changes that are over: those that came to nothing, and those that are held.
    fn tidy(&mut self) {
        let confirmed = &self.confirmed;
        let settled = self.pending.settle(|pending| {
            let held = |seq| {
                confirmed.at.is_some_and(|at| at >= seq)
                    || confirmed.get(&pending.key).is_some_and(|known| known.seq >= seq)
            };
            match &pending.outcome {
                None => false,
                Some(Outcome::Done { seq, .. }) => seq.is_none_or(held),
                Some(Outcome::Conflict { .. } | Outcome::Rejected(_)) => true,
            }
        });
        // One before it may still wait: it is not over, and is seen no more all the same.
        for (n, key) in settled {
            self.dirty.insert(n);
            self.touched.insert((&*key).into());
        }
        while let Some(first) = self.pending.pop() {
            self.dirty.insert(first.n);
            self.news.push(News::Over(first.n));
            self.touched.insert((&*first.key).into());
        }
    }
}
