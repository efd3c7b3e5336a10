//! A push, from its first change to its ack.
//!
//! One change is looked at after the other. What must be asked is asked with the key as it is, and the answer counts only
//! while the key is as it was: else it is asked again, up to a limit. A push is driven to its end before the next one of the
//! same writer begins; those of others may come between two steps.

use super::decide::{Ruling, Said, decide, resolved};
use super::writers::{Known, Who};
use super::{Changed, Collection, Decided, Held, Outcome, Row};
use crate::change::{Change, Moment, Op, Timing, number_of};
use crate::digest::{Fingerprint, fingerprint};
use crate::limits::{DATA_ASKED, DATA_HELD_MS, DATA_PUSH};
use crate::position::Seq;
use crate::value::{Map, Value};
use crate::why::{Why, code};
use std::collections::VecDeque;

/// A push that is under way.
#[derive(Debug)]
pub struct Push {
    who: Who,
    changes: VecDeque<(u64, Value)>,
    results: Vec<Value>,
    held: Option<Held>,
    after: Option<u64>,
    asked: Option<Asked>,
}

/// What was asked about the first change that is left.
#[derive(Debug)]
struct Asked {
    what: What,
    /// The key's number then.
    seq: Option<Seq>,
    /// How often each question was asked.
    times: [u32; 3],
    answer: Option<Answer>,
    /// The change, as it was upgraded; it was allowed.
    upgraded: Option<Op>,
    allowed: bool,
}

/// What the application is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Bring a change from an older schema to this one: `Answer::Value` with the fields of the change, as it says them.
    Upgrade,
    /// May it be done, and is it of the type: `Answer::Yes` or `Answer::Reject`.
    May,
    /// What becomes of a contested change: `Answer::Document`, `Answer::Author`, or `Answer::Reject`.
    Resolve,
}

/// A question to the application.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// What is asked.
    pub what: What,
    /// The change as its author says it; upgraded, if it was.
    pub change: Value,
    /// The document as it is now.
    pub theirs: Option<Value>,
}

/// What the application says.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It may be done.
    Yes,
    /// It is not done, and never will be: it may not (`FORBIDDEN`), is not of the type (`INVALID_MESSAGE`), the application
    /// failed on it (`INTERNAL`), or knows no way from its schema (`OUTDATED`).
    Reject(Why),
    /// The change, upgraded: `op`, `value` and `unset` count.
    Value(Value),
    /// The document as it is to be; none: it is to go.
    Document(Option<Value>),
    /// Its author is to decide.
    Author,
}

/// What a step came to.
#[derive(Debug)]
pub enum Step {
    /// Ask, give the answer with [`Push::answer`], and go on.
    Ask(Question),
    /// One change was decided: say the entry, keep the rows, and go on.
    Decided(Box<Decided>),
    /// The push is over.
    Ended(Ack),
}

/// The ack of a push.
#[derive(Clone, Debug, PartialEq)]
pub struct Ack {
    /// Its data.
    pub data: Value,
    /// It may be told when what has this serial number is kept; if that is lost, it is `UNAVAILABLE` instead.
    pub after: Option<u64>,
}

impl Push {
    /// The answer to what was asked last.
    pub fn answer(&mut self, answer: Answer) {
        if let Some(asked) = &mut self.asked {
            asked.answer = Some(answer);
        }
    }

    /// The serial number of the last of what was decided in it, or of what its answer depends on.
    #[must_use]
    pub fn after(&self) -> Option<u64> {
        self.after
    }

    fn hold(&mut self, n: u64, code: &'static str, after_ms: Option<u64>) {
        self.changes.clear();
        self.held = Some(Held { n, code, after_ms });
    }

    fn answered(&mut self, n: u64, outcome: &Outcome) {
        self.results.push(outcome.said(n));
        self.changes.pop_front();
        self.asked = None;
    }

    fn ack(&mut self) -> Ack {
        let held = self.held.as_ref().map(Held::said);
        let data = Map::new().with("results", std::mem::take(&mut self.results)).with("held", held);
        Ack { data: data.into(), after: self.after }
    }
}

