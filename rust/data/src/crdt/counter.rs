//! Counters: each writer has a sum of its own, which only it raises; the value is the sum of sums.
//!
//! Merging takes the higher of two sums, so hearing a state twice, late or in another order changes nothing.

use super::{Names, Signs, member, names};
use crate::number::EXACT;
use crate::value::{Map, Value};
use crate::why::{Why, code};
use std::collections::BTreeMap;

/// A g-counter, or one half of a pn-counter.
/// Invariant: `total` is the sum of `sums`, and at most 2^53 - 1, as each of them is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    sums: BTreeMap<Names, u64>,
    total: u64,
}

fn overflow(what: u64) -> Why {
    Why::new(code::OVERFLOW, format!("a counter would be {what}; it holds up to {EXACT}"))
}

impl Sums {
    /// What all have counted.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Who has counted.
    pub(super) fn writers(&self) -> impl Iterator<Item = &Names> {
        self.sums.keys()
    }

    /// What one has counted.
    #[must_use]
    pub fn of(&self, writer: &str) -> u64 {
        self.sums.get(writer).copied().unwrap_or(0)
    }

    fn raised(&self, by: u64) -> Result<u64, Why> {
        let total = self.total.saturating_add(by);
        if total > EXACT.unsigned_abs() { Err(overflow(total)) } else { Ok(total) }
    }

    fn raise(&mut self, writer: &str, by: u64) -> Result<u64, Why> {
        self.set(writer, self.of(writer).saturating_add(by))
    }

    /// Set one writer's sum; it.
    fn set(&mut self, writer: &str, sum: u64) -> Result<u64, Why> {
        let others = self.total - self.of(writer);
        let total = others.saturating_add(sum);
        if total > EXACT.unsigned_abs() {
            return Err(overflow(total));
        }
        if sum == 0 {
            self.sums.remove(writer);
        } else {
            self.sums.insert(writer.into(), sum);
        }
        self.total = total;
        Ok(sum)
    }

    fn merge(&mut self, other: &Self) -> Result<(), Why> {
        let fresh = other.sums.iter().filter(|(writer, sum)| **sum > self.of(writer));
        let more: u64 = fresh.map(|(writer, sum)| sum - self.of(writer)).fold(0, u64::saturating_add);
        self.raised(more)?;
        for (writer, sum) in &other.sums {
            if *sum > self.of(writer) {
                self.set(writer, *sum)?;
            }
        }
        Ok(())
    }

    /// Whether `other` has nothing that is not in this.
    fn covers(&self, other: &Self) -> bool {
        other.sums.iter().all(|(writer, sum)| *sum <= self.of(writer))
    }

    /// Give one writer's sum to another.
    fn fold(&mut self, writer: &str, into: &str) {
        if let Some(sum) = self.sums.remove(writer) {
            *self.sums.entry(into.into()).or_default() += sum;
        }
    }

    fn said(&self) -> Value {
        self.sums.iter().map(|(writer, sum)| (&**writer, Value::from(*sum))).collect::<Map>().into()
    }

    fn read(state: &Value, name: &str) -> Result<Self, Why> {
        let mut sums = Self::default();
        for (writer, sum) in names(state, name)? {
            let sum =
                sum.as_count().ok_or_else(|| Why::invalid(format!("{name:?} has a sum that is none")))?;
            sums.set(writer, sum)?;
        }
        Ok(sums)
    }

    /// Set what was heard.
    fn hear(&mut self, heard: &Value, name: &str) -> Result<(), Why> {
        if heard.get(name).is_some() {
            for (writer, sum) in Self::read(heard, name)?.sums {
                self.set(&writer, sum)?;
            }
        }
        Ok(())
    }
}

/// How much an operation adds.
fn amount(op: &Value, signs: Signs) -> Result<i64, Why> {
    let add = member(op, "add")?;
    let number = add.as_int().ok_or_else(|| match add {
        Value::Number(number) if number.exact().is_none() && number.is_integer() => {
            Why::new(code::OVERFLOW, format!("\"add\" is beyond {EXACT}"))
        }
        _ => Why::invalid("\"add\" is no integer"),
    })?;
    if signs == Signs::Up && number < 0 {
        return Err(Why::invalid("a g-counter only counts up: \"add\" is below 0"));
    }
    Ok(number)
}

