//! The lane: what is pushed, in which order, and when it rests.
//!
//! Up to four pushes are in flight, and all of them are in the order of numbers. When one comes back with a `held`, nothing more
//! goes out until all have come back; then it goes on from there.

use super::pending::{Pending, Refused};
use super::{News, Replica};
use crate::change::Op;
use crate::collection::Outcome;
use crate::limits::{DATA_LANES, DATA_PUSH, DATA_PUSH_BYTES};
use crate::value::{Map, Value};
use crate::why::{Why, code};

/// What stands in the way.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Rest {
    #[default]
    None,
    /// Until this time (ms), and until all pushes have come back.
    Held(u64),
    /// For a right: until the next join.
    Right,
    /// For good: this is a copy.
    Fenced,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Lane {
    pub flying: Vec<(u64, Vec<u64>)>,
    pub rest: Rest,
    /// The highest number that was sent on this connection.
    pub sent: u64,
    token: u64,
    /// The last number that the server says it has decided; none: it has not said.
    pub told: Option<u64>,
    /// Changes go one at a time up to this number: one of them is refused with its whole push.
    pub single: u64,
    /// How many pushes may be in flight; none: as many as may be at most.
    pub most: Option<usize>,
}

/// A push to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Out {
    /// To be given back with its ack.
    pub token: u64,
    /// `changes` and `seen`.
    pub data: Value,
}

