//! One's own changes that are not confirmed yet, and those that came to nothing.

use crate::change::{Op, number_of};
use crate::collection::Outcome;
use crate::position::Seq;
use crate::value::{Map, Value};
use crate::why::Why;

/// A change that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    /// Its number.
    pub n: u64,
    /// The document.
    pub key: Box<str>,
    /// What is to be done.
    pub op: Op,
    /// As it is said. Fixed before it is first sent.
    pub said: Value,
    /// What was seen before it.
    pub was: Option<Value>,
    /// It may have been sent.
    pub sent: bool,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// It is in what is confirmed: it is not shown on top of it.
    pub confirmed: bool,
}

/// A conflict that waits for its author.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// The change that was not done.
    pub change: Pending,
    /// The number of the document that it met.
    pub seq: Option<Seq>,
    /// What was contested.
    pub fields: Vec<Box<str>>,
    /// The document is gone, or another.
    pub gone: bool,
}

/// A change that was refused for good.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// The change that was not done.
    pub change: Pending,
    /// Why.
    pub why: Why,
}

impl Pending {
    pub(super) fn skip(&self) -> Self {
        let said =
            Map::new().with("n", self.n).with("op", "skip").with("key", &*self.key).with("base", Value::Null);
        Self {
            op: Op::Skip,
            said: said.into(),
            was: None,
            sent: false,
            outcome: None,
            confirmed: true,
            ..self.clone()
        }
    }

    /// To be kept.
    #[must_use]
    pub fn row(&self) -> Value {
        Map::new()
            .with("said", self.said.clone())
            .with_some("was", self.was.clone())
            .with("sent", self.sent)
            .with_some("outcome", self.outcome.as_ref().map(|it| it.said(self.n)))
            .with_some("confirmed", self.confirmed.then_some(true))
            .into()
    }

    /// Back from what was kept.
    pub fn of_row(row: &Value) -> Result<Self, Why> {
        let wrong = || Why::invalid("this is no pending change");
        let said = row.get("said").ok_or_else(wrong)?;
        let outcome = row.some("outcome").map(Outcome::read).transpose()?;
        let op = Op::of(said)?;
        Ok(Self {
            n: number_of(said).ok_or_else(wrong)?,
            key: said.get("key").and_then(Value::as_text).ok_or_else(wrong)?.into(),
            said: said.clone(),
            was: row.some("was").cloned(),
            sent: row.get("sent") == Some(&Value::Bool(true)),
            outcome: outcome.map(|(_, outcome)| outcome),
            confirmed: op == Op::Skip || row.get("confirmed") == Some(&Value::Bool(true)),
            op,
        })
    }
}