/// A counter that only counts up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GCounter {
    pub(super) up: Sums,
}

/// One that counts both ways: two that count up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PnCounter {
    pub(super) up: Sums,
    pub(super) down: Sums,
}

impl GCounter {
    /// The value.
    #[must_use]
    pub const fn value(&self) -> u64 {
        self.up.total()
    }

    /// Count for a writer; the delta.
    pub fn add(&mut self, writer: &str, by: u64) -> Result<Self, Why> {
        let sum = self.up.raise(writer, by)?;
        let mut delta = Self::default();
        delta.up.set(writer, sum)?;
        Ok(delta)
    }

    /// Have what another has.
    pub fn merge(&mut self, other: &Self) -> Result<(), Why> {
        self.up.merge(&other.up)
    }

    /// Whether another has nothing that is not here.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.up.covers(&other.up)
    }

    pub(super) fn check(&self, op: &Value) -> Result<(), Why> {
        self.up.raised(amount(op, Signs::Up)?.unsigned_abs()).map(drop)
    }

    pub(super) fn apply(&mut self, op: &Value, writer: &str) -> Result<Option<Map>, Why> {
        let by = amount(op, Signs::Up)?.unsigned_abs();
        Ok(if by == 0 { None } else { Some(self.add(writer, by)?.members()) })
    }

    pub(super) fn members(&self) -> Map {
        Map::new().with("p", self.up.said())
    }

    pub(super) fn read(state: &Value) -> Result<Self, Why> {
        Ok(Self { up: Sums::read(state, "p")? })
    }

    pub(super) fn hear(&mut self, heard: &Value) -> Result<(), Why> {
        self.up.hear(heard, "p")
    }

    pub(super) fn fold(&mut self, writer: &str, into: &str) {
        self.up.fold(writer, into);
    }
}

impl PnCounter {
    /// The value.
    #[must_use]
    pub fn value(&self) -> i64 {
        self.up.total().cast_signed() - self.down.total().cast_signed()
    }

    /// Count for a writer, up or down; the delta.
    pub fn add(&mut self, writer: &str, by: i64) -> Result<Self, Why> {
        let mut delta = Self::default();
        let (half, of_delta) =
            if by < 0 { (&mut self.down, &mut delta.down) } else { (&mut self.up, &mut delta.up) };
        of_delta.set(writer, half.raise(writer, by.unsigned_abs())?)?;
        Ok(delta)
    }

    /// Have what another has.
    pub fn merge(&mut self, other: &Self) -> Result<(), Why> {
        let mut up = self.up.clone();
        up.merge(&other.up)?;
        self.down.merge(&other.down)?;
        self.up = up;
        Ok(())
    }

    /// Whether another has nothing that is not here.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.up.covers(&other.up) && self.down.covers(&other.down)
    }

    pub(super) fn check(&self, op: &Value) -> Result<(), Why> {
        let by = amount(op, Signs::Both)?;
        let half = if by < 0 { &self.down } else { &self.up };
        half.raised(by.unsigned_abs()).map(drop)
    }

    pub(super) fn apply(&mut self, op: &Value, writer: &str) -> Result<Option<Map>, Why> {
        let by = amount(op, Signs::Both)?;
        if by == 0 {
            return Ok(None);
        }
        self.add(writer, by)?;
        // Both of the writer's sums: whoever hears it needs nothing else of it.
        let sums = |half: &Sums| Map::new().with(writer, half.of(writer));
        Ok(Some(Map::new().with("p", sums(&self.up)).with("n", sums(&self.down))))
    }

    pub(super) fn members(&self) -> Map {
        Map::new().with("p", self.up.said()).with("n", self.down.said())
    }

    pub(super) fn read(state: &Value) -> Result<Self, Why> {
        Ok(Self { up: Sums::read(state, "p")?, down: Sums::read(state, "n")? })
    }

    pub(super) fn hear(&mut self, heard: &Value) -> Result<(), Why> {
        self.up.hear(heard, "p")?;
        self.down.hear(heard, "n")
    }

    pub(super) fn fold(&mut self, writer: &str, into: &str) {
        self.up.fold(writer, into);
        self.down.fold(writer, into);
    }
}
