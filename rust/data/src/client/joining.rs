//! The server's word on the room: how far it is, and what it knows of who writes here.

use super::lane::Rest;
use super::{Pending, Replica};
use crate::collection::Outcome;
use crate::position::Position;
use crate::value::Value;
use crate::why::{Why, code};

impl Replica {
    /// The room was joined, or joined again by a resume: `epoch` of the `welcome`, `sync` of the ack or of the `room` message.
    pub fn joined(&mut self, epoch: &str, sync: &Value) {
        if self.joined && *epoch == *self.confirmed.epoch && self.is_from_before(sync) {
            return;
        }
        self.joined = true;
        (self.lane.flying, self.lane.sent, self.pulling) = (Vec::new(), 0, false);
        if self.lane.rest != Rest::Fenced {
            self.lane.rest = Rest::None;
        }
        self.schema = self.own_schema.or(sync.get("schema").and_then(Value::as_count));
        self.trouble = None;
        self.custom = sync.get("strategy").and_then(Value::as_text) == Some("custom");
        self.limit(sync);
        let horizon = sync.get("horizon").and_then(Value::as_text).and_then(Position::parse);
        let same = *epoch == *self.confirmed.epoch;
        let goes_on = same
            && horizon.is_none_or(|(of, seq)| {
                of == epoch && seq <= self.confirmed.at.max(self.confirmed.begun).unwrap_or(0)
            });
        if !same {
            self.drop_confirmed();
            self.confirmed.epoch = epoch.into();
            for (n, key) in self.pending.unanswered() {
                self.dirty.insert(n);
                self.touch(&key);
            }
            // The number of the document that a change met says nothing in this one.
            for conflict in &mut self.conflicts {
                conflict.seq = None;
                self.dirty.insert(conflict.change.n);
            }
        }
        self.confirmed.behind = true;
        if let Some(writer) = sync.some("writer") {
            self.writer(writer, goes_on);
        }
    }

    /// Whether this was said before an answer that is here: acks go ahead of what waits, and a `room` message waits.
    fn is_from_before(&self, sync: &Value) -> bool {
        let told = sync.some("writer").and_then(|writer| writer.get("n")?.as_count());
        told.is_some_and(|n| n < self.answered())
    }

    /// Up to here the server has answered.
    fn answered(&self) -> u64 {
        self.seen().max(self.pending.last_answered().unwrap_or(0))
    }

    fn limit(&mut self, sync: &Value) {
        let Some(limits) = sync.some("limits") else { return };
        let bound = |name: &str, now: usize| {
            limits.get(name).and_then(Value::as_count).and_then(|n| usize::try_from(n).ok()).unwrap_or(now)
        };
        self.limits.value = bound("value", self.limits.value);
        self.limits.fields = bound("fields", self.limits.fields);
        self.limits.elements = bound("elements", self.limits.elements);
    }

    fn writer(&mut self, writer: &Value, goes_on: bool) {
        self.name = writer.get("name").and_then(Value::as_text).unwrap_or_default().into();
        let n = writer.get("n").and_then(Value::as_count).unwrap_or(0);
        if n > self.last_n || self.is_said_elsewhere(n) {
            self.fence();
            return;
        }
        // `outcomes` say what came of numbers, not of what: a copy of this file may have said another change under one that was
        // sent from here and lost. So it is said again, and the server compares: the same has the outcome that it had.
        self.lane.told = Some(n);
        if n < self.answered() && goes_on {
            let unknown = |pending: &Pending| pending.sent && pending.outcome.is_none();
            let why = Why::new(
                code::OUTCOME_UNKNOWN,
                "the server has forgotten this writer: it may have been done",
            );
            let numbers: Vec<u64> =
                self.pending.iter().filter(|each| unknown(each)).map(|each| each.n).collect();
            for n in numbers {
                self.settle(n, Outcome::Rejected(why.clone()));
            }
        }
    }

    /// The server has decided a change of this writer's under a number that was given here and never left: this is a copy of
    /// another's outbox, or that is one of this.
    pub(super) fn is_said_elsewhere(&self, n: u64) -> bool {
        self.pending.is_unsent(n)
    }
}