impl Replica {
    /// The number up to which every outcome is kept, and what it was about is confirmed or was told.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.pending.first().map_or(self.last_n, |first| first.n - 1)
    }

    /// The next push, if one is due. None: nothing is, or the lane rests.
    pub fn next_push(&mut self, now_ms: u64) -> Option<Out> {
        if !self.joined || self.lane.flying.len() >= self.lane.most.unwrap_or(DATA_LANES) {
            return None;
        }
        match self.lane.rest {
            Rest::None => {}
            Rest::Held(until) if self.lane.flying.is_empty() && now_ms >= until => {
                self.lane.rest = Rest::None;
            }
            Rest::Held(_) | Rest::Right | Rest::Fenced => return None,
        }
        let from = self.lane.sent;
        // What is answered is not said again: it waits to be confirmed. Should the server have forgotten it, what comes next
        // waits for that too, and goes with `seen`.
        let next = self.lane.told.map(|told| told.max(from).max(self.seen()).saturating_add(1));
        let (mut bytes, mut changes, mut numbers) = (0, Vec::new(), Vec::new());
        for pending in self.pending.from(from + 1).filter(|pending| pending.outcome.is_none()) {
            if changes.is_empty() && next.is_some_and(|next| pending.n > next) {
                return None;
            }
            let size = pending.said.size() + 1;
            let single = pending.n <= self.lane.single;
            let full = changes.len() >= DATA_PUSH || bytes + size > DATA_PUSH_BYTES || single;
            if !changes.is_empty() && full {
                break;
            }
            if single && !self.lane.flying.is_empty() {
                return None;
            }
            bytes += size;
            if !pending.sent {
                self.dirty.insert(pending.n);
            }
            changes.push(pending.said.clone());
            numbers.push(pending.n);
            if single {
                break;
            }
        }
        self.lane.sent = *numbers.last()?;
        for n in &numbers {
            self.pending.send(*n);
        }
        self.lane.token += 1;
        self.lane.flying.push((self.lane.token, numbers));
        let data = Map::new().with("changes", changes).with("seen", self.seen());
        Some(Out { token: self.lane.token, data: data.into() })
    }

    fn landed(&mut self, token: u64) -> Option<Vec<u64>> {
        let at = self.lane.flying.iter().position(|(flying, _)| *flying == token)?;
        Some(self.lane.flying.remove(at).1)
    }

    /// The ack of a push.
    pub fn pushed(&mut self, token: u64, data: &Value, now_ms: u64) {
        if self.landed(token).is_none() {
            return;
        }
        let results = data.get("results").and_then(Value::as_list).unwrap_or_default();
        let results = results.iter().filter_map(|result| Outcome::read(result).ok());
        // Who is fenced by one of them knows what came of the others.
        let (reused, others): (Vec<_>, Vec<_>) = results.partition(|(_, outcome)| outcome.is_reused());
        for (n, outcome) in others.into_iter().chain(reused) {
            self.settle(n, outcome);
        }
        let Some(held) = data.some("held") else { return };
        let after = match held.get("after") {
            Some(Value::Number(number)) => number.ms(),
            _ => 0,
        };
        if held.get("code").and_then(Value::as_text) == Some(code::FENCED) {
            self.fence();
            return;
        }
        if let Some(n) = held.get("n").and_then(Value::as_count) {
            self.lane.sent = self.lane.sent.min(n.saturating_sub(1));
            self.lane.told = self.lane.told.map(|_| n.saturating_sub(1));
        }
        self.hold(now_ms.saturating_add(after));
    }

    /// It rests until then, or longer if that was said before.
    fn hold(&mut self, until: u64) {
        self.lane.rest = match self.lane.rest {
            Rest::Held(before) => Rest::Held(before.max(until)),
            Rest::None => Rest::Held(until),
            Rest::Right => Rest::Right,
            Rest::Fenced => Rest::Fenced,
        };
    }

    /// A push came back with an error: nothing of it was looked at. `after_ms` with `retry`.
    pub fn push_failed(&mut self, token: u64, why: &Why, retry: bool, after_ms: u64, now_ms: u64) {
        let Some(numbers) = self.landed(token) else { return };
        let (first, last) = (numbers.first().copied().unwrap_or(0), numbers.last().copied().unwrap_or(0));
        self.lane.sent = self.lane.sent.min(first.saturating_sub(1));
        if self.lane.rest == Rest::Fenced {
            return;
        }
        let right = !retry && matches!(&*why.code, "UNAUTHORIZED" | "FORBIDDEN" | "NOT_FOUND");
        if right {
            self.lane.rest = Rest::Right;
        } else {
            self.hold(now_ms.saturating_add(if retry { after_ms } else { 0 }));
        }
        if retry || right {
            return;
        }
        if numbers.len() > 1 {
            self.lane.single = self.lane.single.max(last);
        } else if let Some(change) = self.pending.skip(first) {
            // It alone is at fault: its number is filled.
            self.refuse(change, why.clone());
        }
    }

    fn refuse(&mut self, change: Pending, why: Why) {
        self.dirty.insert(change.n);
        self.touch(&change.key.clone());
        if change.op != Op::Skip {
            self.news.push(News::Answered(change.n, Outcome::Rejected(why.clone())));
            self.refused.push(Refused { change, why });
        }
    }

    /// This is a copy of another's outbox: it says nothing more under its name, until it is renewed.
    pub fn fence(&mut self) {
        self.lane.rest = Rest::Fenced;
        for change in self.pending.drain() {
            // What is known to be done, or was told already, is no change to be said anew.
            if change.outcome.is_none() {
                self.refuse(change, Why::new(code::FENCED, "a copy of this outbox was opened: say it anew"));
            } else {
                self.dirty.insert(change.n);
                self.touch(&change.key);
                self.news.push(News::Over(change.n));
            }
        }
    }

    /// It speaks under another client id from the next join on, which has said nothing yet.
    pub fn renew(&mut self) {
        self.away();
        self.name = Box::default();
        self.lane.rest = Rest::None;
    }

    /// When the lane, which rests for a time, goes on (ms).
    #[must_use]
    pub fn rests_until(&self) -> Option<u64> {
        match self.lane.rest {
            Rest::Held(until) => Some(until),
            Rest::None | Rest::Right | Rest::Fenced => None,
        }
    }

    /// Whether the lane waits for a right.
    #[must_use]
    pub fn wants_right(&self) -> bool {
        self.lane.rest == Rest::Right
    }

    /// How many pushes may be in flight on this transport; none: as many as may be at most.
    pub fn set_lanes(&mut self, most: Option<usize>) {
        self.lane.most = most;
    }
}
