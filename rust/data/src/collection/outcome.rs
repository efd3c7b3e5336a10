//! What came of a change, for its author; and why a push stops.

use super::plan::Lost;
use crate::position::Seq;
use crate::value::{Map, Value};
use crate::why::{Why, code};

/// The answer to one change. It is final: the same change said again gets the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done: as wished, or, where `by` says by what it was decided, but for what was lost.
    Done {
        /// The document's number then; none: it has none.
        seq: Option<Seq>,
        /// What decided.
        by: Option<Box<str>>,
        /// What did not count.
        lost: Lost,
        /// How much of its time lay in the future and was cut (ms).
        clamped_ms: Option<u64>,
    },
    /// Not done: its author decides.
    Conflict {
        /// The document's number.
        seq: Option<Seq>,
        /// What was contested.
        fields: Vec<Box<str>>,
        /// The document is gone, or another than the one it was made on.
        gone: bool,
    },
    /// Not done, and never will be.
    Rejected(Why),
}

fn names(names: &[Box<str>]) -> Value {
    Value::List(names.iter().map(|name| Value::from(&**name)).collect())
}

impl Outcome {
    /// Another change had this number.
    #[must_use]
    pub fn is_reused(&self) -> bool {
        matches!(self, Self::Rejected(why) if why.code == code::ID_REUSED)
    }

    /// As an ack says it of the change with this number.
    #[must_use]
    pub fn said(&self, n: u64) -> Value {
        let said = Map::new().with("n", n);
        match self {
            Self::Done { seq, by, lost, clamped_ms } => {
                let lost = by.is_some().then(|| lost.said());
                let by = by.as_deref();
                said.with("seq", *seq)
                    .with_some("by", by)
                    .with_some("lost", lost)
                    .with_some("clamped", *clamped_ms)
            }
            Self::Conflict { seq, fields, gone } => {
                let about = Map::new().with("seq", *seq).with("fields", names(fields)).with("gone", *gone);
                said.with("conflict", about)
            }
            Self::Rejected(why) => {
                said.with("rejected", Map::new().with("code", &*why.code).with("message", &*why.message))
            }
        }
        .into()
    }

    /// Read what `said` wrote: the number, and the outcome.
    pub fn read(said: &Value) -> Result<(u64, Self), Why> {
        let wrong = || Why::invalid("this is no result of a change");
        let n = crate::change::number_of(said).ok_or_else(wrong)?;
        let seq = |of: &Value| of.some("seq").map(|seq| seq.as_count().ok_or_else(wrong)).transpose();
        let texts = |list: &Value| -> Result<Vec<Box<str>>, Why> {
            let list = list.as_list().ok_or_else(wrong)?;
            list.iter().map(|name| name.as_text().map(Into::into).ok_or_else(wrong)).collect()
        };
        let outcome = if let Some(why) = said.some("rejected") {
            let text = |name| why.get(name).and_then(Value::as_text).ok_or_else(wrong);
            Self::Rejected(Why::new(text("code")?.to_owned(), text("message")?))
        } else if let Some(about) = said.some("conflict") {
            let fields = about.some("fields").map_or(Ok(Vec::new()), texts)?;
            Self::Conflict { seq: seq(about)?, fields, gone: about.get("gone") == Some(&Value::Bool(true)) }
        } else {
            let lost = match said.some("lost") {
                None => Lost::Fields(Vec::new()),
                Some(Value::Bool(true)) => Lost::All,
                Some(list) => Lost::Fields(texts(list)?),
            };
            let by = said.some("by").map(|by| by.as_text().map(Into::into).ok_or_else(wrong)).transpose()?;
            let clamped_ms = said.some("clamped").and_then(Value::as_count);
            Self::Done { seq: seq(said)?, by, lost, clamped_ms }
        };
        Ok((n, outcome))
    }
}

/// From which change on nothing was looked at, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The first of them; for `EXPECTED` the number to send from.
    pub n: u64,
    /// One of the codes of `held`.
    pub code: &'static str,
    /// Wait so long before it is said again (ms).
    pub after_ms: Option<u64>,
}

impl Held {
    /// As an ack says it.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "some seconds")]
    pub fn said(&self) -> Value {
        let after =
            self.after_ms.and_then(|ms| crate::number::Number::float(ms as f64 / 1000.0)).map(Value::Number);
        Map::new().with("n", self.n).with("code", self.code).with_some("after", after).into()
    }
}