impl Collection {
    /// Read a push: `changes` and `seen`. A fault is the whole push's: nothing of it was looked at.
    pub fn begin(&mut self, who: Who, data: &Value, now_ms: u64) -> Result<Push, Why> {
        let list = match data.some("changes") {
            None => &[],
            Some(list) => list.as_list().ok_or_else(|| Why::invalid("\"changes\" is no list"))?,
        };
        if list.len() > DATA_PUSH {
            return Err(Why::large("changes of one push", list.len(), DATA_PUSH));
        }
        let mut changes = VecDeque::with_capacity(list.len());
        for change in list {
            let n = number_of(change).ok_or_else(|| Why::invalid("a change has no usable \"n\""))?;
            changes.push_back((n, change.clone()));
        }
        let seen = match data.some("seen") {
            None => 0,
            Some(seen) => seen.as_count().ok_or_else(|| Why::invalid("\"seen\" is no number"))?,
        };
        let mut push = Push { who, changes, results: Vec::new(), held: None, after: None, asked: None };
        let first = push.changes.front().map_or(seen.saturating_add(1), |(n, _)| *n);
        match self.writers.of(&push.who, self.setup.limits.writers) {
            None => push.hold(first, code::OVERLOADED, Some(DATA_HELD_MS)),
            Some(writer) => {
                if writer.admits(&push.who) {
                    writer.has_seen(seen);
                    writer.last_ms = writer.last_ms.max(now_ms);
                } else {
                    push.hold(first, code::FENCED, None);
                }
            }
        }
        Ok(push)
    }

    /// Go on with a push. `moment.next` is used if there is an entry, and only then.
    pub fn step(&mut self, push: &mut Push, moment: &Moment<'_>) -> Step {
        loop {
            let Some((n, said)) = push.changes.front().cloned() else { return Step::Ended(push.ack()) };
            // A copy of the outbox may have been opened since.
            let writer = self.writers.by_id.get_mut(&push.who.id).filter(|writer| {
                writer.incarnation == push.who.incarnation && writer.nonce == push.who.nonce
            });
            let Some(writer) = writer else {
                push.hold(n, code::FENCED, None);
                continue;
            };
            let fingerprint = content(&said);
            match writer.knows(n, &fingerprint) {
                Known::Next => {}
                Known::Decided(outcome) => {
                    if n > writer.kept_n {
                        push.after = push.after.max(self.ahead.back().map(|ahead| ahead.serial));
                    }
                    push.answered(n, &outcome);
                    continue;
                }
                Known::Expected(expected) => {
                    push.hold(expected, code::EXPECTED, None);
                    continue;
                }
                Known::Unseen => {
                    push.hold(n, code::UNSEEN, None);
                    continue;
                }
            }
            let number = writer.number;
            match self.look(push, (n, &said), number, moment) {
                Looked::Ask(question) => return Step::Ask(question),
                Looked::Held => push.hold(n, code::OVERLOADED, Some(DATA_HELD_MS)),
                Looked::Outcome(outcome, changed) => {
                    let decided = self.book(push, n, fingerprint, outcome, changed);
                    return Step::Decided(Box::new(decided));
                }
            }
        }
    }

    /// Number, outcome and what changed, in one step.
    fn book(
        &mut self,
        push: &mut Push,
        n: u64,
        fingerprint: Fingerprint,
        outcome: Outcome,
        changed: Option<Changed>,
    ) -> Decided {
        let mut rows = Vec::new();
        if let Some(writer) = self.writers.by_id.get_mut(&push.who.id) {
            writer.decided(fingerprint, outcome.clone());
            if self.setup.durable {
                rows.push(Row::writer(&push.who.id, writer));
                rows.push(Row::outcome(&push.who.id, n, &fingerprint, &outcome));
            }
        }
        push.answered(n, &outcome);
        let decided = self.done(Some((push.who.id.clone(), n)), outcome, changed, rows);
        if self.setup.durable {
            push.after = Some(decided.serial);
        }
        decided
    }

    fn look(
        &mut self,
        push: &mut Push,
        (n, said): (u64, &Value),
        writer: u64,
        moment: &Moment<'_>,
    ) -> Looked {
        match self.try_look(push, (n, said), writer, moment) {
            Ok(looked) => looked,
            Err(why) => Looked::Outcome(Outcome::Rejected(why), None),
        }
    }

