//! A register: one value, and the later one wins.
//!
//! On the server *later* is its rule for every change. Without a server it is the stamp: time, then replica, and, of one
//! replica that said two things in one millisecond, the value itself. So any two states have one that is later, and which it
//! is does not depend on who asks.

use super::{Names, member};
use crate::value::{Map, Value};
use crate::why::Why;
use std::cmp::Ordering;

/// An lww-register.
#[derive(Clone, Debug, PartialEq)]
pub struct Register {
    value: Value,
    time: u64,
    writer: Names,
}

impl Default for Register {
    fn default() -> Self {
        Self { value: Value::Null, time: 0, writer: "".into() }
    }
}

impl Register {
    /// What it holds; null before the first.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// When that was set (ms since 1970), and by whom.
    #[must_use]
    pub fn stamp(&self) -> (u64, &str) {
        (self.time, &self.writer)
    }

    /// Set it, later than what is here; the delta. A clock that stands or went back does not lose what is said after it.
    #[allow(clippy::return_self_not_must_use, reason = "who hands on whole states needs no delta")]
    pub fn set(&mut self, writer: &str, value: Value, time: u64) -> Self {
        let time = if (time, writer) > self.stamp() { time } else { self.time.saturating_add(1) };
        *self = Self { value, time, writer: writer.into() };
        self.clone()
    }

    fn order(&self, other: &Self) -> Ordering {
        self.stamp().cmp(&other.stamp()).then_with(|| rank(&self.value).cmp(&rank(&other.value)))
    }

    /// Have what another has, if that is later.
    pub fn merge(&mut self, other: &Self) {
        if other.order(self) == Ordering::Greater {
            self.clone_from(other);
        }
    }

    /// Whether another has nothing that is later.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.order(self) != Ordering::Greater
    }

    /// By the server: `later` is its judgement, with the time that the change has.
    pub(super) fn apply(
        &mut self,
        op: &Value,
        writer: &str,
        time: u64,
        later: bool,
    ) -> Result<Option<Map>, Why> {
        let value = member(op, "set")?;
        if !later && time < self.time {
            return Ok(None);
        }
        *self = Self { value: value.clone(), time, writer: writer.into() };
        Ok(Some(self.members()))
    }

    pub(super) fn members(&self) -> Map {
        Map::new().with("v", self.value.clone()).with("t", self.time).with("r", &*self.writer)
    }

    pub(super) fn read(state: &Value) -> Result<Self, Why> {
        let wrong = |name: &str| Why::invalid(format!("{name:?} of a register is not as it should be"));
        Ok(Self {
            value: member(state, "v")?.clone(),
            time: member(state, "t")?.as_count().ok_or_else(|| wrong("t"))?,
            writer: member(state, "r")?.as_text().ok_or_else(|| wrong("r"))?.into(),
        })
    }
}

/// An order of values in which different ones are different.
fn rank(value: &Value) -> crate::digest::Fingerprint {
    crate::digest::fingerprint(value)
}