    fn try_look(
        &mut self,
        push: &mut Push,
        (n, said): (u64, &Value),
        writer: u64,
        moment: &Moment<'_>,
    ) -> Result<Looked, Why> {
        let mut change = Change::read(said, moment)?;
        let seq = self.seq_at(&change.key);
        let other_schema = change.other_schema(&self.setup.schema);
        if let Some(version) = other_schema
            && !self.setup.upgrades.contains(&version)
        {
            let now = self.setup.schema.version;
            return Err(Why::new(
                code::OUTDATED,
                format!("the change is of schema {version}; here is {now}"),
            ));
        }
        let asked = push.asked.get_or_insert(Asked {
            what: What::Upgrade,
            seq,
            times: [0; 3],
            answer: None,
            upgraded: None,
            allowed: false,
        });
        // What was said of another state of the key does not count.
        let stale = asked.seq != seq;
        asked.seq = seq;
        if stale {
            asked.allowed = false;
            if asked.what != What::Upgrade {
                asked.answer = None;
            }
        }
        let mut document = None;
        match asked.answer.take() {
            None => {}
            Some(Answer::Reject(why)) => return Err(why),
            Some(Answer::Author) => document = Some(None),
            Some(Answer::Document(made)) => document = Some(Some(made)),
            Some(Answer::Value(value)) => asked.upgraded = Some(Op::of(&value)?),
            Some(Answer::Yes) => asked.allowed = true,
        }
        let shown = |op: Option<&Op>| op.map_or_else(|| said.clone(), |op| op.shown(said));
        if other_schema.is_some() && asked.upgraded.is_none() {
            asked.what = What::Upgrade;
            return Ok(self.ask(push, said.clone(), &change.key));
        }
        if let Some(op) = &asked.upgraded {
            change.op = op.clone();
        }
        change.op.check(&self.setup.schema, &self.setup.limits)?;
        let shown = shown(asked.upgraded.as_ref());
        if self.setup.asks && !asked.allowed && document.is_none() && change.op != Op::Skip {
            asked.what = What::May;
            return Ok(self.ask(push, shown, &change.key));
        }
        let timing = Timing::of(change.at, moment.now_ms);
        let by = Said { writer, timing };
        let there = self.there(&change.key);
        let ruling = match &document {
            Some(Some(made)) => {
                if let Some(made) = made {
                    Op::Put(made.clone()).check_size(&self.setup.limits)?;
                }
                Ruling::Do(resolved(there, &change, made.as_ref(), &self.setup.schema))
            }
            Some(None) => decide(there, &change, by, crate::schema::Strategy::Author, &self.setup.schema),
            None => decide(there, &change, by, self.setup.strategy, &self.setup.schema),
        };
        match ruling {
            Ruling::Do(plan) => {
                let (outcome, changed) = self.carry_out(&plan, &change, by, Some(n), moment)?;
                Ok(Looked::Outcome(outcome, changed))
            }
            Ruling::Conflict(fields, gone) => {
                Ok(Looked::Outcome(Outcome::Conflict { seq, fields, gone }, None))
            }
            Ruling::Ask => {
                if let Some(asked) = &mut push.asked {
                    asked.what = What::Resolve;
                }
                Ok(self.ask(push, shown, &change.key))
            }
        }
    }

    fn ask(&self, push: &mut Push, change: Value, key: &str) -> Looked {
        let Some(asked) = &mut push.asked else { return Looked::Held };
        let times = &mut asked.times[asked.what as usize];
        *times += 1;
        if *times > DATA_ASKED {
            return Looked::Held;
        }
        let theirs = self.get(key).map(|document| document.said());
        Looked::Ask(Question { what: asked.what, change, theirs })
    }
}

enum Looked {
    Ask(Question),
    Held,
    Outcome(Outcome, Option<Changed>),
}

/// What a number stands for: the change without its nulls, which say nothing, but for the value.
fn content(said: &Value) -> Fingerprint {
    let members = said.as_map().into_iter().flat_map(Map::iter);
    let told = members.filter(|(_, value)| **value != Value::Null).map(|(name, value)| (name, value.clone()));
    fingerprint(&told.collect::<Map>().into())
}
